//! The one place that waits.
//!
//! Responsible for: bounded polling of a condition. Must not: be used to wait for a fixed time.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Polls `condition` until it holds; fails when it fails, or when `timeout` has passed.
///
/// `what` names the awaited thing in the error: `wait_for("the first chunk", …)`.
pub fn wait_for(
    what: &str,
    timeout: Duration,
    mut condition: impl FnMut() -> Result<bool>,
) -> Result<()> {
    let started = Instant::now();
    loop {
        if condition().with_context(|| format!("while waiting for {what}"))? {
            return Ok(());
        }
        if started.elapsed() >= timeout {
            bail!("waited {:.1} s in vain for {what}", timeout.as_secs_f64());
        }
        sleep(POLL_INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_when_the_condition_holds() -> Result<()> {
        let mut calls = 0;
        wait_for("three calls", Duration::from_secs(5), || {
            calls += 1;
            Ok(calls == 3)
        })
    }

    #[test]
    fn names_what_did_not_come() {
        let error = wait_for("godot", Duration::ZERO, || Ok(false)).unwrap_err();
        assert_eq!(error.to_string(), "waited 0.0 s in vain for godot");
    }
}
