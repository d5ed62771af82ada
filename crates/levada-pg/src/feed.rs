//! Rows of our own into a table, by COPY: values reach no statement, and so no statement log.
//!
//! It escapes and sends; whether a value fits its column is for the caller to know before. A feed
//! that is dropped before [`Feed::finish`] has to be followed by its session: the server then
//! forgets the rows.

use bytes::BytesMut;
use postgres_protocol::message::backend::{ErrorResponseBody, Message};
use postgres_protocol::message::frontend;

use crate::relay::{open_copy, write_and_listen};
use crate::wire::{Wire, lost, server_error};
use crate::{Error, Name, Result, quote_identifier};

const FRAME_BYTES: usize = 128 * 1024;
const FRAME_HEADER_BYTES: usize = 5;

/// A COPY under way into one table.
pub struct Feed<'a> {
    wire: &'a mut Wire,
    frame: BytesMut,
}

/// Why a COPY was refused, and by which row, counted from 1, when the server names one.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Refusal {
    pub error: Error,
    pub row: Option<u64>,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { error, row: None }
    }
}

impl<'a> Feed<'a> {
    /// Begins to fill these columns of a table.
    ///
    /// # Errors
    /// Those of the server, such as a table that does not exist.
    pub async fn open(wire: &'a mut Wire, table: &Name, columns: &[String]) -> Result<Self> {
        let columns: Vec<String> = columns.iter().map(|name| quote_identifier(name)).collect();
        let copy = format!("COPY {} ({}) FROM STDIN", table.sql(), columns.join(", "));
        open_copy(wire, &copy).await?;
        Ok(Self { wire, frame: header() })
    }

    /// One row, its values in PostgreSQL's text form; `None` is NULL.
    ///
    /// # Errors
    /// A [`Refusal`] when the server has refused this or an earlier row.
    pub async fn row(
        &mut self,
        values: impl IntoIterator<Item = Option<&str>>,
    ) -> std::result::Result<(), Refusal> {
        for (index, value) in values.into_iter().enumerate() {
            if index > 0 {
                self.frame.extend_from_slice(b"\t");
            }
            match value {
                Some(text) => escape(text, &mut self.frame),
                None => self.frame.extend_from_slice(b"\\N"),
            }
        }
        self.frame.extend_from_slice(b"\n");
        if self.frame.len() >= FRAME_BYTES { self.flush().await } else { Ok(()) }
    }

    /// Ends the COPY; returns how many rows the server took.
    ///
    /// # Errors
    /// A [`Refusal`] when the server has refused a row.
    pub async fn finish(mut self) -> std::result::Result<u64, Refusal> {
        self.flush().await?;
        let mut done = BytesMut::new();
        frontend::copy_done(&mut done);
        self.wire.send(&done).await?;
        let mut rows = None;
        let mut refusal = None;
        loop {
            match self.wire.message().await? {
                Message::CommandComplete(body) => {
                    let tag = body.tag().map_err(lost)?;
                    rows = tag.strip_prefix("COPY ").and_then(|count| count.parse().ok());
                }
                Message::ErrorResponse(body) => refusal = Some(refused(&body)?),
                Message::ReadyForQuery(_) => break,
                _ => {}
            }
        }
        match (refusal, rows) {
            (Some(refusal), _) => Err(refusal),
            (None, Some(rows)) => Ok(rows),
            (None, None) => Err(Error::Protocol("a COPY without a row count".to_owned()).into()),
        }
    }

    async fn flush(&mut self) -> std::result::Result<(), Refusal> {
        if self.frame.len() == FRAME_HEADER_BYTES {
            return Ok(());
        }
        let length = u32::try_from(self.frame.len() - 1)
            .map_err(|_| Error::Protocol("a row does not fit into one message".to_owned()))?;
        self.frame[1..FRAME_HEADER_BYTES].copy_from_slice(&length.to_be_bytes());
        write_and_listen(self.wire, &self.frame).await?;
        self.frame = header();
        while let Some(message) = Message::parse(&mut self.wire.buffer).map_err(lost)? {
            if let Message::ErrorResponse(body) = message {
                return Err(refused(&body)?);
            }
        }
        Ok(())
    }
}

fn header() -> BytesMut {
    let mut frame = BytesMut::with_capacity(FRAME_HEADER_BYTES + FRAME_BYTES + 4096);
    frame.extend_from_slice(&[b'd', 0, 0, 0, 0]);
    frame
}

fn escape(text: &str, out: &mut BytesMut) {
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'\\' | b'\n' | b'\r' | b'\t'))
    {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(match rest[at] {
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            _ => b"\\\\",
        });
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

fn refused(body: &ErrorResponseBody) -> Result<Refusal> {
    use fallible_iterator::FallibleIterator;
    let mut row = None;
    let mut fields = body.fields();
    while let Some(field) = fields.next().map_err(lost)? {
        if field.type_() == b'W' {
            row = row_of(&String::from_utf8_lossy(field.value_bytes()));
        }
    }
    Ok(Refusal { error: server_error(body)?, row })
}

/// `COPY table, line 17, column …` in any language: the number after the first comma.
fn row_of(context: &str) -> Option<u64> {
    let (_, after) = context.strip_prefix("COPY ")?.split_once(',')?;
    let place = after.split([',', ':']).next()?;
    let digits: String = place.chars().filter(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_copy_reads_as_something_else_is_escaped() {
        let mut out = BytesMut::new();
        escape("a\\N\tb\nc\rd\\", &mut out);
        assert_eq!(&out[..], b"a\\\\N\\tb\\nc\\rd\\\\");
    }

    #[test]
    fn the_row_is_read_from_the_context_and_the_value_is_not() {
        let context = "COPY import_next_3, line 17, column n: \"2 secrets\"\nSQL statement 5";
        assert_eq!(row_of(context), Some(17));
        assert_eq!(row_of("COPY import_next_3, Zeile 4: \"12, 13\""), Some(4));
        assert_eq!(row_of("SQL function f, line 4"), None);
    }
}
