//! Kills a run in every way a run can die, and expects the next one to end with an equal target.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::time::Duration;

use testkit::{Cluster, Database, Dice, Installation, Proxy, wait_for};

use crate::support::{assert_equal, levada, start};

const PATIENCE: Duration = Duration::from_secs(60);

/// A source and a target server of their own: these tests kill servers.
struct Stage {
    source_server: Cluster,
    target_server: Cluster,
    source: Database,
    target: Database,
    folder: PathBuf,
}

impl Stage {
    fn new(name: &str, n: u32) -> Self {
        let installation = Installation::find().unwrap();
        let source_server = Cluster::builder(&installation).start().unwrap();
        let target_server = Cluster::builder(&installation).start().unwrap();
        let source = source_server.create_database("library").unwrap();
        let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fixtures/library.sql");
        source.load_file(fixture.as_ref(), &[("n", &n.to_string())]).unwrap();
        let target = target_server.create_database("reports").unwrap();
        let folder = std::env::temp_dir().join(format!("levada-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self { source_server, target_server, source, target, folder }
    }

    /// Writes a configuration for these two URLs and returns its path.
    fn config(&self, source: &str, target: &str) -> String {
        let path = self.folder.join("levada.toml");
        let text = format!(
            "[source]\nurl = \"{source}\"\n[target]\nurl = \"{target}\"\n\
             [copy]\njobs = 2\nrange_mib = 1\nheartbeat_seconds = 1\n"
        );
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn usual_config(&self) -> String {
        self.config(self.source.url(), self.target.url())
    }

    fn fresh_target(&self) {
        let admin = self.target_server.database("postgres");
        admin.execute("DROP DATABASE IF EXISTS reports WITH (FORCE)").unwrap();
        admin.execute("CREATE DATABASE reports").unwrap();
    }

    /// The number of JSON lines of an undisturbed run.
    fn count_events(&self, config: &str) -> u64 {
        let ran = levada(&["run", "--json", "--config", config]).expect_code(0);
        self.fresh_target();
        ran.stdout.lines().count() as u64
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Reads JSON lines of a run until `count` have come or the run has ended.
fn after_events(child: &mut Child, count: u64) {
    let output = child.stdout.take().unwrap();
    let mut lines = BufReader::new(output).lines();
    for _ in 0..count {
        if lines.next().is_none() {
            return;
        }
    }
    // The rest is read elsewhere, so that levada never writes into a closed or full pipe.
    std::thread::spawn(move || lines.count());
}

/// Waits for the end; what the run said on standard error is shown where a test fails.
fn end(child: Child) -> ExitStatus {
    let output = child.wait_with_output().unwrap();
    eprintln!("{}", String::from_utf8_lossy(&output.stderr));
    output.status
}

/// Rows that change between two runs: the next snapshot differs from the one before.
fn disturb(source: &Database, dice: &mut Dice) {
    let changes = [
        "UPDATE loan SET note = '{}' WHERE id % 1000 = 7",
        "DELETE FROM keyless WHERE ctid IN (SELECT ctid FROM keyless LIMIT 3)",
        "INSERT INTO book (title) VALUES ('late'); REFRESH MATERIALIZED VIEW by_author",
        "INSERT INTO visit VALUES ('2025-01-01', 900000 + (random() * 1000)::int) \
         ON CONFLICT DO NOTHING",
        "BEGIN; CREATE TABLE kept AS TABLE keyless; TRUNCATE keyless; \
         INSERT INTO keyless SELECT * FROM kept LIMIT 50; DROP TABLE kept; COMMIT",
        "VACUUM FULL member",
        "SELECT nextval('book_id_seq')",
    ];
    if let Some(change) = dice.pick(&changes) {
        source.execute(change).unwrap();
    }
}

#[test]
fn a_run_killed_at_twenty_points_ends_equal() {
    kill_and_resume(&Stage::new("kill", 20_000), 20, 20_261_121);
}

/// The same more often and with more rows, only where `make test-long` asks for it.
#[test]
fn long_a_run_killed_at_a_hundred_points_ends_equal() {
    if std::env::var_os("LEVADA_LONG").is_none() {
        eprintln!("SKIPPED: make test-long runs it");
        return;
    }
    kill_and_resume(&Stage::new("long-kill", 60_000), 100, 4711);
}

fn kill_and_resume(stage: &Stage, points: u32, seed: u64) {
    let config = stage.usual_config();
    let events = stage.count_events(&config);
    let mut dice = Dice::from_env_or(seed);
    for _ in 0..points {
        stage.fresh_target();
        let kills = dice.between(1, 2);
        for _ in 0..kills {
            let mut child = start(&["run", "--json", "--config", &config]);
            after_events(&mut child, dice.between(0, events));
            child.kill().unwrap();
            end(child);
            if dice.chance(40) {
                disturb(&stage.source, &mut dice);
            }
        }
        let ran = levada(&["run", "--config", &config]);
        // Killed after the last row was read, or after its last commit: the edition shows the
        // moment before the disturbance, as it should, and only a new one shows the source as it is
        // now.
        let is_of_before = ran.code == 0 && ran.stderr.contains("all rows are here");
        assert!(ran.code == 0, "{}", ran.stderr);
        if is_of_before {
            levada(&["run", "--replace", "--config", &config]).expect_code(0);
        }
        assert_equal(&stage.source, &stage.target);
    }
}

#[test]
fn backends_ended_from_outside_are_replaced_or_reported() {
    let stage = Stage::new("backends", 40_000);
    let config = stage.usual_config();
    let end_them = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                    WHERE application_name LIKE 'levada %' AND pid <> pg_backend_pid()";
    for (server, name) in [(&stage.source, "source"), (&stage.target, "target")] {
        stage.fresh_target();
        let mut child = start(&["run", "--json", "--config", &config]);
        after_events(&mut child, 12);
        let ended = server.psql(end_them).unwrap();
        let status = end(child);
        assert!(status.success() || status.code() == Some(2), "{name}: {status}, {ended} ended");
        if !status.success() {
            levada(&["run", "--config", &config]).expect_code(0);
        }
        assert_equal(&stage.source, &stage.target);
    }
}

#[test]
fn one_lost_backend_does_not_stop_the_run() {
    let stage = Stage::new("one-backend", 60_000);
    let config = stage.usual_config();
    let end_one = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE application_name = 'levada snapshot keeper' LIMIT 1";
    let mut child = start(&["run", "--json", "--config", &config]);
    after_events(&mut child, 9);
    stage.source.execute(end_one).unwrap();
    assert!(end(child).success());
    assert_equal(&stage.source, &stage.target);
}

#[test]
fn a_cut_network_leaves_a_resumable_run() {
    let stage = Stage::new("network", 60_000);
    let source = Proxy::to(stage.source_server.port()).unwrap();
    let target = Proxy::to(stage.target_server.port()).unwrap();
    let config = stage.config(&source.url("library"), &target.url("reports"));
    let mut dice = Dice::from_env_or(7);
    for cut in [&source, &target, &source, &target] {
        stage.fresh_target();
        let mut child = start(&["run", "--json", "--config", &config]);
        cut.cut_after(dice.between(20_000, 3_000_000));
        after_events(&mut child, 8);
        let status = end(child);
        if !status.success() {
            assert_eq!(status.code(), Some(2), "{status}");
            levada(&["run", "--config", &config]).expect_code(0);
        }
        assert_equal(&stage.source, &stage.target);
    }
}

#[test]
fn crashed_servers_leave_a_resumable_run() {
    let stage = Stage::new("crash", 40_000);
    let config = stage.usual_config();
    for server in [&stage.target_server, &stage.source_server] {
        stage.fresh_target();
        let mut child = start(&["run", "--json", "--config", &config]);
        after_events(&mut child, 14);
        server.kill_hard().unwrap();
        let status = end(child);
        server.start_again().unwrap();
        if !status.success() {
            assert_eq!(status.code(), Some(2), "{status}");
            levada(&["run", "--config", &config]).expect_code(0);
        }
        assert_equal(&stage.source, &stage.target);
    }
}

#[test]
fn an_idle_cutting_proxy_does_not_cut_the_snapshot() {
    let stage = Stage::new("idle", 150_000);
    let idle = Duration::from_millis(2500);
    let proxy = Proxy::cutting_idle(stage.source_server.port(), idle).unwrap();
    let config = stage.config(&proxy.url("library"), stage.target.url());
    let mut child = start(&["run", "--json", "--config", &config]);
    after_events(&mut child, 6);
    // Somebody works on a table for longer than the proxy tolerates silence.
    let mut blocker = stage.source.session().unwrap();
    blocker.run("BEGIN; LOCK TABLE keyless IN ACCESS EXCLUSIVE MODE").unwrap();
    let held = "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = \
                'levada snapshot keeper' AND xact_start < clock_timestamp() - interval '6 s'";
    wait_for("a long hold", PATIENCE, || Ok(stage.source.psql(held)? == "t")).unwrap();
    drop(blocker);
    assert!(end(child).success());
    assert_equal(&stage.source, &stage.target);
}

#[test]
fn what_was_finished_is_not_done_again() {
    let stage = Stage::new("finished", 20_000);
    let config = stage.usual_config();
    let mut child = start(&["run", "--json", "--config", &config]);
    let loaded = "SELECT count(*) FROM levada.chunk WHERE state = 'todo' \
                  HAVING count(*) = 0";
    wait_for("all rows to be there", PATIENCE, || {
        let exists = stage.target.psql("SELECT to_regclass('levada.chunk') IS NOT NULL")?;
        Ok(exists == "t"
            && stage.target.psql("SELECT count(*) > 0 FROM levada.chunk")? == "t"
            && !stage.target.psql(loaded)?.is_empty())
    })
    .unwrap();
    child.kill().unwrap();
    end(child);
    let times = "SELECT table_name, number, finished_at FROM levada.chunk UNION ALL \
                 SELECT object, number, finished_at FROM levada.step WHERE state = 'done'";
    let before = stage.target.query_rows(times).unwrap();
    let ran = levada(&["run", "--config", &config]);
    if ran.code == 0 {
        assert!(ran.stderr.contains("all rows are here"), "{}", ran.stderr);
    }
    let after = stage.target.query_rows(times).unwrap();
    for done in &before {
        assert!(after.contains(done), "{done:?} was done again");
    }
    assert_equal(&stage.source, &stage.target);
}

/// Kills a run while the network from the source is stalled in the middle of the rows.
fn killed_in_the_middle(stage: &Stage) {
    let proxy = Proxy::to(stage.source_server.port()).unwrap();
    let config = stage.config(&proxy.url("library"), stage.target.url());
    proxy.stall_after(6 * 1024 * 1024);
    let mut child = start(&["run", "--json", "--config", &config]);
    after_events(&mut child, 4);
    let done = "SELECT count(*) FROM levada.chunk WHERE state = 'done'";
    wait_for("a stall after some chunks", PATIENCE, || {
        Ok(proxy.is_stalled() && stage.target.psql(done)? != "0")
    })
    .unwrap();
    child.kill().unwrap();
    end(child);
    proxy.flow();
}

#[test]
fn a_new_snapshot_keeps_what_it_proves() {
    let stage = Stage::new("prove", 100_000);
    killed_in_the_middle(&stage);
    let times = "SELECT table_name, number, finished_at FROM levada.chunk WHERE state = 'done'";
    let before = stage.target.query_rows(times).unwrap();
    let ran = levada(&["run", "--config", &stage.usual_config()]).expect_code(0);
    assert!(ran.stderr.contains("proven unchanged and kept"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("read again"), "{}", ran.stderr);
    let after = stage.target.query_rows(times).unwrap();
    assert!(!before.is_empty() && before.iter().all(|done| after.contains(done)));
    assert_equal(&stage.source, &stage.target);
}

#[test]
fn a_new_snapshot_reads_again_what_has_changed_and_names_it() {
    let stage = Stage::new("disprove", 100_000);
    killed_in_the_middle(&stage);
    stage.source.execute("UPDATE loan SET note = NULL WHERE id = 1").unwrap();
    let ran = levada(&["run", "--config", &stage.usual_config()]).expect_code(0);
    assert!(ran.stderr.contains("read again: public.loan"), "{}", ran.stderr);
    assert_equal(&stage.source, &stage.target);
}

#[test]
fn reading_a_parent_again_does_not_empty_its_children() {
    let stage = Stage::new("inherit", 100_000);
    stage.source.execute(include_str!("fixtures/parent_and_child.sql")).unwrap();
    let proxy = Proxy::to(stage.source_server.port()).unwrap();
    let config = stage.config(&proxy.url("library"), stage.target.url());
    // Both have arrived, and what follows has not.
    proxy.stall_after(29 * 1024 * 1024);
    let mut child = start(&["run", "--json", "--config", &config]);
    after_events(&mut child, 4);
    let done = "SELECT count(*) FILTER (WHERE state = 'todo'), count(*) FROM levada.chunk \
                WHERE table_name IN ('parent', 'child')";
    wait_for("both tables", PATIENCE, || {
        let counts = stage.target.psql(done)?;
        Ok(counts.starts_with("0|") && !counts.ends_with("|0"))
    })
    .unwrap();
    child.kill().unwrap();
    end(child);
    proxy.flow();
    stage.source.execute("INSERT INTO parent VALUES (0)").unwrap();
    levada(&["run", "--config", &stage.usual_config()]).expect_code(0);
    assert_equal(&stage.source, &stage.target);
}

#[test]
fn two_starts_at_once_are_one_run_and_a_refusal_that_names_the_holder() {
    let stage = Stage::new("twice", 60_000);
    let config = stage.usual_config();
    let mut first = start(&["run", "--json", "--config", &config]);
    after_events(&mut first, 1);
    let second = levada(&["run", "--config", &config]).expect_code(2);
    assert!(second.stderr.contains("another run is writing this target"), "{}", second.stderr);
    assert!(second.stderr.contains(&format!("process {}", first.id())), "{}", second.stderr);
    assert!(end(first).success());
    assert_equal(&stage.source, &stage.target);
}

#[test]
fn an_interrupt_leaves_a_resumable_state_and_prints_the_command() {
    let stage = Stage::new("interrupt", 60_000);
    let config = stage.usual_config();
    let mut child = start(&["run", "--json", "--config", &config]);
    after_events(&mut child, 10);
    let pid = child.id().to_string();
    let killed = std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains(&format!("To continue: levada run --config {config}")), "{stderr}");
    levada(&["run", "--config", &config]).expect_code(0);
    assert_equal(&stage.source, &stage.target);
}
