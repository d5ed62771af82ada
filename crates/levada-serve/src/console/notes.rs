//! What needs attention, each in four parts: what happened, to which object, what is safe, what to
//! do next. Nothing here is drawn.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use report::Problem;

use super::records::{Outcome, Run, Told};
use super::words::{age, listed, moment_text, span};
use crate::metrics::StatMetrics;
use crate::site::Site;
use crate::standing::{BucketState, RollupStanding};

/// One thing that needs attention. In `next`, backticks mark what can be typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    /// What happened, and to which object.
    pub(crate) what: String,
    /// The words of whoever failed.
    pub(crate) detail: Option<String>,
    pub(crate) safe: String,
    pub(crate) next: String,
}

/// A failure is attended to, or was not worth it, when no other one came for so long.
const FAILURES_KEPT: Duration = Duration::from_secs(3600);
/// Buckets that are named one by one.
const BUCKETS_NAMED: usize = 12;

/// All of them, the most urgent first.
pub(crate) fn notes(site: &Site, told: &Told) -> Vec<Note> {
    let now = site.clock.now();
    let mut notes = Vec::new();
    notes.extend(unconfirmed(site, now));
    notes.extend(told.problem.as_ref().map(|problem| unread(problem, told, site)));
    if let Some(run) = told.records.as_ref().and_then(|records| records.runs.first()) {
        notes.extend(ended_badly(run));
    }
    if site.desk.shown().is_none() && site.desk.confirmed_at().is_some() {
        notes.push(nothing_published());
    }
    if let Some(shown) = site.desk.shown() {
        let rollups = shown.standing.rollups.iter();
        notes.extend(rollups.filter_map(|(name, rollup)| incomplete(name, rollup)));
    }
    for (name, stat) in site.metrics.stats() {
        notes.extend(failing(&name, &stat));
    }
    notes
}

/// The database has not said for a while that the edition is current.
fn unconfirmed(site: &Site, now: Timestamp) -> Option<Note> {
    if site.desk.is_confirmed(now) {
        return None;
    }
    let next = "Check that the server of [serve] url runs and takes connections, for example with \
                `pg_isready -h HOST -p PORT`. levada serve asks it again every second by itself; \
                there is nothing to restart here.";
    let Some(confirmed_at) = site.desk.confirmed_at() else {
        return Some(Note {
            what: "The reporting database has not answered since levada serve was started."
                .to_owned(),
            detail: None,
            safe: "Nothing is shown to visitors: they are told to come again (503).".to_owned(),
            next: next.to_owned(),
        });
    };
    let limit = SignedDuration::from_mins(site.config.stale_minutes_max.into());
    let (since, until) =
        (moment_text(confirmed_at, &site.zone), moment_text(confirmed_at + limit, &site.zone));
    let is_shown = now < confirmed_at + limit;
    Some(Note {
        what: format!(
            "The reporting database has not confirmed the edition since {since}, {} ago.",
            age(now.duration_since(confirmed_at))
        ),
        detail: None,
        safe: match is_shown {
            true => format!(
                "What is known is still shown, and called stale, until {until}. After that \
                 visitors are told to come again (503)."
            ),
            false => format!(
                "It has been too long to show what is known: since {until} visitors are told to \
                 come again (503)."
            ),
        },
        next: next.to_owned(),
    })
}

/// The records could not be read just now.
fn unread(problem: &Problem, told: &Told, site: &Site) -> Note {
    let seen = match &told.records {
        Some(records) => {
            format!("Runs and tables below are as of {}", moment_text(records.read_at, &site.zone))
        }
        None => "Runs and tables are not shown below".to_owned(),
    };
    Note {
        what: "The records of runs could not be read from the reporting database.".to_owned(),
        detail: Some(problem.message.clone()),
        safe: format!("{seen}; all else on this page is from memory. Visitors notice nothing."),
        next: match &problem.hint {
            Some(hint) => sentence(hint),
            None => "Check the log of levada serve, and that of the database.".to_owned(),
        },
    }
}

fn nothing_published() -> Note {
    Note {
        what: "The reporting database has no published edition.".to_owned(),
        detail: None,
        safe: "No visitor sees a number: they are told to come again (503).".to_owned(),
        next: "Type `levada run`; the first edition is shown as soon as it is published."
            .to_owned(),
    }
}

/// The newest run did not publish, and does not try any more.
fn ended_badly(run: &Run) -> Option<Note> {
    let Run { number, command, host, process, .. } = run;
    let what = match run.outcome {
        Outcome::Published | Outcome::Running => return None,
        Outcome::Failed => format!("Run {number} (levada {command}) failed."),
        Outcome::Interrupted => format!("Run {number} (levada {command}) was interrupted."),
        Outcome::Vanished => format!(
            "Run {number} (levada {command}), process {process} on {host}, seems to have ended \
             without saying so: killed, or its machine went away."
        ),
    };
    Some(Note {
        what,
        detail: run.message.clone(),
        safe: "The published edition is untouched, and visitors go on seeing it.".to_owned(),
        next: "Correct what the message names, if there is one, then type `levada run` with the \
               same configuration: it goes on where this one stopped. `levada status` says what it \
               will have to do."
            .to_owned(),
    })
}

fn incomplete(name: &str, rollup: &RollupStanding) -> Option<Note> {
    let of = |state: BucketState| {
        let buckets = rollup.buckets.iter().filter(move |bucket| bucket.state == state);
        buckets.map(|bucket| bucket.label.as_str())
    };
    let failed = listed(of(BucketState::Failed), BUCKETS_NAMED);
    if failed.is_empty() {
        return None;
    }
    Some(Note {
        what: format!("Rollup {name} has buckets that an audit found wrong: {failed}."),
        detail: None,
        safe: "Statistics end before the first of them, so no wrong number is called complete."
            .to_owned(),
        next: "Type `levada run`: it counts these buckets anew from the rows.".to_owned(),
    })
}

fn failing(name: &str, stat: &StatMetrics) -> Option<Note> {
    let problem = stat.problem.as_ref()?;
    let ago = stat.failed_at?.elapsed();
    if ago > FAILURES_KEPT {
        return None;
    }
    let ago = span(ago.as_secs_f64());
    let detail = match &problem.detail {
        Some(detail) => format!("{}: {detail}", problem.message),
        None => problem.message.clone(),
    };
    Some(Note {
        what: match stat.failures {
            1 => format!("A query of statistic {name} failed, {ago} ago."),
            many => format!("{many} queries of statistic {name} failed, the last {ago} ago."),
        },
        detail: Some(detail),
        safe: "Who asked got no answer or an earlier one that is called stale, never a wrong \
               number. Other statistics are not concerned."
            .to_owned(),
        next: match &problem.hint {
            Some(hint) => sentence(hint),
            None => format!(
                "Look at [[stat]] \"{name}\" and try its query by hand; an index or a rollup makes \
                 a slow one quick. Then start levada serve again."
            ),
        },
    })
}

/// Hints begin with a small letter and end without a stop.
fn sentence(hint: &str) -> String {
    let mut letters = hint.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}
