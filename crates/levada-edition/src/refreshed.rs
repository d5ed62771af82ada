//! An edition that a refresh makes of the one before: its records, written in the transaction that
//! publishes it. Until then nothing of it is recorded, so that a killed refresh leaves no trace.

use pg::{Error, Identity, Result, Session, Snapshot};

use crate::installation::table_inserted;
use crate::record::{Edition, TableRow};

/// The records of a refreshed edition.
pub struct Refreshed<'a> {
    pub base: &'a Edition,
    pub run: i32,
    pub source: &'a Identity,
    pub snapshot: &'a Snapshot,
    pub fingerprint: &'a str,
    /// What the edition is made of, as quoted names.
    pub objects: &'a [String],
    pub shape: Option<&'a str>,
    pub shape_hash: &'a str,
    /// The source had its log on disk up to the position of the snapshot.
    pub is_durable: bool,
    pub tables: &'a [TableRow],
}

/// Returns a row only while `edition` is the published one, and keeps it so until the transaction
/// ends.
pub fn still_published(edition: i32) -> String {
    format!(
        "SELECT 1 FROM levada.edition WHERE number = {edition} AND state = 'published' FOR UPDATE"
    )
}

impl Refreshed<'_> {
    /// Makes it the published edition and ends its run, in the transaction of `session`; returns
    /// its number.
    pub async fn publish(&self, session: &Session) -> Result<i32> {
        let json = |error: serde_json::Error| Error::Protocol(error.to_string());
        let source = serde_json::to_value(self.source).map_err(json)?;
        let position = &self.snapshot.position;
        let row = session
            .one(
                include_str!("sql/refreshed.sql"),
                &[
                    &self.base.number,
                    &self.fingerprint,
                    &source,
                    &self.objects,
                    &self.snapshot.as_of,
                    &position.snapshot,
                    &position.lsn,
                    &self.shape,
                    &self.shape_hash,
                    &self.is_durable,
                ],
            )
            .await?;
        let number: i32 = row.get(0);
        let replaced = include_str!("sql/base_replaced.sql")
            .replace("@base@", &self.base.number.to_string())
            .replace("@edition@", &number.to_string())
            .replace("@run@", &self.run.to_string());
        let tables = self.tables.iter().map(|table| table_inserted(number, table));
        let statements: Vec<String> = std::iter::once(replaced).chain(tables).collect();
        session.batch(&statements.join(";\n")).await?;
        Ok(number)
    }
}
