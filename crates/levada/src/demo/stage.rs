//! What the demo plays on: two private servers, a configuration file, and real levada processes.
//!
//! Everything is gone when the stage is dropped. It tells nothing by itself: lines go to the
//! caller.

use std::io::{BufRead, BufReader, PipeReader};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use report::Problem;
use serde::Serialize;
use testkit::{Cluster, Database, Installation, Proxy, wait_for};

/// Where the network stalls: two thirds of the rows. Two workers, which take the ranges of one
/// table after the other, have then certainly finished a table, and not the last one.
const STALL_BYTES: u64 = 20 * 1024 * 1024;
/// How long the first copy may take to get there.
const MIDDLE_TIMEOUT: Duration = Duration::from_secs(120);

const SOURCE: &str = "platform";

/// Two servers, a database on each, and a folder with `levada.toml`.
pub(crate) struct Stage {
    pub(crate) source: Database,
    pub(crate) target: Database,
    /// Between levada and the source.
    network: Proxy,
    major: u32,
    folder: Folder,
    servers: [Cluster; 2],
}

/// How much of a copy is in the target, by its records.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Arrived {
    /// Tables with all their rows.
    pub(crate) tables: u64,
    pub(crate) tables_planned: u64,
    pub(crate) ranges: u64,
    pub(crate) ranges_planned: u64,
    pub(crate) is_published: bool,
}

impl Arrived {
    fn is_middle(self) -> bool {
        self.tables > 0 && self.ranges < self.ranges_planned
    }
}

impl Stage {
    /// Starts the servers and fills the source.
    pub(crate) fn build() -> anyhow::Result<Self> {
        let installation = Installation::find().map_err(no_server)?;
        let servers =
            [Cluster::builder(&installation).start()?, Cluster::builder(&installation).start()?];
        let source = servers[0].create_database(SOURCE)?;
        let target = servers[1].create_database("reports")?;
        source.execute(include_str!("production.sql"))?;
        let major = installation.major();
        let network = Proxy::to(servers[0].port())?;
        let folder = Folder::create()?;
        Ok(Self { source, target, network, major, folder, servers })
    }

    pub(crate) fn major(&self) -> u32 {
        self.major
    }

    /// Runs a levada command, passes on what it says, and returns the time it took; its failure is
    /// ours.
    pub(crate) fn show(&self, arguments: &[&str], say: &dyn Fn(&str)) -> anyhow::Result<Duration> {
        self.show_ending(arguments, 0, say)
    }

    /// The same for a command that is to end with `code`.
    pub(crate) fn show_ending(
        &self,
        arguments: &[&str],
        code: i32,
        say: &dyn Fn(&str),
    ) -> anyhow::Result<Duration> {
        say(&prompt(arguments));
        self.time(arguments, code, say)
    }

    /// Copies the source as it is now into a database of its own; how long that took.
    pub(crate) fn copy_in_full(&self) -> anyhow::Result<Duration> {
        let empty = self.servers[1].create_database("in_full")?;
        self.time(&["copy", &self.network.url(SOURCE), empty.url()], 0, &|_| {})
    }

    fn time(&self, arguments: &[&str], code: i32, say: &dyn Fn(&str)) -> anyhow::Result<Duration> {
        let started = Instant::now();
        let (mut child, output) = self.spawn(arguments)?;
        pass_on(output, say);
        let status = child.wait()?;
        if status.code() != Some(code) {
            bail!("levada {} ended with {status}, not with {code}", arguments[0]);
        }
        Ok(started.elapsed())
    }

    /// Runs `levada run`, stalls its network, and kills it when a table, and not everything, has
    /// arrived.
    pub(crate) fn run_and_kill(&self, say: &(dyn Fn(&str) + Sync)) -> anyhow::Result<Arrived> {
        say(&prompt(&["run"]));
        self.network.stall_after(STALL_BYTES);
        let (mut child, output) = self.spawn(&["run"])?;
        std::thread::scope(|scope| {
            scope.spawn(move || pass_on(output, say));
            let found = wait_for("the middle of the copy", MIDDLE_TIMEOUT, || {
                let has_ended = child.try_wait()?.is_some();
                Ok(has_ended || self.network.is_stalled() && self.arrived()?.is_middle())
            });
            // Killed in any case: the lines end when the process does.
            child.kill().and_then(|()| child.wait()).context("cannot kill levada run")?;
            self.network.flow();
            found
        })?;
        self.arrived()
    }

    fn arrived(&self) -> anyhow::Result<Arrived> {
        let exists = "SELECT to_regclass('levada.chunk') IS NOT NULL";
        if self.target.psql(exists)? != "t" {
            return Ok(Arrived::default());
        }
        let rows = self.target.query_rows(include_str!("arrived.sql"))?;
        let numbers: Result<Vec<u64>, _> = rows.concat().iter().map(|n| n.parse()).collect();
        let [tables, tables_planned, ranges, ranges_planned, published] = numbers?[..] else {
            bail!("the records of the target have an unknown form");
        };
        let is_published = published > 0;
        Ok(Arrived { tables, tables_planned, ranges, ranges_planned, is_published })
    }

    /// Adds sections to `levada.toml`.
    pub(crate) fn add_to_configuration(&self, sections: &str) -> anyhow::Result<()> {
        let text = [include_str!("levada.toml"), sections].concat();
        Ok(std::fs::write(self.folder.path.join("levada.toml"), text)?)
    }

    /// Both streams in one pipe, so that lines come in the order in which they are said.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> anyhow::Result<(Child, PipeReader)> {
        let (reader, writer) = std::io::pipe()?;
        let mut command = Command::new(own_program()?);
        command.arg0("levada");
        command.args(arguments).current_dir(&self.folder.path).stdin(Stdio::null());
        command.env("SOURCE_DATABASE_URL", self.network.url(SOURCE));
        command.env("TARGET_DATABASE_URL", self.target.url());
        command.stdout(writer.try_clone()?).stderr(writer);
        let child = command.spawn().context("cannot start levada")?;
        Ok((child, reader))
    }
}

/// This very program, also where its file has been replaced since it was started.
fn own_program() -> std::io::Result<PathBuf> {
    let running = PathBuf::from("/proc/self/exe");
    if running.exists() { Ok(running) } else { std::env::current_exe() }
}

fn prompt(arguments: &[&str]) -> String {
    format!("   $ levada {}", arguments.join(" "))
}

fn pass_on(output: PipeReader, say: &dyn Fn(&str)) {
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        say(format!("   | {line}").trim_end());
    }
}

fn no_server(error: anyhow::Error) -> Problem {
    Problem::new("the demo needs the programs of a PostgreSQL server")
        .detail(format!("{error:#}"))
        .hint("apt-get install postgresql, or name the folder of its programs in LEVADA_TEST_PG")
}

/// A folder of our own that holds the configuration.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn create() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("levada-demo-{}", std::process::id()));
        std::fs::create_dir(&path).with_context(|| format!("cannot create {}", path.display()))?;
        let folder = Self { path };
        std::fs::write(folder.path.join("levada.toml"), include_str!("levada.toml"))?;
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
