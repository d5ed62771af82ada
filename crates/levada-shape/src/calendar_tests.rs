//! Tests of the calendars: single days that clocks made odd, and every day of every zone.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

fn calendar(zone: &str) -> Calendar {
    Calendar { name: "test".to_owned(), zone: zone.to_owned(), week_starts: Weekday::Monday }
}

fn at(text: &str) -> Timestamp {
    text.parse().expect(text)
}

/// Buckets as a person reads them.
fn shown(zone: &str, grain: Grain, from: &str, to: &str) -> Vec<String> {
    let buckets = calendar(zone).buckets(grain, at(from), at(to)).expect("buckets");
    let hours = |b: &Bucket| (b.end.as_second() - b.start.as_second()) as f64 / 3600.0;
    buckets.iter().map(|b| format!("{} {} {} h", b.label, b.start, hours(b))).collect()
}

#[test]
fn a_day_has_twenty_three_to_twenty_five_hours() {
    assert_eq!(
        shown("Europe/London", Grain::Day, "2025-10-24T23:00:00Z", "2025-10-27T00:00:00Z"),
        [
            "2025-10-25 2025-10-24T23:00:00Z 24 h",
            "2025-10-26 2025-10-25T23:00:00Z 25 h",
            "2025-10-27 2025-10-27T00:00:00Z 24 h",
        ]
    );
    let spring = shown("Europe/Paris", Grain::Day, "2025-03-30T12:00:00Z", "2025-03-30T12:00:00Z");
    assert_eq!(spring, ["2025-03-30 2025-03-29T23:00:00Z 23 h"]);
}

#[test]
fn odd_midnights_lose_nothing() {
    let day = |zone, at| shown(zone, Grain::Day, at, at);
    // Midnight twice, an hour apart, on the same date.
    assert_eq!(
        day("Atlantic/Azores", "2025-10-26T00:30:00Z"),
        ["2025-10-26 2025-10-26T00:00:00Z 25 h"]
    );
    // From 00:00 to 01:00.
    assert_eq!(
        day("America/Sao_Paulo", "2018-11-04T12:00:00Z"),
        ["2018-11-04 2018-11-04T03:00:00Z 23 h"]
    );
    assert_eq!(
        day("Asia/Beirut", "2022-03-27T12:00:00Z"),
        ["2022-03-27 2022-03-26T22:00:00Z 23 h"]
    );
    assert_eq!(
        day("Africa/Cairo", "2023-04-28T12:00:00Z"),
        ["2023-04-28 2023-04-27T22:00:00Z 23 h"]
    );
    // From 00:00 back to 23:00 of the day before.
    assert_eq!(
        day("America/Sao_Paulo", "2018-02-18T02:30:00Z"),
        ["2018-02-17 2018-02-17T02:00:00Z 25 h"]
    );
    // From 23:30 to 00:30: the day begins with the jump, and not with what would be its midnight.
    assert_eq!(
        day("America/Toronto", "1919-03-31T12:00:00Z"),
        ["1919-03-31 1919-03-31T04:30:00Z 23.5 h"]
    );
    // From 00:01 back to 23:01: the minutes that repeat stay in the day that had begun.
    assert_eq!(
        day("America/St_Johns", "2010-11-07T03:00:00Z"),
        ["2010-11-07 2010-11-07T02:30:00Z 25 h"]
    );
}

#[test]
fn days_that_never_were_have_no_bucket() {
    let apia = shown("Pacific/Apia", Grain::Day, "2011-12-30T09:59:59Z", "2011-12-30T10:00:00Z");
    assert_eq!(
        apia,
        ["2011-12-29 2011-12-29T10:00:00Z 24 h", "2011-12-31 2011-12-30T10:00:00Z 24 h"]
    );
    let kwajalein =
        shown("Pacific/Kwajalein", Grain::Day, "1993-08-21T00:00:00Z", "1993-08-22T00:00:00Z");
    assert_eq!(
        kwajalein,
        ["1993-08-20 1993-08-20T12:00:00Z 24 h", "1993-08-22 1993-08-21T12:00:00Z 24 h"]
    );
    let never = calendar("Pacific/Apia").start_of_date(jiff::civil::date(2011, 12, 30));
    assert_eq!(never.expect("a start"), at("2011-12-30T10:00:00Z"));
}

#[test]
fn a_week_that_begins_with_a_day_that_never_was_keeps_its_name() {
    let mut apia = calendar("Pacific/Apia");
    apia.week_starts = Weekday::Friday;
    let week = apia.bucket_of(Grain::Week, at("2012-01-01T00:00:00Z")).expect("a week");
    assert_eq!(week.label, "2011-12-30");
    assert_eq!((week.start, week.end), (at("2011-12-30T10:00:00Z"), at("2012-01-05T10:00:00Z")));
}

#[test]
fn weeks_and_months_are_made_of_days() {
    let week = |zone, at| shown(zone, Grain::Week, at, at);
    assert_eq!(
        week("Europe/London", "2025-10-26T12:00:00Z"),
        ["2025-10-20 2025-10-19T23:00:00Z 169 h"]
    );
    let mut sundays = calendar("Europe/London");
    sundays.week_starts = Weekday::Sunday;
    let week = sundays.bucket_of(Grain::Week, at("2025-10-26T12:00:00Z")).expect("a week");
    assert_eq!(week.label, "2025-10-26");
    assert_eq!(
        shown("Europe/Paris", Grain::Month, "2025-03-31T21:59:59Z", "2025-03-31T22:00:00Z"),
        ["2025-03-01 2025-02-28T23:00:00Z 743 h", "2025-04-01 2025-03-31T22:00:00Z 720 h"]
    );
}

#[test]
fn hours_are_instants_even_when_the_clock_says_them_twice() {
    let day = calendar("Europe/London").bucket_of(Grain::Day, at("2025-10-26T12:00:00Z"));
    let day = day.expect("a day");
    let last = day.end - SignedDuration::from_nanos(1);
    let hours = calendar("Europe/London").buckets(Grain::Hour, day.start, last).expect("hours");
    assert_eq!(hours.len(), 25);
    assert_eq!((hours[0].start, hours[24].end), (day.start, day.end));
    assert_eq!(hours[2].label, "2025-10-26T01:00:00Z");
}

#[test]
fn hours_begin_with_local_hours() {
    let hour = |zone, at| shown(zone, Grain::Hour, at, at);
    assert_eq!(
        hour("Asia/Kathmandu", "2025-01-01T00:20:00Z"),
        ["2025-01-01T00:15:00Z 2025-01-01T00:15:00Z 1 h"]
    );
    assert_eq!(
        hour("Asia/Kolkata", "1969-12-31T23:29:59.9Z"),
        ["1969-12-31T22:30:00Z 1969-12-31T22:30:00Z 1 h"]
    );
    // Half an hour back at 02:00 local: 01:30 to 02:00 twice, each in a bucket of its own.
    assert_eq!(
        shown("Australia/Lord_Howe", Grain::Hour, "2025-04-05T14:30:00Z", "2025-04-05T15:30:00Z"),
        [
            "2025-04-05T14:00:00Z 2025-04-05T14:00:00Z 1 h",
            "2025-04-05T15:00:00Z 2025-04-05T15:00:00Z 0.5 h",
            "2025-04-05T15:30:00Z 2025-04-05T15:30:00Z 1 h",
        ]
    );
}

#[test]
fn only_places_are_zones() {
    let refused = ["UTC+1", "UTC-2", "Etc/GMT+3", "etc/gmt-3", "GMT0+1", "Paris", "", "Factory"];
    let more =
        ["right/Europe/Paris", "posix/Europe/Paris", "Etc/Unknown", "/etc/localtime", "CET", "wet"];
    for zone in refused.into_iter().chain(more) {
        let problem = calendar(zone).time_zone().expect_err(zone);
        assert_eq!(problem.message, format!("[[calendar]] \"test\": zone \"{zone}\" is refused"));
    }
    for zone in ["Europe/Paris", "UTC", "america/argentina/buenos_aires", "Etc/UTC"] {
        assert!(calendar(zone).time_zone().is_ok(), "{zone}");
    }
}

#[test]
fn the_end_of_time_is_an_error() {
    for grain in [Grain::Hour, Grain::Day, Grain::Week, Grain::Month] {
        let problem = calendar("UTC").bucket_of(grain, Timestamp::MAX).expect_err("no end");
        assert_eq!(problem.to_string(), "[[calendar]] \"test\": an instant has no bucket");
    }
    let none =
        calendar("UTC").buckets(Grain::Day, at("2025-01-02T00:00Z"), at("2025-01-01T00:00Z"));
    assert_eq!(none.expect("nothing"), []);
}

#[test]
fn the_version_is_the_first_line() {
    let file = std::env::temp_dir().join(format!("levada-tzdata-{}", std::process::id()));
    std::fs::write(&file, "# version 2031c\n# redo\n").expect("a file");
    let version = version_in(&file);
    std::fs::remove_file(&file).expect("removed");
    assert_eq!(version.as_deref(), Some("2031c"));
    assert_eq!(version_in(&file), None);
}

/// Zones, each by the first of its names, whose clocks were set back over midnight, so that they
/// showed the day before again. The property below allows it only there.
const BACK_OVER_MIDNIGHT: &[&str] =
    &["America/Goose_Bay", "America/Moncton", "America/St_Johns", "Antarctica/Casey"];

const FROM: &str = "1969-12-30T00:00:00Z";
const TO: &str = "2038-01-02T00:00:00Z";

/// Days that zones left out.
const NEVER: &[&str] = &[
    "Kwajalein 1993-08-21",
    "Pacific/Apia 2011-12-30",
    "Pacific/Enderbury 1994-12-31",
    "Pacific/Fakaofo 2011-12-30",
    "Pacific/Kiritimati 1994-12-31",
];

/// Every zone that this machine knows and every day from 1970 to 2037.
#[test]
fn every_day_of_every_zone() {
    let known = jiff::tz::db().available().map(|zone| zone.to_string());
    let known = known.filter(|zone| calendar(zone).time_zone().is_ok());
    // Most names are others' names, and have the same days.
    let mut by_jumps: BTreeMap<Vec<(Timestamp, i32)>, String> = BTreeMap::new();
    for zone in known.collect::<BTreeSet<_>>() {
        by_jumps.entry(jumps(&calendar(&zone).time_zone().expect("known"))).or_insert(zone);
    }
    assert!(by_jumps.len() > 200, "only {} zones", by_jumps.len());
    let zones: Vec<String> = by_jumps.into_values().collect();
    let share = zones.len().div_ceil(4);
    let odd: Vec<(Option<String>, Vec<String>)> = std::thread::scope(|scope| {
        let check = |zones: &[String]| zones.iter().map(|zone| check_days(zone)).collect();
        let parts = zones.chunks(share).map(|zones| scope.spawn(move || check(zones)));
        let parts: Vec<std::thread::ScopedJoinHandle<'_, Vec<_>>> = parts.collect();
        parts.into_iter().flat_map(|part| part.join().expect("all days")).collect()
    });
    let (back, never): (Vec<_>, Vec<_>) = odd.into_iter().unzip();
    let sorted = |names: Vec<String>| names.into_iter().collect::<BTreeSet<_>>();
    let names = |names: &[&str]| sorted(names.iter().map(|name| (*name).to_owned()).collect());
    assert_eq!(sorted(back.into_iter().flatten().collect()), names(BACK_OVER_MIDNIGHT));
    assert_eq!(sorted(never.into_iter().flatten().collect()), names(NEVER));
}

/// What makes the days of a zone within the years that are tested.
fn jumps(zone: &TimeZone) -> Vec<(Timestamp, i32)> {
    let (from, to) = (at(FROM), at(TO));
    let first = (from, zone.to_offset(from).seconds());
    let jumps = zone.following(from).take_while(|jump| jump.timestamp() <= to);
    let jumps = jumps.map(|jump| (jump.timestamp(), jump.offset().seconds()));
    std::iter::once(first).chain(jumps).collect()
}

/// The zone if it shows a day again after it had ended, and the days that it left out. What must
/// never be panics.
fn check_days(zone: &str) -> (Option<String>, Vec<String>) {
    let days = calendar(zone).days().expect(zone);
    let (from, to) = (at(FROM), at(TO));
    let buckets = calendar(zone).buckets(Grain::Day, from, to).expect(zone);
    let mut never = Vec::new();
    let (first, last) = (&buckets[0], &buckets[buckets.len() - 1]);
    assert!(first.start <= from && to < last.end, "{zone}");
    let date_of = |at: Timestamp| days.zone.to_datetime(at).date();
    let mut expected: Date = first.label.parse().expect("a date");
    let mut end = first.start;
    for day in &buckets {
        assert_eq!(day.start, end, "{zone} before {}", day.label);
        end = day.end;
        let date = date_of(day.start);
        assert_eq!(date.to_string(), day.label, "{zone}");
        while expected < date {
            never.push(format!("{zone} {expected}"));
            expected = expected.tomorrow().expect("a day");
        }
        expected = date.tomorrow().expect("a day");
        let middle = day.start + SignedDuration::from_secs(seconds(day) / 2);
        assert_eq!((date_of(middle), date_of(day.end - NANOSECOND)), (date, date), "{zone}");
        assert!(date_of(day.start - NANOSECOND) < date && date < date_of(day.end), "{zone} {date}");
        // Vostok went back by seven hours, and on again.
        assert!((17 * 3600..=31 * 3600).contains(&seconds(day)), "{zone} {date}");
    }
    (jumps_go_back(zone, &days, &buckets).then(|| zone.to_owned()), never)
}

fn seconds(bucket: &Bucket) -> i64 {
    bucket.end.as_second() - bucket.start.as_second()
}

/// Between two jumps the local time runs on evenly: what holds on both sides of each holds always.
fn jumps_go_back(zone: &str, days: &Days, buckets: &[Bucket]) -> bool {
    let mut goes_back = false;
    let (from, to) = (buckets[0].start, buckets[buckets.len() - 1].end);
    for jump in days.zone.following(from).map(|jump| jump.timestamp()).take_while(|t| *t < to) {
        for instant in [jump - NANOSECOND, jump] {
            let index = buckets.partition_point(|bucket| bucket.end <= instant);
            let local = days.zone.to_datetime(instant).date();
            let date: Date = buckets[index].label.parse().expect("a date");
            assert!(local == date || local == date.yesterday().expect("a day"), "{zone} {instant}");
            goes_back |= local != date;
        }
        for grain in [Grain::Hour, Grain::Day, Grain::Week, Grain::Month] {
            around(zone, days, grain, jump);
        }
    }
    goes_back
}

/// Buckets around a jump follow each other, whichever instant they are asked for by, and hours lie
/// within days.
fn around(zone: &str, days: &Days, grain: Grain, jump: Timestamp) {
    let mut instant = jump - SignedDuration::from_hours(3);
    let until = jump + SignedDuration::from_hours(3);
    while instant < until {
        let bucket = days.bucket_of(grain, instant).expect(zone);
        assert!(bucket.start <= instant && instant < bucket.end, "{zone} {instant} {bucket:?}");
        for inside in [bucket.start, bucket.end - NANOSECOND] {
            assert_eq!(days.bucket_of(grain, inside).expect(zone), bucket, "{zone} {inside}");
        }
        if grain == Grain::Hour {
            assert!((1..=3600).contains(&seconds(&bucket)), "{zone} {bucket:?}");
            let day = days.bucket_of(Grain::Day, instant).expect(zone);
            assert!(day.start <= bucket.start && bucket.end <= day.end, "{zone} {bucket:?}");
        }
        instant = bucket.end;
    }
}
