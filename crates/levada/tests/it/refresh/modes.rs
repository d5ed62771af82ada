//! What a person decides about single tables: filters, kept deletes, modes, and what follows when
//! they change their mind.

use testkit::wait_for;

use super::{Report, Way, stage};
use crate::support::assert_same_content;

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

const TABLE: &str = "CREATE TABLE entry (id int PRIMARY KEY, v text, at timestamptz, \
     u int UNIQUE); INSERT INTO entry SELECT n, 'v' || n, now() - n * interval '1 day', n \
     FROM generate_series(1, 100) n";

/// A table under a rule, with its first edition.
fn ruled(name: &str, rule: &str) -> (testkit::Database, Way) {
    let (source, way) = stage(name, TABLE);
    rule_is(&way, rule);
    way.edition();
    (source, way)
}

fn rule_is(way: &Way, rule: &str) {
    way.configure(&format!("[tables.entry]\n{rule}\n"));
}

/// The rows that fulfil a condition are in the target, and no others.
#[track_caller]
fn assert_holds(source: &testkit::Database, way: &Way, condition: &str) {
    let rows = |where_: &str| {
        format!(
            "SELECT count(*), md5(string_agg(e::text, '' ORDER BY id)) FROM entry AS e {where_}"
        )
    };
    let wanted = source.psql(&rows(&format!("WHERE {condition}"))).unwrap();
    assert_eq!(way.target.psql(&rows("")).unwrap(), wanted);
}

#[test]
fn a_row_that_leaves_its_filter_is_deleted() {
    let (source, way) = ruled("filter", "where = \"v LIKE 'v%' AND id <= 80\"");
    assert_holds(&source, &way, "v LIKE 'v%' AND id <= 80");
    let step = |sql: &str, changes: [i64; 3]| {
        source.execute(sql).unwrap();
        let report = way.edition();
        assert_eq!(report.changes(), changes, "{sql}");
        assert_eq!(report.method_of("public.entry").0, "changes", "{sql}");
        assert_holds(&source, &way, "v LIKE 'v%' AND id <= 80");
    };
    step("SELECT 1", [0, 0, 0]);
    step("UPDATE entry SET v = 'x' WHERE id < 5", [0, 0, 4]);
    step("UPDATE entry SET v = 'v again' WHERE id < 3", [2, 0, 0]);
    step(
        "UPDATE entry SET v = 'x' WHERE id > 95; UPDATE entry SET v = 'vv' WHERE id = 7",
        [0, 1, 0],
    );
    step(
        "UPDATE entry SET v = 'x' WHERE id = 10; UPDATE entry SET id = 4000 WHERE id = 11",
        [0, 0, 2],
    );
    step(
        "DELETE FROM entry WHERE id IN (12, 99); INSERT INTO entry VALUES (-1, 'v'), (-2, 'x')",
        [1, 0, 1],
    );
    // As many leave as enter, and a unique value goes with them.
    step(
        "UPDATE entry SET v = 'x', u = -14 WHERE id = 14; \
          UPDATE entry SET v = 'v', u = 14 WHERE id = 3",
        [1, 0, 1],
    );
    step("TRUNCATE entry", [0, 0, 76]);
}

#[test]
fn another_filter_brings_and_removes_rows() {
    let (source, way) = ruled("new_filter", "where = \"id <= 50\"");
    rule_is(&way, "where = \"id > 40\"");
    let report = way.edition();
    assert_eq!(report.changes(), [50, 0, 40]);
    assert_eq!(report.method_of("public.entry").1, "its filter has changed");
    assert_holds(&source, &way, "id > 40");
    source.execute("UPDATE entry SET v = 'x' WHERE id % 10 = 0").unwrap();
    rule_is(&way, "");
    assert_eq!(way.edition().changes(), [40, 6, 0]);
    assert_same_content(&source, &way.target);
    rule_is(&way, "where = \"false\"");
    assert_eq!(way.edition().changes(), [0, 0, 100]);
    // With a key of another kind, and changes at the same time.
    rule_is(&way, "where = \"v IN (SELECT v FROM public.entry WHERE u % 2 = 0)\"");
    source.execute("DELETE FROM entry WHERE id = 2").unwrap();
    way.edition();
    assert_holds(&source, &way, "u % 2 = 0");
}

#[test]
fn rows_enter_and_leave_a_filter_by_the_passing_of_time() {
    let (source, way) = ruled("time", "where = \"at < now() AND at > now() - interval '10 days'\"");
    let soon = "UPDATE entry SET at = now() + interval '2 s' WHERE id = 50; \
                UPDATE entry SET at = now() - interval '10 days' + interval '2 s' WHERE id = 51; \
                UPDATE entry SET at = now() + interval '1 day' WHERE id = 52";
    source.execute(soon).unwrap();
    assert_eq!(way.edition().changes(), [1, 0, 0]);
    let now = "SELECT at < now() AND (SELECT at FROM entry WHERE id = 51) < now() - interval \
               '10 days' FROM entry WHERE id = 50";
    wait_for("time to pass", PATIENCE, || Ok(source.psql(now)? == "t")).unwrap();
    let report = way.edition();
    assert_eq!(report.changes(), [1, 0, 1], "{report:?}");
    assert_holds(&source, &way, "at < now() AND at > now() - interval '10 days'");
    assert_eq!(way.edition().method_of("public.entry").0, "changes");
}

#[test]
fn deletes_are_kept_until_they_are_mirrored_again() {
    let (source, way) = ruled("keep", "deletes = \"keep\"");
    let step = |sql: &str, changes: [i64; 3]| {
        source.execute(sql).unwrap();
        let report = way.edition();
        assert_eq!(report.changes(), changes, "{sql}");
        assert_eq!(report.method_of("public.entry").0, "changes", "{sql}");
    };
    step("DELETE FROM entry WHERE id <= 10", [0, 0, 0]);
    step("UPDATE entry SET v = 'x' WHERE id <= 12; DELETE FROM entry WHERE id = 13", [0, 2, 0]);
    step("INSERT INTO entry VALUES (1, 'again', now(), 1), (200, 'new', now(), 200)", [1, 1, 0]);
    step("UPDATE entry SET id = 300, u = 300 WHERE id = 14", [1, 0, 0]);
    step("SELECT 1", [0, 0, 0]);
    let kept = "SELECT count(*) FROM entry WHERE v LIKE 'v%' AND id BETWEEN 2 AND 14";
    assert_eq!(way.target.psql(kept).unwrap(), "11");
    step("TRUNCATE entry", [0, 0, 0]);
    assert_eq!(way.target.count("entry").unwrap(), 102);
    step("INSERT INTO entry VALUES (5, 'five', now(), 5)", [0, 1, 0]);
    rule_is(&way, "");
    let report = way.edition();
    assert_eq!(report.changes(), [0, 0, 101]);
    assert_eq!(report.method_of("public.entry").1, "deleted rows are not kept any more");
    assert_same_content(&source, &way.target);
}

#[test]
fn kept_rows_that_leave_their_filter_stay() {
    let (source, way) = ruled("keep_filter", "deletes = \"keep\"\nwhere = \"id <= 50\"");
    source
        .execute("UPDATE entry SET id = id + 1000 WHERE id <= 5; DELETE FROM entry WHERE id = 6")
        .unwrap();
    assert_eq!(way.edition().changes(), [0, 0, 0]);
    source.execute("UPDATE entry SET v = 'x' WHERE id < 9").unwrap();
    source.execute("INSERT INTO entry VALUES (0, 'new'), (7000, 'new')").unwrap();
    let report = way.edition();
    assert_eq!(report.changes(), [1, 2, 0], "{report:?}");
    assert_eq!(way.target.count("entry").unwrap(), 51);
}

/// A kept row holds a unique value that production has given to another row: both cannot stand.
#[test]
fn a_kept_row_whose_unique_value_is_taken_over_is_named() {
    let (source, way) = ruled("keep_unique", "deletes = \"keep\"");
    source.execute("DELETE FROM entry WHERE id = 7").unwrap();
    way.edition();
    source.execute("INSERT INTO entry VALUES (107, 'new owner', now(), 7)").unwrap();
    let before = way.target.content().unwrap();
    let ran = way.run().expect_code(2).expect_stderr("public.entry");
    assert!(ran.stderr.contains("entry_u_key"), "{}", ran.stderr);
    assert_eq!(way.target.content().unwrap(), before);
}

#[test]
fn append_carries_new_rows_and_reports_all_else() {
    let (source, way) = ruled("append", "mode = \"append\"");
    let old = "SELECT md5(string_agg(e::text, '' ORDER BY id)) FROM entry AS e WHERE id <= 100";
    let before = way.target.psql(old).unwrap();
    source.execute("INSERT INTO entry SELECT n, 'new' FROM generate_series(101, 110) n").unwrap();
    assert_eq!(way.edition().changes(), [10, 0, 0]);
    assert_eq!(way.edition().changes(), [0, 0, 0]);
    source
        .execute("UPDATE entry SET v = 'changed' WHERE id <= 3; INSERT INTO entry VALUES (111)")
        .unwrap();
    let report = Report::of(&way.run_telling().expect_code(1));
    assert_eq!(report.changes(), [1, 0, 0]);
    assert_eq!(report.table("public.entry")["ignored_changed"], 3);
    source.execute("DELETE FROM entry WHERE id IN (5, 6)").unwrap();
    let report = Report::of(&way.run_telling().expect_code(1));
    assert_eq!(report.changes(), [0, 0, 0]);
    assert_eq!(report.table("public.entry")["ignored_deleted"], 2);
    source
        .execute(
            "UPDATE entry SET v = v WHERE id = 9; UPDATE entry SET id = 500, u = 500 WHERE id = 10",
        )
        .unwrap();
    let ran = way.run().expect_code(1);
    assert!(ran.stdout.contains("public.entry"), "{}", ran.stdout);
    assert_eq!(way.target.psql(old).unwrap(), before, "old rows stay as they were");
    assert_eq!(way.target.count("entry").unwrap(), 112);
    // Whoever wants all of it again says so.
    rule_is(&way, "");
    let report = way.edition();
    assert_eq!(report.method_of("public.entry").1, "until now only new rows were carried");
    assert_same_content(&source, &way.target);
    rule_is(&way, "mode = \"append\"");
    source.execute("INSERT INTO entry VALUES (600)").unwrap();
    assert_eq!(way.edition().changes(), [1, 0, 0]);
}

#[test]
fn append_and_kept_deletes_need_a_key() {
    let (source, way) =
        stage("needs_key", "CREATE TABLE entry (v text); INSERT INTO entry VALUES ('a')");
    rule_is(&way, "mode = \"append\"");
    way.run();
    source.execute("INSERT INTO entry VALUES ('b')").unwrap();
    way.run().expect_code(2).expect_stderr("mode = \"append\" of public.entry needs a key");
    rule_is(&way, "deletes = \"keep\"");
    way.run().expect_code(2).expect_stderr("deletes = \"keep\" of public.entry needs a key");
    rule_is(&way, "");
    way.edition();
    assert_same_content(&source, &way.target);
}

#[test]
fn reload_reads_all_rows_and_writes_the_differing_ones() {
    let (source, way) = ruled("reload", "mode = \"reload\"");
    assert_eq!(way.edition().changes(), [0, 0, 0]);
    source
        .execute("UPDATE entry SET v = 'x' WHERE id = 1; DELETE FROM entry WHERE id = 2")
        .unwrap();
    source.execute("INSERT INTO entry VALUES (500)").unwrap();
    let report = way.edition();
    assert_eq!(report.method_of("public.entry").0, "reload");
    assert_eq!(report.changes(), [1, 1, 1]);
    assert_same_content(&source, &way.target);
    source.execute("TRUNCATE entry").unwrap();
    assert_eq!(way.edition().changes(), [0, 0, 100]);
    rule_is(&way, "mode = \"reload\"\nwhere = \"id > 5\"");
    source.execute("INSERT INTO entry SELECT n FROM generate_series(1, 9) n").unwrap();
    assert_eq!(way.edition().changes(), [4, 0, 0]);
    // A hand-made change is set right without anybody looking for it.
    way.target.execute("DELETE FROM entry; INSERT INTO entry VALUES (4711)").unwrap();
    assert_eq!(way.edition().changes(), [4, 0, 1]);
    assert_holds(&source, &way, "id > 5");
}

#[test]
fn a_table_whose_rows_come_only_now_and_then_misses_nothing() {
    let (source, way) = ruled("schema", "mode = \"schema\"");
    assert_eq!(way.target.count("entry").unwrap(), 0);
    source.execute("UPDATE entry SET v = 'x' WHERE id = 1").unwrap();
    way.edition();
    assert_eq!(way.target.count("entry").unwrap(), 0);
    rule_is(&way, "");
    let report = way.edition();
    assert_ne!(report.method_of("public.entry").0, "changes");
    assert_same_content(&source, &way.target);
    // While nobody carried its rows, as many went as came, and one changed.
    for rule in ["mode = \"schema\"", "mode = \"skip\""] {
        rule_is(&way, rule);
        source
            .execute(
                "UPDATE entry SET v = v || rule.n FROM (SELECT max(id) AS n FROM entry) AS rule \
                        WHERE id = 50",
            )
            .unwrap();
        source
            .execute(
                "UPDATE entry SET id = -id WHERE id = (SELECT min(id) FROM entry WHERE id > 0)",
            )
            .unwrap();
        way.edition();
        source.execute("INSERT INTO entry SELECT max(id) + 1, 'unseen' FROM entry").unwrap();
        way.edition();
        rule_is(&way, "");
        way.edition();
        assert_same_content(&source, &way.target);
    }
    way.configure("[copy]\nexclude = [\"entry\"]\n");
    source.execute("CREATE TABLE beside (id int PRIMARY KEY)").unwrap();
    way.edition();
    source.execute("UPDATE entry SET v = 'unseen' WHERE id = 60").unwrap();
    way.edition();
    rule_is(&way, "");
    way.edition();
    assert_same_content(&source, &way.target);
}
