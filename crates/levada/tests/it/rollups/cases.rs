//! Single cases of rollups, each with the rows that make it.

use testkit::Database;

use crate::refresh::{Way, stage};
use crate::support::{Ran, levada};

pub(super) const EVENTS: &str = include_str!("events.sql");

const LONDON: &str = "
[[calendar]]
name = \"london\"
zone = \"Europe/London\"
";

/// A daily rollup of events, with more options and measures.
pub(super) fn daily(options: &str, measures: &str) -> String {
    format!(
        "{LONDON}[[rollup]]\nname = \"daily\"\ntable = \"public.event\"\ntime = \"at\"\n\
         calendar = \"london\"\ngrain = \"day\"\nby = [\"kind\"]\n{options}\n[rollup.measures]\n\
         events = \"count\"\n{measures}\n"
    )
}

const RECOUNT: &str = "select (at at time zone 'Europe/London')::date, kind, count(*) from event \
     where (at at time zone 'Europe/London')::date <= (now() at time zone 'Europe/London')::date \
     group by 1, 2 order by 1, 2";
const CELLS: &str = "select bucket, kind, events from reports.daily order by 1, 2";

#[track_caller]
fn assert_counted(source: &Database, way: &Way) {
    let (expected, found) = (source.psql(RECOUNT).unwrap(), way.target.psql(CELLS).unwrap());
    assert!(!expected.is_empty());
    assert_eq!(found, expected);
}

pub(super) fn replace(way: &Way) -> Ran {
    levada(&["run", "--replace", "--config", &way.config()])
}

/// A run that has published, and has found something.
#[track_caller]
pub(super) fn expect_finding(ran: Ran, part: &str) {
    let ran = ran.expect_code(1);
    assert!(ran.stdout.contains(part), "no {part:?} in:\n{}", ran.stdout);
}

/// Cells of days that began before so many days ago.
pub(super) fn older_than(way: &Way, days: u32) -> String {
    let sql = format!(
        "select bucket, kind, events from reports.daily \
         where bucket_start < now() - interval '{days} days' order by 1, 2"
    );
    way.target.psql(&sql).unwrap()
}

#[test]
fn a_row_a_little_ahead_of_the_source_is_counted_today() {
    let (source, way) = stage(
        "rollup_ahead",
        "create table public.event (id int primary key, \
         at timestamptz, kind text, amount int); \
         insert into event values (1, now() + interval '2 minutes', 'a', 1)",
    );
    // Where it is about noon, two minutes ahead are the same day.
    let noon = "select name from pg_timezone_names where name ~ '^(Africa|Asia|America|Pacific)/' \
                and extract(hour from now() at time zone name) = 12 order by 1 limit 1";
    let place = source.psql(noon).unwrap();
    way.configure(&daily("", "").replace("Europe/London", &place));
    way.run().expect_code(0);
    let count = "select sum(events) from reports.daily";
    assert_eq!(way.target.psql(count).unwrap(), "1");
    source.execute("insert into event values (2, now() + interval '2 minutes', 'a', 1)").unwrap();
    way.run().expect_code(0);
    assert_eq!(way.target.psql(count).unwrap(), "2");
}

#[test]
fn rows_without_a_time_are_reported_where_there_are_no_others() {
    let (source, way) = stage(
        "rollup_undated",
        "create table public.event (id int primary key, \
         at timestamptz, kind text, amount int); insert into event values (1, null, 'a', 1), \
         (2, '-infinity', 'a', 1), (3, 'infinity', 'a', 1), (4, '1950-01-01', 'b', 1)",
    );
    way.configure(&daily("", ""));
    expect_finding(way.run(), "not counted: 4 rows without a bucket");
    source.execute("insert into event values (5, null, 'a', 1), (6, now(), 'a', 1)").unwrap();
    expect_finding(way.run(), "not counted: 1 row without a bucket");
    assert_eq!(way.target.psql("select sum(events) from reports.daily").unwrap(), "1");
    // Rows before 1970 count where it is said that they do.
    way.configure(&daily("starts = \"1949-12-31\"", ""));
    expect_finding(way.run(), "not counted: 4 rows without a bucket");
    assert_eq!(way.target.psql("select sum(events) from reports.daily").unwrap(), "2");
    source.execute("insert into event values (7, '1950-01-01', 'b', 1)").unwrap();
    way.run().expect_code(0);
    let old = "select events from reports.daily where bucket = '1950-01-01'";
    assert_eq!(way.target.psql(old).unwrap(), "2");
}

#[test]
fn days_of_23_and_25_hours_and_days_without_rows_are_buckets() {
    let (source, way) = stage("rollup_clocks", include_str!("clocks.sql"));
    way.configure(&daily("", ""));
    way.run().expect_code(0);
    assert_counted(&source, &way);
    let day = "select bucket, extract(epoch from bucket_end - bucket_start)::int / 3600, events \
               from reports.daily \
               where bucket in ('2025-10-26', '2026-03-29') order by 1";
    let found = way.target.psql(day).unwrap();
    assert_eq!(found, "2025-10-26|25|100\n2026-03-29|23|92");
    let empty = "select state, source_rows from levada.rollup_bucket where bucket = '2026-01-05'";
    assert_eq!(way.target.psql(empty).unwrap(), "closed|0");
}

#[test]
fn another_definition_leaves_nothing_of_the_old_one() {
    let (source, way) = stage("rollup_changed", EVENTS);
    way.configure(&daily("totals = [[]]", ""));
    way.run().expect_code(0);
    way.target
        .execute(
            "create schema mine; create view mine.days as select bucket, events from reports.daily",
        )
        .unwrap();
    // The same columns, other days: cells of the old ones would be counted twice.
    way.configure(&daily("totals = [[]]", "").replace("Europe/London", "Asia/Tokyo"));
    way.run().expect_code(0);
    let tokyo = |sql: &str| sql.replace("Europe/London", "Asia/Tokyo");
    assert_eq!(way.target.psql(CELLS).unwrap(), source.psql(&tokyo(RECOUNT)).unwrap());
    let stray = "select count(*) from levada.rollup_bucket where \
                 (bucket_start at time zone 'Asia/Tokyo')::time <> '00:00'";
    assert_eq!(way.target.psql(stray).unwrap(), "0");
    // Another grain, and a later beginning.
    let later = "starts = \"2026-10-25\"\ntotals = [[]]";
    way.configure(&daily(later, "").replace("\"day\"", "\"week\""));
    way.run();
    let early = "select count(*) from reports.daily where bucket < '2026-10-19'";
    assert_eq!(way.target.psql(early).unwrap(), "0");
    let early = "select count(*) from levada.rollup_bucket where bucket < '2026-10-19'";
    assert_eq!(way.target.psql(early).unwrap(), "0");
    // A new measure needs a new layout; the reader's view stays.
    way.configure(&daily("totals = [[]]", "amount = { sum = \"amount\" }"));
    way.run().expect_code(0);
    assert_counted(&source, &way);
    let through = "select sum(events) from mine.days";
    assert_eq!(way.target.psql(through).unwrap(), "200");
    assert_eq!(way.target.psql("select sum(amount) from reports.daily").unwrap(), "20100");
}

#[test]
fn editions_made_without_the_section_are_made_up_for() {
    let (source, way) = stage("rollup_missed", EVENTS);
    let keyed = "[[rollup]]\nname = \"kinds\"\ntable = \"public.event\"\nby = [\"kind\"]\n\
                 measures = { events = \"count\" }\n";
    let both = daily("totals = [[]]", "") + keyed;
    way.configure(&both);
    way.run().expect_code(0);
    way.configure("");
    source.execute("delete from event where id % 3 = 0").unwrap();
    expect_finding(way.run(), "rollup reports.daily is not declared any more");
    way.configure(&both);
    source.execute("insert into event values (999, now(), 'z', 1)").unwrap();
    way.run().expect_code(0);
    assert_counted(&source, &way);
    let kinds = "select kind, events from reports.kinds order by 1";
    let recount = "select kind, count(*) from event group by 1 order by 1";
    assert_eq!(way.target.psql(kinds).unwrap(), source.psql(recount).unwrap());
}

#[test]
fn rows_removed_from_production_stay_counted() {
    let (source, way) = stage("rollup_retention", EVENTS);
    way.configure(&daily("totals = [[]]", ""));
    way.run().expect_code(0);
    let before = older_than(&way, 20);
    assert!(!before.is_empty());
    let keep = "retention = \"20 days\"\ntotals = [[]]";
    way.configure(&daily(keep, ""));
    source.execute("delete from event where at < now() - interval '20 days'").unwrap();
    way.run().expect_code(0);
    assert_eq!(older_than(&way, 20), before);
    // A copy of all, and a table that is swapped, know nothing of the old rows either.
    replace(&way).expect_code(0);
    assert_eq!(older_than(&way, 20), before);
    source.execute("alter table event alter id type bigint").unwrap();
    way.run().expect_code(0);
    assert_eq!(older_than(&way, 20), before);
    let total = "select events from reports.daily_totals";
    let sum = "select sum(events) from reports.daily where bucket_end <= now()";
    assert_eq!(way.target.psql(total).unwrap(), way.target.psql(sum).unwrap());
    // A row that comes too late is told, and changes nothing.
    source
        .execute("insert into event values (999, now() - interval '30 days', 'late', 1)")
        .unwrap();
    expect_finding(way.run(), "rows of 1 final bucket have changed");
    assert_eq!(older_than(&way, 20), before);
    // What cannot be computed any more is refused, and the edition before stays.
    way.configure(&daily(keep, "amount = { sum = \"amount\" }"));
    let edition = "select max(number) from levada.edition where state = 'published'";
    let published = way.target.psql(edition).unwrap();
    let ran = way.run().expect_code(2);
    let ran = ran.expect_stderr("rollup \"daily\" has changed, and cannot be computed anew");
    ran.expect_stderr("hint: give the new definition another name");
    assert_eq!(way.target.psql(edition).unwrap(), published);
    assert_eq!(older_than(&way, 20), before);
}

#[test]
fn final_buckets_keep_what_was_published_and_say_so() {
    let (source, way) = stage("rollup_final", EVENTS);
    let keep = "restate_for = \"10 days\"\ntotals = [[]]";
    way.configure(&daily(keep, ""));
    way.run().expect_code(0);
    let before = older_than(&way, 12);
    source
        .execute("delete from event where at < now() - interval '30 days' and id % 2 = 0")
        .unwrap();
    expect_finding(way.run(), "final buckets have changed");
    assert_eq!(older_than(&way, 12), before);
    // Also where all is read anew.
    expect_finding(replace(&way), "final buckets have changed");
    assert_eq!(older_than(&way, 12), before);
    source.execute("update event set at = now() where id = 1").unwrap();
    way.run().expect_code(0);
    // Raised, they follow again with the next change.
    let state = "select distinct state from levada.rollup_bucket \
                 where bucket_end < now() - interval '11 days'";
    assert_eq!(way.target.psql(state).unwrap(), "final");
}

#[test]
fn a_bucket_that_passed_unseen_is_a_gap() {
    let (source, way) = stage("rollup_gap", EVENTS);
    way.configure(&daily("retention = \"20 days\"", ""));
    way.run().expect_code(0);
    // As if nothing had run for months: the records end before rows of today.
    way.target.execute(include_str!("long_pause.sql")).unwrap();
    source.execute("insert into event values (999, now(), 'a', 1)").unwrap();
    way.run().expect_code(0);
    let gaps = "select count(*) from levada.rollup_bucket where state = 'gap' \
                and bucket_start < now() - interval '20 days'";
    assert!(way.target.psql(gaps).unwrap().parse::<u32>().unwrap() > 35);
    let others = gaps.replace("= 'gap'", "<> 'gap'");
    assert_eq!(way.target.psql(&others).unwrap(), "1");
    let through = "select closed_through >= now() - interval '2 days' from levada.rollup";
    assert_eq!(way.target.psql(through).unwrap(), "t");
}

#[test]
fn tampering_is_found_and_healed() {
    // No more days than are looked at in each run.
    let few = EVENTS.replace("1, 200", "1, 8");
    let (source, way) = stage("rollup_tampered", &few);
    way.configure(&daily("totals = [[\"kind\"], []]", ""));
    way.run().expect_code(0);
    way.target.execute("update reports.daily set events = events + 1").unwrap();
    expect_finding(way.run(), "is not what its rows say");
    let failed = "select state = 'failed' from levada.rollup_bucket where source_rows > 0";
    assert!(!way.target.psql(failed).unwrap().contains('f'));
    way.run().expect_code(0);
    assert_counted(&source, &way);
    way.target.execute("update reports.daily_totals set events = 3").unwrap();
    expect_finding(way.run(), "reports.daily_totals was not the sum of its buckets");
    way.run().expect_code(0);
    let (total, sum) = (
        "select events from reports.daily_totals",
        "select sum(events) from reports.daily where bucket_end <= now()",
    );
    assert_eq!(way.target.psql(total).unwrap(), way.target.psql(sum).unwrap());
}

#[test]
fn a_past_bucket_computed_again_is_byte_equal() {
    let (source, way) = stage("rollup_again", EVENTS);
    source.execute("alter table event add f float8; update event set f = id / 7.0").unwrap();
    let measures = "f = { sum = \"f\" }\npeople = { distinct = \"amount % 7\", sketch = true }\n\
                    low = { min = \"f\" }\nshare = { ratio = [\"events\", \"events\"] }";
    way.configure(&daily("", measures));
    way.run().expect_code(0);
    let digest = "select md5(string_agg(d::text, ',' order by bucket, kind)) from reports.daily d";
    let before = way.target.psql(digest).unwrap();
    for forget in [
        "delete from levada.rollup_bucket where bucket_end < now() - interval '9 days'",
        "update levada.rollup set definition_hash = ''",
        "update levada.rollup_bucket set state = 'failed' where source_rows > 4",
    ] {
        way.target.execute(forget).unwrap();
        way.run().expect_code(0);
        assert_eq!(way.target.psql(digest).unwrap(), before, "{forget}");
    }
    source.execute("update event set f = f + 1 where id = 150").unwrap();
    way.run().expect_code(0);
    source.execute("update event set f = f - 1 where id = 150").unwrap();
    way.run().expect_code(0);
    assert_eq!(way.target.psql(digest).unwrap(), before);
}

#[test]
fn long_readers_never_see_a_wrong_total() {
    let (source, way) = stage("rollup_readers", EVENTS);
    way.configure(&daily("totals = [[]]", ""));
    way.run().expect_code(0);
    let look = include_str!("consistent.sql");
    let begin = "begin isolation level repeatable read";
    let mut readers = Vec::new();
    for round in 0..4 {
        let mut reader = way.target.session().unwrap();
        let first = reader.run(&format!("{begin}; {look}")).unwrap();
        assert!(first.starts_with("t|"), "round {round}: {first}");
        readers.push((reader, first));
        source
            .execute(&format!(
                "delete from event where id % 7 = {round}; insert into event select {round} * 1000 \
                 + n, now() - n * interval '3 hours', 'n', n from generate_series(500, 600) n; \
                 update event set at = at - interval '1 day' where id % 5 = {round}"
            ))
            .unwrap();
        let mut child = way.start();
        while child.try_wait().unwrap().is_none() {
            for (reader, first) in &mut readers {
                assert_eq!(reader.run(look).unwrap(), *first, "round {round}");
            }
            let now = way.target.psql(look).unwrap();
            assert!(now.starts_with("t|"), "round {round}: {now}");
        }
        let ran = Ran::from(child.wait_with_output().unwrap());
        ran.expect_code(0);
    }
    for (reader, first) in &mut readers {
        assert_eq!(reader.run(look).unwrap(), *first);
    }
    assert_counted(&source, &way);
}

#[test]
fn sketches_are_exact_for_few_and_near_for_many() {
    let (_source, way) = stage("rollup_sketch", include_str!("sketch.sql"));
    let weekly = "[[rollup]]\nname = \"weekly\"\nof = \"daily\"\ncalendar = \"london\"\n\
                  grain = \"week\"\nby = [\"kind\"]\nmeasures = { who = { estimate = \"who\" } }\n";
    way.configure(&(daily("", "who = { distinct = \"amount\", sketch = true }") + weekly));
    way.run().expect_code(0);
    let few = "select who from reports.weekly where kind = 'few'";
    assert_eq!(way.target.psql(few).unwrap(), "37");
    let many = "select who from reports.weekly where kind = 'many'";
    let many: i64 = way.target.psql(many).unwrap().parse().unwrap();
    assert!((90_000..=110_000).contains(&many), "{many}");
    let daily = "select max(who) from reports.daily where kind = 'many'";
    let exact: i64 = way.target.psql(daily).unwrap().parse().unwrap();
    assert!(exact > 30_000 && exact < 40_000, "{exact}");
}

#[test]
fn dimensions_settle_apart() {
    let (_source, way) = stage("rollup_settles", EVENTS);
    let settles = "settles = { by = \"kind\", values = { a = \"9 days\", b = \"3 days\" }, \
                   others = \"1 day\" }";
    way.configure(&daily(settles, ""));
    way.run().expect_code(0);
    let expected = [("216", "{a}"), ("72", "{a,b}"), ("24", "{a,b,*}")];
    let cases = expected.iter().rev().map(|(hours, settling)| {
        format!("when bucket_end > as_of - interval '{hours} hours' then 'provisional {settling}' ")
    });
    let wrong = format!(
        "select bucket, state, settling from levada.rollup_bucket as b, levada.rollup as r \
         where state || ' ' || settling::text is distinct from case \
         when bucket_end > as_of then 'open {{}}' {} else 'closed {{}}' end",
        cases.collect::<String>()
    );
    assert_eq!(way.target.psql(&wrong).unwrap(), "");
    let settling = "select count(*) from levada.rollup_bucket where state = 'provisional'";
    assert_eq!(way.target.psql(settling).unwrap(), "9");
}

/// Sections that are refused, each with what is said of it.
#[test]
fn what_would_count_wrongly_is_refused() {
    let (_source, way) = stage("rollup_refused", include_str!("refused.sql"));
    way.configure("");
    way.run().expect_code(0);
    let edition = "select max(number) from levada.edition where state = 'published'";
    way.target.execute("create schema reports; create table reports.taken (a int)").unwrap();
    let published = way.target.psql(edition).unwrap();
    let mut said = String::new();
    for (what, config) in
        sums_refused().into_iter().chain(queries_refused()).chain(others_refused())
    {
        way.configure(&config);
        let ran = way.run();
        said += &format!("# {what}: exit {}\n", ran.code);
        let is_told = |line: &&str| {
            let starts = ["error:", "  detail:", "  hint:", "  "];
            starts.iter().any(|start| line.starts_with(start))
                && !line.contains("levada run --config")
        };
        for line in ran.stderr.lines().filter(is_told) {
            said += &format!("{line}\n");
        }
        assert!(ran.code >= 2, "{what} is not refused:\n{}{}", ran.stdout, ran.stderr);
        assert_eq!(way.target.psql(edition).unwrap(), published, "{what}");
    }
    let said = said.replace(&way.folder.path().display().to_string(), "FOLDER");
    expect_test::expect_file!["refusals.txt"].assert_eq(&said);
}

fn sums_refused() -> Vec<(&'static str, String)> {
    let of = |measures: &str| {
        daily(
            "",
            "people = { distinct = \"amount\" }\nshare = { ratio = [\"events\", \"events\"] }\n\
             low = { min = \"amount\" }",
        ) + "[[rollup]]\nname = \"weekly\"\nof = \"daily\"\ncalendar = \"london\"\ngrain = \"week\"\n\
               [rollup.measures]\n"
            + measures
    };
    let of_week = of("events = { sum = \"events\" }\n")
        + &format!(
            "[[rollup]]\nname = \"m\"\nof = \"weekly\"\ncalendar = \"london\"\n\
             grain = \"month\"\n{}",
            "measures = { e = { sum = \"events\" } }\n"
        );
    vec![
        ("a sum of distinct", of("people = { sum = \"people\" }")),
        ("a hidden sum of distinct", of("people = { sum = \"coalesce(people, 0)\" }")),
        ("a sum of a ratio", of("share = { sum = \"share\" }")),
        ("a sum of minima", of("low = { sum = \"low\" }")),
        ("a count of cells", of("events = \"count\"")),
        ("an estimate without a sketch", of("people = { estimate = \"people\" }")),
        ("months of weeks", of_week),
    ]
}

fn queries_refused() -> Vec<(&'static str, String)> {
    let query = |sql: &str| {
        daily("", "").replace(
            "table = \"public.event\"",
            &format!("tables = [\"public.event\"]\nsql = '''{sql}'''"),
        )
    };
    vec![
        ("an aggregate", query("select max(at) as at, kind from event group by kind")),
        ("a limit", query("select * from event limit 5")),
        ("distinct", query("select distinct at, kind from event")),
        ("the clock", query("select * from event where at < now()")),
        ("the date", query("select * from event where at < current_date")),
        ("chance", query("select * from event where random() < 0.5")),
        ("a sub-query", query("select * from event where id in (select 1 from event)")),
        ("a stranger", query("select e.* from event e join naive n on n.id = e.id")),
        ("a stranger by its name", query("select e.* from event e join public.naive n using (id)")),
        ("a self-join", query("select a.* from event a join event b using (id)")),
        ("a hidden self-join", query("select a.* from event a join public.event b using (id)")),
        (
            "a WITH of its own",
            query("with e as (select * from event) select a.* from e a join e b using (id)"),
        ),
        ("having", query("select now() as at, null::text as kind from event having true")),
        ("a text that names the day", query("select * from event where at < 'today'::date")),
        ("an age", query("select * from event where age(at) < interval '1 day'")),
        ("a window function", query("select *, row_number() over () from event")),
        ("an except", query("select * from event except select * from event")),
        ("an aggregate as a filter", daily("where = \"count(*) > 1\"", "")),
    ]
}

fn others_refused() -> Vec<(&'static str, String)> {
    let naive = |rest: &str| {
        daily("", "").replace("public.event", "public.naive").replace("by = [\"kind\"]", rest)
    };
    let count = "[rollup.measures]\nn = \"count\"";
    vec![
        ("a view", daily("", "").replace("public.event", "public.shown")),
        ("a table of reports", daily("", "").replace("public.event", "reports.taken")),
        ("no zone", naive("by = []")),
        ("a POSIX zone", naive("by = []\nzone = \"UTC+1\"")),
        ("a second zone", daily("zone = \"UTC\"", "")),
        ("no time", naive("by = []\nzone = \"UTC\"").replace("time = \"at\"", "time = \"n\"")),
        ("an unknown column", daily("", "").replace("by = [\"kind\"]", "by = [\"sort\"]")),
        (
            "an unknown calendar",
            daily("", "").replace("calendar = \"london\"", "calendar = \"lisbon\""),
        ),
        ("a POSIX calendar", daily("", "").replace("Europe/London", "Etc/GMT+3")),
        (
            "a name twice",
            daily("", "") + &format!("[[rollup]]\nname = \"daily\"\ntable = \"event\"\n{count}"),
        ),
        (
            "a name of totals",
            daily("totals = [[]]", "")
                + &format!("[[rollup]]\nname = \"daily_totals\"\ntable = \"event\"\n{count}"),
        ),
        (
            "a name that is taken",
            format!("[[rollup]]\nname = \"taken\"\ntable = \"event\"\n{count}"),
        ),
        ("a short retention", daily("grace = \"2 days\"\nretention = \"2 days\"", "")),
        ("a column of totals", daily("totals = [[]]", "cells = \"count\"")),
        ("bad SQL", daily("", "x = { sum = \"amount +\" }")),
    ]
}
