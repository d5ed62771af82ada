//! Which span of time a window covers at the moment of an edition. Pure arithmetic; the clock is
//! never asked.

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use report::Problem;
use serde::Serialize;

use crate::calendar::{Calendar, Grain};
use crate::window::Window;

/// A row at `time` belongs to it when `lower < time <= upper`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) lower: Timestamp,
    pub(crate) upper: Timestamp,
}

impl Bounds {
    fn new(lower: Timestamp, upper: Timestamp) -> Option<Self> {
        (lower < upper).then_some(Self { lower, upper })
    }

    /// What both cover.
    pub(crate) fn shared_with(self, other: Self) -> Option<Self> {
        Self::new(self.lower.max(other.lower), self.upper.min(other.upper))
    }

    /// What this covers and the other does not.
    pub(crate) fn without(self, other: Self) -> impl Iterator<Item = Self> {
        let earlier = Self::new(self.lower, self.upper.min(other.lower));
        let later = Self::new(self.lower.max(other.upper), self.upper);
        earlier.into_iter().chain(later)
    }
}

/// How a window follows the moment of the editions.
#[derive(Debug, Clone, Serialize)]
pub(crate) enum Course {
    /// The last so many seconds.
    Last(i64),
    /// What has passed of the bucket of a calendar.
    Current(Grain, Calendar),
    /// The bucket before that one.
    Previous(Grain, Calendar),
}

/// Times of PostgreSQL are whole microseconds, so what is after this is at the next or later.
const INSTANT: SignedDuration = SignedDuration::from_micros(1);

impl Course {
    /// Reads `last`, `current` and `previous` of a section.
    ///
    /// # Errors
    /// A [`Problem`] that names the window and the option.
    pub(crate) fn of(window: &Window, calendars: &[Calendar]) -> Result<Self, Problem> {
        let name = &window.name;
        let refuse = |reason: String| Problem::new(format!("[[window]] \"{name}\" {reason}"));
        match (&window.last, window.current, window.previous) {
            (Some(last), None, None) => {
                if window.calendar.is_some() {
                    return Err(refuse("has last and a calendar".to_owned())
                        .detail("the last days are counted back from the edition, by no calendar")
                        .hint("remove the calendar, or write current = \"week\" instead of last"));
                }
                Ok(Self::Last(seconds(name, last)?))
            }
            (None, Some(grain), None) => Ok(Self::Current(grain, named(window, calendars)?)),
            (None, None, Some(grain)) => Ok(Self::Previous(grain, named(window, calendars)?)),
            _ => Err(refuse("needs exactly one of last, current and previous".to_owned())
                .hint("last = \"7 days\" rolls on, current = \"week\" begins anew each week")),
        }
    }

    /// What is covered at a moment.
    pub(crate) fn at(&self, as_of: Timestamp) -> anyhow::Result<Bounds> {
        let (lower, upper) = match self {
            Self::Last(seconds) => (as_of.checked_sub(SignedDuration::from_secs(*seconds))?, as_of),
            Self::Current(grain, calendar) => {
                (calendar.bucket_of(*grain, as_of)?.start.checked_sub(INSTANT)?, as_of)
            }
            Self::Previous(grain, calendar) => {
                let current = calendar.bucket_of(*grain, as_of)?;
                let previous = calendar.bucket_of(*grain, current.start.checked_sub(INSTANT)?)?;
                (previous.start.checked_sub(INSTANT)?, previous.end.checked_sub(INSTANT)?)
            }
        };
        Ok(Bounds { lower, upper })
    }

    /// For the comment of the table.
    pub(crate) fn describe(&self) -> String {
        let grain = |grain: &Grain| format!("{grain:?}").to_lowercase();
        match self {
            Self::Last(seconds) => format!("of the last {}", length(*seconds)),
            Self::Current(of, calendar) => {
                format!("of the current {} of calendar {}", grain(of), calendar.name)
            }
            Self::Previous(of, calendar) => {
                format!("of the previous {} of calendar {}", grain(of), calendar.name)
            }
        }
    }
}

fn named(window: &Window, calendars: &[Calendar]) -> Result<Calendar, Problem> {
    let name = &window.name;
    let Some(calendar) = &window.calendar else {
        return Err(Problem::new(format!("[[window]] \"{name}\" needs a calendar"))
            .detail("current and previous are hours, days, weeks or months of somewhere")
            .hint("add calendar = \"…\", the name of a [[calendar]] section"));
    };
    calendars.iter().find(|known| known.name == *calendar).cloned().ok_or_else(|| {
        let problem = format!("[[window]] \"{name}\": there is no calendar \"{calendar}\"");
        Problem::new(problem).hint("add a [[calendar]] section with this name, its zone and weeks")
    })
}

/// A hundred years: longer ones are mistakes.
const SECONDS_MAX: i64 = 100 * 366 * 86_400;

/// `7 days`, in seconds; a day has 24 hours.
fn seconds(name: &str, last: &str) -> Result<i64, Problem> {
    let refuse = |reason: &str| {
        Problem::new(format!("[[window]] \"{name}\": last = \"{last}\" is refused"))
            .detail(reason.to_owned())
            .hint("write weeks, days, hours or minutes, such as \"7 days\" or \"36 hours\"")
    };
    let span: Span = last.parse().map_err(|_| refuse("it is no length of time"))?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return Err(refuse(
            "months and years differ in length; current = \"month\" with a calendar is another way",
        ));
    }
    let exact = span.to_duration(SpanRelativeTo::days_are_24_hours());
    let exact = exact.map_err(|_| refuse("it is too long"))?;
    match exact.as_secs() {
        _ if exact.subsec_nanos() != 0 => Err(refuse("parts of seconds are too fine")),
        seconds if !(1..=SECONDS_MAX).contains(&seconds) => {
            Err(refuse("it is not between one second and a hundred years"))
        }
        seconds => Ok(seconds),
    }
}

fn length(seconds: i64) -> String {
    let units = [(86_400, "days"), (3_600, "hours"), (60, "minutes")];
    let whole = units.iter().find(|(unit, _)| seconds % unit == 0);
    let (unit, name) = whole.unwrap_or(&(1, "seconds"));
    format!("{} {name}", seconds / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(lower: i64, upper: i64) -> Bounds {
        let at = |second| Timestamp::from_second(second).unwrap();
        Bounds { lower: at(lower), upper: at(upper) }
    }

    #[test]
    fn lengths_are_exact_or_refused() {
        for (text, expected) in [
            ("7 days", 604_800),
            ("1 week", 604_800),
            ("36 hours", 129_600),
            ("1 day 30 minutes", 88_200),
            ("P1D", 86_400),
        ] {
            assert_eq!(seconds("w", text).unwrap(), expected, "{text}");
        }
        for text in ["1 month", "2 years", "", "7", "-7 days", "0 days", "1.5 seconds", "200000 d"]
        {
            assert!(seconds("w", text).is_err(), "{text}");
        }
        let problem = seconds("w", "1 month").unwrap_err();
        assert!(problem.detail.unwrap().contains("differ in length"));
    }

    #[test]
    fn differences_cover_each_instant_once() {
        for (a, b) in (0..6).flat_map(|a| (a + 1..7).map(move |b| (a, b))) {
            for (c, d) in (0..6).flat_map(|c| (c + 1..7).map(move |d| (c, d))) {
                let (new, old) = (bounds(a, b), bounds(c, d));
                for at in 0..8 {
                    let at = bounds(0, at).upper;
                    let holds = |bounds: &Bounds| bounds.lower < at && at <= bounds.upper;
                    let parts: Vec<_> = new.without(old).chain(new.shared_with(old)).collect();
                    let times = parts.iter().filter(|part| holds(part)).count();
                    assert_eq!(times, usize::from(holds(&new)), "{new:?} {old:?} {at}");
                    assert!(!new.without(old).any(|part| holds(&part) && holds(&old)));
                }
            }
        }
    }

    #[test]
    fn calendar_windows_follow_the_local_clock() {
        let zone = "Europe/Paris".to_owned();
        let week_starts = Default::default();
        let paris = Calendar { name: "paris".to_owned(), zone, week_starts };
        // Sunday, 25 hours long; its week began on Monday at 22:00 UTC of the day before.
        let as_of: Timestamp = "2025-10-26T12:00:00Z".parse().unwrap();
        let shown = |course: Course| {
            let Bounds { lower, upper } = course.at(as_of).unwrap();
            format!("{lower} {upper}")
        };
        assert_eq!(
            shown(Course::Current(Grain::Week, paris.clone())),
            "2025-10-19T21:59:59.999999Z 2025-10-26T12:00:00Z"
        );
        assert_eq!(
            shown(Course::Previous(Grain::Week, paris.clone())),
            "2025-10-12T21:59:59.999999Z 2025-10-19T21:59:59.999999Z"
        );
        assert_eq!(
            shown(Course::Current(Grain::Day, paris)),
            "2025-10-25T21:59:59.999999Z 2025-10-26T12:00:00Z"
        );
        assert_eq!(shown(Course::Last(86_400)), "2025-10-25T12:00:00Z 2025-10-26T12:00:00Z");
    }
}
