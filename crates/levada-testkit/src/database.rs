//! A database as `psql` sees it.
//!
//! Responsible for: running SQL and returning what comes back as text. Must not: depend on the
//! code under test in any way.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;

use anyhow::{Context, Result, bail};

use crate::account::without_pg_variables;
use crate::installation::find_client;

// Separators that no text in a test contains.
const FIELD_END: char = '\u{1f}';
const ROW_END: char = '\u{1e}';

static PSQL: OnceLock<PathBuf> = OnceLock::new();

/// A database, known by its URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    url: String,
}

impl Database {
    /// The database at a `postgresql://` URL.
    pub fn at(url: impl Into<String>) -> Self {
        Self { url: url.into() }
    }

    /// The URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Runs a script and returns its output: fields separated by `|`, rows by line feeds.
    ///
    /// The script stops at its first error, which becomes the error of this call. Each statement
    /// commits on its own, and psql's backslash commands work.
    pub fn psql(&self, script: &str) -> Result<String> {
        let output = self.run(script, &[])?;
        Ok(output.strip_suffix('\n').unwrap_or(&output).to_owned())
    }

    /// Runs statements whose output does not matter.
    pub fn execute(&self, script: &str) -> Result<()> {
        self.run(script, &[]).map(drop)
    }

    /// Runs a query and returns rows of fields as text. NULL is `\N`.
    pub fn query_rows(&self, query: &str) -> Result<Vec<Vec<String>>> {
        let (field_end, row_end) = (FIELD_END.to_string(), ROW_END.to_string());
        let output = self.run(query, &["-F", &field_end, "-R", &row_end, "-P", "null=\\N"])?;
        if output.is_empty() {
            return Ok(Vec::new());
        }
        let rows = output.strip_suffix('\n').unwrap_or(&output).split(ROW_END);
        Ok(rows.map(|row| row.split(FIELD_END).map(str::to_owned).collect()).collect())
    }

    /// Runs a file with psql variables, used in it as `:name`, `:'name'` or `:"name"`.
    pub fn load_file(&self, path: &Path, variables: &[(&str, &str)]) -> Result<String> {
        let mut command = psql(&self.url)?;
        for (name, value) in variables {
            command.arg("-v").arg(format!("{name}={value}"));
        }
        let output = command.arg("-f").arg(path).stdin(Stdio::null()).output()?;
        succeeded(output, &path.display().to_string())
    }

    fn run(&self, script: &str, options: &[&str]) -> Result<String> {
        let mut command = psql(&self.url)?;
        command.args(options).args(["-f", "-"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().context("cannot start psql")?;
        let mut input = child.stdin.take().context("psql has no standard input")?;
        let output = thread::scope(|scope| {
            // From a thread of its own, as both sides may be waiting on a full pipe. A psql that
            // stops at an error closes its input early; its exit code then tells.
            scope.spawn(move || input.write_all(script.as_bytes()));
            child.wait_with_output()
        })?;
        succeeded(output, script)
    }
}

/// A psql command for scripts: no start-up file, stop at the first error, bare rows.
pub(crate) fn psql(url: &str) -> Result<Command> {
    let program = match PSQL.get() {
        Some(found) => found,
        None => {
            let found = find_client("psql")?;
            PSQL.get_or_init(|| found)
        }
    };
    let mut command = Command::new(program);
    without_pg_variables(&mut command);
    command.env("PGCONNECT_TIMEOUT", "10").env("PGCLIENTENCODING", "UTF8");
    command.env("PGAPPNAME", "levada testkit");
    command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url]);
    Ok(command)
}

/// Quotes a name for use in SQL.
pub fn quote_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Quotes a text for use in SQL.
pub fn quote_literal(text: &str) -> String {
    let quoted = text.replace('\'', "''").replace('\\', "\\\\");
    let prefix = if text.contains('\\') { "E" } else { "" };
    format!("{prefix}'{quoted}'")
}

fn succeeded(output: std::process::Output, script: &str) -> Result<String> {
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        let beginning = script.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        bail!("psql: {}\nin a script that begins: {}", complaint.trim(), beginning.trim());
    }
    String::from_utf8(output.stdout).context("psql answered something that is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_names_and_texts() {
        assert_eq!(quote_identifier("we\"ird"), "\"we\"\"ird\"");
        assert_eq!(quote_literal("it's"), "'it''s'");
        assert_eq!(quote_literal("a\\b"), "E'a\\\\b'");
    }
}
