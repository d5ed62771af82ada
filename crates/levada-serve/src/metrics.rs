//! What happened since the start, counted. Names and numbers only: no parameter, no address.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hyper::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use report::Problem;

/// Counters of the whole server.
#[derive(Debug)]
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
    /// Visitors who came, and who left.
    pub(crate) connections: Count,
    pub(crate) disconnections: Count,
    /// Visitors who found no place.
    pub(crate) turned_away: Count,
    /// Responses by status, in the order of [`STATUSES`]; the last is for all others.
    responses: [Count; STATUSES.len() + 1],
    /// How long queries took, in seconds.
    pub(crate) seconds: Family<OfStat, Histogram, fn() -> Histogram>,
    stats: Mutex<BTreeMap<String, StatMetrics>>,
}

/// What is sent, the most frequent first.
const STATUSES: [u16; 14] = [200, 304, 404, 400, 429, 503, 204, 401, 405, 410, 413, 414, 431, 500];

/// Belongs to a statistic.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OfStat {
    pub(crate) stat: String,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            hits: Count::default(),
            misses: Count::default(),
            joined: Count::default(),
            unchanged: Count::default(),
            stale: Count::default(),
            shed: Count::default(),
            limited: Count::default(),
            connections: Count::default(),
            disconnections: Count::default(),
            turned_away: Count::default(),
            responses: Default::default(),
            // From a millisecond to four seconds, which no query reaches.
            seconds: Family::new_with_constructor(|| {
                Histogram::new(exponential_buckets(0.001, 2.0, 13))
            }),
            stats: Mutex::default(),
        }
    }
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
    /// Counts a response.
    pub(crate) fn responded(&self, status: StatusCode) {
        let place = STATUSES.iter().position(|known| *known == status.as_u16());
        self.responses[place.unwrap_or(STATUSES.len())].add();
    }

    /// How often each status was sent; "other" comes last.
    pub(crate) fn responses(&self) -> impl Iterator<Item = (String, u64)> {
        let names = STATUSES.iter().map(u16::to_string).chain(["other".to_owned()]);
        names.zip(self.responses.iter().map(Count::get))
    }

    /// Counts a query.
    pub(crate) fn queried(&self, stat: &str, took: Duration, problem: Option<&Problem>) {
        let label = OfStat { stat: stat.to_owned() };
        self.seconds.get_or_create(&label).observe(took.as_secs_f64());
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

    /// Takes note whether a statistic fits the edition that is shown from now on.
    pub(crate) fn fitted(&self, stat: &str, problem: Option<&Problem>) {
        let mut stats = self.stats.lock().unwrap_or_else(PoisonError::into_inner);
        stats.entry(stat.to_owned()).or_default().problem = problem.cloned();
    }

    /// By statistic.
    pub(crate) fn stats(&self) -> BTreeMap<String, StatMetrics> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
