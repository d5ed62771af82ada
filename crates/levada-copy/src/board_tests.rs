//! Tests of the order of work, without a server.

use super::*;
use report::Category;

fn chunk(table: &str, number: i32) -> ChunkRow {
    let table = Name::new("public", table);
    ChunkRow { table, number, first_page: None, end_page: None, done: None }
}

fn step(number: i32, stage: Stage, table: &str, weight: i64) -> StepRow {
    StepRow {
        number,
        stage,
        category: Category::Index,
        table: Some(Name::new("public", table)),
        references: None,
        object: format!("step {number}"),
        statement: String::new(),
        undo: None,
        volume: weight,
        weight,
        is_done: false,
    }
}

fn board(chunks: Vec<ChunkRow>, steps: Vec<StepRow>) -> Board {
    let weights = [("a", 10), ("b", 20)].map(|(name, bytes)| (Name::new("public", name), bytes));
    Board::new(chunks, steps, &weights.into())
}

fn take(board: &mut Board) -> Task {
    match board.next() {
        Next::Do(task) => task,
        other => panic!("expected work, got {other:?}"),
    }
}

fn number(task: &Task) -> i32 {
    match task {
        Task::Load(chunk) => chunk.number,
        Task::Step(step) => step.number,
    }
}

#[test]
fn loads_come_first_and_the_largest_table_before_all() {
    let steps = vec![step(7, Stage::Index, "a", 1)];
    let mut board = board(vec![chunk("a", 1), chunk("b", 2)], steps);
    let (first, second) = (take(&mut board), take(&mut board));
    assert_eq!([number(&first), number(&second)], [2, 1]);
    assert_eq!(board.next(), Next::Wait);
    board.finished(&second);
    assert_eq!(number(&take(&mut board)), 7, "a is loaded, b still loads");
}

#[test]
fn builds_of_one_table_run_together_and_its_key_waits_for_them() {
    let steps = vec![
        step(1, Stage::Index, "a", 5),
        step(2, Stage::Index, "a", 9),
        step(3, Stage::Constraint, "a", 0),
        step(4, Stage::Analyze, "a", 0),
    ];
    let mut board = board(Vec::new(), steps);
    let (longest, other) = (take(&mut board), take(&mut board));
    assert_eq!([number(&longest), number(&other)], [2, 1]);
    board.finished(&longest);
    assert_eq!(board.next(), Next::Wait);
    board.finished(&other);
    let key = take(&mut board);
    assert_eq!(number(&key), 3);
    assert_eq!(board.next(), Next::Wait, "analyze waits for the key");
    board.finished(&key);
    let analyze = take(&mut board);
    board.finished(&analyze);
    assert_eq!(board.next(), Next::Done);
}

/// A foreign key from one table to another.
fn key(number: i32, stage: Stage, table: &str, references: &str) -> StepRow {
    let object = format!("{table} to {references}");
    let references = Some(Name::new("public", references));
    StepRow { references, object, ..step(number, stage, table, 5) }
}

#[test]
fn validations_never_share_a_referencing_table() {
    let steps = vec![
        key(1, Stage::ForeignKey, "a", "c"),
        key(2, Stage::ForeignKey, "a", "d"),
        key(3, Stage::ForeignKey, "b", "d"),
        key(4, Stage::Validate, "a", "c"),
        key(5, Stage::Validate, "a", "d"),
        key(6, Stage::Validate, "b", "d"),
    ];
    let mut board = board(Vec::new(), steps);
    for expected in [1, 2, 3] {
        let add = take(&mut board);
        assert_eq!(number(&add), expected);
        board.finished(&add);
    }
    assert_eq!([number(&take(&mut board)), number(&take(&mut board))], [4, 6]);
    assert_eq!(board.next(), Next::Wait);
}

#[test]
fn a_foreign_key_waits_for_the_builds_of_both_tables_and_for_no_others() {
    let steps = vec![
        step(1, Stage::Index, "a", 9),
        step(2, Stage::Index, "b", 8),
        step(3, Stage::Index, "c", 1),
        key(4, Stage::ForeignKey, "a", "b"),
        step(5, Stage::Analyze, "b", 0),
    ];
    let mut board = board(Vec::new(), steps);
    let (a, b) = (take(&mut board), take(&mut board));
    board.finished(&a);
    let c = take(&mut board);
    assert_eq!(number(&c), 3, "b is still being built");
    board.finished(&b);
    let add = take(&mut board);
    assert_eq!(number(&add), 4, "c has nothing to do with it");
    assert_eq!(board.next(), Next::Wait, "statistics of b wait for the lock of the key");
}

#[test]
fn what_was_done_before_is_not_done_again() {
    let mut done = step(1, Stage::Index, "a", 5);
    done.is_done = true;
    assert_eq!(board(Vec::new(), vec![done]).next(), Next::Done);
}

/// Any mix of work ends, whoever finishes first: nothing waits for ever, nothing is done twice, and
/// no two running steps hold conflicting locks.
#[test]
fn any_mix_of_work_comes_to_an_end() {
    let mut seed = 20_261_121_u64;
    let mut below = |bound: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % bound
    };
    for case in 0..300 {
        let names = ["a", "b", "c", "d"];
        let mut name = || names[below(4) as usize];
        let chunks: Vec<_> = (1..6).map(|number| chunk(name(), number)).collect();
        let stages = [
            Stage::Index,
            Stage::Constraint,
            Stage::Analyze,
            Stage::Partitioned,
            Stage::ForeignKey,
            Stage::Validate,
            Stage::Refresh,
        ];
        let steps = (1..20).map(|number| match stages[below(7) as usize] {
            stage @ (Stage::ForeignKey | Stage::Validate) if below(2) == 0 => {
                key(number, stage, names[below(4) as usize], names[below(4) as usize])
            }
            stage => step(number, stage, names[below(4) as usize], below(9) as i64),
        });
        let mut board = board(chunks, steps.collect());
        let (mut running, mut done) = (Vec::new(), 0);
        loop {
            match board.next() {
                Next::Do(task) => running.push(task),
                Next::Wait | Next::Done if running.is_empty() => break,
                Next::Wait | Next::Done => {
                    let task = running.swap_remove(below(running.len() as u64) as usize);
                    board.finished(&task);
                    done += 1;
                }
            }
        }
        assert_eq!((done, board.next()), (24, Next::Done), "case {case}");
    }
}
