//! The sessions that answer visitors: few, read-only, and thrown away when in doubt.

use std::time::Duration;

use deadpool::managed::{self, Metrics, Object, RecycleError, RecycleResult, Timeouts};
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
        if session.is_closed() {
            return Err(RecycleError::message("closed"));
        }
        // A connection may be dead without having been closed: only an answer shows life.
        Ok(session.batch("").await?)
    }
}

/// A bounded number of sessions, with a bounded wait for one.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    sessions: managed::Pool<Sessions>,
}

/// A session for one transaction. It goes back only when told that all is well.
pub(crate) struct Lease(Option<Object<Sessions>>);

/// How long a session may take to open, and how long the request to cancel a query.
const OPENING: Duration = Duration::from_secs(2);
/// A session that has been idle answers within this, or is not used again.
const AWAKENING: Duration = Duration::from_millis(100);

impl Pool {
    /// Opens nothing yet.
    pub(crate) fn new(
        endpoint: Endpoint,
        connections: usize,
        statement_timeout_ms: u32,
    ) -> anyhow::Result<Self> {
        let purpose = Purpose::Serving { statement_timeout_ms };
        let timeouts =
            Timeouts { wait: Some(OPENING), create: Some(OPENING), recycle: Some(AWAKENING) };
        let sessions = managed::Pool::builder(Sessions { endpoint, purpose })
            .max_size(connections)
            .timeouts(timeouts)
            .runtime(deadpool::Runtime::Tokio1)
            .build()?;
        Ok(Self { sessions })
    }

    /// A session that has just shown to be alive, or the reason why there is none in time.
    pub(crate) async fn lease(&self, limit: Duration) -> Result<Lease, Refusal> {
        let sessions = self.sessions.clone();
        // Where opening takes longer than visitors wait, the session is there for the next ones.
        let getting = tokio::spawn(async move { sessions.get().await });
        match tokio::time::timeout(limit, getting).await {
            Ok(Ok(Ok(session))) => Ok(Lease(Some(session))),
            _ => Err(Refusal::Unavailable),
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
                    let _ = tokio::time::timeout(OPENING, canceller.cancel()).await;
                });
            }
        }
    }
}
