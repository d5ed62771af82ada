//! What is shown at present: one edition with how far everything in it is complete, the responses
//! that are ready, and the edition before it. When it was last confirmed decides whether it may be
//! called fresh.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, ArcSwapOption};
use jiff::{SignedDuration, Timestamp};

use crate::answer::{Answer, Freshness};
use crate::catalogue::{Catalogue, Timeline, timeline_of};
use crate::http::Ready;
use crate::refusal::Refusal;
use crate::standing::Standing;

/// An edition with everything that is decided for it.
pub(crate) struct Shown {
    pub(crate) standing: Arc<Standing>,
    /// By statistic.
    pub(crate) timelines: BTreeMap<String, Timeline>,
    /// Responses that need no work; empty until they are made.
    pub(crate) ready: ArcSwap<Ready>,
    /// The edition before, without its own: for when this one cannot be read.
    pub(crate) previous: Option<Arc<Shown>>,
    /// Of an edition before: when it was last known to be the current one.
    pub(crate) confirmed_at: Option<Timestamp>,
    /// Answers that no others displace, by key.
    usual: Mutex<BTreeMap<String, Arc<Answer>>>,
}

impl Shown {
    pub(crate) fn new(
        standing: Standing,
        catalogue: &Catalogue,
        previous: Option<&Arc<Shown>>,
        confirmed_at: Option<Timestamp>,
    ) -> Self {
        let timelines = catalogue.stats.iter();
        let timelines = timelines.map(|(name, stat)| (name.clone(), timeline_of(stat, &standing)));
        let timelines = timelines.collect();
        // The same edition may be put again, when a statistic fits after all.
        let (previous, usual) = match previous {
            Some(known) if known.standing.version == standing.version => {
                (known.previous.as_ref(), known.usual().clone())
            }
            previous => (previous, BTreeMap::new()),
        };
        let previous = previous.map(|previous| {
            Arc::new(Shown {
                standing: Arc::clone(&previous.standing),
                timelines: previous.timelines.clone(),
                ready: ArcSwap::default(),
                previous: None,
                confirmed_at: previous.confirmed_at.or(confirmed_at),
                usual: Mutex::new(previous.usual().clone()),
            })
        });
        Self {
            standing: Arc::new(standing),
            timelines,
            ready: ArcSwap::default(),
            previous,
            confirmed_at: None,
            usual: Mutex::new(usual),
        }
    }

    /// Keeps an answer for as long as the edition is.
    pub(crate) fn keep(&self, key: String, answer: Arc<Answer>) {
        self.usual().insert(key, answer);
    }

    /// An answer that was kept.
    pub(crate) fn kept(&self, key: &str) -> Option<Arc<Answer>> {
        self.usual().get(key).cloned()
    }

    fn usual(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<Answer>>> {
        self.usual.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place where readers find what is shown, and the watch puts it.
pub(crate) struct Desk {
    shown: ArcSwapOption<Shown>,
    /// Microseconds of the last confirmation that this is the published edition.
    confirmed_at: AtomicI64,
    /// Another edition is published, and cannot be shown yet.
    is_superseded: AtomicBool,
    /// Whether the usual responses of some edition were ever made.
    is_prepared: AtomicBool,
    /// Without a confirmation for so long it is stale, and later not shown at all.
    fresh_for: SignedDuration,
    stale_for: SignedDuration,
}

impl Desk {
    pub(crate) fn new(fresh_for: SignedDuration, stale_for: SignedDuration) -> Self {
        Self {
            shown: ArcSwapOption::empty(),
            confirmed_at: AtomicI64::new(i64::MIN),
            is_superseded: AtomicBool::new(false),
            is_prepared: AtomicBool::new(false),
            fresh_for,
            stale_for,
        }
    }

    /// What is shown; `None` before any edition is known.
    pub(crate) fn shown(&self) -> Option<Arc<Shown>> {
        self.shown.load_full()
    }

    /// Without counting a reference, for the shortest way.
    pub(crate) fn glance(&self) -> arc_swap::Guard<Option<Arc<Shown>>> {
        self.shown.load()
    }

    /// Shows another edition from now on.
    pub(crate) fn put(&self, shown: Option<Arc<Shown>>, now: Timestamp) {
        self.shown.store(shown);
        self.confirm(now);
    }

    /// The database has said at `now` that what is shown is the published edition.
    pub(crate) fn confirm(&self, now: Timestamp) {
        self.confirmed_at.store(now.as_microsecond(), Ordering::Release);
        self.is_superseded.store(false, Ordering::Release);
    }

    /// The database has said that another edition is published, which is not ready to be shown:
    /// what is shown may be shown on, but not as fresh.
    pub(crate) fn supersede(&self) {
        self.is_superseded.store(true, Ordering::Release);
    }

    /// The usual responses have been made: visitors may be sent here.
    pub(crate) fn set_prepared(&self) {
        self.is_prepared.store(true, Ordering::Release);
    }

    /// Whether they ever have.
    pub(crate) fn is_prepared(&self) -> bool {
        self.is_prepared.load(Ordering::Acquire)
    }

    /// When that was.
    pub(crate) fn confirmed_at(&self) -> Option<Timestamp> {
        let moment = self.confirmed_at.load(Ordering::Acquire);
        (moment != i64::MIN).then(|| Timestamp::from_microsecond(moment).ok()).flatten()
    }

    /// Whether what is shown is confirmed to be current.
    pub(crate) fn is_fresh(&self, now: Timestamp) -> bool {
        !self.is_superseded.load(Ordering::Acquire) && self.is_confirmed(now)
    }

    /// Whether the database has confirmed what is shown of late. A confirmation of the future is
    /// none: then the clock was put back, and nobody knows how old it is.
    pub(crate) fn is_confirmed(&self, now: Timestamp) -> bool {
        let moment = self.confirmed_at.load(Ordering::Acquire);
        now.as_microsecond().saturating_sub(moment).saturating_abs() <= self.fresh_for_us()
    }

    /// How to call what is shown, or why it may not be shown any longer.
    pub(crate) fn freshness(&self, now: Timestamp) -> Result<Freshness, Refusal> {
        if self.is_fresh(now) {
            return Ok(Freshness::Fresh);
        }
        self.staleness(self.confirmed_at(), now)
    }

    /// How to call what was last known to be current at that moment.
    pub(crate) fn staleness(
        &self,
        confirmed_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Freshness, Refusal> {
        let confirmed_at = confirmed_at.ok_or(Refusal::Unavailable)?;
        match now.duration_since(confirmed_at) <= self.stale_for {
            true => Ok(Freshness::Stale { confirmed_at }),
            false => Err(Refusal::Unavailable),
        }
    }

    fn fresh_for_us(&self) -> i64 {
        i64::try_from(self.fresh_for.as_micros()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn desk() -> Desk {
        let desk = Desk::new(SignedDuration::from_secs(15), SignedDuration::from_mins(10));
        desk.confirm(at(1000));
        desk
    }

    #[test]
    fn fresh_then_stale_then_nothing() {
        let desk = desk();
        let stale = Freshness::Stale { confirmed_at: at(1000) };
        assert_eq!(desk.freshness(at(1000)), Ok(Freshness::Fresh));
        assert_eq!(desk.freshness(at(1015)), Ok(Freshness::Fresh));
        assert_eq!(desk.freshness(at(1016)), Ok(stale));
        assert_eq!(desk.freshness(at(1600)), Ok(stale));
        assert_eq!(desk.freshness(at(1601)), Err(Refusal::Unavailable));
    }

    #[test]
    fn what_is_superseded_is_stale_until_the_next_is_shown() {
        let desk = desk();
        desk.supersede();
        assert_eq!(desk.freshness(at(1000)), Ok(Freshness::Stale { confirmed_at: at(1000) }));
        assert!(desk.is_confirmed(at(1000)) && !desk.is_fresh(at(1000)));
        desk.put(None, at(1001));
        assert!(desk.is_fresh(at(1001)));
    }

    #[test]
    fn a_clock_that_was_put_back_confirms_nothing() {
        let desk = desk();
        assert_eq!(desk.freshness(at(400)), Ok(Freshness::Stale { confirmed_at: at(1000) }));
        desk.confirm(at(400));
        assert_eq!(desk.freshness(at(400)), Ok(Freshness::Fresh));
        assert_eq!(desk.freshness(at(1000)), Ok(Freshness::Stale { confirmed_at: at(400) }));
    }

    #[test]
    fn nothing_is_fresh_before_the_first_look() {
        let desk = Desk::new(SignedDuration::from_secs(15), SignedDuration::from_mins(10));
        assert!(!desk.is_fresh(at(1000)) && !desk.is_prepared());
        assert_eq!(desk.freshness(at(1000)), Err(Refusal::Unavailable));
    }
}
