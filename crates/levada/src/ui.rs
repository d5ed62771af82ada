//! The only printer: data on stdout, everything else on stderr, colour only where a person looks.

use std::io::{IsTerminal, Write};

use report::{Finding, Problem, Severity};
use serde::Serialize;

/// Where a command's output goes and how it looks.
pub(crate) struct Ui {
    pub(crate) json: bool,
    colour: bool,
}

impl Ui {
    pub(crate) fn new(json: bool) -> Self {
        let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { json, colour }
    }

    /// Data for a person, on stdout. With `--json`, people's text is left out.
    pub(crate) fn say(&self, text: &str) {
        if !self.json {
            // A closed pipe means that nobody reads on; that is no failure of the work.
            let _ = writeln!(std::io::stdout(), "{text}");
        }
    }

    /// One line of JSON on stdout, only with `--json`.
    pub(crate) fn data<T: Serialize>(&self, kind: &str, value: &T) {
        if self.json {
            let _ = writeln!(std::io::stdout(), "{}", crate::json::line(kind, value));
        }
    }

    /// A remark on stderr.
    pub(crate) fn remark(&self, text: &str) {
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    /// A problem that does not stop the work.
    pub(crate) fn note(&self, problem: &Problem) {
        self.remark(&self.paint("note", "33", problem));
    }

    /// Why a command failed.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        let problem = problem_of(error);
        if self.json {
            self.data("error", &problem);
        }
        self.remark(&self.paint("error", "31", &problem));
    }

    pub(crate) fn finding(&self, finding: &Finding) {
        let (label, colour) = match finding.severity {
            Severity::Error => ("error", "31"),
            Severity::Warning => ("warning", "33"),
            Severity::Info => ("info", "36"),
        };
        if self.json {
            self.data("finding", finding);
        } else {
            self.say(&self.paint(label, colour, &finding.problem));
        }
    }

    fn paint(&self, label: &str, colour: &str, problem: &Problem) -> String {
        let label = match self.colour {
            true => format!("\x1b[{colour}m{label}\x1b[0m"),
            false => label.to_owned(),
        };
        let mut text = format!("{label}: {}", problem.message);
        if let Some(detail) = &problem.detail {
            text += &format!("\n  detail: {detail}");
        }
        if let Some(hint) = &problem.hint {
            text += &format!("\n  hint: {hint}");
        }
        text
    }
}

/// The whole chain as one problem: what we were doing, what went wrong, what to do.
fn problem_of(error: &anyhow::Error) -> Problem {
    let mut problem = if let Some(problem) = error.downcast_ref::<Problem>() {
        problem.clone()
    } else if let Some(error) = error.downcast_ref::<pg::Error>() {
        error.problem()
    } else {
        Problem::new(error.root_cause().to_string())
    };
    let mut contexts: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if text == problem.message {
            break;
        }
        contexts.push(text);
    }
    contexts.push(problem.message);
    problem.message = contexts.join(": ");
    problem
}

/// Columns of text, the first left-aligned, the others right-aligned unless they are the last.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([head[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded = cells.iter().enumerate().map(|(column, cell)| {
            let gap = " ".repeat(widths[column].saturating_sub(cell.chars().count()));
            let is_text = column == 0 || column + 1 == head.len();
            if is_text { format!("{cell}{gap}") } else { format!("{gap}{cell}") }
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(head.to_vec())];
    lines.extend(rows.iter().map(|row| line(row.iter().map(String::as_str).collect())));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn a_failure_shows_what_we_were_doing_and_the_hint() {
        let inner: Result<(), Problem> = Err(Problem::new("disk full").hint("free space"));
        let error = inner.context("loading public.answers").unwrap_err();
        let problem = problem_of(&error);
        assert_eq!(problem.message, "loading public.answers: disk full");
        assert_eq!(problem.hint.as_deref(), Some("free space"));
    }

    #[test]
    fn tables_align_numbers_to_the_right() {
        let rows = [vec!["answers".to_owned(), "10".to_owned(), "binary".to_owned()]];
        assert_eq!(
            table(&["table", "rows", "how"], &rows),
            "table    rows  how\nanswers    10  binary"
        );
    }
}
