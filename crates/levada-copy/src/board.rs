//! The work that is left and what may be done next. Pure: workers ask it and tell it, it does
//! nothing.
//!
//! Loads come before everything else, so that the snapshot of the source is released early; then
//! the longest work first. What would have to wait for a lock of running work is not handed out.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

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

/// All work of an edition.
#[derive(Debug)]
pub(crate) struct Board {
    loads: VecDeque<ChunkRow>,
    /// Chunks that are not done, running ones included.
    loads_left: HashMap<Name, usize>,
    /// By number; steps that are done are gone.
    open: BTreeMap<i32, StepRow>,
    /// The numbers of open steps, in their order.
    order: BTreeSet<(Stage, i32)>,
    /// The open steps that work on a table or reference it.
    by_table: HashMap<Name, BTreeSet<i32>>,
    /// Everything they build on is done; the most urgent first.
    due: BTreeSet<(Urgency, i32)>,
    running: BTreeSet<i32>,
    builds_left: usize,
}

/// Short work that others wait for goes first: adding a key takes no time. Then the longest.
type Urgency = (bool, Reverse<i64>);

fn urgency(step: &StepRow) -> Urgency {
    let is_short = matches!(step.stage, Stage::Constraint | Stage::ForeignKey);
    (!is_short, Reverse(step.weight))
}

impl Board {
    /// `weights` tells the bytes of each table: the chunks of larger ones are loaded first.
    pub(crate) fn new(
        chunks: Vec<ChunkRow>,
        steps: Vec<StepRow>,
        weights: &HashMap<Name, u64>,
    ) -> Self {
        let mut loads: Vec<_> = chunks.into_iter().filter(|chunk| chunk.done.is_none()).collect();
        loads.sort_by_key(|chunk| Reverse(weights.get(&chunk.table).copied().unwrap_or(0)));
        let mut board = Self {
            loads_left: HashMap::new(),
            open: BTreeMap::new(),
            order: BTreeSet::new(),
            by_table: HashMap::new(),
            due: BTreeSet::new(),
            running: BTreeSet::new(),
            builds_left: 0,
            loads: loads.into(),
        };
        for chunk in &board.loads {
            *board.loads_left.entry(chunk.table.clone()).or_default() += 1;
        }
        for step in steps.into_iter().filter(|step| !step.is_done) {
            board.open_step(step);
        }
        let all: Vec<i32> = board.open.keys().copied().collect();
        board.look_again(all);
        board
    }

    fn open_step(&mut self, step: StepRow) {
        self.order.insert((step.stage, step.number));
        for table in tables(&step) {
            self.by_table.entry(table.clone()).or_default().insert(step.number);
        }
        self.builds_left += usize::from(step.stage == Stage::Index);
        self.open.insert(step.number, step);
    }

    /// Takes the next task for a worker.
    pub(crate) fn next(&mut self) -> Next {
        if let Some(chunk) = self.loads.pop_front() {
            return Next::Do(Task::Load(chunk));
        }
        let due = self.due.iter().copied();
        let free = due.clone().find(|(_, number)| !self.is_locked_out(*number));
        match free.and_then(|key| Some((key, self.open.get(&key.1)?.clone()))) {
            Some((key, step)) => {
                self.due.remove(&key);
                self.running.insert(step.number);
                Next::Do(Task::Step(step))
            }
            None if self.is_loaded() && self.open.is_empty() => Next::Done,
            None => Next::Wait,
        }
    }

    pub(crate) fn finished(&mut self, task: &Task) {
        let touched: Vec<&Name> = match task {
            Task::Load(chunk) => {
                if let Some(left) = self.loads_left.get_mut(&chunk.table) {
                    *left -= 1;
                    if *left == 0 {
                        self.loads_left.remove(&chunk.table);
                    }
                }
                vec![&chunk.table]
            }
            Task::Step(step) => {
                self.close_step(step);
                tables(step).collect()
            }
        };
        let related = touched.iter().filter_map(|table| self.by_table.get(*table));
        let mut candidates: Vec<i32> = related.flatten().copied().collect();
        candidates.extend(self.order.first().map(|(_, number)| *number));
        self.look_again(candidates);
    }

    fn close_step(&mut self, step: &StepRow) {
        self.running.remove(&step.number);
        self.order.remove(&(step.stage, step.number));
        for table in tables(step) {
            if let Some(numbers) = self.by_table.get_mut(table) {
                numbers.remove(&step.number);
            }
        }
        if self.open.remove(&step.number).is_some() && step.stage == Stage::Index {
            self.builds_left -= 1;
        }
    }

    /// Puts those of `numbers` that have become due on the list.
    fn look_again(&mut self, numbers: Vec<i32>) {
        for number in numbers {
            let Some(step) = self.open.get(&number) else { continue };
            if !self.running.contains(&number) && self.is_due(step) {
                self.due.insert((urgency(step), number));
            }
        }
    }

    /// Whether every row has been read from the source.
    pub(crate) fn is_loaded(&self) -> bool {
        self.loads_left.is_empty()
    }

    /// How many loads and index builds are not done, running ones included: when few are left, a
    /// build may use more than one core.
    pub(crate) fn builds_left(&self) -> usize {
        self.builds_left + self.loads_left.values().sum::<usize>()
    }

    /// Whether everything that a step builds on is done.
    fn is_due(&self, step: &StepRow) -> bool {
        if tables(step).any(|table| self.loads_left.contains_key(table)) {
            return false;
        }
        let touched = tables(step).filter_map(|table| self.by_table.get(table)).flatten();
        let mut before = touched
            .filter_map(|number| self.open.get(number))
            .filter(|other| (other.stage, other.number) < (step.stage, step.number));
        match (step.stage, &step.references) {
            (Stage::Index, _) => true,
            (Stage::Constraint | Stage::Analyze, _) => {
                !before.any(|other| other.table == step.table)
            }
            // Both tables must have their keys and indexes.
            (Stage::ForeignKey | Stage::Validate, Some(_)) => !before.any(|other| {
                let is_own = other.table == step.table;
                // Keys of one table are added in their order; validating waits for its own only.
                let is_own_key = is_own
                    && other.stage == Stage::ForeignKey
                    && (step.stage == Stage::ForeignKey || other.object == step.object);
                other.stage <= Stage::Constraint || is_own_key
            }),
            // Partitioned tables and materialised views: in their order, after all the rest.
            _ => self.is_loaded() && self.order.first() == Some(&(step.stage, step.number)),
        }
    }

    /// Whether a running step holds a lock that this one would have to wait for.
    fn is_locked_out(&self, number: i32) -> bool {
        let Some(step) = self.open.get(&number) else { return true };
        let running = self.running.iter().filter_map(|number| self.open.get(number));
        running.flat_map(locks).any(|(held_on, held)| {
            locks(step).any(|(wanted_on, wanted)| held_on == wanted_on && held.conflicts(wanted))
        })
    }
}

/// The table that a step works on, and the one that it references.
fn tables(step: &StepRow) -> impl Iterator<Item = &Name> {
    step.table.iter().chain(&step.references)
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
