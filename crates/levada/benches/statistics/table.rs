//! The figures as a page. Pure.
//!
//! Responsible for: medians, and what was aimed at. Must not: measure.

use crate::stage::figures::median;
use crate::{Figures, Night};

const BUILD_AIM: f64 = 3.0;
const NIGHT_AIM: f64 = 1.0;
const BLOCKS_AIM: f64 = 1000.0;
const MILLISECONDS_AIM: f64 = 5.0;

/// The page of the record.
pub(crate) fn render(figures: &Figures) -> String {
    let mut text = format!(
        "# Statistics inside an edition\n\nengagement, {} million events. Medians; seconds are \
         those of this run on this machine.\n\n",
        figures.events as f64 / 1e6
    );
    text += &builds(figures);
    text += "\n| night | new events | rows in their days | rollup by day, s | per user, s | \
             s per million touched rows | longest wait of a reader, ms (without a run) |\n\
             |---|---|---|---|---|---|---|\n";
    text += &night("one year", &figures.nights);
    for history in &figures.histories {
        let name = format!("{} years, {} million", history.years, history.events as f64 / 1e6);
        text += &night(&name, &history.nights);
    }
    text +=
        &format!("\nAim: at most {NIGHT_AIM} s per million touched rows, whatever the history.\n");
    if let Some(incident) = &figures.incident {
        let ratio = incident.raw_blocks as f64 / incident.rollup_blocks.max(1) as f64;
        text += &format!(
            "\n| the young people of an adviser with their last event | blocks read | ms |\n\
             |---|---|---|\n| of all events | {} | {:.1} |\n| of the rollup | {} | {:.2} |\n\n\
             {ratio:.0} times fewer blocks: {}. At most {MILLISECONDS_AIM} ms: {}.\n",
            incident.raw_blocks,
            incident.raw_milliseconds,
            incident.rollup_blocks,
            incident.rollup_milliseconds,
            verdict(ratio >= BLOCKS_AIM),
            verdict(incident.rollup_milliseconds <= MILLISECONDS_AIM),
        );
    }
    text
}

fn builds(figures: &Figures) -> String {
    let of = |value: fn(&crate::Round) -> f64| {
        let values: Vec<f64> = figures.rounds.iter().map(value).collect();
        median(&values).unwrap_or_default()
    };
    let (daily, daily_plain) = (of(|r| r.daily_seconds), of(|r| r.daily_plain_seconds));
    let (users, users_plain) = (of(|r| r.users_seconds), of(|r| r.users_plain_seconds));
    let row = |name: &str, built: f64, plain: f64| {
        let ratio = built / plain;
        let verdict = verdict(ratio <= BUILD_AIM);
        format!("| {name} | {built:.2} | {plain:.2} | {ratio:.2} | {verdict} |\n")
    };
    let mut text = "| built from nothing | rollup, s | plain aggregate, s | ratio | at most 3 |\n\
                    |---|---|---|---|---|\n"
        .to_owned();
    text += &row("day x network x category", daily, daily_plain);
    text += &row("last activity per user", users, users_plain);
    text += &row("both", daily + users, daily_plain + users_plain);
    text
}

fn night(name: &str, nights: &[Night]) -> String {
    let of = |value: fn(&Night) -> f64| {
        let values: Vec<f64> = nights.iter().map(value).collect();
        median(&values).unwrap_or_default()
    };
    let per_million =
        of(|night| (night.daily_seconds + night.users_seconds) / (night.touched as f64 / 1e6));
    format!(
        "| {name} | {} | {} | {:.2} | {:.2} | {per_million:.2} ({}) | {:.0} ({:.0}) |\n",
        of(|night| night.events as f64),
        of(|night| night.touched as f64),
        of(|night| night.daily_seconds),
        of(|night| night.users_seconds),
        verdict(per_million <= NIGHT_AIM),
        of(|night| night.reader_seconds_max) * 1000.0,
        of(|night| night.reader_quiet_seconds_max) * 1000.0,
    )
}

fn verdict(is_met: bool) -> &'static str {
    if is_met { "met" } else { "missed" }
}
