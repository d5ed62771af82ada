//! How buckets age, minute by minute, and through when a rollup is complete.

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::calendar::{Bucket, Calendar, Grain, Weekday};
use crate::rollup::definition::Settling;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

fn buckets(zone: &str) -> Buckets {
    Buckets {
        time: "at".into(),
        zone: None,
        calendar: Calendar {
            name: "test".into(),
            zone: zone.into(),
            week_starts: Weekday::default(),
        },
        grain: Grain::Day,
        starts: None,
        grace: SignedDuration::ZERO,
        settles: Settling::default(),
        restate_for: None,
        retention: None,
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The day that holds an instant.
fn day(of: &Buckets, instant: &str) -> Bucket {
    of.calendar.bucket_of(of.grain, at(instant)).unwrap()
}

fn is_past(as_of: Timestamp, end: Timestamp, minutes: i64) -> bool {
    as_of.as_second() >= end.as_second() + minutes * 60
}

#[test]
fn every_minute_around_two_closings() {
    // Usual nights, and those in which clocks jump, in zones where they do so at midnight or not.
    let nights = [
        ("Europe/London", "2026-03-29T12:00:00Z"),
        ("Europe/London", "2025-10-26T12:00:00Z"),
        ("America/Sao_Paulo", "2018-11-04T12:00:00Z"),
        ("America/Sao_Paulo", "2018-02-17T12:00:00Z"),
        ("Atlantic/Azores", "2025-10-26T12:00:00Z"),
        ("UTC", "2026-01-01T12:00:00Z"),
    ];
    for (zone, noon) in nights {
        let mut own = buckets(zone);
        own.grace = MINUTE * 90;
        own.settles = Settling {
            others: MINUTE * 100,
            by: Some("kind".into()),
            values: [("slow".to_owned(), MINUTE * 300), ("fast".to_owned(), MINUTE)].into(),
        };
        own.restate_for = Some(MINUTE * 2000);
        let first = day(&own, noon);
        let second = own.calendar.bucket_of(own.grain, first.end).unwrap();
        let mut past = [None, None];
        let mut seen = std::collections::BTreeSet::new();
        let mut now = first.start;
        while now < second.end + MINUTE * 2100 {
            for (bucket, past) in [&first, &second].into_iter().zip(&mut past) {
                let state = own.state((bucket.start, bucket.end), *past, now, None);
                let expected = match bucket.end {
                    end if !is_past(now, end, 90) => State::Open,
                    end if !is_past(now, end, 300) => State::Provisional,
                    end if !is_past(now, end, 2000) => State::Closed,
                    _ => State::Final,
                };
                assert_eq!(state, expected, "{zone}: {} at {now}", bucket.label);
                let settling = own.settling(bucket.end, now);
                assert_eq!(settling.contains(&"slow".into()), !is_past(now, bucket.end, 300));
                assert_eq!(settling.contains(&"*".into()), !is_past(now, bucket.end, 100));
                assert_eq!(settling.contains(&"fast".into()), !is_past(now, bucket.end, 1));
                *past = Some(state);
                seen.insert(state.to_string());
            }
            now += MINUTE;
        }
        assert_eq!(seen.len(), 4, "{zone}: {seen:?}");
    }
}

#[test]
fn a_bucket_waits_for_finer_ones() {
    let own = buckets("UTC");
    let bucket = day(&own, "2026-01-01T12:00:00Z");
    let span = (bucket.start, bucket.end);
    let later = bucket.end + MINUTE * 600;
    let state = |finer| own.state(span, None, later, finer);
    assert_eq!(state(None), State::Closed);
    assert_eq!(state(Some(None)), State::Open);
    assert_eq!(state(Some(Some(bucket.end - MINUTE))), State::Open);
    assert_eq!(state(Some(Some(bucket.end))), State::Closed);
    // One that was found wrong below is open again.
    let again = own.state(span, Some(State::Closed), later, Some(Some(bucket.start)));
    assert_eq!(again, State::Open);
}

#[test]
fn what_passed_unseen_is_a_gap_and_what_is_kept_stays() {
    let mut own = buckets("UTC");
    own.retention = Some(SignedDuration::from_hours(240));
    let bucket = day(&own, "2026-01-01T12:00:00Z");
    let span = (bucket.start, bucket.end);
    // Two hours are left for clocks that change.
    let last = bucket.start + SignedDuration::from_hours(238);
    for (past, now, expected) in [
        (None, last, State::Closed),
        (None, last + MINUTE, State::Gap),
        (Some(State::Open), last, State::Closed),
        (Some(State::Open), last + MINUTE, State::Gap),
        (Some(State::Provisional), last, State::Closed),
        (Some(State::Provisional), last + MINUTE, State::Provisional),
        (Some(State::Failed), last + MINUTE, State::Gap),
        (Some(State::Closed), last + MINUTE, State::Closed),
        (Some(State::Final), last, State::Final),
        (Some(State::Gap), last, State::Gap),
        (Some(State::Failed), last, State::Failed),
    ] {
        assert_eq!(own.state(span, past, now, None), expected, "{past:?} at {now}");
        let is_kept = now > last || matches!(past, Some(State::Final | State::Gap));
        assert_eq!(own.is_frozen(bucket.start, past, now), is_kept, "{past:?} at {now}");
    }
}

#[test]
fn complete_through_the_last_before_the_first_that_is_not() {
    use State::{Closed, Failed, Final, Gap, Open, Provisional};
    let cases: [(&[State], Option<usize>); 9] = [
        (&[], None),
        (&[Open], None),
        (&[Gap, Open], None),
        (&[Closed, Final, Provisional, Open], Some(2)),
        (&[Closed, Open, Closed], Some(0)),
        (&[Closed, Gap, Closed, Open], Some(2)),
        (&[Closed, Gap, Gap, Open], Some(0)),
        (&[Final, Failed, Closed], Some(0)),
        (&[Closed, Closed], Some(1)),
    ];
    for (states, expected) in cases {
        let numbers: Vec<usize> = (0..states.len()).collect();
        let through = closed_through(states.iter().copied().zip(&numbers));
        assert_eq!(through.copied(), expected, "{states:?}");
    }
}

#[test]
fn states_are_read_as_they_are_written() {
    for state in [State::Open, State::Provisional, State::Closed, State::Final, State::Gap] {
        assert_eq!(State::parse(&state.to_string()), Some(state));
    }
    assert_eq!(State::parse("done"), None);
}
