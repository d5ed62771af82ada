//! Which server and which history a session talks to, and where in that history it stands.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result, Session};

/// What tells one database from another, and a restored one from its original.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Fixed by initdb; equal on all physical copies of a cluster.
    pub system_identifier: i64,
    /// Rises with every failover or point-in-time recovery.
    pub timeline: i32,
    pub database_oid: u32,
    pub database: String,
    /// `server_version_num`: 150018 is 15.18.
    pub version: i32,
    pub encoding: String,
    pub in_recovery: bool,
    /// Differs between servers behind a load balancer.
    pub started_at: String,
    pub user: String,
}

impl Identity {
    /// Asks the server at the other end of `session`.
    pub async fn of(session: &Session) -> Result<Self> {
        let row = session.one(include_str!("sql/identity.sql"), &[]).await?;
        Ok(Self {
            system_identifier: row.get("system_identifier"),
            timeline: row.get("timeline"),
            database_oid: row.get("database_oid"),
            database: row.get("database"),
            version: row.get("version"),
            encoding: row.get("encoding"),
            in_recovery: row.get("in_recovery"),
            started_at: row.get("started_at"),
            user: row.get("role"),
        })
    }

    /// The major version: 15 for 15.18.
    pub fn major(&self) -> i32 {
        self.version / 10_000
    }

    /// Whether both are the same database of the same cluster, or of a physical copy of it.
    pub fn is_same_database(&self, other: &Self) -> bool {
        self.system_identifier == other.system_identifier && self.database_oid == other.database_oid
    }
}

/// A snapshot's place in the history of a server: `xmin:xmax:xip_list`, 64-bit transaction ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The oldest transaction that was running: all below are decided.
    pub xmin: u64,
    /// `pg_current_snapshot()` as text.
    pub snapshot: String,
    /// Write-ahead log position, such as `0/16B3748`; the replay position on a standby.
    pub lsn: String,
}

impl Position {
    pub(crate) fn new(snapshot: String, lsn: String) -> Result<Self> {
        let xmin = snapshot.split(':').next().and_then(|xmin| u64::from_str(xmin).ok());
        match xmin {
            Some(xmin) => Ok(Self { xmin, snapshot, lsn }),
            None => Err(Error::Protocol("pg_current_snapshot() has an unknown form".to_owned())),
        }
    }
}

/// Whether the snapshot `newer` sees everything that `older` sees; both as `pg_current_snapshot()`
/// writes them. A standby that lags behind the server of the older one does not.
pub fn sees_all_of(newer: &str, older: &str) -> bool {
    let (Some(newer), Some(older)) = (Bounds::parse(newer), Bounds::parse(older)) else {
        return false;
    };
    let is_missed = |running: &u64| *running < older.xmax && !older.running.contains(running);
    newer.xmax >= older.xmax && !newer.running.iter().any(is_missed)
}

/// The parts of a snapshot's text: `xmin:xmax:xip_list`.
struct Bounds {
    xmax: u64,
    running: Vec<u64>,
}

impl Bounds {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let (_xmin, xmax, list) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
        let running = list.split(',').filter(|id| !id.is_empty()).map(u64::from_str);
        Some(Self { xmax, running: running.collect::<std::result::Result<_, _>>().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::sees_all_of;

    #[test]
    fn a_later_snapshot_sees_all_of_an_earlier_one() {
        assert!(sees_all_of("10:20:", "10:20:"));
        assert!(sees_all_of("12:30:12,25", "10:20:10,12"));
    }

    #[test]
    fn a_lagging_one_does_not() {
        assert!(!sees_all_of("10:15:", "10:20:"), "it ends earlier");
        assert!(!sees_all_of("12:20:12", "10:20:10"), "12 was decided, and is running again");
        assert!(!sees_all_of("nonsense", "10:20:"));
    }
}
