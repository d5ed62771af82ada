//! From a request to the next edition: the first one by a copy, every other by what has changed.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

use copy::{Preflight, Request, SNAPSHOTS_MAX, SnapshotLost, Watch, is_large_objects};
use edition::{Edition, Ledger, Outcome, TableRow};
use pg::catalog::Catalog;
use pg::{Identity, Keepers, Purpose, Session, Stop};
use report::{Event, Problem, Progress};
use serde::Serialize;

use crate::position::{self, Standing};
use crate::publish::Publication;
use crate::scan::{Found, Reader, Scan};
use crate::settle::{Ignored, Settled};
use crate::settler::{Case, Settler};
use crate::unit::{self, Facts, Method, Unit};
use crate::write::Written;
use crate::{large_objects, sequences, staging, views};

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
    let base = match (request.replace, ledger.building().await?) {
        (false, None) => ledger.published().await?,
        _ => None,
    };
    let Some(base) = base else {
        let report = copy::run_on(&ledger, &ends, request, progress, stop).await?;
        return Ok(Report::Copied(report));
    };
    let started = Instant::now();
    let attempt = Attempt { request, effort, ends: &ends, ledger: &ledger, progress, base: &base };
    let result = tokio::select! {
        result = attempt.until_published() => result,
        () = stop.requested() => interrupted(&ledger, &base).await,
    };
    match result {
        Ok(mut report) => {
            report.seconds = started.elapsed().as_secs_f64();
            Ok(Report::Refreshed(report))
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

struct Attempt<'a> {
    request: &'a Request,
    effort: Effort,
    ends: &'a Preflight,
    ledger: &'a Ledger,
    progress: &'a dyn Progress,
    base: &'a Edition,
}

/// The source at one moment, and what was read of both sides.
struct Scene {
    keepers: Keepers,
    source: Identity,
    catalogs: (Catalog, Catalog),
    plan: copy::Plan,
    plain: Method,
    bound: Option<u32>,
}

/// How often a source that is behind is asked again.
const ASK_EVERY: Duration = Duration::from_secs(1);

impl Attempt<'_> {
    async fn until_published(&self) -> anyhow::Result<Refreshed> {
        let mut snapshots = 0;
        loop {
            let error = match self.once().await {
                Ok(report) => return Ok(report),
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
                    return Err(problem.clone().hint("run the same command again").into());
                }
                None => return Err(error),
            }
        }
    }

    async fn once(&self) -> anyhow::Result<Refreshed> {
        let target = Session::open(&self.request.target, Purpose::Target).await?;
        staging::clear(&target).await?;
        let scene = self.scene(&target).await?;
        let tables = self.ledger.tables(self.base.number).await?;
        let mut units = unit::units(&scene.plan, &scene.catalogs.0, &tables, &scene.plain);
        for unit in &mut units {
            let sides = (scene.catalogs.0.table(&unit.name), scene.catalogs.1.table(&unit.name));
            let (Some(there), Some(here)) = sides else {
                let problem = Problem::new(format!("the target has no table {}", unit.name))
                    .hint("levada run --replace builds the edition anew");
                return Err(problem.into());
            };
            unit.facts = Facts::of(there, here);
            unit.refuse_what_needs_a_key()?;
        }
        let path = path(&scene.catalogs.1, &scene.plan.schemas);
        let watch = Watch::new(&self.request.source, "");
        let reader = Reader {
            source: &self.request.source,
            target: &self.request.target,
            keepers: &scene.keepers,
            watch: &watch,
            progress: self.progress,
            path: &path,
        };
        let read = self.read(&reader, &scene, &units, &target);
        let (settled, sequences, brings_large_objects) = tokio::select! {
            read = read => read?,
            never = watch.run() => match never {},
        };
        let Scene { keepers, source, catalogs, plan, .. } = scene;
        let snapshot = keepers.snapshot().clone();
        drop(keepers);
        self.progress.event(Event::Phase("publishing; the source is released"));
        let changed = Publication::changed_tables(&units, &settled);
        let publication = Publication {
            base: self.base,
            units: &units,
            settled: &settled,
            stale_views: &views::stale(&plan.populated_views, &catalogs.0, &changed),
            sequences: &sequences,
            brings_large_objects,
            path: &path,
            wait_at_most: Duration::from_secs(self.request.config.publish_wait_seconds),
        };
        let finish = async |session: &Session, written: &[Written]| {
            let rows = records(&tables, &units, &settled, written);
            let refreshed = edition::Refreshed {
                base: self.base,
                run: self.ledger.run(),
                source: &source,
                snapshot: &snapshot,
                fingerprint: &self.base.fingerprint,
                objects: &self.base.objects,
                shape: self.base.shape.as_ref(),
                shape_hash: self.base.shape_hash.as_deref().unwrap_or_default(),
                tables: &rows,
            };
            Ok(refreshed.publish(session).await?)
        };
        let request = self.request;
        let published =
            publication.run(&request.target, self.ledger, self.progress, finish).await?;
        staging::clear(&target).await?;
        let as_of = Some(snapshot.as_of);
        let reports = reports(&units, &settled, &published.written);
        Ok(report(published.edition, self.ledger.run(), as_of, reports))
    }

    /// Takes a snapshot of a source that is not behind the previous edition, and looks around.
    async fn scene(&self, target: &Session) -> anyhow::Result<Scene> {
        let config = &self.request.config;
        let heartbeat = Duration::from_secs(config.heartbeat_seconds.max(1));
        let patience = Instant::now() + Duration::from_secs(config.source_wait_seconds);
        let mut has_told = false;
        let (keepers, source, standing) = loop {
            let keepers = Keepers::take(&self.request.source, heartbeat).await?;
            let source = Identity::of(&keepers.session(&self.request.source).await?).await?;
            let standing = position::compare(self.base.into(), &source, keepers.snapshot());
            if standing != Standing::Behind {
                break (keepers, source, standing);
            }
            if Instant::now() >= patience {
                return Err(self.refuse_to_go_back(&source, &keepers).into());
            }
            if !has_told {
                has_told = true;
                let problem = Problem::new("the source is behind the published edition; waiting")
                    .detail("it is a replica that lags, or another server answers this URL now");
                self.progress.event(Event::Note(&problem));
            }
            drop(keepers);
            tokio::time::sleep(ASK_EVERY).await;
        };
        let (plain, bound) = match standing {
            Standing::Ahead { .. } if self.effort == Effort::Everything => {
                (Method::Digest("this run compares all rows".to_owned()), None)
            }
            Standing::Ahead { bound } => (Method::Changes, Some(bound)),
            Standing::Incomparable(reason) => (Method::Digest(reason), None),
            Standing::Behind => (Method::Digest("the source is behind".to_owned()), None),
        };
        self.progress.event(Event::Phase("looking for changes"));
        let session = keepers.session(&self.request.source).await?;
        let there = Catalog::load(&session).await?;
        let here = Catalog::load(target).await?;
        let plan = copy::plan(&there, &source, &self.ends.target, &self.request.scope())?;
        copy::refuse_on_errors(&plan.findings)?;
        Ok(Scene { keepers, source, catalogs: (there, here), plan, plain, bound })
    }

    fn refuse_to_go_back(&self, source: &Identity, keepers: &Keepers) -> Problem {
        let snapshot = keepers.snapshot();
        let as_of = self.base.as_of.as_deref().unwrap_or("an unknown moment");
        let kind = if source.in_recovery { "a standby that lags" } else { "a restored server" };
        Problem::new("the source is behind the published edition")
            .detail(format!(
                "edition {} is as of {as_of}, write-ahead log {}; the source is {kind}, at {}",
                self.base.number,
                self.base.lsn.as_deref().unwrap_or("unknown"),
                snapshot.seen_lsn
            ))
            .hint(
                "wait for the replica, or point [source] url at the right server; after a restore \
                 on purpose, levada run --replace",
            )
    }

    async fn read(
        &self,
        reader: &Reader<'_>,
        scene: &Scene,
        units: &[Unit],
        target: &Session,
    ) -> anyhow::Result<(Vec<Settled>, Vec<pg::catalog::SequenceState>, bool)> {
        let rows = units.iter().flat_map(|unit| &unit.parts).map(|part| part.rows_estimate).sum();
        let bytes = units.iter().map(|unit| unit.bytes).sum();
        self.progress.event(Event::Planned { tables: units.len(), rows, bytes });
        let jobs = self.request.config.workers();
        let found = Scan::new(reader, target, units, scene.bound).run(jobs).await?;
        let settler = Settler {
            reader,
            aside: target,
            catalogs: (&scene.catalogs.0, &scene.catalogs.1),
            identities: (&scene.source, &self.ends.target),
            seed: RandomState::new().build_hasher().finish() as i64,
        };
        let settled = settle_all(&settler, units, &found).await?;
        let source = scene.keepers.session(reader.source).await?;
        let catalogs = (&scene.catalogs.0, &scene.catalogs.1);
        let sequences = sequences::moved(&source, target, catalogs).await?;
        let objects = large_objects::stage(reader, &scene.keepers, &scene.plan, target).await?;
        Ok((settled, sequences, objects))
    }
}

async fn settle_all(
    settler: &Settler<'_>,
    units: &[Unit],
    found: &[Found],
) -> anyhow::Result<Vec<Settled>> {
    let target = settler.target_session().await?;
    let mut settled = Vec::with_capacity(units.len());
    for (number, (unit, found)) in units.iter().zip(found).enumerate() {
        let case = Case { number, unit, target: &target, is_publishing: false };
        settled.push(settler.settle(case, *found).await?);
    }
    Ok(settled)
}

/// The edition's schemas and those of extensions, whose types have operators of their own.
fn path(target: &Catalog, schemas: &[String]) -> String {
    let extensions = target.extensions.iter().map(|extension| &extension.schema);
    let mut seen = BTreeSet::new();
    let all = schemas.iter().chain(extensions).filter(|schema| seen.insert((*schema).clone()));
    let mut quoted: Vec<String> = all.map(|schema| pg::quote_identifier(schema)).collect();
    // Functions of production usually rely on it.
    quoted.sort_by_key(|schema| schema != "\"public\"");
    quoted.join(", ")
}

/// The records of the tables of the new edition: those of the one before, with what has changed.
fn records(
    base: &[TableRow],
    units: &[Unit],
    settled: &[Settled],
    written: &[Written],
) -> Vec<TableRow> {
    let record = |row: &TableRow| {
        let clear = TableRow { inserted: 0, updated: 0, deleted: 0, ..row.clone() };
        let position =
            units.iter().position(|unit| unit.parts.iter().any(|part| part.name == row.name));
        let Some(at) = position else { return clear };
        let (unit, settled, written) = (&units[at], &settled[at], &written[at]);
        let Some(part) = unit.parts.iter().find(|part| part.name == row.name) else { return clear };
        // Rows that share a router are counted once, at its first part.
        let is_first = unit.parts[0].name == row.name;
        let once = |number: i64| if is_first { number } else { 0 };
        TableRow {
            mode: unit.mode.label().to_owned(),
            format: unit.format.label().to_owned(),
            reason: settled.method.reason().map(str::to_owned),
            source_oid: Some(part.oid),
            filter: unit.filter.clone(),
            deletes: unit.deletes.label().to_owned(),
            rows: Some(once(settled.rows)),
            method: settled.method.label().to_owned(),
            inserted: once(written.inserted),
            updated: once(written.updated),
            deleted: once(written.deleted),
            ..clear
        }
    };
    base.iter().filter(|row| !is_large_objects(&row.name)).map(record).collect()
}

fn reports(units: &[Unit], settled: &[Settled], written: &[Written]) -> Vec<TableReport> {
    let all = units.iter().zip(settled).zip(written);
    let reports = all.map(|((unit, settled), written)| {
        let Ignored { changed, deleted } = settled.ignored;
        TableReport {
            name: unit.name.to_string(),
            method: settled.method.label(),
            reason: settled.method.reason().map(str::to_owned),
            rows: settled.rows,
            inserted: written.inserted,
            updated: written.updated,
            deleted: written.deleted,
            ignored_changed: changed,
            ignored_deleted: deleted,
        }
    });
    reports.collect()
}

fn report(edition: i32, run: i32, as_of: Option<String>, tables: Vec<TableReport>) -> Refreshed {
    let sum = |field: fn(&TableReport) -> i64| tables.iter().map(field).sum();
    Refreshed {
        edition,
        run,
        as_of,
        rows: sum(|table| table.rows),
        inserted: sum(|table| table.inserted),
        updated: sum(|table| table.updated),
        deleted: sum(|table| table.deleted),
        tables,
        seconds: 0.0,
        was_interrupted: false,
    }
}
