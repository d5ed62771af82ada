//! A connection pooler before a cluster.
//!
//! Responsible for: running PgBouncer in transaction pooling mode, where two statements of one
//! client may meet two different server sessions. Must not: fail where it is not installed.

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::account::Account;
use crate::cluster::{Cluster, free_port, scratch_dir, url};
use crate::installation::find_program;
use crate::supervisor::{Duty, Supervisor};
use crate::wait::wait_for;

const START_TIMEOUT: Duration = Duration::from_secs(20);

/// A running PgBouncer. Dropping it stops it.
#[derive(Debug)]
pub struct Bouncer {
    port: u16,
    dir: PathBuf,
    process: Option<Supervisor>,
}

impl Bouncer {
    /// Starts PgBouncer before `cluster`; `None` if it is not installed.
    pub fn start(cluster: &Cluster) -> Result<Option<Self>> {
        let Some(program) = find_program("pgbouncer") else { return Ok(None) };
        let account = Account::for_servers()?;
        let dir = scratch_dir();
        account.own_dir(&dir)?;
        let port = free_port()?;
        let configuration = dir.join("pgbouncer.ini");
        fs::write(&configuration, configuration_text(cluster.port(), port))?;
        account.own(&configuration)?;
        let log = dir.join("log");
        let duty = Duty {
            account: &account,
            command: vec![program, configuration],
            log: &log,
            scratch: Some(&dir),
            farewell: "TERM",
        };
        let mut process = Supervisor::start(&duty)?;
        wait_for("pgbouncer to start", START_TIMEOUT, || {
            if process.ended()? {
                bail!("pgbouncer did not start: {}", fs::read_to_string(&log)?.trim());
            }
            Ok(TcpStream::connect(("127.0.0.1", port)).is_ok())
        })?;
        Ok(Some(Self { port, dir, process: Some(process) }))
    }

    /// The URL of a database through the pooler, as superuser `postgres`.
    pub fn url(&self, database: &str) -> String {
        url("127.0.0.1", self.port, database)
    }

    /// The port that the pooler listens on.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        self.process = None;
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn configuration_text(server_port: u16, port: u16) -> String {
    [
        "[databases]",
        &format!("* = host=127.0.0.1 port={server_port} user=postgres"),
        "[pgbouncer]",
        "listen_addr = 127.0.0.1",
        &format!("listen_port = {port}"),
        "unix_socket_dir =",
        "auth_type = any",
        "pool_mode = transaction",
        "default_pool_size = 10",
        "",
    ]
    .join("\n")
}
