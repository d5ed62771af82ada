//! Copies one chunk: rows pass from a snapshot of the source into the target, and the row that says
//! so commits with them.

use edition::{ChunkRow, Finished, Work};
use pg::{Moved, Name, Relay, Relayed, Wire, quote_identifier, quote_literal};
use report::{Category, Problem};

use crate::install::Places;
use crate::large_objects;
use crate::plan::{Format, PlannedTable};

/// Why rows were not read or not written.
#[derive(Debug)]
pub enum Failure {
    /// The source's side failed; new sessions may do better.
    Source(pg::Error),
    /// The target's side failed.
    Target(pg::Error),
    /// The snapshot cannot be imported any more.
    SnapshotGone,
    /// The table was truncated, rewritten or changed after the snapshot was taken.
    Spoiled(Problem),
    /// Another run has taken the target over.
    TakenOver,
    /// An earlier try, whose answer was lost, has loaded the chunk.
    Done,
}

/// Everything that copying one chunk needs to know.
pub(crate) struct Job<'a> {
    pub(crate) edition: i32,
    pub(crate) run: i32,
    pub(crate) chunk: &'a ChunkRow,
    /// `None` for the pages of large objects.
    pub(crate) table: Option<&'a PlannedTable>,
    pub(crate) places: &'a Places,
    /// Begins a transaction on the snapshot.
    pub(crate) begin: &'a str,
    /// The snapshot, to be recorded with the chunk.
    pub(crate) snapshot: &'a str,
}

impl Job<'_> {
    /// Copies the chunk over two idle sessions.
    pub(crate) async fn run(
        &self,
        source: &mut Wire,
        target: &mut Wire,
        on_progress: &(dyn Fn(Moved) + Sync),
    ) -> Result<Moved, Failure> {
        let filenode = self.open_source(source).await?;
        self.open_target(target).await?;
        let (copy_out, copy_in) = (self.copy_out(), self.copy_in());
        let relay = Relay { copy_out: &copy_out, copy_in: &copy_in, on_progress };
        let moved = match relay.run(source, target).await {
            Relayed::Done(moved) => moved,
            Relayed::SourceFailed(error) => return Err(judge_source(error, self.table)),
            Relayed::TargetFailed(error) => return Err(Failure::Target(error)),
        };
        self.commit(target, moved, filenode).await.map_err(Failure::Target)?;
        // The rows are safe; the source's read-only transaction holds nothing worth an error.
        let _ = source.query("COMMIT").await;
        Ok(moved)
    }

    /// Imports the snapshot, locks the table, and makes sure that the snapshot still sees its rows:
    /// a table that was truncated or rewritten since looks empty to an older snapshot.
    async fn open_source(&self, source: &mut Wire) -> Result<u32, Failure> {
        begin(source, self.begin).await?;
        match self.table {
            Some(table) => lock_unchanged(source, table).await,
            None => Ok(0),
        }
    }

    async fn open_target(&self, target: &mut Wire) -> Result<(), Failure> {
        let (path, fence) = (self.places.search_path(), edition::fence(self.run));
        let begin = format!("BEGIN; SET LOCAL search_path = {path}; {fence}");
        if target.query(&begin).await.map_err(Failure::Target)?.is_empty() {
            return Err(Failure::TakenOver);
        }
        // Waits for an earlier try whose commit may still be under way.
        let todo = edition::chunk_todo(self.edition, self.chunk);
        if target.query(&todo).await.map_err(Failure::Target)?.is_empty() {
            return Err(Failure::Done);
        }
        if self.is_whole() {
            let truncate = format!("TRUNCATE ONLY {}", self.placed().sql());
            target.query(&truncate).await.map_err(Failure::Target)?;
        }
        Ok(())
    }

    async fn commit(&self, target: &mut Wire, moved: Moved, filenode: u32) -> pg::Result<()> {
        let finished = Finished {
            rows: moved.rows as i64,
            bytes: moved.bytes as i64,
            snapshot: self.snapshot.to_owned(),
            filenode,
        };
        let object = self.chunk.table.to_string();
        let category = match self.table {
            Some(_) => Category::TableData,
            None => Category::LargeObject,
        };
        let work =
            Work { category, object: &object, rows: Some(moved.rows), bytes: Some(moved.bytes) };
        let done = edition::chunk_done(self.edition, self.run, self.chunk, &finished);
        let work = edition::work_done(self.run, &work);
        target.query(&format!("{done}; {work}; COMMIT")).await.map(drop)
    }

    fn is_whole(&self) -> bool {
        self.chunk.first_page.is_none() && self.router().is_none()
    }

    fn router(&self) -> Option<&Name> {
        self.table.and_then(|table| table.router.as_ref())
    }

    fn placed(&self) -> Name {
        self.places.place(&self.chunk.table)
    }

    fn copy_out(&self) -> String {
        let Some(table) = self.table else { return large_objects::copy_out() };
        let format = format_option(table.format);
        let columns = column_list(&table.columns);
        let filter = table.filter.as_ref().map(|filter| format!("({filter})"));
        let conditions: Vec<String> =
            page_condition(self.chunk).into_iter().chain(filter).collect();
        match conditions.join(" AND ") {
            all if all.is_empty() && columns.is_empty() => {
                format!("COPY {} TO STDOUT ({format})", table.name.sql())
            }
            all if all.is_empty() => {
                format!("COPY {} ({columns}) TO STDOUT ({format})", table.name.sql())
            }
            some => format!(
                "COPY (SELECT {columns} FROM ONLY {} WHERE {some}) TO STDOUT ({format})",
                table.name.sql()
            ),
        }
    }

    fn copy_in(&self) -> String {
        let Some(table) = self.table else { return large_objects::copy_in() };
        let columns = column_list(&table.columns);
        let columns = if columns.is_empty() { columns } else { format!(" ({columns})") };
        let freeze = if self.is_whole() { ", FREEZE true" } else { "" };
        let format = format_option(table.format);
        let into = self.places.place(self.router().unwrap_or(&self.chunk.table));
        format!("COPY {}{columns} FROM STDIN ({format}{freeze})", into.sql())
    }
}

/// Begins a transaction on the snapshot.
pub async fn begin(source: &mut Wire, begin: &str) -> Result<(), Failure> {
    source.query(begin).await.map(drop).map_err(judge_import)
}

/// Locks the table against rewriting and makes sure that the snapshot still sees its rows: a table
/// that was truncated or rewritten since looks empty to an older snapshot. Returns its file.
pub async fn lock_unchanged(source: &mut Wire, table: &PlannedTable) -> Result<u32, Failure> {
    let lock = format!("LOCK TABLE ONLY {} IN ACCESS SHARE MODE", table.name.sql());
    let judge = |error| judge_source(error, Some(table));
    source.query(&lock).await.map_err(judge)?;
    let rows = source.query(&still_the_same(table)).await.map_err(judge)?;
    let mut cells = rows.into_iter().next().unwrap_or_default().into_iter().flatten();
    let (filenode, same) = (cells.next(), cells.next());
    match (filenode.and_then(|node| node.parse().ok()), same.as_deref()) {
        (Some(filenode), Some("t")) => Ok(filenode),
        _ => Err(spoiled(&table.name)),
    }
}

/// An error of the source, told apart: what was changed under us needs a new snapshot.
pub fn judge_source(error: pg::Error, table: Option<&PlannedTable>) -> Failure {
    match (error.sqlstate(), table) {
        // Undefined table, undefined column.
        (Some("42P01" | "42703"), Some(table)) => spoiled(&table.name),
        _ => Failure::Source(error),
    }
}

/// Asks for the file of the table, and whether name, file and columns of today are those that the
/// snapshot knows. Queries of `pg_class` see the snapshot, these functions see today.
pub(crate) fn still_the_same(table: &PlannedTable) -> String {
    let numbers: Vec<String> = table.column_numbers.iter().map(i16::to_string).collect();
    let names: Vec<String> = table.columns.iter().map(|name| quote_literal(name)).collect();
    // Names last: they may read like any of the marks.
    include_str!("sql/still_the_same.sql")
        .replace("@oid@", &table.oid.to_string())
        .replace("@columns@", &numbers.join(","))
        .replace("@names@", &names.join(","))
        .replace("@name@", &quote_literal(&table.name.sql()))
}

/// A snapshot whose keeper is gone cannot be imported.
fn judge_import(error: pg::Error) -> Failure {
    match error.sqlstate() {
        Some("22023" | "55000" | "42704") => Failure::SnapshotGone,
        _ => Failure::Source(error),
    }
}

fn spoiled(table: &Name) -> Failure {
    let problem =
        Problem::new(format!("{table} was truncated, rewritten or changed on the source"))
            .detail("its rows as of the snapshot can no longer be read");
    Failure::Spoiled(problem)
}

/// The option of COPY.
pub fn format_option(format: Format) -> &'static str {
    match format {
        Format::Binary => "FORMAT binary",
        Format::Text => "FORMAT text",
    }
}

/// Quoted names, separated by commas.
pub fn column_list(columns: &[String]) -> String {
    columns.iter().map(|column| quote_identifier(column)).collect::<Vec<_>>().join(", ")
}

/// The condition that selects a chunk's pages; the planner turns it into a TID range scan.
pub(crate) fn page_condition(chunk: &ChunkRow) -> Option<String> {
    let first = chunk.first_page?;
    let from = format!("ctid >= '({first},0)'::pg_catalog.tid");
    Some(match chunk.end_page {
        Some(end) => format!("{from} AND ctid < '({end},0)'::pg_catalog.tid"),
        None => from,
    })
}
