//! What a check found. A finding judges an object; it does not print itself.

use serde::Serialize;

use crate::Problem;

/// How much a finding matters: an error stops a run, a warning does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Info,
    Warning,
    Error,
}

/// One result of a check: which check, about what, how bad, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub check: &'static str,
    pub severity: Severity,
    pub subject: String,
    #[serde(flatten)]
    pub problem: Problem,
}

impl Finding {
    /// A finding of any severity about `subject`.
    pub fn new(
        severity: Severity,
        check: &'static str,
        subject: impl Into<String>,
        problem: Problem,
    ) -> Self {
        Self { check, severity, subject: subject.into(), problem }
    }

    /// A finding that stops a run.
    pub fn error(check: &'static str, subject: impl Into<String>, problem: Problem) -> Self {
        Self::new(Severity::Error, check, subject, problem)
    }

    /// A finding that a person should look at.
    pub fn warning(check: &'static str, subject: impl Into<String>, problem: Problem) -> Self {
        Self::new(Severity::Warning, check, subject, problem)
    }

    /// A finding that only informs.
    pub fn info(check: &'static str, subject: impl Into<String>, problem: Problem) -> Self {
        Self::new(Severity::Info, check, subject, problem)
    }
}
