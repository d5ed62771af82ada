//! The contestants: levada in its two end states, and its peers.
//!
//! Responsible for: the commands that each of them is run with, and the files they leave. Must
//! not: measure.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use serde::Serialize;
use testkit::{Database, Installation};

pub(crate) const LEVADA: &str = env!("CARGO_BIN_EXE_levada");
/// As many jobs as the peers are given, also on larger machines.
pub(crate) const JOBS: usize = 2;

/// A way to copy a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Tool {
    Levada,
    LevadaValidate,
    DumpDirectory,
    DumpCustom,
    Pgcopydb,
    /// Only when asked for: pgcopydb with tables split by key range.
    PgcopydbSplit,
}

impl Tool {
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Levada => "levada copy",
            Self::LevadaValidate => "levada copy --foreign-keys validate",
            Self::DumpDirectory => "pg_dump -Fd -j2 -Z0, pg_restore -j2",
            Self::DumpCustom => "pg_dump -Fc, pg_restore -j4",
            Self::Pgcopydb => "pgcopydb clone",
            Self::PgcopydbSplit => "pgcopydb clone --split-tables-larger-than 128MB",
        }
    }

    pub(crate) fn is_levada(self) -> bool {
        matches!(self, Self::Levada | Self::LevadaValidate)
    }

    /// The commands, to be run one after the other.
    pub(crate) fn commands(self, source: &str, target: &str, scratch: &Path) -> Vec<Command> {
        let dump = scratch.join("dump");
        let levada = || {
            let mut command = clean(LEVADA);
            command.args(["copy", source, target]);
            if std::thread::available_parallelism().is_ok_and(|cores| cores.get() > JOBS) {
                command.args(["--jobs", &JOBS.to_string()]);
            }
            command
        };
        let pg_dump = |options: &[&str]| {
            let mut command = clean("pg_dump");
            command.args(options).arg("-f").arg(&dump).args(["-d", source]);
            command
        };
        let pg_restore = |jobs: &str| {
            let mut command = clean("pg_restore");
            command.args([jobs, "--no-owner", "--no-acl", "--exit-on-error", "-d", target]);
            command.arg(&dump);
            command
        };
        let pgcopydb = || {
            let mut command = clean("pgcopydb");
            command.args(["clone", "--source", source, "--target", target, "--dir"]);
            command.arg(scratch.join("pgcopydb"));
            command.args(["--table-jobs", "2", "--index-jobs", "2", "--no-owner", "--no-acl"]);
            command
        };
        match self {
            Self::Levada => vec![levada()],
            Self::LevadaValidate => vec![with(levada(), &["--foreign-keys", "validate"])],
            Self::DumpDirectory => vec![pg_dump(&["-Fd", "-j2", "-Z0"]), pg_restore("-j2")],
            Self::DumpCustom => vec![pg_dump(&["-Fc"]), pg_restore("-j4")],
            Self::Pgcopydb => vec![pgcopydb()],
            Self::PgcopydbSplit => {
                vec![with(pgcopydb(), &["--split-tables-larger-than", "128MB"])]
            }
        }
    }
}

/// Those asked for, or all that are there; the servers' own clients come before others.
pub(crate) fn choose(wanted: &[Tool], installation: &Installation) -> Result<Vec<Tool>> {
    let path = env::var_os("PATH").unwrap_or_default();
    let dirs = [installation.bin_dir().to_owned()].into_iter().chain(env::split_paths(&path));
    let path = env::join_paths(dirs)?;
    let is_there = |program: &str| env::split_paths(&path).any(|dir| dir.join(program).is_file());
    ensure!(is_there("pg_dump") && is_there("pg_restore"), "pg_dump or pg_restore is missing");
    let mut chosen = wanted.to_vec();
    if chosen.is_empty() {
        chosen = Tool::value_variants().to_vec();
        chosen.retain(|tool| *tool != Tool::PgcopydbSplit);
        if !is_there("pgcopydb") {
            println!("pgcopydb is not installed and not measured");
            chosen.retain(|tool| *tool != Tool::Pgcopydb);
        }
    }
    PATH.get_or_init(|| path);
    Ok(chosen)
}

/// Where the time of levada's last run into `target` went.
pub(crate) fn report(target: &Database) -> Result<String> {
    let mut command = with(clean(LEVADA), &["report", "--target", target.url(), "--top", "8"]);
    let output = command.output().context("cannot run levada report")?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What the tools say about their versions.
pub(crate) fn versions() -> Vec<String> {
    let first_line = |command: &mut Command| {
        let output = command.output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().find(|line| !line.trim().is_empty()).map(str::to_owned)
    };
    let mut versions = Vec::new();
    let describe = ["describe", "--always", "--dirty", "--abbrev=10"];
    let commit = first_line(clean("git").args(describe)).map(|commit| format!(", commit {commit}"));
    if let Some(levada) = first_line(clean(LEVADA).arg("--version")) {
        versions.push(format!("{levada}{}", commit.unwrap_or_default()));
    }
    let peers = [("pg_dump", "--version"), ("pg_restore", "--version"), ("pgcopydb", "--version")];
    let peers = peers.map(|(program, option)| first_line(clean(program).arg(option)));
    versions.extend(peers.into_iter().flatten());
    versions
}

static PATH: std::sync::OnceLock<OsString> = std::sync::OnceLock::new();

/// A command that no `PG…` variable of the surrounding shell reaches.
pub(crate) fn clean(program: &str) -> Command {
    let found = PATH.get().and_then(|path| {
        env::split_paths(path).map(|dir| dir.join(program)).find(|place| place.is_file())
    });
    let mut command = Command::new(found.unwrap_or_else(|| PathBuf::from(program)));
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
    if let Some(path) = PATH.get() {
        command.env("PATH", path);
    }
    command
}

pub(crate) fn with(mut command: Command, options: &[&str]) -> Command {
    command.args(options);
    command
}

/// A directory for dumps and logs that goes with us.
pub(crate) struct Scratch {
    dir: PathBuf,
}

impl Scratch {
    pub(crate) fn new() -> Result<Self> {
        remove_abandoned();
        let dir = env::temp_dir().join(format!("{SCRATCH_PREFIX}{}", process::id()));
        fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        Ok(Self { dir })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn clear(&self) -> Result<()> {
        fs::remove_dir_all(&self.dir)?;
        Ok(fs::create_dir_all(&self.dir)?)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

const SCRATCH_PREFIX: &str = "levada-bench-";

/// Dumps are large, and an interrupted benchmark leaves its last one.
fn remove_abandoned() {
    for entry in fs::read_dir(env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(SCRATCH_PREFIX));
        let is_abandoned = |pid: &str| !Path::new("/proc").join(pid).exists();
        if Path::new("/proc/self").exists() && pid.is_some_and(is_abandoned) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
