//! Compares two databases, each in one snapshot: table by table, both sides at once, the largest
//! tables first.

use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use edition::{Published, TableRow};
use pg::catalog::{Catalog, Table, TableKind};
use pg::{Endpoint, Identity, Keepers, Name, Session, Stop, Watch};
use report::{Category, Event, Problem, Progress};

use crate::difference::{Comparison, TableResult, Verdict};
use crate::moment::Moment;
use crate::pairing::{self, Pair, Scope};
use crate::table::{Task, compare_table};

/// What a person asked for.
#[derive(Debug, Clone)]
pub struct Request {
    pub source: Endpoint,
    pub target: Endpoint,
    pub scope: Scope,
    /// Compare as the edition that the target shows: what the source wrote since is no difference.
    pub as_edition: bool,
    /// How many keys and changed rows of each table are shown.
    pub samples: usize,
    /// Whether the values of changed rows are shown.
    pub shows_values: bool,
    /// How many tables are compared at once, each by a session on either side.
    pub tables_at_once: usize,
    /// How often an idle session shows a sign of life.
    pub heartbeat: Duration,
}

/// Compares, and tells what was found. `Err` only when nothing could be compared.
pub async fn compare(
    request: &Request,
    progress: &dyn Progress,
    stop: &Stop,
) -> anyhow::Result<Comparison> {
    let started = Instant::now();
    let (source, target) = futures_util::try_join!(
        End::open(&request.source, request.heartbeat),
        End::open(&request.target, request.heartbeat),
    )?;
    refuse_same(&source.identity, &target.identity)?;
    let published = match request.as_edition {
        true => Some(published(&target, &request.target).await?),
        false => None,
    };
    let only = published.as_ref().map(copied_tables);
    let pairs = pairing::pairs(&source.catalog, &target.catalog, &request.scope, only.as_ref())?;
    let work = Work {
        request,
        progress,
        since: published.as_ref().map(|published| since(published, &source)),
        recorded: published.iter().flat_map(|p| &p.tables).map(|row| (&row.name, row)).collect(),
        source: &source,
        target: &target,
        seed: random_seed(),
        waiting: Mutex::new(pairs.into_iter().collect()),
        done: Mutex::new(Vec::new()),
    };
    progress.event(Event::Phase("comparing"));
    let lanes = (0..request.tables_at_once.max(1)).map(|_| work.lane());
    let was_interrupted = tokio::select! {
        _ = futures_util::future::join_all(lanes) => false,
        () = stop.requested() => true,
        never = source.watch.run() => match never {},
        never = target.watch.run() => match never {},
    };
    let mut tables = work.done.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(only) = only.as_ref().filter(|_| request.scope.is_everything()) {
        tables.extend(dropped_on_both(only, &source.catalog, &target.catalog));
    }
    tables.sort_by(|a, b| a.table.cmp(&b.table));
    // Nobody knows of the tables that were not compared.
    let least = if was_interrupted { Verdict::Unknown } else { Verdict::Equal };
    let verdict = tables.iter().map(|table| table.verdict).fold(least, Verdict::max);
    Ok(Comparison {
        verdict,
        edition: published.as_ref().map(|published| published.number),
        source_as_of: source.keepers.snapshot().as_of.clone(),
        target_as_of: published
            .as_ref()
            .and_then(|published| published.as_of.clone())
            .unwrap_or_else(|| target.keepers.snapshot().as_of.clone()),
        tables,
        seconds: started.elapsed().as_secs_f64(),
        was_interrupted,
    })
}

/// A side: its snapshot, and what it contains.
pub(crate) struct End {
    pub(crate) endpoint: Endpoint,
    pub(crate) keepers: Keepers,
    /// Gives way to whoever wants to change a table that is being read.
    watch: Watch,
    pub(crate) catalog: Catalog,
    pub(crate) identity: Identity,
}

impl End {
    async fn open(endpoint: &Endpoint, heartbeat: Duration) -> pg::Result<Self> {
        let keepers = Keepers::take(endpoint, heartbeat).await?;
        let session = keepers.session(endpoint).await?;
        let catalog = Catalog::load(&session).await?;
        let identity = Identity::of(&session).await?;
        let watch = Watch::new(endpoint, "");
        Ok(Self { endpoint: endpoint.clone(), keepers, watch, catalog, identity })
    }
}

/// The moment of the edition, or why it means nothing to the source of now.
pub(crate) type Since = Result<Moment, String>;

fn since(published: &Published, source: &End) -> Since {
    let (old, new) = (&published.source, &source.identity);
    let now = &source.keepers.snapshot().position;
    let snapshot = published.snapshot.as_deref().unwrap_or_default();
    if !old.is_same_database(new) {
        return Err("the source is not the database that the edition was read from".to_owned());
    }
    if old.timeline != new.timeline {
        return Err("the source was restored or failed over since the edition".to_owned());
    }
    match Moment::parse(snapshot) {
        Some(moment) if pg::sees_all_of(&now.snapshot, snapshot) => {
            // Row versions carry 32 bits of the id: beyond 2^31 old and new look alike.
            match now.xmin.saturating_sub(moment.xmin) {
                0..0x8000_0000 => Ok(moment),
                _ => Err("the source has had too many transactions since the edition".to_owned()),
            }
        }
        Some(_) => Err("the source lags behind the server that the edition was read from".into()),
        None => Err("the edition has no record of its snapshot".to_owned()),
    }
}

async fn published(target: &End, endpoint: &Endpoint) -> anyhow::Result<Published> {
    let session = target.keepers.session(endpoint).await?;
    let published = Published::read(&session).await?;
    published.ok_or_else(|| {
        Problem::new(format!("no edition is published on {endpoint}"))
            .hint("make one with levada run, or name two databases: levada verify SOURCE TARGET")
            .into()
    })
}

/// The tables whose rows are in the edition.
fn copied_tables(published: &Published) -> BTreeSet<Name> {
    let copied = published.tables.iter().filter(|t| !matches!(&*t.mode, "schema" | "skip"));
    copied.map(|table| table.name.clone()).collect()
}

/// Tables of the edition that neither side has any more. Large objects have a line of their own in
/// the records, in the schema `levada`.
fn dropped_on_both(only: &BTreeSet<Name>, source: &Catalog, target: &Catalog) -> Vec<TableResult> {
    let is_gone = |name: &&Name| {
        name.schema != "levada" && source.table(name).is_none() && target.table(name).is_none()
    };
    let gone = only.iter().filter(is_gone).map(|name| {
        let mut result = TableResult::new(name.clone());
        result.judge(Verdict::Differs, "the target has lost this table of the edition");
        result
    });
    gone.collect()
}

fn refuse_same(source: &Identity, target: &Identity) -> Result<(), Problem> {
    if source.is_same_database(target) && source.started_at == target.started_at {
        let problem = Problem::new("source and target are the same database");
        return Err(problem.hint("name two different databases"));
    }
    Ok(())
}

/// Never 0, with which PostgreSQL's hashes are those of its indexes.
fn random_seed() -> i64 {
    let random = RandomState::new().hash_one(std::process::id());
    (random | 1) as i64
}

struct Work<'a> {
    request: &'a Request,
    progress: &'a dyn Progress,
    since: Option<Since>,
    /// The tables of the edition, by name.
    recorded: BTreeMap<&'a Name, &'a TableRow>,
    source: &'a End,
    target: &'a End,
    seed: i64,
    waiting: Mutex<VecDeque<Pair<'a>>>,
    done: Mutex<Vec<TableResult>>,
}

impl<'a> Work<'a> {
    /// Compares one table after the other until none waits.
    async fn lane(&self) {
        let mut sessions = None;
        while let Some(pair) = self.next() {
            let Some(table) = pair.any() else { continue };
            let (started, object) = (Instant::now(), table.name.to_string());
            let category = Category::TableData;
            let rows = table.rows_estimate;
            self.progress.event(Event::Started { category, object: &object, rows });
            let mut result = self.one(pair, table, &mut sessions).await;
            result.seconds = started.elapsed().as_secs_f64();
            self.done.lock().unwrap_or_else(PoisonError::into_inner).push(result);
            let took = started.elapsed();
            self.progress.event(Event::Finished { category, object: &object, took });
        }
    }

    fn next(&self) -> Option<Pair<'a>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    async fn one(
        &self,
        pair: Pair<'a>,
        table: &Table,
        sessions: &mut Option<(Session, Session)>,
    ) -> TableResult {
        let mut tries = 0;
        loop {
            let mut result = TableResult::new(table.name.clone());
            let (Some(source), Some(target)) = (pair.source, pair.target) else {
                judge_alone(pair, self.since.is_some(), &mut result);
                return result;
            };
            tries += 1;
            // A session that failed is in a failed transaction, or gone.
            let done = match self.begin(sessions.take()).await {
                Ok(open) => self.both(open, (source, target), &mut result).await,
                Err(error) => Err((error, false)),
            };
            match done {
                Ok(open) => {
                    *sessions = Some(open);
                    return result;
                }
                Err((_, true)) if tries < TRIES => self.step_aside(&table.name).await,
                Err((error, _)) => {
                    result.judge(Verdict::Unknown, error.problem().to_string());
                    return result;
                }
            }
        }
    }

    /// Compares a table of both sides; an error comes with whether somebody wanted the table.
    async fn both(
        &self,
        open: (Session, Session),
        tables: (&Table, &Table),
        result: &mut TableResult,
    ) -> Result<(Session, Session), (pg::Error, bool)> {
        let task = Task {
            sides: (self.source, self.target),
            tables,
            sessions: (&open.0, &open.1),
            since: self.since.as_ref(),
            recorded: self.recorded.get(&tables.0.name).copied(),
            seed: self.seed,
            samples: self.request.samples,
            shows_values: self.request.shows_values,
        };
        let held = [(&self.source.watch, open.0.pid()), (&self.target.watch, open.1.pid())];
        for (watch, pid) in held {
            watch.holds(pid);
        }
        let compared = compare_table(&task, result).await;
        // No lock outlives the work on its table.
        let ended = match compared {
            Ok(()) => futures_util::try_join!(open.0.batch("COMMIT"), open.1.batch("COMMIT")),
            Err(error) => Err(error),
        };
        let mut is_wanted = ended.as_ref().is_err_and(|error| error.sqlstate() == Some("55P03"));
        for (watch, pid) in held {
            watch.released(pid);
            is_wanted |= watch.was_asked_to_yield(pid);
        }
        ended.map(|_| open).map_err(|error| (error, is_wanted))
    }

    /// Waits until those are done who want to change the table.
    async fn step_aside(&self, table: &Name) {
        let problem = Problem::new(format!("stepped aside on {table}"))
            .detail("another session wants to change this table; it is compared after that");
        self.progress.event(Event::Note(&problem));
        // Whoever cannot be waited for is met again at the next try.
        let _ = self.source.watch.wait_until_free(table).await;
        let _ = self.target.watch.wait_until_free(table).await;
    }

    /// A new transaction for each table.
    async fn begin(&self, sessions: Option<(Session, Session)>) -> pg::Result<(Session, Session)> {
        let (source, target) = match sessions {
            Some((source, target)) => (Some(source), Some(target)),
            None => (None, None),
        };
        futures_util::try_join!(begin_on(self.source, source), begin_on(self.target, target))
    }
}

/// How often a table is begun when others want it.
const TRIES: u32 = 5;

async fn begin_on(end: &End, session: Option<Session>) -> pg::Result<Session> {
    match (session, end.keepers.begin()) {
        (Some(session), Some(begin)) => {
            session.batch(&begin).await?;
            Ok(session)
        }
        _ => end.keepers.session(&end.endpoint).await,
    }
}

/// A table that only one side has.
fn judge_alone(pair: Pair<'_>, is_edition: bool, result: &mut TableResult) {
    match (pair.source, is_edition) {
        (Some(_), _) => result.judge(Verdict::Differs, "the target does not have this table"),
        (None, false) => result.judge(Verdict::Differs, "the source does not have this table"),
        (None, true) => {
            let reason = "the source does not have this table any more, or under another name";
            result.judge(Verdict::Unknown, reason);
        }
    }
}

/// Whether a table holds no rows itself.
pub(crate) fn is_partitioned(table: &Table) -> bool {
    table.kind == TableKind::Partitioned
}
