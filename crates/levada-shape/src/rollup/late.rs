//! What could not be counted: rows without a bucket, and changes of buckets that are final.

use jiff::Timestamp;
use report::{Finding, Problem, text};

use crate::calendar::Bucket;
use crate::rollup::fill::{CELLS, Filling};
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
        let problem = Problem::new(format!("rows of {buckets} have changed"))
            .detail(format!("{first} to {last}: {rows} new or changed rows are not counted"))
            .hint("raise restate_for or retention if such changes are to be followed");
        findings.push(Finding::warning("late-rows", format!("rollup {name}"), problem));
    }
    findings.extend(without_bucket(name, early));
    findings
}

/// Rows of the whole table that have no bucket.
pub(crate) async fn outside(
    filling: &Filling<'_>,
    wanted: &[Bucket],
) -> anyhow::Result<Option<Finding>> {
    if filling.buckets.retention.is_some() {
        return Ok(None);
    }
    let Some(end) = wanted.last().map(|bucket| bucket.end) else { return Ok(None) };
    let sql =
        format!("SELECT coalesce(sum(source_rows), 0)::bigint FROM {CELLS} WHERE bucket IS NULL");
    let session = filling.publishing.session;
    let outside: i64 = session.one(&sql, &[]).await?.get(0);
    if outside == 0 {
        return Ok(None);
    }
    // Those of the future will have a bucket.
    let with = filling.definition().bindings.whole(filling.publishing);
    let rows = filling.statements.rows(&with);
    let at = crate::rollup::statements::AT;
    let sql = format!("SELECT count(*) FROM ({rows}) AS r WHERE {at} >= '{end}'::timestamptz");
    let future: i64 = session.one(&sql, &[]).await?.get(0);
    Ok(without_bucket(&filling.definition().name, outside - future))
}

fn without_bucket(name: &str, rows: i64) -> Option<Finding> {
    if rows <= 0 {
        return None;
    }
    let rows = text::counted(rows as u64, "row");
    let problem = Problem::new(format!("{rows} without a bucket are not counted"))
        .detail("their time is missing, or before the first bucket")
        .hint(
            "add where = … for what is not to be counted, or starts = … for an earlier beginning",
        );
    Some(Finding::warning("undated-rows", format!("rollup {name}"), problem))
}
