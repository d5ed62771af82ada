//! Readers of the target whose snapshot is older than what is about to be swapped: they would find
//! new rows in one table and old ones in another. Publishing waits for them.

use pg::Session;

/// Backends that hold a snapshot, other than ours. Also single statements: a function that they
/// call may look at a table late.
pub(crate) async fn holding_snapshots(session: &Session) -> pg::Result<Vec<i32>> {
    let rows = session.rows(include_str!("sql/holding_snapshots.sql"), &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
