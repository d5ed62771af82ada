//! Transactions that are open while an edition is made: the classic losses of everything that
//! remembers the last id, or the last time, that it has seen.

use testkit::{Database, Session};

use super::{Report, Way, stage};
use crate::support::{assert_equal, assert_same_content};

const TABLE: &str = "CREATE TABLE entry (id serial PRIMARY KEY, v text, u int UNIQUE); \
     INSERT INTO entry (v) SELECT 'v' || n FROM generate_series(1, 100) n; \
     CREATE TABLE log (text text); INSERT INTO log SELECT 'first' FROM generate_series(1, 5)";

/// A table with its first edition.
fn entries(name: &str) -> (Database, Way) {
    let (source, way) = stage(name, TABLE);
    way.edition();
    (source, way)
}

/// An edition by the changes alone, equal to what is committed.
#[track_caller]
fn equal_edition(source: &Database, way: &Way) -> Report {
    let report = way.edition();
    assert_same_content(source, &way.target);
    assert_eq!(report.method_of("public.entry").0, "changes");
    report
}

fn begin(source: &Database, sql: &str) -> Session {
    let mut session = source.session().unwrap();
    session.run(&format!("BEGIN; {sql}")).unwrap();
    session
}

#[test]
fn a_begins_and_writes_b_begins_writes_and_commits_edition_a_commits_edition() {
    let (source, way) = entries("a_and_b");
    let writes = "INSERT INTO entry (v) VALUES ('of a'); UPDATE entry SET v = 'a' WHERE id = 1; \
                  DELETE FROM entry WHERE id = 2; INSERT INTO log VALUES ('of a')";
    let mut a = begin(&source, writes);
    let mut b = begin(
        &source,
        &writes
            .replace("of a", "of b")
            .replace("'a'", "'b'")
            .replace("WHERE id = 1", "WHERE id = 11")
            .replace("WHERE id = 2", "WHERE id = 12"),
    );
    b.run("COMMIT").unwrap();
    assert_eq!(equal_edition(&source, &way).changes_of("public.entry"), [1, 1, 1]);
    a.run("COMMIT").unwrap();
    assert_eq!(equal_edition(&source, &way).changes_of("public.entry"), [1, 1, 1]);
    assert_eq!(equal_edition(&source, &way).changes(), [0, 0, 0]);
}

#[test]
fn the_order_of_commits_is_not_that_of_ids() {
    let (source, way) = entries("order");
    let sessions = (0..6).map(|n| {
        let sql = format!(
            "INSERT INTO entry (v) VALUES ('{n}'); UPDATE entry SET v = '{n}' WHERE id = {n} + 1"
        );
        begin(&source, &sql)
    });
    let mut sessions: Vec<Session> = sessions.collect();
    // The last begun commits first; editions come in between.
    while let Some(mut session) = sessions.pop() {
        session.run("COMMIT").unwrap();
        assert_eq!(equal_edition(&source, &way).changes(), [1, 1, 0]);
    }
    // Ids without a row, and a rolled back one, lie in between.
    let mut late = begin(&source, "INSERT INTO entry (v) VALUES ('late')");
    source.execute("SELECT nextval('entry_id_seq') FROM generate_series(1, 50)").unwrap();
    let mut lost = begin(&source, "INSERT INTO entry (v) VALUES ('rolled back')");
    lost.run("ROLLBACK").unwrap();
    source.execute("INSERT INTO entry (v) VALUES ('early')").unwrap();
    assert_eq!(equal_edition(&source, &way).changes(), [1, 0, 0]);
    late.run("COMMIT").unwrap();
    assert_eq!(equal_edition(&source, &way).changes(), [1, 0, 0]);
}

#[test]
fn rows_of_subtransactions_open_across_editions() {
    let (source, way) = entries("savepoints");
    // Each savepoint that writes has an id of its own, younger than all that begins later.
    let mut session = begin(&source, "SAVEPOINT a; UPDATE entry SET v = 'released' WHERE id = 1");
    session.run("RELEASE a; SAVEPOINT b; UPDATE entry SET v = 'rolled back' WHERE id = 2").unwrap();
    source.execute("UPDATE entry SET v = 'other' WHERE id = 50").unwrap();
    equal_edition(&source, &way);
    session.run("ROLLBACK TO b; UPDATE entry SET v = 'after' WHERE id = 3").unwrap();
    session.run("SAVEPOINT c; INSERT INTO entry (v) VALUES ('of c'); SAVEPOINT d").unwrap();
    session.run("DELETE FROM entry WHERE id = 4; RELEASE d; SAVEPOINT e").unwrap();
    equal_edition(&source, &way);
    session.run("DELETE FROM entry WHERE id = 5; ROLLBACK TO e").unwrap();
    let mut blocks = begin(&source, include_str!("exception_blocks.sql"));
    source.execute("UPDATE entry SET v = 'other' WHERE id = 51").unwrap();
    equal_edition(&source, &way);
    blocks.run(include_str!("exception_blocks.sql")).unwrap();
    session.run("COMMIT").unwrap();
    assert_eq!(equal_edition(&source, &way).changes(), [1, 2, 1]);
    blocks.run("COMMIT").unwrap();
    let report = equal_edition(&source, &way);
    assert!(report.changes().iter().sum::<i64>() > 100, "{report:?}");
    assert_equal(&source, &way.target);
}

#[test]
fn many_subtransactions_overflow_the_snapshot() {
    let (source, way) = entries("overflow");
    // More than 64 subtransactions do not fit into a backend's entry of a snapshot.
    let mut session =
        begin(&source, &"SAVEPOINT s; INSERT INTO entry (v) VALUES ('s');".repeat(200));
    let mut b = begin(&source, "INSERT INTO entry (v) VALUES ('b')");
    b.run("COMMIT").unwrap();
    equal_edition(&source, &way);
    session.run("ROLLBACK TO s").unwrap();
    equal_edition(&source, &way);
    session.run("COMMIT").unwrap();
    assert_eq!(equal_edition(&source, &way).changes(), [199, 0, 0]);
}

#[test]
fn locks_and_rolled_back_changes_change_nothing() {
    let (source, way) = entries("locks");
    source.execute("BEGIN; SELECT FROM entry FOR UPDATE; COMMIT").unwrap();
    source.execute("BEGIN; UPDATE entry SET v = 'x'; DELETE FROM log; ROLLBACK").unwrap();
    source.execute("BEGIN; TRUNCATE entry, log; ROLLBACK").unwrap();
    let mut session = begin(&source, "SELECT FROM entry FOR KEY SHARE; SAVEPOINT s");
    session.run("UPDATE entry SET v = 'x'; ROLLBACK TO s").unwrap();
    assert_eq!(equal_edition(&source, &way).changes(), [0, 0, 0]);
    session.run("COMMIT").unwrap();
    assert_eq!(equal_edition(&source, &way).changes(), [0, 0, 0]);
    // A row locked by several: the ids of its lockers stand where a deleter's would.
    let mut first = begin(&source, "SELECT FROM entry WHERE id < 5 FOR SHARE");
    let second = begin(&source, "SELECT FROM entry WHERE id < 9 FOR KEY SHARE");
    first.run("UPDATE entry SET v = 'locked' WHERE id = 6; COMMIT").unwrap();
    assert_eq!(equal_edition(&source, &way).changes(), [0, 1, 0]);
    drop(second);
    assert_eq!(equal_edition(&source, &way).changes(), [0, 0, 0]);
}

#[test]
fn a_prepared_transaction_stays_open_across_editions() {
    let cluster = testkit::Cluster::builder(&testkit::Installation::find().unwrap());
    let cluster = cluster.setting("max_prepared_transactions", "5").start().unwrap();
    let source = cluster.create_database("source").unwrap();
    let target = cluster.create_database("target").unwrap();
    source.execute(TABLE).unwrap();
    let way = Way::new("prepared", source.url(), &target);
    way.edition();
    let writes = "BEGIN; UPDATE entry SET v = 'p' WHERE id < 5; DELETE FROM entry WHERE id = 9; \
                  PREPARE TRANSACTION 'p'";
    source.execute(writes).unwrap();
    source.execute("UPDATE entry SET v = 'q' WHERE id = 50").unwrap();
    assert_eq!(equal_edition(&source, &way).changes(), [0, 1, 0]);
    source.execute("VACUUM; UPDATE entry SET v = 'r' WHERE id = 51").unwrap();
    assert_eq!(equal_edition(&source, &way).changes(), [0, 1, 0]);
    source.execute("COMMIT PREPARED 'p'").unwrap();
    assert_eq!(equal_edition(&source, &way).changes(), [0, 4, 1]);
}
