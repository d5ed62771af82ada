//! How far a statistic is complete: the least of the rollups that it is made from. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::{Compiled, Subject};
use crate::standing::{BucketStanding, BucketState, Standing};

/// The buckets of a statistic, and up to where they are complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Timeline {
    /// `None` when nothing is complete.
    pub(crate) closed_through: Option<Timestamp>,
    /// When its numbers last changed.
    pub(crate) computed_at: Timestamp,
    /// Each as complete as the least complete of the rollups.
    pub(crate) buckets: Arc<Vec<BucketStanding>>,
    /// A bucket before `closed_through` is not complete, whatever range is asked for.
    pub(crate) has_gaps: bool,
}

/// Joins the rollups of a statistic.
pub(crate) fn of(stat: &Compiled, standing: &Standing) -> Timeline {
    let known: Vec<_> = stat.rollups.iter().filter_map(|n| standing.rollups.get(n)).collect();
    let published_at = standing.version.published_at;
    let through = known.iter().map(|rollup| rollup.closed_through);
    // Without any rollup, all is as of the edition; a window ends where it says.
    let whole = match &stat.subject {
        Subject::Window(name) => standing.windows.get(name).map(|window| window.upper_bound),
        _ => Some(standing.as_of),
    };
    let closed_through = through.min().unwrap_or(whole);
    let computed_at = known.iter().map(|rollup| rollup.computed_at).max();
    let is_gap = |bucket: &BucketStanding| {
        closed_through.is_some_and(|through| bucket.end <= through) && !bucket.state.is_complete()
    };
    let grains = known.iter().map(|rollup| (&rollup.grain, &rollup.calendar, &rollup.zone));
    let grains: BTreeSet<_> = grains.filter(|(grain, ..)| grain.is_some()).collect();
    let lists: Vec<_> = known.iter().map(|rollup| &rollup.buckets).collect();
    // Of different calendars there are no buckets that all of them have.
    let buckets = if grains.len() > 1 { Arc::default() } else { join(&lists) };
    let has_gaps = lists.iter().chain([&&buckets]).any(|list| list.iter().any(is_gap));
    Timeline { closed_through, computed_at: computed_at.unwrap_or(published_at), has_gaps, buckets }
}

/// One list of buckets, as far back as all lists go. Where several rollups have a bucket, the least
/// complete speaks; one that a rollup does not have is a gap.
fn join(lists: &[&Arc<Vec<BucketStanding>>]) -> Arc<Vec<BucketStanding>> {
    let dated: Vec<_> = lists.iter().filter(|list| !list.is_empty()).collect();
    if let [only] = dated.as_slice() {
        return Arc::clone(only);
    }
    let begin = dated.iter().filter_map(|list| list.first()).map(|bucket| bucket.start).max();
    let mut joined: BTreeMap<Timestamp, (BucketStanding, usize)> = BTreeMap::new();
    let buckets = dated.iter().flat_map(|list| list.iter());
    for bucket in buckets.filter(|bucket| Some(bucket.start) >= begin) {
        let (known, count) = joined.entry(bucket.start).or_insert_with(|| (bucket.clone(), 0));
        *count += 1;
        if bucket.state.rank() < known.state.rank() {
            known.state = bucket.state;
        }
    }
    let joined = joined.into_values().map(|(bucket, count)| match count == dated.len() {
        false if bucket.state.rank() > BucketState::Gap.rank() => {
            BucketStanding { state: BucketState::Gap, ..bucket }
        }
        _ => bucket,
    });
    Arc::new(joined.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Days of May 2025.
    fn days(days: &[(i32, BucketState)]) -> Arc<Vec<BucketStanding>> {
        let moment = |day: i32| format!("2025-05-{day:02}T00:00:00Z").parse().unwrap();
        let bucket = |(day, state): &(i32, BucketState)| BucketStanding {
            label: format!("2025-05-{day:02}"),
            start: moment(*day),
            end: moment(day + 1),
            state: *state,
        };
        Arc::new(days.iter().map(bucket).collect())
    }

    fn joined(lists: &[&[(i32, BucketState)]]) -> Vec<(String, BucketState)> {
        let lists: Vec<_> = lists.iter().map(|list| days(list)).collect();
        let joined = join(&lists.iter().collect::<Vec<_>>());
        joined.iter().map(|bucket| (bucket.label[8..].to_owned(), bucket.state)).collect()
    }

    #[test]
    fn what_a_rollup_does_not_have_is_not_complete() {
        use BucketState::{Closed, Failed, Final, Gap, Open};
        let long = [(1, Final), (2, Closed), (3, Closed), (4, Failed), (5, Closed), (6, Open)];
        let named = |days: &[(i32, BucketState)]| -> Vec<(String, BucketState)> {
            days.iter().map(|(day, state)| (format!("{day:02}"), *state)).collect()
        };
        assert_eq!(joined(&[&long]), named(&long));
        assert_eq!(joined(&[&long, &[]]), named(&long), "one without a calendar has no days");
        assert!(joined(&[]).is_empty());
        // The second begins later, and lacks days in between.
        let late = [(3, Open), (6, Open)];
        let expected = [(3, Open), (4, Failed), (5, Gap), (6, Open)];
        assert_eq!(joined(&[&long, &late]), named(&expected));
        assert_eq!(joined(&[&late, &long]), named(&expected), "in any order");
        let two = [(2, Closed), (4, Closed)];
        let expected = [(3, Gap), (4, Failed), (5, Gap), (6, Gap)];
        assert_eq!(joined(&[&long, &late, &two]), named(&expected));
    }
}
