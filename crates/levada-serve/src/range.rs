//! Which buckets a request gets. Pure: "the last seven days" end where the statistic is complete,
//! never where somebody's clock stands.

use jiff::Timestamp;

use crate::refusal::Refusal;
use crate::standing::{BucketStanding, BucketState};

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// So many complete buckets.
    Last(u32),
    /// Buckets by their labels, both included; an end that is left open is the last complete one.
    Between { from: Option<String>, to: Option<String> },
}

/// The buckets of an answer: all of them complete, or named as missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Range {
    /// The first and last label; `None` when nothing that is asked for is complete.
    pub(crate) ends: Option<(String, String)>,
    /// Half-open: `start` is in it, `end` is not. Equal when it is empty.
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    /// In their order, as a page shows them.
    pub(crate) buckets: Vec<BucketStanding>,
    /// Part of what was asked for is not complete yet, or lies before the first bucket.
    pub(crate) is_cut: bool,
}

impl Range {
    /// Whether it is all that was asked for, and complete.
    pub(crate) fn is_complete(&self) -> bool {
        !self.is_cut && self.missing().next().is_none()
    }

    /// Buckets whose numbers are not all there.
    pub(crate) fn missing(&self) -> impl Iterator<Item = &BucketStanding> {
        self.buckets.iter().filter(|bucket| !bucket.state.is_complete())
    }

    /// The first bucket whose numbers may still change.
    pub(crate) fn provisional_from(&self) -> Option<&str> {
        let provisional =
            self.buckets.iter().find(|bucket| bucket.state == BucketState::Provisional);
        provisional.map(|bucket| bucket.label.as_str())
    }
}

/// Resolves against the data clock: `closed_through` is the end of what is complete, of all rollups
/// that the answer is made from; `buckets` are those of one of them.
///
/// # Errors
/// A label that is no bucket's form, a range that ends before it begins, or more than `max`
/// buckets.
pub(crate) fn resolve(
    asked: &Asked,
    buckets: &[BucketStanding],
    closed_through: Option<Timestamp>,
    max: u32,
) -> Result<Range, Refusal> {
    let is_closed = |bucket: &&BucketStanding| closed_through.is_some_and(|t| bucket.end <= t);
    let closed = buckets.iter().filter(is_closed).count();
    let complete = &buckets[..closed];
    let (chosen, is_cut) = match asked {
        Asked::Last(count) => {
            let first = closed.saturating_sub(*count as usize);
            (&complete[first..], complete.is_empty())
        }
        Asked::Between { from, to } => between(from.as_deref(), to.as_deref(), complete)?,
    };
    if chosen.len() > max as usize {
        let reason = format!("names {} buckets, {max} at most are answered", chosen.len());
        return Err(Refusal::BadParameter { name: "from".to_owned(), reason });
    }
    let (first, last) = (chosen.first(), chosen.last());
    let edge = closed_through.unwrap_or(Timestamp::UNIX_EPOCH);
    Ok(Range {
        ends: first.zip(last).map(|(first, last)| (first.label.clone(), last.label.clone())),
        start: first.map_or(edge, |bucket| bucket.start),
        end: last.map_or(edge, |bucket| bucket.end),
        buckets: chosen.to_vec(),
        is_cut,
    })
}

/// All buckets that are complete, for statistics without a range of their own.
///
/// # Errors
/// None that a visitor could cause.
pub(crate) fn all(
    buckets: &[BucketStanding],
    closed_through: Option<Timestamp>,
) -> Result<Range, Refusal> {
    resolve(&Asked::Between { from: None, to: None }, buckets, closed_through, u32::MAX)
}

/// The complete buckets between two labels, and whether more was asked for than they are.
fn between<'a>(
    from: Option<&str>,
    to: Option<&str>,
    complete: &'a [BucketStanding],
) -> Result<(&'a [BucketStanding], bool), Refusal> {
    let refuse = |name: &str, reason: &str| {
        Err(Refusal::BadParameter { name: name.to_owned(), reason: reason.to_owned() })
    };
    if let (Some(from), Some(to)) = (from, to)
        && from > to
    {
        return refuse("to", "is before `from`");
    }
    let (Some(first), Some(last)) = (complete.first(), complete.last()) else {
        return Ok((complete, true));
    };
    for (name, label) in [("from", from), ("to", to)] {
        if let Some(label) = label
            && (first.label.as_str()..=last.label.as_str()).contains(&label)
            && complete.binary_search_by(|bucket| bucket.label.as_str().cmp(label)).is_err()
        {
            let reason = format!("is not the name of a bucket, such as {}", last.label);
            return refuse(name, &reason);
        }
    }
    let starts = from.map_or(0, |from| complete.partition_point(|b| b.label.as_str() < from));
    let ends = to.map_or(complete.len(), |to| {
        complete.partition_point(|bucket| bucket.label.as_str() <= to)
    });
    let is_outside = |label: &str| label < first.label.as_str() || label > last.label.as_str();
    let is_cut = from.is_some_and(is_outside) || to.is_some_and(is_outside);
    Ok((&complete[starts..ends.max(starts)], is_cut))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Weeks that begin on Mondays of 2025: 5, 12, 19 and 26 May; the last is open.
    fn weeks() -> Vec<BucketStanding> {
        let week = |day: i32, state| BucketStanding {
            label: format!("2025-05-{day:02}"),
            start: format!("2025-05-{day:02}T00:00:00Z").parse().unwrap(),
            end: if day == 26 { "2025-06-02T00:00:00Z" } else { "" }
                .parse()
                .unwrap_or_else(|_| format!("2025-05-{:02}T00:00:00Z", day + 7).parse().unwrap()),
            state,
        };
        use BucketState::{Closed, Gap, Open};
        vec![week(5, Closed), week(12, Gap), week(19, Closed), week(26, Open)]
    }

    fn resolved(from: Option<&str>, to: Option<&str>) -> Result<(String, bool), Refusal> {
        let asked = Asked::Between { from: from.map(str::to_owned), to: to.map(str::to_owned) };
        let through = "2025-05-26T00:00:00Z".parse().unwrap();
        let range = resolve(&asked, &weeks(), Some(through), 90)?;
        let labels: Vec<&str> = range.buckets.iter().map(|b| &b.label[8..]).collect();
        Ok((labels.join(" "), range.is_complete()))
    }

    #[test]
    fn ends_are_buckets_or_outside() {
        let all = "05 12 19".to_owned();
        for (from, to, expected) in [
            (None, None, (all.clone(), false)),
            (Some("2025-05-19"), None, ("19".to_owned(), true)),
            (Some("2025-05-19"), Some("2025-05-26"), ("19".to_owned(), false)),
            (Some("2025-05-26"), None, (String::new(), false)),
            (Some("2025-05-28"), Some("2025-05-28"), (String::new(), false)),
            (Some("2024-01-01"), Some("2025-05-05"), ("05".to_owned(), false)),
            (None, Some("2024-01-01"), (String::new(), false)),
            (None, Some("2025-05-05"), ("05".to_owned(), true)),
        ] {
            assert_eq!(resolved(from, to), Ok(expected), "{from:?} {to:?}");
        }
        assert!(resolved(Some("2025-05-13"), None).is_err(), "no Monday");
        assert!(resolved(Some("2025-05-19"), Some("2025-05-12")).is_err(), "backwards");
    }

    #[test]
    fn nothing_complete_is_nothing_shown() {
        for asked in [Asked::Last(7), Asked::Between { from: None, to: None }] {
            let range = resolve(&asked, &weeks(), None, 90).unwrap();
            assert!(range.buckets.is_empty() && !range.is_complete(), "{asked:?}");
        }
    }

    #[test]
    fn gaps_are_named() {
        let through = Some("2025-05-26T00:00:00Z".parse().unwrap());
        let range = resolve(&Asked::Last(2), &weeks(), through, 90).unwrap();
        let missing: Vec<&str> = range.missing().map(|bucket| bucket.label.as_str()).collect();
        assert_eq!(missing, ["2025-05-12"]);
        assert!(!range.is_complete());
        assert!(resolve(&Asked::Last(3), &weeks(), through, 2).is_err(), "more than the maximum");
    }
}
