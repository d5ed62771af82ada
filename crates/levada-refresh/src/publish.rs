//! One transaction of the target makes the next edition: all changes of all tables, what is
//! computed from them, and the row that says so. Readers see the edition before until it commits.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::Context;
use copy::Plan;
use edition::{Busy, Change, Edition, Ledger, OnPublish, Publishing, Saved, Work};
use pg::catalog::{Catalog, SequenceState};
use pg::{Endpoint, Name, Purpose, Session};
use report::{Category, Event, Finding, Problem, Progress};

use crate::capture;
use crate::definitions::{self, Followed};
use crate::foreign_keys;
use crate::scan::Found;
use crate::sequences;
use crate::settle::{Settled, Write};
use crate::settler::{Case, Settler};
use crate::staging;
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
    /// `None` for units that are settled only once definitions have changed.
    pub(crate) settled: &'a [Option<Settled>],
    pub(crate) found: &'a [Found],
    pub(crate) settler: &'a Settler<'a>,
    pub(crate) drift: Option<&'a Followed>,
    pub(crate) plan: &'a Plan,
    /// Where the sequences of the source stand.
    pub(crate) sequences: &'a [SequenceState],
    pub(crate) brings_large_objects: bool,
    /// Tables of which only the definition is carried from now on.
    pub(crate) emptied: &'a [Name],
    /// The `search_path` for functions of the edition.
    pub(crate) path: &'a str,
    pub(crate) wait_at_most: Duration,
    /// What else takes part.
    pub(crate) hook: Option<&'a dyn OnPublish>,
    /// The moment of the source.
    pub(crate) as_of: &'a str,
}

/// What was published.
pub(crate) struct Published {
    pub(crate) edition: i32,
    pub(crate) settled: Vec<Settled>,
    pub(crate) written: Vec<Written>,
    pub(crate) findings: Vec<Finding>,
}

/// Whom a publication works with.
pub(crate) struct Desk<'a> {
    pub(crate) target: &'a Endpoint,
    pub(crate) ledger: &'a Ledger,
    pub(crate) progress: &'a dyn Progress,
}

/// What others who take part are told.
struct Scene<'a> {
    changes: &'a [Change],
    touched: &'a [Name],
    aside: &'a Cell<Option<Saved>>,
}

impl Publication<'_> {
    /// Publishes; locks and readers that are in the way are waited for.
    pub(crate) async fn run(
        &self,
        desk: &Desk<'_>,
        finish: impl AsyncFn(&Session, &[Settled], &[Written]) -> anyhow::Result<i32>,
    ) -> anyhow::Result<Published> {
        desk.ledger.hold().await?;
        let session = Session::open(desk.target, Purpose::Target).await?;
        let patience = Instant::now() + self.wait_at_most;
        let mut has_told = false;
        loop {
            let mut done = None;
            let result = self.attempt(&session, desk, (&finish, &mut done)).await;
            let error = match (result, done) {
                (Ok(()), Some(published)) => return Ok(published),
                (Ok(()), None) => anyhow::anyhow!("an edition was published without a report"),
                (Err(error), Some(published)) if self.is_published(desk, &published).await => {
                    let problem = Problem::new("the answer to the commit was lost");
                    desk.progress.event(Event::Note(&problem.detail(error.to_string())));
                    return Ok(published);
                }
                (Err(error), _) => error,
            };
            let _ = session.batch("ROLLBACK").await;
            let is_locked = error.downcast_ref::<pg::Error>().is_some_and(pg::Error::is_retryable);
            let is_busy = error.is::<Busy>();
            let is_hopeless = session.is_closed() || Instant::now() >= patience;
            if !(is_locked || is_busy) || is_hopeless {
                return Err(error.context("publishing the edition"));
            }
            if !has_told {
                has_told = true;
                desk.progress.event(Event::Note(&waiting(&error)));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn attempt(
        &self,
        session: &Session,
        desk: &Desk<'_>,
        (finish, done): (
            &impl AsyncFn(&Session, &[Settled], &[Written]) -> anyhow::Result<i32>,
            &mut Option<Published>,
        ),
    ) -> anyhow::Result<()> {
        self.begin(session, desk.ledger).await?;
        let dropped = match self.drift {
            Some(drift) => Some((drift, drift.before_rows(session, self.hook).await?)),
            None => None,
        };
        self.refuse_snapshots(session).await?;
        let (units, settled) = self.settle_rest(session).await?;
        let kept = self.keep_old(session, desk, (&units, &settled)).await?;
        let written = self.write(session, desk, (&units, &settled)).await?;
        capture::after(session, (&units, &settled), &kept).await.context("keeping new rows")?;
        if let Some((drift, dropped)) = &dropped {
            drift.after_rows(session, dropped).await?;
        }
        sequences::set(session, self.sequences).await.context("setting sequences")?;
        if self.brings_large_objects {
            let sql = copy::publish_large_objects();
            session.batch(sql).await.context("creating large objects")?;
        }
        let changed = changed_tables(&units, &settled);
        let refreshed = self.refresh_views(session, desk, &changed).await?;
        self.refuse_snapshots(session).await?;
        let started = Instant::now();
        let edition = finish(session, &settled, &written).await?;
        let object = format!("edition {edition}");
        record(session, desk.ledger, Category::Publish, &object, (0, started)).await?;
        let changes: Vec<Change> = kept.into_iter().map(|(_, change)| change).collect();
        let differing = differing_tables(&units, &written).into_iter().chain(refreshed);
        let touched = self.touched(session, differing).await?;
        let aside = Cell::new(dropped.map(|(_, dropped)| dropped.owned));
        let scene = Scene { changes: &changes, touched: &touched, aside: &aside };
        let findings = self.compute(session, desk, edition, &scene).await?;
        // The run has taken as long as all that was computed in it.
        let run = desk.ledger.run();
        let sql = "UPDATE levada.run SET finished_at = clock_timestamp() WHERE number = $1";
        session.execute(sql, &[&run]).await?;
        *done = Some(Published { edition, settled, written, findings });
        Ok(session.batch("COMMIT").await?)
    }

    /// Whether the commit went through although its answer was lost.
    async fn is_published(&self, desk: &Desk<'_>, published: &Published) -> bool {
        let now = match desk.ledger.hold().await {
            Ok(()) => desk.ledger.published().await,
            Err(error) => Err(error),
        };
        matches!(now, Ok(Some(now)) if now.number == published.edition)
    }

    /// Files change behind names: a reader with an older snapshot would find the new rows of one
    /// table beside the old ones of another.
    async fn refuse_snapshots(&self, session: &Session) -> anyhow::Result<()> {
        if !self.drift.is_some_and(Followed::swaps) {
            return Ok(());
        }
        edition::refuse_snapshots(session).await
    }

    /// Old images of the rows that others compute from.
    async fn keep_old(
        &self,
        session: &Session,
        desk: &Desk<'_>,
        rows: (&[Unit], &[Settled]),
    ) -> anyhow::Result<Vec<(usize, Change)>> {
        let Some(hook) = self.hook else { return Ok(Vec::new()) };
        let kept = capture::before(session, hook, rows, self.emptied).await;
        let kept = kept.context("keeping old rows")?;
        let changes: Vec<Change> = kept.iter().map(|(_, change)| change.clone()).collect();
        let scene = Scene { changes: &changes, touched: &[], aside: &Cell::new(None) };
        hook.before_rows(&self.publishing(session, desk, None, &scene)).await?;
        Ok(kept)
    }

    /// What others may compute from, and that is another one now.
    async fn touched(
        &self,
        session: &Session,
        changed: impl Iterator<Item = Name>,
    ) -> anyhow::Result<Vec<Name>> {
        let mut touched = BTreeSet::new();
        if self.hook.is_some() {
            for name in changed.chain(self.emptied.iter().cloned()) {
                touched.extend(capture::with_ancestors(session, &name).await?);
            }
        }
        Ok(touched.into_iter().collect())
    }

    /// Lets others compute from the new rows.
    async fn compute(
        &self,
        session: &Session,
        desk: &Desk<'_>,
        edition: i32,
        scene: &Scene<'_>,
    ) -> anyhow::Result<Vec<Finding>> {
        let mut findings = Vec::new();
        if let Some(hook) = self.hook {
            let publishing = self.publishing(session, desk, Some(edition), scene);
            findings = hook.after_rows(&publishing).await?;
            findings.extend(hook.after_names(&publishing).await?);
            staging::drop_kept(session, scene.changes).await?;
        }
        if let Some(rest) = scene.aside.take() {
            rest.restore(session).await?;
        }
        Ok(findings)
    }

    fn publishing<'b>(
        &'b self,
        session: &'b Session,
        desk: &'b Desk<'_>,
        edition: Option<i32>,
        scene: &'b Scene<'b>,
    ) -> Publishing<'b> {
        static NO_PLACES: BTreeMap<String, String> = BTreeMap::new();
        Publishing {
            session,
            run: desk.ledger.run(),
            edition,
            as_of: self.as_of,
            changes: scene.changes,
            touched: scene.touched,
            is_redefined: self.drift.is_some(),
            is_copy: false,
            aside: scene.aside,
            places: &NO_PLACES,
            progress: desk.progress,
        }
    }

    /// Settles what had to wait for the definitions.
    async fn settle_rest(&self, session: &Session) -> anyhow::Result<(Vec<Unit>, Vec<Settled>)> {
        let mut units = self.units.to_vec();
        let mut settled = Vec::with_capacity(units.len());
        let here = match self.settled.iter().all(Option::is_some) {
            true => None,
            false => Some(Catalog::load(session).await?),
        };
        for (number, unit) in units.iter_mut().enumerate() {
            match (&self.settled[number], &here) {
                (Some(known), _) => settled.push(known.clone()),
                (None, Some(here)) => {
                    let (there, _) = self.settler.catalogs;
                    definitions::facts(unit, there, here)?;
                    unit.refuse_what_needs_a_key()?;
                    let case = Case {
                        number,
                        unit,
                        target: session,
                        is_publishing: true,
                        rows: staging::Purpose::Rows,
                    };
                    let settler = Settler { catalogs: (there, here), ..*self.settler };
                    settled.push(settler.settle(case, self.found[number]).await?);
                }
                (None, None) => {}
            }
        }
        Ok((units, settled))
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
        desk: &Desk<'_>,
        (units, settled): (&[Unit], &[Settled]),
    ) -> anyhow::Result<Vec<Written>> {
        let both = || units.iter().zip(settled);
        let changed = both().filter(|(_, settled)| settled.write != Write::Nothing);
        let changed = changed.map(|(unit, _)| &unit.name).chain(self.emptied);
        let changed: Vec<Name> = changed.cloned().collect();
        let mut keys = Vec::new();
        let is_off = !changed.is_empty() && foreign_keys::switch_off(session).await?;
        if !changed.is_empty() && !is_off {
            keys = foreign_keys::drop_keys(session, &changed).await?;
        }
        if !keys.is_empty() {
            desk.progress.event(Event::Note(&foreign_keys::explain()));
        }
        let mut written = Vec::new();
        for (number, (unit, settled)) in both().enumerate() {
            let started = Instant::now();
            let done = write::unit(session, number, unit, settled).await?;
            written.push(done);
            if settled.write != Write::Nothing {
                let object = unit.name.to_string();
                let category = Category::Apply;
                let took = started.elapsed();
                desk.progress.event(Event::Finished { category, object: &object, took });
                let rows = (done.inserted + done.updated + done.deleted) as u64;
                record(session, desk.ledger, category, &object, (rows, started)).await?;
            }
        }
        // Definitions cannot change while checks of the rows are pending.
        session.batch("SET CONSTRAINTS ALL IMMEDIATE").await.context("checking the rows")?;
        for table in self.emptied {
            session.batch(&format!("DELETE FROM ONLY {}", table.sql())).await?;
        }
        if is_off {
            session.batch("SET LOCAL session_replication_role TO DEFAULT").await?;
        }
        for key in keys {
            session.batch(&key).await.context("adding foreign keys again")?;
        }
        Ok(written)
    }

    async fn refresh_views(
        &self,
        session: &Session,
        desk: &Desk<'_>,
        changed: &BTreeSet<Name>,
    ) -> anyhow::Result<Vec<Name>> {
        let stale = views::stale(&self.plan.populated_views, self.settler.catalogs.0, changed);
        for view in &stale {
            let started = Instant::now();
            let object = view.name.to_string();
            let has_key = views::has_key(session, &view.name).await?;
            let sql = views::refresh(&view.name, has_key);
            let context = || format!("refreshing {object}");
            if has_key {
                session.batch(&sql).await.with_context(context)?;
            } else {
                swap_unseen(session, &sql).await?;
            }
            let (category, took) = (Category::MaterializedView, started.elapsed());
            desk.progress.event(Event::Finished { category, object: &object, took });
            record(session, desk.ledger, category, &object, (0, started)).await?;
        }
        Ok(stale.into_iter().map(|view| view.name.clone()).collect())
    }
}

fn waiting(error: &anyhow::Error) -> Problem {
    let problem = Problem::new("publishing waits for others in the target");
    match error.downcast_ref::<Busy>() {
        Some(Busy(pids)) => problem.detail(format!(
            "transactions of these backends began before the edition: {}",
            pids.iter().map(i32::to_string).collect::<Vec<_>>().join(", ")
        )),
        None => problem.detail("a lock on one of its tables is held"),
    }
}

/// The names of tables that change.
fn changed_tables(units: &[Unit], settled: &[Settled]) -> BTreeSet<Name> {
    let changed = |(unit, settled): &(&Unit, &Settled)| {
        settled.write != Write::Nothing || unit.beside.is_some()
    };
    names(units.iter().zip(settled).filter(changed).map(|(unit, _)| unit))
}

/// The names of tables that hold other rows now: some that were staged may be what they were.
fn differing_tables(units: &[Unit], written: &[Written]) -> BTreeSet<Name> {
    let differs = |(unit, written): &(&Unit, &Written)| {
        unit.beside.is_some() || written.inserted + written.updated + written.deleted > 0
    };
    names(units.iter().zip(written).filter(differs).map(|(unit, _)| unit))
}

fn names<'a>(units: impl Iterator<Item = &'a Unit>) -> BTreeSet<Name> {
    units
        .flat_map(|unit| unit.parts.iter().map(|part| &part.name).chain([&unit.name]))
        .cloned()
        .collect()
}

/// Runs statements that put another file behind a name, unless somebody holds an older snapshot:
/// such a reader would find the new file empty. Whoever is in the way is waited for outside.
async fn swap_unseen(session: &Session, sql: &str) -> anyhow::Result<()> {
    session.batch(sql).await?;
    edition::refuse_snapshots(session).await
}

/// Records time spent in this transaction.
async fn record(
    session: &Session,
    ledger: &Ledger,
    category: Category,
    object: &str,
    (rows, started): (u64, Instant),
) -> pg::Result<()> {
    let work = Work { category, object, rows: Some(rows), bytes: None };
    session.batch(&edition::work_took(ledger.run(), &work, started.elapsed())).await
}
