//! Who may cause a query: a bounded rate per client, a bounded number at a time, a bounded queue,
//! and nobody while the database is known to be away. What is known already passes no gate.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hyper::header::HeaderMap;
use report::Problem;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Serve;
use crate::refusal::Refusal;

/// The gates in front of the database.
pub(crate) struct Gate {
    rate: Rate,
    turns: Arc<Semaphore>,
    queue: Semaphore,
    wait: Duration,
    deadline: Duration,
    is_shut: AtomicBool,
}

/// The client of a request: its peer, or whom the farthest of so many trusted proxies names. What
/// stands further left in X-Forwarded-For anybody can write there.
pub(crate) fn visitor(peer: IpAddr, headers: &HeaderMap, trusted_proxies: u32) -> IpAddr {
    client(forwarded(headers, trusted_proxies).unwrap_or(peer))
}

fn forwarded(headers: &HeaderMap, trusted_proxies: u32) -> Option<IpAddr> {
    let place = usize::try_from(trusted_proxies).ok()?.checked_sub(1)?;
    let lines = headers.get_all("x-forwarded-for").iter().rev();
    let names = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    let name = names.take(place + 1).nth(place)?;
    address(std::str::from_utf8(name).ok()?.trim())
}

/// With a port or without.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let socket = || text.parse().ok().map(|socket: SocketAddr| socket.ip());
    bare.parse().ok().or_else(socket)
}

/// A client as the rate limit sees it: an IPv6 network of 64 bits is one.
pub(crate) fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => {
            let [a, b, c, d, ..] = six.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        four => four,
    }
}

impl Gate {
    /// # Errors
    /// A [`Problem`] that names the setting with which no query could end well.
    pub(crate) fn new(config: &Serve) -> Result<Self, Problem> {
        refuse_senseless(config)?;
        Ok(Self {
            rate: Rate::new(config.queries_per_second, config.burst),
            turns: Arc::new(Semaphore::new(config.connections)),
            queue: Semaphore::new(config.queue),
            wait: Duration::from_millis(config.wait_ms.into()),
            deadline: Duration::from_millis(config.deadline_ms.into()),
            is_shut: AtomicBool::new(false),
        })
    }

    /// Whether queries are let through at all: the watch knows whether the database answers.
    pub(crate) fn shut(&self, is_shut: bool) {
        self.is_shut.store(is_shut, Ordering::Relaxed);
    }

    /// Counts a query against its client; `None` stands for levada itself.
    pub(crate) fn admit(&self, client: Option<IpAddr>) -> Result<(), Refusal> {
        if self.is_shut.load(Ordering::Relaxed) {
            return Err(Refusal::Unavailable);
        }
        match client {
            Some(client) if !self.rate.admits(client) => Err(Refusal::TooManyQueries),
            _ => Ok(()),
        }
    }

    /// How long a query may wait for its turn, and then for a session. Both together are what
    /// visitors wait at most before they are told to come again; levada itself has time.
    pub(crate) fn patience(&self, client: Option<IpAddr>) -> Duration {
        if client.is_some() { self.wait / 2 } else { self.deadline }
    }

    /// Waits for a turn: visitors not long, and not in a long queue.
    pub(crate) async fn turn(
        &self,
        client: Option<IpAddr>,
    ) -> Result<OwnedSemaphorePermit, Refusal> {
        let turns = Arc::clone(&self.turns);
        if let Ok(turn) = Arc::clone(&turns).try_acquire_owned() {
            return Ok(turn);
        }
        let _place = match client {
            Some(_) => Some(self.queue.try_acquire().map_err(|_| Refusal::Overloaded)?),
            None => None,
        };
        let turn = tokio::time::timeout(self.patience(client), turns.acquire_owned()).await;
        turn.ok().and_then(Result::ok).ok_or(Refusal::Overloaded)
    }
}

/// # Errors
/// A [`Problem`] that names the setting with which no query could end well.
pub(crate) fn refuse_senseless(config: &Serve) -> Result<(), Problem> {
    if config.connections == 0 || config.wait_ms == 0 {
        return Err(Problem::new("[serve] connections and wait_ms must be 1 at least")
            .hint("leave them out for 4 connections and 200 ms"));
    }
    if config.statement_timeout_ms == 0 || config.statement_timeout_ms > config.deadline_ms {
        return Err(Problem::new("[serve] statement_timeout_ms is longer than deadline_ms")
            .detail("queries would go on when nobody waits for them any more")
            .hint("give at most deadline_ms, and not 0"));
    }
    Ok(())
}

/// How many clients are told apart. Two that fall into one cell share their rate; nobody can
/// choose whose cell to fall into, and no number of clients takes more memory.
const CELLS: usize = 1 << 16;

/// The rate of each client, by the generic cell rate algorithm.
struct Rate {
    began: Instant,
    /// Between two queries, in microseconds.
    interval: u64,
    /// How far a client may be ahead of its rate, in microseconds.
    ahead_max: u64,
    hasher: RandomState,
    /// When the client will be back at its rate, in microseconds.
    due: Box<[AtomicU64]>,
}

impl Rate {
    fn new(per_second: u32, burst: u32) -> Self {
        let interval = 1_000_000 / u64::from(per_second.max(1));
        Self {
            began: Instant::now(),
            interval,
            ahead_max: interval * u64::from(burst.max(1) - 1),
            hasher: RandomState::new(),
            due: (0..CELLS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    fn admits(&self, client: IpAddr) -> bool {
        let now = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.admits_at(client, now)
    }

    fn admits_at(&self, client: IpAddr, now: u64) -> bool {
        let cell = self.hasher.hash_one(client) % CELLS as u64;
        let Some(due) = self.due.get(cell as usize) else { return false };
        let next = |due: u64| {
            let due = due.max(now);
            (due - now <= self.ahead_max).then_some(due + self.interval)
        };
        due.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn seen(lines: &[&str], trusted_proxies: u32) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        visitor(PEER, &headers, trusted_proxies).to_string()
    }

    #[test]
    fn nobody_is_believed_who_is_not_trusted() {
        assert_eq!(seen(&["203.0.113.7"], 0), "192.0.2.1");
        assert_eq!(seen(&["203.0.113.7"], 1), "203.0.113.7");
        assert_eq!(seen(&["198.51.100.9, 203.0.113.7"], 1), "203.0.113.7");
        assert_eq!(seen(&["198.51.100.9, 203.0.113.7, 192.0.2.9"], 2), "203.0.113.7");
        assert_eq!(seen(&["198.51.100.9", "203.0.113.7 ,192.0.2.9"], 2), "203.0.113.7");
        assert_eq!(seen(&["198.51.100.9, 203.0.113.7", "192.0.2.9"], 3), "198.51.100.9");
    }

    #[test]
    fn what_cannot_be_read_leaves_the_peer() {
        for lines in [&[][..], &["garbage"], &["203.0.113.7, "], &["203.0.113.7,x"], &["\u{80}"]] {
            assert_eq!(seen(lines, 1), "192.0.2.1", "{lines:?}");
        }
        assert_eq!(seen(&["203.0.113.7"], 2), "192.0.2.1");
        assert_eq!(seen(&["203.0.113.7"], u32::MAX), "192.0.2.1");
    }

    #[test]
    fn addresses_have_ports_or_not_and_networks_are_one() {
        assert_eq!(seen(&["203.0.113.7:4711"], 1), "203.0.113.7");
        assert_eq!(seen(&["2001:db8:1:2:3:4:5:6"], 1), "2001:db8:1:2::");
        assert_eq!(seen(&["[2001:db8:1:2:ffff::1]:443"], 1), "2001:db8:1:2::");
        assert_eq!(seen(&["[2001:db8:1:2::7]"], 1), "2001:db8:1:2::");
        assert_eq!(seen(&["::ffff:203.0.113.7"], 1), "203.0.113.7");
    }

    #[test]
    fn a_client_has_its_burst_and_then_its_rate() {
        let rate = Rate::new(10, 3);
        let admitted = |now| (0..9).filter(|_| rate.admits_at(PEER, now)).count();
        assert_eq!(admitted(0), 3);
        assert_eq!(admitted(99_999), 0);
        assert_eq!(admitted(100_000), 1);
        assert_eq!(admitted(350_000), 2);
        assert_eq!(admitted(60_000_000), 3);
    }

    #[test]
    fn any_number_of_clients_takes_the_same_memory() {
        let rate = Rate::new(1, 1);
        let clients = (0..1000_u32).map(|n| IpAddr::V4((0x0a00_0000 + n).into()));
        let refused = clients.filter(|client| !rate.admits_at(*client, 0)).count();
        assert!(refused < 100, "{refused} of 1000 share their cell");
        assert_eq!(rate.due.len(), CELLS);
    }

    fn gate(connections: usize, queue: usize) -> Gate {
        let config = Serve { connections, queue, wait_ms: 20, ..Serve::default() };
        Gate::new(&config).unwrap()
    }

    #[tokio::test]
    async fn turns_and_the_queue_are_bounded_but_levada_waits() {
        let gate = Arc::new(gate(1, 0));
        let turn = gate.turn(Some(PEER)).await.unwrap();
        assert_eq!(gate.turn(Some(PEER)).await.unwrap_err(), Refusal::Overloaded);
        let patient = tokio::spawn({
            let gate = Arc::clone(&gate);
            async move { gate.turn(None).await.is_ok() }
        });
        tokio::task::yield_now().await;
        drop(turn);
        assert!(patient.await.unwrap());
    }

    #[tokio::test]
    async fn nobody_waits_longer_than_half_of_what_is_allowed() {
        let gate = gate(1, 8);
        let _turn = gate.turn(Some(PEER)).await.unwrap();
        assert_eq!(gate.turn(Some(PEER)).await.unwrap_err(), Refusal::Overloaded);
        assert_eq!(gate.queue.available_permits(), 8);
    }

    #[test]
    fn settings_with_which_nothing_ends_well_are_refused() {
        let refused = [
            Serve { connections: 0, ..Serve::default() },
            Serve { statement_timeout_ms: 0, ..Serve::default() },
            Serve { statement_timeout_ms: 2001, ..Serve::default() },
        ];
        for config in refused {
            assert!(Gate::new(&config).is_err(), "{config:?}");
        }
    }

    #[test]
    fn a_shut_gate_counts_nothing() {
        let gate = gate(1, 8);
        gate.shut(true);
        assert_eq!(gate.admit(Some(PEER)), Err(Refusal::Unavailable));
        assert_eq!(gate.admit(None), Err(Refusal::Unavailable));
        gate.shut(false);
        assert_eq!(gate.admit(Some(PEER)), Ok(()));
    }
}
