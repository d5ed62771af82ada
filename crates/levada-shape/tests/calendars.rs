//! Days of a calendar, compared with what PostgreSQL says about their first and last moments.

// A test that cannot go on says so and stops, in its helping functions as well.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt::Write;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use levada_shape::{Calendar, Grain, Weekday};
use testkit::{Cluster, quote_literal};

/// Zones whose rules PostgreSQL has in another edition than this machine; to be explained one by
/// one.
const DIFFERENT: &[&str] = &[];
/// How many zones may have got other rules between two editions of the zone database.
const OTHER_LAWS_MAX: usize = 12;

/// Days of one length, one after the other.
struct Run {
    first: Date,
    start: Timestamp,
    seconds: i64,
    days: i64,
}

impl Run {
    fn goes_on_with(&self, date: Date, start: Timestamp, seconds: i64) -> bool {
        self.seconds == seconds
            && self.start.as_second() + self.days * seconds == start.as_second()
            && i64::from((date - self.first).get_days()) == self.days
    }
}

fn calendar(zone: &str) -> Calendar {
    Calendar { name: "all".into(), zone: zone.into(), week_starts: Weekday::Monday }
}

/// All days from 1970 to 2037, in few lines.
fn runs(zone: &str) -> Vec<Run> {
    let (from, to) = ("1970-01-01T00:00:00Z", "2037-12-31T23:59:59Z");
    let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
    let mut runs: Vec<Run> = Vec::new();
    for day in calendar(zone).buckets(Grain::Day, from, to).unwrap() {
        let first: Date = day.label.parse().unwrap();
        let seconds = day.end.as_second() - day.start.as_second();
        match runs.last_mut() {
            Some(run) if run.goes_on_with(first, day.start, seconds) => run.days += 1,
            _ => runs.push(Run { first, start: day.start, seconds, days: 1 }),
        }
    }
    runs
}

/// What makes the days of a zone.
fn jumps(zone: &TimeZone) -> Vec<(Timestamp, i32)> {
    let (from, to) = ("1969-12-30T00:00:00Z".parse().unwrap(), "2038-01-02T00:00:00Z");
    let to: Timestamp = to.parse().unwrap();
    let jumps = zone.following(from).take_while(|jump| jump.timestamp() <= to);
    let jumps = jumps.map(|jump| (jump.timestamp(), jump.offset().seconds()));
    std::iter::once((from, zone.to_offset(from).seconds())).chain(jumps).collect()
}

#[test]
fn postgresql_sees_the_same_days_in_every_zone() {
    let cluster = Cluster::start().unwrap();
    let database = cluster.create_database("calendars").unwrap();
    let zones = database.query_rows("SELECT name FROM pg_timezone_names ORDER BY name").unwrap();
    let mut values = String::new();
    let mut by_jumps: BTreeMap<_, Vec<Run>> = BTreeMap::new();
    let mut compared = 0_u64;
    for zone in zones.concat() {
        let Ok(known) = calendar(&zone).time_zone() else { continue };
        compared += 1;
        let name = quote_literal(&zone);
        // Another name of a zone is compared around each change only, to save time.
        let (is_new, runs) = match by_jumps.entry(jumps(&known)) {
            Entry::Vacant(vacant) => (true, vacant.insert(runs(&zone))),
            Entry::Occupied(occupied) => (false, occupied.into_mut()),
        };
        for Run { first, start, seconds, days } in runs {
            let comma = if values.is_empty() { "" } else { "," };
            let step = if is_new { 1 } else { (*days - 1).max(1) };
            write!(values, "{comma}({name},'{first}','{start}',{seconds},{days},{step})").unwrap();
        }
    }
    assert!(compared > 400, "only {compared} zones are known to both");
    let compare = include_str!("fixtures/calendar_days.sql").replace("VALUES_OF_RUNS", &values);
    let answer = database.query_rows(&compare).unwrap();
    let (total, different): (Vec<_>, Vec<_>) = answer.into_iter().partition(|row| row[0] == "all");
    let days: u64 = total[0][1].parse().unwrap();
    assert!(days >= by_jumps.len() as u64 * 24_830, "{days} days of {} zones", by_jumps.len());
    let names: Vec<&str> = different.iter().map(|row| row[0].as_str()).collect();
    let said = format!("zone, days that differ, the first of them: {different:?}");
    if std::env::var_os("LEVADA_TEST_PG").is_some() {
        // Such a server brings zones of its own, of another year: laws have changed meanwhile.
        assert!(names.len() <= OTHER_LAWS_MAX, "{said}");
        return;
    }
    assert_eq!(names, DIFFERENT, "{said}");
}
