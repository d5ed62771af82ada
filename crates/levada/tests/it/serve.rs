//! `levada serve`: the real program, asked over real connections.

mod basics;
mod browser;
mod client;
mod console;
mod contract;
mod headers;
mod hostile;
mod load;
mod openapi;
mod outage;
mod page;
mod questions;
mod race;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use testkit::{Database, wait_for};

use crate::support::{Ran, command, levada, pair};
use client::Reply;

/// A source, its target with what is configured, and the configuration.
pub(crate) struct Place {
    pub(crate) source: Database,
    pub(crate) target: Database,
    config: PathBuf,
}

impl Place {
    /// `sections` stand after `[source]` and `[target]`; the server listens on a free port.
    pub(crate) fn new(name: &str, sql: &str, sections: &str) -> Self {
        let (source, target) = pair(name, sql);
        Self::between(name, source, target, sections)
    }

    /// The same with databases that are there.
    pub(crate) fn between(name: &str, source: Database, target: Database, sections: &str) -> Self {
        let file = format!("levada-serve-{name}-{}.toml", std::process::id());
        let config = std::env::temp_dir().join(file);
        let place = Self { source, target, config };
        place.configure(sections);
        place
    }

    /// Writes the configuration anew.
    pub(crate) fn configure(&self, sections: &str) {
        let (source, target) = (self.source.url(), self.target.url());
        let text =
            format!("[source]\nurl = \"{source}\"\n[target]\nurl = \"{target}\"\n{sections}\n");
        std::fs::write(&self.config, text).unwrap();
    }

    /// Publishes an edition.
    #[track_caller]
    pub(crate) fn publish(&self) -> Ran {
        self.levada(&["run"]).expect_code(0)
    }

    pub(crate) fn levada(&self, words: &[&str]) -> Ran {
        levada(&[words, &["--config", &self.config.to_string_lossy()]].concat())
    }

    /// Starts the server and waits until it listens.
    pub(crate) fn serve(&self) -> Serving {
        let config = self.config.to_string_lossy().into_owned();
        Serving::start(command(&["serve", "--json", "--config", &config]))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.config);
    }
}

/// A server that runs until this is dropped.
pub(crate) struct Serving {
    child: Child,
    /// As in `127.0.0.1:8080`.
    pub(crate) address: String,
    /// The same of the operator's console; empty without one.
    pub(crate) console: String,
}

impl Serving {
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("levada starts");
        let stdout = child.stdout.take().expect("stdout");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let said: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
        let Some(address) = said["address"].as_str() else {
            let output = child.wait_with_output().expect("it ends");
            panic!("not serving: {line}{}", String::from_utf8_lossy(&output.stderr));
        };
        let console = said["console"].as_str().unwrap_or_default().to_owned();
        Self { address: address.to_owned(), console, child }
    }

    /// Waits until the current edition is shown, its usual answers included.
    #[track_caller]
    pub(crate) fn wait_until_ready(&self) {
        wait_for("readiness", Duration::from_secs(30), || Ok(self.get("/readyz").status == 200))
            .unwrap();
    }

    /// Waits until an edition is shown, also when some statistics have no answer in it.
    #[track_caller]
    pub(crate) fn wait_until_shown(&self) {
        let limit = Duration::from_secs(30);
        wait_for("the index", limit, || Ok(self.get("/").status == 200)).unwrap();
        wait_for("readiness", limit, || Ok(self.get("/readyz").status == 200)).unwrap();
    }

    /// Asks for an address.
    #[track_caller]
    pub(crate) fn get(&self, target: &str) -> Reply {
        client::get(&self.address, target, &[]).expect("a reply")
    }

    /// Asks with headers.
    #[track_caller]
    pub(crate) fn get_with(&self, target: &str, headers: &[(&str, &str)]) -> Reply {
        client::get(&self.address, target, headers).expect("a reply")
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn end(mut self) -> i32 {
        terminate(self.child.id());
        self.child.wait().expect("it ends").code().unwrap_or(-1)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn terminate(pid: u32) {
    let status = Command::new("kill").args(["-TERM", &pid.to_string()]).status();
    assert!(status.expect("kill").success());
}
