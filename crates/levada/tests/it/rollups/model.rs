//! Random histories of rows, definitions, kills and publishers; after each edition every rollup is
//! what `recounts.sql` says of the source, totals are sums of buckets, and records tell the truth.

use std::io::{BufRead, BufReader};
use std::process::Child;
use std::time::{Duration, Instant};

use testkit::{Database, Dice};

use crate::refresh::{Way, stage};
use crate::support::{Ran, levada};

const CONFIG: &str = include_str!("model.toml");
/// How many of the last steps a failure shows.
const SHOWN: usize = 60;
/// Instants around which days are longer, shorter, or begin late.
const ODD_DAYS: [&str; 6] = [
    "2025-10-26 01:30Z",
    "2026-03-29 01:10Z",
    "2025-10-25 23:40Z",
    "2018-02-18 02:20Z",
    "2018-11-04 03:00Z",
    "2026-10-25 00:59:59.999999Z",
];

/// A rollup as the test knows it.
struct Stat {
    name: &'static str,
    columns: &'static str,
    /// The measure that counts rows, if any.
    counter: &'static str,
    /// Dimensions of its totals, and what is added up.
    totals: &'static [&'static str],
    additive: &'static str,
    /// Zone, grain, grace, settles and the finer rollup.
    calendar: Option<[&'static str; 5]>,
}

const LONDON: &str = "Europe/London";
const BRAZIL: &str = "America/Sao_Paulo";

const STATS: &[Stat] = &[
    Stat {
        name: "events_day",
        columns: "bucket, kind, events, large, amount, smallest, biggest, people, share",
        counter: "events",
        totals: &["kind", ""],
        additive: "events, large, amount",
        calendar: Some([LONDON, "day", "1 hour", "9 days", ""]),
    },
    Stat {
        name: "events_week",
        columns: "bucket, kind, events, large, amount, smallest, people, share",
        counter: "",
        totals: &[""],
        additive: "events, large, amount",
        calendar: Some([LONDON, "week", "0", "0", "events_day"]),
    },
    Stat {
        name: "events_hour",
        columns: "bucket, events, amount",
        counter: "events",
        totals: &[],
        additive: "",
        calendar: Some(["Atlantic/Azores", "hour", "0", "0", ""]),
    },
    Stat {
        name: "events_month",
        columns: "bucket, sort, person, events",
        counter: "events",
        totals: &["person", "sort,person"],
        additive: "events",
        calendar: Some([BRAZIL, "month", "0", "0", ""]),
    },
    Stat {
        name: "notices_day",
        columns: "bucket, status, notices, people",
        counter: "notices",
        totals: &[""],
        additive: "notices",
        calendar: Some(["Atlantic/Azores", "day", "0", "0", ""]),
    },
    Stat {
        name: "visits_day",
        columns: "bucket, region, is_lost, visits, minutes, longest",
        counter: "visits",
        totals: &["region"],
        additive: "visits, minutes",
        calendar: Some([BRAZIL, "day", "0", "0", ""]),
    },
    Stat {
        name: "bookings_week",
        columns: "bucket, kind, bookings, seats",
        counter: "bookings",
        totals: &[""],
        additive: "bookings, seats",
        calendar: Some([BRAZIL, "week", "2 days", "0", ""]),
    },
    Stat {
        name: "kept_day",
        columns: "bucket, kind, rows, n",
        counter: "rows",
        totals: &[""],
        additive: "rows, n",
        calendar: Some([LONDON, "day", "0", "0", ""]),
    },
    keyed("last_seen", "person, kind, last, first, events, amount, large, share"),
    keyed("latest", "person, last, first, events"),
    keyed("regions", "region, visits, minutes, places"),
    keyed("everything", "notices, last"),
];

const fn keyed(name: &'static str, columns: &'static str) -> Stat {
    Stat { name, columns, counter: "", totals: &[], additive: "", calendar: None }
}

type Rows = Vec<Vec<String>>;

fn sorted(database: &Database, sql: &str) -> Rows {
    let mut rows = database.query_rows(sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
    rows.sort();
    rows
}

struct Model {
    source: Database,
    way: Way,
    dice: Dice,
    told: Vec<String>,
    editions: u32,
    /// Whether production removes rows of `log` that are 30 days old, and what it held before.
    has_retention: bool,
    kept: Rows,
    columns: u32,
}

impl Model {
    fn new(name: &str, seed: u64) -> Self {
        let (source, way) = stage(name, include_str!("model.sql"));
        way.configure(CONFIG);
        let dice = Dice::from_env_or(seed);
        let (told, kept) = (Vec::new(), Vec::new());
        let mut model =
            Self { source, way, dice, told, editions: 0, has_retention: false, kept, columns: 0 };
        model.edition(false);
        model
    }

    fn play(&mut self, at_most: Duration) {
        let started = Instant::now();
        let mut round = 0;
        while started.elapsed() < at_most {
            round += 1;
            if round == 3 {
                self.has_retention = true;
                let more = CONFIG.replace("#retention", "retention = \"30 days\"");
                self.way.configure(&more);
            }
            for _ in 0..self.dice.between(1, 12) {
                let change = self.change();
                self.source.execute(&change).unwrap_or_else(|e| panic!("{e}\n{}", self.story()));
                self.told.push(change);
            }
            match self.dice.below(10) {
                0 => self.killed(),
                1 => self.twice(),
                _ => {}
            }
            let replaces = self.dice.chance(8);
            self.edition(replaces);
        }
        eprintln!("{} editions", self.editions);
    }

    fn story(&self) -> String {
        let from = self.told.len().saturating_sub(SHOWN);
        format!("LEVADA_SEED={}\n{}", self.dice.seed(), self.told[from..].join("\n"))
    }

    /// A run that dies between two of its steps.
    fn killed(&mut self) {
        let mut child = self.way.start();
        let lines = self.dice.below(60);
        self.told.push(format!("-- killed after {lines} lines"));
        let mut reader = BufReader::new(child.stdout.take().unwrap()).lines();
        for _ in 0..lines {
            if reader.next().is_none() {
                break;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Two publishers at once: one of them is refused, or finds nothing to do.
    fn twice(&mut self) {
        self.told.push("-- two runs at once".to_owned());
        let children: Vec<Child> = (0..2).map(|_| self.way.start()).collect();
        for child in children {
            let ran = Ran::from(child.wait_with_output().unwrap());
            assert!(ran.code <= 2, "{}\n{}", ran.stderr, self.story());
            assert!(!ran.stderr.contains("panicked"), "{}\n{}", ran.stderr, self.story());
        }
    }

    fn edition(&mut self, replaces: bool) {
        self.told.push(format!("-- edition, replace: {replaces}"));
        let ran = match replaces {
            true => levada(&["run", "--replace", "--config", &self.way.config()]),
            false => self.way.run(),
        };
        self.editions += 1;
        let said = format!("{}\n{}\n{}", ran.stdout, ran.stderr, self.story());
        assert!(ran.code <= 1, "{said}");
        for lie in ["not what its rows say", "not what their sources say", "not the sum of"] {
            assert!(!said.contains(lie), "{said}");
        }
        let as_of = "SELECT as_of FROM levada.edition WHERE state = 'published'";
        let as_of = self.way.target.psql(as_of).unwrap();
        let mut recounts = include_str!("recounts.sql").split("-- ").skip(1);
        for stat in STATS {
            let recount = recounts.next().unwrap();
            let (name, recount) = recount.split_once('\n').unwrap();
            assert!(name.starts_with(&format!("{}: ", stat.name)), "{name}");
            let recount = recount.replace("@as_of@", &format!("'{as_of}'::timestamptz"));
            let expected = match stat.name {
                "kept_day" => self.expect_kept(&recount, &as_of),
                _ => sorted(&self.source, &recount),
            };
            let found = format!("SELECT {} FROM reports.{}", stat.columns, stat.name);
            let found = sorted(&self.way.target, &found);
            self.compare(stat.name, &expected, &found, &said);
            self.judge_totals(stat, &said);
            self.judge_records(stat, &as_of, &said);
        }
        let left = "SELECT string_agg(relname, ' ') FROM pg_class \
                    WHERE relname LIKE 'stage\\_%' AND relkind IN ('r', 'v')";
        assert_eq!(self.way.target.psql(left).unwrap(), "", "staging is left\n{said}");
    }

    /// Buckets that are beyond retention stay as they were.
    fn expect_kept(&mut self, recount: &str, as_of: &str) -> Rows {
        let mut rows = sorted(&self.source, recount);
        if self.has_retention {
            let first = include_str!("first_kept.sql").replace("@as_of@", as_of);
            let first = self.source.psql(&first).unwrap();
            rows.retain(|row| row[0] >= first);
            rows.extend(self.kept.iter().filter(|row| row[0] < first).cloned());
            rows.sort();
        }
        self.kept.clone_from(&rows);
        rows
    }

    #[track_caller]
    fn compare(&self, what: &str, expected: &Rows, found: &Rows, said: &str) {
        let only = |one: &Rows, other: &Rows| -> Vec<String> {
            one.iter().filter(|row| !other.contains(row)).take(5).map(|r| r.join(" | ")).collect()
        };
        assert!(
            expected == found,
            "{what}: {} rows expected, {} found\nmissing: {:#?}\nwrong: {:#?}\n{said}",
            expected.len(),
            found.len(),
            only(expected, found),
            only(found, expected),
        );
    }

    fn judge_totals(&self, stat: &Stat, said: &str) {
        for by in stat.totals {
            let table = match by.is_empty() {
                true => format!("reports.{}_totals", stat.name),
                false => format!("reports.{}_totals_{}", stat.name, by.replace(',', "_")),
            };
            let dimensions = if by.is_empty() { String::new() } else { format!("{by}, ") };
            // What was taken away again leaves digits behind: 60.250 is 60.25.
            let number = |sql: String| format!("trim_scale({sql}::numeric)");
            let names = || stat.additive.split(", ");
            let sums: Vec<String> = names().map(|name| number(format!("sum({name})"))).collect();
            let kept: Vec<String> = names().map(|name| number(name.to_owned())).collect();
            let group = match by.is_empty() {
                true => "HAVING count(*) > 0".to_owned(),
                false => format!("GROUP BY {by}"),
            };
            let expected = format!(
                "SELECT {dimensions}{} FROM reports.{} JOIN levada.rollup_bucket AS b \
                 USING (bucket_start) WHERE rollup = '{}' \
                 AND state IN ('provisional', 'closed', 'final') {group}",
                sums.join(", "),
                stat.name,
                stat.name
            );
            let found = format!("SELECT {dimensions}{} FROM {table}", kept.join(", "));
            let target = &self.way.target;
            self.compare(&table, &sorted(target, &expected), &sorted(target, &found), said);
        }
    }

    fn judge_records(&self, stat: &Stat, as_of: &str, said: &str) {
        let Some([zone, grain, grace, settles, finer]) = stat.calendar else { return };
        let name = stat.name;
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/rollups/records.sql");
        let variables = [
            ("name", name),
            ("zone", zone),
            ("grain", grain),
            ("as_of", as_of),
            ("grace", grace),
            ("settles", settles),
            ("finer", finer),
        ];
        let wrong = self.way.target.load_file(file.as_ref(), &variables).unwrap();
        assert_eq!(wrong, "", "{name}\n{said}");
        let stray = format!(
            "SELECT count(*) FROM reports.{name} AS r WHERE NOT EXISTS (SELECT FROM \
             levada.rollup_bucket AS b WHERE rollup = '{name}' AND b.bucket_start = \
             r.bucket_start AND b.bucket_end = r.bucket_end AND b.bucket::{} = r.bucket)",
            if grain == "hour" { "timestamptz" } else { "date" }
        );
        assert_eq!(self.way.target.psql(&stray).unwrap(), "0", "{name}: stray cells\n{said}");
        if !stat.counter.is_empty() {
            let rows = format!(
                "SELECT b.bucket, source_rows, n FROM levada.rollup_bucket AS b LEFT JOIN \
                 (SELECT bucket_start, sum({}) AS n FROM reports.{name} GROUP BY 1) AS c \
                 USING (bucket_start) WHERE rollup = '{name}' AND source_rows <> coalesce(n, 0)",
                stat.counter
            );
            assert_eq!(self.way.target.psql(&rows).unwrap(), "", "{name}: source_rows\n{said}");
        }
    }

    /// An instant as SQL: mostly recent, also months ago, on odd days, or still to come.
    fn instant(&mut self) -> String {
        let dice = &mut self.dice;
        let ago = |minutes: u64| format!("now() - interval '{minutes} minutes'");
        match dice.below(20) {
            0..8 => ago(dice.below(3 * 1440)),
            8..12 => ago(dice.below(60 * 1440)),
            12..14 => ago(dice.below(400 * 1440)),
            14..16 => {
                let day = dice.pick(&ODD_DAYS).copied().unwrap_or(ODD_DAYS[0]);
                format!("timestamptz '{day}' + interval '{} minutes'", dice.below(4) * 30)
            }
            16 => format!("now() + interval '{} minutes'", dice.below(600)),
            17 => format!("now() + interval '{} hours'", dice.below(900)),
            18 => "now() + interval '3 seconds'".to_owned(),
            _ => "null".to_owned(),
        }
    }

    /// Statements that change rows, or now and then a table.
    fn change(&mut self) -> String {
        let (at, other) = (self.instant(), self.instant());
        let dice = &mut self.dice;
        let (a, b, c) = (dice.between(1, 160), dice.between(1, 160), dice.below(40));
        let kind = ["'a'", "'b'", "'c'", "null"][dice.below(4) as usize];
        let person = ["null", "1", "2", "77"][dice.below(4) as usize];
        let upsert = "ON CONFLICT (id) DO UPDATE SET at = excluded.at";
        match dice.below(30) {
            0..4 => format!(
                "INSERT INTO event VALUES ({a}, {at}, {kind}, {c}, {person}) {upsert}, \
                 kind = excluded.kind"
            ),
            4 => format!("UPDATE event SET at = {at} WHERE id = {a}"),
            5 => format!("UPDATE event SET at = {at} WHERE id % 20 = {c} % 20"),
            6 => format!("UPDATE event SET kind = {kind}, person = {person} WHERE id % 30 = {c}"),
            7 => format!("UPDATE event SET amount = nullif({c}, 7) WHERE id IN ({a}, {b})"),
            8 => format!("UPDATE event SET amount = null WHERE kind = {kind} AND id % 3 = {c} % 3"),
            9 => format!("DELETE FROM event WHERE id IN ({a}, {b}) OR at > {at}"),
            10 => format!(
                "BEGIN; CREATE TEMP TABLE r AS SELECT * FROM event WHERE id % 7 = {c} % 7; \
                 DELETE FROM event WHERE id % 7 = {c} % 7; INSERT INTO event SELECT * FROM r; \
                 COMMIT"
            ),
            11 => format!("INSERT INTO live VALUES ({a}, {at}, 'sent', {c}) {upsert}"),
            12 => format!(
                "INSERT INTO live SELECT n, coalesce({at}, now()) - n * interval '1 hour', \
                 'sent', n FROM generate_series(400, 400 + {c}) AS n {upsert}"
            ),
            13..16 => format!(
                "WITH moved AS (DELETE FROM live WHERE at < {at} RETURNING *) INSERT INTO history \
                 SELECT * FROM moved ON CONFLICT (id) DO NOTHING"
            ),
            16 => format!(
                "DELETE FROM history WHERE id % 10 = {c} % 10; UPDATE live SET \
                 status = 'done' WHERE id % 4 = {c} % 4"
            ),
            17 => format!("UPDATE history SET at = {at}, person = {c} WHERE id = {a}"),
            18 => format!(
                "INSERT INTO visit VALUES ({a}, {at}, {c} % 15, {c} / 3.0) {upsert}, \
                 place = excluded.place"
            ),
            19 => {
                format!("UPDATE place SET region = nullif('r{}', 'r2') WHERE id = {c} % 13", c % 4)
            }
            20 => format!(
                "DELETE FROM place WHERE id = {c} % 13; INSERT INTO place VALUES ({b} % 16, 'new') \
                 ON CONFLICT DO NOTHING; UPDATE visit SET place = {b} % 16 WHERE id % 9 = 1"
            ),
            21 => format!(
                "INSERT INTO booking VALUES ({a}, ({at})::date, {kind}, {c}) ON CONFLICT (id) DO \
                 UPDATE SET day = excluded.day; UPDATE booking SET id = 300 - id WHERE id = {b} \
                 AND NOT EXISTS (SELECT FROM booking AS o WHERE o.id = 300 - {b})"
            ),
            22 => format!(
                "DELETE FROM booking WHERE id % 25 = {c} % 25; UPDATE booking SET \
                 seats = seats + 1, kind = {kind} WHERE id % 11 = 3"
            ),
            23 => format!(
                "INSERT INTO log SELECT coalesce(max(id), 0) + g, coalesce({other}, now()), 'p', \
                 g / 7.0 FROM log, generate_series(1, 3) AS g GROUP BY g"
            ),
            24 => "DELETE FROM log WHERE at < now() - interval '30 days'".to_owned(),
            25 => format!("UPDATE log SET n = n + 1, kind = {kind} WHERE id % 19 = {c} % 19"),
            26 => format!("DELETE FROM visit WHERE id % 13 = {c} % 13"),
            27 => self.rare(),
            28 => format!("UPDATE visit SET minutes = null WHERE id % 6 = {c} % 6"),
            _ => format!("UPDATE visit SET at = {at} WHERE id = {a}"),
        }
    }

    fn rare(&mut self) -> String {
        self.columns += 1;
        let column = format!("c{}", self.columns);
        match self.dice.below(9) {
            0 => "TRUNCATE live".to_owned(),
            1 => "TRUNCATE booking_2".to_owned(),
            2 => "TRUNCATE event; INSERT INTO event VALUES (1, now(), 'a', 1, 1)".to_owned(),
            3 => format!("ALTER TABLE event ADD COLUMN {column} int"),
            4 => format!("ALTER TABLE place ADD COLUMN {column} text NOT NULL DEFAULT 'x'"),
            5 => "ALTER TABLE event ALTER COLUMN amount TYPE bigint".to_owned(),
            6 => "ALTER TABLE event ALTER COLUMN amount TYPE int".to_owned(),
            7 => "ALTER TABLE booking DETACH PARTITION booking_2; DROP TABLE booking_2; \
                  CREATE TABLE booking_2 PARTITION OF booking FOR VALUES FROM (150) TO (300); \
                  INSERT INTO booking VALUES (160, current_date - 3, 'x', 5)"
                .to_owned(),
            _ => "VACUUM FULL event".to_owned(),
        }
    }
}

#[test]
fn any_history_ends_equal() {
    Model::new("rollups_model", 4_2026).play(Duration::from_secs(35));
}

/// The same for longer and from other beginnings, only where `make test-long` asks for it.
#[test]
fn long_many_histories_end_equal() {
    if std::env::var_os("LEVADA_LONG").is_none() {
        eprintln!("SKIPPED: make test-long runs it");
        return;
    }
    for seed in 0..3 {
        Model::new(&format!("rollups_long_{seed}"), 900 + seed).play(Duration::from_secs(60));
    }
}
