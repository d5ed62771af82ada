//! Single cases of rollups, each with the rows that make it.

use crate::refresh::stage;

const EVENTS: &str = "
    create table public.event (id int primary key, at timestamptz, kind text, amount int);
    insert into public.event
    select n, now() - n * interval '5 hours', (array['a', 'b', null])[1 + n % 3], n
    from generate_series(1, 200) as n";

const DAILY: &str = r#"
[[calendar]]
name = "london"
zone = "Europe/London"

[[rollup]]
name = "daily"
table = "public.event"
time = "at"
calendar = "london"
grain = "day"
by = ["kind"]
totals = [["kind"], []]
[rollup.measures]
events = "count"
large = { count_if = "amount > 100" }
amount = { sum = "amount" }
smallest = { min = "amount" }
people = { distinct = "amount % 7", sketch = true }
share = { ratio = ["large", "events"] }

[[rollup]]
name = "weekly"
of = "daily"
calendar = "london"
grain = "week"
by = ["kind"]
[rollup.measures]
events = { sum = "events" }
people = { estimate = "people" }

[[rollup]]
name = "last_seen"
table = "public.event"
by = ["kind"]
[rollup.measures]
last = { max = "at" }
events = "count"
"#;

#[test]
fn a_day_is_counted_where_it_was_lived() {
    let (source, way) = stage("rollup_daily", EVENTS);
    way.configure(DAILY);
    let ran = way.run();
    eprintln!("{} {}", ran.stdout, ran.stderr);
    ran.expect_code(0);
    source.execute("insert into public.event select 1000+n, now() - n * interval '11 hours', 'c', 1 from generate_series(1,50) n; delete from public.event where id % 17 = 0; update public.event set at = at - interval '1 day', kind = 'z' where id % 13 = 0").unwrap();
    let ran = way.run();
    eprintln!("{} {}", ran.stdout, ran.stderr);
    ran.expect_code(0);
}
