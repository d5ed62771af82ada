//! Carries one COPY from a source session to a target session, in frames of about 128 KiB.
//!
//! Rows are never decoded. A frame of the target need not end where a row ends, so memory stays
//! constant whatever a row weighs. CopyDone is sent only after the source has finished cleanly:
//! an interrupted COPY can never be committed as a whole one.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, BytesMut};
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::stream::Stream;
use crate::wire::{Wire, is_chatter, lost, server_error};
use crate::{Error, Result};

/// Payload bytes of a frame sent to the target. Measured: 128 KiB is as good as any size above.
const FRAME_BYTES: usize = 128 * 1024;

/// What passed through so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moved {
    pub rows: u64,
    /// Bytes of COPY payload.
    pub bytes: u64,
}

/// The two statements of a COPY, and whom to tell about its progress.
pub struct Relay<'a> {
    pub copy_out: &'a str,
    pub copy_in: &'a str,
    /// Called with what passed since the last call, about once a frame.
    pub on_progress: &'a (dyn Fn(Moved) + Sync),
}

/// How a relay ended, with the side that failed: the caller retries, or explains, accordingly.
#[derive(Debug)]
pub enum Relayed {
    Done(Moved),
    SourceFailed(Error),
    TargetFailed(Error),
}

impl Relay<'_> {
    /// Runs the COPY. After `Done` both sessions are ready for the next query; after a failure they
    /// are to be dropped unless the error came from the server and is not [`Error::Lost`].
    pub async fn run(&self, source: &mut Wire, target: &mut Wire) -> Relayed {
        if let Err(error) = open_copy(target, self.copy_in).await {
            return Relayed::TargetFailed(error);
        }
        if let Err(error) = open_copy(source, self.copy_out).await {
            let _ = abandon(target).await;
            return Relayed::SourceFailed(error);
        }
        match self.stream(source, target).await {
            Ok(relayed) => relayed,
            Err(error) => Relayed::TargetFailed(error),
        }
    }

    /// Moves frames until the source is done. An `Err` is an error of the target.
    async fn stream(&self, source: &mut Wire, target: &mut Wire) -> Result<Relayed> {
        let mut frame = Frame::new();
        let mut total = Moved::default();
        let mut told = Moved::default();
        loop {
            frame.take_whole(&mut source.buffer, &mut total);
            match next_frame(source).await {
                Ok(Some(payload)) => {
                    total.rows += 1;
                    total.bytes += payload as u64;
                    if let Err(error) = frame.pass(source, target, payload).await? {
                        let _ = abandon(target).await;
                        return Ok(Relayed::SourceFailed(error));
                    }
                    if total.bytes - told.bytes >= FRAME_BYTES as u64 {
                        (self.on_progress)(since(total, told));
                        told = total;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    let _ = abandon(target).await;
                    return Ok(Relayed::SourceFailed(error));
                }
            }
        }
        frame.flush(target).await?;
        let sent = match finish(source).await {
            Ok(sent) => sent,
            Err(error) => {
                let _ = abandon(target).await;
                return Ok(Relayed::SourceFailed(error));
            }
        };
        let received = finish_target(target).await?;
        if sent != received {
            let message = format!("the source sent {sent} rows, the target took {received}");
            return Err(Error::Protocol(message));
        }
        total.rows = sent;
        (self.on_progress)(since(total, told));
        Ok(Relayed::Done(total))
    }
}

fn since(total: Moved, told: Moved) -> Moved {
    // The binary header and trailer count as frames until the server names the true number.
    Moved { rows: total.rows.saturating_sub(told.rows), bytes: total.bytes - told.bytes }
}

/// An outgoing CopyData message under construction.
struct Frame {
    bytes: BytesMut,
}

const FRAME_HEADER_BYTES: usize = 5;

impl Frame {
    fn new() -> Self {
        let mut bytes = BytesMut::with_capacity(FRAME_HEADER_BYTES + FRAME_BYTES);
        bytes.extend_from_slice(&[b'd', 0, 0, 0, 0]);
        Self { bytes }
    }

    /// Takes the whole messages that stand in `buffer` while there is room: the path of nearly all
    /// rows, so it does no more than walk and copy.
    fn take_whole(&mut self, buffer: &mut BytesMut, total: &mut Moved) {
        let mut at = 0;
        while let Some(&[b'd', a, b, c, d]) = buffer.get(at..at + FRAME_HEADER_BYTES) {
            let length = u32::from_be_bytes([a, b, c, d]) as usize;
            let end = at + 1 + length;
            let Some(payload) = buffer.get(at + FRAME_HEADER_BYTES..end) else { break };
            if self.bytes.len() + payload.len() > FRAME_HEADER_BYTES + FRAME_BYTES {
                break;
            }
            self.bytes.extend_from_slice(payload);
            total.rows += 1;
            total.bytes += payload.len() as u64;
            at = end;
        }
        buffer.advance(at);
    }

    /// Takes `payload` bytes from the source; sends full frames. The outer error is the target's,
    /// the inner one the source's.
    async fn pass(
        &mut self,
        source: &mut Wire,
        target: &mut Wire,
        mut payload: usize,
    ) -> Result<Result<()>> {
        loop {
            let room = FRAME_HEADER_BYTES + FRAME_BYTES - self.bytes.len();
            let take = payload.min(source.buffer.len()).min(room);
            self.bytes.extend_from_slice(&source.buffer[..take]);
            source.buffer.advance(take);
            payload -= take;
            if self.bytes.len() == FRAME_HEADER_BYTES + FRAME_BYTES {
                self.flush(target).await?;
            }
            if payload == 0 {
                return Ok(Ok(()));
            }
            if source.buffer.is_empty()
                && let Err(error) = source.fill().await
            {
                return Ok(Err(error));
            }
        }
    }

    async fn flush(&mut self, target: &mut Wire) -> Result<()> {
        if self.bytes.len() == FRAME_HEADER_BYTES {
            return Ok(());
        }
        let length = (self.bytes.len() - 1) as u32;
        self.bytes[1..FRAME_HEADER_BYTES].copy_from_slice(&length.to_be_bytes());
        write_and_listen(target, &self.bytes).await?;
        complain_if_failed(target).await?;
        self.bytes.truncate(FRAME_HEADER_BYTES);
        Ok(())
    }
}

/// Starts a COPY and waits for the server's consent.
pub(crate) async fn open_copy(wire: &mut Wire, sql: &str) -> Result<()> {
    wire.send_query(sql).await?;
    match wire.message().await? {
        Message::CopyInResponse(_) | Message::CopyOutResponse(_) => Ok(()),
        Message::ErrorResponse(body) => {
            let error = server_error(&body)?;
            wire.until_ready().await?;
            Err(error)
        }
        _ => Err(Error::Protocol("the server did not start the COPY".to_owned())),
    }
}

/// The payload length of the next CopyData of the source, its header taken off; `None` at CopyDone.
async fn next_frame(source: &mut Wire) -> Result<Option<usize>> {
    loop {
        while source.buffer.len() < FRAME_HEADER_BYTES {
            source.fill().await?;
        }
        if source.buffer[0] == b'd' {
            source.buffer.advance(1);
            let length = source.buffer.get_u32() as usize;
            return length.checked_sub(4).map(Some).ok_or_else(|| {
                Error::Protocol("a CopyData message with an impossible length".to_owned())
            });
        }
        match source.any_message().await? {
            message if is_chatter(&message) => {}
            Message::CopyDone => return Ok(None),
            Message::ErrorResponse(body) => {
                let error = server_error(&body)?;
                source.until_ready().await?;
                return Err(error);
            }
            _ => return Err(Error::Protocol("an unexpected message inside a COPY".to_owned())),
        }
    }
}

/// Writes a frame and takes in what the target says meanwhile: a target that waits for us to read
/// its notices would never read our rows.
pub(crate) async fn write_and_listen(target: &mut Wire, bytes: &[u8]) -> Result<()> {
    let mut written = 0;
    let Wire { stream, buffer, .. } = target;
    let writing = poll_fn(|cx| {
        loop {
            if written == bytes.len() {
                return Pin::new(&mut *stream).poll_flush(cx);
            }
            match Pin::new(&mut *stream).poll_write(cx, &bytes[written..]) {
                Poll::Ready(Ok(count)) => written += count,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => match listen(stream, buffer, cx) {
                    Poll::Ready(Ok(())) => {}
                    other => return other,
                },
            }
        }
    });
    writing.await.map_err(lost)?;
    // One look more, without waiting: an error tells us to stop sending.
    let looking = poll_fn(|cx| match listen(stream, buffer, cx) {
        Poll::Pending => Poll::Ready(Ok(())),
        ready => ready,
    });
    looking.await.map_err(lost)
}

/// Reads what has arrived; the end of the stream is an error.
fn listen(
    stream: &mut Stream,
    buffer: &mut BytesMut,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    let mut small = [0_u8; 1024];
    let mut read = ReadBuf::new(&mut small);
    match Pin::new(stream).poll_read(cx, &mut read) {
        Poll::Ready(Ok(())) if read.filled().is_empty() => {
            Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()))
        }
        Poll::Ready(Ok(())) => {
            buffer.extend_from_slice(read.filled());
            Poll::Ready(Ok(()))
        }
        other => other,
    }
}

/// Ends the COPY when the target has said that it failed.
async fn complain_if_failed(target: &mut Wire) -> Result<()> {
    // A notice is taken off here; an error ends the COPY, and its sessions.
    while let Some(message) = Message::parse(&mut target.buffer).map_err(lost)? {
        if let Message::ErrorResponse(body) = message {
            let error = server_error(&body)?;
            let _ = abandon(target).await;
            return Err(error);
        }
    }
    Ok(())
}

/// Tells the target to forget the COPY, and reads until it is ready.
async fn abandon(target: &mut Wire) -> Result<()> {
    let mut out = BytesMut::new();
    frontend::copy_fail("the source did not finish", &mut out).map_err(lost)?;
    target.send(&out).await?;
    target.until_ready().await.map(drop)
}

/// Sends CopyDone and reads the target's `COPY n` and readiness.
async fn finish_target(target: &mut Wire) -> Result<u64> {
    let mut out = BytesMut::new();
    frontend::copy_done(&mut out);
    target.send(&out).await?;
    finish(target).await
}

/// Reads `COPY n` and readiness.
async fn finish(wire: &mut Wire) -> Result<u64> {
    let mut rows = None;
    loop {
        match wire.message().await? {
            Message::CommandComplete(body) => {
                let tag = body.tag().map_err(lost)?;
                rows = tag.strip_prefix("COPY ").and_then(|count| count.parse().ok());
            }
            Message::ErrorResponse(body) => {
                let error = server_error(&body)?;
                wire.until_ready().await?;
                return Err(error);
            }
            Message::ReadyForQuery(_) => {
                return rows
                    .ok_or_else(|| Error::Protocol("a COPY without a row count".to_owned()));
            }
            _ => {}
        }
    }
}
