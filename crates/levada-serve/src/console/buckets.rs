//! How far each rollup is complete: a cell for each of its last buckets, told apart by letter and
//! border as well as by colour, and in words what is missing or wrong.

use jiff::tz::TimeZone;
use maud::{Markup, html};

use super::words::{listed, moment};
use crate::standing::{BucketState, RollupStanding, Standing};

/// Cells of a rollup.
const CELLS_MAX: usize = 60;
const NAMED_MAX: usize = 20;

/// The calendars of all rollups.
pub(crate) fn calendars(standing: &Standing, zone: &TimeZone) -> Markup {
    if standing.rollups.is_empty() {
        return html! {
            p { "The edition has no rollups. A [[rollup]] section of the configuration makes one." }
        };
    }
    html! {
        ul.legend aria-label="What the letters mean" {
            @for state in STATES {
                li { (mark(state)) " " (meaning(state)) }
            }
        }
        @for (name, rollup) in &standing.rollups { (calendar(name, rollup, zone)) }
    }
}

const STATES: [BucketState; 6] = [
    BucketState::Final,
    BucketState::Closed,
    BucketState::Provisional,
    BucketState::Open,
    BucketState::Gap,
    BucketState::Failed,
];

fn calendar(name: &str, rollup: &RollupStanding, zone: &TimeZone) -> Markup {
    let buckets = rollup.buckets.as_slice();
    let last = &buckets[buckets.len().saturating_sub(CELLS_MAX)..];
    html! {
        h3 { (name) }
        p {
            @match rollup.closed_through {
                Some(through) => { "Complete up to " (moment(through, zone)) ". " }
                None if rollup.calendar.is_none() => {
                    "Without a calendar: complete as of the edition. "
                }
                None => { strong { "Nothing of it is complete yet. " } }
            }
            "Numbers last changed " (moment(rollup.computed_at, zone)) "; version " (rollup.version)
            @if let (Some(grain), Some(calendar)) = (&rollup.grain, &rollup.calendar) {
                "; per " (grain) " of calendar " (calendar)
            }
            @if let Some(zone) = &rollup.zone { " in " (zone) }
            "."
        }
        @if let (Some(first), Some(end)) = (last.first(), last.last()) {
            p {
                @if last.len() < buckets.len() {
                    "The last " (last.len()) " of " (buckets.len()) " buckets, "
                } @else {
                    "All " (buckets.len()) " buckets, "
                }
                (first.label) " to " (end.label) ":"
            }
            ol.cells {
                @for bucket in last {
                    li title=(format!("{}: {}", bucket.label, bucket.state.name())) {
                        (mark(bucket.state))
                        span.unseen { (bucket.label) ": " (bucket.state.name()) }
                    }
                }
            }
        }
        (in_words(rollup, BucketState::Failed, "Wrong, found by an audit"))
        (in_words(rollup, BucketState::Gap, "Missing for ever"))
    }
}

/// All buckets of a state, not only those with a cell.
fn in_words(rollup: &RollupStanding, state: BucketState, words: &str) -> Markup {
    let labels = rollup.buckets.iter().filter(|bucket| bucket.state == state);
    let labels = listed(labels.map(|bucket| bucket.label.as_str()), NAMED_MAX);
    html! {
        @if !labels.is_empty() { p { strong { (words) ": " } (labels) "." } }
    }
}

fn mark(state: BucketState) -> Markup {
    html! { span.cell.(state.name()) aria-hidden="true" { (letter(state)) } }
}

fn letter(state: BucketState) -> &'static str {
    match state {
        BucketState::Final => "F",
        BucketState::Closed => "C",
        BucketState::Provisional => "P",
        BucketState::Open => "O",
        BucketState::Gap => "–",
        BucketState::Failed => "!",
    }
}

fn meaning(state: BucketState) -> &'static str {
    match state {
        BucketState::Final => "final: complete, and changes no more",
        BucketState::Closed => "closed: complete; late changes are followed",
        BucketState::Provisional => "provisional: complete, its rows still change",
        BucketState::Open => "open: not over, or not all of it is there",
        BucketState::Gap => "gap: never complete, and too old to become so",
        BucketState::Failed => "failed: an audit found it wrong; the next run counts it anew",
    }
}
