//! A session for everything but COPY: it names itself, limits its lock waits, and hides values.

use std::time::Duration;

use futures_util::TryStreamExt;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{CancelToken, Client, NoTls, Row, Statement};

use crate::listener;
use crate::stream::Stream;
use crate::wire::{missing_password, refused};
use crate::{Endpoint, Error, Result};

/// Every session of ours has an `application_name` that begins so.
pub(crate) const APPLICATION_NAME_PREFIX: &str = "levada ";

/// What a session is for. It decides the settings and the `application_name`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Reads production: read-only, policies never filter silently.
    Source,
    /// Keeps a snapshot of production alive.
    Keeper,
    /// Watches over the locks that we hold on production.
    Watch,
    /// Loads data into the target.
    Target,
    /// Keeps the run lock and the records of the target.
    Record,
    /// Reads the target for visitors: read-only, every statement bounded.
    Serving { statement_timeout_ms: u32 },
}

/// How long we wait for any lock before we give way, in milliseconds.
const LOCK_TIMEOUT_MS: u32 = 2000;

impl Purpose {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Source => "reader",
            Self::Keeper => "snapshot keeper",
            Self::Watch => "lock watch",
            Self::Target => "writer",
            Self::Record => "recorder",
            Self::Serving { .. } => "server",
        }
    }

    /// One simple query that sets all settings, leaving out names and values that this server does
    /// not know: `pg_settings` decides.
    pub(crate) fn settings(self) -> String {
        let (lock_timeout_ms, statement_timeout_ms, idle_ms) = match self {
            Self::Serving { statement_timeout_ms } => (250, statement_timeout_ms, 5000),
            _ => (LOCK_TIMEOUT_MS, 0, 0),
        };
        let lock_timeout = lock_timeout_ms.to_string();
        let (statement_timeout, idle) = (statement_timeout_ms.to_string(), idle_ms.to_string());
        let mut settings = vec![
            ("search_path", ""),
            ("lock_timeout", lock_timeout.as_str()),
            ("statement_timeout", statement_timeout.as_str()),
            ("idle_in_transaction_session_timeout", idle.as_str()),
            ("idle_session_timeout", "0"),
            ("transaction_timeout", "0"),
            ("client_min_messages", "warning"),
            ("standard_conforming_strings", "on"),
            ("DateStyle", "ISO"),
            ("IntervalStyle", "postgres"),
            ("TimeZone", "UTC"),
            ("extra_float_digits", "3"),
            ("bytea_output", "hex"),
            ("lc_monetary", "C"),
            ("xmloption", "content"),
            ("jit", "off"),
            ("tcp_keepalives_idle", "10"),
            ("tcp_keepalives_interval", "5"),
            ("tcp_keepalives_count", "3"),
            // A backend of a killed run ends itself instead of working on for nobody.
            ("client_connection_check_interval", "1000"),
        ];
        match self {
            Self::Source | Self::Keeper | Self::Watch => settings.extend([
                ("default_transaction_read_only", "on"),
                ("row_security", "off"),
                ("synchronize_seqscans", "off"),
                ("max_parallel_workers_per_gather", "0"),
            ]),
            Self::Target => settings.extend([
                ("synchronous_commit", "off"),
                // Where the server has it: packs large values several times faster than pglz, and
                // readers unpack them faster. Columns that name a method keep it.
                ("default_toast_compression", "lz4"),
                ("default_transaction_read_only", "off"),
                ("row_security", "off"),
            ]),
            Self::Record => settings.push(("default_transaction_read_only", "off")),
            Self::Serving { .. } => settings.push(("default_transaction_read_only", "on")),
        }
        let values: Vec<_> =
            settings.iter().map(|(name, value)| format!("('{name}','{value}')")).collect();
        format!(
            "SELECT count(pg_catalog.set_config(s.name, v.value, false)) FROM (VALUES {}) \
             v(name, value) JOIN pg_catalog.pg_settings s ON lower(s.name) = lower(v.name) \
             AND (s.enumvals IS NULL OR v.value = ANY (s.enumvals))",
            values.join(",")
        )
    }
}

/// A session with typed parameters and rows.
#[derive(Debug)]
pub struct Session {
    client: Client,
    connection: JoinHandle<()>,
    endpoint: Endpoint,
    pid: i32,
}

/// Asks the server to end what a session is doing; it outlives the wait for that session.
pub struct Canceller {
    token: CancelToken,
    endpoint: Endpoint,
}

impl Canceller {
    /// Sends the request over a connection of its own. The server answers nothing: a statement
    /// that is running ends with SQLSTATE 57014.
    pub async fn cancel(&self) -> Result<()> {
        let stream = Stream::open(&self.endpoint).await?;
        Ok(self.token.cancel_query_raw(stream, NoTls).await?)
    }
}

impl Session {
    /// Connects and applies the settings of `purpose`.
    pub async fn open(endpoint: &Endpoint, purpose: Purpose) -> Result<Self> {
        Self::open_hearing(endpoint, purpose, None).await
    }

    /// The same; what the server notifies of goes to `heard`.
    pub(crate) async fn open_hearing(
        endpoint: &Endpoint,
        purpose: Purpose,
        heard: Option<UnboundedSender<String>>,
    ) -> Result<Self> {
        let stream = Stream::open(endpoint).await?;
        let mut config = endpoint.config.clone();
        config.application_name(format!("{APPLICATION_NAME_PREFIX}{}", purpose.label()));
        config.ssl_mode(tokio_postgres::config::SslMode::Disable);
        let limit = endpoint.config.get_connect_timeout().copied().unwrap_or(Duration::MAX);
        let connecting = tokio::time::timeout(limit, config.connect_raw(stream, NoTls));
        let (client, connection) = connecting
            .await
            .map_err(|_| Error::Lost("no answer to the start-up message".to_owned()))?
            .map_err(|error| match asks_for_password(endpoint, &error) {
                true => missing_password(endpoint),
                false => refused(endpoint, Error::from(error)),
            })?;
        // The task ends with the client; a broken connection shows itself at the next query.
        let connection = match heard {
            None => tokio::spawn(async move {
                let _ = connection.await;
            }),
            Some(heard) => tokio::spawn(listener::pass_on(connection, heard)),
        };
        let mut session = Self { client, connection, endpoint: endpoint.clone(), pid: 0 };
        session.batch(&purpose.settings()).await?;
        session.pid = session.one("SELECT pg_catalog.pg_backend_pid()", &[]).await?.get(0);
        Ok(session)
    }

    /// The process id of the server's backend, as the server itself tells it.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Whether the connection is known to be gone.
    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// What ends a statement of this session from outside.
    pub fn canceller(&self) -> Canceller {
        Canceller { token: self.client.cancel_token(), endpoint: self.endpoint.clone() }
    }

    /// Lets the server parse a query: the types of its parameters and columns.
    pub async fn prepare(&self, sql: &str) -> Result<Statement> {
        Ok(self.client.prepare(sql).await?)
    }

    /// Several statements without parameters.
    pub async fn batch(&self, sql: &str) -> Result<()> {
        Ok(self.client.batch_execute(sql).await?)
    }

    /// All rows of a query.
    pub async fn rows(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        Ok(self.client.query(sql, parameters).await?)
    }

    /// The texts in the first column of a query; `None` when together they have more bytes than
    /// that. Then the rest is neither kept nor waited for: the session may still be busy with it.
    pub async fn texts(
        &self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
        bytes_max: usize,
    ) -> Result<Option<Vec<String>>> {
        let rows = self.client.query_raw(sql, parameters.iter().copied()).await?;
        let mut rows = std::pin::pin!(rows);
        let (mut texts, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.try_next().await? {
            let text: String = row.try_get(0)?;
            bytes += text.len();
            if bytes > bytes_max {
                return Ok(None);
            }
            texts.push(text);
        }
        Ok(Some(texts))
    }

    /// Exactly one row.
    pub async fn one(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<Row> {
        Ok(self.client.query_one(sql, parameters).await?)
    }

    /// One row or none.
    pub async fn maybe(
        &self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>> {
        Ok(self.client.query_opt(sql, parameters).await?)
    }

    /// A statement with parameters; returns the number of rows it touched.
    pub async fn execute(&self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Result<u64> {
        Ok(self.client.execute(sql, parameters).await?)
    }
}

/// The client library tells this only in the text of the error's source.
fn asks_for_password(endpoint: &Endpoint, error: &tokio_postgres::Error) -> bool {
    let source = std::error::Error::source(error).map(ToString::to_string);
    endpoint.config.get_password().is_none() && source.as_deref() == Some("password missing")
}

impl Drop for Session {
    fn drop(&mut self) {
        self.connection.abort();
    }
}
