//! One try at the next edition: looks, reads, proves, publishes.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

use anyhow::Context;
use copy::{Deletes, Mode, Plan, Preflight, Request};
use edition::{Edition, Ledger, TableRow};
use pg::catalog::{Catalog, SequenceState};
use pg::{Identity, Keepers, Name, Purpose, Session, Watch};
use report::{Event, Problem, Progress};

use crate::definitions::{self, Comparison, Followed, Recorded};
use crate::position::{self, Standing};
use crate::publish::{Desk, Publication};
use crate::records::Outcome;
use crate::run::{Effort, Refreshed};
use crate::scan::{Found, Reader, Scan};
use crate::settle::Settled;
use crate::settler::{Case, Settler};
use crate::unit::{self, Method, Unit};
use crate::write::Written;
use crate::{large_objects, sequences, staging};

/// What every try of a run works with.
pub(crate) struct Attempt<'a> {
    pub(crate) request: &'a Request,
    pub(crate) effort: Effort,
    pub(crate) ends: &'a Preflight,
    pub(crate) ledger: &'a Ledger,
    pub(crate) progress: &'a dyn Progress,
    pub(crate) base: &'a Edition,
}

/// How a try ended.
pub(crate) enum Ended {
    Published(Refreshed),
    /// The target cannot follow; the whole edition has to be built anew, for these reasons.
    Rebuild(Vec<String>),
}

/// The source at one moment, and what was read of both sides.
struct Scene {
    keepers: Keepers,
    source: Identity,
    catalogs: (Catalog, Catalog),
    plan: Plan,
    plain: Method,
    bound: Option<u32>,
    drift: Option<Box<Followed>>,
    recorded: Recorded,
}

/// What was read, ready to be published.
struct Ready {
    found: Vec<Found>,
    settled: Vec<Option<Settled>>,
    sequences: Vec<SequenceState>,
    brings_large_objects: bool,
    is_durable: bool,
}

/// How often a source that is behind is asked again.
const ASK_EVERY: Duration = Duration::from_secs(1);

impl Attempt<'_> {
    /// Tries once, on a new snapshot.
    pub(crate) async fn once(&self) -> anyhow::Result<Ended> {
        let target = Session::open(&self.request.target, Purpose::Target).await?;
        staging::clear(&target).await?;
        let (scene, reasons) = self.scene_when_free(&target).await?;
        if !reasons.is_empty() {
            return rebuild(&scene.plan, reasons);
        }
        let recorded = self.ledger.tables(self.base.number).await?;
        let tables = match &scene.drift {
            Some(drift) => drift.renamed(&recorded),
            None => recorded,
        };
        let mut units = unit::units(&scene.plan, &scene.catalogs.0, &tables, &scene.plain);
        if let Some(reason) = instruct(&scene, &mut units)? {
            return rebuild(&scene.plan, vec![reason]);
        }
        for unit in units.iter().filter(|unit| unit.beside.is_some()) {
            let is_new = !tables.iter().any(|row| row.name == unit.name);
            if unit.keeps_rows() && !is_new {
                return Err(lost(&unit.name.to_string(), unit.method.reason()).into());
            }
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
        let settler = Settler {
            reader: &reader,
            aside: &target,
            catalogs: (&scene.catalogs.0, &scene.catalogs.1),
            identities: (&scene.source, &self.ends.target),
            seed: RandomState::new().build_hasher().finish() as i64,
        };
        let publishing = async {
            let ready = self.read(&settler, &scene, &units).await?;
            self.publish(&settler, &scene, (&units, &ready), &tables).await
        };
        let report = tokio::select! {
            report = publishing => report?,
            never = watch.run() => match never {},
        };
        // The edition is published, whatever becomes of our sessions; the next run clears as well.
        if staging::clear(&target).await.is_ok() {
            let _ = definitions::clear_beside(&target).await;
        }
        Ok(Ended::Published(report))
    }

    /// Looks around once nobody holds a lock that keeps us from it, such as that of a table being
    /// rewritten.
    async fn scene_when_free(&self, target: &Session) -> anyhow::Result<(Scene, Vec<String>)> {
        let wait = Duration::from_secs(self.request.config.source_wait_seconds);
        let patience = Instant::now() + wait;
        let mut has_told = false;
        loop {
            let error = match self.scene(target).await {
                Ok(scene) => return Ok(scene),
                Err(error) => error,
            };
            let is_locked = error
                .downcast_ref::<pg::Error>()
                .is_some_and(|error| error.sqlstate() == Some("55P03"));
            if !is_locked || Instant::now() >= patience {
                return Err(error);
            }
            if !has_told {
                has_told = true;
                let problem = Problem::new("a table is locked by another session; waiting");
                self.progress.event(Event::Note(&problem));
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    /// Takes a snapshot of a source that is not behind the previous edition, and looks around.
    async fn scene(&self, target: &Session) -> anyhow::Result<(Scene, Vec<String>)> {
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
        if let Method::Digest(reason) = &plain {
            let problem = Problem::new("all rows of both sides are compared").detail(&**reason);
            self.progress.event(Event::Note(&problem));
        }
        self.progress.event(Event::Phase("looking for changes"));
        let session = keepers.session(&self.request.source).await?;
        let there = Catalog::load(&session).await?;
        let here = Catalog::load(target).await?;
        let plan = copy::plan(&there, &source, &self.ends.target, &self.request.scope())?;
        copy::refuse_on_errors(&plan.findings)?;
        let foreign_keys = config.foreign_keys;
        let compared = definitions::compare(&session, &plan, self.base, foreign_keys).await;
        let (comparison, recorded) = compared.context("comparing definitions")?;
        let (mut drift, mut reasons) = (None, Vec::new());
        match comparison {
            Comparison::Same => {}
            Comparison::Changed(followed) => drift = Some(followed),
            Comparison::Rebuild(why) => reasons = why,
        }
        let catalogs = (there, here);
        let scene = Scene { keepers, source, catalogs, plan, plain, bound, drift, recorded };
        Ok((scene, reasons))
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
        settler: &Settler<'_>,
        scene: &Scene,
        units: &[Unit],
    ) -> anyhow::Result<Ready> {
        let (reader, target) = (settler.reader, settler.aside);
        if let Some(drift) = &scene.drift {
            drift.announce(self.progress);
            drift.prepare(target).await?;
            target.batch(&format!("SET search_path = {}", reader.path)).await?;
            self.rehearse(drift, reader.path).await?;
        }
        let bytes = units.iter().map(|unit| unit.bytes).sum();
        // How many rows will move is what is to be found out.
        self.progress.event(Event::Planned { tables: units.len(), rows: 0, bytes });
        let jobs = self.request.config.workers();
        let found = Scan::new(reader, target, units, scene.bound).run(jobs).await?;
        if let Some(drift) = &scene.drift {
            drift.build(target).await?;
        }
        let settled = settle_all(settler, units, &found).await?;
        let source = scene.keepers.session(reader.source).await?;
        let sequences = sequences::states(&source, &scene.catalogs.0, &scene.plan).await?;
        let brings_large_objects =
            large_objects::stage(reader, &scene.keepers, &scene.plan, target).await?;
        let lsn = &scene.keepers.snapshot().position.lsn;
        let is_durable = pg::is_flushed(&source, lsn, copy::FLUSHED_WITHIN).await?;
        drop(source);
        if settled.iter().all(Option::is_some) {
            scene.keepers.release();
            reader.watch.end();
            self.progress.event(Event::Phase("publishing; the source is released"));
        } else {
            self.progress.event(Event::Phase("publishing"));
        }
        Ok(Ready { found, settled, sequences, brings_large_objects, is_durable })
    }

    /// Changes the definitions and takes it back: what cannot be followed stops the run before any
    /// row moves.
    async fn rehearse(&self, drift: &Followed, path: &str) -> anyhow::Result<()> {
        let wait = Duration::from_secs(self.request.config.publish_wait_seconds);
        let patience = Instant::now() + wait;
        let session = Session::open(&self.request.target, Purpose::Target).await?;
        loop {
            let begin =
                format!("BEGIN; SET LOCAL lock_timeout = 300; SET LOCAL search_path = {path}");
            session.batch(&begin).await?;
            let result = async {
                // The tables beside are empty yet.
                drift.build(&session).await?;
                let hook = self.request.hook.as_deref();
                let dropped = drift.before_rows(&session, hook).await?;
                drift.after_rows(&session, &dropped).await
            };
            let result = result.await;
            session.batch("ROLLBACK").await?;
            let Err(error) = result else { return Ok(()) };
            let is_locked = error.downcast_ref::<pg::Error>().is_some_and(pg::Error::is_retryable);
            if !is_locked || Instant::now() >= patience {
                return Err(error);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn publish(
        &self,
        settler: &Settler<'_>,
        scene: &Scene,
        (units, ready): (&[Unit], &Ready),
        tables: &[TableRow],
    ) -> anyhow::Result<Refreshed> {
        let snapshot = scene.keepers.snapshot();
        let publication = Publication {
            base: self.base,
            units,
            settled: &ready.settled,
            found: &ready.found,
            settler,
            drift: scene.drift.as_deref(),
            plan: &scene.plan,
            sequences: &ready.sequences,
            brings_large_objects: ready.brings_large_objects,
            emptied: &emptied(&scene.plan, tables),
            path: settler.reader.path,
            wait_at_most: Duration::from_secs(self.request.config.publish_wait_seconds),
            hook: self.request.hook.as_deref(),
            as_of: &snapshot.as_of,
        };
        let finish = async |session: &Session, settled: &[Settled], written: &[Written]| {
            let rows = Outcome { units, settled, written }.records(&scene.plan, tables);
            let refreshed = edition::Refreshed {
                base: self.base,
                run: self.ledger.run(),
                source: &scene.source,
                snapshot,
                fingerprint: &self.base.fingerprint,
                objects: &scene.recorded.objects,
                shape: scene.recorded.shape.as_deref(),
                shape_hash: &scene.recorded.hash,
                is_durable: ready.is_durable,
                tables: &rows,
            };
            Ok(refreshed.publish(session).await?)
        };
        let (target, ledger, progress) = (&self.request.target, self.ledger, self.progress);
        let published = publication.run(&Desk { target, ledger, progress }, finish).await?;
        let (settled, written) = (&*published.settled, &*published.written);
        let as_of = Some(snapshot.as_of.clone());
        let outcome = Outcome { units, settled, written };
        let report = outcome.report(published.edition, self.ledger.run(), as_of);
        Ok(Refreshed { findings: published.findings, ..report })
    }
}

/// Tables whose rows the previous edition carried, and this one does not.
fn emptied(plan: &Plan, base: &[TableRow]) -> Vec<Name> {
    let tables = plan.tables.iter().filter(|table| table.mode == Mode::Schema);
    let held = |name: &Name| {
        base.iter()
            .any(|row| row.name == *name && row.rows.unwrap_or(0) > 0 && row.mode != "schema")
    };
    tables.map(|table| table.name.clone()).filter(held).collect()
}

/// Rows that production has deleted cannot be read again: only a person may give them up.
fn rebuild(plan: &Plan, reasons: Vec<String>) -> anyhow::Result<Ended> {
    let keeps = |t: &&copy::PlannedTable| t.deletes == Deletes::Keep || t.mode == Mode::Append;
    match plan.tables.iter().find(keeps) {
        Some(table) => Err(lost(&table.name.to_string(), Some(&reasons.join("; "))).into()),
        None => Ok(Ended::Rebuild(reasons)),
    }
}

fn lost(table: &str, reason: Option<&str>) -> Problem {
    Problem::new(format!("rows kept in {table} would be lost"))
        .detail(format!("it would have to be loaded anew: {}", reason.unwrap_or("unknown")))
        .hint("save them elsewhere, then levada run --replace; the published edition is unchanged")
}

/// Tells the units what the definitions and the target mean for them. A reason means that the
/// edition has to be built anew.
fn instruct(scene: &Scene, units: &mut [Unit]) -> anyhow::Result<Option<String>> {
    if let Some(drift) = &scene.drift
        && !drift.instruct(units)
    {
        return Ok(Some("a table whose rows find other partitions has changed".to_owned()));
    }
    for unit in units.iter_mut().filter(|unit| !unit.is_late && unit.beside.is_none()) {
        let sides = (scene.catalogs.0.table(&unit.name), scene.catalogs.1.table(&unit.name));
        let (Some(there), Some(here)) = sides else {
            return Ok(Some(format!("the target has lost table {}", unit.name)));
        };
        unit.facts = unit::Facts::of(there, here);
        unit.refuse_what_needs_a_key()?;
    }
    Ok(None)
}

/// Settles the units whose definitions stay.
async fn settle_all(
    settler: &Settler<'_>,
    units: &[Unit],
    found: &[Found],
) -> anyhow::Result<Vec<Option<Settled>>> {
    let target = settler.target_session().await?;
    let mut settled = Vec::with_capacity(units.len());
    for (number, (unit, found)) in units.iter().zip(found).enumerate() {
        let case = Case {
            number,
            unit,
            target: &target,
            is_publishing: false,
            rows: staging::Purpose::Rows,
        };
        settled.push(match unit.is_late && unit.beside.is_none() {
            true => None,
            false => Some(settler.settle(case, *found).await?),
        });
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
