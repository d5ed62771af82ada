//! Kills a refresh in every way it can die: the target is the old edition or the new one, whole,
//! and the next run needs nobody's help.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command};
use std::time::Duration;

use testkit::{Cluster, Content, Database, Dice, Installation, Proxy, wait_for};

use super::Way;
use crate::bad_input::{SmallDisk, skipped};
use crate::commands::Folder;
use crate::support::assert_same_content;

const PATIENCE: Duration = Duration::from_secs(60);

/// A source and a target on servers of their own, with the first edition.
struct Stage {
    source_server: Cluster,
    target_server: Cluster,
    source: Database,
    way: Way,
    dice: Dice,
    /// JSON lines of an undisturbed refresh.
    events: u64,
}

impl Stage {
    fn new(name: &str, seed: u64) -> Self {
        Self::through(name, seed, |_, _| None)
    }

    /// With URLs that lead elsewhere than to the servers themselves.
    fn through(
        name: &str,
        seed: u64,
        urls: impl Fn(&Cluster, &Cluster) -> Option<(String, String)>,
    ) -> Self {
        let installation = Installation::find().unwrap();
        // What is committed on the source is to outlive a crash, as it does in production.
        let source_server = Cluster::builder(&installation).setting("synchronous_commit", "on");
        let source_server = source_server.start().unwrap();
        let target_server = Cluster::builder(&installation).start().unwrap();
        let source = source_server.create_database("library").unwrap();
        let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fixtures/library.sql");
        source.load_file(fixture.as_ref(), &[("n", "3000")]).unwrap();
        let target = target_server.create_database("reports").unwrap();
        let usual = (source.url().to_owned(), target.url().to_owned());
        let (source_url, target_url) = urls(&source_server, &target_server).unwrap_or(usual);
        let mut way = Way::new(name, &source_url, &Database::at(target_url));
        way.target = target;
        way.configure("[copy]\njobs = 2\nheartbeat_seconds = 1\nsource_wait_seconds = 20\n");
        way.edition();
        let dice = Dice::from_env_or(seed);
        let mut stage = Self { source_server, target_server, source, way, dice, events: 0 };
        stage.disturb();
        stage.events = stage.way.run_telling().expect_code(0).stdout.lines().count() as u64;
        stage
    }

    /// Changes of every kind, after which nothing is written to the source.
    fn disturb(&mut self) {
        let dice = &mut self.dice;
        let mut number = || dice.between(1, 700);
        let changes = [
            format!("UPDATE loan SET note = '[{}]' WHERE id % 97 = {} % 97", number(), number()),
            format!("DELETE FROM loan WHERE id % 101 = {} % 101", number()),
            format!("INSERT INTO book (title, pages) VALUES ('late', {})", number()),
            format!("UPDATE member SET name = 'member ' || -id WHERE id = {} % 150", number()),
            format!("DELETE FROM keyless WHERE word = 'word {}'", number() % 10),
            format!("INSERT INTO keyless SELECT 'word {}' FROM member", number() % 10),
            format!("UPDATE visit SET at = at + 200 WHERE member % 31 = {} % 31", number()),
            format!("SELECT lo_put(4711, {}, 'changed')", number()),
            "TRUNCATE keyless; INSERT INTO keyless SELECT 'word 1' FROM member".to_owned(),
            "INSERT INTO loan (member, book, lent_at) SELECT 1, 1, now() FROM member".to_owned(),
        ];
        for change in &changes {
            if self.dice.chance(50) {
                self.source.execute(change).unwrap();
            }
        }
        let always = "UPDATE book SET author = 'author ' || pages WHERE id % 13 = pages % 13; \
                      UPDATE loan SET note = NULL WHERE id % 50 = 1; \
                      REFRESH MATERIALIZED VIEW by_author";
        self.source.execute(always).unwrap();
    }

    /// What the target shows, and what it is to show next. The crash of a source moves its
    /// sequences on, so this is asked before.
    fn editions(&self) -> (Content, Content) {
        (self.way.target.content().unwrap(), self.source.content().unwrap())
    }

    /// After a run that may have died: one edition or the other, and then the new one.
    #[track_caller]
    fn judge(&self, (old, new): &(Content, Content), what: &str) {
        let found = self.way.target.content().unwrap();
        let differing = |other: &Content| -> Vec<String> {
            let objects = other.keys().chain(found.keys());
            objects.filter(|object| other.get(*object) != found.get(*object)).cloned().collect()
        };
        let differing = (differing(old), differing(new));
        let is_whole = differing.0.is_empty() || differing.1.is_empty();
        assert!(is_whole, "{what}: neither edition, differing from old and new: {differing:?}");
        let ran = self.way.run();
        assert_eq!(ran.code, 0, "{what}, then:\n{}{}", ran.stdout, ran.stderr);
        assert_same_content(&self.source, &self.way.target);
        let left = "SELECT count(*) FROM pg_class WHERE relname LIKE 'stage\\_%' AND relkind = 'r'";
        assert_eq!(self.way.target.psql(left).unwrap(), "0", "{what}: staging tables are left");
    }
}

/// Reads JSON lines of a run until `count` have come or the run has ended.
fn after_events(child: &mut Child, count: u64) {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..count {
        if lines.next().is_none() {
            return;
        }
    }
    // The rest is read elsewhere, so that levada never writes into a closed or full pipe.
    std::thread::spawn(move || lines.count());
}

/// Waits for the end of a run that may succeed or fail, but in no other way.
#[track_caller]
fn end(child: Child, what: &str) {
    let output = child.wait_with_output().unwrap();
    let code = output.status.code();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(code, None | Some(0 | 2)), "{what}: {code:?}\n{said}");
    assert!(!said.contains("panicked"), "{what}:\n{said}");
}

/// How many points a test tries: ten times as many where `make test-long` asks for it.
fn points(usual: u64) -> u64 {
    if std::env::var_os("LEVADA_LONG").is_some() { usual * 10 } else { usual }
}

#[test]
fn killed_at_ten_points_of_its_progress() {
    let mut stage = Stage::new("kill", 1);
    for point in 0..points(10) {
        stage.disturb();
        let editions = stage.editions();
        let mut child = stage.way.start();
        // Spread over the whole run, the end included.
        let events = point % 10 * (stage.events + 1) / 10 + stage.dice.below(3);
        after_events(&mut child, events);
        child.kill().unwrap();
        let what = format!("killed after {events} of {} events", stage.events);
        end(child, &what);
        stage.judge(&editions, &what);
    }
}

/// Statements of the publish transaction that wait for a lock of ours: the run dies exactly there.
const HELD: [(&str, &str); 8] = [
    ("apply", "LOCK TABLE loan IN SHARE MODE"),
    ("apply of the last", "LOCK TABLE visit_old, keyless IN SHARE MODE"),
    ("the work", "LOCK TABLE levada.work IN SHARE MODE"),
    ("sequences", "LOCK TABLE pg_sequence IN SHARE MODE"),
    ("large objects", "LOCK TABLE levada.large_object IN SHARE MODE"),
    ("the edition", "LOCK TABLE levada.edition IN SHARE MODE"),
    ("the records", "LOCK TABLE levada.table_state IN SHARE MODE"),
    ("staging", "LOCK TABLE levada.large_object_page IN SHARE MODE"),
];

#[test]
fn killed_or_cut_off_at_each_step_of_publishing() {
    let mut stage = Stage::new("held", 2);
    let waiting = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'levada %' \
                   AND wait_event_type = 'Lock' LIMIT 1";
    for round in 0..points(1) {
        for (number, (name, lock)) in HELD.iter().enumerate() {
            stage.disturb();
            let grow = "INSERT INTO book (title) VALUES ('x'); \
                        UPDATE visit SET at = '2023-01-01' WHERE member % 17 = 3; \
                        SELECT lo_put(4711, 0, now()::text::bytea)";
            let rest = "DELETE FROM keyless WHERE ctid = (SELECT min(ctid) FROM keyless); \
                        REFRESH MATERIALIZED VIEW by_author";
            stage.source.execute(&format!("{grow}; {rest}")).unwrap();
            let editions = stage.editions();
            let mut blocker = stage.way.target.session().unwrap();
            blocker.run(&format!("BEGIN; {lock}")).unwrap();
            let mut child = stage.way.start();
            let lines = child.stdout.take().unwrap();
            std::thread::spawn(move || BufReader::new(lines).lines().count());
            wait_for(name, PATIENCE, || Ok(!stage.way.target.psql(waiting)?.is_empty())).unwrap();
            let is_killed = (number as u64 + round).is_multiple_of(2);
            if is_killed {
                child.kill().unwrap();
            } else {
                let end_it = format!("SELECT pg_terminate_backend(({waiting}))");
                stage.way.target.execute(&end_it).unwrap();
            }
            let found = stage.way.target.content().unwrap();
            assert_eq!(found, editions.0, "{name}: seen before its commit");
            drop(blocker);
            end(child, name);
            stage.judge(&editions, name);
        }
    }
}

#[test]
fn backends_of_either_side_ended_at_ten_points() {
    let mut stage = Stage::new("backends", 3);
    let end_them = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                    WHERE application_name LIKE 'levada %' AND pid <> pg_backend_pid()";
    for point in 0..points(10) {
        stage.disturb();
        let editions = stage.editions();
        let mut child = stage.way.start();
        let events = point / 2 * stage.events / 5 + stage.dice.below(4);
        after_events(&mut child, events);
        let side = if point % 2 == 0 { &stage.way.target } else { &stage.source };
        let ended = side.psql(end_them).unwrap();
        let what = format!("{ended} backends of {} ended after {events} events", side.url());
        end(child, &what);
        stage.judge(&editions, &what);
    }
}

#[test]
fn a_network_cut_at_eight_points() {
    let proxies = std::cell::RefCell::new(Vec::new());
    let mut stage = Stage::through("network", 4, |source, target| {
        let (source, target) = (Proxy::to(source.port()).ok()?, Proxy::to(target.port()).ok()?);
        let urls = (source.url("library"), target.url("reports"));
        proxies.borrow_mut().extend([source, target]);
        Some(urls)
    });
    let proxies = proxies.into_inner();
    // What one refresh sends through each of them.
    stage.disturb();
    let before = [proxies[0].bytes(), proxies[1].bytes()];
    stage.way.edition();
    let sent = [proxies[0].bytes() - before[0], proxies[1].bytes() - before[1]];
    for point in 0..points(8) {
        stage.disturb();
        let editions = stage.editions();
        let side = (point % 2) as usize;
        let bytes = stage.dice.between(point / 2 % 4 * sent[side] / 4, sent[side]);
        proxies[side].cut_after(bytes);
        let what = format!("side {side} cut after {bytes} of {} bytes", sent[side]);
        let child = stage.way.start();
        end(child, &what);
        proxies[side].cut_after(u64::MAX / 2);
        stage.judge(&editions, &what);
    }
}

#[test]
fn a_server_of_either_side_crashed_at_six_points() {
    let mut stage = Stage::new("crash", 5);
    for point in 0..points(6) {
        stage.disturb();
        let editions = stage.editions();
        let mut child = stage.way.start();
        let events = point / 2 * stage.events / 3 + stage.dice.below(6);
        after_events(&mut child, events);
        let is_target = point % 2 == 0;
        let server = if is_target { &stage.target_server } else { &stage.source_server };
        server.kill_hard().unwrap();
        let what = format!("crash after {events} events, of the target: {is_target}");
        end(child, &what);
        server.start_again().unwrap();
        stage.judge(&editions, &what);
    }
}

#[test]
fn a_stop_on_request_is_in_order() {
    let mut stage = Stage::new("stop", 6);
    for signal in ["INT", "TERM"] {
        stage.disturb();
        let editions = stage.editions();
        let mut blocker = stage.way.target.session().unwrap();
        blocker.run("BEGIN; LOCK TABLE book IN SHARE MODE").unwrap();
        let mut child = stage.way.start();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        lines.find(|line| line.contains("publishing")).unwrap();
        let pid = child.id().to_string();
        Command::new("kill").args(["-s", signal, &pid]).status().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130));
        let rest: Vec<String> = lines.collect();
        assert_eq!(stage.way.target.content().unwrap(), editions.0, "{rest:?}");
        drop(blocker);
        stage.judge(&editions, signal);
    }
}

#[test]
fn a_full_disk_leaves_the_edition_and_the_next_run_goes_on() {
    let folder = Folder::new("refresh_disk");
    let Some(disk) = SmallDisk::mount(&folder.path().join("disk")) else {
        return skipped("mounting a small file system needs root");
    };
    // A server of its own: one with a full disk cannot write checkpoints, for any database.
    let cluster = Cluster::builder(&Installation::find().unwrap()).start().unwrap();
    let source = cluster.create_database("source").unwrap();
    let target = cluster.create_database("target").unwrap();
    disk.hand_to_server_of(&target);
    let admin = cluster.database("postgres");
    admin.execute(&format!("CREATE TABLESPACE small LOCATION '{}'", disk.path())).unwrap();
    admin.execute("ALTER DATABASE target SET TABLESPACE small").unwrap();
    source
        .execute("CREATE TABLE a (id int PRIMARY KEY, t text); INSERT INTO a VALUES (1, 'x')")
        .unwrap();
    let way = Way::new("disk", source.url(), &target);
    way.edition();
    let old = target.content().unwrap();
    // More than the disk holds; then what fits once, in staging, and not a second time.
    for rows in [30_000, 8_000] {
        let fill = format!(
            "DELETE FROM a WHERE id > 1; INSERT INTO a SELECT n, repeat('levada', 200) \
             FROM generate_series(2, {rows}) n"
        );
        source.execute(&fill).unwrap();
        way.run().expect_code(2).expect_stderr("No space left on device");
        assert_eq!(target.content().unwrap(), old);
    }
    disk.grow();
    way.edition();
    assert_same_content(&source, &target);
}

/// A target behind a proxy that cuts what is idle for long, while publishing has to wait.
#[test]
fn sessions_that_wait_may_be_cut_for_idleness() {
    let proxies = std::cell::RefCell::new(Vec::new());
    let idle = Duration::from_millis(1500);
    let mut stage = Stage::through("idle", 7, |source, target| {
        let target = Proxy::cutting_idle(target.port(), idle).ok()?;
        let urls = (source.url("library"), target.url("reports"));
        proxies.borrow_mut().push(target);
        Some(urls)
    });
    stage.disturb();
    let editions = stage.editions();
    let mut blocker = stage.way.target.session().unwrap();
    blocker.run("BEGIN; LOCK TABLE book IN SHARE MODE").unwrap();
    let child = stage.way.start();
    let waits = "SELECT count(*) > 0 FROM pg_stat_activity WHERE \
                 application_name = 'levada writer' AND xact_start > backend_start + interval '4 s'";
    let has_waited = wait_for("a long wait", PATIENCE, || Ok(stage.way.target.psql(waits)? == "t"));
    drop(blocker);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && has_waited.is_ok(), "{has_waited:?} {said}");
    stage.judge(&editions, "idle");
}

/// Somebody rewrites a table of the source when a run begins: it waits, and then goes on.
#[test]
fn a_locked_table_of_the_source_is_waited_for() {
    let mut stage = Stage::new("locked", 8);
    stage.disturb();
    let editions = stage.editions();
    let mut blocker = stage.source.session().unwrap();
    blocker.run("BEGIN; LOCK TABLE keyless IN ACCESS EXCLUSIVE MODE").unwrap();
    let mut child = stage.way.start();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let told = lines.find(|line| line.contains("locked by another session"));
    drop(blocker);
    let rest = lines.count();
    end(child, "locked");
    assert!(told.is_some(), "{rest} lines, none of them about the lock");
    stage.judge(&editions, "locked");
}
