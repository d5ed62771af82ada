//! Which buckets the changed rows of a publication touch: those that rows were in, and those that
//! they are in now. Rows that changed in nothing that is counted touch none.
//!
//! What left and what came is added up per instant and dimensions, with the measures themselves.
//! Where both come to the same, the cell of these rows stays what it is: sums are taken apart and
//! put together again, extremes are equal, and for distinct values their lists are compared.

use std::collections::BTreeMap;

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use pg::{Session, quote_identifier};

use crate::bindings::Image;
use crate::calendar::Bucket;
use crate::rollup::config::Measure;
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

/// The table in which the changed rows are added up.
pub(crate) fn staging(number: usize, image: Image) -> String {
    let what = if image == Image::Before { "left" } else { "came" };
    format!("levada.stage_{what}_{number}")
}

/// Adds up the changed rows as they are now, before or after they are written.
pub(crate) async fn collect(
    session: &Session,
    number: usize,
    statements: Statements<'_>,
    (withs, image): (&[String], Image),
) -> anyhow::Result<()> {
    let table = staging(number, image);
    let context = || format!("rollup \"{}\": looking at changed rows", statements.definition.name);
    session.batch(&format!("DROP TABLE IF EXISTS {table}")).await?;
    let mut create = format!("CREATE UNLOGGED TABLE {table} AS");
    for with in withs {
        let sql = format!("{create} {}", added_up(statements, with));
        session.batch(&sql).await.with_context(context)?;
        create = format!("INSERT INTO {table}");
    }
    Ok(())
}

/// Changed rows per instant and dimensions.
fn added_up(statements: Statements<'_>, with: &str) -> String {
    let dimensions = statements.definition.by.iter().map(|name| quote_identifier(name));
    let group = std::iter::once(AT.to_owned()).chain(dimensions);
    let group = group.collect::<Vec<_>>().join(", ");
    let mut measures = statements.aggregates();
    for (name, measure) in &statements.definition.measures {
        if let Measure::Distinct(distinct) = measure {
            let value = format!("({}\n)::text", distinct.distinct);
            let list = format!("array_agg(DISTINCT {value} ORDER BY {value})");
            measures.push((format!("levada list of {name}"), list));
        }
    }
    let measures = measures.into_iter();
    let measures = measures.map(|(name, sql)| format!("{sql} AS {}", quote_identifier(&name)));
    let measures = measures.collect::<Vec<_>>().join(", ");
    let rows = statements.rows(with);
    format!(
        "SELECT {group}, {measures}, count(*) AS source_rows FROM ({rows}) AS s GROUP BY {group}"
    )
}

/// What was kept of the rows before they were written, compared with what they are now.
pub(crate) async fn of_rows(filling: &Filling<'_>) -> anyhow::Result<Touched> {
    let Filling { publishing, statements, number, buckets, as_of, .. } = filling;
    let session = publishing.session;
    let bindings = &statements.definition.bindings;
    if !bindings.is_touched(publishing) {
        return Ok(Touched::default());
    }
    let withs = bindings.changed(publishing, Image::After, statements.described.combined());
    collect(session, *number, *statements, (&withs, Image::After)).await?;
    let (left, came) = (staging(*number, Image::Before), staging(*number, Image::After));
    let table = format!("levada.stage_touched_{number}");
    // Where changed rows are joined, one may be added up more than once, on one side only.
    let is_sum = bindings.is_sum_of_changes(publishing, &statements.described.arms);
    let has_left = session.one(&format!("SELECT EXISTS (TABLE {left})"), &[]).await?.get(0);
    let [only_left, only_came] = match is_sum && has_left {
        true => [
            format!("TABLE {left} EXCEPT ALL TABLE {came}"),
            format!("TABLE {came} EXCEPT ALL TABLE {left}"),
        ],
        false => [format!("TABLE {left}"), format!("TABLE {came}")],
    };
    session
        .batch(&format!(
            "DROP TABLE IF EXISTS {table}; CREATE UNLOGGED TABLE {table} AS \
             SELECT l.{AT} AS at, 0::bigint AS rows FROM ({only_left}) AS l UNION ALL \
             SELECT c.{AT}, c.source_rows FROM ({only_came}) AS c; DROP TABLE {left}, {came}"
        ))
        .await?;
    let sql = include_str!("../sql/rollup_touched.sql")
        .replace("@touched@", &table)
        .replace("@floor@", &filling.floor()?.to_string());
    let row = session.one(&sql, &[]).await?;
    let (first, last): (Option<i64>, Option<i64>) = (row.get("first"), row.get("last"));
    let mut touched = Touched { starts: BTreeMap::new(), outside: row.get("outside") };
    if let (Some(first), Some(last)) = (first, last) {
        // A clock ahead of the source's writes rows later than its moment into the bucket of it.
        let current = buckets.calendar.bucket_of(buckets.grain, *as_of)?;
        let end = current.end.checked_sub(SignedDuration::from_micros(1))?;
        let last = Timestamp::from_microsecond(last)?.min(end);
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
