//! What people who read see while an edition is published: the old one or the new one, whole.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use testkit::{Database, wait_for};

use super::{Way, owned_target, stage};
use crate::support::assert_same_content;

const PATIENCE: Duration = Duration::from_secs(60);

const ACCOUNTS: &str = include_str!("accounts.sql");

/// Sums that agree in every state of the source, and rows that are never none.
const SUMS: &str = "WITH sums AS (SELECT (SELECT sum(n) FROM paid) AS a, (SELECT sum(n) FROM got) \
     AS b, (SELECT sum(n) FROM keyless) AS c, (SELECT sum(n) FROM part) AS d) \
     SELECT a = b AND b = c AND c = d, a > 0, a FROM sums";

/// Digests of all tables, to be read in one transaction.
fn all() -> String {
    let digest = |table: &str| {
        format!("SELECT md5(string_agg(r::text, '' ORDER BY r::text)) FROM {table} AS r")
    };
    ["paid", "got", "keyless", "part", "totals"].map(digest).join("; ")
}

fn rewrite(source: &Database, round: u32) {
    source.execute(&format!("SELECT play({round}); REFRESH MATERIALIZED VIEW totals")).unwrap();
}

#[test]
fn a_long_reader_sees_its_edition_whole() {
    let (source, way) = stage("long_reader", ACCOUNTS);
    way.edition();
    let mut reader = way.target.session().unwrap();
    reader.run("BEGIN ISOLATION LEVEL REPEATABLE READ").unwrap();
    let before = reader.run(&all()).unwrap();
    for round in 0..3 {
        rewrite(&source, round);
        way.edition();
        assert_same_content(&source, &way.target);
        assert_eq!(reader.run(&all()).unwrap(), before, "round {round}");
    }
    source.execute("TRUNCATE paid, got, keyless, part; REFRESH MATERIALIZED VIEW totals").unwrap();
    way.edition();
    assert_same_content(&source, &way.target);
    assert_eq!(reader.run(&all()).unwrap(), before, "after the truncation");
    reader.run("COMMIT").unwrap();
    assert_ne!(reader.run(&all()).unwrap(), before);
}

#[test]
fn a_reader_whose_first_look_comes_after_the_publish_sees_its_edition_whole() {
    let (source, way) = stage("late_look", ACCOUNTS);
    way.edition();
    let before = way.target.psql(&all()).unwrap();
    let mut reader = way.target.session().unwrap();
    reader.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").unwrap();
    rewrite(&source, 1);
    way.edition();
    assert_same_content(&source, &way.target);
    assert_eq!(reader.run(&all()).unwrap(), before);
}

/// Readers poll while editions are published one after the other.
fn poll(source: &Database, way: &Way) {
    way.edition();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let (target, is_over) = (way.target.clone(), &is_over);
                scope.spawn(move || {
                    let mut session = target.session().unwrap();
                    let mut seen = std::collections::BTreeSet::new();
                    while !is_over.load(Ordering::Relaxed) {
                        let answer = session.run(SUMS).unwrap();
                        assert!(answer.starts_with("t|t|"), "a reader saw {answer}");
                        seen.insert(answer);
                    }
                    seen.len()
                })
            })
            .collect();
        for round in 0..6 {
            rewrite(source, round);
            way.edition();
        }
        is_over.store(true, Ordering::Relaxed);
        let seen: Vec<usize> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
        assert!(seen.iter().all(|count| *count > 1), "the readers saw no change: {seen:?}");
    });
    assert_same_content(source, &way.target);
}

#[test]
fn polling_readers_never_see_a_mixed_or_empty_edition() {
    let (source, way) = stage("polling", ACCOUNTS);
    poll(&source, &way);
}

#[test]
fn nor_where_foreign_keys_cannot_be_switched_off() {
    let (source, _) = stage("polling_owned", ACCOUNTS);
    poll(&source, &Way::new("polling-owned", source.url(), &owned_target("polling")));
}

/// A view without a key takes the place of its predecessor: whoever holds an older snapshot would
/// see it beside old tables, so publishing waits, and gives up in time.
#[test]
fn a_view_without_a_key_waits_for_older_readers() {
    let (source, way) = stage("keyless_view", ACCOUNTS);
    source.execute("DROP INDEX totals_key").unwrap();
    way.edition();
    let before = way.target.content().unwrap();
    let mut reader = way.target.session().unwrap();
    reader.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM paid").unwrap();
    rewrite(&source, 1);
    way.configure("[copy]\npublish_wait_seconds = 1\n");
    way.run().expect_code(2).expect_stderr("readers of the old edition do not end");
    assert_eq!(way.target.content().unwrap(), before);
    way.configure("");
    let child = way.start();
    let is_waiting = "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = \
                      'levada writer' AND state = 'idle in transaction'";
    wait_for("the run to wait", PATIENCE, || Ok(way.target.psql(is_waiting)? == "t")).unwrap();
    assert_eq!(way.target.content().unwrap(), before);
    drop(reader);
    assert!(child.wait_with_output().unwrap().status.success());
    assert_same_content(&source, &way.target);
}

/// Keys that must be dropped and added again need their tables alone for a moment.
#[test]
fn a_reader_in_the_way_of_foreign_keys_is_waited_for() {
    let (source, _) = stage("keys_wait", ACCOUNTS);
    let way = Way::new("keys-wait-owned", source.url(), &owned_target("keys_wait"));
    way.edition();
    let before = way.target.content().unwrap();
    let mut reader = way.target.session().unwrap();
    reader.run("BEGIN; SELECT count(*) FROM got").unwrap();
    rewrite(&source, 1);
    way.configure("[copy]\npublish_wait_seconds = 1\n");
    way.run().expect_code(2).expect_stderr("publishing");
    assert_eq!(way.target.content().unwrap(), before);
    drop(reader);
    way.edition();
    assert_same_content(&source, &way.target);
}
