//! One transaction of the target makes the next edition: all changes of all tables, what is
//! computed from them, and the row that says so. Readers see the edition before until it commits.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::Context;
use copy::PopulatedView;
use edition::{Edition, Ledger, Work};
use pg::{Endpoint, Name, Purpose, Session};
use report::{Category, Event, Problem, Progress};

use crate::foreign_keys;
use crate::readers;
use crate::sequences;
use crate::settle::{Settled, Write};
use crate::unit::Unit;
use crate::views;
use crate::write::{self, Written};

/// How often we look whether readers of the old edition are done.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Shorter than PostgreSQL's `deadlock_timeout`: we give way, never a reader.
const LOCK_TIMEOUT_MS: u32 = 300;
/// Sorts of staged rows stay in memory up to here.
const SORT_MEMORY: &str = "64MB";

/// What is to be published.
pub(crate) struct Publication<'a> {
    pub(crate) base: &'a Edition,
    pub(crate) units: &'a [Unit],
    pub(crate) settled: &'a [Settled],
    /// Materialised views in the order of computing them.
    pub(crate) stale_views: &'a [&'a PopulatedView],
    pub(crate) sequences: &'a [pg::catalog::SequenceState],
    pub(crate) brings_large_objects: bool,
    /// The `search_path` for functions of the edition.
    pub(crate) path: &'a str,
    pub(crate) wait_at_most: Duration,
}

/// What was published.
pub(crate) struct Published {
    pub(crate) edition: i32,
    pub(crate) written: Vec<Written>,
}

impl Publication<'_> {
    /// Publishes; a lock that others hold is waited for.
    pub(crate) async fn run(
        &self,
        target: &Endpoint,
        ledger: &Ledger,
        progress: &dyn Progress,
        finish: impl AsyncFn(&Session, &[Written]) -> anyhow::Result<i32>,
    ) -> anyhow::Result<Published> {
        ledger.hold().await?;
        let session = Session::open(target, Purpose::Target).await?;
        let patience = Instant::now() + self.wait_at_most;
        loop {
            let result = self.attempt(&session, ledger, progress, patience, &finish).await;
            let error = match result {
                Ok(published) => return Ok(published),
                Err(error) => error,
            };
            let _ = session.batch("ROLLBACK").await;
            let is_locked = error.downcast_ref::<pg::Error>().is_some_and(pg::Error::is_retryable);
            if !is_locked || session.is_closed() || Instant::now() >= patience {
                return Err(error.context("publishing the edition"));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn attempt(
        &self,
        session: &Session,
        ledger: &Ledger,
        progress: &dyn Progress,
        patience: Instant,
        finish: &impl AsyncFn(&Session, &[Written]) -> anyhow::Result<i32>,
    ) -> anyhow::Result<Published> {
        self.begin(session, ledger).await?;
        let written = self.write(session, ledger, progress).await?;
        sequences::set(session, self.sequences).await.context("setting sequences")?;
        if self.brings_large_objects {
            let sql = copy::publish_large_objects();
            session.batch(sql).await.context("creating large objects")?;
        }
        self.refresh_views(session, ledger, progress, patience).await?;
        let edition = finish(session, &written).await?;
        let object = format!("edition {edition}");
        record(session, ledger, Category::Publish, &object, None).await?;
        session.batch("COMMIT").await?;
        Ok(Published { edition, written })
    }

    async fn begin(&self, session: &Session, ledger: &Ledger) -> anyhow::Result<()> {
        let path = self.path;
        let settings = format!(
            "BEGIN; SET LOCAL synchronous_commit = on; SET LOCAL search_path = {path}; \
             SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}; SET LOCAL work_mem = '{SORT_MEMORY}'"
        );
        session.batch(&settings).await?;
        if session.rows(&edition::fence(ledger.run()), &[]).await?.is_empty() {
            return Err(Problem::new("another run has taken over this target").into());
        }
        if session.rows(&edition::still_published(self.base.number), &[]).await?.is_empty() {
            let number = self.base.number;
            let problem = Problem::new(format!("edition {number} is not the published one"))
                .hint("run the same command again");
            return Err(problem.into());
        }
        Ok(())
    }

    async fn write(
        &self,
        session: &Session,
        ledger: &Ledger,
        progress: &dyn Progress,
    ) -> anyhow::Result<Vec<Written>> {
        let changed: Vec<Name> = self.changed().map(|unit| unit.name.clone()).collect();
        let mut keys = Vec::new();
        if !changed.is_empty() && !foreign_keys::switch_off(session).await? {
            keys = foreign_keys::drop_keys(session, &changed).await?;
        }
        let mut written = Vec::new();
        for (number, (unit, settled)) in self.units.iter().zip(self.settled).enumerate() {
            let started = Instant::now();
            let done = write::unit(session, number, unit, settled).await?;
            written.push(done);
            if settled.write != Write::Nothing {
                let object = unit.name.to_string();
                let category = Category::Apply;
                let took = started.elapsed();
                progress.event(Event::Finished { category, object: &object, took });
                let rows = (done.inserted + done.updated + done.deleted) as u64;
                record(session, ledger, category, &object, Some((rows, started))).await?;
            }
        }
        for key in keys {
            session.batch(&key).await.context("adding foreign keys again")?;
        }
        Ok(written)
    }

    fn changed(&self) -> impl Iterator<Item = &Unit> {
        let both = self.units.iter().zip(self.settled);
        both.filter(|(_, settled)| settled.write != Write::Nothing).map(|(unit, _)| unit)
    }

    /// The names of tables that change.
    pub(crate) fn changed_tables(units: &[Unit], settled: &[Settled]) -> BTreeSet<Name> {
        let both = units.iter().zip(settled);
        let changed = both.filter(|(_, settled)| settled.write != Write::Nothing);
        changed
            .flat_map(|(unit, _)| unit.parts.iter().map(|part| &part.name).chain([&unit.name]))
            .cloned()
            .collect()
    }

    async fn refresh_views(
        &self,
        session: &Session,
        ledger: &Ledger,
        progress: &dyn Progress,
        patience: Instant,
    ) -> anyhow::Result<()> {
        for view in self.stale_views {
            let started = Instant::now();
            let object = view.name.to_string();
            let has_key = views::has_key(session, &view.name).await?;
            let sql = views::refresh(&view.name, has_key);
            let context = || format!("refreshing {object}");
            if has_key {
                session.batch(&sql).await.with_context(context)?;
            } else {
                swap_unseen(session, &sql, progress, patience).await.with_context(context)?;
            }
            let (category, took) = (Category::MaterializedView, started.elapsed());
            progress.event(Event::Finished { category, object: &object, took });
            record(session, ledger, category, &object, Some((0, started))).await?;
        }
        Ok(())
    }
}

/// Runs statements that put other files behind names, at a moment when nobody holds an older
/// snapshot: such a reader would find the new file empty, or newer than the rest.
pub(crate) async fn swap_unseen(
    session: &Session,
    sql: &str,
    progress: &dyn Progress,
    patience: Instant,
) -> anyhow::Result<()> {
    let mut has_told = false;
    loop {
        session.batch("SAVEPOINT levada_swap").await?;
        let result = session.batch(sql).await;
        let readers = match &result {
            Ok(()) => readers::holding_snapshots(session).await?,
            Err(error) if error.sqlstate() == Some("55P03") => Vec::new(),
            Err(_) => return Ok(result?),
        };
        if result.is_ok() && readers.is_empty() {
            return Ok(session.batch("RELEASE SAVEPOINT levada_swap").await?);
        }
        session.batch("ROLLBACK TO SAVEPOINT levada_swap").await?;
        if Instant::now() >= patience {
            let pids: Vec<String> = readers.iter().map(i32::to_string).collect();
            let problem = Problem::new("readers of the old edition do not end")
                .detail(format!("their backends: {}", pids.join(", ")))
                .hint("end them, or run the same command again later");
            return Err(problem.into());
        }
        if !has_told {
            has_told = true;
            progress.event(Event::Note(&Problem::new(
                "waiting for readers whose transactions began before the edition",
            )));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Records time spent in this transaction.
async fn record(
    session: &Session,
    ledger: &Ledger,
    category: Category,
    object: &str,
    spent: Option<(u64, Instant)>,
) -> pg::Result<()> {
    let rows = spent.map(|(rows, _)| rows);
    let work = Work { category, object, rows, bytes: None };
    let took = spent.map(|(_, started)| started.elapsed());
    session.batch(&edition::work_took(ledger.run(), &work, took)).await
}
