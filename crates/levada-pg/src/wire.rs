//! A session on the bare protocol: start-up, simple queries, and frames for the COPY relay.
//!
//! It exists because a COPY must pass through with hardly any work per row; everything that is not
//! a COPY belongs to `session`. Protocol: PostgreSQL documentation, chapter "Frontend/Backend
//! Protocol".

use std::time::Duration;

use bytes::{Buf, BytesMut};
use fallible_iterator::FallibleIterator;
use postgres_protocol::authentication::{md5_hash, sasl};
use postgres_protocol::message::backend::{ErrorResponseBody, Message};
use postgres_protocol::message::frontend;
use report::Problem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::error::ServerFields;
use crate::session::{APPLICATION_NAME_PREFIX, Purpose};
use crate::stream::Stream;
use crate::{Endpoint, Error, Result};

const READ_BYTES: usize = 256 * 1024;

/// A session that speaks simple queries and COPY. Dropping it closes the connection.
pub struct Wire {
    pub(crate) stream: Stream,
    pub(crate) buffer: BytesMut,
    pid: i32,
}

impl Wire {
    /// Connects, authenticates and applies the session settings of `purpose`.
    pub async fn connect(endpoint: &Endpoint, purpose: Purpose) -> Result<Self> {
        let stream = Stream::open(endpoint).await?;
        let buffer = BytesMut::with_capacity(READ_BYTES);
        let mut wire = Self { stream, buffer, pid: 0 };
        let limit = endpoint.config.get_connect_timeout().copied().unwrap_or(Duration::MAX);
        tokio::time::timeout(limit, wire.start(endpoint, purpose))
            .await
            .map_err(|_| Error::Lost("no answer to the start-up message".to_owned()))??;
        wire.query(&purpose.settings()).await?;
        // Behind a pooler the number of the start-up is not the backend's.
        let rows = wire.query("SELECT pg_catalog.pg_backend_pid()").await?;
        let cell = rows.into_iter().flatten().flatten().next();
        wire.pid = cell.and_then(|pid| pid.parse().ok()).unwrap_or_default();
        Ok(wire)
    }

    /// The process id of the server's backend.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    async fn start(&mut self, endpoint: &Endpoint, purpose: Purpose) -> Result<()> {
        let name = format!("{APPLICATION_NAME_PREFIX}{}", purpose.label());
        let mut parameters = vec![
            ("client_encoding", "UTF8"),
            ("user", endpoint.user()),
            ("database", endpoint.database()),
            ("application_name", name.as_str()),
        ];
        if let Some(options) = endpoint.config.get_options() {
            parameters.push(("options", options));
        }
        let mut out = BytesMut::new();
        frontend::startup_message(parameters, &mut out).map_err(lost)?;
        self.send(&out).await?;
        self.authenticate(endpoint).await?;
        loop {
            match self.message().await? {
                Message::ReadyForQuery(_) => return Ok(()),
                Message::ErrorResponse(body) => {
                    return Err(refused(endpoint, server_error(&body)?));
                }
                _ => {}
            }
        }
    }

    async fn authenticate(&mut self, endpoint: &Endpoint) -> Result<()> {
        loop {
            match self.message().await? {
                Message::AuthenticationOk => return Ok(()),
                Message::AuthenticationCleartextPassword => {
                    self.send_password(password(endpoint)?).await?;
                }
                Message::AuthenticationMd5Password(body) => {
                    let user = endpoint.user().as_bytes();
                    let hash = md5_hash(user, password(endpoint)?, body.salt());
                    self.send_password(hash.as_bytes()).await?;
                }
                Message::AuthenticationSasl(_) => self.scram(endpoint).await?,
                Message::ErrorResponse(body) => {
                    return Err(refused(endpoint, server_error(&body)?));
                }
                Message::NoticeResponse(_) => {}
                _ => return Err(Error::Protocol("unsupported authentication method".to_owned())),
            }
        }
    }

    async fn send_password(&mut self, password: &[u8]) -> Result<()> {
        let mut out = BytesMut::new();
        frontend::password_message(password, &mut out).map_err(lost)?;
        self.send(&out).await
    }

    async fn scram(&mut self, endpoint: &Endpoint) -> Result<()> {
        let binding = sasl::ChannelBinding::unsupported();
        let mut scram = sasl::ScramSha256::new(password(endpoint)?, binding);
        let mut out = BytesMut::new();
        frontend::sasl_initial_response(sasl::SCRAM_SHA_256, scram.message(), &mut out)
            .map_err(lost)?;
        self.send(&out).await?;
        match self.message().await? {
            Message::AuthenticationSaslContinue(body) => scram.update(body.data()).map_err(lost)?,
            Message::ErrorResponse(body) => return Err(refused(endpoint, server_error(&body)?)),
            _ => return Err(Error::Protocol("unexpected answer during SCRAM".to_owned())),
        }
        out.clear();
        frontend::sasl_response(scram.message(), &mut out).map_err(lost)?;
        self.send(&out).await?;
        match self.message().await? {
            Message::AuthenticationSaslFinal(body) => scram.finish(body.data()).map_err(lost),
            Message::ErrorResponse(body) => Err(refused(endpoint, server_error(&body)?)),
            _ => Err(Error::Protocol("unexpected answer during SCRAM".to_owned())),
        }
    }

    /// Runs one or more statements and returns the rows of all of them, as text.
    pub async fn query(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        self.send_query(sql).await?;
        let mut rows = Vec::new();
        let mut failure = None;
        loop {
            match self.message().await? {
                Message::DataRow(body) => {
                    let buffer = body.buffer();
                    let cells = body.ranges().map(|range| {
                        Ok(range.map(|r| String::from_utf8_lossy(&buffer[r]).into_owned()))
                    });
                    rows.push(cells.collect().map_err(lost)?);
                }
                Message::ErrorResponse(body) => failure = Some(server_error(&body)?),
                Message::CopyInResponse(_) | Message::CopyOutResponse(_) => {
                    return Err(Error::Protocol("a COPY where none was expected".to_owned()));
                }
                Message::ReadyForQuery(_) => return failure.map_or(Ok(rows), Err),
                _ => {}
            }
        }
    }

    pub(crate) async fn send_query(&mut self, sql: &str) -> Result<()> {
        let mut out = BytesMut::new();
        frontend::query(sql, &mut out).map_err(lost)?;
        self.send(&out).await
    }

    /// Writes everything, also what a TLS layer would like to keep for later.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).await.map_err(lost)?;
        self.stream.flush().await.map_err(lost)
    }

    /// The next message that is not asynchronous chatter.
    pub(crate) async fn message(&mut self) -> Result<Message> {
        loop {
            let message = self.any_message().await?;
            if !is_chatter(&message) {
                return Ok(message);
            }
        }
    }

    pub(crate) async fn any_message(&mut self) -> Result<Message> {
        loop {
            match Message::parse(&mut self.buffer).map_err(lost)? {
                Some(message) => return Ok(message),
                None => self.fill().await?,
            }
        }
    }

    /// Reads more bytes from the server; the end of the stream is an error.
    pub(crate) async fn fill(&mut self) -> Result<()> {
        self.buffer.reserve(READ_BYTES);
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) => Err(Error::Lost("closed by the server".to_owned())),
            Ok(_) => Ok(()),
            Err(error) => Err(lost(error)),
        }
    }

    /// Reads on until the server is ready for the next query; keeps the first error it meets.
    pub(crate) async fn until_ready(&mut self) -> Result<Option<Error>> {
        let mut failure = None;
        loop {
            // Whatever COPY data is still under way is of no use any more.
            while self.buffer.first() == Some(&b'd') {
                let length = self.buffer.get(1..5).map(|mut bytes| bytes.get_i32() as usize + 1);
                match length {
                    Some(length) if self.buffer.len() >= length => self.buffer.advance(length),
                    _ => self.fill().await?,
                }
            }
            match self.any_message().await? {
                Message::ErrorResponse(body) => {
                    let error = server_error(&body)?;
                    failure.get_or_insert(error);
                }
                Message::ReadyForQuery(_) => return Ok(failure),
                _ => {}
            }
        }
    }
}

/// Messages that a server may send at any time and that answer nothing.
pub(crate) fn is_chatter(message: &Message) -> bool {
    matches!(
        message,
        Message::NoticeResponse(_) | Message::ParameterStatus(_) | Message::NotificationResponse(_)
    )
}

fn password(endpoint: &Endpoint) -> Result<&[u8]> {
    endpoint.config.get_password().ok_or_else(|| missing_password(endpoint))
}

pub(crate) fn missing_password(endpoint: &Endpoint) -> Error {
    let problem = Problem::new(format!("{endpoint} asks for a password"))
        .hint("put it into the URL or into PGPASSWORD");
    Error::Connect(problem)
}

/// A rejected start-up, explained.
pub(crate) fn refused(endpoint: &Endpoint, error: Error) -> Error {
    let hint = match error.sqlstate() {
        Some("28P01" | "28000") => "check user, password and pg_hba.conf of the server",
        Some("3D000") => "check the database's name at the end of the URL",
        Some("53300") => "no connection is free: lower [copy] jobs or raise max_connections",
        Some("57P03") => "the server is starting or stopping: run the same command again",
        _ => "check the URL; the server's log says more",
    };
    let problem =
        Problem::new(format!("{endpoint} refuses the connection")).detail(error.to_string());
    Error::Connect(problem.hint(hint))
}

pub(crate) fn server_error(body: &ErrorResponseBody) -> Result<Error> {
    let mut fields = ServerFields::default();
    let mut parts = body.fields();
    while let Some(field) = parts.next().map_err(lost)? {
        let value = String::from_utf8_lossy(field.value_bytes()).into_owned();
        match field.type_() {
            b'C' => fields.sqlstate = value,
            b'M' => fields.message = value,
            b't' => fields.table = Some(value),
            b'c' => fields.column = Some(value),
            b'n' => fields.constraint = Some(value),
            _ => {}
        }
    }
    Ok(Error::server(fields))
}

pub(crate) fn lost(error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData => {
            Error::Protocol(error.to_string())
        }
        _ => Error::Lost(error.to_string()),
    }
}
