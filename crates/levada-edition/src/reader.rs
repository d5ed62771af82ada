//! The published edition as a reader of the target finds it. Takes no lock and writes nothing.

use pg::{Error, Identity, Result, Session};

use crate::ledger::table_of;
use crate::record::TableRow;

/// What the target says of the edition that its readers see.
#[derive(Debug, Clone)]
pub struct Published {
    pub number: i32,
    /// The moment of the source, RFC 3339 in UTC.
    pub as_of: Option<String>,
    /// The snapshot of the source: `xmin:xmax:xip_list`.
    pub snapshot: Option<String>,
    /// Write-ahead log position of the source, not before the snapshot.
    pub lsn: Option<String>,
    /// A crash of the source could not take away what the snapshot saw.
    pub is_durable: bool,
    /// RFC 3339 in UTC.
    pub published_at: Option<String>,
    /// Of the source's definitions.
    pub shape_hash: Option<String>,
    pub source: Identity,
    /// By name.
    pub tables: Vec<TableRow>,
}

impl Published {
    /// Reads the published edition in the transaction of `session`; `None` where there is none.
    pub async fn read(session: &Session) -> Result<Option<Self>> {
        let exists = "SELECT pg_catalog.to_regclass('levada.edition') IS NOT NULL";
        if !session.one(exists, &[]).await?.get::<_, bool>(0) {
            return Ok(None);
        }
        let row = session.maybe(include_str!("sql/published_edition.sql"), &[]).await?;
        let Some(row) = row else { return Ok(None) };
        let number = row.get("number");
        let tables = session.rows(include_str!("sql/tables.sql"), &[&number]).await?;
        let source = serde_json::from_value(row.get("source"))
            .map_err(|error| Error::Protocol(error.to_string()))?;
        Ok(Some(Self {
            number,
            as_of: row.get("as_of"),
            snapshot: row.get("snapshot"),
            lsn: row.get("lsn"),
            is_durable: row.get("is_durable"),
            published_at: row.get("published_at"),
            shape_hash: row.get("shape_hash"),
            source,
            tables: tables.iter().map(table_of).collect(),
        }))
    }
}
