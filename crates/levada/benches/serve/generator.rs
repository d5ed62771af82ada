//! The load generators: wrk, else oha, at full speed; oha at a steady rate.
//!
//! Responsible for: their options, and reading what they say. Must not: judge.

use std::env;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;
use serde_json::Value;

use crate::place::{VISITOR_CORE, pinned};

/// Connections that are kept busy.
const CONNECTIONS: &str = "64";

/// A program that asks and asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Generator {
    Wrk,
    Oha,
}

/// How it went at full speed.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Rate {
    pub(crate) per_second: f64,
    pub(crate) p99_milliseconds: f64,
    /// What one request took of the server's core.
    pub(crate) cpu_microseconds: f64,
}

/// How long visitors waited at a steady rate, counted from when they wanted to ask.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Steady {
    pub(crate) what: String,
    pub(crate) wanted_per_second: u32,
    pub(crate) per_second: f64,
    pub(crate) p50_milliseconds: f64,
    pub(crate) p99_milliseconds: f64,
    pub(crate) max_milliseconds: f64,
    pub(crate) failed: u64,
}

/// Whether a program is installed.
pub(crate) fn is_there(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

impl Generator {
    /// The one that costs the machine least.
    pub(crate) fn for_speed() -> Option<Self> {
        [Self::Wrk, Self::Oha].into_iter().find(|generator| is_there(generator.name()))
    }

    /// The one that knows when it wanted to ask; without it the benchmark asks for itself.
    pub(crate) fn for_steady() -> Option<Self> {
        Some(Self::Oha).filter(|generator| is_there(generator.name()))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Wrk => "wrk",
            Self::Oha => "oha",
        }
    }

    /// What it says of itself.
    pub(crate) fn version(self) -> String {
        let option = if self == Self::Wrk { "-v" } else { "--version" };
        let output = Command::new(self.name()).arg(option).output();
        let said = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        let line = said.unwrap_or_default().lines().next().unwrap_or_default().to_owned();
        line.split(" Copyright").next().unwrap_or_default().trim().to_owned()
    }

    /// Asks as fast as the server answers. Anything but 2xx and 304 is an error.
    pub(crate) fn rate(self, url: &str, tag: Option<&str>, length: Duration) -> Result<Rate> {
        let seconds = format!("{}s", length.as_secs());
        let mut command = pinned(VISITOR_CORE, self.name());
        match self {
            Self::Wrk => command.args(["-t", "1", "-c", CONNECTIONS, "-d", &seconds, "--latency"]),
            Self::Oha => {
                command.args(["-c", CONNECTIONS, "-z", &seconds, "--no-tui"]);
                command.args(["--output-format", "json"])
            }
        };
        if let Some(tag) = tag {
            command.args(["-H", &format!("If-None-Match: {tag}")]);
        }
        let said = said(command.arg(url))?;
        match self {
            Self::Wrk => wrk(&said),
            Self::Oha => {
                let steady = oha(&said)?;
                ensure!(steady.failed == 0, "{} requests failed", steady.failed);
                Ok(Rate {
                    per_second: steady.per_second,
                    p99_milliseconds: steady.p99_milliseconds,
                    cpu_microseconds: 0.0,
                })
            }
        }
    }
}

/// So many visitors a second, whether or not the ones before have been answered.
pub(crate) fn steady(address: &str, target: &str, rate: u32, length: Duration) -> Result<Steady> {
    let seconds = format!("{}s", length.as_secs());
    let mut command = pinned(VISITOR_CORE, "oha");
    command.args(["-q", &rate.to_string(), "--latency-correction", "-c", CONNECTIONS]);
    command.args(["-z", &seconds, "--no-tui", "--output-format", "json"]);
    let steady = oha(&said(command.arg(format!("http://{address}{target}")))?)?;
    Ok(Steady { wanted_per_second: rate, ..steady })
}

fn said(command: &mut Command) -> Result<String> {
    let output = command.output().context("cannot run the load generator")?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the load generator failed: {told}");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn wrk(said: &str) -> Result<Rate> {
    for complaint in ["Socket errors:", "Non-2xx or 3xx responses:"] {
        if let Some(line) = said.lines().find(|line| line.contains(complaint)) {
            bail!("{}", line.trim());
        }
    }
    let after = |label: &str| {
        let line = said.lines().find_map(|line| line.trim().strip_prefix(label));
        line.map(str::trim).with_context(|| format!("wrk says nothing of {label}: {said}"))
    };
    Ok(Rate {
        per_second: after("Requests/sec:")?.parse()?,
        p99_milliseconds: milliseconds(after("99%")?)?,
        cpu_microseconds: 0.0,
    })
}

/// As in 950.00us, 1.20ms, 2.00s.
fn milliseconds(text: &str) -> Result<f64> {
    let units = [("us", 0.001), ("ms", 1.0), ("s", 1000.0), ("m", 60_000.0)];
    let known = units
        .iter()
        .find_map(|(unit, factor)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * factor));
    known.with_context(|| format!("{text} is no time"))
}

fn oha(said: &str) -> Result<Steady> {
    let said: Value = serde_json::from_str(said)?;
    let number = |value: &Value| value.as_f64().context("oha leaves a figure out");
    let total = |value: &Value, counts: fn(&str) -> bool| -> u64 {
        let entries = value.as_object().into_iter().flatten();
        entries.filter(|(name, _)| counts(name)).filter_map(|(_, count)| count.as_u64()).sum()
    };
    let refused = total(&said["statusCodeDistribution"], |code| code != "200" && code != "304");
    // What was on its way when the time was up is no failure.
    let broken = total(&said["errorDistribution"], |error| !error.contains("deadline"));
    Ok(Steady {
        per_second: number(&said["summary"]["requestsPerSec"])?,
        p50_milliseconds: number(&said["latencyPercentiles"]["p50"])? * 1000.0,
        p99_milliseconds: number(&said["latencyPercentiles"]["p99"])? * 1000.0,
        max_milliseconds: number(&said["summary"]["slowest"])? * 1000.0,
        failed: refused + broken,
        ..Steady::default()
    })
}
