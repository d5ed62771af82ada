//! A private cluster: one server with its own data directory, port and socket.
//!
//! Responsible for: the life of a cluster from start to removal, including being killed and
//! started again. Must not: interpret what is in its databases.

mod standby;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};

use crate::account::Account;
use crate::database::{Database, quote_identifier};
use crate::installation::Installation;
use crate::seed::{self, SETTINGS_FILE};
use crate::supervisor::{Duty, Supervisor};
use crate::wait::wait_for;

const START_TIMEOUT: Duration = Duration::from_secs(60);
const PORT_TRIES: u32 = 5;
/// A socket's path may have 107 bytes on Linux and 103 elsewhere; its name takes 20 of them.
const SOCKET_DIR_BYTES_MAX: usize = 80;

static SCRATCH_COUNT: AtomicU32 = AtomicU32::new(0);

/// What a cluster is to be like.
#[derive(Debug, Clone)]
pub struct Builder {
    installation: Installation,
    settings: BTreeMap<String, String>,
    durable: bool,
    is_apart: bool,
    dir: Option<PathBuf>,
}

impl Builder {
    /// Sets a server parameter, such as `wal_level` to `logical`.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Whether data survive a crash of the machine (`fsync` and its kin). Off unless asked for,
    /// as a killed server is recovered all the same.
    #[must_use]
    pub fn durable(mut self, durable: bool) -> Self {
        self.durable = durable;
        self
    }

    /// Gives the cluster a system identifier of its own, which takes a second or two. Others are
    /// copies of one, as if they had been cloned.
    #[must_use]
    pub fn apart(mut self) -> Self {
        self.is_apart = true;
        self
    }

    /// Keeps the cluster in `dir`, and starts it from there if it was made before. Without this
    /// the cluster lives in a scratch directory that is removed at the end.
    #[must_use]
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Makes the cluster if need be, starts it and waits until it answers.
    pub fn start(self) -> Result<Cluster> {
        let account = Account::for_servers()?;
        let kept = self.dir.is_some();
        let dir = self.dir.unwrap_or_else(scratch_dir);
        let dir = std::path::absolute(dir)?;
        account.own_dir(&dir)?;
        let data = dir.join("data");
        if !data.join("PG_VERSION").exists() {
            let make = if self.is_apart { seed::make_apart } else { seed::plant };
            make(&self.installation, &account, &data)?;
        }
        check_major(&data, &self.installation)?;
        let socket_dir = socket_dir(&dir, &account)?;
        let mut settings = base_settings(self.durable, &socket_dir);
        settings.extend(self.settings);
        let mut cluster = Cluster {
            installation: self.installation,
            account,
            dir,
            socket_dir,
            kept,
            settings,
            port: 0,
            server: Mutex::new(None),
        };
        cluster.first_start()?;
        Ok(cluster)
    }
}

/// A private server. It stops when this is dropped, or when the process ends in any way.
#[derive(Debug)]
pub struct Cluster {
    installation: Installation,
    account: Account,
    dir: PathBuf,
    socket_dir: PathBuf,
    kept: bool,
    settings: BTreeMap<String, String>,
    port: u16,
    server: Mutex<Option<Supervisor>>,
}

impl Cluster {
    /// A cluster of the given version, to be adjusted and started.
    pub fn builder(installation: &Installation) -> Builder {
        Builder {
            installation: installation.clone(),
            settings: BTreeMap::new(),
            durable: false,
            is_apart: false,
            dir: None,
        }
    }

    /// A cluster of the version that [`Installation::find`] gives, with nothing adjusted.
    pub fn start() -> Result<Self> {
        Self::builder(&Installation::find()?).start()
    }

    /// One cluster for the whole process, started when first asked for: for tests that need no
    /// more than a database of their own. It ends with the process, so leave it running.
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Result<Cluster, String>> = OnceLock::new();
        let shared = SHARED.get_or_init(|| Self::start().map_err(|error| format!("{error:#}")));
        shared.as_ref().map_err(|complaint| anyhow!("{complaint}"))
    }

    /// The programs this cluster runs on.
    pub fn installation(&self) -> &Installation {
        &self.installation
    }

    /// The TCP port on 127.0.0.1, the same for the whole life of the cluster.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of a database over TCP, as superuser `postgres`.
    pub fn url(&self, database: &str) -> String {
        url("127.0.0.1", self.port, database)
    }

    /// The URL of a database over the Unix socket, as superuser `postgres`.
    pub fn socket_url(&self, database: &str) -> String {
        url(&self.socket_dir.to_string_lossy(), self.port, database)
    }

    /// A database that exists, such as `postgres`.
    pub fn database(&self, name: &str) -> Database {
        Database::at(self.url(name))
    }

    /// Creates an empty database.
    pub fn create_database(&self, name: &str) -> Result<Database> {
        let statement = format!("create database {}", quote_identifier(name));
        self.database("postgres").execute(&statement)?;
        Ok(self.database(name))
    }

    /// Creates a database as a copy of another one, which nobody may be connected to.
    pub fn copy_database(&self, name: &str, template: &str) -> Result<Database> {
        let (name_sql, template) = (quote_identifier(name), quote_identifier(template));
        let statement = format!("create database {name_sql} template {template}");
        self.database("postgres").execute(&statement)?;
        Ok(self.database(name))
    }

    /// What the server has written to its log so far.
    pub fn log(&self) -> Result<String> {
        let bytes = fs::read(self.log_path()).unwrap_or_default();
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// True while the server runs.
    pub fn is_running(&self) -> Result<bool> {
        match self.server().as_mut() {
            Some(server) => Ok(!server.ended()?),
            None => Ok(false),
        }
    }

    /// Stops the server in order; sessions are cut off. Nothing happens when it is stopped.
    pub fn stop(&self) -> Result<()> {
        self.stop_with("INT")
    }

    /// Ends the server as a crash does: no checkpoint, recovery at the next start.
    pub fn kill_hard(&self) -> Result<()> {
        self.stop_with("QUIT")
    }

    /// Starts a stopped or killed server again, on the same port with the same settings.
    pub fn start_again(&self) -> Result<()> {
        let mut server = self.server();
        ensure!(server.is_none(), "the cluster runs already");
        *server = Some(self.launch()?);
        Ok(())
    }

    /// Stops the server in order and starts it again.
    pub fn restart(&self) -> Result<()> {
        self.stop()?;
        self.start_again()
    }

    fn stop_with(&self, signal: &str) -> Result<()> {
        let server = self.server().take();
        server.map_or(Ok(()), |server| server.stop_with(signal))
    }

    fn server(&self) -> MutexGuard<'_, Option<Supervisor>> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log_path(&self) -> PathBuf {
        self.dir.join("log")
    }

    fn first_start(&mut self) -> Result<()> {
        let mut tries = 0;
        loop {
            self.port = free_port()?;
            tries += 1;
            match self.launch() {
                Ok(server) => {
                    *self.server() = Some(server);
                    return Ok(());
                }
                // Between our look and the server's, somebody else may have taken the port.
                Err(error) if port_was_taken(&error) && tries < PORT_TRIES => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn launch(&self) -> Result<Supervisor> {
        self.write_settings()?;
        let pid_file = self.dir.join("data/postmaster.pid");
        let left_over = fs::read_to_string(&pid_file).unwrap_or_default();
        let log_bytes = self.log()?.len();
        let mut server = Supervisor::start(&Duty {
            account: &self.account,
            command: vec![
                self.installation.program("postgres"),
                "-D".into(),
                self.dir.join("data"),
            ],
            log: &self.log_path(),
            scratch: (!self.kept).then_some(&self.dir),
            farewell: "QUIT",
        })?;
        wait_for("the server to start", START_TIMEOUT, || {
            if server.ended()? {
                let log = self.log()?;
                bail!("the server did not start: {}", log.get(log_bytes..).unwrap_or(&log).trim());
            }
            let state = fs::read_to_string(&pid_file).unwrap_or_default();
            Ok(state != left_over && is_ready(&state))
        })?;
        Ok(server)
    }

    fn write_settings(&self) -> Result<()> {
        let mut text = format!("port = {}\n", self.port);
        for (name, value) in &self.settings {
            text.push_str(&format!("{name} = '{}'\n", value.replace('\'', "''")));
        }
        let path = self.dir.join("data").join(SETTINGS_FILE);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        self.account.own(&path)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let signal = if self.kept { "INT" } else { "QUIT" };
        let _ = self.stop_with(signal);
        if !self.kept {
            let _ = fs::remove_dir_all(&self.dir);
        }
        if self.socket_dir != self.dir {
            let _ = fs::remove_dir_all(&self.socket_dir);
        }
    }
}

/// A new name in the system's temporary directory, unique on this machine.
pub(crate) fn scratch_dir() -> PathBuf {
    env::temp_dir().join(scratch_name())
}

/// A port on 127.0.0.1 that nobody listens on at this moment.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

pub(crate) fn url(host: &str, port: u16, database: &str) -> String {
    format!("postgresql://postgres@{}:{port}/{}", percent_encoded(host), percent_encoded(database))
}

fn scratch_name() -> String {
    format!("levada-{}-{}", process::id(), SCRATCH_COUNT.fetch_add(1, Ordering::Relaxed))
}

fn percent_encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).into() } else { format!("%{byte:02X}") })
        .collect()
}

fn socket_dir(dir: &Path, account: &Account) -> Result<PathBuf> {
    if dir.as_os_str().len() <= SOCKET_DIR_BYTES_MAX {
        return Ok(dir.to_owned());
    }
    let short = Path::new("/tmp").join(scratch_name());
    account.own_dir(&short)?;
    Ok(short)
}

fn base_settings(durable: bool, socket_dir: &Path) -> BTreeMap<String, String> {
    let socket_dir = format!("\"{}\"", socket_dir.display());
    let mut settings = vec![
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", &socket_dir),
        ("log_line_prefix", "%m [%p] %a "),
        ("log_timezone", "UTC"),
        ("timezone", "UTC"),
    ];
    if !durable {
        settings.extend([
            ("fsync", "off"),
            ("full_page_writes", "off"),
            ("synchronous_commit", "off"),
        ]);
    }
    settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn check_major(data: &Path, installation: &Installation) -> Result<()> {
    let found = fs::read_to_string(data.join("PG_VERSION"))?;
    ensure!(
        found.trim() == installation.major().to_string(),
        "{} was made by PostgreSQL {}, the server is {}",
        data.display(),
        found.trim(),
        installation.major()
    );
    Ok(())
}

/// The eighth line of `postmaster.pid` tells the state of the server.
fn is_ready(pid_file: &str) -> bool {
    pid_file.lines().nth(7).is_some_and(|state| matches!(state.trim(), "ready" | "standby"))
}

fn port_was_taken(error: &anyhow::Error) -> bool {
    format!("{error:#}").contains("Address already in use")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_carry_any_name() {
        assert_eq!(
            url("127.0.0.1", 5432, "a b/\"c\""),
            "postgresql://postgres@127.0.0.1:5432/a%20b%2F%22c%22"
        );
        assert_eq!(url("/tmp/x", 1, "d"), "postgresql://postgres@%2Ftmp%2Fx:1/d");
    }

    #[test]
    fn readiness_is_the_eighth_line() {
        assert!(is_ready("1\n2\n3\n4\n5\n6\n7\nready   \n"));
        assert!(!is_ready("1\n2\n3\n4\n5\n6\n7\nstarting\n"));
        assert!(!is_ready(""));
    }
}
