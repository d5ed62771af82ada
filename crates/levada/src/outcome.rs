//! How a command ended, as the exit code that scripts branch on. The codes follow diff and grep.

use std::process::ExitCode;

/// The end of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Done, nothing to report.
    Clean,
    /// Done, and something was found: a difference, a finding.
    Found,
    /// Not done, or it could not be told; the message says why.
    Failed,
    /// Stopped on request; the same command continues.
    Interrupted,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome::Clean => 0,
            Outcome::Found => 1,
            Outcome::Failed => 2,
            Outcome::Interrupted => 130,
        })
    }
}
