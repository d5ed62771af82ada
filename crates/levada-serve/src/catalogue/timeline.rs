//! How far a statistic is complete: the least of the rollups that it is made from. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::{Compiled, Subject};
use crate::standing::{BucketStanding, Standing};

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
    Timeline {
        closed_through,
        computed_at: computed_at.unwrap_or(published_at),
        has_gaps: lists.iter().any(|list| list.iter().any(is_gap)),
        // Of different calendars there are no buckets that all of them have.
        buckets: if grains.len() > 1 { Arc::default() } else { join(&lists) },
    }
}

/// One list of buckets; where several rollups have a bucket, the least complete speaks.
fn join(lists: &[&Arc<Vec<BucketStanding>>]) -> Arc<Vec<BucketStanding>> {
    let dated: Vec<_> = lists.iter().filter(|list| !list.is_empty()).collect();
    match dated.as_slice() {
        [] => return Arc::default(),
        [only] => return Arc::clone(only),
        _ => {}
    }
    let mut joined: BTreeMap<Timestamp, BucketStanding> = BTreeMap::new();
    for bucket in dated.iter().flat_map(|list| list.iter()) {
        let known = joined.entry(bucket.start).or_insert_with(|| bucket.clone());
        if bucket.state.rank() < known.state.rank() {
            known.state = bucket.state;
        }
    }
    Arc::new(joined.into_values().collect())
}
