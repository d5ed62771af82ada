//! One moment of the source, held open for all readers.
//!
//! Two keepers hold the snapshot, the second having imported and re-exported it, so that the loss
//! of one backend loses nothing. A heartbeat keeps proxies that cut idle connections from cutting
//! them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::identity::Position;
use crate::{Endpoint, Error, Purpose, Result, Session, quote_literal};

const KEEPERS: usize = 2;

/// The moment that was taken.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub position: Position,
    /// RFC 3339, UTC: nothing committed before this moment is missing. Of a standby it is the last
    /// moment that what was replayed proves, by the clock of the primary.
    pub as_of: String,
    /// Write-ahead log position just before the snapshot was taken: all up to here is seen.
    pub seen_lsn: String,
}

/// The sessions that keep a [`Snapshot`] alive until they are dropped.
pub struct Keepers {
    snapshot: Snapshot,
    held: Arc<Mutex<Vec<Keeper>>>,
    heartbeat: JoinHandle<()>,
}

#[derive(Clone)]
struct Keeper {
    session: Arc<Session>,
    export: String,
}

impl Keepers {
    /// Takes a snapshot now and keeps it, with a sign of life every `heartbeat`.
    pub async fn take(endpoint: &Endpoint, heartbeat: Duration) -> Result<Self> {
        let (first, snapshot) = Keeper::open(endpoint, None).await?;
        let (second, _) = Keeper::open(endpoint, Some(&first.export)).await?;
        let held = Arc::new(Mutex::new(vec![first, second]));
        let beating = beat(endpoint.clone(), Arc::clone(&held), heartbeat);
        Ok(Self { snapshot, held, heartbeat: tokio::spawn(beating) })
    }

    /// The moment that is kept.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The statements that begin a read-only transaction on this snapshot; `None` once it is lost.
    pub fn begin(&self) -> Option<String> {
        let export = alive(&self.held).first().map(|keeper| keeper.export.clone())?;
        Some(begin_on(&export))
    }

    /// The name under which another session may import the snapshot; `None` once it is lost.
    pub fn export(&self) -> Option<String> {
        alive(&self.held).first().map(|keeper| keeper.export.clone())
    }

    /// Lets the snapshot go; nobody can import it any more.
    pub fn release(&self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// A new session inside this snapshot.
    pub async fn session(&self, endpoint: &Endpoint) -> Result<Session> {
        let begin = self.begin().ok_or_else(lost_snapshot)?;
        let session = Session::open(endpoint, Purpose::Source).await?;
        session.batch(&begin).await?;
        Ok(session)
    }
}

/// Waits until the write-ahead log is on the disk up to `lsn`, as long as `patience`; tells
/// whether it is.
///
/// Until then a crash could take away transactions that the snapshot saw, and give their ids to
/// others. A standby is sent nothing else.
pub async fn is_flushed(session: &Session, lsn: &str, patience: Duration) -> Result<bool> {
    let sql = include_str!("sql/is_flushed.sql");
    let until = tokio::time::Instant::now() + patience;
    loop {
        if session.one(sql, &[&lsn]).await?.get(0) {
            return Ok(true);
        }
        if tokio::time::Instant::now() >= until {
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

impl Drop for Keepers {
    fn drop(&mut self) {
        self.heartbeat.abort();
    }
}

fn lost_snapshot() -> Error {
    Error::Lost("the snapshot of the source is gone".to_owned())
}

fn begin_on(export: &str) -> String {
    let export = quote_literal(export);
    format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT {export}")
}

impl Keeper {
    async fn open(endpoint: &Endpoint, import: Option<&str>) -> Result<(Self, Snapshot)> {
        let session = Session::open(endpoint, Purpose::Keeper).await?;
        // Asked before the snapshot is taken, or a standby could replay more in between.
        let seen = session.one(include_str!("sql/seen.sql"), &[]).await?;
        let begin = match import {
            Some(export) => begin_on(export),
            None => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".to_owned(),
        };
        session.batch(&begin).await?;
        let row = session.one(include_str!("sql/position.sql"), &[]).await?;
        let position = Position::new(row.get("snapshot"), row.get("lsn"))?;
        let snapshot = Snapshot { position, as_of: seen.get("as_of"), seen_lsn: seen.get("lsn") };
        Ok((Self { session: Arc::new(session), export: row.get("name") }, snapshot))
    }
}

fn alive(held: &Mutex<Vec<Keeper>>) -> Vec<Keeper> {
    let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
    held.retain(|keeper| !keeper.session.is_closed());
    held.clone()
}

/// Shows signs of life, and replaces a lost keeper while another still lives.
async fn beat(endpoint: Endpoint, held: Arc<Mutex<Vec<Keeper>>>, heartbeat: Duration) {
    loop {
        tokio::time::sleep(heartbeat).await;
        for keeper in alive(&held) {
            // A failure closes the session, which `alive` notices.
            let _ = keeper.session.batch("SELECT 1").await;
        }
        let living = alive(&held);
        let Some(first) = living.first() else { return };
        if living.len() < KEEPERS
            && let Ok((keeper, _)) = Keeper::open(&endpoint, Some(&first.export)).await
        {
            held.lock().unwrap_or_else(PoisonError::into_inner).push(keeper);
        }
    }
}
