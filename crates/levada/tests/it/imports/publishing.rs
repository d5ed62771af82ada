//! An import is part of its edition: seen with it, kept with it, untouched where nothing changed.

use std::time::Duration;

use super::server::{Answer, Way};
use super::{ALL_SKILLS, Import, SKILLS, skills};

#[test]
fn only_rows_that_changed_are_written() {
    let import = Import::new("unchanged");
    import.configure(SKILLS);
    import.server.answer("/skills.json", skills(&[("a", 1), ("b", 2), ("c", 3)]));
    import.run().expect_code(0);
    let rows = "SELECT string_agg(id || ctid || xmin, ' ' ORDER BY id) FROM reports.skills \
                WHERE id <> 'b'";
    let record = "SELECT rows, edition, changed_at FROM levada.import WHERE name = 'skills'";
    let (before, recorded) = (import.says(rows), import.says(record));
    import.server.answer("/skills.json", skills(&[("c", 3), ("a", 1), ("b", 2)]));
    import.run().expect_code(0);
    assert_eq!(import.edition(), "2");
    assert_eq!(import.says(rows), before);
    assert_eq!(import.says(record), recorded.replacen("3|1|", "3|2|", 1), "changed_at stays");
    import.server.answer("/skills.json", skills(&[("a", 1), ("b", 20), ("c", 3), ("d", 4)]));
    import.run().expect_code(0);
    assert_eq!(import.says(ALL_SKILLS), "a1 b20 c3 d4");
    let step = "SELECT rows FROM levada.work WHERE category = 'IMPORT' AND object = \
                'reports.skills' ORDER BY run DESC LIMIT 1";
    assert_eq!(import.says(step), "4");
    let kept = "SELECT string_agg(id || ctid || xmin, ' ' ORDER BY id) FROM reports.skills \
                WHERE id IN ('a', 'c')";
    assert_eq!(import.says(kept), before);
    assert_ne!(import.says(record).rsplit_once('|'), recorded.rsplit_once('|'));
    import.server.answer("/skills.json", skills(&[("d", 4)]));
    import.run().expect_code(0);
    assert_eq!(import.says(ALL_SKILLS), "d4");
    let leftovers = "SELECT count(*) FROM pg_class WHERE relname LIKE 'import\\_next%'";
    assert_eq!(import.says(leftovers), "0");
}

#[test]
fn a_reader_sees_the_old_table_whole() {
    let import = Import::new("reader");
    import.configure(SKILLS);
    import.server.answer("/skills.json", skills(&[("a", 1), ("b", 2)]));
    import.run().expect_code(0);
    let mut early = import.target.session().unwrap();
    early.run("BEGIN ISOLATION LEVEL REPEATABLE READ").unwrap();
    assert_eq!(early.run(ALL_SKILLS).unwrap(), "a1 b2");
    let mut late = import.target.session().unwrap();
    late.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").unwrap();
    import.server.answer("/skills.json", skills(&[("b", 3), ("c", 4)]));
    import.run().expect_code(0);
    assert_eq!(import.says(ALL_SKILLS), "b3 c4");
    assert_eq!(early.run(ALL_SKILLS).unwrap(), "a1 b2");
    assert_eq!(late.run(ALL_SKILLS).unwrap(), "a1 b2");
    early.run("COMMIT").unwrap();
    assert_eq!(early.run(ALL_SKILLS).unwrap(), "b3 c4");
}

#[test]
fn views_of_readers_survive_another_layout_and_a_replacement() {
    let import = Import::new("views");
    import.configure(SKILLS);
    import.server.answer("/skills.json", skills(&[("a", 1), ("b", 2)]));
    import.run().expect_code(0);
    import
        .target
        .execute(
            "CREATE SCHEMA mine; CREATE VIEW mine.top AS SELECT id, level FROM reports.skills \
             WHERE level > 1; CREATE ROLE import_reader; \
             GRANT SELECT ON reports.skills, mine.top TO import_reader",
        )
        .unwrap();
    let view = "SELECT id, level, has_table_privilege('import_reader', 'mine.top', 'SELECT'), \
                has_table_privilege('import_reader', 'reports.skills', 'SELECT') \
                FROM mine.top";
    assert_eq!(import.says(view), "b|2|t|t");
    let wider = SKILLS.replace("level = \"integer\"", "level = \"integer\", name = \"text\"");
    import.configure(&format!("{wider}indexes = [[\"name\"]]\n"));
    let body = r#"{"skills":[{"id":"a","level":1,"name":"x"},{"id":"b","level":5,"name":"y"}]}"#;
    import.server.answer("/skills.json", Answer::of(body));
    import.run().expect_code(0);
    assert_eq!(import.says(view), "b|5|t|t");
    assert_eq!(import.says("SELECT string_agg(name, ',' ORDER BY id) FROM reports.skills"), "x,y");
    import.source.execute("INSERT INTO note VALUES (2)").unwrap();
    import.run_with(&["--replace"]).expect_code(0);
    assert_eq!(import.says("SELECT count(*) FROM note"), "2");
    assert_eq!(import.says(view), "b|5|t|t");
    import.target.execute("DROP OWNED BY import_reader; DROP ROLE import_reader").unwrap();
}

#[test]
fn a_view_that_does_not_fit_stops_the_run_before_publishing() {
    let import = Import::new("unfit_view");
    import.configure(SKILLS);
    import.server.answer("/skills.json", skills(&[("a", 1)]));
    import.run().expect_code(0);
    import.target.execute("CREATE VIEW tops AS SELECT level FROM reports.skills").unwrap();
    import.configure(&SKILLS.replace(", level = \"integer\"", ""));
    import.run().expect_code(2).expect_stderr("tops");
    assert_eq!(import.edition(), "1");
    assert_eq!(import.says("SELECT level FROM tops"), "1");
}

#[test]
fn a_killed_run_leaves_nothing_to_be_seen() {
    let import = Import::new("killed");
    import.configure(SKILLS);
    import.server.answer("/skills.json", skills(&[("a", 1)]));
    import.run().expect_code(0);
    let more = "[[import]]\nname = \"more\"\nurl = \"SERVER/more.json\"\nkey = [\"id\"]\n\
                columns = { id = \"text\" }\n";
    import.configure(&format!("{SKILLS}{more}"));
    import.server.answer("/skills.json", skills(&[("a", 2), ("b", 2)]));
    import.server.answer("/more.json", Answer::of("").way(Way::Never));
    import.server.asked();
    let mut child = import.start();
    let asked = || Ok(import.server.count() == 2);
    testkit::wait_for("the second import to be asked", Duration::from_secs(60), asked).unwrap();
    let staged = "SELECT count(*) FROM levada.import_next_0";
    assert_eq!(import.says(staged), "2", "the first import waits to be published");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(import.says(ALL_SKILLS), "a1");
    assert_eq!(import.edition(), "1");
    assert_eq!(import.says("SELECT to_regclass('reports.more') IS NULL"), "t");
    import.server.answer("/more.json", Answer::of(r#"[{"id":"m"}]"#));
    import.run().expect_code(0);
    assert_eq!(import.says(ALL_SKILLS), "a2 b2");
    assert_eq!(import.says("SELECT id FROM reports.more"), "m");
    let leftovers = "SELECT count(*) FROM pg_class WHERE relname LIKE 'import\\_next%'";
    assert_eq!(import.says(leftovers), "0");
}

/// Another layout is another table behind the name: whoever could still look at it comes first.
#[test]
fn another_layout_waits_for_readers() {
    let import = Import::new("layout_reader");
    import.configure(SKILLS);
    import.server.answer("/skills.json", skills(&[("a", 1)]));
    import.run().expect_code(0);
    let mut reader = import.target.session().unwrap();
    reader.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM note").unwrap();
    let wide = SKILLS.replace("level = \"integer\"", "level = \"bigint\"");
    import.configure(&format!("{wide}[copy]\npublish_wait_seconds = 1\n"));
    import.server.answer("/skills.json", skills(&[("a", 2)]));
    import.run().expect_code(2);
    assert_eq!(reader.run(ALL_SKILLS).unwrap(), "a1");
    assert_eq!(import.edition(), "1");
    reader.run("COMMIT").unwrap();
    import.run().expect_code(0);
    assert_eq!(import.says("SELECT level, pg_typeof(level) FROM reports.skills"), "2|bigint");
}

#[test]
fn a_run_killed_while_it_publishes_leaves_the_old_table() {
    let import = Import::new("killed_late");
    import.configure(SKILLS);
    import.server.answer("/skills.json", skills(&[("a", 1)]));
    import.run().expect_code(0);
    let mut blocker = import.target.session().unwrap();
    blocker.run("BEGIN; LOCK TABLE reports.skills IN SHARE MODE").unwrap();
    import.server.answer("/skills.json", skills(&[("a", 2), ("b", 2)]));
    let mut child = import.start();
    let waits = "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND \
                 relation = 'reports.skills'::regclass";
    testkit::wait_for("the publication to wait", Duration::from_secs(60), || {
        Ok(import.target.psql(waits)? == "t")
    })
    .unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    blocker.run("COMMIT").unwrap();
    assert_eq!(import.says(ALL_SKILLS), "a1");
    assert_eq!(import.edition(), "1");
    import.run().expect_code(0);
    assert_eq!(import.says(ALL_SKILLS), "a2 b2");
    assert_ne!(import.edition(), "1");
}

#[test]
fn a_table_of_somebody_else_is_not_overwritten() {
    let import = Import::new("taken");
    import.configure(SKILLS);
    import.server.answer("/skills.json", skills(&[("a", 1)]));
    import
        .target
        .execute("CREATE SCHEMA reports; CREATE TABLE reports.skills AS SELECT 'mine' AS id")
        .unwrap();
    import.run().expect_code(2).expect_stderr("reports.skills exists already");
    assert_eq!(import.says("SELECT id FROM reports.skills"), "mine");
}

#[test]
fn rows_that_vanish_from_the_table_come_back() {
    let import = Import::new("tampered");
    import.configure(SKILLS);
    import.server.answer("/skills.json", skills(&[("a", 1), ("b", 2)]));
    import.run().expect_code(0);
    import
        .target
        .execute("UPDATE reports.skills SET level = 9; INSERT INTO reports.skills VALUES ('x', 1)")
        .unwrap();
    import.run().expect_code(0);
    assert_eq!(import.says(ALL_SKILLS), "a1 b2");
}
