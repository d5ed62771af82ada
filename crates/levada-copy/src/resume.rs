//! Continues what an earlier run began under a snapshot that is gone: proves, table by table, that
//! the new snapshot sees the same rows, keeps what is proven, and resets the rest.
//!
//! The proof: a chunk's file is the same, no row in its pages was written since the old snapshot,
//! and there are as many rows as were copied. No new row and no missing row means the same rows.

use std::collections::{BTreeMap, BTreeSet};

use edition::{ChunkRow, Edition, Finished, Ledger, StepRow};
use pg::{Endpoint, Identity, Keepers, Name, Session, Watch, quote_literal};

use crate::chunk::{self, page_condition};
use crate::install::Places;
use crate::large_objects;
use crate::plan::Plan;

/// Which tables the new snapshot still proves, and which are read again.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) kept: Vec<Name>,
    pub(crate) again: Vec<Name>,
}

/// What a proof needs of the source.
pub(crate) struct Prover<'a> {
    pub(crate) source: &'a Endpoint,
    /// Of the new snapshot.
    pub(crate) keepers: &'a Keepers,
    pub(crate) watch: &'a Watch,
    pub(crate) plan: &'a Plan,
}

/// Judges all chunks that are done. A proof that has to give way to somebody's DDL proves nothing.
pub(crate) async fn judge(
    prover: &Prover<'_>,
    chunks: &[ChunkRow],
    is_same_history: bool,
) -> pg::Result<Verdict> {
    let mut done: BTreeMap<&Name, Vec<(&ChunkRow, &Finished)>> = BTreeMap::new();
    for chunk in chunks {
        if let Some(finished) = &chunk.done {
            done.entry(&chunk.table).or_default().push((chunk, finished));
        }
    }
    let mut verdict = Verdict::default();
    for (table, chunks) in done {
        let is_comparable = is_same_history && !large_objects::is_large_objects(table);
        let is_same = is_comparable && prover.is_table_unchanged(&chunks).await?;
        if is_same { verdict.kept.push(table.clone()) } else { verdict.again.push(table.clone()) }
    }
    verdict.keep_only_whole(prover.plan);
    Ok(verdict)
}

impl Verdict {
    /// Rows that came through one router stand mixed in its partitions: all are kept, or none.
    fn keep_only_whole(&mut self, plan: &Plan) {
        let routed =
            || plan.tables.iter().filter_map(|table| Some((table, table.router.as_ref()?)));
        let again = routed().filter(|(table, _)| self.again.contains(&table.name));
        let mixed: BTreeSet<&Name> = again.map(|(_, router)| router).collect();
        let spoiled = routed().filter(|(_, router)| mixed.contains(router));
        let spoiled: BTreeSet<&Name> = spoiled.map(|(table, _)| &table.name).collect();
        self.kept.retain(|name| !spoiled.contains(name));
        self.again.retain(|name| !spoiled.contains(name));
        self.again.extend(spoiled.into_iter().cloned());
    }
}

impl Prover<'_> {
    async fn is_table_unchanged(&self, chunks: &[(&ChunkRow, &Finished)]) -> pg::Result<bool> {
        let session = self.keepers.session(self.source).await?;
        self.watch.holds(session.pid());
        let mut result = Ok(true);
        for (chunk, finished) in chunks {
            result = is_unchanged(&session, self.plan, chunk, finished).await;
            if !matches!(result, Ok(true)) {
                break;
            }
        }
        self.watch.released(session.pid());
        match result {
            Err(error) if error.is_retryable() => Ok(false),
            other => other,
        }
    }
}

/// Transaction ids mean the same only on one server and one timeline.
pub(crate) fn is_same_history(edition: &Edition, source: &Identity) -> bool {
    edition.source.system_identifier == source.system_identifier
        && edition.source.timeline == source.timeline
        && edition.source.database_oid == source.database_oid
}

async fn is_unchanged(
    source: &Session,
    plan: &Plan,
    chunk_row: &ChunkRow,
    finished: &Finished,
) -> pg::Result<bool> {
    let Some(table) = plan.tables.iter().find(|table| table.name == chunk_row.table) else {
        return Ok(false);
    };
    let Some(bound) = finished.snapshot.split(':').next().and_then(|xmin| xmin.parse().ok()) else {
        return Ok(false);
    };
    let bound: u64 = bound;
    let pages = page_condition(chunk_row).unwrap_or_else(|| "true".to_owned());
    let name = table.name.sql();
    source.batch(&format!("LOCK TABLE ONLY {name} IN ACCESS SHARE MODE")).await?;
    let same = source.one(&chunk::still_the_same(table), &[]).await?;
    let current: String = source.one("SELECT pg_current_snapshot()::text", &[]).await?.get(0);
    let is_same_file = same.get::<_, u32>(0) == finished.filenode && same.get::<_, bool>(1);
    let now: u64 = current.split(':').next().and_then(|xmin| xmin.parse().ok()).unwrap_or(u64::MAX);
    // Row versions carry 32 bits of the id: beyond 2^31 transactions old and new look alike.
    let is_near = now.saturating_sub(bound) < 1 << 31;
    if !is_same_file || !is_near || !pg::sees_all_of(&current, &finished.snapshot) {
        return Ok(false);
    }
    let bound = quote_literal(&(bound & 0xffff_ffff).to_string());
    let filter = table.filter.as_deref().unwrap_or("true");
    let count = format!(
        "SELECT count(*), count(*) FILTER (WHERE age(xmin) <= age({bound}::xid)) \
         FROM ONLY {name} WHERE {pages} AND ({filter})"
    );
    let row = source.one(&count, &[]).await?;
    let (rows, written): (i64, i64) = (row.get(0), row.get(1));
    Ok(written == 0 && rows == finished.rows)
}

/// Forgets what was loaded into `tables`, with the indexes and keys built on them.
pub(crate) async fn reset(
    ledger: &Ledger,
    edition: i32,
    places: &Places,
    steps: &[StepRow],
    tables: &[Name],
) -> pg::Result<()> {
    for table in tables {
        let concerns = |step: &&StepRow| {
            step.table.as_ref() == Some(table) || step.references.as_ref() == Some(table)
        };
        let undone: Vec<&StepRow> = steps.iter().rev().filter(concerns).collect();
        let numbers: Vec<String> = undone.iter().map(|step| step.number.to_string()).collect();
        let (schema, name) = (quote_literal(&table.schema), quote_literal(&table.name));
        let mut statements: Vec<String> =
            undone.iter().filter_map(|step| step.undo.clone()).collect();
        statements.push(format!("TRUNCATE ONLY {}", places.place(table).sql()));
        statements.push(format!(
            "UPDATE levada.step SET state = 'todo' WHERE edition = {edition} \
             AND number = ANY ('{{{}}}')",
            numbers.join(",")
        ));
        statements.push(format!(
            "UPDATE levada.chunk SET state = 'todo' WHERE edition = {edition} \
             AND schema_name = {schema} AND table_name = {name}"
        ));
        ledger.transaction(&statements.join("; ")).await?;
    }
    Ok(())
}
