//! The story of `levada demo`: a production database, a copy that is killed, the same command
//! again, a proof that is not levada's own, where the time went, what `night` tells, and the page
//! that `published` serves.
//!
//! It tells and checks; servers, files and processes belong to `stage`, judging to `proof`. Nothing
//! is simulated: the copies are `levada run` processes like anybody's.

mod night;
mod proof;
mod published;
mod stage;

use std::time::Instant;

use report::{Problem, text};
use serde::Serialize;
use testkit::Session;

use crate::outcome::Outcome;
use crate::ui::Ui;
use night::Night;
use proof::Comparison;
use published::Page;
use stage::{Arrived, Stage};

/// What the application does between the kill and the second run. The event stands in the largest
/// table, which is copied first: that table has to be read again.
const PRODUCTION_GOES_ON: [&str; 2] = [
    "INSERT INTO learner (name, country, joined_at) \
     SELECT 'latecomer ' || number, 'FR', '2026-01-01 00:00+00' \
     FROM generate_series(1, 40) AS number",
    "UPDATE engagement_event SET seconds = seconds + 1 WHERE id = 200000",
];

/// A transaction that takes the next id of a learner and commits long after the edition.
const BEGINS_EARLY: &str = "BEGIN; INSERT INTO learner (name, country, joined_at) \
     VALUES ('slow sign-up', 'PT', '2026-01-01 00:00+00')";

/// What `--json` tells.
#[derive(Debug, Serialize)]
struct Told<'a> {
    is_equal: bool,
    arrived_before_kill: Arrived,
    objects: Vec<proof::Pair>,
    night: Night,
    page: &'a Page,
    seconds: f64,
}

/// Tells the story; `keep` leaves both servers running until Ctrl-C.
pub(crate) async fn run(keep: bool, ui: &Ui) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    let stage = build(ui)?;
    let arrived = kill_in_the_middle(&stage, ui)?;
    let late = go_on(&stage, ui)?;
    let first = prove(&stage, ui)?;
    show_times(&stage, ui)?;
    let (night, comparison) = night::tell(&stage, late, ui)?;
    let page = published::tell(&stage, ui)?;
    let seconds = started.elapsed();
    ui.say(&format!("\nDone in {}.", text::duration(seconds)));
    let is_equal = first.is_equal() && comparison.is_equal();
    ui.data(
        "demo",
        &Told {
            is_equal,
            arrived_before_kill: arrived,
            objects: comparison.pairs,
            night,
            page: &page,
            seconds: seconds.as_secs_f64(),
        },
    );
    ui.say(include_str!("next.txt").trim_end());
    page.tell(ui);
    match keep {
        true => wait_for_a_visitor(&stage, ui).await?,
        false => page.wait_for_enter(ui)?,
    }
    Ok(if is_equal { Outcome::Clean } else { Outcome::Found })
}

fn build(ui: &Ui) -> anyhow::Result<Stage> {
    ui.say("1. A production database, and an empty one for reports\n");
    let started = Instant::now();
    let stage = Stage::build()?;
    ui.say(&format!(
        "   two private servers, PostgreSQL {}, and an application with 300,000 events\n   \
         of engagement, a third of them by one learner in a hundred: {}",
        stage.major(),
        text::duration(started.elapsed())
    ));
    Ok(stage)
}

fn kill_in_the_middle(stage: &Stage, ui: &Ui) -> anyhow::Result<Arrived> {
    ui.say("\n2. The first copy: the network stalls on the way, and somebody kills it (kill -9)\n");
    let arrived = stage.run_and_kill(&|line| ui.say(line))?;
    if arrived.is_published {
        return Err(Problem::new("the copy was done although its network had stalled").into());
    }
    ui.say(&format!(
        "   killed: {} of {} tables and {} of {} ranges had arrived; nothing is published",
        arrived.tables, arrived.tables_planned, arrived.ranges, arrived.ranges_planned
    ));
    Ok(arrived)
}

/// The session returned has a transaction open, with a row that has a lower id than others.
fn go_on(stage: &Stage, ui: &Ui) -> anyhow::Result<Session> {
    let mut late = stage.source.session()?;
    late.run(BEGINS_EARLY)?;
    for statement in PRODUCTION_GOES_ON {
        stage.source.execute(statement)?;
    }
    ui.say(
        "\n3. Production goes on: 40 learners sign up, an event that has been copied is \
         corrected.\n\
         \x20  One more signs up in a transaction that stays open. Then the same command again\n",
    );
    stage.show(&["run"], &|line| ui.say(line))?;
    Ok(late)
}

fn prove(stage: &Stage, ui: &Ui) -> anyhow::Result<Comparison> {
    ui.say("\n4. Proof, by psql alone: rows, and a digest over all values of each object\n");
    let comparison = Comparison::of(&stage.source, &stage.target)?;
    ui.say(&indented(&comparison.table()));
    ui.say(&format!("   {}", comparison.verdict()));
    stage.target.execute("UPDATE lesson SET title = title || '!' WHERE id = 7")?;
    let spoiled = Comparison::of(&stage.source, &stage.target)?;
    ui.say(&format!("\n   would it notice? One letter more in the copy: {}", spoiled.verdict()));
    stage.target.execute("UPDATE lesson SET title = left(title, -1) WHERE id = 7")?;
    let again = Comparison::of(&stage.source, &stage.target)?;
    ui.say(&format!("   the letter taken away again: {}", again.verdict()));
    if spoiled.is_equal() {
        return Err(Problem::new("the proof did not notice a changed row").into());
    }
    Ok(if again.is_equal() { comparison } else { again })
}

fn show_times(stage: &Stage, ui: &Ui) -> anyhow::Result<()> {
    ui.say("\n5. Where the time of both runs went\n");
    stage.show(&["report", "--top", "2"], &|line| ui.say(line)).map(drop)
}

async fn wait_for_a_visitor(stage: &Stage, ui: &Ui) -> anyhow::Result<()> {
    let stopped = crate::cli::stop_signal()?;
    ui.remark(&format!(
        "\nBoth servers run until you press Ctrl-C:\n   production  {}\n   reports     {}",
        stage.source.url(),
        stage.target.url()
    ));
    stopped.await;
    Ok(())
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("   {line}")).collect::<Vec<_>>().join("\n")
}
