//! Production comes first: locks are given up within two seconds, and the snapshot as soon as it
//! can be.

use std::io::{BufRead, BufReader};
use std::process::Child;
use std::time::{Duration, Instant};

use testkit::{Database, Proxy, wait_for};

use crate::support::{assert_equal, cluster, pair, start};

const PATIENCE: Duration = Duration::from_secs(60);

/// Enough rows to fill every buffer between the two servers.
const ROWS: &str = "300000";

fn library(name: &str) -> (Database, Database) {
    let (source, target) = pair(name, "SELECT 1");
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fixtures/library.sql");
    source.load_file(fixture.as_ref(), &[("n", ROWS)]).unwrap();
    (source, target)
}

fn copy(source: &Database, target_url: &str) -> Child {
    start(&["copy", source.url(), target_url, "--jobs", "1", "--json"])
}

/// A way to the target that stalls in the middle of the large table's rows, so that the source's
/// COPY cannot go on either and keeps its lock.
fn stalling() -> Proxy {
    let proxy = Proxy::to(cluster().port()).unwrap();
    // Buffers on the way take some 20 MiB more; the table has 30.
    proxy.stall_after(1024 * 1024);
    proxy
}

fn await_stall(proxy: &Proxy) {
    wait_for("the COPY to stall", PATIENCE, || Ok(proxy.is_stalled())).unwrap();
}

fn finish(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{errors}");
    text
}

#[test]
fn a_waiting_ddl_gets_its_lock_within_two_seconds() {
    let (source, target) = library("yield");
    let way = stalling();
    let child = copy(&source, &way.url("yield_target"));
    await_stall(&way);
    let mut ddl = source.session().unwrap();
    let asked = Instant::now();
    ddl.run("BEGIN; LOCK TABLE loan IN ACCESS EXCLUSIVE MODE").unwrap();
    let waited = asked.elapsed();
    ddl.run("COMMIT").unwrap();
    way.flow();
    assert!(waited < Duration::from_secs(2), "the DDL waited {waited:?}");
    let events = finish(child);
    assert!(events.contains("stepped aside on public.loan"), "{events}");
    assert_equal(&source, &target);
}

#[test]
fn a_table_emptied_after_the_snapshot_is_noticed_and_read_under_a_new_one() {
    let (source, target) = library("truncated");
    let way = stalling();
    let child = copy(&source, &way.url("truncated_target"));
    await_stall(&way);
    // To a snapshot taken before it, a truncated table looks empty: the classic silent loss.
    source.execute("TRUNCATE keyless; INSERT INTO keyless VALUES ('after')").unwrap();
    way.flow();
    let events = finish(child);
    assert!(events.contains("public.keyless was truncated, rewritten or changed"), "{events}");
    assert!(events.contains("taking a new snapshot"), "{events}");
    assert_equal(&source, &target);
}

#[test]
fn the_source_is_released_before_the_indexes_are_built() {
    let (source, target) = library("released");
    let mut child = copy(&source, target.url());
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut phases = lines.map_while(Result::ok).filter(|line| line.contains("\"phase\""));
    assert!(phases.any(|line| line.contains("all rows read")));
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name IN \
                    ('levada snapshot keeper', 'levada reader', 'levada lock watch') AND datname = current_database()";
    wait_for("the source's sessions to end", PATIENCE, || Ok(source.psql(sessions)? == "0"))
        .unwrap();
    let left = "SELECT count(*) > 0 FROM levada.step WHERE state = 'todo'";
    assert_eq!(target.psql(left).unwrap(), "t", "builds were done before the source was free");
    assert_eq!(phases.count(), 1, "only publishing is left");
    assert!(child.wait().unwrap().success());
}
