//! What is kept of a benchmark: the circumstances, every measurement, the table.
//!
//! Responsible for: `docs/benchmarks/<date>/`. Must not: name the machine or a folder on it.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;
use testkit::Installation;

use crate::Options;
use crate::database::{ForeignKeys, Servers, Subject};
use crate::measure::{Load, Usage};
use crate::table;
use crate::tools::{self, Tool};

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

/// The circumstances.
#[derive(Debug, Serialize)]
pub(crate) struct Setup {
    date: String,
    server: String,
    tools: Vec<String>,
    system: String,
    processor: String,
    cores: usize,
    memory_mib: u64,
    source_settings: BTreeMap<String, String>,
    target_settings: BTreeMap<String, String>,
    rounds: usize,
    digests: bool,
}

impl Setup {
    pub(crate) fn look(
        servers: &Servers,
        installation: &Installation,
        options: &Options,
    ) -> Result<Self> {
        let [source_settings, target_settings] = servers.settings()?;
        let memory_kib = value_after("/proc/meminfo", "MemTotal:");
        let memory_kib = memory_kib.split_whitespace().next().and_then(|kib| kib.parse().ok());
        let system = value_after("/etc/os-release", "PRETTY_NAME=").replace('"', "");
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Ok(Self {
            date: jiff::Zoned::now().date().to_string(),
            server: installation.version().to_owned(),
            tools: tools::versions(),
            system: format!("{system}, Linux {}", kernel.trim()),
            processor: value_after("/proc/cpuinfo", "model name\t:"),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mib: memory_kib.unwrap_or(0_u64) / 1024,
            source_settings,
            target_settings,
            rounds: options.rounds,
            digests: !options.no_digests,
        })
    }

    fn page(&self) -> String {
        let mut lines = vec![
            format!("# Full copy, {}", self.date),
            String::new(),
            "Made by `make bench`; the figures are in `table.md`, each run in `raw.json`.".into(),
            String::new(),
            format!("- server, source and target: {}", self.server),
        ];
        lines.extend(self.tools.iter().map(|version| format!("- {version}")));
        lines.push(format!("- {}, {} cores, {}", self.processor, self.cores, self.system));
        lines.push(format!("- {} MiB of memory", self.memory_mib));
        lines.push(format!(
            "- {} rounds; in each, every tool copies into a new empty database, the order moved on \
             by one; checkpoint on both servers and `sync` before each run",
            self.rounds
        ));
        let digests = match self.digests {
            true => "and in the first round every value and sequence by digest",
            false => "values were not compared",
        };
        lines.push(format!(
            "- after each run rows, indexes, constraints and sequences are compared with the \
             source, {digests}"
        ));
        lines.push("- source, target and tool on one machine, over TCP".into());
        lines.push(
            "- memory and CPU are those of the levada process itself, the worst run; CPU of all is \
             the median of tool and servers together"
                .into(),
        );
        lines.extend(["", "| setting | source | target |", "|---|---|---|"].map(str::to_owned));
        for (name, value) in &self.source_settings {
            let other = self.target_settings.get(name).map_or("", String::as_str);
            lines.push(format!("| {name} | {value} | {other} |"));
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

/// Writes the record of the day and returns its folder.
pub(crate) fn write(
    setup: &Setup,
    measurements: &[Measurement],
    options: &Options,
) -> Result<PathBuf> {
    let root = match &options.record {
        Some(dir) => dir.clone(),
        None if options.is_whole() => {
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/benchmarks")
        }
        None => env::temp_dir().join("levada-benchmarks"),
    };
    let dir = root.join(&setup.date);
    fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let raw = serde_json::json!({ "setup": setup, "measurements": measurements });
    fs::write(dir.join("raw.json"), serde_json::to_string_pretty(&raw)? + "\n")?;
    fs::write(dir.join("SETUP.md"), setup.page())?;
    fs::write(dir.join("table.md"), readme(setup, measurements) + "\n")?;
    Ok(dir.canonicalize()?)
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

/// The rest of the first line that starts with `key`.
fn value_after(path: &str, key: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(key));
    value.unwrap_or_default().trim().to_owned()
}
