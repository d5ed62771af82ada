//! What single windows hold and refuse.

use super::{Stage, Window};

const EVENTS: &str = "CREATE TABLE event (id int PRIMARY KEY, kind text, at timestamptz); \
    INSERT INTO event SELECT n, 'kind ' || n % 3, now() - n * interval '1 hour' \
    FROM generate_series(1, 400) AS n";

const LAST: &str = "table = \"event\"\ntime = \"at\"\nlast = \"7 days\"\n";

fn recent() -> Window {
    let expected = "SELECT * FROM event WHERE at > $now - interval '168 hours' AND at <= $now";
    Window::new("recent", LAST, expected)
}

/// "Since Monday" loses the week-end each Monday; the last seven days never do.
#[test]
fn this_week_is_another_thing_than_the_last_seven_days() {
    let current = Window::new(
        "this_week",
        "table = \"event\"\ntime = \"at\"\ncurrent = \"week\"\ncalendar = \"paris\"\n",
        "SELECT * FROM event WHERE at <= $now AND at >= date_trunc('week', $now AT TIME ZONE \
         'Europe/Paris') AT TIME ZONE 'Europe/Paris'",
    );
    let stage = Stage::new("side_by_side", EVENTS, &[recent(), current]);
    let monday = "(date_trunc('week', now() AT TIME ZONE 'Europe/Paris') AT TIME ZONE \
                  'Europe/Paris')";
    let sql = format!(
        "INSERT INTO event VALUES (1000, 'Monday', {monday}), \
         (1001, 'Sunday', {monday} - interval '1 us'), (1002, 'now', now()), \
         (1003, 'a week ago', now() - interval '7 days'), (1004, 'later', now() + '1 day')"
    );
    stage.source.execute(&sql).unwrap();
    stage.edition();
    let of = |window: &str| {
        let sql = format!("SELECT id FROM reports.{window} WHERE id >= 1000 ORDER BY id");
        stage.target.psql(&sql).unwrap().replace('\n', " ")
    };
    assert_eq!(of("recent"), "1000 1001 1002");
    assert_eq!(of("this_week"), "1000 1002");
    let hours = "SELECT count(*) FROM reports.recent WHERE id < 1000";
    assert_eq!(stage.target.psql(hours).unwrap(), "167");
}

#[test]
fn editions_without_changes_leave_the_version() {
    let mut windows = [recent()];
    // Nothing comes to be, or ceases to be, a part of these.
    windows[0].section = LAST.replace("7 days", "1000 days");
    windows[0].expected = "SELECT * FROM event".to_owned();
    let stage = Stage::new("version", EVENTS, &windows);
    stage.edition();
    assert_eq!(stage.version("recent"), "1|1");
    stage.edition();
    stage.edition();
    assert_eq!(stage.version("recent"), "1|1");
    stage.source.execute("UPDATE event SET kind = 'other' WHERE id = 7").unwrap();
    stage.edition();
    assert_eq!(stage.version("recent"), "2|4");
}

/// Only the rows that change are written: the others stay where they are.
#[test]
fn rows_that_stay_are_not_written_again() {
    let stage = Stage::new("few_writes", EVENTS, &[recent()]);
    stage.edition();
    let places = "SELECT string_agg(id || ' ' || ctid, ',' ORDER BY id) FROM reports.recent \
                  WHERE id BETWEEN 20 AND 120 AND id <> 50";
    let before = stage.target.psql(places).unwrap();
    stage.source.execute("UPDATE event SET kind = 'other' WHERE id = 50").unwrap();
    stage.edition();
    assert_eq!(stage.target.psql(places).unwrap(), before);
}

#[test]
fn columns_and_indexes_are_the_declared_ones() {
    let mut window = recent();
    window.section += "columns = [\"kind\"]\nindexes = [[\"kind\", \"at\"]]\n";
    window.expected = window.expected.replace('*', "kind, id, at");
    let stage = Stage::new("columns", EVENTS, &[window]);
    stage.edition();
    let indexes = "SELECT string_agg(regexp_replace(indexdef, '.* USING', ''), ',' ORDER BY 1) \
                   FROM pg_indexes WHERE schemaname = 'reports' AND tablename = 'recent'";
    assert_eq!(stage.target.psql(indexes).unwrap(), " btree (id), btree (kind, at)");
    let planned = "SET enable_seqscan = off; EXPLAIN (COSTS OFF) SELECT * FROM reports.recent \
                   WHERE kind = 'kind 1'";
    assert!(stage.target.psql(planned).unwrap().contains("levada_"));
}

#[track_caller]
fn refused(stage: &mut Stage, section: &str, parts: &[&str]) {
    let before = stage.target.psql("SELECT max(number) FROM levada.edition").unwrap();
    let held = stage.target.psql("SELECT count(*) FROM reports.recent").unwrap();
    stage.declare(&[recent(), Window::new("other", section, "SELECT")]);
    let mut ran = stage.run().expect_code(2);
    for part in parts {
        ran = ran.expect_stderr(part);
    }
    assert_eq!(stage.target.psql("SELECT max(number) FROM levada.edition").unwrap(), before);
    assert_eq!(stage.target.psql("SELECT count(*) FROM reports.recent").unwrap(), held);
}

#[test]
fn what_does_not_fit_the_edition_ends_the_run() {
    let sql = format!(
        "{EVENTS}; CREATE TABLE naive (id int PRIMARY KEY, at timestamp, day date); \
         CREATE VIEW shown AS SELECT * FROM event"
    );
    let mut stage = Stage::new("refused", &sql, &[recent()]);
    stage.edition();
    let naive = "table = \"naive\"\nlast = \"7 days\"\n";
    refused(
        &mut stage,
        &format!("{naive}time = \"at\"\n"),
        &["public.naive.at needs a zone", "timestamp without time zone", "Europe/Paris"],
    );
    refused(&mut stage, &format!("{naive}time = \"day\"\n"), &["public.naive.day needs a zone"]);
    refused(&mut stage, &format!("{naive}time = \"id\"\n"), &["is no time: it is integer"]);
    refused(&mut stage, &LAST.replace("\"at\"", "\"when\""), &["has no column when", "id, kind"]);
    refused(&mut stage, &LAST.replace("event", "nothing"), &["no table public.nothing"]);
    refused(&mut stage, &LAST.replace("event", "shown"), &["public.shown is not a table"]);
    let also = |more: &str| format!("{LAST}{more}\n");
    refused(&mut stage, &also("columns = [\"knd\"]"), &["has no column knd"]);
    refused(
        &mut stage,
        &also("columns = [\"id\"]\nindexes = [[\"kind\"]]"),
        &["column kind, which is not carried"],
    );
    for filter in [
        "at < now()",
        "id IN (SELECT id FROM naive)",
        "kind",
        "true); DROP TABLE event; SELECT (1",
        "count(*) > 1",
    ] {
        refused(
            &mut stage,
            &also(&format!("where = \"{filter}\"")),
            &["where is refused", "now()"],
        );
    }
    let taken = "CREATE TABLE reports.other (id int); INSERT INTO reports.other VALUES (4711)";
    stage.target.execute(taken).unwrap();
    refused(&mut stage, LAST, &["reports.other exists already"]);
    assert_eq!(stage.target.psql("TABLE reports.other").unwrap(), "4711");
    stage.declare(&[recent()]);
    stage.edition();
}

/// A condition cannot reach beyond itself.
#[test]
fn a_condition_is_read_as_one() {
    let mut window = recent();
    window.section += "where = \"id = 1 OR id = 2\"\n";
    window.expected += " AND (id = 1 OR id = 2)";
    let mut stage = Stage::new("condition", EVENTS, &[window.clone()]);
    stage.edition();
    window.section = window.section.replace("id = 1 OR id = 2", "id = 1) OR (id = 390");
    window.expected = window.expected.replace("id = 2", "id = 390");
    stage.declare(&[window]);
    stage.edition();
    assert_eq!(stage.target.psql("SELECT id FROM reports.recent").unwrap(), "1");
}
