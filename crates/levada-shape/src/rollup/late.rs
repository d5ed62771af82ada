//! What could not be counted: rows without a bucket, and changes of buckets that are final.

use std::collections::BTreeSet;

use jiff::Timestamp;
use report::{Finding, Problem, text};

use crate::calendar::Bucket;
use crate::rollup::fill::{CELLS, Filling};
use crate::rollup::statements::{AT, instants};
use crate::rollup::touched::Touched;

/// Changes that no bucket takes.
pub(crate) fn find(
    filling: &Filling<'_>,
    all: &[Bucket],
    dirty: &[Bucket],
    touched: &Touched,
) -> Vec<Finding> {
    let name = &filling.definition().name;
    let is_dirty = |start: &Timestamp| dirty.iter().any(|bucket| bucket.start == *start);
    let bucket_of = |start: &Timestamp| all.iter().find(|bucket| bucket.start == *start);
    let mut labels = Vec::new();
    let (mut rows, mut early) = (0, touched.outside);
    for (start, count) in touched.starts.iter().filter(|(start, _)| !is_dirty(start)) {
        match bucket_of(start) {
            // Rows that left a final bucket are expected where production removes rows.
            Some(_) if *count == 0 && filling.buckets.retention.is_some() => {}
            Some(bucket) => {
                labels.push(bucket.label.clone());
                rows += count;
            }
            None => early += count,
        }
    }
    let mut findings = Vec::new();
    if let (Some(first), Some(last)) = (labels.first(), labels.last()) {
        let buckets = text::counted(labels.len() as u64, "final bucket");
        let problem = Problem::new(format!("rollup {name}: rows of {buckets} have changed"))
            .detail(format!(
                "{first} to {last} keep what was published: {rows} new or changed rows are not \
                 counted, and rows that left still are"
            ))
            .hint("raise restate_for or retention if such changes are to be followed");
        findings.push(Finding::warning("late-rows", format!("rollup {name}"), problem));
    }
    findings.extend(without_bucket(name, early));
    findings
}

/// What no bucket takes of the whole table.
pub(crate) async fn of_whole(
    filling: &Filling<'_>,
    all: &[Bucket],
    dirty: &[Bucket],
) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    findings.extend(outside(filling, all, dirty).await?);
    findings.extend(restated(filling, all, dirty).await?);
    Ok(findings)
}

/// Rows without a time, or before all buckets. Those of the future will have a bucket, and of those
/// that production removes nobody asks.
async fn outside(
    filling: &Filling<'_>,
    all: &[Bucket],
    dirty: &[Bucket],
) -> anyhow::Result<Option<Finding>> {
    let session = filling.publishing.session;
    if !dirty.is_empty() {
        let sql = format!("SELECT EXISTS (SELECT FROM {CELLS} WHERE bucket IS NULL)");
        if !session.one(&sql, &[]).await?.get::<_, bool>(0) {
            return Ok(None);
        }
    }
    let mut tests = vec![format!("{AT} IS NULL OR {AT} = 'infinity'::timestamptz")];
    if filling.buckets.retention.is_none() {
        let first = all.first().map_or(filling.floor()?, |bucket| bucket.start);
        tests.push(format!("{AT} < '{first}'::timestamptz"));
    }
    let with = filling.definition().bindings.whole(filling.publishing);
    let rows = filling.statements.rows(&with);
    let sql = format!("SELECT count(*) FROM ({rows}) AS r WHERE {}", tests.join(" OR "));
    let outside: i64 = session.one(&sql, &[]).await?.get(0);
    Ok(without_bucket(&filling.definition().name, outside))
}

/// Final buckets whose rows no longer say what is published.
async fn restated(
    filling: &Filling<'_>,
    all: &[Bucket],
    dirty: &[Bucket],
) -> anyhow::Result<Option<Finding>> {
    let is_kept = |bucket: &&Bucket| {
        !filling.buckets.is_beyond_retention(bucket.start, filling.as_of)
            && dirty.binary_search_by_key(&bucket.start, |other| other.start).is_err()
    };
    let kept: Vec<Bucket> = all.iter().filter(is_kept).cloned().collect();
    if kept.is_empty() {
        return Ok(None);
    }
    let wrong = differing(filling, &kept).await?;
    let labels = kept.iter().filter(|bucket| wrong.contains(&bucket.start));
    let labels: Vec<&str> = labels.map(|bucket| bucket.label.as_str()).collect();
    let (Some(first), Some(last)) = (labels.first(), labels.last()) else { return Ok(None) };
    let buckets = text::counted(labels.len() as u64, "final bucket");
    let name = &filling.definition().name;
    let problem = Problem::new(format!("rollup {name}: rows of {buckets} have changed"))
        .detail(format!("{first} to {last} keep the numbers that were published"))
        .hint("raise restate_for if such changes are to be followed");
    Ok(Some(Finding::warning("late-rows", format!("rollup {name}"), problem)))
}

/// Buckets whose cells are not what they would be now. There may be many: one pass finds them.
async fn differing(filling: &Filling<'_>, kept: &[Bucket]) -> anyhow::Result<BTreeSet<Timestamp>> {
    let definition = filling.definition();
    let with = definition.bindings.whole(filling.publishing);
    let cells = filling.statements.cells(filling.buckets, kept, false);
    let (table, columns) = (definition.table.sql(), filling.statements.columns().join(", "));
    let starts = instants(kept.iter().map(|bucket| bucket.start));
    let sql = format!(
        "{with}, counted AS (SELECT c.bucket_start, {columns} FROM ({cells}) AS c), \
         stored AS (SELECT bucket_start, {columns} FROM {table} \
         WHERE bucket_start = ANY ({starts})) \
         SELECT DISTINCT (extract(epoch FROM d.bucket_start) * 1000000)::bigint FROM (\
         (TABLE stored EXCEPT ALL TABLE counted) UNION ALL \
         (TABLE counted EXCEPT ALL TABLE stored)) AS d"
    );
    let mut wrong = BTreeSet::new();
    for row in filling.publishing.session.rows(&sql, &[]).await? {
        wrong.insert(Timestamp::from_microsecond(row.get(0))?);
    }
    Ok(wrong)
}

fn without_bucket(name: &str, rows: i64) -> Option<Finding> {
    if rows <= 0 {
        return None;
    }
    let rows = text::counted(rows as u64, "row");
    let problem = Problem::new(format!("rollup {name}: not counted: {rows} without a bucket"))
        .detail("their time is missing, or before the first bucket")
        .hint(
            "add where = … for what is not to be counted, or starts = … for an earlier beginning",
        );
    Some(Finding::warning("undated-rows", format!("rollup {name}"), problem))
}
