//! Readers of the target whose snapshot is older than what is about to be swapped: they would find
//! new rows in one table and old ones in another. Publishing waits for them.

use pg::Session;

/// Backends that hold a snapshot from one statement to the next, other than ours. Single statements
/// have locked all that they will ever read, so they cannot see half of a swap.
pub(crate) async fn holding_snapshots(session: &Session) -> pg::Result<Vec<i32>> {
    let rows = session.rows(include_str!("sql/holding_snapshots.sql"), &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
