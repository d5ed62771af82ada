//! The same questions without levada: each visitor runs the query on all events, through a pool of
//! five connections that nobody waits for longer than ten seconds.
//!
//! Responsible for: doing what the service did on its bad day. Must not: be slower than need be.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use pg::{Endpoint, Purpose, Session, ToSql};
use testkit::Database;
use tokio::sync::Semaphore;

use crate::peak::Question;

pub(crate) const CONNECTIONS: usize = 5;
const ACQUIRE: Duration = Duration::from_secs(10);

/// The pool.
#[derive(Clone)]
pub(crate) struct Raw {
    turns: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Session>>>,
}

impl Raw {
    pub(crate) async fn open(database: &Database) -> Result<Self> {
        let endpoint = Endpoint::parse(database.url())?;
        let purpose = Purpose::Serving { statement_timeout_ms: 60_000 };
        let mut idle = Vec::new();
        for _ in 0..CONNECTIONS {
            let session = Session::open(&endpoint, purpose).await?;
            session.batch("set search_path = public; set idle_session_timeout = 0").await?;
            idle.push(session);
        }
        let turns = Arc::new(Semaphore::new(CONNECTIONS));
        Ok(Self { turns, idle: Arc::new(Mutex::new(idle)) })
    }

    /// Answers one visitor.
    pub(crate) async fn answer(&self, question: &Question) -> Result<()> {
        let _turn = tokio::time::timeout(ACQUIRE, self.turns.acquire()).await??;
        let taken = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let session = taken.context("a turn without a session")?;
        let (sql, parameter) = question.raw();
        let parameters: Vec<&(dyn ToSql + Sync)> =
            parameter.iter().map(|text| text as &(dyn ToSql + Sync)).collect();
        let answered = session.rows(sql, &parameters).await;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        answered?;
        Ok(())
    }
}
