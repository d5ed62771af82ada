//! The figures of the server itself since its start: where answers came from, who was refused, and
//! which statistics are slow. They are of this process and of no other.

use std::time::Duration;

use maud::{Markup, html};

use super::words::span;
use crate::metrics::StatMetrics;
use crate::site::Site;

const STATS_MAX: usize = 20;

/// Where answers came from, and the sessions with the database.
pub(crate) fn cache(site: &Site) -> Markup {
    let metrics = &site.metrics;
    let (open, idle) = site.pool.status();
    let rows = [
        ("Answered from memory", metrics.hits.get(), "no query was run"),
        ("Queries run", metrics.misses.get(), "the answer was not known yet"),
        ("Joined", metrics.joined.get(), "waited for the query of somebody else"),
        ("Not changed", metrics.unchanged.get(), "304: the visitor had it already"),
        ("Stale", metrics.stale.get(), "shown with a notice, as the database did not confirm it"),
        ("Refused, too busy", metrics.shed.get(), "503: too many queries were waiting"),
        ("Refused, one client", metrics.limited.get(), "429: one client asked too much"),
    ];
    html! {
        div.wide tabindex="0" role="region" aria-label="Answers" {
            table {
                caption { "Answers since the start of levada serve" }
                thead {
                    tr {
                        th scope="col" { "Answers" }
                        th.number scope="col" { "Count" }
                        th scope="col" { "Meaning" }
                    }
                }
                tbody {
                    @for (name, count, meaning) in rows {
                        tr {
                            th scope="row" { (name) }
                            td.number { (report::text::count(count)) }
                            td { (meaning) }
                        }
                    }
                }
            }
        }
        p {
            "Sessions with the database: " (open) " open, " (idle) " of them idle, at most "
            (site.config.connections + 1) "."
        }
    }
}

/// The statistics that queries were run for, the slowest first.
pub(crate) fn slowest(site: &Site) -> Markup {
    let mut stats: Vec<(String, StatMetrics)> = site.metrics.stats().into_iter().collect();
    stats.sort_by_key(|(_, stat)| std::cmp::Reverse(stat.took_max));
    if stats.is_empty() {
        return html! { p { "No query has been run for a statistic yet." } };
    }
    html! {
        div.wide tabindex="0" role="region" aria-label="Slowest statistics" {
            table {
                caption {
                    "Queries of statistics; the database ends them after "
                    (seconds(Duration::from_millis(site.config.statement_timeout_ms.into())))
                }
                thead {
                    tr {
                        th scope="col" { "Statistic" }
                        th.number scope="col" { "Slowest" }
                        th.number scope="col" { "On average" }
                        th.number scope="col" { "Queries" }
                        th.number scope="col" { "Failed" }
                    }
                }
                tbody {
                    @for (name, stat) in stats.iter().take(STATS_MAX) {
                        tr {
                            th scope="row" { (name) }
                            td.number { (seconds(stat.took_max)) }
                            td.number { (seconds(average(stat))) }
                            td.number { (report::text::count(stat.queries)) }
                            td.number { (report::text::count(stat.failures)) }
                        }
                    }
                }
            }
        }
    }
}

fn average(stat: &StatMetrics) -> Duration {
    stat.took.checked_div(u32::try_from(stat.queries).unwrap_or(u32::MAX)).unwrap_or_default()
}

/// Queries are mostly shorter than a hundredth of a second.
fn seconds(duration: Duration) -> String {
    match duration.as_millis() {
        0..1000 => format!("{:.1} ms", duration.as_secs_f64() * 1000.0),
        _ => span(duration.as_secs_f64()),
    }
}
