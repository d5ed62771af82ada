//! From a request to a published edition: begins or resumes, copies, builds, publishes, and keeps
//! the records straight whatever happens on the way.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use edition::{ChunkRow, Edition, Ledger, OnPublish, Outcome};
use pg::catalog::Catalog;
use pg::{Dump, Endpoint, Keepers, Name, Purpose, Session, Stop, Watch};
use report::{Event, Finding, Problem, Progress, text};
use serde::Serialize;
use tokio::sync::Notify;

use crate::board::Board;
use crate::config::{Config, ForeignKeys, Rule};

use crate::definitions::Definitions;
use crate::extensions;
use crate::install::Places;
use crate::large_objects::is_large_objects;
use crate::plan::{self, Plan, PlannedTable, Scope};
use crate::preflight::{Preflight, preflight, refuse_on_errors};
use crate::publish::Publication;
use crate::resume::{self, Prover};
use crate::sequences;
use crate::shape;
use crate::start;
use crate::worker::Crew;
pub use crate::worker::SnapshotLost;

/// What a person asked for.
#[derive(Debug, Clone)]
pub struct Request {
    pub source: Endpoint,
    pub target: Endpoint,
    pub schemas: Vec<String>,
    pub rules: BTreeMap<String, Rule>,
    pub config: Config,
    /// Replace what the target holds, once the new edition is complete.
    pub replace: bool,
    /// As recorded: `run`, `copy`.
    pub command: String,
    /// Who else takes part in publishing.
    pub hook: Option<Arc<dyn OnPublish>>,
}

impl Request {
    /// What planning needs of the request.
    pub fn scope(&self) -> Scope<'_> {
        Scope {
            config: &self.config,
            schemas: &self.schemas,
            rules: &self.rules,
            workers: self.config.workers(),
        }
    }
}

/// What a run did.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub edition: i32,
    pub run: i32,
    /// The moment of the source, RFC 3339 in UTC.
    pub as_of: Option<String>,
    pub tables: usize,
    pub rows: u64,
    pub bytes: u64,
    pub seconds: f64,
    /// Tables that an earlier run had copied and that were proven unchanged.
    pub kept: Vec<String>,
    /// Tables that had to be read again under a new snapshot.
    pub read_again: Vec<String>,
    pub foreign_keys: ForeignKeys,
    pub was_interrupted: bool,
    /// What those who compute from the rows have found.
    pub findings: Vec<Finding>,
}

/// How long we wait for the source to have on its disk what the snapshot saw.
pub const FLUSHED_WITHIN: Duration = Duration::from_secs(10);

/// How often a lost snapshot is replaced by a new one within one run.
pub const SNAPSHOTS_MAX: u32 = 3;

/// Copies, and records how it ended.
pub async fn run(
    request: &Request,
    progress: &dyn Progress,
    stop: &Stop,
) -> anyhow::Result<Report> {
    let ends = preflight(&request.source, &request.target).await?;
    refuse_on_errors(&ends.findings)?;
    for finding in &ends.findings {
        progress.event(Event::Note(&finding.problem));
    }
    let ledger = Ledger::open(&request.target, &request.command).await?;
    if request.replace && request.hook.is_none() {
        refuse_reports(&request.target).await?;
    }
    run_on(&ledger, &ends, request, progress, stop).await
}

/// The same between ends that have been looked at, in a book that is open.
pub async fn run_on(
    ledger: &Ledger,
    ends: &Preflight,
    request: &Request,
    progress: &dyn Progress,
    stop: &Stop,
) -> anyhow::Result<Report> {
    let started = Instant::now();
    let attempt = Attempt { request, ends, ledger, progress };
    let working = attempt.until_published();
    let result = tokio::select! {
        result = working => result,
        () = stop.requested() => {
            ledger.finish(Outcome::Interrupted, Some("stopped on request")).await?;
            return attempt.report(started, true, &Kept::default()).await;
        }
    };
    match result {
        Ok(kept) => attempt.report(started, false, &kept).await,
        Err(error) => {
            let message = error.to_string();
            // The failure itself matters more than a failure to record it.
            let _ = ledger.finish(Outcome::Failed, Some(&message)).await;
            Err(error)
        }
    }
}

#[derive(Debug, Default)]
struct Kept {
    kept: Vec<Name>,
    again: Vec<Name>,
    findings: Vec<Finding>,
}

struct Attempt<'a> {
    request: &'a Request,
    ends: &'a Preflight,
    ledger: &'a Ledger,
    progress: &'a dyn Progress,
}

impl Attempt<'_> {
    async fn until_published(&self) -> anyhow::Result<Kept> {
        if let Some(hook) = &self.request.hook {
            hook.prepare(&self.request.target, self.progress).await?;
        }
        let mut snapshots = 0;
        loop {
            let result = self.once().await;
            let error = match result {
                Ok(kept) => return Ok(kept),
                Err(error) => error,
            };
            snapshots += 1;
            match error.downcast_ref::<SnapshotLost>() {
                Some(SnapshotLost(problem)) if snapshots < SNAPSHOTS_MAX => {
                    self.progress.event(Event::Note(problem));
                    self.progress.event(Event::Phase("taking a new snapshot"));
                    self.ledger.end_orphans().await?;
                }
                Some(SnapshotLost(problem)) => {
                    let hint = "run the same command again; finished tables are kept where the \
                                source still proves them";
                    return Err(problem.clone().hint(hint).into());
                }
                None => return Err(error),
            }
        }
    }

    async fn once(&self) -> anyhow::Result<Kept> {
        let building = self.ledger.building().await?;
        if let Some(edition) = &building
            && let Some(kept) = self.finish_without_source(edition).await?
        {
            return Ok(kept);
        }
        let heartbeat = Duration::from_secs(self.request.config.heartbeat_seconds.max(1));
        let keepers = Keepers::take(&self.request.source, heartbeat).await?;
        let source = keepers.session(&self.request.source).await?;
        let catalog = Catalog::load(&source).await?;
        let scope = self.request.scope();
        let plan = plan::plan(&catalog, &self.ends.source, &self.ends.target, &scope)?;
        refuse_on_errors(&plan.findings)?;
        self.tell_what_stays_behind(&plan);
        let extensions = extensions::choose(&catalog.extensions, &self.request.config)?;
        let definitions = self.definitions(&catalog, &plan, &keepers).await?;
        let start = start::Start {
            request: self.request,
            ends: self.ends,
            ledger: self.ledger,
            progress: self.progress,
            plan: &plan,
            definitions: &definitions,
            extensions: &extensions,
        };
        let edition = start.begin_or_resume(building).await?;
        let snapshot = keepers.snapshot();
        let is_durable = pg::is_flushed(&source, &snapshot.position.lsn, FLUSHED_WITHIN).await?;
        self.ledger.record_snapshot(edition.number, snapshot, is_durable).await?;
        let hash = shape::shape_hash(&source, &plan).await?;
        let definitions = shape::shape(&source, &plan).await?;
        self.ledger.record_shape(edition.number, &definitions, &hash).await?;
        let places = Places { placement: edition.placement, schemas: edition.schemas.clone() };
        let mut kept = self.prove(&edition, &places, &plan, &keepers).await?;
        let target = Session::open(&self.request.target, Purpose::Record).await?;
        sequences::copy(&source, &target, &catalog, &places, self.ledger).await?;
        drop((source, target));
        self.copy_and_build(&edition, &places, &plan.tables, Some(keepers)).await?;
        kept.findings = self.publish(&edition, &places).await?;
        Ok(kept)
    }

    fn tell_what_stays_behind(&self, plan: &Plan) {
        for finding in &plan.findings {
            self.progress.event(Event::Note(&finding.problem));
        }
        if !plan.left_out.is_empty() {
            let count = text::counted(plan.left_out.len() as u64, "object");
            let objects = plan.left_out.iter().map(|(name, why)| format!("{name} ({why})"));
            let problem = Problem::new(format!("{count} left out"))
                .detail(objects.collect::<Vec<_>>().join(", "));
            self.progress.event(Event::Note(&problem));
        }
    }

    /// When every row has been read, the source is not needed any more.
    async fn finish_without_source(&self, edition: &Edition) -> anyhow::Result<Option<Kept>> {
        let chunks = self.ledger.chunks(edition.number).await?;
        let is_loaded = edition.definitions.is_some()
            && !chunks.is_empty()
            && chunks.iter().all(|chunk| chunk.done.is_some());
        let is_same_request = edition.fingerprint == start::fingerprint(self.request)
            && self.ends.source.is_same_database(&edition.source);
        if !is_loaded || !is_same_request {
            return Ok(None);
        }
        self.ledger.resume_edition(edition.number).await?;
        self.progress.event(Event::Phase("all rows are here; building what is left"));
        let places = Places { placement: edition.placement, schemas: edition.schemas.clone() };
        self.copy_and_build(edition, &places, &[], None).await?;
        let findings = self.publish(edition, &places).await?;
        Ok(Some(Kept { findings, ..Kept::default() }))
    }

    async fn definitions(
        &self,
        catalog: &Catalog,
        plan: &Plan,
        keepers: &Keepers,
    ) -> anyhow::Result<Definitions> {
        self.progress.event(Event::Phase("reading definitions"));
        let mut dump = Dump::find(&self.request.source, self.ends.source.major()).await?;
        dump.exclude_schemas = plan.other_schemas(catalog);
        dump.exclude = plan.excluded.iter().cloned().collect();
        let watch = Watch::new(&self.request.source, &dump.token);
        let foreign_keys = self.request.config.foreign_keys;
        loop {
            let export = keepers.export();
            let reading = Definitions::read(&dump, export.as_deref(), catalog, plan, foreign_keys);
            let result = tokio::select! {
                result = reading => result,
                never = watch.run() => match never {},
            };
            match result {
                Err(error) if is_gave_way(&error) && keepers.export().is_some() => {
                    let problem = Problem::new("stepped aside while reading definitions")
                        .detail("another session wants to change a table; reading starts again");
                    self.progress.event(Event::Note(&problem));
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                other => return other,
            }
        }
    }

    /// Keeps what the new snapshot proves of earlier runs, resets the rest.
    async fn prove(
        &self,
        edition: &Edition,
        places: &Places,
        plan: &Plan,
        keepers: &Keepers,
    ) -> anyhow::Result<Kept> {
        let chunks = self.ledger.chunks(edition.number).await?;
        if chunks.iter().all(|chunk| chunk.done.is_none()) {
            return Ok(Kept::default());
        }
        let watch = Watch::new(&self.request.source, "");
        let prover = Prover { source: &self.request.source, keepers, watch: &watch, plan };
        let is_same_history = resume::is_same_history(edition, &self.ends.source);
        let verdict = tokio::select! {
            verdict = resume::judge(&prover, &chunks, is_same_history) => verdict?,
            never = watch.run() => match never {},
        };
        let steps = self.ledger.steps(edition.number).await?;
        resume::reset(self.ledger, edition.number, places, &steps, &verdict.again).await?;
        // Large objects are always read again; where there are none, nobody wants to hear of it.
        let again = verdict.again.iter().filter(|name| !is_large_objects(name));
        let again: Vec<String> = again.map(Name::to_string).collect();
        let mut problem = Problem::new(format!(
            "the snapshot of the earlier run is gone: {} proven unchanged and kept",
            text::counted(verdict.kept.len() as u64, "table")
        ));
        if !again.is_empty() {
            problem = problem.detail(format!("read again: {}", again.join(", ")));
        }
        self.progress.event(Event::Note(&problem));
        let again = verdict.again.into_iter().filter(|name| !is_large_objects(name)).collect();
        Ok(Kept { kept: verdict.kept, again, findings: Vec::new() })
    }

    async fn copy_and_build(
        &self,
        edition: &Edition,
        places: &Places,
        planned: &[PlannedTable],
        keepers: Option<Keepers>,
    ) -> anyhow::Result<()> {
        let chunks = self.ledger.chunks(edition.number).await?;
        let steps = self.ledger.steps(edition.number).await?;
        self.announce(planned, &chunks);
        let weights = planned.iter().map(|table| (table.name.clone(), table.bytes)).collect();
        let tables = planned.iter().map(|table| (table.name.clone(), table.clone()));
        let crew = Crew {
            source: &self.request.source,
            target: &self.request.target,
            ledger: self.ledger,
            progress: self.progress,
            edition: edition.number,
            places: places.clone(),
            board: Mutex::new(Board::new(chunks, steps, &weights)),
            tables: tables.collect(),
            changed: Notify::new(),
            keepers: Mutex::new(keepers),
            watch: Watch::new(&self.request.source, ""),
            jobs: self.request.config.workers(),
        };
        tokio::select! {
            result = crew.work() => result,
            never = crew.watch.run() => match never {},
        }
    }

    fn announce(&self, planned: &[PlannedTable], chunks: &[ChunkRow]) {
        let open = |table: &&PlannedTable| {
            chunks.iter().any(|chunk| chunk.table == table.name && chunk.done.is_none())
        };
        let tables: Vec<_> = planned.iter().filter(open).collect();
        let rows = tables.iter().map(|table| table.rows_estimate).sum();
        let bytes = tables.iter().map(|table| table.bytes).sum();
        self.progress.event(Event::Planned { tables: tables.len(), rows, bytes });
        self.progress.event(Event::Phase("copying"));
    }

    async fn publish(&self, edition: &Edition, places: &Places) -> anyhow::Result<Vec<Finding>> {
        self.progress.event(Event::Phase("publishing"));
        self.ledger.hold().await?;
        let publication = Publication {
            edition: edition.number,
            places,
            late_statements: &edition.late_statements,
            replaces: &edition.replaces,
            wait_at_most: Duration::from_secs(self.request.config.publish_wait_seconds),
            hook: self.request.hook.as_deref(),
        };
        publication.run(&self.request.target, self.ledger, self.progress).await
    }

    async fn report(
        &self,
        started: Instant,
        was_interrupted: bool,
        kept: &Kept,
    ) -> anyhow::Result<Report> {
        let edition = match self.ledger.building().await? {
            Some(edition) => Some(edition),
            None => self.ledger.published().await?,
        };
        let number = edition.as_ref().map_or(0, |edition| edition.number);
        let chunks = self.ledger.chunks(number).await?;
        let done: Vec<_> = chunks.iter().filter_map(|chunk| chunk.done.as_ref()).collect();
        let tables = self.ledger.tables(number).await?;
        let names = |names: &[Name]| names.iter().map(Name::to_string).collect();
        Ok(Report {
            edition: number,
            run: self.ledger.run(),
            as_of: edition.and_then(|edition| edition.as_of),
            tables: tables.iter().filter(|table| !is_large_objects(&table.name)).count(),
            rows: done.iter().map(|finished| finished.rows as u64).sum(),
            bytes: done.iter().map(|finished| finished.bytes as u64).sum(),
            seconds: started.elapsed().as_secs_f64(),
            kept: names(&kept.kept),
            read_again: names(&kept.again),
            foreign_keys: self.request.config.foreign_keys,
            was_interrupted,
            findings: kept.findings.clone(),
        })
    }
}

/// Reports that were computed inside the edition would stay those of the old one.
async fn refuse_reports(target: &Endpoint) -> anyhow::Result<()> {
    let session = Session::open(target, Purpose::Record).await?;
    let exists = "SELECT pg_catalog.to_regclass('levada.report_table') IS NOT NULL";
    if !session.one(exists, &[]).await?.get::<_, bool>(0) {
        return Ok(());
    }
    let sql = "SELECT count(*) FROM levada.report_table";
    let reports: i64 = session.one(sql, &[]).await?.get(0);
    if reports == 0 {
        return Ok(());
    }
    Err(Problem::new("the target holds reports that a copy does not bring up to date")
        .detail(format!("{reports} tables are computed inside each edition"))
        .hint("levada run --replace --config FILE makes an edition together with them")
        .into())
}

/// Whether pg_dump had to leave a lock to somebody else.
fn is_gave_way(error: &anyhow::Error) -> bool {
    error.downcast_ref::<pg::Error>().is_some_and(pg::Error::is_retryable)
}
