//! The circumstances of a benchmark, and the folder that its record goes to.
//!
//! Responsible for: versions, machine, settings. Must not: name the machine or a folder on it.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;
use testkit::Installation;

use super::database::Servers;
use super::tools;

/// The circumstances.
#[derive(Debug, Serialize)]
pub(crate) struct Setup {
    pub(crate) date: String,
    pub(crate) server: String,
    tools: Vec<String>,
    system: String,
    processor: String,
    pub(crate) cores: usize,
    memory_mib: u64,
    source_settings: BTreeMap<String, String>,
    target_settings: BTreeMap<String, String>,
    pub(crate) rounds: usize,
    pub(crate) digests: bool,
}

impl Setup {
    pub(crate) fn look(
        servers: &Servers,
        installation: &Installation,
        rounds: usize,
        digests: bool,
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
            rounds,
            digests,
        })
    }

    /// A page under `title` that tells the circumstances, how it was done, and the settings.
    pub(crate) fn page(&self, title: &str, files: &str, how: &[String]) -> String {
        let mut lines = vec![
            format!("# {title}, {}", self.date),
            String::new(),
            files.to_owned(),
            String::new(),
            format!("- server, source and target: {}", self.server),
        ];
        lines.extend(self.tools.iter().map(|version| format!("- {version}")));
        lines.push(format!("- {}, {} cores, {}", self.processor, self.cores, self.system));
        lines.push(format!("- {} MiB of memory", self.memory_mib));
        lines.extend(how.iter().map(|line| format!("- {line}")));
        lines.extend(["", "| setting | source | target |", "|---|---|---|"].map(str::to_owned));
        for (name, value) in &self.source_settings {
            let other = self.target_settings.get(name).map_or("", String::as_str);
            lines.push(format!("| {name} | {value} | {other} |"));
        }
        lines.push(String::new());
        lines.join("\n")
    }

    /// The folder of the day, made if need be: below `wanted`, else in the documentation when the
    /// benchmark `is_whole`, else in the temporary directory.
    pub(crate) fn folder(&self, wanted: Option<&Path>, is_whole: bool) -> Result<PathBuf> {
        let root = match wanted {
            Some(dir) => dir.to_owned(),
            None if is_whole => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/benchmarks"),
            None => env::temp_dir().join("levada-benchmarks"),
        };
        let dir = root.join(&self.date);
        fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        Ok(dir.canonicalize()?)
    }
}

/// The rest of the first line that starts with `key`.
fn value_after(path: &str, key: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(key));
    value.unwrap_or_default().trim().to_owned()
}
