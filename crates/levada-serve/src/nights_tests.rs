//! Simulated nights: every minute from 23:00 to 03:00 of an ordinary night and both nights on
//! which clocks change, in three zones, with the nightly run early, soon, late, failed and
//! half-failed. What is right is computed by PostgreSQL and by the constants below, never by the
//! code under test.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use http_body_util::BodyExt;
use hyper::header::{HeaderMap, HeaderValue, IF_NONE_MATCH};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use testkit::Database;

use crate::config::{Page, Serve, Stat};
use crate::http::{self, Incoming, Ready};
use crate::site::Site;
use crate::{Catalogue, Clock, Server, watch};

const SECTIONS: &str = r#"
[[stat]]
name = "messages"
title = "Messages"
rollup = "messages"
last = { default = 7, max = 30, name = "days" }
page = true
[[stat]]
name = "people"
title = "People"
rollup = "people"
last = { default = 7, max = 30, name = "days" }
[[stat]]
name = "both"
title = "Both"
sql = """SELECT bucket, m.kind, m.n AS messages, p.n AS people
    FROM messages AS m JOIN people AS p USING (bucket, kind)
    WHERE m.bucket_start >= :range_start AND m.bucket_end <= :range_end
    ORDER BY bucket, kind"""
rollups = ["messages", "people"]
last = { default = 7, max = 30, name = "days" }
[[page]]
name = "overview"
title = "Overview"
stats = ["messages", "people"]
"#;

#[derive(serde::Deserialize)]
struct Sections {
    stat: Vec<Stat>,
    #[serde(default)]
    page: Vec<Page>,
}

/// The number of a day that is not complete.
const NEVER: &str = "987654321";

/// The days on whose eve the nights begin: ordinary, forward, back.
const DAYS: [&str; 3] = ["2025-01-23", "2025-03-30", "2025-10-26"];
const ZONES: [&str; 3] = ["Europe/London", "Europe/Paris", "Atlantic/Azores"];

/// What becomes of the nightly run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    /// Before midnight: no day more is complete.
    Early,
    Soon,
    Late,
    Failed,
    /// One of two rollups has no new day.
    Half,
}

impl Run {
    /// When it publishes, by the clock on the wall.
    fn local(self, day: &str, eve: &str) -> Option<String> {
        match self {
            Self::Early => Some(format!("{eve} 23:30")),
            Self::Soon => Some(format!("{day} 00:05")),
            Self::Half => Some(format!("{day} 01:15")),
            Self::Late => Some(format!("{day} 02:40")),
            Self::Failed => None,
        }
    }

    /// The last complete days of both rollups afterwards, counted from the day that begins.
    fn closed(self) -> (i64, i64) {
        match self {
            Self::Early | Self::Failed => (-2, -2),
            Self::Soon | Self::Late => (-1, -1),
            Self::Half => (-1, -2),
        }
    }
}

/// One night in one zone.
struct Night {
    zone: &'static str,
    day: &'static str,
    /// Labels and first instants, from 40 days before to 2 days after the day that begins.
    days: Vec<(String, Timestamp)>,
    minutes: Vec<Timestamp>,
}

impl Night {
    fn of(database: &Database, zone: &'static str, day: &'static str) -> Self {
        let moment = |text: &str| Timestamp::from_second(text.parse().unwrap()).unwrap();
        let days = database.query_rows(&format!(
            "SELECT d, extract(epoch FROM starts)::bigint FROM day WHERE zone = '{zone}'
             AND d BETWEEN date '{day}' - 40 AND date '{day}' + 2 ORDER BY d"
        ));
        let minutes = database.query_rows(&format!(
            "SELECT extract(epoch FROM t)::bigint FROM minutes_around('{day}') AS t
             WHERE t AT TIME ZONE '{zone}' >= timestamp '{day}' - interval '1 hour'
               AND t AT TIME ZONE '{zone}' < timestamp '{day} 03:00' ORDER BY t"
        ));
        Self {
            zone,
            day,
            days: days.unwrap().iter().map(|row| (row[0].clone(), moment(&row[1]))).collect(),
            minutes: minutes.unwrap().iter().map(|row| moment(&row[0])).collect(),
        }
    }

    fn label(&self, from_day: i64) -> &str {
        &self.days[(from_day + 40) as usize].0
    }

    fn start(&self, from_day: i64) -> Timestamp {
        self.days[(from_day + 40) as usize].1
    }

    /// The first minute that shows this local time or a later one, or else the last of the night.
    fn minute(&self, database: &Database, local: &str) -> Timestamp {
        let minutes: Vec<String> = self.minutes.iter().map(|t| format!("'{t}'")).collect();
        let rows = database.query_rows(&format!(
            "SELECT extract(epoch FROM coalesce(
                 min(t) FILTER (WHERE t AT TIME ZONE '{}' >= timestamp '{local}'), max(t)))::bigint
             FROM unnest(ARRAY[{}]::timestamptz[]) AS t",
            self.zone,
            minutes.join(",")
        ));
        Timestamp::from_second(rows.unwrap()[0][0].parse().unwrap()).unwrap()
    }
}

/// What is published at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Published {
    edition: i64,
    at: Timestamp,
    /// The last complete days of messages and people.
    messages: i64,
    people: i64,
}

impl Published {
    fn closed(&self, stat: &str) -> i64 {
        match stat {
            "messages" => self.messages,
            "people" => self.people,
            _ => self.messages.min(self.people),
        }
    }

    fn number(&self, day: i64, kind: i64) -> i64 {
        self.edition * 100_000 + (day + 50) * 100 + kind
    }

    fn write(&self, database: &Database, night: &Night, fails: bool) {
        let Self { edition, at, messages, people } = self;
        let (zone, day) = (night.zone, night.day);
        database
            .execute(&format!(
                "SELECT publish({edition}, '{zone}', '{day}', '{at}', date '{day}' + {messages}, \
                 date '{day}' + {people}, {fails})"
            ))
            .unwrap();
    }
}

/// A site with a clock of its own.
struct Place {
    site: Arc<Site>,
    now: Arc<AtomicI64>,
    said: Arc<Mutex<Vec<String>>>,
    /// Bodies that were found right, by address, for the edition then published.
    right: HashMap<String, (i64, Vec<u8>)>,
    /// Ends the watch when it is dropped.
    _watching: tokio::sync::watch::Sender<bool>,
}

struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Reply {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Place {
    async fn at(now: Timestamp, database: &Database, sections: &str) -> Self {
        let sections: Sections = toml::from_str(sections).unwrap();
        let now = Arc::new(AtomicI64::new(now.as_second()));
        let said: Arc<Mutex<Vec<String>>> = Arc::default();
        let (clock, saying) = (Arc::clone(&now), Arc::clone(&said));
        let clock = move || Timestamp::from_second(clock.load(Ordering::SeqCst)).unwrap();
        let place = (std::path::Path::new("."), "reports");
        let server = Server {
            // Long enough that a slow machine gives up on nothing.
            config: Serve {
                poll_seconds: 600,
                statement_timeout_ms: 20_000,
                deadline_ms: 30_000,
                wait_ms: 10_000,
                ..Serve::default()
            },
            brand: Default::default(),
            catalogue: Catalogue::new(&sections.stat, &sections.page, place).unwrap(),
            endpoint: pg::Endpoint::parse(database.url()).unwrap(),
            zone: TimeZone::UTC,
            clock: Clock::of(clock),
            log: Arc::new(move |problem| saying.lock().unwrap().push(format!("{problem:?}"))),
        };
        let site = Arc::new(server.site().unwrap());
        let (watching, watched) = tokio::sync::watch::channel(false);
        // It has no reason to look but those that this file gives it: nobody notifies, and ten
        // minutes do not pass.
        let mut ended = site.looks.ended();
        tokio::spawn(watch::keep(Arc::clone(&site), watched));
        while site.desk.shown().is_none() {
            ended.changed().await.unwrap();
        }
        Self { site, now, said, right: HashMap::new(), _watching: watching }
    }

    fn set(&self, now: Timestamp) {
        self.now.store(now.as_second(), Ordering::SeqCst);
    }

    /// What the notification of a publication causes, and the poll.
    async fn look(&self) {
        self.glance().await;
        Ready::prepare(&self.site).await;
    }

    /// One look of the watch.
    async fn glance(&self) {
        let mut ended = self.site.looks.ended();
        self.site.looks.ask();
        ended.changed().await.unwrap();
    }

    async fn get(&self, target: &str, known: Option<&str>) -> Reply {
        let mut headers = HeaderMap::new();
        if let Some(known) = known {
            headers.insert(IF_NONE_MATCH, HeaderValue::from_str(known).unwrap());
        }
        let client = std::net::Ipv4Addr::LOCALHOST.into();
        let request = Incoming { method: &hyper::Method::GET, target, headers: &headers, client };
        let response = http::respond(&self.site, &request).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Reply { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// Asks for days `first` to `last` of a statistic, of which those after the last complete one
    /// are cut off, and checks everything that is said.
    async fn check(&mut self, night: &Night, published: &Published, asked: &Asked<'_>) -> String {
        let reply = self.get(&asked.target, None).await;
        let context = format!("{} {} {published:?} {}", night.zone, night.day, asked.target);
        assert_eq!(reply.status, 200, "{context}: {}", String::from_utf8_lossy(&reply.body));
        let etag = reply.header("etag").to_owned();
        let known = (published.edition, reply.body);
        if self.right.get(&asked.target) == Some(&known) {
            return etag;
        }
        let json: Value = serde_json::from_slice(&known.1).unwrap();
        let closed = published.closed(asked.stat);
        let last = asked.last.min(closed);
        let is_complete = asked.last <= closed;
        let days: Vec<i64> = (asked.first..=last).collect();
        assert_eq!(json["edition"], published.edition, "{context}");
        assert_eq!(json["complete"], is_complete, "{context}: {json}");
        assert_eq!(json["state"], if is_complete { "fresh" } else { "partial" }, "{context}");
        assert_eq!(json["range"]["buckets"], days.len(), "{context}: {json}");
        assert_eq!(json["range"]["cut"], !is_complete, "{context}: {json}");
        assert_eq!(json["missing"], json!([]), "{context}");
        let moment = |value: &Value| value.as_str().unwrap().parse::<Timestamp>().unwrap();
        assert_eq!(moment(&json["closed_through"]), night.start(closed + 1), "{context}");
        assert_eq!(moment(&json["as_of"]), published.at, "{context}");
        if let (Some(first), Some(last)) = (days.first(), days.last()) {
            assert_eq!(json["range"]["from"], night.label(*first), "{context}");
            assert_eq!(json["range"]["to"], night.label(*last), "{context}");
            assert_eq!(moment(&json["range"]["start"]), night.start(*first), "{context}");
            assert_eq!(moment(&json["range"]["end"]), night.start(*last + 1), "{context}");
        }
        let cells = days.iter().flat_map(|day| [(*day, "email", 1), (*day, "sms", 2)]);
        let expected: Vec<Value> = cells
            .map(|(day, kind, number)| match asked.stat {
                "messages" => json!([night.label(day), kind, published.number(day, number)]),
                "people" => json!([night.label(day), kind, published.number(day, 10 + number)]),
                _ => json!([
                    night.label(day),
                    kind,
                    published.number(day, number),
                    published.number(day, 10 + number)
                ]),
            })
            .collect();
        let shown: Vec<Value> = json["data"].as_array().unwrap().iter().map(cell_of).collect();
        assert_eq!(shown, expected, "{context}");
        assert_eq!(reply.headers["levada-complete"], is_complete.to_string(), "{context}");
        self.right.insert(asked.target.clone(), known);
        etag
    }

    /// A page shows the last complete days of its statistics, up to the same one.
    async fn check_page(&mut self, published: &Published, name: &str, closed: i64, context: &str) {
        let target = format!("/pages/{name}");
        let reply = self.get(&target, None).await;
        assert_eq!(reply.status, 200, "{context}");
        let known = (published.edition, reply.body);
        if self.right.get(&target) == Some(&known) {
            return;
        }
        let text = String::from_utf8(known.1.clone()).unwrap();
        let is_space = |c: char| c.is_whitespace() || ",\u{a0}\u{202f}\u{2009}".contains(c);
        let digits: String = text.chars().filter(|c| !is_space(*c)).collect();
        let number = |day: i64| published.number(day, 2).to_string();
        for day in closed - 6..=closed {
            assert!(digits.contains(&number(day)), "{context}: day {day} of {text}");
        }
        assert!(!digits.contains(&number(closed + 1)), "{context}: {text}");
        assert!(!digits.contains(NEVER), "{context}: {text}");
        self.right.insert(target, known);
    }
}

/// A row without what a test of the layout already says.
fn cell_of(row: &Value) -> Value {
    match row.get("messages") {
        Some(messages) => json!([row["bucket"], row["kind"], messages, row["people"]]),
        None => json!([row["bucket"], row["kind"], row["n"]]),
    }
}

struct Asked<'a> {
    stat: &'a str,
    target: String,
    first: i64,
    last: i64,
}

/// What visitors ask each minute.
fn usual<'a>(night: &Night, published: &Published) -> Vec<Asked<'a>> {
    let mut all = Vec::new();
    for stat in ["messages", "people", "both"] {
        let closed = published.closed(stat);
        let target = format!("/stats/{stat}.json");
        all.push(Asked { stat, target: target.clone(), first: closed - 6, last: closed });
        let target = format!("{target}?days=3");
        all.push(Asked { stat, target, first: closed - 2, last: closed });
        for (first, last) in [(-1, 0), (0, 0), (-9, -3)] {
            let (from, to) = (night.label(first), night.label(last));
            let target = format!("/stats/{stat}.json?from={from}&to={to}");
            all.push(Asked { stat, target, first, last });
        }
    }
    all
}

async fn live_through(database: &Database, night: &Night, run: Run) {
    let context = format!("{} {} {run:?}", night.zone, night.day);
    let before = Published { edition: 1, at: night.start(-1), messages: -2, people: -2 };
    before.write(database, night, false);
    let publishes = run.local(night.day, night.label(-1));
    let publishes = publishes.map(|local| night.minute(database, &local));
    let mut place = Place::at(night.minutes[0], database, SECTIONS).await;
    place.look().await;
    let mut published = before;
    for (number, now) in night.minutes.iter().enumerate() {
        place.set(*now);
        if publishes == Some(*now) {
            let usual_tag = place.get("/stats/messages.json", None).await.header("etag").to_owned();
            let reply = place.get("/stats/messages.json", Some(&usual_tag)).await;
            assert_eq!(reply.status, 304, "{context}");
            let (messages, people) = run.closed();
            let after = Published { edition: 2, at: *now, messages, people };
            // The other rollup failed for that day, or has not come to it.
            after.write(database, night, run == Run::Half && night.day != DAYS[0]);
            // Nobody has told levada yet: what it shows is right for what it says it is.
            for asked in usual(night, &before).iter().take(2) {
                place.check(night, &before, asked).await;
            }
            // A question that is new is asked of the database, which knows better.
            let (first, last) = (messages - 4, messages);
            let target = "/stats/messages.json?days=5".to_owned();
            place.check(night, &after, &Asked { stat: "messages", target, first, last }).await;
            place.look().await;
            let reply = place.get("/stats/messages.json", Some(&usual_tag)).await;
            assert_eq!(reply.status, 200, "{context}: the first visitor sees the new day");
            published = after;
        } else if number % 20 == 0 {
            place.look().await;
        }
        let mut tags = Vec::new();
        for asked in &usual(night, &published) {
            tags.push(place.check(night, &published, asked).await);
        }
        let different = tags.iter().collect::<std::collections::BTreeSet<_>>().len();
        assert_eq!(different, tags.len(), "{context}: each question has a tag of its own");
        place.check_page(&published, "messages", published.messages, &context).await;
        place.check_page(&published, "overview", published.closed("both"), &context).await;
        // Whatever is called complete has ended.
        assert!(night.start(published.messages + 1) <= *now, "{context}");
    }
    assert_eq!(*place.said.lock().unwrap(), Vec::<String>::new(), "{context}");
}

#[test]
fn every_minute_of_every_night_is_answered_as_it_is() {
    let cluster = testkit::Cluster::shared().unwrap();
    let database = cluster.create_database("serve_nights").unwrap();
    database.execute(include_str!("sql/nights_tests.sql")).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut minutes = 0;
    for zone in ZONES {
        for day in DAYS {
            let night = Night::of(&database, zone, day);
            // The day before has 23 or 25 hours where clocks change before or after its midnight.
            let hours = (night.start(1) - night.start(0)).get_hours()
                + i32::try_from((night.start(1) - night.start(0)).get_seconds() / 3600).unwrap();
            assert_eq!(hours, [24, 23, 25][DAYS.iter().position(|one| *one == day).unwrap()]);
            for run in [Run::Early, Run::Soon, Run::Late, Run::Failed, Run::Half] {
                runtime.block_on(live_through(&database, &night, run));
                minutes += night.minutes.len();
            }
        }
    }
    // Nights of 180 and 300 minutes make up for each other.
    assert_eq!(minutes, 9 * 5 * 240);
}

const UNFIT: &str = r#"
[[stat]]
name = "broken"
title = "Broken"
sql = "SELECT nothing FROM messages"
[[stat]]
name = "people"
title = "People"
rollup = "people"
last = { default = 7, max = 30 }
[[stat]]
name = "messages"
title = "Messages"
rollup = "messages"
last = { default = 7, max = 30 }
"#;

#[test]
fn what_does_not_fit_is_said_once_and_tried_again_only_where_that_may_help() {
    let cluster = testkit::Cluster::shared().unwrap();
    let database = cluster.create_database("serve_unfit").unwrap();
    database.execute(include_str!("sql/nights_tests.sql")).unwrap();
    let night = Night::of(&database, ZONES[0], DAYS[0]);
    let publish = |edition| {
        let at = night.start(0);
        let published = Published { edition, at, messages: -1, people: -1 };
        published.write(&database, &night, false);
    };
    publish(1);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let place = Place::at(night.start(0), &database, UNFIT).await;
        place.look().await;
        place.look().await;
        let said = || place.said.lock().unwrap().clone();
        assert_eq!(said().len(), 1, "{:?}", said());
        assert!(said()[0].contains("stat \\\"broken\\\""), "{:?}", said());
        assert_eq!(place.get("/stats/broken.json", None).await.status, 503);
        assert_eq!(place.get("/stats/people.json", None).await.status, 200);
        assert_eq!(said().len(), 1, "visitors make no noise: {:?}", said());
        publish(2);
        // Somebody holds a table for the moment of the look.
        let mut session = database.session().unwrap();
        session.run("BEGIN; LOCK reports.people").unwrap();
        place.glance().await;
        assert_eq!(said().len(), 3, "{:?}", said());
        assert_eq!(place.get("/stats/messages.json", None).await.status, 200);
        assert_eq!(place.get("/stats/people.json", None).await.status, 503);
        session.run("COMMIT").unwrap();
        place.look().await;
        assert_eq!(said().len(), 3, "{:?}", said());
        let reply = place.get("/stats/people.json", None).await;
        assert_eq!((reply.status, reply.header("levada-edition")), (200, "2"));
        let shown = place.site.desk.shown().unwrap();
        let previous = shown.previous.as_ref().unwrap();
        assert_eq!(previous.standing.version.edition, 1, "the edition before is still known");
    });
}

const LONG_FITTING: &str = r#"
[[stat]]
name = "messages"
title = "Messages"
sql = "SELECT bucket, n FROM messages WHERE kind = :kind AND bucket_end <= :closed_through"
rollups = ["messages"]
[stat.params]
kind = { type = "text", default = "sms", values_from = "SELECT k FROM kinds()" }
"#;

#[test]
fn while_the_next_edition_is_fitted_the_one_before_is_not_called_fresh() {
    let cluster = testkit::Cluster::shared().unwrap();
    let database = cluster.create_database("serve_fitting").unwrap();
    database.execute(include_str!("sql/nights_tests.sql")).unwrap();
    let night = Night::of(&database, ZONES[0], DAYS[0]);
    let publish = |edition| {
        let at = night.start(0);
        Published { edition, at, messages: -1, people: -1 }.write(&database, &night, false);
    };
    publish(1);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let place = Place::at(night.start(0), &database, LONG_FITTING).await;
        place.look().await;
        let before = place.get("/stats/messages.json", None).await;
        assert_eq!((before.status, before.header("levada-state")), (200, "fresh"));
        let mut session = database.session().unwrap();
        session.run("SELECT pg_advisory_lock(77)").unwrap();
        publish(2);
        let mut ended = place.site.looks.ended();
        place.site.looks.ask();
        let long = std::time::Duration::from_secs(60);
        let is_said = || Ok(!place.site.desk.is_fresh(place.site.clock.now()));
        testkit::wait_for("another edition", long, is_said).unwrap();
        // Nothing is unchanged for who comes again, and nobody is sent away.
        let known = before.header("etag").to_owned();
        let during = place.get("/stats/messages.json", Some(&known)).await;
        assert_eq!((during.status, during.header("levada-state")), (200, "stale"));
        assert_eq!(during.header("levada-edition"), "1");
        // However long that took.
        place.set(night.start(0) + jiff::SignedDuration::from_hours(1));
        session.run("SELECT pg_advisory_unlock(77)").unwrap();
        ended.changed().await.unwrap();
        let after = place.get("/stats/messages.json", None).await;
        assert_eq!((after.status, after.header("levada-state")), (200, "fresh"));
        assert_eq!(after.header("levada-edition"), "2");
    });
}

#[test]
fn readiness_waits_for_an_answer_but_not_for_what_always_fails() {
    let cluster = testkit::Cluster::shared().unwrap();
    let database = cluster.create_database("serve_prepared").unwrap();
    database.execute(include_str!("sql/nights_tests.sql")).unwrap();
    let night = Night::of(&database, ZONES[0], DAYS[0]);
    let at = night.start(0);
    Published { edition: 1, at, messages: -1, people: -1 }.write(&database, &night, false);
    let stat = |name: &str, query: &str| {
        format!("[[stat]]\nname = \"{name}\"\ntitle = \"T\"\nsql = \"{query}\"\n")
    };
    let failing = stat("failing", "SELECT 1 / (n - n) AS n FROM generate_series(1, 1) AS n");
    let large = stat("failing", "SELECT repeat('x', 9000000) AS x FROM generate_series(1, 2)");
    let working = stat("working", "SELECT 1 AS n");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let cases = [
            (failing.clone(), false, "division by zero"),
            (large, false, "16 MiB"),
            (failing + &working, true, "division by zero"),
        ];
        for (sections, is_ready, said) in cases {
            let place = Place::at(at, &database, &sections).await;
            place.look().await;
            assert_eq!(place.site.desk.is_prepared(), is_ready, "{sections}");
            assert_eq!(place.get("/stats/failing.json", None).await.status, 503);
            assert!(place.said.lock().unwrap()[0].contains(said), "{:?}", place.said);
        }
    });
}
