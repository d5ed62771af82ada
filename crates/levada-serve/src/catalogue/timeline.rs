//! How far a statistic is complete: the least of the rollups that it is made from. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::Compiled;
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
    /// Rollups that the edition does not have: then nothing can be said.
    pub(crate) unknown: Vec<String>,
}

/// Joins the rollups of a statistic.
pub(crate) fn of(stat: &Compiled, standing: &Standing) -> Timeline {
    let known: Vec<_> = stat.rollups.iter().filter_map(|n| standing.rollups.get(n)).collect();
    let unknown = stat.rollups.iter().filter(|name| !standing.rollups.contains_key(*name));
    let published_at = standing.version.published_at;
    // Without a calendar, and without any rollup, all is as of the edition.
    let through = known.iter().map(|rollup| rollup.closed_through);
    let closed_through = through.min().unwrap_or(Some(standing.as_of));
    let computed_at = known.iter().map(|rollup| rollup.computed_at).max();
    Timeline {
        closed_through,
        computed_at: computed_at.unwrap_or(published_at),
        buckets: join(&known.iter().map(|rollup| &rollup.buckets).collect::<Vec<_>>()),
        unknown: unknown.cloned().collect(),
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
