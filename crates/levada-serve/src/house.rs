//! Who is connected: a bounded number of visitors. When the house is full, whoever has been silent
//! for longest makes room, so that idle connections, however many, lock nobody out.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use crate::site::Site;

/// The connections that are open.
pub(crate) struct House {
    site: Arc<Site>,
    opened_at: Instant,
    guests: Mutex<Guests>,
    is_closing: AtomicBool,
    emptied: Notify,
}

#[derive(Default)]
struct Guests {
    next: u64,
    by_number: BTreeMap<u64, Arc<Guest>>,
}

/// One connection.
struct Guest {
    /// Milliseconds since the house was opened; [`BUSY`] while a request is answered.
    silent_since: AtomicU64,
    has_asked: AtomicBool,
    leave: Notify,
}

const BUSY: u64 = u64::MAX;

/// A place in the house, until this is dropped.
pub(crate) struct Stay {
    house: Arc<House>,
    guest: Arc<Guest>,
    number: u64,
}

/// What a visitor is told before the connection ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Farewell {
    /// Nothing is owed: the connection may be cut.
    Now,
    /// A request may be on its way: it is answered.
    AfterTheAnswer,
}

impl House {
    pub(crate) fn new(site: Arc<Site>) -> Arc<Self> {
        Arc::new(Self {
            site,
            opened_at: Instant::now(),
            guests: Mutex::default(),
            is_closing: AtomicBool::new(false),
            emptied: Notify::new(),
        })
    }

    /// A place; `None` when all are taken by visitors who are being answered.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<Stay> {
        let metrics = &self.site.metrics;
        let mut guests = self.guests();
        if guests.by_number.len() >= self.site.config.visitors.max(1) && !guests.dismiss() {
            metrics.turned_away.add();
            return None;
        }
        let guest = Arc::new(Guest {
            silent_since: AtomicU64::new(self.now()),
            has_asked: AtomicBool::new(false),
            leave: Notify::new(),
        });
        let number = guests.next;
        guests.next += 1;
        guests.by_number.insert(number, Arc::clone(&guest));
        metrics.connections.add();
        Some(Stay { house: Arc::clone(self), guest, number })
    }

    /// Makes room: whoever has been silent for longest leaves.
    pub(crate) fn dismiss(&self) {
        self.guests().dismiss();
    }

    /// Asks all to leave, and waits until they have.
    pub(crate) async fn close(&self) {
        self.is_closing.store(true, Ordering::Release);
        for guest in self.guests().by_number.values() {
            guest.leave.notify_one();
        }
        loop {
            let emptied = self.emptied.notified();
            if self.guests().by_number.is_empty() {
                return;
            }
            emptied.await;
        }
    }

    fn guests(&self) -> MutexGuard<'_, Guests> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.opened_at.elapsed().as_millis()).unwrap_or(BUSY - 1)
    }
}

impl Guests {
    fn dismiss(&mut self) -> bool {
        let silent = self.by_number.iter().filter_map(|(number, guest)| {
            let since = guest.silent_since.load(Ordering::Relaxed);
            (since != BUSY).then_some((since, *number))
        });
        let Some((_, number)) = silent.min() else { return false };
        if let Some(guest) = self.by_number.remove(&number) {
            guest.leave.notify_one();
        }
        true
    }
}

impl Stay {
    /// Ready when the visitor has to leave.
    pub(crate) async fn dismissed(&self) -> Farewell {
        self.guest.leave.notified().await;
        let is_owed = self.house.is_closing.load(Ordering::Acquire)
            && self.guest.has_asked.load(Ordering::Relaxed);
        if is_owed { Farewell::AfterTheAnswer } else { Farewell::Now }
    }

    /// Nobody is sent away while being answered.
    pub(crate) fn answering(&self) -> Answering<'_> {
        self.guest.has_asked.store(true, Ordering::Relaxed);
        self.guest.silent_since.store(BUSY, Ordering::Relaxed);
        Answering(self)
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        self.house.site.metrics.disconnections.add();
        let mut guests = self.house.guests();
        guests.by_number.remove(&self.number);
        if guests.by_number.is_empty() {
            self.house.emptied.notify_waiters();
        }
    }
}

/// While this lives, a request is being answered.
pub(crate) struct Answering<'a>(&'a Stay);

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        self.0.guest.silent_since.store(self.0.house.now(), Ordering::Relaxed);
    }
}
