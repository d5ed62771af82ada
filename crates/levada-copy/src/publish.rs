//! Makes an edition the one that readers see, in one transaction.
//!
//! An edition built beside is renamed into place while the old one is locked: readers see the old
//! one whole, wait for a moment, then see the new one whole. Readers with a snapshot older than the
//! loads would see its tables empty, so publishing waits for them first.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context;
use edition::{Busy, Ledger, OnPublish, Placement, Publishing, Saved, Work};
use pg::{Endpoint, Purpose, Row, Session, quote_identifier};
use report::{Category, Event, Finding, Problem, Progress};

use crate::install::{NEXT, OLD, Places, beside, existing_schemas, extensions_in};
use crate::large_objects;
use crate::start;

/// How often we look whether readers of the old edition are done.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Shorter than PostgreSQL's `deadlock_timeout`: when a reader and we wait for each other, it is we
/// who give way and try again, never the reader who is cancelled.
const LOCK_TIMEOUT_MS: u32 = 300;

/// What is to be published.
pub(crate) struct Publication<'a> {
    pub(crate) edition: i32,
    pub(crate) places: &'a Places,
    pub(crate) late_statements: &'a [String],
    /// What the edition may drop, as quoted names.
    pub(crate) replaces: &'a [String],
    /// How long readers of the old edition are waited for.
    pub(crate) wait_at_most: Duration,
    /// Who else takes part.
    pub(crate) hook: Option<&'a dyn OnPublish>,
}

impl Publication<'_> {
    pub(crate) async fn run(
        &self,
        target: &Endpoint,
        ledger: &Ledger,
        progress: &dyn Progress,
    ) -> anyhow::Result<Vec<Finding>> {
        let session = Session::open(target, Purpose::Target).await?;
        let patience = Instant::now() + self.wait_at_most;
        if self.places.placement == Placement::Beside {
            self.wait_for_old_readers(&session, patience, progress).await?;
        }
        loop {
            session.batch("BEGIN").await?;
            let mut findings = Vec::new();
            let result = self.inside(&session, ledger, (progress, &mut findings)).await;
            let Err(error) = result else { return Ok(findings) };
            let _ = session.batch("ROLLBACK").await;
            if is_published(ledger, self.edition).await {
                // The commit went through although its answer was lost.
                return Ok(findings);
            }
            let is_locked = error.downcast_ref::<pg::Error>().is_some_and(pg::Error::is_retryable);
            if !(is_locked || error.is::<Busy>())
                || session.is_closed()
                || Instant::now() >= patience
            {
                return Err(error.context("publishing the edition"));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn inside(
        &self,
        session: &Session,
        ledger: &Ledger,
        (progress, findings): (&dyn Progress, &mut Vec<Finding>),
    ) -> anyhow::Result<()> {
        let settings = format!(
            "SET LOCAL synchronous_commit = on; SET LOCAL check_function_bodies = off; \
             SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}"
        );
        session.batch(&settings).await?;
        if session.rows(&edition::fence(ledger.run()), &[]).await?.is_empty() {
            return Err(Problem::new("another run has taken over this target").into());
        }
        let as_of = self.as_of(session).await?;
        let places = self.places.by_schema();
        let aside = Cell::new(None);
        let publishing = Publishing {
            session,
            run: ledger.run(),
            edition: Some(self.edition),
            as_of: &as_of,
            changes: &[],
            touched: &[],
            is_redefined: true,
            is_copy: true,
            aside: &aside,
            places: &places,
            progress,
        };
        if let Some(hook) = self.hook {
            findings.extend(hook.after_rows(&publishing).await?);
        }
        let (mut old, mut saved) = (Vec::new(), None);
        if self.places.placement == Placement::Beside {
            saved = Some(step_aside(session, &self.places.schemas).await?);
            old = self.swap(session).await?;
        }
        for statement in self.late_statements {
            let first_words: Vec<_> = statement.split_whitespace().take(4).collect();
            session.batch(statement).await.with_context(|| first_words.join(" "))?;
        }
        session.batch(large_objects::publish()).await.context("creating large objects")?;
        self.take_over(session, &old).await?;
        if let Some(mut saved) = saved {
            if let Some(hook) = self.hook {
                aside.set(Some(saved.split_off(|name| hook.owns(name))));
            }
            saved.restore(session).await?;
        }
        if let Some(hook) = self.hook {
            let places = BTreeMap::new();
            let publishing = Publishing { places: &places, ..publishing };
            findings.extend(hook.after_names(&publishing).await?);
        }
        if let Some(rest) = aside.take() {
            rest.restore(session).await?;
        }
        let object = format!("edition {}", self.edition);
        let work = Work { category: Category::Publish, object: &object, rows: None, bytes: None };
        let (edition, run) = (self.edition, ledger.run());
        let work = edition::work_done(run, &work);
        session.batch(&format!("{work}; {}", edition::published(edition, run))).await?;
        Ok(session.batch("COMMIT").await?)
    }

    /// The moment of the source, as recorded.
    async fn as_of(&self, session: &Session) -> anyhow::Result<String> {
        let row = session.one(include_str!("sql/as_of.sql"), &[&self.edition]).await?;
        Ok(row.get(0))
    }

    /// Renames the new schemas into place; returns the old ones under their new names.
    async fn swap(&self, session: &Session) -> anyhow::Result<Vec<(String, String)>> {
        let existing = existing_schemas(session, &self.places.schemas).await?;
        let mut old = Vec::new();
        for schema in &self.places.schemas {
            let (here, next, aside) = (
                quote_identifier(schema),
                quote_identifier(&beside(NEXT, schema)),
                beside(OLD, schema),
            );
            if existing.contains(schema) {
                let aside_sql = quote_identifier(&aside);
                session.batch(&format!("ALTER SCHEMA {here} RENAME TO {aside_sql}")).await?;
                old.push((aside, schema.clone()));
            }
            session.batch(&format!("ALTER SCHEMA {next} RENAME TO {here}")).await?;
        }
        let asides: Vec<String> = old.iter().map(|(aside, _)| aside.clone()).collect();
        for (extension, aside) in extensions_in(session, &asides).await? {
            let schema = old.iter().find(|(name, _)| *name == aside).map(|(_, schema)| schema);
            let (name, schema) =
                (quote_identifier(&extension), quote_identifier(schema.unwrap_or(&aside)));
            session.batch(&format!("ALTER EXTENSION {name} SET SCHEMA {schema}")).await?;
        }
        Ok(old)
    }

    /// Takes the grants of the old edition over, waits for its readers, and drops it.
    async fn take_over(&self, session: &Session, old: &[(String, String)]) -> anyhow::Result<()> {
        for (aside, schema) in old {
            let grants = session.rows(include_str!("sql/grants.sql"), &[aside, schema]).await?;
            for grant in &grants {
                session.batch(grant.get(0)).await.context("taking over grants")?;
            }
        }
        let asides: Vec<&str> = old.iter().map(|(aside, _)| aside.as_str()).collect();
        let tables = session.rows(include_str!("sql/lockable.sql"), &[&asides]).await?;
        let names: Vec<String> = tables.iter().map(qualified).collect();
        if !names.is_empty() {
            let lock = format!("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", names.join(", "));
            session.batch(&lock).await?;
        }
        // Nobody can add to the locked tables any more: what appeared since the start is found
        // here.
        let asides: Vec<String> = asides.into_iter().map(str::to_owned).collect();
        refuse_dependents(session, &asides).await?;
        self.refuse_newcomers(session, old).await?;
        for aside in &asides {
            session.batch(&format!("DROP SCHEMA {} CASCADE", quote_identifier(aside))).await?;
        }
        Ok(())
    }

    /// What readers created in the old schemas while the edition was built is theirs.
    async fn refuse_newcomers(
        &self,
        session: &Session,
        old: &[(String, String)],
    ) -> anyhow::Result<()> {
        for (aside, schema) in old {
            let found = start::objects(session, std::slice::from_ref(aside)).await?;
            let found = found.iter().map(|name| name.in_schema(schema));
            let new: Vec<String> = found
                .filter(|name| !self.replaces.contains(&name.sql()))
                .map(|name| name.to_string())
                .collect();
            if !new.is_empty() {
                let problem =
                    Problem::new("objects were created in the target since the run began")
                        .detail(new.join(", "))
                        .hint(
                            "move them to another schema, then run again: only publishing is left",
                        );
                return Err(problem.into());
            }
        }
        Ok(())
    }

    /// Waits until no other session of this database has a snapshot from before the loads.
    async fn wait_for_old_readers(
        &self,
        session: &Session,
        patience: Instant,
        progress: &dyn Progress,
    ) -> anyhow::Result<()> {
        let bound: String =
            session.one("SELECT pg_current_xact_id()::xid::text", &[]).await?.get(0);
        let mut has_told = false;
        loop {
            let readers = session.rows(include_str!("sql/old_readers.sql"), &[&bound]).await?;
            let Some(first) = readers.first() else { return Ok(()) };
            let pids: Vec<String> =
                readers.iter().map(|row| row.get::<_, i32>(0).to_string()).collect();
            if Instant::now() >= patience {
                let problem = Problem::new("readers of the old edition do not end")
                    .detail(format!("their backends: {}", pids.join(", ")))
                    .hint("end them, or run the same command again later: only publishing is left");
                return Err(problem.into());
            }
            if !has_told {
                has_told = true;
                let problem = Problem::new(format!(
                    "waiting for transactions that began before the edition was loaded: backend {}",
                    first.get::<_, i32>(0)
                ));
                progress.event(Event::Note(&problem));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

async fn is_published(ledger: &Ledger, edition: i32) -> bool {
    let published = match ledger.hold().await {
        Ok(()) => ledger.published().await,
        Err(error) => Err(error),
    };
    matches!(published, Ok(Some(published)) if published.number == edition)
}

fn qualified(row: &Row) -> String {
    pg::Name::new(row.get::<_, String>(0), row.get::<_, String>(1)).sql()
}

/// In the transaction of `session`, drops what depends on these schemas and can be put back, and
/// refuses what cannot.
pub(crate) async fn step_aside(session: &Session, schemas: &[String]) -> anyhow::Result<Saved> {
    let saved = Saved::of_schemas(session, schemas).await?;
    for statement in saved.drop_sql() {
        session.batch(&statement).await?;
    }
    refuse_dependents(session, schemas).await?;
    Ok(saved)
}

/// Objects outside the edition that depend on the old one would be dropped with it.
pub(crate) async fn refuse_dependents(session: &Session, schemas: &[String]) -> anyhow::Result<()> {
    let rows = session.rows(include_str!("sql/dependents.sql"), &[&schemas]).await?;
    if rows.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let problem = Problem::new("objects of your own depend on the edition to be replaced")
        .detail(names.join(", "))
        .hint("drop them and create them again afterwards; the published edition is unchanged");
    Err(problem.into())
}
