//! Reads the source: counts the rows of each range and carries those that may have changed into
//! the staging table. Two workers share the ranges; whoever else wants a table is given way.
//!
//! A range is counted first and read a second time only where something has changed: the count
//! needs no row, and in most tables nothing has.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use copy::{Failure, PlannedTable, SnapshotLost, column_list, format_option};
use pg::{Endpoint, Keepers, Moved, Purpose, Relay, Relayed, Session, Wire, quote_literal};
use report::{Category, Event, Problem, Progress};
use tokio::sync::OnceCell;

use crate::staging;
use crate::unit::{Method, Unit};

/// How often one range is tried before the run fails; giving way to others does not count.
const TRIES: u32 = 5;
const PAUSE_BEFORE_RETRY: Duration = Duration::from_millis(300);

/// Heap pages of one range: 16 MiB, a tenth of a second.
const RANGE_PAGES: i64 = 2048;
const PAGE_BYTES: u64 = 8192;

/// What was found of a unit so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Rows of the source that pass the filter.
    pub(crate) rows: i64,
    /// Rows in the staging table.
    pub(crate) staged: i64,
    pub(crate) bytes: u64,
}

/// What all readers of the source share.
pub(crate) struct Reader<'a> {
    pub(crate) source: &'a Endpoint,
    pub(crate) target: &'a Endpoint,
    pub(crate) keepers: &'a Keepers,
    pub(crate) watch: &'a pg::Watch,
    pub(crate) progress: &'a dyn Progress,
    /// The `search_path` on the target.
    pub(crate) path: &'a str,
}

/// A piece of a unit: all of it, or the pages `[first, end)` of its only part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    unit: usize,
    pages: Option<(i64, Option<i64>)>,
}

/// Rows to be staged, as a condition on the unit's relation, and where they go.
pub(crate) struct Wanted<'a> {
    pub(crate) unit: &'a Unit,
    pub(crate) columns: &'a [String],
    /// What stands after `FROM`.
    pub(crate) relation: &'a str,
    pub(crate) condition: &'a str,
    pub(crate) staging: &'a pg::Name,
}

/// The scan of all units.
pub(crate) struct Scan<'a> {
    reader: &'a Reader<'a>,
    /// Creates the staging tables.
    target: &'a Session,
    units: &'a [Unit],
    bound: Option<u32>,
    ranges: Mutex<VecDeque<Range>>,
    found: Vec<Mutex<Found>>,
    created: Vec<OnceCell<()>>,
}

#[derive(Default)]
struct Sessions {
    source: Option<Wire>,
    target: Option<Wire>,
}

impl<'a> Scan<'a> {
    /// A scan of those units whose method needs one. `bound` is the oldest transaction that may
    /// have written a row since the previous edition.
    pub(crate) fn new(
        reader: &'a Reader<'a>,
        target: &'a Session,
        units: &'a [Unit],
        bound: Option<u32>,
    ) -> Self {
        let scanned =
            units.iter().enumerate().filter(|(_, u)| !matches!(u.method, Method::Digest(_)));
        let ranges = scanned.flat_map(|(number, unit)| ranges(number, unit)).collect();
        Self {
            reader,
            target,
            units,
            bound,
            ranges: Mutex::new(ranges),
            found: units.iter().map(|_| Mutex::default()).collect(),
            created: units.iter().map(|_| OnceCell::new()).collect(),
        }
    }

    /// Reads everything with `jobs` workers; what was found, by unit.
    pub(crate) async fn run(self, jobs: usize) -> anyhow::Result<Vec<Found>> {
        let workers = (0..jobs).map(|_| self.worker());
        futures_util::future::try_join_all(workers).await?;
        let found = self.found.into_iter();
        Ok(found.map(|f| f.into_inner().unwrap_or_else(PoisonError::into_inner)).collect())
    }

    async fn worker(&self) -> anyhow::Result<()> {
        let mut sessions = Sessions::default();
        loop {
            let next = self.ranges.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(range) = next else { return Ok(()) };
            let unit = &self.units[range.unit];
            let object = unit.name.to_string();
            let category = Category::TableData;
            self.reader.progress.event(Event::Started { category, object: &object, rows: 0 });
            let started = Instant::now();
            let found = self.read(range, &mut sessions).await?;
            let mut sum = self.found[range.unit].lock().unwrap_or_else(PoisonError::into_inner);
            sum.rows += found.rows;
            sum.staged += found.staged;
            sum.bytes += found.bytes;
            let took = started.elapsed();
            self.reader.progress.event(Event::Finished { category, object: &object, took });
        }
    }

    async fn read(&self, range: Range, sessions: &mut Sessions) -> anyhow::Result<Found> {
        let unit = &self.units[range.unit];
        let mut tries = 0;
        loop {
            match self.try_read(range, sessions).await {
                Ok(found) => return Ok(found),
                Err(failure) => {
                    let pid = sessions.source.take().map_or(0, |wire| wire.pid());
                    self.reader.after_failure(unit, failure, pid, &mut tries).await?;
                }
            }
        }
    }

    async fn try_read(&self, range: Range, sessions: &mut Sessions) -> Result<Found, Failure> {
        let unit = &self.units[range.unit];
        let source = self.reader.source_wire(&mut sessions.source).await?;
        let pid = source.pid();
        self.reader.watch.holds(pid);
        let result = self.count_and_stage(range, unit, sessions).await;
        self.reader.watch.released(pid);
        result
    }

    async fn count_and_stage(
        &self,
        range: Range,
        unit: &Unit,
        sessions: &mut Sessions,
    ) -> Result<Found, Failure> {
        let source = self.reader.source_wire(&mut sessions.source).await?;
        self.reader.open(source, unit).await?;
        let (relation, condition) = (unit.relation(), self.condition(range, unit));
        let changed = self.changed(unit);
        let sql = format!(
            "SELECT count(*), count(*) FILTER (WHERE {changed}) FROM {relation} WHERE {condition}"
        );
        let rows = source.query(&sql).await.map_err(|e| judge(e, unit))?;
        let mut cells = rows.into_iter().flatten().flatten().map(|cell| cell.parse::<i64>());
        let (Some(Ok(rows)), Some(Ok(changed_rows))) = (cells.next(), cells.next()) else {
            return Err(Failure::Source(pg::Error::Protocol(
                "a count without a number".to_owned(),
            )));
        };
        let mut found = Found { rows, staged: 0, bytes: 0 };
        if changed_rows > 0 {
            let staging = staging::name(staging::Purpose::Rows, range.unit);
            let staging = unit.beside.clone().unwrap_or(staging);
            if unit.beside.is_none() {
                let create = || staging::create(self.target, &staging, unit, &unit.columns);
                let created = self.created[range.unit].get_or_try_init(create).await;
                created.map_err(Failure::Target)?;
            }
            let condition = format!("{condition} AND {changed}");
            let columns = &unit.columns;
            let (relation, condition) = (&relation, &condition);
            let wanted = Wanted { unit, columns, relation, condition, staging: &staging };
            let Sessions { source, target } = sessions;
            let moved = self.reader.stage(&wanted, source, target).await?;
            if moved.rows != changed_rows as u64 {
                let message = format!("{changed_rows} rows were counted, {} came", moved.rows);
                return Err(Failure::Target(pg::Error::Protocol(message)));
            }
            found.staged = changed_rows;
            found.bytes = moved.bytes;
        }
        if let Some(source) = &mut sessions.source {
            // Read-only: an error here would change nothing.
            let _ = source.query("COMMIT").await;
        }
        Ok(found)
    }

    fn condition(&self, range: Range, unit: &Unit) -> String {
        let filter = unit.condition();
        match range.pages {
            None => filter,
            Some((first, end)) => {
                let first = format!("ctid >= '({first},0)'::pg_catalog.tid");
                let end = end.map_or(String::new(), |end| {
                    format!(" AND ctid < '({end},0)'::pg_catalog.tid")
                });
                format!("{first}{end} AND {filter}")
            }
        }
    }

    /// The condition of a row that may have changed. What the snapshot shows is of the past: an id
    /// that seems to be of the future is older than 2^31 transactions.
    fn changed(&self, unit: &Unit) -> String {
        match (self.bound, &unit.method) {
            (Some(bound), Method::Changes) => {
                let bound = quote_literal(&bound.to_string());
                // In this order one comparison is enough for nearly all rows.
                format!(
                    "(pg_catalog.age(xmin) <= (SELECT pg_catalog.age({bound}::pg_catalog.xid)) \
                     AND pg_catalog.age(xmin) >= 0)"
                )
            }
            _ => "true".to_owned(),
        }
    }
}

impl Reader<'_> {
    async fn source_wire<'w>(&self, wire: &'w mut Option<Wire>) -> Result<&'w mut Wire, Failure> {
        let opened = match wire.take() {
            Some(wire) => wire,
            None => {
                let mut opened =
                    Wire::connect(self.source, Purpose::Source).await.map_err(Failure::Source)?;
                // Left to itself the planner may count through an index whose pages have changed.
                let scans = "SET enable_indexscan = off; SET enable_indexonlyscan = off; \
                             SET enable_bitmapscan = off";
                opened.query(scans).await.map_err(Failure::Source)?;
                opened
            }
        };
        Ok(wire.insert(opened))
    }

    /// Begins on the snapshot with the unit's tables locked and proven unchanged.
    pub(crate) async fn open(&self, source: &mut Wire, unit: &Unit) -> Result<(), Failure> {
        let begin = self.keepers.begin().ok_or(Failure::SnapshotGone)?;
        copy::begin(source, &begin).await?;
        for part in &unit.parts {
            copy::lock_unchanged(source, part).await?;
        }
        Ok(())
    }

    /// Opens a session that holds the locks under which the unit's tables cannot be rewritten.
    pub(crate) async fn guard(&self, wire: &mut Option<Wire>, unit: &Unit) -> Result<(), Failure> {
        let opened = Wire::connect(self.source, Purpose::Source).await.map_err(Failure::Source)?;
        self.watch.holds(opened.pid());
        self.open(wire.insert(opened), unit).await
    }

    /// Carries rows into a staging table, in a transaction of its own on the source.
    pub(crate) async fn fetch(
        &self,
        wanted: &Wanted<'_>,
        source: &mut Option<Wire>,
        target: &mut Option<Wire>,
    ) -> Result<Moved, Failure> {
        self.guard(source, wanted.unit).await?;
        self.stage(wanted, source, target).await
    }

    /// Carries rows into a staging table; the source is inside its transaction.
    pub(crate) async fn stage(
        &self,
        wanted: &Wanted<'_>,
        source: &mut Option<Wire>,
        target: &mut Option<Wire>,
    ) -> Result<Moved, Failure> {
        if target.is_none() {
            let opened = Wire::connect(self.target, Purpose::Target).await;
            let opened = target.insert(opened.map_err(Failure::Target)?);
            // Checks of domains may call functions of the edition.
            let path = format!("SET search_path = {}", self.path);
            opened.query(&path).await.map_err(Failure::Target)?;
        }
        let (Some(source), Some(target)) = (source, target) else {
            return Err(Failure::SnapshotGone);
        };
        let (columns, format) = (column_list(wanted.columns), format_option(wanted.unit.format));
        let (relation, condition) = (wanted.relation, wanted.condition);
        let copy_out = format!(
            "COPY (SELECT {columns} FROM {relation} WHERE {condition}) TO STDOUT ({format})"
        );
        let copied = if columns.is_empty() { columns } else { format!(" ({columns})") };
        let copy_in = format!("COPY {}{copied} FROM STDIN ({format})", wanted.staging.sql());
        let object = wanted.unit.name.to_string();
        let on_progress = |moved: Moved| {
            let Moved { rows, bytes } = moved;
            self.progress.event(Event::Moved { object: &object, rows, bytes });
        };
        let relay = Relay { copy_out: &copy_out, copy_in: &copy_in, on_progress: &on_progress };
        match relay.run(source, target).await {
            Relayed::Done(moved) => Ok(moved),
            Relayed::SourceFailed(error) => Err(judge(error, wanted.unit)),
            Relayed::TargetFailed(error) => Err(Failure::Target(error)),
        }
    }

    /// Decides whether to try again. What failed on the target may be staged or not: the run ends.
    pub(crate) async fn after_failure(
        &self,
        unit: &Unit,
        failure: Failure,
        pid: i32,
        tries: &mut u32,
    ) -> anyhow::Result<()> {
        let name = &unit.name;
        let error = match failure {
            Failure::Source(error) => error,
            Failure::Target(error) => return Err(error).with_context(|| format!("staging {name}")),
            Failure::SnapshotGone | Failure::Done => {
                let problem = Problem::new("the snapshot of the source is gone")
                    .detail("its sessions were ended from outside, or the server restarted");
                return Err(SnapshotLost(problem).into());
            }
            Failure::Spoiled(problem) => return Err(SnapshotLost(problem).into()),
            Failure::TakenOver => {
                return Err(Problem::new("another run has taken over this target").into());
            }
        };
        if self.watch.was_asked_to_yield(pid) || error.sqlstate() == Some("55P03") {
            let problem = Problem::new(format!("stepped aside on {name}"))
                .detail("another session wants to change this table; it is read again after that");
            self.progress.event(Event::Note(&problem));
            return Ok(self.watch.wait_until_free(name).await?);
        }
        *tries += 1;
        if !error.is_retryable() || *tries >= TRIES {
            return Err(error).with_context(|| format!("reading {name}"));
        }
        tokio::time::sleep(PAUSE_BEFORE_RETRY * *tries).await;
        Ok(())
    }
}

/// An error of the source: what was changed under us needs a new snapshot.
pub(crate) fn judge(error: pg::Error, unit: &Unit) -> Failure {
    copy::judge_source(error, unit.parts.first())
}

fn ranges(number: usize, unit: &Unit) -> Vec<Range> {
    let only_part: Option<&PlannedTable> = unit.parts.first().filter(|_| !unit.is_routed);
    let pages = only_part.map_or(0, |part| part.bytes.div_ceil(PAGE_BYTES)) as i64;
    if !unit.is_heap || pages <= RANGE_PAGES {
        return vec![Range { unit: number, pages: None }];
    }
    let count = pages / RANGE_PAGES;
    let piece = |at: i64| {
        let end = (at + 1 < count).then_some((at + 1) * RANGE_PAGES);
        Range { unit: number, pages: Some((at * RANGE_PAGES, end)) }
    };
    (0..count).map(piece).collect()
}
