//! The wish to stop, told once and heard everywhere.

use tokio::sync::watch;

/// Whether somebody asked for the work to end. Clones hear the same wish.
#[derive(Debug, Clone)]
pub struct Stop {
    wish: watch::Sender<bool>,
}

impl Default for Stop {
    fn default() -> Self {
        Self { wish: watch::Sender::new(false) }
    }
}

impl Stop {
    /// Asks for the end of the work.
    pub fn request(&self) {
        self.wish.send_replace(true);
    }

    /// Returns when the end was asked for.
    pub async fn requested(&self) {
        // The sender lives in `self`, so waiting can only end with the wish.
        let _ = self.wish.subscribe().wait_for(|wished| *wished).await;
    }
}
