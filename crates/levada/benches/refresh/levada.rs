//! levada's commands as this benchmark runs them.
//!
//! Responsible for: the configuration file and the command lines. Must not: run or measure them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::stage::tools::{JOBS, LEVADA, clean};

/// Writes a configuration that carries all of `source` to `target`; `rules` stand at its end.
pub(crate) fn configure(file: &Path, source: &str, target: &str, rules: &str) -> Result<PathBuf> {
    let text = format!(
        "[source]\nurl = {source:?}\n\n[target]\nurl = {target:?}\n\n[copy]\njobs = {JOBS}\n{rules}"
    );
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file.to_owned())
}

pub(crate) fn run(config: &Path) -> Command {
    with_config("run", config)
}

pub(crate) fn verify(config: &Path) -> Command {
    with_config("verify", config)
}

/// Whether this levada knows the command `verify`.
pub(crate) fn knows_verify() -> Result<bool> {
    let output = clean(LEVADA).args(["verify", "--help"]).output().context("cannot run levada")?;
    Ok(output.status.success())
}

fn with_config(command: &str, config: &Path) -> Command {
    let mut levada = clean(LEVADA);
    levada.arg(command).arg("--config").arg(config);
    levada
}
