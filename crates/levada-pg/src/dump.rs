//! Definitions by way of the server's own `pg_dump`: found, version-checked, run, never shown a
//! password on its command line.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use report::Problem;
use tokio::process::Command;

use crate::session::APPLICATION_NAME_PREFIX;
use crate::{Endpoint, Error, Name, Result};

/// Names a directory with PostgreSQL client programs that is looked into first.
const BIN_VARIABLE: &str = "LEVADA_PG_BIN";

/// The two halves of a schema: what must exist before the rows, and what is built after them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    PreData,
    PostData,
}

/// A `pg_dump` that fits a source, and what it is to describe.
#[derive(Debug, Clone)]
pub struct Dump {
    program: PathBuf,
    endpoint: Endpoint,
    /// Left out. Naming those to be described instead would leave out casts, which are in none.
    pub exclude_schemas: Vec<String>,
    /// Tables, views and sequences to be left out.
    pub exclude: Vec<Name>,
    /// Shown as `application_name`, so that the lock watch can tell this session from others.
    pub token: String,
}

impl Dump {
    /// Finds a pg_dump whose major version is at least `major`, the closest first.
    pub async fn find(endpoint: &Endpoint, major: i32) -> Result<Self> {
        let mut best: Option<(i32, PathBuf)> = None;
        let mut seen = Vec::new();
        for program in candidates() {
            let Some(found) = version_of(&program).await else { continue };
            seen.push(found.to_string());
            if found >= major && best.as_ref().is_none_or(|(version, _)| found < *version) {
                best = Some((found, program));
            }
        }
        let Some((_, program)) = best else {
            let detail = match seen.is_empty() {
                true => "none was found".to_owned(),
                false => format!("found only version {}", seen.join(", ")),
            };
            let problem = Problem::new(format!("no pg_dump of version {major} or newer"))
                .detail(detail)
                .hint(format!("install postgresql-client-{major} or newer, or set {BIN_VARIABLE}"));
            return Err(Error::Refused(problem));
        };
        Ok(Self {
            program,
            endpoint: endpoint.clone(),
            exclude_schemas: Vec::new(),
            exclude: Vec::new(),
            token: format!("{APPLICATION_NAME_PREFIX}schema reader {}", std::process::id()),
        })
    }

    /// The definitions of one section as SQL text, as of `export`'s snapshot when one is given.
    pub async fn read(&self, section: Section, export: Option<&str>) -> Result<String> {
        let mut command = Command::new(&self.program);
        command.args(["--schema-only", "--no-owner", "--no-privileges", "--no-publications"]);
        command.args(["--no-subscriptions", "--no-security-labels", "--no-tablespaces"]);
        command.args(["--no-password", "--encoding=UTF8", "--lock-wait-timeout=2000"]);
        command.arg(match section {
            Section::PreData => "--section=pre-data",
            Section::PostData => "--section=post-data",
        });
        for schema in &self.exclude_schemas {
            command.arg(format!("--exclude-schema={}", pattern(schema)));
        }
        for table in &self.exclude {
            command.arg(format!(
                "--exclude-table={}.{}",
                pattern(&table.schema),
                pattern(&table.name)
            ));
        }
        if let Some(export) = export {
            command.arg(format!("--snapshot={export}"));
        }
        for name in ["PGSERVICE", "PGOPTIONS", "PGHOSTADDR", "PGPASSFILE"] {
            command.env_remove(name);
        }
        command.envs(self.endpoint.libpq_environment()).env("PGAPPNAME", &self.token);
        command.stdin(Stdio::null()).kill_on_drop(true);
        let output = command.output().await.map_err(|error| self.cannot_run(&error))?;
        if !output.status.success() {
            return Err(self.explain(&String::from_utf8_lossy(&output.stderr)));
        }
        String::from_utf8(output.stdout)
            .map_err(|_| Error::Protocol("pg_dump wrote text that is not UTF-8".to_owned()))
    }

    fn cannot_run(&self, error: &std::io::Error) -> Error {
        let problem = Problem::new(format!("cannot run {}", self.program.display()))
            .detail(error.to_string());
        Error::Refused(problem)
    }

    fn explain(&self, stderr: &str) -> Error {
        if GAVE_WAY.iter().any(|sign| stderr.contains(sign)) {
            return Error::Lost("pg_dump gave way to another session's lock".to_owned());
        }
        let lines: Vec<_> = stderr.lines().filter(|line| line.contains("error:")).collect();
        let detail = if lines.is_empty() { stderr.trim().to_owned() } else { lines.join("; ") };
        let mut problem =
            Problem::new("pg_dump could not read the definitions of the source").detail(detail);
        if stderr.contains("permission denied") {
            problem = problem.hint("grant SELECT on the table named above, or exclude it");
        }
        Error::Refused(problem)
    }
}

/// What pg_dump says when a lock, or we ourselves, stopped it.
const GAVE_WAY: [&str; 3] =
    ["lock timeout", "terminating connection", "canceling statement due to user request"];

/// A pg_dump pattern that matches exactly this name.
fn pattern(name: &str) -> String {
    crate::quote_identifier(name)
}

fn candidates() -> Vec<PathBuf> {
    let mut directories: Vec<PathBuf> = Vec::new();
    if let Some(directory) = std::env::var_os(BIN_VARIABLE) {
        directories.push(directory.into());
        return programs(&directories);
    }
    for root in ["/usr/lib/postgresql", "/usr/local/pgsql", "/opt/postgresql"] {
        let Ok(entries) = std::fs::read_dir(root) else { continue };
        directories.extend(entries.flatten().map(|entry| entry.path().join("bin")));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    directories.extend(std::env::split_paths(&path));
    programs(&directories)
}

fn programs(directories: &[PathBuf]) -> Vec<PathBuf> {
    let mut programs: Vec<_> = directories
        .iter()
        .map(|directory| directory.join("pg_dump"))
        .filter(|p| p.is_file())
        .collect();
    programs.dedup();
    programs
}

/// `pg_dump (PostgreSQL) 15.18 (Debian …)` → 15.
async fn version_of(program: &Path) -> Option<i32> {
    let output = Command::new(program).arg("--version").output().await.ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = text.split_whitespace().nth(2)?;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
