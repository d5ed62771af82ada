//! Conservation: some buckets are counted again from the rows, by another query than the one that
//! filled them, and all totals from the buckets. What does not agree is a finding.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};

use anyhow::Context;
use jiff::Timestamp;
use report::{Finding, Problem};

use crate::calendar::Bucket;
use crate::report_table::list;
use crate::rollup::fill::Filling;
use crate::rollup::records::BucketRow;
use crate::rollup::statements::AT;
use crate::rollup::states::State;
use crate::rollup::totals;

/// How many buckets are counted again in each publication.
const SAMPLE: usize = 3;
/// And how many where something is known to be wrong.
const SEARCH: usize = 400;

/// Audits a random sample; buckets that are wrong come back as failed.
pub(crate) async fn sample(
    filling: &Filling<'_>,
    mut rows: Vec<BucketRow>,
    findings: &mut Vec<Finding>,
) -> anyhow::Result<Vec<BucketRow>> {
    let (as_of, buckets) = (filling.as_of, filling.buckets);
    let is_auditable = |row: &&BucketRow| {
        let is_kept = matches!(row.state, State::Final | State::Gap | State::Failed);
        !is_kept && !buckets.is_beyond_retention(row.bucket.start, as_of)
    };
    let is_known = |row: &BucketRow| row.in_totals && !is_auditable(&row);
    let some_cannot_be_told = rows.iter().any(is_known);
    let auditable: Vec<&Bucket> = rows.iter().filter(is_auditable).map(|row| &row.bucket).collect();
    let context = || format!("auditing rollup \"{}\"", filling.definition().name);
    let mut doubtful = Vec::new();
    for by in &filling.definition().totals {
        if !totals::is_right(filling, by, &rows).await.with_context(context)? {
            doubtful.push(by);
        }
    }
    // A total that is not the sum of its buckets says that one of both was changed.
    let size = if doubtful.is_empty() { SAMPLE } else { SEARCH };
    let is_told = !some_cannot_be_told && auditable.len() <= SEARCH;
    let wrong = differing(filling, &choose(&auditable, size)).await.with_context(context)?;
    for row in rows.iter_mut().filter(|row| wrong.contains(&row.bucket.start)) {
        row.state = State::Failed;
        findings.push(finding(filling, &row.bucket.label));
    }
    for by in doubtful {
        let table = totals::name(filling.definition(), by);
        let problem = Problem::new(format!("{table} was not the sum of its buckets"))
            .hint("take away the right to write in the reports schema");
        let detail = match (wrong.is_empty(), is_told) {
            (true, true) => {
                totals::add_up(filling, by, &rows).await.with_context(context)?;
                "somebody else has changed it; it was added up anew"
            }
            // Adding up could carry a changed bucket into a total that is right.
            (true, false) => {
                "somebody else has changed it, or a bucket that cannot be counted any more; it \
                 stays as it is, until you drop it: then the next run adds it up"
            }
            (false, _) => "somebody else has changed buckets; the next run sets both right",
        };
        findings.push(Finding::warning("audit", table.to_string(), problem.detail(detail)));
    }
    Ok(rows)
}

fn choose(from: &[&Bucket], size: usize) -> Vec<Bucket> {
    let random = RandomState::new();
    let mut order: Vec<(u64, &Bucket)> =
        from.iter().map(|bucket| (random.hash_one(bucket.start), *bucket)).collect();
    order.sort_unstable_by_key(|(rank, _)| *rank);
    order.into_iter().take(size).map(|(_, bucket)| bucket.clone()).collect()
}

/// The buckets whose cells are not what their rows say. Each is selected by comparing instants, not
/// by `width_bucket`.
async fn differing(
    filling: &Filling<'_>,
    chosen: &[Bucket],
) -> anyhow::Result<BTreeSet<Timestamp>> {
    let mut wrong = BTreeSet::new();
    if chosen.is_empty() {
        return Ok(wrong);
    }
    let definition = filling.definition();
    let with = definition.bindings.whole(filling.publishing);
    let rows = filling.statements.rows("");
    let spans: Vec<_> = chosen.iter().map(|bucket| (bucket.start, bucket.end)).collect();
    let within = filling.statements.within(filling.buckets, &spans);
    let cases = chosen.iter().map(|bucket| {
        let (start, end) = (bucket.start, bucket.end);
        format!(
            "WHEN {AT} >= '{start}'::timestamptz AND {AT} < '{end}'::timestamptz \
             THEN '{start}'::timestamptz"
        )
    });
    let cases = cases.collect::<Vec<_>>().join(" ");
    let by = list(&definition.by);
    let group = if by.is_empty() { String::new() } else { format!(", {by}") };
    let measures = filling.statements.aggregates().into_iter().map(|(_, sql)| sql);
    let measures = measures.collect::<Vec<_>>().join(", ");
    let columns = filling.statements.columns().join(", ");
    let starts = crate::rollup::statements::instants(chosen.iter().map(|bucket| bucket.start));
    let table = definition.table.sql();
    let stored =
        format!("SELECT bucket_start, {columns} FROM {table} WHERE bucket_start = ANY ({starts})");
    let counted = format!(
        "SELECT \"levada start\"{group}, {measures} FROM (SELECT CASE {cases} END AS \
         \"levada start\", r.* FROM ({rows}) AS r WHERE {within}) AS s \
         GROUP BY \"levada start\"{group}"
    );
    let sql = format!(
        "{with}, stored AS ({stored}), counted AS ({counted}) \
         SELECT DISTINCT (extract(epoch FROM d.bucket_start) * 1000000)::bigint FROM (\
         (TABLE stored EXCEPT ALL TABLE counted) UNION ALL \
         (TABLE counted EXCEPT ALL TABLE stored)) AS d"
    );
    for row in filling.publishing.session.rows(&sql, &[]).await? {
        wrong.insert(Timestamp::from_microsecond(row.get(0))?);
    }
    Ok(wrong)
}

fn finding(filling: &Filling<'_>, bucket: &str) -> Finding {
    let name = &filling.definition().name;
    let problem = Problem::new(format!("rollup {name}: bucket {bucket} is not what its rows say"))
        .detail("somebody else has changed the rollup, or its rows in the target")
        .hint("the next run computes it anew; levada verify --repair sets rows right");
    Finding::warning("audit", format!("rollup {name}"), problem)
}
