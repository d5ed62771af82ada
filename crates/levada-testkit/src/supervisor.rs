//! A server process that cannot outlive us.
//!
//! Responsible for: running a server under a small shell that watches a pipe. The kernel closes
//! our end when this process ends, even by SIGKILL, and the shell then stops the server and
//! removes its files. (The kernel's parent-death signal would not do: it fires when the *thread*
//! that started the server ends.) Must not: know what kind of server it runs.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::account::Account;
use crate::wait::wait_for;

const SCRIPT: &str = include_str!("supervisor.sh");
const STOP_TIMEOUT: Duration = Duration::from_secs(60);

/// What to run, and what to do with it at the end.
pub(crate) struct Duty<'a> {
    pub(crate) account: &'a Account,
    /// The program and its arguments.
    pub(crate) command: Vec<PathBuf>,
    pub(crate) log: &'a Path,
    /// Removed when the owner goes without stopping the server.
    pub(crate) scratch: Option<&'a Path>,
    /// The signal that ends the server at once.
    pub(crate) farewell: &'static str,
}

/// A running server. Dropping it stops the server at once.
#[derive(Debug)]
pub(crate) struct Supervisor {
    shell: Child,
    pipe: Option<ChildStdin>,
}

impl Supervisor {
    pub(crate) fn start(duty: &Duty<'_>) -> Result<Self> {
        let mut command: Command = duty.account.command("sh");
        command.args(["-c", SCRIPT, "levada-supervisor"]);
        command.arg(duty.log).arg(duty.scratch.unwrap_or(Path::new(""))).arg(duty.farewell);
        command.args(&duty.command);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // A group of its own: Ctrl-C at the terminal is for us, and we decide what follows.
        command.process_group(0);
        let mut shell = command.spawn().context("cannot start `sh`")?;
        let pipe = shell.stdin.take();
        Ok(Self { shell, pipe })
    }

    /// True once the server has ended.
    pub(crate) fn ended(&mut self) -> Result<bool> {
        Ok(self.shell.try_wait()?.is_some())
    }

    /// Sends a signal such as `INT` and waits for the end.
    pub(crate) fn stop_with(mut self, signal: &str) -> Result<()> {
        if let Some(pipe) = &mut self.pipe {
            // A server that has ended by itself has closed the pipe, and that is no error.
            let _ = writeln!(pipe, "{signal}");
        }
        wait_for("the server to stop", STOP_TIMEOUT, || self.ended())
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.pipe = None;
        let _ = wait_for("the server to stop", STOP_TIMEOUT, || self.ended());
    }
}
