//! What happened since the start, counted. Names and numbers only: no parameter, no address.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use report::Problem;

/// Counters of the whole server.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    /// Answers from memory, rendered beforehand or not.
    pub(crate) hits: Count,
    /// Answers that a query was run for.
    pub(crate) misses: Count,
    /// Answers that waited for a query of somebody else.
    pub(crate) joined: Count,
    /// 304: the visitor has it already.
    pub(crate) unchanged: Count,
    /// Answers shown although they are not confirmed.
    pub(crate) stale: Count,
    /// Refused because too much waits.
    pub(crate) shed: Count,
    /// Refused because one client asks too much.
    pub(crate) limited: Count,
    stats: Mutex<BTreeMap<String, StatMetrics>>,
}

/// A number that only goes up.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The queries of one statistic.
#[derive(Debug, Clone, Default)]
pub(crate) struct StatMetrics {
    pub(crate) queries: u64,
    pub(crate) failures: u64,
    pub(crate) took: Duration,
    pub(crate) took_max: Duration,
    /// Of the last one that failed.
    pub(crate) problem: Option<Problem>,
    pub(crate) failed_at: Option<Instant>,
}

impl Metrics {
    /// Counts a query.
    pub(crate) fn queried(&self, stat: &str, took: Duration, problem: Option<&Problem>) {
        let mut stats = self.stats.lock().unwrap_or_else(PoisonError::into_inner);
        let stat = stats.entry(stat.to_owned()).or_default();
        stat.queries += 1;
        stat.took += took;
        stat.took_max = stat.took_max.max(took);
        if let Some(problem) = problem {
            stat.failures += 1;
            stat.problem = Some(problem.clone());
            stat.failed_at = Some(Instant::now());
        }
    }

    /// By statistic.
    pub(crate) fn stats(&self) -> BTreeMap<String, StatMetrics> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
