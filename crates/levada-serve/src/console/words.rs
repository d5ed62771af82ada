//! Moments, ages and sentences as the console writes them. Pure text.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use report::text;

/// A moment in the zone of the operator, for machines too.
pub(crate) fn moment(at: Timestamp, zone: &TimeZone) -> Markup {
    html! { time datetime=(at.to_string()) { (moment_text(at, zone)) } }
}

/// The same where there can be no markup.
pub(crate) fn moment_text(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// `12 s`, `5 min`, `6 h 12 min`, `2 d 3 h`: never less than nothing.
pub(crate) fn age(age: SignedDuration) -> String {
    let seconds = age.as_secs().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min"),
        3600..86_400 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

/// A length of work.
pub(crate) fn span(seconds: f64) -> String {
    text::duration(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

/// A count in groups of three digits.
pub(crate) fn count(number: i64) -> String {
    text::count(u64::try_from(number).unwrap_or(0))
}

/// A sentence in which `backticks` mark what can be typed.
pub(crate) fn with_code(sentence: &str) -> Markup {
    html! {
        @for (index, part) in sentence.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// `a, b, c and 7 more`.
pub(crate) fn listed<'a>(names: impl Iterator<Item = &'a str>, most: usize) -> String {
    let names: Vec<&str> = names.collect();
    let shown = names.iter().take(most).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_two_parts() {
        let ages = [-5, 0, 59, 60, 3600, 22_320, 86_400, 183_600];
        let told = ages.map(|seconds| age(SignedDuration::from_secs(seconds)));
        assert_eq!(
            told,
            ["0 s", "0 s", "59 s", "1 min", "1 h 0 min", "6 h 12 min", "1 d 0 h", "2 d 3 h"]
        );
    }

    #[test]
    fn what_can_be_typed_stands_out_and_nothing_becomes_markup() {
        let markup = with_code("type `levada run`, or <b>").into_string();
        assert_eq!(markup, "type <code>levada run</code>, or &lt;b&gt;");
    }

    #[test]
    fn long_lists_end_with_how_much_is_missing() {
        assert_eq!(listed(["a", "b", "c"].into_iter(), 2), "a, b and 1 more");
        assert_eq!(listed(["a", "b"].into_iter(), 2), "a, b");
    }
}
