//! A source of events, an edition of it, and `levada serve` on a core of its own.
//!
//! Responsible for: what is there before anything is measured. Must not: measure.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use testkit::{Cluster, Database};

use crate::stage::database::{Servers, Subject};
use crate::stage::measure::Postmaster;
use crate::stage::tools::{JOBS, LEVADA, Scratch, clean, with};
use crate::visit;

/// Where servers run; their visitors have the other.
const SERVER_CORE: &str = "0";
pub(crate) const VISITOR_CORE: &str = "1";

const SECTIONS: &str = include_str!("sections.toml");
const QUERIES: [(&str, &str); 3] = [
    ("activity.sql", include_str!("activity.sql")),
    ("adviser.sql", include_str!("adviser.sql")),
    ("cold.sql", include_str!("cold.sql")),
];

/// Both databases, and the configuration.
pub(crate) struct Place<'a> {
    servers: &'a Servers,
    pub(crate) source: Database,
    config: PathBuf,
    log: PathBuf,
}

impl<'a> Place<'a> {
    /// Publishes an edition of so many events, the newest of them of today.
    pub(crate) fn prepare(servers: &'a Servers, scratch: &Scratch, rows: u64) -> Result<Self> {
        let source = servers.changeable(Subject::Engagement, rows)?;
        source.execute(include_str!("until_now.sql"))?;
        let target = servers.new_target()?;
        let config = scratch.path().join("levada.toml");
        let text = format!(
            "[source]\nurl = {:?}\n\n[target]\nurl = {:?}\n\n[copy]\njobs = {JOBS}\n{SECTIONS}",
            source.url(),
            target.url()
        );
        fs::write(&config, text)?;
        for (name, query) in QUERIES {
            fs::write(scratch.path().join(name), query)?;
        }
        let output = with(clean(LEVADA), &["run", "--config"]).arg(&config).output()?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "levada run failed: {told}");
        source.execute("vacuum (analyze)")?;
        target.execute("vacuum (analyze)")?;
        // Whatever is asked of production from now on stands in its log.
        source.execute("alter system set log_connections = on; select pg_reload_conf()")?;
        servers.settle()?;
        Ok(Self { servers, source, config, log: scratch.path().join("serve.log") })
    }

    /// Starts the server and waits until its usual answers are ready.
    pub(crate) async fn serve(&self) -> Result<Serving> {
        let mut command = pinned(SERVER_CORE, LEVADA);
        command.args(["serve", "--json", "--config"]).arg(&self.config);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&self.log)?);
        let mut child = command.spawn().context("cannot start levada")?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("no stdout")?;
        let serving = Ended(child);
        BufReader::new(stdout).read_line(&mut line)?;
        let said: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
        let Some(address) = said["address"].as_str() else {
            bail!("levada does not serve: {line}{}", fs::read_to_string(&self.log)?);
        };
        let address = address.to_owned();
        let began = Instant::now();
        // What was made ready beforehand needs no query: that of the list is made last.
        while visit::get(&address, "/readyz", None).await?.status != 200 {
            let log = fs::read_to_string(&self.log)?;
            ensure!(began.elapsed() < Duration::from_secs(60), "levada is not ready: {log}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(Serving { address, process: serving })
    }

    /// How often sessions were opened on production so far.
    pub(crate) fn source_sessions(&self) -> Result<usize> {
        occurrences(self.servers.source(), "connection received")
    }

    /// How often the target was asked something that holds `text` during `work`.
    pub(crate) async fn target_queries<T>(
        &self,
        text: &str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<(T, usize)> {
        let target = self.servers.target();
        let log = |what: &str| {
            target.database("postgres").execute(&format!(
                "alter system set log_statement = {what}; select pg_reload_conf()"
            ))
        };
        log("'all'")?;
        // Sessions read the setting before their next query.
        let before = occurrences(target, text)?;
        let done = work.await?;
        log("default")?;
        Ok((done, occurrences(target, text)? - before))
    }
}

fn occurrences(cluster: &Cluster, text: &str) -> Result<usize> {
    Ok(cluster.log()?.matches(text).count())
}

/// A server of statistics, until this is dropped.
pub(crate) struct Serving {
    pub(crate) address: String,
    process: Ended,
}

impl Serving {
    pub(crate) fn process(&self) -> Postmaster {
        self.process.watched()
    }
}

/// A command that runs on one core, and ends when we do.
pub(crate) fn pinned(core: &str, program: &str) -> Command {
    with(clean("setpriv"), &["--pdeathsig", "TERM", "taskset", "-c", core, program])
}

/// A process of ours that ends with this.
pub(crate) struct Ended(pub(crate) Child);

impl Ended {
    /// As `measure` looks at it, with its children.
    pub(crate) fn watched(&self) -> Postmaster {
        Postmaster(self.0.id())
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        let asked = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        if asked.is_ok_and(|asked| asked.success()) {
            let began = Instant::now();
            while began.elapsed() < Duration::from_secs(15) {
                if !matches!(self.0.try_wait(), Ok(None)) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The core on which servers are measured.
pub(crate) fn on_server_core(program: &str) -> Command {
    pinned(SERVER_CORE, program)
}
