//! What is shown at present: one edition with how far everything in it is complete, the responses
//! that are ready, and the edition before it. When it was last confirmed decides whether it may be
//! called fresh.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption};
use jiff::{SignedDuration, Timestamp};

use crate::answer::Freshness;
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
}

impl Shown {
    pub(crate) fn new(
        standing: Standing,
        catalogue: &Catalogue,
        previous: Option<&Arc<Shown>>,
    ) -> Self {
        let timelines = catalogue.stats.iter();
        let timelines = timelines.map(|(name, stat)| (name.clone(), timeline_of(stat, &standing)));
        let timelines = timelines.collect();
        // The same edition may be put again, when a statistic fits after all.
        let previous = match previous {
            Some(known) if known.standing.version == standing.version => known.previous.as_ref(),
            previous => previous,
        };
        let previous = previous.map(|previous| {
            Arc::new(Shown {
                standing: Arc::clone(&previous.standing),
                timelines: previous.timelines.clone(),
                ready: ArcSwap::default(),
                previous: None,
            })
        });
        Self { standing: Arc::new(standing), timelines, ready: ArcSwap::default(), previous }
    }
}

/// The place where readers find what is shown, and the watch puts it.
pub(crate) struct Desk {
    shown: ArcSwapOption<Shown>,
    /// Microseconds of the last confirmation that this is the published edition.
    confirmed_at: AtomicI64,
    /// Without a confirmation for so long it is stale, and later not shown at all.
    fresh_for: SignedDuration,
    stale_for: SignedDuration,
}

impl Desk {
    pub(crate) fn new(fresh_for: SignedDuration, stale_for: SignedDuration) -> Self {
        Self {
            shown: ArcSwapOption::empty(),
            confirmed_at: AtomicI64::new(i64::MIN),
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
        self.confirmed_at.fetch_max(now.as_microsecond(), Ordering::Release);
    }

    /// When that was.
    pub(crate) fn confirmed_at(&self) -> Option<Timestamp> {
        let moment = self.confirmed_at.load(Ordering::Acquire);
        (moment != i64::MIN).then(|| Timestamp::from_microsecond(moment).ok()).flatten()
    }

    /// Whether what is shown is confirmed to be current.
    pub(crate) fn is_fresh(&self, now: Timestamp) -> bool {
        let moment = self.confirmed_at.load(Ordering::Acquire);
        now.as_microsecond().saturating_sub(moment) <= as_microseconds(self.fresh_for)
    }

    /// How to call what is shown, or why it may not be shown any longer.
    pub(crate) fn freshness(&self, now: Timestamp) -> Result<Freshness, Refusal> {
        if self.is_fresh(now) {
            return Ok(Freshness::Fresh);
        }
        self.staleness(now)
    }

    /// How to call what is known not to be confirmed.
    pub(crate) fn staleness(&self, now: Timestamp) -> Result<Freshness, Refusal> {
        let confirmed_at = self.confirmed_at().ok_or(Refusal::Unavailable)?;
        match now.duration_since(confirmed_at) <= self.stale_for {
            true => Ok(Freshness::Stale { confirmed_at }),
            false => Err(Refusal::Unavailable),
        }
    }
}

fn as_microseconds(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
