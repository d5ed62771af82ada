//! Carries out one step after the rows: its statement and its record commit together.

use edition::{Stage, StepRow, Work};
use pg::{Error, Name, Result, Session};
use report::Problem;

/// Sort memory of an index build, at least: sized to the processor's cache, not to the RAM.
/// Measured: 8-32 MB beat 1 GB by 13 of 67 s on 13 million rows.
const SORT_BYTES_MIN: f64 = 16.0 * MIB;
const SORT_BYTES_MAX: f64 = 512.0 * MIB;
const MIB: f64 = 1024.0 * 1024.0;
/// A parallel build needs 32 MiB for each participant, or PostgreSQL silently builds serially.
const PARALLEL_SORT_MIB: u32 = 32;
/// Below this, starting a parallel worker costs more than it gains.
const PARALLEL_BYTES_MIN: i64 = 64 * 1024 * 1024;

/// One step to carry out.
pub(crate) struct Build<'a> {
    pub(crate) edition: i32,
    pub(crate) run: i32,
    pub(crate) step: &'a StepRow,
    /// Where the step's table stands until the edition is published.
    pub(crate) placed: Option<Name>,
    pub(crate) search_path: &'a str,
    /// As reported.
    pub(crate) object: &'a str,
    /// Cores that nobody else will use while this runs.
    pub(crate) idle_cores: usize,
}

impl Build<'_> {
    pub(crate) async fn run(&self, session: &Session) -> Result<()> {
        session.batch("BEGIN").await?;
        let result = self.inside(session).await;
        if result.is_err() {
            let _ = session.batch("ROLLBACK").await;
        }
        result
    }

    async fn inside(&self, session: &Session) -> Result<()> {
        if session.rows(&edition::fence(self.run), &[]).await?.is_empty() {
            return Err(Error::Refused(Problem::new("another run has taken over this target")));
        }
        // Waits for an earlier try whose commit may still be under way.
        let state = "SELECT state = 'done' FROM levada.step WHERE edition = $1 AND number = $2 \
                     FOR UPDATE";
        let is_done = session.one(state, &[&self.edition, &self.step.number]).await?;
        if is_done.get(0) {
            // The commit of an earlier try went through although its answer was lost.
            return session.batch("ROLLBACK").await;
        }
        let work =
            Work { category: self.step.category, object: self.object, rows: None, bytes: None };
        let done = edition::step_done(self.edition, self.run, self.step.number);
        let work = edition::work_done(self.run, &work);
        let statement = &self.step.statement;
        let settings = self.settings() + self.join_method(session).await?;
        session.batch(&format!("{settings}{statement}; {done}; {work}; COMMIT")).await
    }

    /// A foreign key of numbers into a large table is checked faster by merging than by hashing,
    /// whose table does not fit into the cache. Measured on 3 million rows into 2 million, in
    /// random and in growing order: 0.7-0.9 s against 1.2-1.6 s.
    async fn join_method(&self, session: &Session) -> Result<&'static str> {
        let (Stage::Validate, Some(table)) = (self.step.stage, &self.placed) else { return Ok("") };
        let sql = include_str!("sql/merges_better.sql");
        let row = session.maybe(sql, &[&table.schema, &table.name, &self.step.object]).await?;
        let merges_better = row.is_some_and(|row| row.get(0));
        Ok(if merges_better { "SET LOCAL enable_hashjoin = off; " } else { "" })
    }

    fn settings(&self) -> String {
        let is_parallel = self.idle_cores > 0 && self.step.volume >= PARALLEL_BYTES_MIN;
        let (memory, workers) = match self.step.stage {
            Stage::Index | Stage::Constraint if is_parallel => {
                (PARALLEL_SORT_MIB * (self.idle_cores as u32 + 1), self.idle_cores)
            }
            _ => (sort_mib(self.step.volume), 0),
        };
        format!(
            "SET LOCAL search_path = {path}; SET LOCAL maintenance_work_mem = '{memory}MB'; \
             SET LOCAL max_parallel_maintenance_workers = {workers}; ",
            path = self.search_path
        )
    }
}

/// The smallest memory that still merges in one pass: about sqrt(volume x 0.27 MB).
fn sort_mib(volume: i64) -> u32 {
    let bytes = (volume.max(0) as f64 * 0.27e6).sqrt().clamp(SORT_BYTES_MIN, SORT_BYTES_MAX);
    (bytes / MIB).ceil() as u32
}

#[cfg(test)]
mod tests {
    use super::sort_mib;

    #[test]
    fn sort_memory_follows_the_cache_and_grows_slowly() {
        let gib = 1024 * 1024 * 1024;
        assert_eq!([0, gib, 100 * gib].map(sort_mib), [16, 17, 163]);
    }
}
