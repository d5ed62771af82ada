//! Tables in the schema `levada` of the target in which changes wait to be published. They are
//! unlogged and nobody else's; what a killed run left of them is dropped by the next.

use edition::Change;
use pg::catalog::Column;
use pg::{Name, Session, quote_identifier};

use crate::unit::Unit;

/// What a staging table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Rows of the source to be written.
    Rows,
    /// The same, read once more while the publish transaction holds the first.
    Again,
    /// Keys of staged rows that the target does not have.
    New,
    /// Keys of rows to be deleted.
    Gone,
    /// Keys that the source has, of some buckets.
    Present,
    /// Keys of staged rows that are new or differ.
    Keys,
    /// Rows that change or go, as they were.
    Before,
    /// Rows that change or are new, as they are.
    After,
}

/// The name of a unit's staging table.
pub(crate) fn name(purpose: Purpose, unit: usize) -> Name {
    let purpose = match purpose {
        Purpose::Rows => "rows",
        Purpose::Again => "again",
        Purpose::New => "new",
        Purpose::Gone => "gone",
        Purpose::Present => "present",
        Purpose::Keys => "keys",
        Purpose::Before => "before",
        Purpose::After => "after",
    };
    Name::new("levada", format!("stage_{purpose}_{unit}"))
}

/// Creates an empty staging table with these columns of the unit, with their types and collations
/// and without any constraint.
pub(crate) async fn create(
    session: &Session,
    staging: &Name,
    unit: &Unit,
    columns: &[String],
) -> pg::Result<()> {
    let chosen =
        columns.iter().filter_map(|name| unit.definitions.iter().find(|c| c.name == *name));
    let columns: Vec<String> = chosen.map(definition).collect();
    let (staging, columns) = (staging.sql(), columns.join(", "));
    let sql = format!(
        "DROP TABLE IF EXISTS {staging}; CREATE UNLOGGED TABLE {staging} ({columns}) \
         WITH (autovacuum_enabled = false)"
    );
    session.batch(&sql).await
}

/// Tells the planner how many rows there are: without it joins with a full table go wrong.
pub(crate) async fn analyze(session: &Session, staging: &Name) -> pg::Result<()> {
    session.batch(&format!("ANALYZE {}", staging.sql())).await
}

/// Drops what was kept for others to compute from.
pub(crate) async fn drop_kept(session: &Session, changes: &[Change]) -> pg::Result<()> {
    let kept = changes.iter().filter_map(|change| Some((change.before.as_ref()?, &change.after)));
    for (before, after) in kept {
        session.batch(&format!("DROP TABLE {}, {}", before.sql(), after.sql())).await?;
    }
    Ok(())
}

fn definition(column: &Column) -> String {
    let collation = column.collation.as_ref().map(|name| format!(" COLLATE {name}"));
    let name = quote_identifier(&column.name);
    format!("{name} {}{}", column.type_name, collation.unwrap_or_default())
}

/// Drops all staging tables, and tables of a killed run that were loaded to be swapped in.
pub(crate) async fn clear(session: &Session) -> pg::Result<()> {
    let sql = "SELECT relname::text FROM pg_catalog.pg_class WHERE relkind = 'r' \
               AND relnamespace = 'levada'::regnamespace AND relname LIKE 'stage\\_%'";
    let rows = session.rows(sql, &[]).await?;
    let names = rows.iter().map(|row| Name::new("levada", row.get::<_, String>(0)).sql());
    let names: Vec<String> = names.collect();
    if names.is_empty() {
        return Ok(());
    }
    session.batch(&format!("DROP TABLE IF EXISTS {}", names.join(", "))).await
}
