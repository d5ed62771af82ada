//! The figures as a page. Pure.
//!
//! Responsible for: medians, and what was aimed at. Must not: measure.

use crate::generator::Rate;
use crate::raw::CONNECTIONS;
use crate::stage::figures::median;
use crate::{CROWD, Figures, Options, Speed};

const RATIO_AIM: f64 = 0.5;
const P99_MILLISECONDS_AIM: f64 = 5.0;

/// How it was done.
pub(crate) fn how(options: &Options, figures: &Figures) -> Vec<String> {
    vec![
        figures.programs.join("; "),
        "levada serve and nginx (Debian's, one worker, no access log, files kept open, the same \
         headers) each pinned to core 0, the load generator to core 1; HTTP/1.1 over loopback, \
         64 connections kept alive, bodies not compressed"
            .to_owned(),
        format!(
            "at full speed: {} rounds of {} s for each server in turn; medians",
            options.rounds, options.seconds
        ),
        "at a steady rate waiting counts from the moment a request was due".to_owned(),
        format!(
            "the crowd: {CROWD} connections are open, then all ask at once for what nobody has \
             asked before, a query of 200 ms; queries are counted in the log of the server"
        ),
        format!(
            "the peak: 1,620 requests in five minutes, here the same rate for {} s, then fifty \
             times that; a connection each; of ten visitors three want a page, three a statistic \
             of all young people and events, two a number of days, two the young people of an \
             adviser; the events are {} in one table, every parameter is asked cold for the first \
             time",
            options.peak_seconds, figures.events
        ),
        format!(
            "beside it: the same questions as queries on all events, through {CONNECTIONS} \
             connections that nobody waits for longer than ten seconds"
        ),
        "visitors, servers and databases share one machine".to_owned(),
    ]
}

/// The tables of the record.
pub(crate) fn render(figures: &Figures) -> String {
    let mut text = String::new();
    if !figures.speeds.is_empty() {
        text += &speeds(&figures.speeds);
    }
    if !figures.steady.is_empty() {
        text += "\n| at a steady rate | wanted, 1/s | answered, 1/s | median, ms | p99, ms | \
                 longest, ms | failed | p99 at most 5 ms |\n|---|---|---|---|---|---|---|---|\n";
        for steady in &figures.steady {
            let is_met = steady.p99_milliseconds <= P99_MILLISECONDS_AIM && steady.failed == 0;
            text += &format!(
                "| {} | {} | {:.0} | {:.2} | {:.2} | {:.1} | {} | {} |\n",
                steady.what,
                steady.wanted_per_second,
                steady.per_second,
                steady.p50_milliseconds,
                steady.p99_milliseconds,
                steady.max_milliseconds,
                steady.failed,
                verdict(is_met)
            );
        }
    }
    if !figures.crowds.is_empty() {
        text += "\n| a crowd | answered | queries | longest wait, ms | one query, all answered |\n\
                 |---|---|---|---|---|\n";
        for crowd in &figures.crowds {
            let is_met = crowd.queries == 1 && crowd.answered == crowd.visitors;
            text += &format!(
                "| {} at once | {} | {} | {:.0} | {} |\n",
                crowd.visitors,
                crowd.answered,
                crowd.queries,
                crowd.milliseconds_max,
                verdict(is_met)
            );
        }
    }
    if !figures.peaks.is_empty() {
        text += &peaks(figures);
    }
    text
}

fn speeds(speeds: &[Speed]) -> String {
    let of = |rates: &[Rate], value: fn(&Rate) -> f64| {
        median(&rates.iter().map(value).collect::<Vec<f64>>()).unwrap_or_default()
    };
    let per_second = |rates: &[Rate]| of(rates, |rate| rate.per_second);
    let cpu = |rates: &[Rate]| of(rates, |rate| rate.cpu_microseconds);
    let mut text = "| at full speed | bytes | levada, 1/s | nginx, 1/s | ratio | at least 0.5 | \
                    levada, µs of its core | nginx, µs |\n|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for speed in speeds {
        let (levada, nginx) = (per_second(&speed.levada), per_second(&speed.nginx));
        let ratio = levada / nginx;
        text += &format!(
            "| {} | {} | {levada:.0} | {nginx:.0} | {ratio:.2} | {} | {:.1} | {:.1} |\n",
            speed.what,
            speed.bytes,
            verdict(ratio >= RATIO_AIM),
            cpu(&speed.levada),
            cpu(&speed.nginx)
        );
    }
    text += "\n";
    for pair in speeds.chunks_exact(2) {
        let ratio = per_second(&pair[1].levada) / per_second(&pair[0].levada);
        text += &format!(
            "{} is {ratio:.2} times as fast as {}: {}.\n",
            pair[1].what,
            pair[0].what,
            verdict(ratio >= 1.0)
        );
    }
    text
}

fn peaks(figures: &Figures) -> String {
    let mut text = "\n| the peak | requests, 1/s | requests | failed | median, ms | p99, ms | \
                    longest, ms | sessions on production |\n|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for peak in &figures.peaks {
        let sessions = match peak.source_sessions {
            Some(sessions) => sessions.to_string(),
            None => format!("{CONNECTIONS}, all the time"),
        };
        text += &format!(
            "| {} | {:.1} | {} | {} | {:.1} | {:.0} | {:.0} | {sessions} |\n",
            peak.who,
            peak.per_second,
            peak.requests,
            peak.failed,
            peak.p50_milliseconds,
            peak.p99_milliseconds,
            peak.max_milliseconds,
        );
    }
    let served: Vec<_> = figures.peaks.iter().filter(|peak| peak.who == "levada").collect();
    let is_met = served.iter().all(|peak| peak.failed == 0 && peak.source_sessions == Some(0));
    text += &format!(
        "\nAim: levada answers all of them without asking production: {}.\n",
        verdict(is_met)
    );
    text
}

fn verdict(is_met: bool) -> &'static str {
    if is_met { "met" } else { "missed" }
}
