//! The work that is left and what may be done next. Pure: workers ask it and tell it, it does
//! nothing.
//!
//! Loads come before everything else, so that the snapshot of the source is released early; then
//! the longest work first. One table has several index builds at once, but one constraint at a
//! time.

use std::collections::HashMap;

use edition::{ChunkRow, Stage, StepRow};
use pg::Name;

/// What a worker shall do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Task {
    Load(ChunkRow),
    Step(StepRow),
}

/// The answer to a worker that asks for work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    Do(Task),
    /// Nothing is ready; ask again when a task has finished.
    Wait,
    /// Nothing is left.
    Done,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Todo,
    Running,
    Done,
}

#[derive(Debug)]
struct Load {
    chunk: ChunkRow,
    weight: u64,
    state: State,
}

#[derive(Debug)]
struct Step {
    step: StepRow,
    state: State,
}

/// All work of an edition.
#[derive(Debug)]
pub(crate) struct Board {
    loads: Vec<Load>,
    steps: Vec<Step>,
}

impl Board {
    /// `weights` tells the bytes of each table's chunk: larger ones are loaded first.
    pub(crate) fn new(
        chunks: Vec<ChunkRow>,
        steps: Vec<StepRow>,
        weights: &HashMap<Name, u64>,
    ) -> Self {
        let state = |is_done| if is_done { State::Done } else { State::Todo };
        let mut loads: Vec<_> = chunks
            .into_iter()
            .map(|chunk| Load {
                weight: weights.get(&chunk.table).copied().unwrap_or(0),
                state: state(chunk.done.is_some()),
                chunk,
            })
            .collect();
        loads.sort_by_key(|load| std::cmp::Reverse(load.weight));
        let steps = steps.into_iter().map(|step| Step { state: state(step.is_done), step });
        Self { loads, steps: steps.collect() }
    }

    /// Takes the next task for a worker.
    pub(crate) fn next(&mut self) -> Next {
        if let Some(load) = self.loads.iter_mut().find(|load| load.state == State::Todo) {
            load.state = State::Running;
            return Next::Do(Task::Load(load.chunk.clone()));
        }
        let ready = (0..self.steps.len()).filter(|at| self.is_ready(*at));
        let key = |at: &usize| {
            let step = &self.steps[*at].step;
            // Short work that others wait for goes first: adding a key takes no time.
            let is_short = matches!(step.stage, Stage::Constraint | Stage::ForeignKey);
            (!is_short, std::cmp::Reverse(step.weight), step.number)
        };
        match ready.min_by_key(key) {
            Some(at) => {
                self.steps[at].state = State::Running;
                Next::Do(Task::Step(self.steps[at].step.clone()))
            }
            None if self.is_done() => Next::Done,
            None => Next::Wait,
        }
    }

    pub(crate) fn finished(&mut self, task: &Task) {
        self.set(task, State::Done);
    }

    fn set(&mut self, task: &Task, state: State) {
        match task {
            Task::Load(chunk) => {
                let same = |load: &&mut Load| {
                    load.chunk.table == chunk.table && load.chunk.number == chunk.number
                };
                if let Some(load) = self.loads.iter_mut().find(same) {
                    load.state = state;
                }
            }
            Task::Step(step) => {
                if let Some(known) = self.steps.iter_mut().find(|s| s.step.number == step.number) {
                    known.state = state;
                }
            }
        }
    }

    /// Whether every row has been read from the source.
    pub(crate) fn is_loaded(&self) -> bool {
        self.loads.iter().all(|load| load.state == State::Done)
    }

    fn is_done(&self) -> bool {
        self.is_loaded() && self.steps.iter().all(|step| step.state == State::Done)
    }

    /// How many loads and index builds are not done, running ones included: when few are left, a
    /// build may use more than one core.
    pub(crate) fn builds_left(&self) -> usize {
        let is_left = |step: &&Step| step.state != State::Done && step.step.stage == Stage::Index;
        let loads = self.loads.iter().filter(|load| load.state != State::Done).count();
        self.steps.iter().filter(is_left).count() + loads
    }

    fn is_ready(&self, at: usize) -> bool {
        let Step { step, state } = &self.steps[at];
        *state == State::Todo && self.is_due(step) && !self.is_locked_out(step)
    }

    /// Whether everything that a step builds on is done.
    fn is_due(&self, step: &StepRow) -> bool {
        let tables: Vec<&Name> = step.table.iter().chain(&step.references).collect();
        if !tables.iter().all(|table| self.is_table_loaded(table)) {
            return false;
        }
        let mut open = self
            .steps
            .iter()
            .filter(|other| other.state != State::Done && order(&other.step) < order(step));
        match (step.stage, &step.references) {
            (Stage::Index, _) => true,
            (Stage::Constraint | Stage::Analyze, _) => {
                !open.any(|other| other.step.table == step.table)
            }
            // Both tables must have their keys and indexes; statistics may come later.
            (Stage::ForeignKey | Stage::Validate, Some(_)) => !open.any(|other| {
                let touches = other.step.table.iter().any(|table| tables.contains(&table));
                let precedes = other.step.stage <= Stage::Constraint
                    || (other.step.stage == Stage::ForeignKey && other.step.table == step.table);
                touches && precedes
            }),
            // Partitioned tables and materialised views: in their order, after all the rest.
            _ => self.is_loaded() && open.next().is_none(),
        }
    }

    /// Whether a running step holds a lock that this one would have to wait for.
    fn is_locked_out(&self, step: &StepRow) -> bool {
        let running = self.steps.iter().filter(|other| other.state == State::Running);
        running.flat_map(|other| locks(&other.step)).any(|(held_on, held)| {
            locks(step).any(|(wanted_on, wanted)| held_on == wanted_on && held.conflicts(wanted))
        })
    }

    fn is_table_loaded(&self, table: &Name) -> bool {
        let mut loads = self.loads.iter().filter(|load| load.chunk.table == *table);
        loads.all(|load| load.state == State::Done)
    }
}

fn order(step: &StepRow) -> (Stage, i32) {
    (step.stage, step.number)
}

/// The table locks that steps take, as PostgreSQL's documentation names them ("Explicit Locking").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lock {
    RowShare,
    ShareUpdateExclusive,
    Share,
    ShareRowExclusive,
    AccessExclusive,
}

impl Lock {
    fn conflicts(self, other: Self) -> bool {
        match (self, other) {
            (Self::AccessExclusive, _) | (_, Self::AccessExclusive) => true,
            (Self::RowShare, _) | (_, Self::RowShare) | (Self::Share, Self::Share) => false,
            _ => true,
        }
    }
}

fn locks(step: &StepRow) -> impl Iterator<Item = (&Name, Lock)> {
    let (own, referenced) = match step.stage {
        Stage::Index => (Lock::Share, Lock::RowShare),
        Stage::Analyze => (Lock::ShareUpdateExclusive, Lock::RowShare),
        Stage::ForeignKey => (Lock::ShareRowExclusive, Lock::ShareRowExclusive),
        Stage::Validate => (Lock::ShareUpdateExclusive, Lock::RowShare),
        _ => (Lock::AccessExclusive, Lock::AccessExclusive),
    };
    let tables = step.table.iter().map(move |table| (table, own));
    tables.chain(step.references.iter().map(move |table| (table, referenced)))
}

#[cfg(test)]
#[path = "board_tests.rs"]
mod tests;
