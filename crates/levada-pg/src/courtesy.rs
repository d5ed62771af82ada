//! Gives way on the source: when somebody's DDL waits for a lock of ours, the statement that holds
//! it is cancelled within a second, and tried again when the other is done.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::{Endpoint, Name, Purpose, Result, Session};

/// How often we look. Two looks and a cancel stay below the two seconds that we promise.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How long we let the other finish before we try again all the same.
const YIELD_AT_MOST: Duration = Duration::from_secs(60);

/// Knows which backends of the source hold locks for us.
pub struct Watch {
    endpoint: Endpoint,
    /// `application_name` of our pg_dump.
    token: String,
    held: Mutex<BTreeSet<i32>>,
    asked_to_yield: Mutex<BTreeSet<i32>>,
    /// Nothing is read any more, so nothing is held.
    is_over: AtomicBool,
}

impl Watch {
    /// Watches the sessions of `endpoint` that are told, and a pg_dump of this `application_name`.
    pub fn new(endpoint: &Endpoint, token: &str) -> Self {
        Self {
            endpoint: endpoint.clone(),
            token: token.to_owned(),
            held: Mutex::default(),
            asked_to_yield: Mutex::default(),
            is_over: AtomicBool::new(false),
        }
    }

    /// This backend holds locks for us from now on.
    pub fn holds(&self, pid: i32) {
        // What was asked of this backend before concerned other work.
        self.was_asked_to_yield(pid);
        self.held.lock().unwrap_or_else(PoisonError::into_inner).insert(pid);
    }

    /// This backend holds none any more.
    pub fn released(&self, pid: i32) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&pid);
    }

    /// Leaves the source alone from now on.
    pub fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// Whether it was we who cancelled this backend; asking takes the mark away.
    pub fn was_asked_to_yield(&self, pid: i32) -> bool {
        self.asked_to_yield.lock().unwrap_or_else(PoisonError::into_inner).remove(&pid)
    }

    /// Watches until it is dropped; a lost session is opened again.
    pub async fn run(&self) -> Infallible {
        let mut session: Option<Session> = None;
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if self.is_over.load(Ordering::Relaxed) {
                drop(session);
                return std::future::pending().await;
            }
            session = match session.take().filter(|session| !session.is_closed()) {
                Some(session) => Some(session),
                None => Session::open(&self.endpoint, Purpose::Watch).await.ok(),
            };
            if let Some(session) = &session {
                // A failed look is repeated half a second later.
                let _ = self.look(session).await;
            }
        }
    }

    async fn look(&self, session: &Session) -> Result<()> {
        let held: Vec<i32> =
            self.held.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect();
        let blocking = include_str!("sql/blocking.sql");
        for row in session.rows(blocking, &[&held, &self.token]).await? {
            let pid: i32 = row.get(0);
            let is_first =
                self.asked_to_yield.lock().unwrap_or_else(PoisonError::into_inner).insert(pid);
            // A backend that waits for us to take its rows hears no cancel, only its end.
            let end = match is_first {
                true => "SELECT pg_catalog.pg_cancel_backend($1)",
                false => "SELECT pg_catalog.pg_terminate_backend($1)",
            };
            session.rows(end, &[&pid]).await?;
        }
        Ok(())
    }

    /// Waits until nobody queues for an exclusive lock on `table` any more, or long enough.
    pub async fn wait_until_free(&self, table: &Name) -> Result<()> {
        let session = Session::open(&self.endpoint, Purpose::Watch).await?;
        let waiting = include_str!("sql/queue.sql");
        let patience = tokio::time::Instant::now() + YIELD_AT_MOST;
        while tokio::time::Instant::now() < patience {
            let busy = session.one(waiting, &[&table.schema, &table.name]).await?;
            if !busy.get::<_, bool>(0) {
                break;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }
}
