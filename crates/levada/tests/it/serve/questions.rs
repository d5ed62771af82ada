//! What statistics answer, judged by SQL over the source: dimensions put together, asked for by
//! value, other grains, windows, queries of one's own, and which of these are refused.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Place, Serving};
use crate::support::cluster;

/// Twelve weeks of messages, a few without a kind, of people who write on several days.
const MESSAGES: &str = include_str!("questions.sql");

const ROLLUPS: &str = r#"
[serve]
listen = "127.0.0.1:0"
[[calendar]]
name = "london"
zone = "Europe/London"
[[calendar]]
name = "paris"
zone = "Europe/Paris"
[[rollup]]
name = "daily"
table = "public.message"
time = "at"
calendar = "london"
grain = "day"
by = ["kind", "country"]
totals = [[]]
[rollup.measures]
n = "count"
failed = { count_if = "NOT ok" }
bytes = { sum = "bytes" }
least = { min = "bytes" }
most = { max = "bytes" }
rate = { ratio = ["failed", "n"] }
people = { distinct = "person", sketch = true }
"#;

fn coarser(name: &str, calendar: &str, grain: &str) -> String {
    format!(
        "[[rollup]]\nname = \"{name}\"\ntable = \"public.message\"\ntime = \"at\"\n\
         calendar = \"{calendar}\"\ngrain = \"{grain}\"\nmeasures = {{ n = \"count\" }}\n"
    )
}

fn stat(name: &str, section: &str) -> String {
    format!("[[stat]]\nname = \"{name}\"\ntitle = \"{name}\"\n{section}\n")
}

/// The rows of a CSV without quotes, from the third column on where `skips` says so.
fn cells(serving: &Serving, target: &str, skipped: &[usize]) -> Vec<Vec<String>> {
    let text = serving.get(target).expect(200).text();
    let lines = text.lines().skip(1);
    let row = |line: &str| {
        let cells = line.split(',').enumerate().filter(|(place, _)| !skipped.contains(place));
        cells.map(|(_, cell)| cell.to_owned()).collect()
    };
    lines.map(row).collect()
}

fn reply(serving: &Serving, target: &str) -> Value {
    serving.get(target).expect(200).json()
}

/// Rows of the last five complete days in London, as CSV would show them.
fn truth(place: &Place, by: &str, columns: &str, condition: &str) -> Vec<Vec<String>> {
    let sql = include_str!("questions_truth.sql")
        .replace("@by@", by)
        .replace("@columns@", columns)
        .replace("@condition@", condition);
    let rows = place.target.query_rows(&sql).unwrap();
    let empty = |cell: String| if cell == "\\N" { String::new() } else { cell };
    rows.into_iter().map(|row| row.into_iter().map(empty).collect()).collect()
}

/// A day in the middle of what is kept has three kinds and none, in two countries.
fn together(name: &str) -> Place {
    let range = "last = { default = 5, max = 90 }";
    let sections = [
        ROLLUPS.to_owned(),
        stat("whole", &format!("rollup = \"daily\"\n{range}")),
        stat(
            "by_country",
            &format!(
                "rollup = \"daily\"\nby = [\"country\"]\nfilter = [\"kind\"]\n\
                 measures = [\"n\", \"failed\", \"bytes\", \"least\", \"most\", \"rate\"]\n{range}"
            ),
        ),
        stat("all", &format!("rollup = \"daily\"\nby = []\nmeasures = [\"n\"]\n{range}")),
        stat("people", &format!("rollup = \"daily\"\nby = [\"country\"]\n{range}")),
        stat("nobody", &format!("rollup = \"daily\"\nby = [\"planet\"]\n{range}")),
        stat("forever", "rollup = \"daily\"\nby = []\nmeasures = [\"n\"]"),
    ];
    let place = Place::new(name, MESSAGES, &sections.concat());
    place.publish();
    place
}

#[test]
fn dimensions_are_put_together_where_that_is_exact() {
    let place = together("serve_together");
    let serving = place.serve();
    serving.wait_until_shown();
    let columns = "count(*), count(*) FILTER (WHERE NOT ok), sum(bytes), min(bytes), max(bytes), \
                   count(*) FILTER (WHERE NOT ok)::numeric / count(*)";
    let shown = cells(&serving, "/stats/by_country.csv", &[1, 2]);
    assert_eq!(shown.len(), 10);
    assert_eq!(shown, truth(&place, ", country", columns, "true"));
    let shown = cells(&serving, "/stats/by_country.csv?kind=sms", &[1, 2]);
    assert_eq!(shown, truth(&place, ", country", columns, "kind = 'sms'"));
    let shown = cells(&serving, "/stats/by_country.csv?kind=", &[1, 2]);
    assert_eq!(shown, truth(&place, ", country", columns, "kind IS NULL"), "NULL is a value");
    let shown = cells(&serving, "/stats/all.csv", &[1, 2]);
    assert_eq!(shown, truth(&place, "", "count(*)", "true"));
    assert_eq!(serving.get("/stats/by_country.json?kind=fax").status, 404);
    assert_eq!(serving.get("/stats/by_country.json?country=fr").status, 400);
    // A comma stands in a value there: compared as JSON.
    let whole = reply(&serving, "/stats/whole.json");
    let rows = whole["data"].as_array().unwrap();
    let names: BTreeSet<&str> = rows[0].as_object().unwrap().keys().map(String::as_str).collect();
    let keys = ["bucket", "bucket_start", "bucket_end", "kind", "country"];
    let measures = ["bytes", "failed", "least", "most", "n", "people", "rate"];
    let expected: BTreeSet<&str> = keys.into_iter().chain(measures).collect();
    assert_eq!(names, expected, "sketches and records are not shown");
    let people = truth(&place, ", kind, country", "count(DISTINCT person)", "true");
    let people: Vec<&String> = people.iter().map(|row| &row[3]).collect();
    let shown: Vec<String> = rows.iter().map(|row| row["people"].to_string()).collect();
    assert_eq!(shown.iter().collect::<Vec<_>>(), people);
}

#[test]
fn what_cannot_be_put_together_is_refused_and_the_rest_answered() {
    let place = together("serve_apart");
    let serving = place.serve();
    serving.wait_until_shown();
    // Distinct people do not add up, and a dimension is not there.
    assert_eq!(serving.get("/stats/people.json").status, 503);
    assert_eq!(serving.get("/stats/nobody.json").status, 503);
    let said = place.levada(&["check"]).stdout;
    for part in [
        "people of rollup \"daily\" cannot be put together",
        "measures = [\"bytes\", \"failed\", \"least\", \"most\", \"n\", \"rate\"]",
        "rollup \"daily\" has no dimension planet",
    ] {
        assert!(said.contains(part), "no {part:?} in {said}");
    }
    let forever = reply(&serving, "/stats/forever.json");
    let counts = forever["data"].as_array().unwrap().iter().map(|row| row["n"].as_i64().unwrap());
    let closed = "SELECT count(*) FROM message WHERE at < (SELECT closed_through \
                  FROM levada.rollup WHERE name = 'daily')";
    let counted: i64 = counts.sum();
    assert_eq!(counted.to_string(), place.target.psql(closed).unwrap());
    assert_eq!(forever["complete"], true, "{forever}");
}

#[test]
fn hours_weeks_and_months_are_named_as_recorded() {
    let grains = ["hour", "week", "month"];
    let mut sections = ROLLUPS.to_owned();
    for grain in grains {
        sections += &coarser(grain, "paris", grain);
        let range = "last = { default = 2, max = 2000 }";
        sections += &stat(grain, &format!("rollup = \"{grain}\"\n{range}"));
    }
    let place = Place::new("serve_grains", MESSAGES, &sections);
    place.publish();
    let serving = place.serve();
    serving.wait_until_shown();
    for grain in grains {
        let closed = format!(
            "SELECT bucket, bucket_start, bucket_end FROM levada.rollup_bucket \
             WHERE rollup = '{grain}' AND state = 'closed' ORDER BY bucket_start"
        );
        let closed = place.target.query_rows(&closed).unwrap();
        assert!(closed.len() >= 2, "{grain}: {closed:?}");
        let [.., before, last] = closed.as_slice() else { unreachable!() };
        let json = reply(&serving, &format!("/stats/{grain}.json"));
        assert_eq!(json["range"]["from"], before[0], "{grain}");
        assert_eq!(json["range"]["to"], last[0], "{grain}");
        assert_eq!(json["complete"], true, "{grain}: {json}");
        let counted = format!(
            "SELECT count(*) FROM message WHERE at >= '{}' AND at < '{}'",
            before[1], last[2]
        );
        let rows = json["data"].as_array().unwrap();
        let sum: i64 = rows.iter().map(|row| row["n"].as_i64().unwrap()).sum();
        assert_eq!(sum.to_string(), place.target.psql(&counted).unwrap(), "{grain}");
        let target = format!("/stats/{grain}.json?from={}&to={}", last[0], last[0]);
        let one = reply(&serving, &target);
        assert_eq!(
            (&one["range"]["from"], &one["range"]["buckets"]),
            (&last[0].clone().into(), &1.into())
        );
        assert_eq!(one["complete"], true, "{grain}");
        // Beyond the last complete one the answer is cut.
        let open = reply(&serving, &format!("/stats/{grain}.json?from={}&to=2999-01-01", last[0]));
        assert_eq!((&open["complete"], &open["state"]), (&false.into(), &"partial".into()));
        assert_eq!(open["range"]["to"], last[0], "{grain}");
    }
    let tuesday = "SELECT (max(bucket)::date - 6)::text FROM levada.rollup_bucket \
                   WHERE rollup = 'week' AND state = 'closed'";
    let tuesday = place.target.psql(tuesday).unwrap();
    let refused = serving.get(&format!("/stats/week.json?from={tuesday}")).expect(400);
    assert!(refused.text().contains("is not the name of a bucket"), "{}", refused.text());
}

#[test]
fn windows_show_their_bounds() {
    let window = "[[window]]\nname = \"recent\"\ntable = \"public.message\"\ntime = \"at\"\n\
                  last = \"3 days\"\n";
    let sections = [
        ROLLUPS.to_owned(),
        window.to_owned(),
        stat("recent", "window = \"recent\"\nmeasures = [\"id\", \"country\"]"),
        stat("wrong", "window = \"recent\"\nmeasures = [\"planet\"]"),
    ];
    let place = Place::new("serve_window", MESSAGES, &sections.concat());
    place.publish();
    let serving = place.serve();
    serving.wait_until_shown();
    let bounds = "SELECT extract(epoch FROM lower_bound), extract(epoch FROM upper_bound) \
                  FROM levada.report_window";
    let bounds = place.target.query_rows(bounds).unwrap();
    let json = reply(&serving, "/stats/recent.json");
    let epoch = |value: &Value| {
        let at = value.as_str().unwrap();
        place.target.psql(&format!("SELECT extract(epoch FROM timestamptz '{at}')")).unwrap()
    };
    assert_eq!(epoch(&json["window"]["after"]), bounds[0][0]);
    assert_eq!(epoch(&json["window"]["through"]), bounds[0][1]);
    let rows = "SELECT m.id, m.country FROM message AS m, levada.report_window AS w \
                WHERE m.at > w.lower_bound AND m.at <= w.upper_bound ORDER BY m.id";
    let rows = place.target.query_rows(rows).unwrap();
    assert!(rows.len() > 20);
    assert_eq!(cells(&serving, "/stats/recent.csv", &[]), rows);
    assert_eq!(serving.get("/stats/wrong.json").status, 503);
}

/// Statistics of one's own, and why each is refused, as the check says it.
const REFUSED: &[(&str, &str, &str)] = &[
    (
        "unlisted",
        "sql = \"SELECT sum(n) AS n FROM daily\"",
        "reads rollup daily, which is not listed",
    ),
    (
        "view",
        "sql = \"SELECT sum(n) AS n FROM overview\"",
        "reads rollup daily, which is not listed",
    ),
    ("totals", "sql = \"SELECT n FROM daily_totals\"", "reads rollup daily, which is not listed"),
    ("filled", "sql = \"SELECT n FROM ranking\"", "reads rollup daily, which is not listed"),
    ("ranked", "sql = \"SELECT n FROM best\"", "reads rollup daily, which is not listed"),
    (
        "elsewhere",
        "sql = \"SELECT goal FROM ops.target\"",
        "reads ops.target, which is not part of the edition",
    ),
    (
        "beside",
        "sql = \"SELECT goal FROM beside\"",
        "reads public.beside, which is not part of the edition",
    ),
    (
        "scripted",
        "sql = \"SELECT n FROM scripted\"",
        "reads reports.scripted, which is not part of the edition",
    ),
    (
        "server",
        "sql = \"SELECT n_live_tup AS n FROM pg_stat_user_tables\"",
        "which is not part of the edition",
    ),
    (
        "runs",
        "sql = \"SELECT count(*) AS n FROM levada.run\"",
        "reads levada.run, which is not part of the edition",
    ),
    (
        "hidden",
        "sql = \"SELECT CASE WHEN :p THEN (SELECT sum(n) FROM daily) END AS n\"\n\
         params = { p = { type = \"boolean\", default = false } }",
        "reads rollup daily, which is not listed",
    ),
    (
        "mixed",
        "sql = \"SELECT n FROM daily JOIN weekly USING (n) WHERE daily.bucket_end <= :range_end\"\n\
         rollups = [\"daily\", \"weekly\"]\nlast = { default = 2, max = 9 }",
        "have different calendars or grains",
    ),
    (
        "unknown",
        "sql = \"SELECT 1 AS n WHERE now() < :closed_through\"\nrollups = [\"yearly\"]",
        "the edition has no rollup \"yearly\"",
    ),
    ("now", "sql = \"SELECT count(*) AS n FROM message WHERE at < now()\"", "its query uses now()"),
    ("today", "sql = \"SELECT current_date AS d\"", "its query uses current_date"),
    ("word", "sql = \"SELECT 'today'::date AS d\"", "its query uses 'today'"),
    ("clock", "sql = \"SELECT clock_timestamp() AS d\"", "its query uses clock_timestamp()"),
    ("local", "sql = \"SELECT localtimestamp AS d\"", "its query uses localtimestamp"),
    (
        "dice",
        "sql = \"SELECT id FROM message ORDER BY random() LIMIT 3\"",
        "its query uses random()",
    ),
    (
        "limit",
        "sql = \"SELECT id FROM message LIMIT extract(day FROM statement_timestamp())::int\"",
        "its query uses statement_timestamp()",
    ),
    ("own", "sql = \"SELECT public.whenever() AS d\"", "its query uses whenever()"),
    ("behind", "sql = \"SELECT n FROM moment\"", "its query uses now()"),
    ("twice", "sql = \"SELECT 1 AS a, 2 AS a\"", "two of its columns are called a"),
    ("broken", "sql = \"SELECT nothing FROM message\"", "column \"nothing\" does not exist"),
    ("several", "sql = \"SELECT 1 AS a; DROP TABLE message\"", "cannot insert multiple commands"),
    ("marks", "rollup = \"marks\"\nfilter = [\"mark\"]", "has both NULL and the empty text"),
    (
        "many",
        "sql = \"SELECT :k AS k\"\nparams = { k = { type = \"text\", values_from = \
         \"SELECT n::text FROM generate_series(1, 100001) AS n\" } }",
        "has more than 100000 values",
    ),
    (
        "values",
        "sql = \"SELECT :k AS k\"\n\
         params = { k = { type = \"text\", values_from = \"SELECT nothing FROM message\" } }",
        "column \"nothing\" does not exist",
    ),
];

#[test]
fn queries_that_would_be_right_by_luck_are_refused_alone() {
    let mut sections = ROLLUPS.to_owned() + &coarser("weekly", "london", "week");
    sections += "[[rollup]]\nname = \"marks\"\ntable = \"public.message\"\nby = [\"mark\"]\n\
                 measures = { n = \"count\" }\n";
    sections += "[[enrich]]\nname = \"overview\"\n\
                 view = \"SELECT bucket, sum(n) AS n FROM daily GROUP BY bucket\"\n\
                 [[enrich]]\nname = \"ranking\"\n\
                 materialized = \"SELECT country, sum(n) AS n FROM daily GROUP BY country\"\n\
                 [[enrich]]\nname = \"best\"\nafter = [\"ranking\"]\n\
                 materialized = \"SELECT max(n) AS n FROM ranking\"\n";
    for (name, section, _) in REFUSED {
        sections += &stat(name, section);
    }
    let steady = "sql = \"\"\"SELECT o.bucket, o.n, 'now()' AS \"now ()\", pg_sleep(0)::text AS s \
                  FROM overview AS o JOIN daily USING (bucket) WHERE bucket_end <= :range_end \
                  AND bucket_start >= :range_start GROUP BY 1, 2 ORDER BY bucket\"\"\"\n\
                  rollups = [\"daily\"]\nlast = { default = 3, max = 9 }";
    sections += &stat("steady", steady);
    let listed = "sql = \"SELECT n FROM best WHERE :closed_through IS NOT NULL\"\n\
                  rollups = [\"daily\"]";
    sections += &stat("listed", listed);
    let settled =
        "SELECT count(*) AS n FROM levada.rollup_bucket WHERE bucket_end <= :closed_through";
    sections += &stat("settled", &format!("sql = \"{settled}\"\nrollups = [\"daily\"]"));
    sections += &stat(
        "known",
        "sql = \"SELECT :k AS k\"\n\
        params = { k = { type = \"text\", values_from = \"SELECT DISTINCT kind FROM message\" } }",
    );
    sections += &stat("parts", "sql = \"SELECT count(*) AS n FROM part\"");
    let parts = "CREATE TABLE part (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE one \
                 PARTITION OF part FOR VALUES FROM (0) TO (9); INSERT INTO part VALUES (1), (2)";
    let place = Place::new("serve_luck", &format!("{MESSAGES};{parts}"), &sections);
    place.publish();
    place.target.execute(include_str!("questions_beside.sql")).unwrap();
    let ran = place.levada(&["check"]);
    for (name, _, reason) in REFUSED {
        let said = ran.stdout.lines().find(|line| line.contains(&format!("stat \"{name}\"")));
        let said = said.unwrap_or_else(|| panic!("{name} is accepted:\n{}", ran.stdout));
        assert!(said.contains(reason), "{name}: {said}");
    }
    for name in ["steady", "listed", "settled", "known", "parts"] {
        assert!(!ran.stdout.contains(&format!("stat \"{name}\"")), "{}", ran.stdout);
    }
    let serving = place.serve();
    serving.wait_until_shown();
    for (name, ..) in REFUSED {
        assert_eq!(serving.get(&format!("/stats/{name}.json")).status, 503, "{name}");
    }
    let steady = reply(&serving, "/stats/steady.json");
    assert_eq!(steady["data"].as_array().unwrap().len(), 3);
    assert_eq!(steady["data"][0]["now ()"], "now()");
    let known = reply(&serving, "/stats/known.json?k=letter%2C+by+hand");
    assert_eq!(known["data"][0]["k"], "letter, by hand");
    assert_eq!(serving.get("/stats/known.json?k=fax").status, 404);
    assert_eq!(serving.get("/stats/known.json").status, 400);
    // In an edition that only brings rows up to date, what is filled belongs to it as well.
    place.source.execute("INSERT INTO part VALUES (3)").unwrap();
    place.publish();
    let said = place.levada(&["check"]).stdout;
    for name in ["listed", "parts"] {
        assert!(!said.contains(&format!("stat \"{name}\"")), "{said}");
    }
}

#[test]
fn values_are_exact_in_json_and_csv() {
    let sql = "CREATE TYPE mood AS ENUM ('glad', 'sad'); CREATE TABLE one (id int PRIMARY KEY, \
               m mood); INSERT INTO one VALUES (1, 'sad')";
    let query = r#"[serve]
listen = "127.0.0.1:0"
[[stat]]
name = "exact"
title = "Exact"
sql = '''SELECT 1.10::numeric AS dec, 12345678901234567890.123456789::numeric AS long,
    9007199254740993::bigint AS big, -0.1::float8 AS flt, 'NaN'::float8 AS nan,
    'Infinity'::numeric AS inf, NULL::text AS nil, ''::text AS "empty",
    'a "b", é' || chr(10) || 'c' AS txt, '{"a":  [1, 2.0]}'::json AS js, '[null]'::jsonb AS jb,
    ARRAY[1,NULL,3] AS arr, '\x00ff'::bytea AS bin, interval '1 day 02:00' AS span, m AS mood,
    date '2025-03-30' AS day, timestamptz '2025-03-30 01:00:00.5+00' AS at, true AS yes
    FROM one'''
"#;
    let place = Place::new("serve_exact", sql, query);
    place.publish();
    let serving = place.serve();
    serving.wait_until_shown();
    let text = serving.get("/stats/exact.json").expect(200).text();
    let data = text.split_once("\"data\":[").unwrap().1.trim();
    let expected = concat!(
        r#"{"dec":1.10,"long":12345678901234567890.123456789,"big":9007199254740993,"flt":-0.1,"#,
        r#""nan":"NaN","inf":"Infinity","nil":null,"empty":"","txt":"a \"b\", é\nc","#,
        r#""js":{"a":  [1, 2.0]},"jb":[null],"arr":[1,null,3],"bin":"\\x00ff","#,
        r#""span":"1 day 02:00:00","mood":"sad","day":"2025-03-30","#,
        r#""at":"2025-03-30T01:00:00.5+00:00","yes":true}]}"#
    );
    assert_eq!(data, expected);
    let csv = serving.get("/stats/exact.csv").expect(200).text();
    let expected = concat!(
        "dec,long,big,flt,nan,inf,nil,empty,txt,js,jb,arr,bin,span,mood,day,at,yes\n",
        "1.10,12345678901234567890.123456789,9007199254740993,-0.1,NaN,Infinity,,,",
        "\"a \"\"b\"\", é\nc\",\"{\"\"a\"\":  [1, 2.0]}\",[null],\"[1,null,3]\",\\x00ff,",
        "1 day 02:00:00,sad,2025-03-30,2025-03-30T01:00:00.5+00:00,true\n"
    );
    assert_eq!(csv.replace("\r\n", "\n"), expected);
}

/// However a query compares, today is not in it, nor a day that nobody asked for.
#[test]
fn open_buckets_are_out_of_reach_of_any_query() {
    let query = |from: &str| {
        format!(
            "sql = \"SELECT bucket, sum(n) AS n FROM {from} WHERE bucket_start >= :range_start AND \
             (bucket_end <= :range_end OR true) GROUP BY bucket ORDER BY bucket\"\n\
             rollups = [\"daily\"]\nlast = {{ default = 3, max = 9 }}"
        )
    };
    let sections = ROLLUPS.to_owned()
        + &stat("loose", &query("daily"))
        + &stat("named", &query("reports.daily"))
        + &stat("quoted", &query("\\\"reports\\\" . \\\"daily\\\""));
    let place = Place::new("serve_closed", MESSAGES, &sections);
    place.publish();
    let open =
        "select count(*) from levada.rollup_bucket where rollup = 'daily' and state = 'open'";
    assert_eq!(place.target.psql(open).unwrap(), "1", "today");
    let ran = place.levada(&["check"]).stdout;
    for name in ["named", "quoted"] {
        let said = format!("stat \"{name}\": its query calls rollup \"daily\" by its schema");
        assert!(ran.contains(&said), "{ran}");
    }
    let serving = place.serve();
    serving.wait_until_ready();
    let usual = reply(&serving, "/stats/loose.json");
    let days = usual["data"].as_array().unwrap();
    assert_eq!(days.len(), 3, "{usual}");
    assert_eq!(days[2]["bucket"], usual["range"]["to"]);
    let right = include_str!("questions_closed.sql");
    let sum: i64 = days.iter().map(|day| day["n"].as_i64().unwrap()).sum();
    assert_eq!(sum.to_string(), place.target.psql(right).unwrap());
    // Of an earlier range it would answer days after it: that is no answer.
    let day = usual["range"]["from"].as_str().unwrap();
    assert_eq!(serving.get(&format!("/stats/loose.json?from={day}&to={day}")).status, 503);
}

/// What `levada check` prints makes a role that can serve, before and after a new edition, and that
/// can do nothing else.
#[test]
fn a_role_that_may_only_read_is_enough() {
    let role = "serve_role_reader";
    let (source, target) = crate::support::pair("serve_role", MESSAGES);
    let url = target.url().replace("postgres@", &format!("{role}@"));
    let sections = ROLLUPS.replace("[serve]\n", &format!("[serve]\nurl = \"{url}\"\n"))
        + &stat("daily", "rollup = \"daily\"\nlast = { default = 3, max = 9 }\npage = true")
        + &stat("raw", "sql = \"SELECT count(*) AS n FROM message\"");
    let place = Place::between("serve_role", source, target, &sections);
    place.publish();
    let admin = cluster().database("postgres");
    admin.execute(&format!("CREATE ROLE {role} LOGIN")).unwrap();
    let ran = place.levada(&["check"]).expect_code(1);
    assert!(ran.stdout.contains("permission denied for schema levada"), "{}", ran.stdout);
    admin.execute(&format!("DROP ROLE {role}")).unwrap();
    let hint = ran.stdout.lines().find(|line| line.contains("CREATE ROLE")).unwrap();
    place.target.execute(&hint[hint.find("CREATE ROLE").unwrap()..]).unwrap();
    // Tables of production are nobody's business unless somebody says so.
    let ran = place.levada(&["check"]).expect_code(1);
    assert!(!ran.stdout.contains("may not read"), "{}", ran.stdout);
    assert!(ran.stdout.contains("stat \"raw\": permission denied"), "{}", ran.stdout);
    let serving = place.serve();
    serving.wait_until_shown();
    assert_eq!(serving.get("/stats/raw.json").status, 503);
    place.target.execute(&format!("GRANT SELECT ON message TO {role}")).unwrap();
    // The right helps the server that runs, without another edition.
    let is_answered = || Ok(serving.get("/stats/raw.json").status == 200);
    let limit = std::time::Duration::from_secs(60);
    testkit::wait_for("an answer", limit, is_answered).unwrap();
    let ran = place.levada(&["check"]).expect_code(0);
    assert!(ran.stdout.contains("everything checked is in order"), "{}", ran.stdout);
    serving.wait_until_ready();
    let before = reply(&serving, "/stats/daily.json");
    assert_eq!(before["data"].as_array().unwrap().len(), 3 * 8, "{before}");
    for statement in [
        "CREATE TABLE t ()",
        "CREATE SCHEMA s",
        "DELETE FROM message",
        "DELETE FROM levada.edition",
    ] {
        let reader = testkit::Database::at(url.clone());
        assert!(reader.execute(statement).is_err(), "{statement}");
    }
    place.source.execute("ALTER TABLE message ADD COLUMN more int").unwrap();
    place.levada(&["run", "--replace"]).expect_code(0);
    let is_new = || Ok(serving.get("/stats/raw.json").json()["edition"] != before["edition"]);
    testkit::wait_for("the new edition", std::time::Duration::from_secs(60), is_new).unwrap();
    let after = reply(&serving, "/stats/daily.json");
    assert_eq!(after["state"], "fresh", "{after}");
    assert_eq!(after["data"].as_array().unwrap().len(), 3 * 8);
    place.levada(&["check"]).expect_code(0);
}
