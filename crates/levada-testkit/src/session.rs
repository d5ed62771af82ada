//! A session that stays open, as an application or a person has one.
//!
//! Responsible for: transactions that begin before something and end after it, readers that hold
//! a snapshot, statements that wait for a lock. Must not: decide how long to wait.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use anyhow::{Context, Result, bail};

use crate::database::{Database, psql};

const DONE: &str = "levada testkit: done";
/// A test that waits for a lock that never comes is to fail, not to hang.
const LIMIT: &str = "set statement_timeout = '2min'";

/// An open psql session. Dropping it closes the connection and rolls back.
#[derive(Debug)]
pub struct Session {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Database {
    /// Opens a session and waits until it is connected. Statements in it may take two minutes.
    pub fn session(&self) -> Result<Session> {
        let mut command = psql(self.url())?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().context("cannot start psql")?;
        let input = process.stdin.take().context("psql has no standard input")?;
        let output = process.stdout.take().context("psql has no standard output")?;
        let mut session = Session { process, input, output: BufReader::new(output) };
        session.run(LIMIT)?;
        Ok(session)
    }
}

impl Session {
    /// Runs statements and returns their output, as [`Database::psql`] does. After an error the
    /// session is closed.
    pub fn run(&mut self, script: &str) -> Result<String> {
        self.send(script)?;
        self.finish()
    }

    /// Begins to run statements and does not wait: for those that will be kept waiting.
    /// [`Session::finish`] gets their output.
    pub fn send(&mut self, script: &str) -> Result<()> {
        let order = format!("{script}\n;\n\\echo {DONE}\n");
        self.input.write_all(order.as_bytes()).context("the session is closed")?;
        self.input.flush().context("the session is closed")
    }

    /// Waits for what was sent, and returns its output.
    pub fn finish(&mut self) -> Result<String> {
        let mut answer = String::new();
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line)? == 0 {
                bail!("the session ended: {}", self.complaint());
            }
            if line.trim_end() == DONE {
                break;
            }
            answer.push_str(&line);
        }
        Ok(answer.strip_suffix('\n').unwrap_or(&answer).to_owned())
    }

    /// The process id of the backend on the server.
    pub fn backend_pid(&mut self) -> Result<u32> {
        Ok(self.run("select pg_backend_pid()")?.trim().parse()?)
    }

    fn complaint(&mut self) -> String {
        let mut text = String::new();
        if let Some(stream) = self.process.stderr.as_mut() {
            let _ = stream.read_to_string(&mut text);
        }
        text.trim().to_owned()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
