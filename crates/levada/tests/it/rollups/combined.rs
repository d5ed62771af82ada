//! Rollups over several tables: what a changed row of one of them means for rows made of others.

use testkit::Database;

use crate::refresh::stage;

const EVENTS: &str = include_str!("combined.sql");

const CALENDAR: &str = "\n[[calendar]]\nname = \"london\"\nzone = \"Europe/London\"\n";

#[track_caller]
fn assert_same(source: &Database, target: &Database, (reported, recounted): (&str, &str)) {
    let mut reported = target.query_rows(reported).unwrap();
    let mut recounted = source.query_rows(recounted).unwrap();
    reported.sort();
    recounted.sort();
    assert!(!recounted.is_empty());
    assert_eq!(reported, recounted);
}

/// A label that comes changes how often events count that had one before.
#[test]
fn rows_without_a_match_are_counted_as_often_as_they_are_there() {
    let (source, way) = stage("rollup_outer", EVENTS);
    let query = "SELECT e.id, e.at, e.kind, l.name FROM live AS e LEFT JOIN label AS l \
                 ON l.kind = e.kind";
    let rows = format!(
        "tables = {{ live = \"live\", label = \"label\" }}\nsql = \"{query}\"\nby = [\"kind\"]\n"
    );
    let measures = "[rollup.measures]\nevents = \"count\"\nlast = { max = \"at\" }\n";
    way.configure(&format!(
        "{CALENDAR}\n[[rollup]]\nname = \"daily\"\ntime = \"at\"\ncalendar = \"london\"\n\
         grain = \"day\"\n{rows}{measures}\n[[rollup]]\nname = \"all_time\"\n{rows}{measures}"
    ));
    let changes = [
        "SELECT",
        "INSERT INTO label VALUES (2, 'a', 'two')",
        "INSERT INTO label VALUES (3, 'b', 'three')",
        "UPDATE label SET kind = 'b' WHERE id = 1",
        "DELETE FROM label WHERE id = 3; DELETE FROM live WHERE id % 5 = 1",
    ];
    for change in changes {
        source.execute(change).unwrap();
        way.run().expect_code(0);
        let all = format!("SELECT kind, count(*), max(at) FROM ({query}) AS q GROUP BY 1");
        let reported = "SELECT kind, events, last FROM reports.all_time";
        assert_same(&source, &way.target, (reported, &all));
        let daily = format!(
            "SELECT (at AT TIME ZONE 'Europe/London')::date, kind, count(*), max(at) \
             FROM ({query}) AS q GROUP BY 1, 2"
        );
        let reported = "SELECT bucket, kind, events, last FROM reports.daily";
        assert_same(&source, &way.target, (reported, &daily));
    }
}

/// What happens in one arm is no news of the others: old days stay as they are, and nobody is told
/// that they have changed.
#[test]
fn a_change_in_one_arm_touches_no_day_of_the_others() {
    let (source, way) = stage("rollup_arms", EVENTS);
    let query = "SELECT e.id, e.at, e.kind, l.id AS label FROM live AS e JOIN label AS l \
                 ON l.kind = e.kind UNION ALL SELECT id, at, kind, 0 FROM old";
    let tables = "tables = [\"live\", \"old\", \"label\"]";
    way.configure(&format!(
        "{CALENDAR}\n[[rollup]]\nname = \"daily\"\ntime = \"at\"\ncalendar = \"london\"\n\
         grain = \"day\"\n{tables}\nsql = \"{query}\"\nby = [\"kind\"]\nrestate_for = \"20 days\"\n\
         [rollup.measures]\nevents = \"count\"\n"
    ));
    way.run().expect_code(0);
    let computed = |edition: i32| {
        let sql = format!("SELECT count(*) FROM levada.rollup_bucket WHERE edition = {edition}");
        way.target.psql(&sql).unwrap().parse::<u32>().unwrap()
    };
    let days = computed(1);
    assert!(days > 90, "{days}");
    let changes = [
        "INSERT INTO label VALUES (2, 'a', 'two')",
        "UPDATE live SET kind = 'b' WHERE id = 6",
        "WITH moved AS (DELETE FROM live WHERE kind IS NULL AND id > 30 RETURNING *) \
         INSERT INTO old SELECT * FROM moved",
    ];
    for (edition, change) in (2..).zip(changes) {
        source.execute(change).unwrap();
        way.run().expect_code(0);
        let touched = computed(edition);
        assert!((1..=12).contains(&touched), "{touched} days by {change}");
        let recounted = format!(
            "SELECT (at AT TIME ZONE 'Europe/London')::date, kind, count(*) FROM ({query}) AS q \
             GROUP BY 1, 2"
        );
        let reported = "SELECT bucket, kind, events FROM reports.daily";
        assert_same(&source, &way.target, (reported, &recounted));
    }
}
