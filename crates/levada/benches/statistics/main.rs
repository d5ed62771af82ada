//! Measures what statistics add to an edition, against the same aggregates in plain SQL.
//!
//! `cargo bench -p levada --bench statistics -- --help` lists the options. Responsible for: what is
//! measured, and in which order. The judgement is in `table.rs`; databases and clock are in
//! `../stage`. Must not: build anything.
#![allow(clippy::print_stdout, reason = "a benchmark is there to print")]

mod histories;
mod incident;
#[path = "../stage/mod.rs"]
#[allow(dead_code, reason = "each benchmark uses what it needs")]
mod stage;
mod table;
mod watcher;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use serde::Serialize;
use testkit::{Database, Installation};

use crate::stage::database::{Servers, Subject};
use crate::stage::setup::Setup;
use crate::stage::tools::{JOBS, LEVADA, Scratch, clean};

/// Measure rollups against the same aggregates in plain SQL
#[derive(Debug, Parser)]
#[command(bin_name = "cargo bench -p levada --bench statistics --")]
struct Options {
    /// Events in the database engagement
    #[arg(long, value_name = "N", default_value_t = Subject::Engagement.full_scale())]
    rows: u64,

    /// Events in a year of the histories of 1, 3 and 10 years
    #[arg(long, value_name = "N", default_value_t = 1_300_000)]
    year: u64,

    /// How often builds and nights are measured
    #[arg(long, default_value_t = 3)]
    rounds: usize,

    /// Keep the servers here, so that the next call finds its databases made
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,

    /// Leave the histories out
    #[arg(long)]
    no_histories: bool,

    /// Where the record goes [default: docs/benchmarks when all is measured at full scale]
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,

    /// Passed by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// Everything that was measured.
#[derive(Debug, Default, Serialize)]
struct Figures {
    events: u64,
    rounds: Vec<Round>,
    nights: Vec<Night>,
    histories: Vec<histories::History>,
    incident: Option<incident::Incident>,
}

/// Both rollups built from nothing, and the same aggregates in plain SQL.
#[derive(Debug, Clone, Serialize)]
struct Round {
    daily_seconds: f64,
    daily_plain_seconds: f64,
    users_seconds: f64,
    users_plain_seconds: f64,
}

/// An edition with new events.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Night {
    events: u64,
    /// Rows in the days that were computed again.
    touched: u64,
    daily_seconds: f64,
    users_seconds: f64,
    publish_seconds: f64,
    run_seconds: f64,
    /// The longest that a reader of the rollups waited meanwhile, and without a run.
    reader_seconds_max: f64,
    reader_quiet_seconds_max: f64,
}

pub(crate) const DAILY_PLAIN: &str = include_str!("daily.sql");
const USERS_PLAIN: &str = include_str!("users.sql");
pub(crate) const SECTIONS: &str = include_str!("sections.toml");

fn main() -> Result<()> {
    let options = Options::parse();
    let installation = Installation::find()?;
    let scratch = Scratch::new()?;
    let servers = Servers::start(&installation, options.keep.as_deref())?;
    let mut figures = Figures { events: options.rows, ..Figures::default() };
    engagement(&options, &servers, &scratch, &mut figures)?;
    if !options.no_histories {
        for years in [1, 3, 10] {
            figures.histories.push(histories::measure(years, &options, &servers, &scratch)?);
        }
    }
    let setup = Setup::look(&servers, &installation, options.rounds, false)?;
    let text = table::render(&figures);
    println!("{text}");
    let is_whole = options.rows == Subject::Engagement.full_scale() && options.rounds >= 3;
    if let Some(folder) =
        options.record.clone().or(is_whole.then(|| PathBuf::from("docs/benchmarks")))
    {
        write(&folder.join(&setup.date), &setup, &figures, &text)?;
    }
    Ok(())
}

fn write(folder: &Path, setup: &Setup, figures: &Figures, text: &str) -> Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("statistics.md"), text)?;
    let json = serde_json::json!({ "setup": setup, "figures": figures });
    fs::write(folder.join("statistics.json"), serde_json::to_string_pretty(&json)? + "\n")?;
    println!("written to {}", folder.display());
    Ok(())
}

fn engagement(
    options: &Options,
    servers: &Servers,
    scratch: &Scratch,
    figures: &mut Figures,
) -> Result<()> {
    let source = servers.changeable(Subject::Engagement, options.rows)?;
    let target = servers.new_target()?;
    let config = scratch.path().join("levada.toml");
    configure(&config, source.url(), target.url(), "")?;
    run(&config)?;
    configure(&config, source.url(), target.url(), SECTIONS)?;
    for round in 0..options.rounds {
        servers.settle()?;
        target.execute("vacuum (analyze) public.engagement_event")?;
        let daily_plain_seconds = timed(&target, DAILY_PLAIN)?;
        let users_plain_seconds = timed(&target, USERS_PLAIN)?;
        if round > 0 {
            target.execute("update levada.rollup set definition_hash = ''")?;
        }
        run(&config)?;
        let figure = Round {
            daily_seconds: took(&target, "daily")?,
            daily_plain_seconds,
            users_seconds: took(&target, "last_seen")?,
            users_plain_seconds,
        };
        println!("{figure:?}");
        figures.rounds.push(figure);
    }
    for night in 0..options.rounds {
        let new = options.rows / 100;
        add_events(&source, new, night)?;
        servers.settle()?;
        let night = measure_night(&config, &target, new)?;
        println!("{night:?}");
        figures.nights.push(night);
    }
    figures.incident = Some(incident::measure(&target)?);
    println!("{:?}", figures.incident);
    servers.drop_target()?;
    servers.drop_changeable()
}

/// New events of the last day, by people as everywhere.
pub(crate) fn add_events(source: &Database, events: u64, seed: usize) -> Result<()> {
    let sql = include_str!("events.sql")
        .replace("@events@", &events.to_string())
        .replace("@seed@", &seed.to_string());
    source.execute(&sql)
}

pub(crate) fn measure_night(config: &Path, target: &Database, events: u64) -> Result<Night> {
    let reader_quiet_seconds_max = watcher::quiet(target)?;
    let watcher = watcher::Watcher::start(target);
    let run_seconds = run(config)?;
    let reader_seconds_max = watcher.stop()?;
    let touched = "select sum(source_rows) from levada.rollup_bucket where rollup = 'daily' \
                   and edition = (select max(number) from levada.edition) and source_rows > 0";
    Ok(Night {
        events,
        touched: number(target, touched)? as u64,
        daily_seconds: took(target, "daily")?,
        users_seconds: took(target, "last_seen")?,
        publish_seconds: number(target, include_str!("publish.sql"))?,
        run_seconds,
        reader_seconds_max,
        reader_quiet_seconds_max,
    })
}

pub(crate) fn configure(file: &Path, source: &str, target: &str, rest: &str) -> Result<()> {
    let text = format!(
        "[source]\nurl = {source:?}\n\n[target]\nurl = {target:?}\n\n[copy]\njobs = {JOBS}\n{rest}"
    );
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

/// Runs levada; returns the seconds.
pub(crate) fn run(config: &Path) -> Result<f64> {
    let started = Instant::now();
    let output = clean(LEVADA).arg("run").arg("--config").arg(config).output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "levada run failed: {told}");
    Ok(started.elapsed().as_secs_f64())
}

/// What levada recorded of a rollup in the last run.
pub(crate) fn took(target: &Database, rollup: &str) -> Result<f64> {
    let sql = "select extract(epoch from finished_at - started_at) from levada.work \
               where run = (select max(number) from levada.run) and object = 'reports.@name@'";
    number(target, &sql.replace("@name@", rollup))
}

pub(crate) fn number(database: &Database, sql: &str) -> Result<f64> {
    database.psql(sql)?.trim().parse().with_context(|| format!("no number from {sql}"))
}

fn timed(database: &Database, sql: &str) -> Result<f64> {
    let started = Instant::now();
    database.psql(sql)?;
    Ok(started.elapsed().as_secs_f64())
}
