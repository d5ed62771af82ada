//! The sessions that answer visitors: few, read-only, and thrown away when in doubt.

use std::time::Duration;

use deadpool::managed::{self, Metrics, Object, PoolError, RecycleError, RecycleResult, Timeouts};
use pg::{Endpoint, Purpose, Session};

use crate::refusal::Refusal;

/// Makes sessions, and judges those that come back.
#[derive(Debug)]
pub(crate) struct Sessions {
    endpoint: Endpoint,
    purpose: Purpose,
}

impl managed::Manager for Sessions {
    type Type = Session;
    type Error = pg::Error;

    async fn create(&self) -> pg::Result<Session> {
        Session::open(&self.endpoint, self.purpose).await
    }

    async fn recycle(&self, session: &mut Session, _: &Metrics) -> RecycleResult<pg::Error> {
        match session.is_closed() {
            true => Err(RecycleError::message("closed")),
            false => Ok(()),
        }
    }
}

/// A bounded number of sessions, with a bounded wait for one.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    sessions: managed::Pool<Sessions>,
}

/// A session for one transaction. It goes back only when told that all is well.
pub(crate) struct Lease(Option<Object<Sessions>>);

impl Pool {
    /// Opens nothing yet.
    pub(crate) fn new(
        endpoint: Endpoint,
        connections: usize,
        wait: Duration,
        statement_timeout_ms: u32,
    ) -> anyhow::Result<Self> {
        let purpose = Purpose::Serving { statement_timeout_ms };
        let timeouts = Timeouts {
            wait: Some(wait),
            create: Some(Duration::from_secs(2)),
            recycle: Some(wait),
        };
        let sessions = managed::Pool::builder(Sessions { endpoint, purpose })
            .max_size(connections)
            .timeouts(timeouts)
            .runtime(deadpool::Runtime::Tokio1)
            .build()?;
        Ok(Self { sessions })
    }

    /// A session, or the reason why there is none in time.
    pub(crate) async fn lease(&self) -> Result<Lease, Refusal> {
        match self.sessions.get().await {
            Ok(session) => Ok(Lease(Some(session))),
            Err(PoolError::Timeout(managed::TimeoutType::Wait)) => Err(Refusal::Overloaded),
            Err(_) => Err(Refusal::Unavailable),
        }
    }

    /// How many sessions are open, and how many of them are idle.
    pub(crate) fn status(&self) -> (usize, usize) {
        let status = self.sessions.status();
        (status.size, status.available)
    }
}

impl Lease {
    /// The session.
    pub(crate) fn session(&self) -> Option<&Session> {
        self.0.as_deref()
    }

    /// Gives it back for others to use.
    pub(crate) fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(session) = self.0.take() {
            // The server is asked to stop, and nobody gets this session again.
            let session = Object::take(session);
            let canceller = session.canceller();
            drop(session);
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                runtime.spawn(async move {
                    let _ = tokio::time::timeout(Duration::from_secs(2), canceller.cancel()).await;
                });
            }
        }
    }
}
