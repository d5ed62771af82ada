//! Foreign keys while changes are written. Rows come in an order of ours and not of the
//! application's, and the end of the transaction is a state of the source in which all keys hold.
//!
//! Where the role may set `session_replication_role`, nothing checks and nothing cascades. Where it
//! may not, the keys of the tables concerned are dropped and added again in the same transaction:
//! their readers wait meanwhile. Keys that were not validated are not checked; those that were are,
//! and those of partitioned tables before 18, which take no unchecked key.

use pg::{Name, Session, quote_identifier, quote_literal};
use report::Problem;

/// Tries to switch triggers and foreign keys off for this transaction.
pub(crate) async fn switch_off(session: &Session) -> pg::Result<bool> {
    session.batch("SAVEPOINT levada_role").await?;
    let result = session.batch("SET LOCAL session_replication_role = replica").await;
    let end = match &result {
        Ok(()) => "RELEASE SAVEPOINT levada_role",
        Err(_) => "ROLLBACK TO SAVEPOINT levada_role",
    };
    session.batch(end).await?;
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.sqlstate() == Some("42501") => Ok(false),
        Err(error) => Err(error),
    }
}

/// Why readers of the tables concerned wait, and what would spare them.
pub(crate) fn explain() -> Problem {
    Problem::new("foreign keys are dropped and added again while rows are written")
        .detail("the role of the target may not set session_replication_role; readers wait")
        .hint("GRANT SET ON PARAMETER session_replication_role TO that role (15 and newer)")
}

/// Drops the keys from and to these tables; returns the statements that add them again.
pub(crate) async fn drop_keys(session: &Session, tables: &[Name]) -> pg::Result<Vec<String>> {
    let (schemas, names): (Vec<&str>, Vec<&str>) =
        tables.iter().map(|table| (table.schema.as_str(), table.name.as_str())).unzip();
    let rows = session.rows(include_str!("sql/foreign_keys.sql"), &[&schemas, &names]).await?;
    let mut add = Vec::new();
    for row in &rows {
        let table = Name::new(row.get::<_, String>(0), row.get::<_, String>(1)).sql();
        let key = quote_identifier(row.get(2));
        let definition: String = row.get(3);
        session.batch(&format!("ALTER TABLE {table} DROP CONSTRAINT {key}")).await?;
        add.push(format!("ALTER TABLE {table} ADD CONSTRAINT {key} {definition}"));
        if let Some(comment) = row.get::<_, Option<String>>(4) {
            let comment = quote_literal(&comment);
            add.push(format!("COMMENT ON CONSTRAINT {key} ON {table} IS {comment}"));
        }
    }
    Ok(add)
}
