//! What could go wrong around a rollup rather than in it: other layouts, other commands, odd names,
//! sections that are gone.

use crate::refresh::stage;
use crate::support::levada;

use super::cases::{EVENTS, daily, expect_finding, older_than, replace};

#[test]
fn removed_rows_stay_counted_under_another_type() {
    let (source, way) = stage("rollup_retyped", EVENTS);
    let options = "retention = \"20 days\"\ntotals = [[]]";
    way.configure(&daily("totals = [[]]", "most = { max = \"amount\" }"));
    way.run().expect_code(0);
    way.configure(&daily(options, "most = { max = \"amount\" }"));
    way.run().expect_code(0);
    let before = older_than(&way, 20);
    assert!(!before.is_empty());
    source.execute("delete from event where at < now() - interval '20 days'").unwrap();
    source.execute("alter table event alter amount type bigint").unwrap();
    way.run().expect_code(0);
    assert_eq!(older_than(&way, 20), before);
    let kind = "select distinct pg_typeof(most) from reports.daily";
    assert_eq!(way.target.psql(kind).unwrap(), "bigint");
    source.execute("alter table event alter kind type varchar(9)").unwrap();
    replace(&way).expect_code(0);
    assert_eq!(older_than(&way, 20), before);
    let total = "select events from reports.daily_totals";
    let sum = "select sum(events) from reports.daily where bucket_end <= now()";
    assert_eq!(way.target.psql(total).unwrap(), way.target.psql(sum).unwrap());
}

#[test]
fn dimensions_of_an_enum_survive_a_copy_anew() {
    let (source, way) = stage(
        "rollup_enum",
        &format!(
            "{EVENTS}; create type mood as enum ('calm', 'wild'); alter table event add mood mood; \
             update event set mood = 'calm' where id % 2 = 0"
        ),
    );
    way.configure(&daily("totals = [[\"mood\"]]", "").replace("[\"kind\"]", "[\"mood\"]"));
    way.run().expect_code(0);
    let cells = "select bucket, mood, events from reports.daily order by 1, 2";
    let before = way.target.psql(cells).unwrap();
    replace(&way).expect_code(0);
    assert_eq!(way.target.psql(cells).unwrap(), before);
    source.execute("delete from event where id = 2").unwrap();
    way.run().expect_code(0);
    assert_ne!(way.target.psql(cells).unwrap(), before);
}

#[test]
fn odd_names_are_names() {
    let (source, way) = stage(
        "rollup_odd",
        "create table public.\"a, \"\"b\"\" 'c'\" (id int primary key, \
         \"last, first\" text, \"@when@\" timestamptz)",
    );
    let insert = "insert into \"a, \"\"b\"\" 'c'\" select n, 'x@y@' || n % 3, now() from \
                  generate_series";
    source.execute(&format!("{insert}(1, 9) as n")).unwrap();
    let config = "[[rollup]]\nname = \"per, name\"\ntable = \"public.a, \\\"b\\\" 'c'\"\n\
                  by = [\"last, first\"]\n[rollup.measures]\n\"n, m\" = \"count\"\n\
                  last = { max = '\"@when@\"' }\n";
    way.configure(config);
    way.run().expect_code(0);
    source.execute(&format!("{insert}(10, 20) as n")).unwrap();
    way.run().expect_code(0);
    let sum = "select sum(\"n, m\"), count(*) from reports.\"per, name\"";
    assert_eq!(way.target.psql(sum).unwrap(), "20|3");
}

#[test]
fn a_copy_that_knows_no_statistics_leaves_them_alone() {
    let (source, way) = stage("rollup_copied", EVENTS);
    way.configure(&daily("", ""));
    way.run().expect_code(0);
    let ran = levada(&["copy", "--replace", source.url(), way.target.url()]).expect_code(2);
    ran.expect_stderr("the target holds reports that a copy does not bring up to date")
        .expect_stderr("hint: levada run --replace --config FILE");
}

#[test]
fn the_last_section_that_goes_is_told_of_until_its_table_goes() {
    let (_source, way) = stage("rollup_last", EVENTS);
    way.configure(&daily("", ""));
    way.run().expect_code(0);
    way.configure("");
    expect_finding(way.run(), "rollup reports.daily is not declared any more");
    way.target.execute("drop table reports.daily").unwrap();
    way.run().expect_code(0);
}

#[test]
fn reports_do_not_stand_among_tables_of_production() {
    let (_source, way) = stage(
        "rollup_schema",
        &format!("{EVENTS}; create schema reports; create table reports.own (id int)"),
    );
    way.configure(&daily("", ""));
    let ran = way.run().expect_code(2);
    ran.expect_stderr("the source has a schema reports of its own")
        .expect_stderr("hint: choose another one with [target] reports_schema");
    // Without statistics nothing of ours is to stand there.
    way.configure("");
    way.run().expect_code(0);
}

/// Which of the two was changed cannot be told where rows are gone: the total stays as it was.
#[test]
fn a_total_over_buckets_that_cannot_be_counted_is_not_made_to_agree() {
    let (source, way) = stage("rollup_untold", EVENTS);
    way.configure(&daily("totals = [[]]", ""));
    way.run().expect_code(0);
    way.configure(&daily("retention = \"20 days\"\ntotals = [[]]", ""));
    source.execute("delete from event where at < now() - interval '20 days'").unwrap();
    way.run().expect_code(0);
    let total = "select events from reports.daily_totals";
    let right = way.target.psql(total).unwrap();
    let tamper = "update reports.daily set events = events + 1000 \
                  where bucket_start < now() - interval '25 days'";
    way.target.execute(tamper).unwrap();
    for _ in 0..2 {
        expect_finding(way.run(), "it stays as it is, until you drop it");
        assert_eq!(way.target.psql(total).unwrap(), right);
    }
}
