//! Compares the keys, or the rows, of a unit on both sides, bucket by bucket, and finds what the
//! source does not have any more.

use std::collections::BTreeMap;

use copy::{Failure, column_list};
use pg::Wire;
use verify::{Buckets, By, Depth, Digest, Side, Subject, digests};

use crate::apply;
use crate::scan::judge;
use crate::settler::{Case, Settler};
use crate::staging::{self, Purpose};

/// Buckets for each row that is gone: then few buckets hold one.
const BUCKETS_PER_GONE: u64 = 16;
const BUCKETS_MIN: u64 = 4096;
/// Digests of this many buckets stay within a few MiB on both sides.
const BUCKETS_MAX: u64 = 1 << 17;

/// Digests by bucket, of source and target.
pub(crate) type Sides = (BTreeMap<i64, Digest>, BTreeMap<i64, Digest>);

/// A comparison of one unit.
pub(crate) struct Keys<'a> {
    pub(crate) settler: &'a Settler<'a>,
    pub(crate) case: Case<'a>,
    pub(crate) subject: &'a Subject,
}

impl Keys<'_> {
    /// How many rows are gone on the source; their keys are staged. `None` when the keys contradict
    /// the counts: `there` rows on the source, `expected` here once all staged rows are written.
    pub(crate) async fn gone(&self, there: i64, expected: i64) -> anyhow::Result<Option<i64>> {
        let missing = (expected - there).max(0);
        let buckets = self.key_buckets(missing as u64).await?;
        // The target has every key of the source, but for rows that came into a filter unwritten: a
        // bucket of as many keys holds the same ones. Only where equal keys are in one bucket,
        // though: a key that changed its spelling (1.0 and 1.00) may take the place of one that is
        // gone.
        let is_spelled = !self.subject.has_integer_key();
        let has_filter = self.case.unit.filter.is_some();
        let depth = if has_filter || is_spelled { Depth::Keys } else { Depth::Counts };
        let (source, mut target) = self.digests(depth, &buckets).await?;
        self.add_new(depth, &buckets, &mut target).await?;
        let differing = verify::differing(&source, &target);
        if differing.is_empty() {
            return Ok((missing == 0).then_some(0));
        }
        self.fetch_present(&buckets, &differing).await?;
        let gone = self.case.staging(Purpose::Gone);
        staging::create(self.case.target, &gone, self.case.unit, &self.subject.key).await?;
        let own = self.selected(&buckets, Side::Target, &differing);
        let present = self.case.staging(Purpose::Present);
        let sql = apply::insert_gone_of(self.case.unit, &own, &present, &gone);
        let count = self.case.target.execute(&sql, &[]).await? as i64;
        let new = self.case.staging(Purpose::New);
        let unknown =
            self.case.count(&apply::count_unknown(self.case.unit, &present, &new)).await?;
        Ok((count == missing && unknown == 0).then_some(count))
    }

    /// Digests of both sides, read at the same time.
    pub(crate) async fn digests(&self, depth: Depth, buckets: &Buckets) -> anyhow::Result<Sides> {
        let here = async {
            let here = self.case.digests(self.subject, depth, buckets).await?;
            Ok::<_, anyhow::Error>(here)
        };
        tokio::try_join!(self.source_digests(depth, buckets), here)
    }

    async fn source_digests(
        &self,
        depth: Depth,
        buckets: &Buckets,
    ) -> anyhow::Result<BTreeMap<i64, Digest>> {
        let reader = self.settler.reader;
        let mut tries = 0;
        loop {
            let mut guard: Option<Wire> = None;
            let result = self.try_source_digests(&mut guard, depth, buckets).await;
            let pid = guard.as_ref().map_or(0, Wire::pid);
            reader.watch.released(pid);
            match result {
                Ok(digests) => return Ok(digests),
                Err(failure) => {
                    reader.after_failure(self.case.unit, failure, pid, &mut tries).await?;
                }
            }
        }
    }

    /// `guard` holds the lock under which the table cannot be rewritten; a session of the same
    /// snapshot reads.
    async fn try_source_digests(
        &self,
        guard: &mut Option<Wire>,
        depth: Depth,
        buckets: &Buckets,
    ) -> Result<BTreeMap<i64, Digest>, Failure> {
        let reader = self.settler.reader;
        reader.guard(guard, self.case.unit).await?;
        let session =
            reader.keepers.session(reader.source).await.map_err(|e| judge(e, self.case.unit))?;
        self.settler.watch().holds(session.pid());
        let result = digests(&session, self.subject, Side::Source, depth, buckets).await;
        self.settler.watch().released(session.pid());
        result.map_err(|error| judge(error, self.case.unit))
    }

    /// Keys about to be inserted count as keys of the target.
    async fn add_new(
        &self,
        depth: Depth,
        buckets: &Buckets,
        target: &mut BTreeMap<i64, Digest>,
    ) -> anyhow::Result<()> {
        let new = Subject {
            target: self.case.staging(Purpose::New),
            with_partitions: (false, false),
            ..self.subject.clone()
        };
        let added = self.case.digests(&new, depth, buckets).await?;
        for (bucket, digest) in added {
            let sum = target.entry(bucket).or_insert(Digest { rows: 0, sum: 0 });
            sum.rows += digest.rows;
            sum.sum += digest.sum;
        }
        Ok(())
    }

    /// Buckets for finding keys: ranges of an integer key, which its index serves.
    async fn key_buckets(&self, missing: u64) -> anyhow::Result<Buckets> {
        let wanted = missing.saturating_mul(BUCKETS_PER_GONE).clamp(BUCKETS_MIN, BUCKETS_MAX);
        let seed = self.settler.seed;
        // Many types have neither a least nor a greatest value.
        if self.subject.has_integer_key() {
            let key = column_list(&self.subject.key);
            let (table, new) = (self.case.unit.relation(), self.case.staging(Purpose::New).sql());
            let ends = |relation: &str| {
                format!("SELECT min({key}) AS least, max({key}) AS greatest FROM {relation}")
            };
            let sql = format!(
                "SELECT min(least)::text, max(greatest)::text FROM ({} UNION ALL {}) AS ends",
                ends(&table),
                ends(&new)
            );
            let row = self.case.target.one(&sql, &[]).await?;
            let bound = |at: usize| row.get::<_, Option<&str>>(at).and_then(|b| b.parse().ok());
            if let Some(ends) = bound(0).zip(bound(1))
                && let Some(ranges) = Buckets::key_ranges(self.subject, ends, wanted, seed)
            {
                return Ok(ranges);
            }
        }
        let count = wanted.next_power_of_two() as i64;
        Ok(Buckets { by: By::KeyHash { count }, seed })
    }

    /// Buckets for comparing rows.
    pub(crate) async fn row_buckets(&self) -> anyhow::Result<Buckets> {
        let rows = self.case.unit.parts.iter().map(|part| part.rows_estimate).sum::<u64>();
        Ok(Buckets::for_rows(self.subject, rows.max(1), self.settler.seed))
    }

    async fn fetch_present(&self, buckets: &Buckets, differing: &[i64]) -> anyhow::Result<()> {
        let selection = buckets.selection_sql(self.subject, Side::Source, differing);
        let (relation, condition) = (&*selection.0, &*selection.1);
        self.settler.fetch(self.case, Purpose::Present, (relation, condition)).await.map(drop)
    }

    fn selected(&self, buckets: &Buckets, side: Side, differing: &[i64]) -> String {
        let (relation, condition) = buckets.selection_sql(self.subject, side, differing);
        let key = self.subject.key.iter().map(|column| self.subject.column_sql(column));
        let key = key.collect::<Vec<_>>().join(", ");
        format!("SELECT {key} FROM {relation} WHERE {condition}")
    }
}
