//! From a request to the next edition: the first one by a copy, every other by what has changed.

use std::time::Instant;

use copy::{Request, SNAPSHOTS_MAX, SnapshotLost};
use edition::{Edition, Ledger, Outcome};
use pg::Stop;
use report::{Event, Finding, Problem, Progress};
use serde::Serialize;

use crate::attempt::{Attempt, Ended};

/// What a run did.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Report {
    /// A full copy: the first edition, or one built beside.
    Copied(copy::Report),
    /// A refresh of the edition before.
    Refreshed(Refreshed),
}

/// What a refresh did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Refreshed {
    pub edition: i32,
    pub run: i32,
    /// The moment of the source, RFC 3339 in UTC.
    pub as_of: Option<String>,
    pub tables: Vec<TableReport>,
    pub rows: i64,
    pub inserted: i64,
    pub updated: i64,
    pub deleted: i64,
    pub seconds: f64,
    pub was_interrupted: bool,
    /// What those who compute from the rows have found.
    pub findings: Vec<Finding>,
}

/// What a refresh did to one table.
#[derive(Debug, Clone, Serialize)]
pub struct TableReport {
    pub name: String,
    /// `changes`, `digest` or `reload`.
    pub method: &'static str,
    /// Why not by its changes alone.
    pub reason: Option<String>,
    pub rows: i64,
    pub inserted: i64,
    pub updated: i64,
    pub deleted: i64,
    /// Mode `append`: old rows that the source has changed, and deleted.
    pub ignored_changed: i64,
    pub ignored_deleted: i64,
}

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// What transaction ids tell to have changed.
    Changes,
    /// Every row of both sides: also what somebody else has changed in the target.
    Everything,
}

/// Makes the next edition, and records how it ended.
pub async fn run(
    request: &Request,
    effort: Effort,
    progress: &dyn Progress,
    stop: &Stop,
) -> anyhow::Result<Report> {
    let ends = copy::preflight(&request.source, &request.target).await?;
    copy::refuse_on_errors(&ends.findings)?;
    for finding in &ends.findings {
        progress.event(Event::Note(&finding.problem));
    }
    let ledger = Ledger::open(&request.target, &request.command).await?;
    let building = ledger.building().await?;
    let published = ledger.published().await?;
    let base = match (published, request.replace || building.is_some()) {
        (Some(published), false) => published,
        (published, _) => {
            // What an earlier run began to build beside is built on, or begun anew.
            let replace = request.replace || published.is_some();
            let request = Request { replace, ..request.clone() };
            let report = copy::run_on(&ledger, &ends, &request, progress, stop).await?;
            return Ok(Report::Copied(report));
        }
    };
    let started = Instant::now();
    let attempt = Attempt { request, effort, ends: &ends, ledger: &ledger, progress, base: &base };
    let result = tokio::select! {
        result = until_published(&attempt) => result,
        () = stop.requested() => interrupted(&ledger, &base).await.map(Ended::Published),
    };
    match result {
        Ok(Ended::Published(mut report)) => {
            report.seconds = started.elapsed().as_secs_f64();
            Ok(Report::Refreshed(report))
        }
        Ok(Ended::Rebuild(reasons)) => {
            let problem = Problem::new("the whole edition is built anew, beside the published one")
                .detail(reasons.join("; "));
            progress.event(Event::Note(&problem));
            let request = Request { replace: true, ..request.clone() };
            let report = copy::run_on(&ledger, &ends, &request, progress, stop).await?;
            Ok(Report::Copied(report))
        }
        Err(error) => {
            let message = error.to_string();
            // The failure itself matters more than a failure to record it.
            let _ = ledger.finish(Outcome::Failed, Some(&message)).await;
            Err(error)
        }
    }
}

/// A stop may come when the commit is under way: the record knows.
async fn interrupted(ledger: &Ledger, base: &Edition) -> anyhow::Result<Refreshed> {
    ledger.finish(Outcome::Interrupted, Some("stopped on request")).await?;
    ledger.end_orphans().await?;
    let published = ledger.published().await?;
    let edition = published.as_ref().map_or(base.number, |edition| edition.number);
    Ok(Refreshed {
        edition,
        run: ledger.run(),
        as_of: published.and_then(|edition| edition.as_of),
        was_interrupted: edition == base.number,
        ..Refreshed::default()
    })
}

/// A lost snapshot is replaced by a new one.
async fn until_published(attempt: &Attempt<'_>) -> anyhow::Result<Ended> {
    if let Some(hook) = &attempt.request.hook {
        hook.prepare(&attempt.request.target, attempt.progress).await?;
    }
    let mut snapshots = 0;
    loop {
        let error = match attempt.once().await {
            Ok(ended) => return Ok(ended),
            Err(error) => error,
        };
        snapshots += 1;
        match error.downcast_ref::<SnapshotLost>() {
            Some(SnapshotLost(problem)) if snapshots < SNAPSHOTS_MAX => {
                attempt.progress.event(Event::Note(problem));
                attempt.progress.event(Event::Phase("taking a new snapshot"));
                attempt.ledger.end_orphans().await?;
            }
            Some(SnapshotLost(problem)) => {
                return Err(problem.clone().hint("run the same command again").into());
            }
            None => return Err(error),
        }
    }
}
