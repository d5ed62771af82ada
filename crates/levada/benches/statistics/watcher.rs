//! A reader of the rollups that asks again and again, and remembers its longest wait.
//!
//! Responsible for: what publishing costs readers. Must not: know when something is published.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use anyhow::{Context, Result};
use testkit::Database;

const QUESTION: &str = "select sum(events) from reports.daily where bucket > '2025-12-01'; \
                        select max(last_seen) from reports.last_seen where user_id = 'j77'";
const QUIET_QUESTIONS: usize = 100;

/// The reader; each question is a connection of its own, as from a page.
pub(crate) struct Watcher {
    is_done: Arc<AtomicBool>,
    thread: JoinHandle<Result<f64>>,
}

impl Watcher {
    pub(crate) fn start(target: &Database) -> Self {
        let (is_done, target) = (Arc::new(AtomicBool::new(false)), target.clone());
        let stop = Arc::clone(&is_done);
        let thread = thread::spawn(move || {
            let mut longest: f64 = 0.0;
            while !stop.load(Ordering::Relaxed) {
                longest = longest.max(ask(&target)?);
            }
            Ok(longest)
        });
        Self { is_done, thread }
    }

    /// The longest wait, in seconds.
    pub(crate) fn stop(self) -> Result<f64> {
        self.is_done.store(true, Ordering::Relaxed);
        self.thread.join().ok().context("the reader panicked")?
    }
}

/// The longest wait when nothing else goes on.
pub(crate) fn quiet(target: &Database) -> Result<f64> {
    (0..QUIET_QUESTIONS).try_fold(0.0_f64, |longest, _| Ok(longest.max(ask(target)?)))
}

fn ask(target: &Database) -> Result<f64> {
    let started = Instant::now();
    target.psql(QUESTION)?;
    Ok(started.elapsed().as_secs_f64())
}
