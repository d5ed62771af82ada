//! What is kept of the benchmark: the circumstances, every measurement, the table.
//!
//! Responsible for: `docs/benchmarks/<date>/`. Must not: name the machine or a folder on it.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;

use crate::Options;
use crate::stage::database::{ForeignKeys, Subject};
use crate::stage::measure::{Load, Usage};
use crate::stage::setup::Setup;
use crate::stage::tools::Tool;
use crate::table;

/// One copy of one database by one tool.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Measurement {
    pub(crate) database: Subject,
    /// Events or answers.
    pub(crate) scale: u64,
    pub(crate) tool: Tool,
    /// From 0.
    pub(crate) round: usize,
    /// How many tools ran before it in this round.
    pub(crate) position: usize,
    /// The commands, one after the other.
    pub(crate) stages: Vec<Usage>,
    pub(crate) load: Load,
    pub(crate) foreign_keys: ForeignKeys,
}

impl Measurement {
    pub(crate) fn wall_seconds(&self) -> f64 {
        self.stages.iter().map(|stage| stage.wall_seconds).sum()
    }

    /// Of the tool, the processes it started, and both servers.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let tool = self.stages.iter().map(|stage| stage.cpu_seconds + stage.children_cpu_seconds);
        tool.sum::<f64>() + self.load.source_cpu_seconds + self.load.target_cpu_seconds
    }

    pub(crate) fn memory_bytes_max(&self) -> u64 {
        self.stages.iter().map(|stage| stage.memory_bytes_max).max().unwrap_or(0)
    }
}

/// Writes the record of the day and returns its folder.
pub(crate) fn write(
    setup: &Setup,
    measurements: &[Measurement],
    options: &Options,
) -> Result<PathBuf> {
    let dir = setup.folder(options.record.as_deref(), options.is_whole())?;
    let raw = serde_json::json!({ "setup": setup, "measurements": measurements });
    fs::write(dir.join("raw.json"), serde_json::to_string_pretty(&raw)? + "\n")?;
    fs::write(dir.join("SETUP.md"), page(setup))?;
    fs::write(dir.join("table.md"), readme(setup, measurements) + "\n")?;
    Ok(dir)
}

fn page(setup: &Setup) -> String {
    let digests = match setup.digests {
        true => "and in the first round every value and sequence by digest",
        false => "values were not compared",
    };
    let how = [
        format!(
            "{} rounds; in each, every tool copies into a new empty database, the order moved on \
             by one; checkpoint on both servers and `sync` before each run",
            setup.rounds
        ),
        format!(
            "after each run rows, indexes, constraints and sequences are compared with the \
             source, {digests}"
        ),
        "source, target and tool on one machine, over TCP".to_owned(),
        "memory and CPU are those of the levada process itself, the worst run; CPU of all is the \
         median of tool and servers together"
            .to_owned(),
    ];
    let files = "Made by `make bench`; the figures are in `table.md`, each run in `raw.json`.";
    setup.page("Full copy", files, &how)
}

/// The tables of all databases, ready for the README.
pub(crate) fn readme(setup: &Setup, measurements: &[Measurement]) -> String {
    let mut subjects: Vec<Subject> =
        measurements.iter().map(|measurement| measurement.database).collect();
    subjects.dedup();
    let of = |subject: Subject| -> Vec<Measurement> {
        measurements.iter().filter(|found| found.database == subject).cloned().collect()
    };
    let tables: Vec<String> =
        subjects.into_iter().map(|subject| table::whole(&of(subject))).collect();
    format!(
        "Measured {} on {} cores, {}, {} rounds, in seconds.\n\n{}",
        setup.date,
        setup.cores,
        setup.server,
        setup.rounds,
        tables.join("\n\n")
    )
}
