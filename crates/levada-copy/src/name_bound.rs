//! Routines whose text names a schema. While an edition is built beside, such a name still means
//! the published edition, so what they compute would silently mix two moments.

use pg::Session;
use report::Problem;

/// Refuses definitions whose rows would be computed by such a routine; tells whether there are any
/// such routines at all, in which case materialised views are refreshed only after the swap.
///
/// `session` is in the transaction in which everything stands in `schemas` under its final name.
pub(crate) async fn judge(session: &Session, schemas: &[String]) -> anyhow::Result<bool> {
    refuse_columns(session, schemas).await?;
    let rows = session.rows(include_str!("sql/name_bound.sql"), &[&schemas]).await?;
    let dependent = rows.iter().find_map(|row| {
        let dependent: Option<String> = row.get("dependent");
        dependent.map(|dependent| (row.get::<_, String>("routine"), dependent))
    });
    if let Some((routine, dependent)) = dependent {
        let problem = Problem::new(format!(
            "{dependent} cannot be built beside a published edition"
        ))
        .detail(format!(
            "it is computed by {routine}, whose text names a schema: until the swap that name \
                 means the old edition"
        ))
        .hint("copy into an empty database, or write the routine with BEGIN ATOMIC");
        return Err(problem.into());
    }
    Ok(!rows.is_empty())
}

/// Refuses columns whose values are names of objects, such as `regclass`: they would be stored as
/// the object ids of the old edition.
async fn refuse_columns(session: &Session, schemas: &[String]) -> anyhow::Result<()> {
    let rows = session.rows(include_str!("sql/name_bound_columns.sql"), &[&schemas]).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    let (column, kind): (String, String) = (row.get(0), row.get(1));
    let problem = Problem::new(format!("{column} cannot be built beside a published edition"))
        .detail(format!("values of type {kind} would point to objects of the old edition"))
        .hint("copy into an empty database, or exclude the table");
    Err(problem.into())
}
