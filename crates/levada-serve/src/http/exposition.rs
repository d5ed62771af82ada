//! Figures for Prometheus, in the text form of OpenMetrics: counters since the start, and ages of
//! what is shown. Names of statistics and rollups only: no parameter, no value, no address.

use std::sync::atomic::AtomicU64;

use jiff::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::Rendered;
use crate::metrics::Count;
use crate::site::Site;

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Labels = Vec<(&'static str, String)>;
type Seconds = Gauge<f64, AtomicU64>;

/// All figures of this moment.
pub(crate) fn write(site: &Site) -> Rendered {
    let mut registry = Registry::with_prefix("levada");
    visits(&mut registry, site);
    queries(&mut registry, site);
    ages(&mut registry, site);
    let mut text = String::new();
    // Writing into a text cannot fail.
    let _ = encode(&mut text, &registry);
    Rendered::fleeting(CONTENT_TYPE, text.into_bytes())
}

fn visits(registry: &mut Registry, site: &Site) {
    let metrics = &site.metrics;
    let responses = Family::<Labels, Counter>::default();
    for (status, count) in metrics.responses() {
        responses.get_or_create(&vec![("status", status)]).inc_by(count);
    }
    registry.register("responses", "Responses, by status", responses);
    let ways = Family::<Labels, Counter>::default();
    for (way, count) in [
        ("hit", &metrics.hits),
        ("miss", &metrics.misses),
        ("joined", &metrics.joined),
        ("unchanged", &metrics.unchanged),
        ("stale", &metrics.stale),
        ("shed", &metrics.shed),
        ("limited", &metrics.limited),
    ] {
        ways.get_or_create(&vec![("way", way.to_owned())]).inc_by(count.get());
    }
    let help = "Answers from memory (hit), after a query (miss), after a query of somebody else \
                (joined), 304 (unchanged), not confirmed (stale), refused because too much waits \
                (shed) or one client asks too much (limited)";
    registry.register("answers", help, ways);
    let open = metrics.connections.get().saturating_sub(metrics.disconnections.get());
    let connections = Gauge::<i64>::default();
    connections.set(i64::try_from(open).unwrap_or(i64::MAX));
    registry.register("connections", "Connections of visitors that are open", connections);
    let help = "Connections that found no place";
    registry.register("connections_turned_away", help, counter(&metrics.turned_away));
}

fn queries(registry: &mut Registry, site: &Site) {
    let help = "How long queries took, by statistic";
    registry.register("query_seconds", help, site.metrics.seconds.clone());
    let failures = Family::<Labels, Counter>::default();
    for (stat, figures) in site.metrics.stats() {
        failures.get_or_create(&vec![("stat", stat)]).inc_by(figures.failures);
    }
    registry.register("query_failures", "Queries without an answer, by statistic", failures);
    let (open, idle) = site.pool.status();
    let sessions = Family::<Labels, Gauge>::default();
    for (state, count) in [("open", open), ("idle", idle)] {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        sessions.get_or_create(&vec![("state", state.to_owned())]).set(count);
    }
    registry.register(
        "sessions",
        "Sessions of the reporting database, and the idle ones",
        sessions,
    );
}

/// Nothing is said of an edition while none is shown.
fn ages(registry: &mut Registry, site: &Site) {
    let now = site.clock.now();
    if let Some(at) = site.desk.confirmed_at() {
        let help = "Seconds since the database confirmed which edition is published";
        registry.register("confirmed_age_seconds", help, age(now, at));
    }
    let Some(shown) = site.desk.shown() else { return };
    let standing = &shown.standing;
    let edition = Gauge::<i64>::default();
    edition.set(standing.version.edition.into());
    registry.register("edition", "The number of the edition that is shown", edition);
    let help = "Seconds since the moment of the source that the edition shows";
    registry.register("as_of_age_seconds", help, age(now, standing.as_of));
    let behind = Family::<Labels, Seconds>::default();
    for (rollup, is) in &standing.rollups {
        if let Some(through) = is.closed_through {
            let gauge = behind.get_or_create(&vec![("rollup", rollup.clone())]);
            gauge.set(now.duration_since(through).as_secs_f64());
        }
    }
    let help = "Seconds since the end of what is complete, by rollup";
    registry.register("closed_through_age_seconds", help, behind);
}

fn counter(count: &Count) -> Counter {
    let counter: Counter = Counter::default();
    counter.inc_by(count.get());
    counter
}

fn age(now: Timestamp, at: Timestamp) -> Seconds {
    let gauge = Seconds::default();
    gauge.set(now.duration_since(at).as_secs_f64());
    gauge
}
