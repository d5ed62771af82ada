//! What the target says of its rollups: how far each is complete, and which version readers see.

use pg::{Endpoint, Purpose, Session};
use serde::Serialize;

/// A rollup as readers see it.
#[derive(Debug, Clone, Serialize)]
pub struct RollupStatus {
    pub name: String,
    /// Goes up whenever a number or a state changes.
    pub version: i64,
    /// The last complete bucket; `None` without a calendar.
    pub closed_bucket: Option<String>,
    /// The instant up to which all is complete, RFC 3339 in UTC.
    pub closed_through: Option<String>,
    /// When a number last changed, RFC 3339 in UTC.
    pub computed_at: String,
    /// How many buckets are still open, provisional, found wrong, and missing.
    pub open: i64,
    pub provisional: i64,
    pub failed: i64,
    pub gaps: i64,
}

/// Reads all rollups of a target, by name; none where nothing was ever computed.
pub async fn rollups(target: &Endpoint) -> pg::Result<Vec<RollupStatus>> {
    let session = Session::open(target, Purpose::Record).await?;
    let exists = "SELECT pg_catalog.to_regclass('levada.rollup') IS NOT NULL";
    if !session.one(exists, &[]).await?.get::<_, bool>(0) {
        return Ok(Vec::new());
    }
    let rows = session.rows(include_str!("sql/rollup_status.sql"), &[]).await?;
    let status = rows.iter().map(|row| RollupStatus {
        name: row.get("name"),
        version: row.get("version"),
        closed_bucket: row.get("closed_bucket"),
        closed_through: row.get("closed_through"),
        computed_at: row.get("computed_at"),
        open: row.get("open"),
        provisional: row.get("provisional"),
        failed: row.get("failed"),
        gaps: row.get("gaps"),
    });
    Ok(status.collect())
}
