//! Workers: each takes tasks from the board and carries them out over its own two sessions.
//!
//! A broken session, a lock time-out or a statement that had to give way is tried again; a lost
//! snapshot ends the attempt, and `run` decides how to go on.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use edition::{ChunkRow, Ledger, StepRow};
use pg::{Endpoint, Keepers, Moved, Name, Purpose, Session, Watch, Wire};
use report::{Category, Event, Problem, Progress};
use tokio::sync::Notify;

use crate::board::{Board, Next, Task};
use crate::build;
use crate::chunk::{Failure, Job};
use crate::install::Places;
use crate::plan::PlannedTable;

/// How often one task is tried before the run fails; giving way to others does not count.
const TRIES: u32 = 5;
const PAUSE_BEFORE_RETRY: Duration = Duration::from_millis(300);

/// Why an attempt ended early and a new snapshot may help.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SnapshotLost(pub Problem);

/// What all workers of an attempt share.
pub(crate) struct Crew<'a> {
    pub(crate) source: &'a Endpoint,
    pub(crate) target: &'a Endpoint,
    pub(crate) ledger: &'a Ledger,
    pub(crate) progress: &'a dyn Progress,
    pub(crate) edition: i32,
    pub(crate) places: Places,
    pub(crate) tables: HashMap<Name, PlannedTable>,
    pub(crate) board: Mutex<Board>,
    pub(crate) changed: Notify,
    /// Given up as soon as the last row is read.
    pub(crate) keepers: Mutex<Option<Keepers>>,
    pub(crate) watch: Watch,
    pub(crate) jobs: usize,
}

#[derive(Default)]
struct Sessions {
    source: Option<Wire>,
    target_copy: Option<Wire>,
    target: Option<Session>,
}

impl Crew<'_> {
    /// Works until nothing is left.
    pub(crate) async fn work(&self) -> anyhow::Result<()> {
        if self.board().is_loaded() {
            self.release_snapshot();
        }
        let workers = (0..self.jobs).map(|_| self.one_worker());
        futures_util::future::try_join_all(workers).await.map(drop)
    }

    async fn one_worker(&self) -> anyhow::Result<()> {
        let mut sessions = Sessions::default();
        loop {
            let next = self.board().next();
            match next {
                Next::Done => return Ok(()),
                // All workers share one task of the runtime: nothing changes between the look at
                // the board and the first poll of `notified`.
                Next::Wait => self.changed.notified().await,
                Next::Do(task) => {
                    match &task {
                        Task::Load(chunk) => self.load(chunk, &mut sessions).await?,
                        Task::Step(step) => self.build(step, &mut sessions).await?,
                    }
                    self.board().finished(&task);
                    if self.board().is_loaded() {
                        self.release_snapshot();
                        sessions.source = None;
                    }
                    self.changed.notify_waiters();
                }
            }
        }
    }

    fn board(&self) -> std::sync::MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn release_snapshot(&self) {
        let keepers = self.keepers.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.watch.end();
        if keepers.is_some() {
            self.progress.event(Event::Phase("all rows read; the source is released"));
        }
    }

    async fn load(&self, chunk: &ChunkRow, sessions: &mut Sessions) -> anyhow::Result<()> {
        let object = chunk.table.to_string();
        let rows = self.tables.get(&chunk.table).map_or(0, |table| table.rows_estimate);
        let category = match self.tables.contains_key(&chunk.table) {
            true => Category::TableData,
            false => Category::LargeObject,
        };
        self.progress.event(Event::Started { category, object: &object, rows });
        let started = Instant::now();
        let mut tries = 0;
        loop {
            let told = Mutex::new(Moved::default());
            let result = self.try_load(chunk, &object, &told, sessions).await;
            let failure = match result {
                Ok(()) => break,
                Err(Failure::Done) => {
                    // Both sessions are inside a transaction that has nothing to do.
                    sessions.source = None;
                    sessions.target_copy = None;
                    break;
                }
                Err(failure) => failure,
            };
            let Moved { rows, bytes } = *told.lock().unwrap_or_else(PoisonError::into_inner);
            self.progress.event(Event::TakenBack { object: &object, rows, bytes });
            self.after_failure(chunk, failure, &mut tries, sessions).await?;
            if self.is_recorded(chunk).await? {
                break;
            }
        }
        let took = started.elapsed();
        self.progress.event(Event::Finished { category, object: &object, took });
        Ok(())
    }

    async fn try_load(
        &self,
        chunk: &ChunkRow,
        object: &str,
        told: &Mutex<Moved>,
        sessions: &mut Sessions,
    ) -> Result<(), Failure> {
        let (begin, snapshot) = self.snapshot()?;
        if sessions.source.is_none() {
            let opened = Wire::connect(self.source, Purpose::Source).await;
            sessions.source = Some(opened.map_err(Failure::Source)?);
        }
        if sessions.target_copy.is_none() {
            let opened = Wire::connect(self.target, Purpose::Target).await;
            sessions.target_copy = Some(opened.map_err(Failure::Target)?);
        }
        let (Some(source), Some(target)) = (&mut sessions.source, &mut sessions.target_copy) else {
            return Err(Failure::SnapshotGone);
        };
        let job = Job {
            edition: self.edition,
            run: self.ledger.run(),
            chunk,
            table: self.tables.get(&chunk.table),
            places: &self.places,
            begin: &begin,
            snapshot: &snapshot,
        };
        let on_progress = |moved: Moved| {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            told.rows += moved.rows;
            told.bytes += moved.bytes;
            self.progress.event(Event::Moved { object, rows: moved.rows, bytes: moved.bytes });
        };
        let pid = source.pid();
        self.watch.holds(pid);
        let result = job.run(source, target, &on_progress).await;
        self.watch.released(pid);
        result.map(drop)
    }

    /// The statement that begins on the snapshot, and its text for the records.
    fn snapshot(&self) -> Result<(String, String), Failure> {
        let keepers = self.keepers.lock().unwrap_or_else(PoisonError::into_inner);
        let keepers = keepers.as_ref().ok_or(Failure::SnapshotGone)?;
        let begin = keepers.begin().ok_or(Failure::SnapshotGone)?;
        Ok((begin, keepers.snapshot().position.snapshot.clone()))
    }

    /// Decides whether to try again; sessions of unknown state are dropped.
    async fn after_failure(
        &self,
        chunk: &ChunkRow,
        failure: Failure,
        tries: &mut u32,
        sessions: &mut Sessions,
    ) -> anyhow::Result<()> {
        let source_pid = sessions.source.as_ref().map_or(0, Wire::pid);
        sessions.source = None;
        sessions.target_copy = None;
        let (side, error) = match failure {
            Failure::Source(error) => ("reading", error),
            Failure::Target(error) => ("loading", error),
            Failure::SnapshotGone => return Err(self.snapshot_lost().into()),
            Failure::Spoiled(problem) => return Err(SnapshotLost(problem).into()),
            Failure::TakenOver => return Err(taken_over().into()),
            Failure::Done => return Ok(()),
        };
        let gave_way = side == "reading" && self.watch.was_asked_to_yield(source_pid);
        let is_locked = side == "reading" && error.sqlstate() == Some("55P03");
        if gave_way || is_locked {
            let problem = Problem::new(format!("stepped aside on {}", chunk.table)).detail(
                "another session wants to change this table; the range is read again after it",
            );
            self.progress.event(Event::Note(&problem));
            return Ok(self.watch.wait_until_free(&chunk.table).await?);
        }
        *tries += 1;
        if !error.is_retryable() || *tries >= TRIES {
            return Err(error).with_context(|| format!("{side} {}", chunk.table));
        }
        self.ledger.hold().await?;
        tokio::time::sleep(PAUSE_BEFORE_RETRY * *tries).await;
        Ok(())
    }

    fn snapshot_lost(&self) -> SnapshotLost {
        let problem = Problem::new("the snapshot of the source is gone")
            .detail("its sessions were ended from outside, or the server restarted");
        SnapshotLost(problem)
    }

    /// After an error it may be unknown whether the commit happened: the record knows.
    async fn is_recorded(&self, chunk: &ChunkRow) -> anyhow::Result<bool> {
        let chunks = self.ledger.chunks(self.edition).await;
        let chunks = match chunks {
            Err(error) if error.is_retryable() => {
                self.ledger.hold().await?;
                self.ledger.chunks(self.edition).await?
            }
            other => other?,
        };
        let same = |other: &&ChunkRow| other.table == chunk.table && other.number == chunk.number;
        Ok(chunks.iter().find(same).is_some_and(|chunk| chunk.done.is_some()))
    }

    async fn build(&self, step: &StepRow, sessions: &mut Sessions) -> anyhow::Result<()> {
        let object = match &step.table {
            Some(table) if table.to_string() != step.object => format!("{table} {}", step.object),
            _ => step.object.clone(),
        };
        let category = step.category;
        self.progress.event(Event::Started { category, object: &object, rows: 0 });
        let started = Instant::now();
        let build = build::Build {
            edition: self.edition,
            run: self.ledger.run(),
            step,
            placed: step.table.as_ref().map(|table| self.places.place(table)),
            search_path: &self.places.search_path(),
            object: &object,
            idle_cores: self.jobs.saturating_sub(self.board().builds_left()),
        };
        let mut tries = 0;
        loop {
            if sessions.target.as_ref().is_none_or(Session::is_closed) {
                let opened = Session::open(self.target, Purpose::Target).await;
                sessions.target = opened.ok();
            }
            let result = match &sessions.target {
                Some(session) => build.run(session).await,
                None => Err(pg::Error::Lost("the target cannot be reached".to_owned())),
            };
            let Err(error) = result else { break };
            tries += 1;
            sessions.target = None;
            if !error.is_retryable() || tries >= TRIES {
                return Err(error).with_context(|| format!("{} {object}", verb(category)));
            }
            tokio::time::sleep(PAUSE_BEFORE_RETRY * tries).await;
            self.ledger.hold().await?;
        }
        let took = started.elapsed();
        self.progress.event(Event::Finished { category, object: &object, took });
        Ok(())
    }
}

fn verb(category: Category) -> &'static str {
    match category {
        Category::Index => "building index",
        Category::Constraint => "building constraint",
        Category::ForeignKey => "adding foreign key",
        Category::Analyze => "analysing",
        Category::MaterializedView => "refreshing",
        _ => "working on",
    }
}

fn taken_over() -> Problem {
    Problem::new("another run has taken over this target")
        .hint("see `levada report` for the run that is working now")
}
