//! What a bucket is for a person: an hour, a day, a week. Known from its label and its length
//! alone, so that it always fits the answer it belongs to. Pure.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::standing::BucketStanding;

/// A bucket by its first day, or its first instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Period {
    Hour(Timestamp),
    Day(Date),
    Week(Date),
    Month(Date),
    Year(Date),
    /// So many days.
    Span(Date, i64),
}

/// Days are an hour shorter or longer when clocks change.
const CLOCKS: SignedDuration = SignedDuration::from_hours(2);

impl Period {
    /// What a bucket is.
    pub(crate) fn of(bucket: &BucketStanding) -> Self {
        let length = bucket.end.duration_since(bucket.start);
        let day = bucket.label.get(..10).and_then(|day| day.parse::<Date>().ok());
        let (Some(day), true) = (day, length > SignedDuration::from_hours(12)) else {
            return Self::Hour(bucket.start);
        };
        let days = (length + CLOCKS).as_hours() / 24;
        match days {
            1 => Self::Day(day),
            7 => Self::Week(day),
            28..=31 if day.day() == 1 => Self::Month(day),
            365..=366 if day.day() == 1 => Self::Year(day),
            days => Self::Span(day, days.max(1)),
        }
    }

    /// The last day in it; `None` for hours.
    pub(crate) fn last_day(self) -> Option<Date> {
        let next = match self {
            Self::Hour(_) => return None,
            Self::Day(date) => date.checked_add(1.day()),
            Self::Week(date) => date.checked_add(1.week()),
            Self::Month(date) => date.checked_add(1.month()),
            Self::Year(date) => date.checked_add(1.year()),
            Self::Span(date, days) => date.checked_add(days.days()),
        };
        next.and_then(|next| next.yesterday()).ok()
    }

    /// For `datetime` attributes: 2025-01-20, 2025-01, 2025, or an instant.
    pub(crate) fn machine(self) -> String {
        match self {
            Self::Hour(at) => at.to_string(),
            Self::Day(date) | Self::Week(date) | Self::Span(date, _) => date.to_string(),
            Self::Month(date) => date.strftime("%Y-%m").to_string(),
            Self::Year(date) => date.strftime("%Y").to_string(),
        }
    }
}

/// The last day that ends before an instant, where it is a midnight.
pub(crate) fn day_before(midnight: Timestamp, zone: &TimeZone) -> Option<Date> {
    let local = midnight.to_zoned(zone.clone());
    let is_midnight = local.start_of_day().is_ok_and(|start| start.timestamp() == midnight);
    if is_midnight { local.date().yesterday().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::standing::BucketState;

    fn period(label: &str, start: &str, end: &str) -> Period {
        let state = BucketState::Closed;
        let (start, end) = (start.parse().unwrap(), end.parse().unwrap());
        Period::of(&BucketStanding { label: label.to_owned(), start, end, state })
    }

    #[test]
    fn lengths_tell_what_a_bucket_is() {
        let date = jiff::civil::date;
        let day = period("2025-10-26", "2025-10-25T23:00:00Z", "2025-10-27T00:00:00Z");
        assert_eq!(day, Period::Day(date(2025, 10, 26)));
        let short = period("2025-03-30", "2025-03-30T00:00:00Z", "2025-03-30T23:00:00Z");
        assert_eq!(short, Period::Day(date(2025, 3, 30)));
        let week = period("2025-10-20", "2025-10-19T23:00:00Z", "2025-10-27T00:00:00Z");
        assert_eq!(week.last_day(), Some(date(2025, 10, 26)));
        let month = period("2025-02-01", "2025-02-01T00:00:00Z", "2025-03-01T00:00:00Z");
        assert_eq!(
            (month.machine(), month.last_day()),
            ("2025-02".to_owned(), Some(date(2025, 2, 28)))
        );
        let hour = period("2025-10-26T01:00:00Z", "2025-10-26T01:00:00Z", "2025-10-26T02:00:00Z");
        assert!(matches!(hour, Period::Hour(_)));
    }
}
