//! Which buckets the changed rows of a publication touch: those that rows were in, and those that
//! they are in now.

use std::collections::BTreeMap;

use anyhow::Context;
use jiff::Timestamp;
use pg::Session;

use crate::bindings::Image;
use crate::calendar::Bucket;
use crate::rollup::definition::Buckets;
use crate::rollup::fill::Filling;
use crate::rollup::statements::{AT, Statements};

/// The buckets that are touched, by their starts.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    /// And how many rows are new or other ones in each; rows that only left are none.
    pub(crate) starts: BTreeMap<Timestamp, i64>,
    /// New rows that have no instant, or one before all buckets.
    pub(crate) outside: i64,
}

/// The table in which instants of changed rows are kept.
pub(crate) fn staging(number: usize) -> String {
    format!("levada.stage_touched_{number}")
}

/// Keeps the instants that changed rows have now, before or after they are written.
pub(crate) async fn collect(
    session: &Session,
    number: usize,
    statements: Statements<'_>,
    (withs, image): (&[String], Image),
) -> anyhow::Result<()> {
    let table = staging(number);
    if image == Image::Before {
        session.batch(&format!("DROP TABLE IF EXISTS {table}")).await?;
    }
    let create = format!("CREATE UNLOGGED TABLE IF NOT EXISTS {table} (at timestamptz, rows int8)");
    session.batch(&create).await?;
    for with in withs {
        let rows = statements.rows(with);
        let counted = if image == Image::After { "count(*)" } else { "0" };
        let sql =
            format!("INSERT INTO {table} SELECT {AT}, {counted} FROM ({rows}) AS r GROUP BY 1");
        let context =
            || format!("rollup \"{}\": looking at changed rows", statements.definition.name);
        session.batch(&sql).await.with_context(context)?;
    }
    Ok(())
}

/// What was kept of the rows before they were written, and what they are now.
pub(crate) async fn of_rows(filling: &Filling<'_>) -> anyhow::Result<Touched> {
    let Filling { publishing, statements, number, buckets, as_of, .. } = filling;
    let session = publishing.session;
    let bindings = &statements.definition.bindings;
    if !bindings.is_touched(publishing) {
        return Ok(Touched::default());
    }
    let withs = bindings.changed(publishing, Image::After, &statements.described.columns);
    collect(session, *number, *statements, (&withs, Image::After)).await?;
    let table = staging(*number);
    let sql = include_str!("../sql/rollup_touched.sql").replace("@touched@", &table);
    let row = session.one(&sql, &[]).await?;
    let (first, last): (Option<i64>, Option<i64>) = (row.get("first"), row.get("last"));
    let mut touched = Touched { starts: BTreeMap::new(), outside: row.get("outside") };
    if let (Some(first), Some(last)) = (first, last) {
        let last = Timestamp::from_microsecond(last)?.min(*as_of);
        let first = Timestamp::from_microsecond(first)?;
        if first <= last {
            let span = buckets.calendar.buckets(buckets.grain, first, last)?;
            touched.starts = by_bucket(session, &table, &span).await?;
        }
    }
    session.batch(&format!("DROP TABLE {table}")).await?;
    Ok(touched)
}

async fn by_bucket(
    session: &Session,
    table: &str,
    span: &[Bucket],
) -> anyhow::Result<BTreeMap<Timestamp, i64>> {
    let ends = span.last().map(|bucket| bucket.end);
    let edges: Vec<String> =
        span.iter().map(|bucket| bucket.start).chain(ends).map(|at| at.to_string()).collect();
    let sql = format!(
        "SELECT width_bucket(at, '{{{}}}'::timestamptz[]), sum(rows)::int8 FROM {table} \
         WHERE at IS NOT NULL GROUP BY 1",
        edges.join(",")
    );
    let mut starts = BTreeMap::new();
    for row in session.rows(&sql, &[]).await? {
        let number: i32 = row.get(0);
        // Rows before the first or after the last bucket have none.
        let bucket = usize::try_from(number - 1).ok().and_then(|index| span.get(index));
        if let Some(bucket) = bucket {
            starts.insert(bucket.start, row.get(1));
        }
    }
    Ok(starts)
}

/// The buckets that consist of finer ones with other numbers.
pub(crate) fn of_finer(buckets: &Buckets, finer: &[Timestamp]) -> anyhow::Result<Touched> {
    let mut touched = Touched::default();
    for start in finer {
        let bucket = buckets.calendar.bucket_of(buckets.grain, *start)?;
        *touched.starts.entry(bucket.start).or_default() += 1;
    }
    Ok(touched)
}
