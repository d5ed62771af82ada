//! Hears what the server notifies of. It decides nothing about what that means.

use std::future::poll_fn;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_postgres::{AsyncMessage, Connection};

use crate::{Endpoint, Error, Purpose, Result, Session, quote_identifier};

/// A session that listens on one channel.
#[derive(Debug)]
pub struct Listener {
    session: Session,
    heard: UnboundedReceiver<String>,
}

impl Listener {
    /// Connects and listens. Standbys refuse to.
    pub async fn open(endpoint: &Endpoint, purpose: Purpose, channel: &str) -> Result<Self> {
        let (sender, heard) = unbounded_channel();
        let session = Session::open_hearing(endpoint, purpose, Some(sender)).await?;
        session.batch(&format!("LISTEN {}", quote_identifier(channel))).await?;
        Ok(Self { session, heard })
    }

    /// The payload of the next notification.
    ///
    /// # Errors
    /// When the connection is gone. May be cancelled without losing anything.
    pub async fn next(&mut self) -> Result<String> {
        self.heard.recv().await.ok_or_else(|| Error::Lost("the connection was closed".to_owned()))
    }

    /// The session that listens, for short queries.
    pub fn session(&self) -> &Session {
        &self.session
    }
}

/// Drives a connection and passes its notifications on until it ends.
pub(crate) async fn pass_on<S, T>(mut connection: Connection<S, T>, heard: UnboundedSender<String>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        let message = poll_fn(|context| connection.poll_message(context)).await;
        match message {
            Some(Ok(AsyncMessage::Notification(note))) => {
                let _ = heard.send(note.payload().to_owned());
            }
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return,
        }
    }
}
