//! The query that took a site down: the young people of an adviser, each with the last event. Asked
//! of all events, and of the rollup.
//!
//! Responsible for: both queries and what the server says of them. Must not: judge.

use anyhow::{Context, Result};
use serde::Serialize;
use testkit::Database;

/// What the server read, and how long it took.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Incident {
    pub(crate) raw_blocks: u64,
    pub(crate) raw_milliseconds: f64,
    pub(crate) rollup_blocks: u64,
    pub(crate) rollup_milliseconds: f64,
}

pub(crate) fn measure(target: &Database) -> Result<Incident> {
    target.execute("vacuum (analyze) reports.last_seen; vacuum (analyze) public.young_person")?;
    let (raw_blocks, raw_milliseconds) = explain(target, include_str!("incident_raw.sql"))?;
    let (rollup_blocks, rollup_milliseconds) =
        explain(target, include_str!("incident_rollup.sql"))?;
    Ok(Incident { raw_blocks, raw_milliseconds, rollup_blocks, rollup_milliseconds })
}

/// The best of five: the first reads from disk.
fn explain(target: &Database, query: &str) -> Result<(u64, f64)> {
    let mut best: Option<(u64, f64)> = None;
    for _ in 0..5 {
        let text = target.psql(&format!("explain (analyze, buffers, format json) {query}"))?;
        let plan: serde_json::Value = serde_json::from_str(&text)?;
        let top = &plan[0]["Plan"];
        let blocks = |name: &str| top[name].as_u64().context("no buffers");
        let read = blocks("Shared Hit Blocks")? + blocks("Shared Read Blocks")?;
        let took = plan[0]["Execution Time"].as_f64().context("no time")?;
        best = match best {
            Some((known, quickest)) if quickest <= took => Some((known, quickest)),
            _ => Some((read, took)),
        };
    }
    best.context("nothing was measured")
}
