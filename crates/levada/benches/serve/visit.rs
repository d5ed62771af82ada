//! A plain visit: one connection, one request, the whole reply.
//!
//! Must not: keep connections, or try again.

use std::io;
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Nobody waits longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a server said.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn expect_status(self, status: u16) -> Result<Self> {
        let text = String::from_utf8_lossy(&self.body);
        ensure!(self.status == status, "{} instead of {status}: {text:.200}", self.status);
        Ok(self)
    }
}

/// Asks for an address, unless the server knows nothing newer than `tag`.
pub(crate) async fn get(address: &str, target: &str, tag: Option<&str>) -> io::Result<Reply> {
    let mut stream = TcpStream::connect(address).await?;
    ask(&mut stream, address, target, tag).await
}

/// The same through a connection that is there, which ends with it.
pub(crate) async fn ask(
    stream: &mut TcpStream,
    address: &str,
    target: &str,
    tag: Option<&str>,
) -> io::Result<Reply> {
    let condition = tag.map_or(String::new(), |tag| format!("if-none-match: {tag}\r\n"));
    let request =
        format!("GET {target} HTTP/1.1\r\nhost: {address}\r\n{condition}connection: close\r\n\r\n");
    let mut bytes = Vec::new();
    let talk = async {
        stream.write_all(request.as_bytes()).await?;
        stream.read_to_end(&mut bytes).await
    };
    tokio::time::timeout(PATIENCE, talk).await??;
    parse(&bytes).ok_or_else(|| io::Error::other("no whole reply"))
}

fn parse(bytes: &[u8]) -> Option<Reply> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
    let reply = Reply { status, headers: headers.collect(), body: bytes[end + 4..].to_vec() };
    let length = reply.header("content-length").and_then(|length| length.parse().ok());
    let is_whole = status == 304 || length.is_none_or(|length: usize| length == reply.body.len());
    is_whole.then_some(reply)
}
