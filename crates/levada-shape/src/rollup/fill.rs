//! Brings the buckets of one rollup up to date, inside the publish transaction: those that changed
//! rows touch, and those that time has brought.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context;
use edition::Publishing;
use jiff::Timestamp;
use pg::Session;
use report::{Finding, Problem};

use crate::calendar::Bucket;
use crate::report_table::{Key, ReportColumn, ReportTable, Standing};
use crate::rollup::audit;
use crate::rollup::config::Measure;
use crate::rollup::definition::{Buckets, Definition};
use crate::rollup::records::{self, BucketRow};
use crate::rollup::statements::{AT, Described, Statements, instants};
use crate::rollup::states::{self, State};
use crate::rollup::{late, totals, touched};

/// What the rollups above it need to know of one that was brought up to date.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filled {
    /// Any bucket may hold other numbers.
    pub(crate) is_whole: bool,
    /// Starts of the buckets with other numbers.
    pub(crate) starts: Vec<Timestamp>,
    pub(crate) closed_through: Option<Timestamp>,
}

/// One rollup in one publication.
pub(crate) struct Filling<'a> {
    pub(crate) publishing: &'a Publishing<'a>,
    pub(crate) statements: Statements<'a>,
    pub(crate) buckets: &'a Buckets,
    /// Its place among the rollups, which names its staging tables.
    pub(crate) number: usize,
    pub(crate) as_of: Timestamp,
    /// The rollup below, if it adds up another one.
    pub(crate) finer: Option<&'a Filled>,
}

/// Its cells as computed now, and as they were.
pub(crate) const CELLS: &str = "levada.stage_cells";
pub(crate) const OLD_CELLS: &str = "levada.stage_old_cells";

/// Before this instant nothing is looked for, unless `starts` says so.
const FLOOR: Timestamp = Timestamp::UNIX_EPOCH;

/// The table of a rollup with a calendar.
pub(crate) fn table(
    definition: &Definition,
    described: &Described,
    buckets: &Buckets,
) -> ReportTable {
    let column = |name: &str, definition: &str| ReportColumn {
        name: name.to_owned(),
        definition: definition.to_owned(),
    };
    let mut columns = vec![
        column("bucket", &format!("{} NOT NULL", buckets.label_type())),
        column("bucket_start", "timestamptz NOT NULL"),
        column("bucket_end", "timestamptz NOT NULL"),
    ];
    columns.extend(measured(definition, described));
    let key = std::iter::once("bucket".to_owned()).chain(definition.by.iter().cloned());
    ReportTable {
        name: definition.table.clone(),
        kind: "rollup",
        columns,
        key: Key::Lookup(key.collect()),
        // Ours: a bucket is replaced by its start.
        indexes: vec![vec!["bucket_start".to_owned()]],
        comment: format!("Rollup by levada: one row per {:?} and dimensions", buckets.grain)
            .to_lowercase(),
    }
}

/// The columns of dimensions and measures.
pub(crate) fn measured(definition: &Definition, described: &Described) -> Vec<ReportColumn> {
    let statements = Statements { definition, described };
    let aggregates = statements.aggregates().into_iter().map(|(name, _)| name);
    let typed = definition.by.iter().cloned().chain(aggregates).map(|name| {
        let definition = described.types.get(&name).cloned().unwrap_or_default();
        ReportColumn { name, definition }
    });
    let ratios = definition.measures.iter().filter_map(|(name, measure)| match measure {
        Measure::Ratio(of, over) => {
            let (of, over) = (pg::quote_identifier(of), pg::quote_identifier(over));
            let ratio = format!("{of}::numeric / nullif({over}, 0)::numeric");
            let definition = format!("numeric GENERATED ALWAYS AS ({ratio}) STORED");
            Some(ReportColumn { name: name.clone(), definition })
        }
        _ => None,
    });
    typed.chain(ratios).collect()
}

impl Filling<'_> {
    fn session(&self) -> &Session {
        self.publishing.session
    }

    pub(crate) fn definition(&self) -> &Definition {
        self.statements.definition
    }

    /// Brings it up to date; `standing` says what became of its table.
    pub(crate) async fn run(&self, standing: Standing) -> anyhow::Result<(Filled, Vec<Finding>)> {
        let is_new = standing == Standing::Created;
        let definition = self.definition();
        let held = records::held(self.publishing, definition).await?;
        let is_other = held.as_ref().is_none_or(|held| !held.is_same);
        let known = records::buckets(self.session(), &definition.name).await?;
        let is_whole = standing != Standing::Kept
            || is_other
            || held.as_ref().is_none_or(|held| !held.is_current)
            || definition.bindings.is_whole(self.publishing)
            || self.finer.is_some_and(|finer| finer.is_whole);
        self.refuse_loss(&known, held.is_some() && (is_new || is_other))?;
        let touched = match is_whole {
            true => touched::Touched::default(),
            false => self.touched().await?,
        };
        // Buckets of another definition are no buckets of this one.
        let kept = if is_other { &[][..] } else { known.as_slice() };
        let all = self.registry(kept, &touched, is_whole).await?;
        // A zone may have got other rules: days begin elsewhere then.
        let is_whole = is_whole || have_moved(kept, &all);
        let past: BTreeMap<Timestamp, State> =
            kept.iter().map(|row| (row.bucket.start, row.state)).collect();
        let is_frozen = |bucket: &Bucket| match is_new || is_other {
            true => self.buckets.is_beyond_retention(bucket.start, self.as_of),
            false => {
                let state = past.get(&bucket.start).copied();
                self.buckets.is_frozen(bucket.start, state, self.as_of)
            }
        };
        let is_dirty = |bucket: &&Bucket| {
            let state = past.get(&bucket.start).copied();
            let is_due = is_whole || state.is_none_or(|state| state == State::Failed);
            !is_frozen(bucket) && (is_due || touched.starts.contains_key(&bucket.start))
        };
        let dirty: Vec<Bucket> = all.iter().filter(is_dirty).cloned().collect();
        let mut findings = late::find(self, &all, &dirty, &touched);
        let counts = self.recompute((&all, &dirty), &known, is_whole).await?;
        if is_whole {
            findings.extend(late::of_whole(self, &all, &dirty).await?);
        }
        let rows = self.aged(&all, kept, (&dirty, &counts));
        totals::keep(self, &known, &rows, is_whole).await?;
        let gaps = self.empty_gaps(&rows, &past).await?;
        let rows = audit::sample(self, rows, &mut findings).await?;
        let through = states::closed_through(rows.iter().map(|row| (row.state, &row.bucket)));
        let through = through.cloned();
        let has_changed = !dirty.is_empty() || is_whole || rows != known;
        records::save(self, (&known, &rows), through.as_ref(), has_changed).await?;
        let filled = Filled {
            is_whole,
            starts: dirty.iter().map(|bucket| bucket.start).chain(gaps).collect(),
            closed_through: through.map(|bucket| bucket.end),
        };
        Ok((filled, findings))
    }

    /// What was counted of a bucket that was never complete is shown no more. Returns where.
    async fn empty_gaps(
        &self,
        rows: &[BucketRow],
        past: &BTreeMap<Timestamp, State>,
    ) -> anyhow::Result<Vec<Timestamp>> {
        let is_new = |row: &&BucketRow| {
            row.state == State::Gap && past.get(&row.bucket.start) != Some(&State::Gap)
        };
        let gaps: Vec<Timestamp> = rows.iter().filter(is_new).map(|row| row.bucket.start).collect();
        if !gaps.is_empty() {
            let (table, starts) = (self.definition().table.sql(), instants(gaps.iter().copied()));
            let sql = format!("DELETE FROM {table} WHERE bucket_start = ANY ({starts})");
            self.session().batch(&sql).await?;
        }
        Ok(gaps)
    }

    /// Another definition cannot be computed for buckets whose rows are gone.
    fn refuse_loss(&self, known: &[BucketRow], is_other: bool) -> Result<(), Problem> {
        let is_lost = |row: &&BucketRow| {
            row.state.is_complete()
                && self.buckets.is_beyond_retention(row.bucket.start, self.as_of)
        };
        let lost: Vec<&BucketRow> = known.iter().filter(is_lost).collect();
        let (true, Some(first), Some(last)) = (is_other, lost.first(), lost.last()) else {
            return Ok(());
        };
        let name = &self.definition().name;
        Err(Problem::new(format!("rollup \"{name}\" has changed, and cannot be computed anew"))
            .detail(format!(
                "the rows of {} closed buckets, {} to {}, are beyond the retention of production",
                lost.len(),
                first.bucket.label,
                last.bucket.label
            ))
            .hint("give the new definition another name, and keep this one as it was"))
    }

    /// The buckets that changed rows touch.
    async fn touched(&self) -> anyhow::Result<touched::Touched> {
        match self.finer {
            Some(finer) => touched::of_finer(self.buckets, &finer.starts),
            None => touched::of_rows(self).await,
        }
    }

    /// All buckets from the first that is known or touched to that of the moment of the source.
    async fn registry(
        &self,
        known: &[BucketRow],
        touched: &touched::Touched,
        is_whole: bool,
    ) -> anyhow::Result<Vec<Bucket>> {
        let (calendar, grain) = (&self.buckets.calendar, self.buckets.grain);
        let floor = self.floor()?;
        let declared = self.buckets.starts.map(|_| floor);
        // Without any bucket yet, time alone may bring the rows of the future.
        let oldest = match is_whole || known.is_empty() {
            true => self.oldest_row().await?,
            false => touched.starts.keys().next().copied(),
        };
        let kept = known.first().map(|row| row.bucket.start);
        let first = [oldest.map(|oldest| oldest.max(floor)), kept, declared];
        let Some(first) = first.into_iter().flatten().min() else {
            return Ok(Vec::new());
        };
        if first >= calendar.bucket_of(grain, self.as_of)?.end {
            return Ok(Vec::new());
        }
        let mut all = calendar.buckets(grain, first.min(self.as_of), self.as_of)?;
        if declared.is_none() {
            // Nothing is known of what was removed before the first edition.
            let is_known = |start| kept.is_some_and(|kept| start >= kept);
            all.retain(|bucket| {
                is_known(bucket.start)
                    || !self.buckets.is_beyond_retention(bucket.start, self.as_of)
            });
        }
        Ok(all)
    }

    /// Rows before this instant have no bucket.
    pub(crate) fn floor(&self) -> anyhow::Result<Timestamp> {
        match self.buckets.starts {
            Some(date) => self.buckets.calendar.start_of_date(date),
            None => Ok(FLOOR),
        }
    }

    async fn oldest_row(&self) -> anyhow::Result<Option<Timestamp>> {
        let with = self.definition().bindings.whole(self.publishing);
        let rows = self.statements.rows(&with);
        let floor = self.floor()?.min(FLOOR);
        // Values are compared, not tested, so that an index can answer.
        let sql = format!(
            "SELECT (extract(epoch FROM min({AT})) * 1000000)::bigint FROM ({rows}) AS r \
             WHERE {AT} >= '{floor}'::timestamptz AND {AT} < 'infinity'::timestamptz"
        );
        let oldest: Option<i64> = self.session().one(&sql, &[]).await?.get(0);
        Ok(oldest.map(Timestamp::from_microsecond).transpose()?)
    }

    /// Replaces the cells of the dirty buckets among all; returns how many rows each counts.
    async fn recompute(
        &self,
        (all, dirty): (&[Bucket], &[Bucket]),
        known: &[BucketRow],
        is_whole: bool,
    ) -> anyhow::Result<BTreeMap<Timestamp, i64>> {
        let session = self.session();
        let table = self.definition().table.sql();
        let was_counted = known.iter().filter(|row| row.in_totals).map(|row| row.bucket.start);
        let starts: BTreeSet<Timestamp> = dirty.iter().map(|bucket| bucket.start).collect();
        let old = instants(was_counted.filter(|start| starts.contains(start)));
        let replaced = match is_whole {
            false => format!("bucket_start = ANY ({})", instants(starts.iter().copied())),
            // What is in no bucket any more goes as well.
            true => {
                let all = all.iter().map(|bucket| bucket.start);
                let kept = instants(all.filter(|start| !starts.contains(start)));
                format!("bucket_start <> ALL ({kept})")
            }
        };
        session
            .batch(&format!(
                "DROP TABLE IF EXISTS {CELLS}, {OLD_CELLS}; CREATE UNLOGGED TABLE {OLD_CELLS} AS \
                 SELECT * FROM {table} WHERE bucket_start = ANY ({old})"
            ))
            .await?;
        if !dirty.is_empty() {
            let with = self.definition().bindings.whole(self.publishing);
            let cells = self.statements.cells(self.buckets, dirty, is_whole);
            let create = format!("CREATE UNLOGGED TABLE {CELLS} AS {with} {cells}");
            session.batch(&create).await.with_context(|| self.computing())?;
        }
        if is_whole || !dirty.is_empty() {
            session.batch(&format!("DELETE FROM {table} WHERE {replaced}")).await?;
        }
        if dirty.is_empty() {
            return Ok(BTreeMap::new());
        }
        let columns = self.statements.columns().join(", ");
        session
            .batch(&format!(
                "INSERT INTO {table} (bucket, bucket_start, bucket_end, {columns}) \
                 SELECT bucket, bucket_start, bucket_end, {columns} FROM {CELLS} \
                 WHERE bucket IS NOT NULL ORDER BY bucket_start"
            ))
            .await
            .with_context(|| self.computing())?;
        self.rows_by_bucket().await
    }

    fn computing(&self) -> String {
        format!("computing rollup \"{}\"", self.definition().name)
    }

    async fn rows_by_bucket(&self) -> anyhow::Result<BTreeMap<Timestamp, i64>> {
        let sql = format!(
            "SELECT (extract(epoch FROM bucket_start) * 1000000)::bigint, \
             sum(source_rows)::bigint FROM {CELLS} WHERE bucket IS NOT NULL GROUP BY 1"
        );
        let mut counts = BTreeMap::new();
        for row in self.session().rows(&sql, &[]).await? {
            counts.insert(Timestamp::from_microsecond(row.get(0))?, row.get(1));
        }
        Ok(counts)
    }

    /// All buckets as they are now called.
    fn aged(
        &self,
        all: &[Bucket],
        known: &[BucketRow],
        (dirty, counts): (&[Bucket], &BTreeMap<Timestamp, i64>),
    ) -> Vec<BucketRow> {
        let before: BTreeMap<Timestamp, &BucketRow> =
            known.iter().map(|row| (row.bucket.start, row)).collect();
        let dirty: BTreeSet<Timestamp> = dirty.iter().map(|bucket| bucket.start).collect();
        let finer = self.finer.map(|finer| finer.closed_through);
        let one = |bucket: &Bucket| {
            let is_computed = dirty.contains(&bucket.start);
            let known = before.get(&bucket.start).copied();
            let past = known.map(|row| row.state).filter(|_| !is_computed);
            let span = (bucket.start, bucket.end);
            let state = self.buckets.state(span, past, self.as_of, finer);
            let rows = match is_computed {
                true => counts.get(&bucket.start).copied().unwrap_or(0),
                false => known.map_or(0, |row| row.source_rows),
            };
            BucketRow {
                bucket: bucket.clone(),
                state,
                source_rows: rows,
                settling: match state {
                    State::Provisional => match self.buckets.settling(bucket.end, self.as_of) {
                        // It was not counted again when they had settled.
                        none if none.is_empty() => vec!["*".to_owned()],
                        still => still,
                    },
                    _ => Vec::new(),
                },
                in_totals: state.is_complete() && !self.definition().totals.is_empty(),
                is_computed,
            }
        };
        all.iter().map(one).collect()
    }
}

/// Whether buckets that were filled are not those of the calendar any more.
fn have_moved(kept: &[BucketRow], all: &[Bucket]) -> bool {
    let is_there = |row: &BucketRow| {
        let at = all.binary_search_by_key(&row.bucket.start, |bucket| bucket.start);
        at.is_ok_and(|at| all[at] == row.bucket)
    };
    !kept.iter().all(is_there)
}
