//! What stands above the numbers: up to when they are, and in words whatever a reader must not
//! overlook: that they are not confirmed, not all, or may still change.

use jiff::ToSpan;
use jiff::civil::Date;
use maud::{Markup, html};

use super::period::{Period, day_before};
use super::sheet::Sheet;
use super::words::{Writing, fill};
use crate::answer::{Answer, Freshness};

/// So many missing buckets are named one by one.
const NAMED_MAX: usize = 10;

/// "Data up to 21 January 2025, published 02:03".
pub(crate) fn date_line(answer: &Answer, writing: Writing<'_>) -> Markup {
    let words = writing.words();
    let Some(through) = answer.closed_through else {
        return html! { p class="data-line" { (words.no_data) } };
    };
    let day = last_day(answer, writing);
    let published = answer.version.published_at;
    let published_day = published.to_zoned(writing.zone.clone()).date();
    let is_next_day = |day: Date| {
        published_day == day || day.checked_add(1.day()).is_ok_and(|d| d == published_day)
    };
    html! {
        p class="data-line" {
            (words.data_up_to) " "
            @match day {
                Some(day) => time datetime=(day.to_string()) { (writing.date(day)) },
                None => time datetime=(through.to_string()) {
                    (writing.period(Period::Hour(through)))
                },
            }
            ", "
            @if day.is_some_and(is_next_day) {
                (words.published) " "
                time datetime=(published.to_string()) { (writing.time(published)) }
            } @else {
                @let moment = html! {
                    time datetime=(published.to_string()) { (writing.moment(published)) }
                };
                (words.published_on) " " (moment)
            }
        }
    }
}

/// "As of 02:00 on 22 January 2025": of a statistic that does not end where its page does.
pub(crate) fn as_of(answer: &Answer, writing: Writing<'_>) -> Markup {
    let words = writing.words();
    html! {
        p class="as-of" {
            @match answer.closed_through {
                Some(at) => {
                    (words.as_of) " " time datetime=(at.to_string()) { (writing.moment(at)) }
                },
                None => (words.no_data),
            }
        }
    }
}

/// The last complete day: of the last bucket if it ends where everything does.
fn last_day(answer: &Answer, writing: Writing<'_>) -> Option<Date> {
    let through = answer.closed_through?;
    let last = answer.range.as_ref().and_then(|range| range.buckets.last());
    match last.filter(|last| last.end == through) {
        Some(last) => Period::of(last).last_day().or_else(|| day_before(through, writing.zone)),
        None => day_before(through, writing.zone),
    }
}

/// That nobody could confirm the numbers for a while.
pub(crate) fn staleness(freshness: Freshness, writing: Writing<'_>) -> Markup {
    let words = writing.words();
    html! {
        @if let Freshness::Stale { confirmed_at } = freshness {
            div class="notice stale" {
                p { strong { (words.stale) } }
                p {
                    (words.stale_since) " "
                    time datetime=(confirmed_at.to_string()) { (writing.moment(confirmed_at)) } ". "
                    (words.stale_means)
                }
            }
        }
    }
}

/// What is missing, and what may still change, in the numbers of one statistic.
pub(crate) fn completeness(sheet: &Sheet<'_>, writing: Writing<'_>) -> Markup {
    let words = writing.words();
    let answer = sheet.answer;
    let missing: Vec<String> = answer
        .range
        .iter()
        .flat_map(|range| range.missing())
        .map(|bucket| writing.period(Period::of(bucket)))
        .collect();
    let is_cut = answer.range.as_ref().is_some_and(|range| range.is_cut);
    let provisional = answer.range.as_ref().and_then(|range| range.provisional_from());
    let provisional = answer
        .range
        .iter()
        .flat_map(|range| &range.buckets)
        .find(|bucket| Some(bucket.label.as_str()) == provisional);
    html! {
        @if !answer.is_complete {
            div class="notice partial" {
                p { strong { (words.partial) } }
                @if is_cut {
                    p {
                        (words.cut) " "
                        @if let Some(span) = super::figure::span(sheet, writing) {
                            (fill(words.shown, &[&span]))
                        }
                    }
                }
                @if !missing.is_empty() {
                    p { (named(&missing, writing)) " " (words.not_in_sums) }
                }
                @if !is_cut && missing.is_empty() { p { (words.incomplete) } }
            }
        }
        @if let Some(bucket) = provisional {
            @let from = writing.period(Period::of(bucket));
            p class="hint" { (fill(words.provisional_from, &[&from])) }
        }
    }
}

fn named(missing: &[String], writing: Writing<'_>) -> String {
    let words = writing.words();
    let listed = match missing.len() > NAMED_MAX {
        true => {
            let more = (missing.len() - NAMED_MAX).to_string();
            fill(words.and_more, &[&missing[..NAMED_MAX].join(", "), &more])
        }
        false => missing.join(", "),
    };
    match missing.len() {
        1 => fill(words.missing_one, &[&listed]),
        count => fill(words.missing_many, &[&count.to_string(), &listed]),
    }
}
