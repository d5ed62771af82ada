//! Business calendars: local hours, days, weeks and months as instants of UTC. Bounds are made here
//! and nowhere else; nobody groups by the wall clock, which shows some times twice.
//!
//! A local day begins with the first instant whose local date is that day or a later one. So a
//! repeated midnight counts once, a midnight that is skipped gives a day that begins later, and a
//! day that a zone never had has no bucket. Where a clock was set back over midnight (St John's
//! until 2011), the minutes that say the day before again belong to the day that had already begun.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::Context;
use jiff::civil::{Date, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan};
use report::Problem;
use serde::{Deserialize, Serialize};

/// One `[[calendar]]` section.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// What rollups and windows call it.
    pub name: String,
    /// The IANA time zone of its days, such as "Europe/London".
    pub zone: String,
    /// The first day of its weeks: "monday" to "sunday".
    #[serde(default)]
    pub week_starts: Weekday,
}

/// The first day of a week.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weekday {
    #[default]
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// How long a bucket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Grain {
    Hour,
    Day,
    Week,
    Month,
}

/// The instants from `start` up to, but not including, `end`. It is never empty, and its `end` is
/// the `start` of the next.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bucket {
    /// A day, the first day of a week or a month, such as "2025-10-26"; of an hour its start in
    /// UTC, such as "2025-10-26T00:00:00Z".
    pub label: String,
    /// The first instant in it.
    pub start: Timestamp,
    /// The first instant after it.
    pub end: Timestamp,
}

impl Calendar {
    /// The zone of its days.
    ///
    /// # Errors
    /// The zone is no IANA name, or one that says the opposite of what it seems to, such as UTC+1.
    pub fn time_zone(&self) -> Result<TimeZone, Problem> {
        let zone = &self.zone;
        let refuse = |reason: &str| {
            Problem::new(format!("[[calendar]] \"{}\": zone \"{zone}\" is refused", self.name))
                .detail(reason.to_owned())
                .hint("use an IANA name such as \"Europe/London\" or \"UTC\"")
        };
        let is_offset = zone.contains(['+', '-']) && !zone.contains('/');
        if is_offset || is_below("Etc/GMT", zone) {
            return Err(refuse("POSIX offsets have the sign reversed: UTC+1 is one hour west"));
        }
        if is_below("right/", zone) {
            return Err(refuse("its days count leap seconds, which no database does"));
        }
        if ["CET", "EET", "MET", "WET"].iter().any(|name| zone.eq_ignore_ascii_case(name)) {
            return Err(refuse("PostgreSQL takes it for winter time all year, IANA does not"));
        }
        let is_no_place = ["posix/", "Etc/Unknown", "Factory", "localtime", "posixrules"];
        if is_no_place.iter().any(|name| is_below(name, zone)) {
            return Err(refuse("it does not say whose days are meant"));
        }
        TimeZone::get(zone).map_err(|_| {
            refuse("no such IANA time zone, or this machine has no time zones (package tzdata)")
        })
    }

    /// The bucket that holds an instant.
    ///
    /// # Errors
    /// The zone is refused, or the instant is at the end of time.
    pub fn bucket_of(&self, grain: Grain, at: Timestamp) -> anyhow::Result<Bucket> {
        self.days()?.bucket_of(grain, at).with_context(|| out_of_time(&self.name))
    }

    /// All buckets with an instant from `from` to `to`, both included, in their order; none where
    /// `to` is before `from`.
    ///
    /// # Errors
    /// The zone is refused, or an instant is at the end of time.
    pub fn buckets(
        &self,
        grain: Grain,
        from: Timestamp,
        to: Timestamp,
    ) -> anyhow::Result<Vec<Bucket>> {
        let days = self.days()?;
        let mut buckets = Vec::new();
        let mut at = from;
        while at <= to {
            let bucket = days.bucket_of(grain, at).with_context(|| out_of_time(&self.name))?;
            at = bucket.end;
            buckets.push(bucket);
        }
        Ok(buckets)
    }

    /// The first instant of a local date, or of the next where the zone never had it.
    ///
    /// # Errors
    /// The zone is refused, or the date is at the end of time.
    pub fn start_of_date(&self, date: Date) -> anyhow::Result<Timestamp> {
        self.days()?.start_of(date).with_context(|| out_of_time(&self.name))
    }

    fn days(&self) -> Result<Days, Problem> {
        Ok(Days { zone: self.time_zone()?, week_starts: self.week_starts })
    }
}

/// Whether a name is the prefix or begins with it, however it is spelled.
fn is_below(prefix: &str, zone: &str) -> bool {
    zone.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn out_of_time(calendar: &str) -> Problem {
    Problem::new(format!("[[calendar]] \"{calendar}\": an instant has no bucket"))
        .hint("rows may be from the year -9998 to 9998; look for a placeholder such as infinity")
}

/// Which edition of the IANA data the zones are from, such as "2025b"; `None` where the machine
/// does not say. Bounds of future buckets may move when it changes.
pub fn tzdata_version() -> Option<String> {
    let named = std::env::var_os("TZDIR").map(PathBuf::from);
    let usual = ["/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo"];
    let folders = named.into_iter().chain(usual.iter().map(Into::into));
    let folder = folders.into_iter().find(|folder| folder.is_dir())?;
    version_in(&folder.join("tzdata.zi"))
}

/// The first line of the file is "# version 2025b".
fn version_in(file: &Path) -> Option<String> {
    let mut line = String::new();
    BufReader::new(std::fs::File::open(file).ok()?).read_line(&mut line).ok()?;
    line.trim_end().strip_prefix("# version ").map(str::to_owned)
}

const SECONDS_PER_HOUR: i64 = 3600;

/// The days of a zone.
struct Days {
    zone: TimeZone,
    week_starts: Weekday,
}

impl Days {
    fn bucket_of(&self, grain: Grain, at: Timestamp) -> Result<Bucket, jiff::Error> {
        let date = match grain {
            Grain::Hour => return self.hour_of(at),
            _ => self.date_of(at)?,
        };
        let (first, span) = match grain {
            Grain::Month => (date.first_of_month(), 1.month()),
            Grain::Week => (self.first_of_week(date)?, 1.week()),
            _ => (date, 1.day()),
        };
        let (start, end) = (self.start_of(first)?, self.start_of(first.checked_add(span)?)?);
        Ok(Bucket { label: first.to_string(), start, end })
    }

    /// The first instant whose local date is this one or a later one.
    fn start_of(&self, date: Date) -> Result<Timestamp, jiff::Error> {
        let midnight = date.to_datetime(Time::midnight());
        let ambiguous = self.zone.to_ambiguous_timestamp(midnight);
        match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(midnight),
            AmbiguousOffset::Fold { before, .. } => before.to_timestamp(midnight),
            AmbiguousOffset::Gap { after, before } => {
                // The jump itself may be before what midnight would have been, as where 23:30 was
                // followed by 00:30.
                let not_before = before.to_timestamp(midnight)?;
                let jump = self.last_jump(not_before)?;
                Ok(jump.unwrap_or(after.to_timestamp(midnight)?))
            }
        }
    }

    /// The day that an instant belongs to: the last that has begun by then.
    fn date_of(&self, at: Timestamp) -> Result<Date, jiff::Error> {
        let mut date = self.zone.to_datetime(at).date();
        // The clock may have been set back to the day before.
        while self.start_of(date.tomorrow()?)? <= at {
            date = date.tomorrow()?;
        }
        Ok(date)
    }

    fn first_of_week(&self, date: Date) -> Result<Date, jiff::Error> {
        let weekday = i64::from(date.weekday().to_monday_zero_offset());
        let days_since = (weekday - self.week_starts as i64).rem_euclid(7);
        date.checked_sub(days_since.days())
    }

    /// Sixty minutes that begin with a local hour. Where the zone moves by another amount than
    /// whole hours, or a day begins with a jump, an hour ends there and another begins.
    fn hour_of(&self, at: Timestamp) -> Result<Bucket, jiff::Error> {
        let second =
            Timestamp::from_second(at.as_second() - i64::from(at.subsec_nanosecond() < 0))?;
        let offset = i64::from(self.zone.to_offset(at).seconds());
        let into = (second.as_second() + offset).rem_euclid(SECONDS_PER_HOUR);
        let mut start = second.checked_sub(SignedDuration::from_secs(into))?;
        let mut end = start.checked_add(SignedDuration::from_secs(SECONDS_PER_HOUR))?;
        for jump in self.zone.following(at).map(|jump| jump.timestamp()) {
            if jump >= end {
                break;
            }
            if self.divides_hours(jump)? {
                end = jump;
                break;
            }
        }
        let mut before = Some(at);
        while let Some(jump) = before.map(|at| self.last_jump(at)).transpose()?.flatten() {
            if jump <= start {
                break;
            }
            if self.divides_hours(jump)? {
                start = jump;
                break;
            }
            before = Some(jump.checked_sub(NANOSECOND)?);
        }
        Ok(Bucket { label: start.to_string(), start, end })
    }

    /// The last jump of the clock at or before an instant.
    fn last_jump(&self, at: Timestamp) -> Result<Option<Timestamp>, jiff::Error> {
        let after = at.checked_add(NANOSECOND)?;
        Ok(self.zone.preceding(after).next().map(|jump| jump.timestamp()))
    }

    fn divides_hours(&self, jump: Timestamp) -> Result<bool, jiff::Error> {
        let before = self.zone.to_offset(jump.checked_sub(NANOSECOND)?).seconds();
        let after = self.zone.to_offset(jump).seconds();
        let moved = i64::from(after - before);
        Ok(moved % SECONDS_PER_HOUR != 0 || self.start_of(self.date_of(jump)?)? == jump)
    }
}

const NANOSECOND: SignedDuration = SignedDuration::from_nanos(1);

#[cfg(test)]
#[path = "calendar_tests.rs"]
mod tests;
