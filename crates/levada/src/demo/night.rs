//! The second half of the story: the next night's edition and its time, a field that somebody has
//! changed by hand, and how it is found and set right.

use report::text;
use serde::Serialize;
use testkit::Session;

use super::proof::Comparison;
use super::stage::Stage;
use crate::ui::Ui;

/// A day of the application: one event in a hundred is corrected, some are deleted. Production
/// computes its view, as every edition does.
const A_DAY: [&str; 3] = [
    "UPDATE engagement_event SET seconds = seconds + 1 WHERE id % 100 = 3",
    "DELETE FROM engagement_event WHERE id % 1000 = 7",
    "REFRESH MATERIALIZED VIEW badges_per_lesson",
];

const BY_HAND: &str = "UPDATE engagement_event SET seconds = seconds + 60 WHERE id = 123456";

/// What `--json` tells of it.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Night {
    refresh_seconds: f64,
    /// Of the same state of the source, into an empty database.
    full_copy_seconds: f64,
}

/// Tells it; `late` is the session whose transaction began before the first edition.
pub(crate) fn tell(stage: &Stage, late: Session, ui: &Ui) -> anyhow::Result<(Night, Comparison)> {
    let night = refresh(stage, late, ui)?;
    find_what_was_changed(stage, ui)?;
    Ok((night, set_right(stage, ui)?))
}

fn refresh(stage: &Stage, mut late: Session, ui: &Ui) -> anyhow::Result<Night> {
    for statement in A_DAY {
        stage.source.execute(statement)?;
    }
    late.run("COMMIT")?;
    ui.say(
        "\n6. The next night: 3,000 events were corrected, 300 deleted, and the slow sign-up has\n\
         \x20  committed, with a lower id than 40 learners of the first edition\n",
    );
    let refresh = stage.show(&["run"], &|line| ui.say(line))?;
    let full_copy = stage.copy_in_full()?;
    ui.say(&format!(
        "   this edition took {}, a full copy of the same state {}",
        text::duration(refresh),
        text::duration(full_copy)
    ));
    prove(stage, ui)?;
    Ok(Night { refresh_seconds: refresh.as_secs_f64(), full_copy_seconds: full_copy.as_secs_f64() })
}

fn find_what_was_changed(stage: &Stage, ui: &Ui) -> anyhow::Result<()> {
    stage.target.execute(BY_HAND)?;
    ui.say("\n7. Somebody changes one field of 380,000 rows in the reports by hand\n");
    stage.show_ending(&["verify", "--show-values"], 1, &|line| ui.say(line)).map(drop)
}

fn set_right(stage: &Stage, ui: &Ui) -> anyhow::Result<Comparison> {
    ui.say("\n8. What differs is set right, as one more edition\n");
    stage.show(&["verify", "--repair"], &|line| ui.say(line))?;
    prove(stage, ui)
}

fn prove(stage: &Stage, ui: &Ui) -> anyhow::Result<Comparison> {
    let comparison = Comparison::of(&stage.source, &stage.target)?;
    ui.say(&format!("   proof, by psql alone: {}", comparison.verdict()));
    Ok(comparison)
}
