//! The rows of the `levada` schema as values, and the statements that workers put into the
//! transaction that did the work.

use std::time::Duration;

use pg::{Name, quote_literal};
use report::Category;
use serde::Serialize;

/// Where an edition is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Placement {
    /// In the schemas where it will be read: the target held nothing before.
    Direct,
    /// In schemas beside, swapped in when it is complete.
    Beside,
}

impl Placement {
    /// The word in the records.
    pub fn label(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Beside => "beside",
        }
    }

    pub(crate) fn from_label(label: &str) -> Self {
        if label == "beside" { Self::Beside } else { Self::Direct }
    }
}

/// An edition as recorded.
#[derive(Debug, Clone)]
pub struct Edition {
    pub number: i32,
    pub state: String,
    pub placement: Placement,
    /// Of the request: a different one cannot be resumed.
    pub fingerprint: String,
    pub source: pg::Identity,
    pub schemas: Vec<String>,
    /// Of the definitions; `None` until they stand in the target.
    pub definitions: Option<String>,
    /// Statements that belong into the publish transaction.
    pub late_statements: Vec<String>,
    /// What was created for it, as quoted names.
    pub objects: Vec<String>,
    /// What the target held when it was begun, as quoted names: the only things it may drop.
    pub replaces: Vec<String>,
    pub as_of: Option<String>,
    /// `xmin:xmax:xip_list` of the source.
    pub snapshot: Option<String>,
    /// Write-ahead log position of the source, not before the snapshot.
    pub lsn: Option<String>,
    /// A crash of the source could not take away what the snapshot saw.
    pub is_durable: bool,
    /// The definitions of the source, as [`crate::written`] writes them.
    pub shape: Option<String>,
    pub shape_hash: Option<String>,
}

/// How a table reaches the edition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableRow {
    #[serde(flatten)]
    pub name: Name,
    pub mode: String,
    pub format: String,
    pub reason: Option<String>,
    /// `pg_class.oid` at the source.
    pub source_oid: Option<u32>,
    /// SQL condition on the rows of the source.
    #[serde(rename = "where")]
    pub filter: Option<String>,
    /// `mirror` or `keep`.
    pub deletes: String,
    /// In the target; `None` until published, and where it is not known.
    pub rows: Option<i64>,
    /// How this edition got its rows.
    pub method: String,
    pub inserted: i64,
    pub updated: i64,
    pub deleted: i64,
}

impl TableRow {
    /// A table of a first copy; its rows are counted when it is published.
    pub fn copied(name: Name, mode: &str, format: &str) -> Self {
        Self {
            name,
            mode: mode.to_owned(),
            format: format.to_owned(),
            reason: None,
            source_oid: None,
            filter: None,
            deletes: "mirror".to_owned(),
            rows: None,
            method: "copy".to_owned(),
            inserted: 0,
            updated: 0,
            deleted: 0,
        }
    }
}

/// A range of a table, `[first_page, end_page)`; no pages mean the whole table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkRow {
    pub table: Name,
    pub number: i32,
    pub first_page: Option<i64>,
    pub end_page: Option<i64>,
    pub done: Option<Finished>,
}

/// What is known of a finished chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    pub rows: i64,
    pub bytes: i64,
    /// The snapshot it was read in: `xmin:xmax:xip_list`.
    pub snapshot: String,
    pub filenode: u32,
}

/// When a step may run. The order is the order of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Stage {
    /// Several at once on one table, after its rows.
    Index = 1,
    /// One at a time on a table, after its indexes.
    Constraint = 2,
    /// After the table's constraints.
    Analyze = 3,
    /// Indexes and keys of partitioned tables, after all tables.
    Partitioned = 4,
    /// Attaching the partitions' indexes to those, in order.
    Attach = 5,
    /// Foreign keys of a table in their order, as soon as both its ends are built.
    ForeignKey = 6,
    /// Validation, one at a time on a referencing table.
    Validate = 7,
    /// Materialised views, in order of dependency.
    Refresh = 8,
}

impl Stage {
    const ALL: [Self; 8] = [
        Self::Index,
        Self::Constraint,
        Self::Analyze,
        Self::Partitioned,
        Self::Attach,
        Self::ForeignKey,
        Self::Validate,
        Self::Refresh,
    ];

    pub(crate) fn from_number(number: i32) -> Self {
        Self::ALL.into_iter().find(|stage| *stage as i32 == number).unwrap_or(Self::Refresh)
    }
}

/// A statement to run after the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRow {
    pub number: i32,
    pub stage: Stage,
    pub category: Category,
    /// The table it works on, under its final name.
    pub table: Option<Name>,
    /// The table that a foreign key references, unless one of the two is partitioned.
    pub references: Option<Name>,
    pub object: String,
    pub statement: String,
    /// What takes the result away again, so that the table can be loaded anew.
    pub undo: Option<String>,
    /// Bytes of the table it works on: sizes its memory.
    pub volume: i64,
    /// How long it will take compared to others: longest first.
    pub weight: i64,
    pub is_done: bool,
}

/// A finished piece of work for the reports.
#[derive(Debug, Clone, Copy)]
pub struct Work<'a> {
    pub category: Category,
    pub object: &'a str,
    pub rows: Option<u64>,
    pub bytes: Option<u64>,
}

/// Locks the run's row against a take-over for this transaction; returns a row only while `run` may
/// still write.
pub fn fence(run: i32) -> String {
    format!("SELECT 1 FROM levada.run WHERE number = {run} AND outcome = 'running' FOR SHARE")
}

const DONE_BY: &str = "state = 'done', run =";

/// Marks a chunk as done; belongs into the transaction that loaded it.
pub fn chunk_done(edition: i32, run: i32, chunk: &ChunkRow, finished: &Finished) -> String {
    let (schema, table) = (quote_literal(&chunk.table.schema), quote_literal(&chunk.table.name));
    let snapshot = quote_literal(&finished.snapshot);
    let Finished { rows, bytes, filenode, .. } = finished;
    let number = chunk.number;
    let recorded =
        format!("snapshot = {snapshot}, filenode = {filenode}, rows = {rows}, bytes = {bytes}");
    let chunk = format!(
        "edition = {edition} AND schema_name = {schema} AND table_name = {table} \
         AND number = {number}"
    );
    let times = "started_at = now(), finished_at = clock_timestamp()";
    format!("UPDATE levada.chunk SET {DONE_BY} {run}, {recorded}, {times} WHERE {chunk}")
}

/// Locks a chunk's row; returns a row only while the chunk is not loaded.
pub fn chunk_todo(edition: i32, chunk: &ChunkRow) -> String {
    let (schema, table) = (quote_literal(&chunk.table.schema), quote_literal(&chunk.table.name));
    let number = chunk.number;
    format!(
        "SELECT 1 FROM (SELECT state FROM levada.chunk WHERE edition = {edition} \
         AND schema_name = {schema} AND table_name = {table} AND number = {number} FOR UPDATE) c \
         WHERE state = 'todo'"
    )
}

/// Marks a step as done; belongs into the transaction that carried it out.
pub fn step_done(edition: i32, run: i32, step: i32) -> String {
    format!(
        "UPDATE levada.step SET state = 'done', run = {run}, started_at = now(), \
         finished_at = clock_timestamp() WHERE edition = {edition} AND number = {step}"
    )
}

/// Records time spent; belongs into the transaction that spent it.
pub fn work_done(run: i32, work: &Work<'_>) -> String {
    work_began(run, work, "now()")
}

fn work_began(run: i32, work: &Work<'_>, began: &str) -> String {
    let category = quote_literal(work.category.label());
    let object = quote_literal(work.object);
    let number = |value: Option<u64>| value.map_or("NULL".to_owned(), |v| v.to_string());
    let (rows, bytes) = (number(work.rows), number(work.bytes));
    format!(
        "INSERT INTO levada.work (run, category, object, started_at, rows, bytes) \
         VALUES ({run}, {category}, {object}, {began}, {rows}, {bytes})"
    )
}

/// Records time spent by several statements of one long transaction.
pub fn work_took(run: i32, work: &Work<'_>, took: Duration) -> String {
    let began = format!("clock_timestamp() - interval '{} microseconds'", took.as_micros());
    work_began(run, work, &began)
}

/// Makes an edition the published one and ends its run; belongs into the publish transaction.
pub fn published(edition: i32, run: i32) -> String {
    let sql = include_str!("sql/published.sql");
    sql.replace("@edition@", &edition.to_string()).replace("@run@", &run.to_string())
}

/// Gives an edition up; its tables, chunks and steps are forgotten.
pub fn abandoned(edition: i32) -> String {
    include_str!("sql/abandoned.sql").replace("@edition@", &edition.to_string())
}
