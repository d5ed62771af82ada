//! Digests of buckets: how many rows, and the sum of their hashes. Equal digests prove equal
//! buckets but for a chance that another seed would not have.
//!
//! A sum, never xor, which would lose pairs of equal rows; exact, as PostgreSQL adds 64-bit numbers
//! in 128 bits.

use std::collections::BTreeMap;

use pg::{Error, Result, Session};

use crate::buckets::{Buckets, By};
use crate::subject::{Depth, Side, Subject};

/// The digest of one bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest {
    pub rows: u64,
    pub sum: i128,
}

/// The digests of all buckets that hold a row, read in the transaction of `session`.
pub async fn digests(
    session: &Session,
    subject: &Subject,
    side: Side,
    depth: Depth,
    buckets: &Buckets,
) -> Result<BTreeMap<i64, Digest>> {
    digests_where(session, &Scan { subject, side, depth, buckets, condition: "true" }).await
}

/// What is digested.
pub(crate) struct Scan<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) side: Side,
    pub(crate) depth: Depth,
    pub(crate) buckets: &'a Buckets,
    /// Which rows, besides the condition of the subject.
    pub(crate) condition: &'a str,
}

/// One pass over the heap in its own order. Left to itself the planner counts through an index that
/// visits the heap row by row (10 s instead of 1 s on 13 million rows), or sorts to group.
const ONE_PASS: &str = "SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off; \
     SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off; SET LOCAL work_mem = '64MB'";
/// Whatever comes after in the same transaction is planned as ever.
const ANY_PLAN: &str = "SET LOCAL enable_indexscan TO DEFAULT; \
     SET LOCAL enable_indexonlyscan TO DEFAULT; SET LOCAL enable_bitmapscan TO DEFAULT; \
     SET LOCAL enable_sort TO DEFAULT; SET LOCAL work_mem TO DEFAULT";

pub(crate) async fn digests_where(
    session: &Session,
    scan: &Scan<'_>,
) -> Result<BTreeMap<i64, Digest>> {
    session.batch(ONE_PASS).await?;
    let rows = session.rows(&scan.sql(), &[]).await?;
    session.batch(ANY_PLAN).await?;
    let digests = rows.iter().map(|row| {
        let rows = row.get::<_, i64>(1) as u64;
        let sum = row.get::<_, &str>(2).parse();
        let sum = sum.map_err(|_| Error::Protocol("a sum is no number".to_owned()))?;
        Ok((row.get(0), Digest { rows, sum }))
    });
    digests.collect()
}

impl Scan<'_> {
    fn sql(&self) -> String {
        let Self { subject, side, depth, buckets, condition } = *self;
        let hash = match depth {
            Depth::Counts => "0::int8".to_owned(),
            _ => subject.hash_sql(depth, buckets.seed),
        };
        let (inner, outer) = match buckets.by {
            // The hash of a row costs more than all else: once is enough.
            By::RowHash { count } => (String::new(), format!("hash & {}", count - 1)),
            _ => {
                let bucket = buckets.bucket_sql(subject, side);
                (format!(", {bucket} AS bucket"), "bucket".to_owned())
            }
        };
        let (relation, own) = (subject.relation_sql(side), subject.condition_sql(side));
        format!(
            "SELECT {outer}, pg_catalog.count(*), pg_catalog.sum(hash)::text FROM (\
             SELECT {hash} AS hash{inner} FROM {relation} WHERE {own} AND {condition} OFFSET 0\
             ) AS hashed GROUP BY 1"
        )
    }
}

/// The buckets whose digests differ, in order.
pub fn differing(source: &BTreeMap<i64, Digest>, target: &BTreeMap<i64, Digest>) -> Vec<i64> {
    let mut buckets: Vec<i64> = source
        .iter()
        .filter(|(bucket, digest)| target.get(bucket) != Some(digest))
        .map(|(bucket, _)| *bucket)
        .collect();
    buckets.extend(target.keys().filter(|bucket| !source.contains_key(bucket)));
    buckets.sort_unstable();
    buckets
}

/// How many rows the digests cover.
pub fn rows(digests: &BTreeMap<i64, Digest>) -> u64 {
    digests.values().map(|digest| digest.rows).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_differ_by_count_by_sum_and_by_being_there() {
        let digests = |entries: &[(i64, u64, i128)]| -> BTreeMap<i64, Digest> {
            let digest = |(bucket, rows, sum): &_| (*bucket, Digest { rows: *rows, sum: *sum });
            entries.iter().map(digest).collect()
        };
        let source = digests(&[(0, 1, 5), (1, 1, 5), (2, 2, 7), (3, 1, 1)]);
        let target = digests(&[(0, 1, 5), (1, 1, 6), (2, 1, 7), (-4, 1, 1)]);
        assert_eq!(differing(&source, &target), [-4, 1, 2, 3]);
    }
}
