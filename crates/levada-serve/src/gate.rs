//! Who may cause a query: a bounded rate per client, a bounded number at a time, a bounded queue.
//! What is known already passes no gate.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Serve;
use crate::refusal::Refusal;

/// The gates in front of the database.
pub(crate) struct Gate {
    rate: DefaultKeyedRateLimiter<IpAddr>,
    turns: std::sync::Arc<Semaphore>,
    waiting: AtomicUsize,
    queue: usize,
    wait: Duration,
}

/// A client as the rate limit sees it: an IPv6 network of 64 bits is one.
pub(crate) fn client(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(six) => match six.to_ipv4_mapped() {
            Some(four) => four.into(),
            None => {
                let segments = six.segments();
                let [a, b, c, d, ..] = segments;
                std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
            }
        },
        four => four,
    }
}

impl Gate {
    pub(crate) fn new(config: &Serve) -> Self {
        let some = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let quota =
            Quota::per_second(some(config.queries_per_second)).allow_burst(some(config.burst));
        Self {
            rate: RateLimiter::keyed(quota),
            turns: std::sync::Arc::new(Semaphore::new(config.connections)),
            waiting: AtomicUsize::new(0),
            queue: config.queue,
            wait: Duration::from_millis(config.wait_ms.into()),
        }
    }

    /// Counts a query against its client; `None` stands for levada itself.
    pub(crate) fn admit(&self, client: Option<IpAddr>) -> Result<(), Refusal> {
        match client {
            Some(client) => self.rate.check_key(&client).map_err(|_| Refusal::TooManyQueries),
            None => Ok(()),
        }
    }

    /// Waits for a turn, not long, and not in a long queue.
    pub(crate) async fn turn(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        let turns = std::sync::Arc::clone(&self.turns);
        if let Ok(turn) = std::sync::Arc::clone(&turns).try_acquire_owned() {
            return Ok(turn);
        }
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.queue {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(Refusal::Overloaded);
        }
        let turn = tokio::time::timeout(self.wait, turns.acquire_owned()).await;
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        match turn {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(Refusal::Overloaded),
        }
    }

    /// Forgets clients that ask no more.
    pub(crate) fn sweep(&self) {
        self.rate.retain_recent();
    }
}
