//! Windows through the life of a target: readers, other definitions, other partitions, copies anew,
//! killed runs.

use std::time::Duration;

use testkit::wait_for;

use super::{Stage, Window};
use crate::support::{levada, start};

const PATIENCE: Duration = Duration::from_secs(60);

const EVENTS: &str = include_str!("lives.sql");

fn windows() -> [Window; 2] {
    let section = "table = \"event\"\ntime = \"at\"\nlast = \"7 days\"\n";
    let within = "WHERE at > $now - interval '7 days' AND at <= $now";
    [
        Window::new("recent", section, &format!("SELECT * FROM event {within}")),
        Window::new(
            "plain",
            &section.replace("event", "plain"),
            &format!("SELECT * FROM plain {within}"),
        ),
    ]
}

const CHANGE: &str = include_str!("change.sql");

const DIGESTS: &str = "SELECT count(*), md5(string_agg(r::text, '' ORDER BY r::text)) \
    FROM reports.recent AS r; SELECT count(*), sum(id) FROM reports.plain";

#[test]
fn a_long_reader_sees_its_window_whole() {
    let stage = Stage::new("reader", EVENTS, &windows());
    stage.edition();
    let before = stage.target.psql(DIGESTS).unwrap();
    let mut early = stage.target.session().unwrap();
    early.run("BEGIN ISOLATION LEVEL REPEATABLE READ").unwrap();
    assert_eq!(early.run(DIGESTS).unwrap(), before);
    let mut late = stage.target.session().unwrap();
    late.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").unwrap();
    stage.source.execute(CHANGE).unwrap();
    stage.edition();
    stage.source.execute("DELETE FROM event; TRUNCATE plain").unwrap();
    stage.edition();
    assert_eq!(early.run(DIGESTS).unwrap(), before);
    assert_eq!(late.run(DIGESTS).unwrap(), before);
    assert_ne!(stage.target.psql(DIGESTS).unwrap(), before);
}

#[test]
fn another_definition_is_filled_anew_under_the_views_of_readers() {
    let mut stage = Stage::new("definition", EVENTS, &windows());
    stage.edition();
    let view = "CREATE VIEW mine AS SELECT id, day FROM reports.recent; \
                CREATE ROLE windows_reader; GRANT SELECT ON reports.recent TO windows_reader";
    stage.target.execute(view).unwrap();
    let [mut recent, plain] = windows();
    recent.section += "columns = [\"day\"]\nwhere = \"day < 15\"\n";
    recent.expected = recent.expected.replace('*', "day, id, at") + " AND day < 15";
    stage.declare(&[recent.clone(), plain.clone()]);
    stage.source.execute(CHANGE).unwrap();
    stage.edition();
    let seen = "SELECT (SELECT count(*) FROM mine) = (SELECT count(*) FROM reports.recent), \
                (SELECT count(*) FROM mine) > 0, \
                has_table_privilege('windows_reader', 'reports.recent', 'SELECT')";
    assert_eq!(stage.target.psql(seen).unwrap(), "t|t|t");
    // The same columns, other rows.
    recent.section = recent.section.replace("7 days", "20 hours");
    recent.expected = recent.expected.replace("7 days", "20 hours");
    stage.declare(&[recent, plain]);
    stage.edition();
    assert_eq!(stage.target.psql(seen).unwrap(), "t|t|t");
}

#[test]
fn partitions_that_come_and_go_change_the_window() {
    let stage = Stage::new("partitions", EVENTS, &windows());
    stage.edition();
    for change in [
        "ALTER TABLE event DETACH PARTITION event_2",
        "ALTER TABLE event ATTACH PARTITION event_2 FOR VALUES FROM (10) TO (20)",
        "CREATE TABLE event_3 PARTITION OF event FOR VALUES FROM (20) TO (30); \
         INSERT INTO event SELECT n, 'b', now(), 25 FROM generate_series(1, 9) AS n",
        "UPDATE event SET day = 21 WHERE day = 1",
        "DROP TABLE event_1",
        "TRUNCATE event_2",
    ] {
        stage.source.execute(change).unwrap();
        stage.edition();
    }
}

#[test]
fn definitions_of_the_source_change_under_the_window() {
    let stage = Stage::new("drift", EVENTS, &windows());
    stage.edition();
    for change in [
        "ALTER TABLE event ADD COLUMN more text DEFAULT 'x'",
        "ALTER TABLE event ALTER COLUMN more SET DEFAULT 'y'; UPDATE event SET more = id \
         WHERE id % 2 = 0",
        "ALTER TABLE plain ALTER COLUMN id TYPE bigint",
        "ALTER TABLE plain DROP COLUMN at, ADD COLUMN at timestamptz DEFAULT now()",
        "ALTER TYPE kind ADD VALUE 'c'",
        "UPDATE event SET kind = 'c' WHERE id % 4 = 0",
        "ALTER TABLE plain DROP CONSTRAINT plain_pkey",
        "INSERT INTO plain SELECT id, at FROM plain LIMIT 3",
        "DROP TABLE plain; CREATE TABLE plain (at timestamptz, id int PRIMARY KEY); \
         INSERT INTO plain VALUES (now(), 1), (now() - interval '8 days', 2)",
    ] {
        eprintln!("{change}");
        stage.source.execute(change).unwrap();
        stage.edition();
    }
}

#[test]
fn a_copy_anew_takes_its_windows_along() {
    let stage = Stage::new("replace", EVENTS, &windows());
    stage.edition();
    let oids = "SELECT 'reports.recent'::regclass::oid, 'reports.plain'::regclass::oid";
    let [run, config, file] = stage.arguments();
    for round in 0..2 {
        stage
            .source
            .execute(&CHANGE.replace("SELECT n,", &format!("SELECT n + {round} * 1000,")))
            .unwrap();
        levada(&[&run, "--replace", &config, &file]).expect_code(0);
        stage.judge();
        let before = stage.target.psql(oids).unwrap();
        stage.source.execute("DELETE FROM event WHERE id % 11 = 0").unwrap();
        stage.edition();
        assert_eq!(stage.target.psql(oids).unwrap(), before, "replaced without need");
    }
}

/// While the copy is published its types bear other names, under which no reader's view knows them.
#[test]
fn a_view_that_names_a_type_of_the_edition_stops_a_copy_anew() {
    let stage = Stage::new("typed_view", EVENTS, &windows());
    stage.edition();
    let view = "CREATE SCHEMA own; \
                CREATE VIEW own.mine AS SELECT id FROM reports.recent WHERE kind = 'a'";
    stage.target.execute(view).unwrap();
    stage.source.execute(CHANGE).unwrap();
    let before = stage.target.psql(DIGESTS).unwrap();
    let [run, config, file] = stage.arguments();
    let again = || levada(&[&run, "--replace", &config, &file]);
    let said = "window reports.recent: view own.mine cannot be recreated";
    again().expect_code(2).expect_stderr(said).expect_stderr("change or drop it");
    assert_eq!(stage.target.psql(DIGESTS).unwrap(), before);
    stage.target.execute("DROP VIEW own.mine").unwrap();
    again().expect_code(0);
    stage.judge();
}

/// Editions that are made without a window in between are not missed when it comes back.
#[test]
fn a_window_that_was_left_out_is_told_of_and_comes_back_right() {
    let mut stage = Stage::new("left_out", EVENTS, &windows());
    stage.edition();
    let [recent, plain] = windows();
    stage.declare(std::slice::from_ref(&plain));
    stage.source.execute(CHANGE).unwrap();
    let ran = stage.run().expect_code(1);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(said.contains("window reports.recent is not declared any more"), "{said}");
    assert!(said.contains("edition 1"), "{said}");
    stage.declare(&[]);
    stage.run().expect_code(1);
    stage.declare(&[recent, plain.clone()]);
    stage.edition();
    stage.target.execute("DROP TABLE reports.recent").unwrap();
    stage.declare(&[plain]);
    stage.edition();
}

#[test]
fn a_run_killed_while_it_fills_a_window_changes_nothing() {
    let stage = Stage::new("killed", EVENTS, &windows());
    stage.edition();
    let arguments = stage.arguments();
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                   AND application_name LIKE 'levada %' AND wait_event_type = 'Lock'";
    let locks = ["reports.recent", "reports.plain", "levada.report_window", "levada.report_table"];
    for (number, table) in locks.into_iter().enumerate() {
        let change = format!(
            "UPDATE event SET at = at + interval '3 hours' WHERE id % 4 = {number}; \
             INSERT INTO plain VALUES (5000 + {number}, now()); \
             DELETE FROM event WHERE id % 40 = {number}"
        );
        stage.source.execute(&change).unwrap();
        if table == "levada.report_table" {
            // It is written where a window is new.
            stage.target.execute("DROP TABLE reports.plain").unwrap();
        }
        let digests = match table {
            "levada.report_table" => DIGESTS.split(';').next().unwrap(),
            _ => DIGESTS,
        };
        let before = stage.target.psql(digests).unwrap();
        let mut blocker = stage.target.session().unwrap();
        blocker.run(&format!("BEGIN; LOCK TABLE {table} IN SHARE MODE")).unwrap();
        let mut child = start(&arguments.each_ref().map(String::as_str));
        let is_held = || Ok(stage.target.psql(waiting)? != "0" || child.try_wait()?.is_some());
        wait_for(table, PATIENCE, is_held).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        drop(blocker);
        assert_eq!(stage.target.psql(digests).unwrap(), before, "{table}");
        stage.edition();
    }
}

/// Somebody's lock is waited for, and what was computed before it is computed again.
#[test]
fn a_locked_window_is_waited_for() {
    let stage = Stage::new("locked", EVENTS, &windows());
    stage.edition();
    stage.source.execute(CHANGE).unwrap();
    let mut blocker = stage.target.session().unwrap();
    blocker.run("BEGIN; LOCK TABLE reports.plain IN SHARE MODE").unwrap();
    let arguments = stage.arguments();
    let child = start(&arguments.each_ref().map(String::as_str));
    let failed = "SELECT count(*) > 1 FROM pg_stat_activity WHERE datname = current_database() \
                  AND application_name = 'levada writer' AND wait_event_type = 'Lock' \
                  AND xact_start > backend_start + interval '1 s'";
    let has_waited = wait_for("a second attempt", PATIENCE, || {
        Ok(stage.target.psql(&failed.replace("> 1", "> 0"))? == "t")
    });
    drop(blocker);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && has_waited.is_ok(), "{has_waited:?} {output:?}");
    stage.judge();
}
