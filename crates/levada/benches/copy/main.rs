//! Measures the full copy against its peers, side by side on two private servers.
//!
//! `cargo bench -p levada --bench copy -- --help` lists the options. Responsible for: what is run
//! in which order. Databases, contestants and clock are in `../stage`, the judgement is in
//! `table.rs`, what is kept in `record.rs`. Must not: build anything, nor call a copy fast that is
//! not whole.
#![allow(clippy::print_stdout, reason = "a benchmark is there to print")]

mod record;
#[path = "../stage/mod.rs"]
#[allow(dead_code, reason = "each benchmark uses what it needs")]
mod stage;
mod table;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;
use testkit::Installation;

use crate::record::Measurement;
use crate::stage::database::{self, Servers, Subject};
use crate::stage::measure;
use crate::stage::setup::Setup;
use crate::stage::tools::{self, Scratch, Tool};

/// Measure the full copy against pg_dump and pgcopydb
#[derive(Debug, Parser)]
#[command(bin_name = "cargo bench -p levada --bench copy --")]
struct Options {
    /// Events in the database engagement
    #[arg(long, value_name = "N", default_value_t = Subject::Engagement.full_scale())]
    rows: u64,

    /// Answers in the database learning; it has about three times as many rows
    #[arg(long, value_name = "N", default_value_t = Subject::Learning.full_scale())]
    n: u64,

    /// How often each tool copies each database
    #[arg(long, default_value_t = 3)]
    rounds: usize,

    /// Measure this database only
    #[arg(long, value_enum)]
    only: Option<Subject>,

    /// Tools to measure, separated by commas [default: all that are installed]
    #[arg(long, value_enum, value_delimiter = ',')]
    tools: Vec<Tool>,

    /// Keep the servers here, so that the next call finds its databases made
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,

    /// Show levada's own report after each of its runs
    #[arg(long)]
    profile: bool,

    /// Skip the digests of the first round; rows and objects are counted in any case
    #[arg(long)]
    no_digests: bool,

    /// Where the record goes [default: docs/benchmarks when all is measured at full scale]
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,

    /// Passed by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    fn scale(&self, subject: Subject) -> u64 {
        match subject {
            Subject::Engagement => self.rows,
            Subject::Learning => self.n,
        }
    }

    fn subjects(&self) -> Vec<Subject> {
        self.only.map_or(vec![Subject::Learning, Subject::Engagement], |only| vec![only])
    }

    /// Whether the figures are those that the record of a day is made of.
    fn is_whole(&self) -> bool {
        let full = |subject: Subject| self.scale(subject) == subject.full_scale();
        let all = self.only.is_none() && self.tools.is_empty() && self.rounds >= 3;
        all && full(Subject::Engagement) && full(Subject::Learning)
    }
}

fn main() -> Result<()> {
    let options = Options::parse();
    let installation = Installation::find()?;
    let scratch = Scratch::new()?;
    let tools = tools::choose(&options.tools, &installation)?;
    let mut measurements = Vec::new();
    let servers = Servers::start(&installation, options.keep.as_deref())?;
    for subject in options.subjects() {
        let source = servers.source_of(subject, options.scale(subject))?;
        let mut contest = Contest {
            options: &options,
            servers: &servers,
            scratch: &scratch,
            subject,
            source: &source,
            measurements: Vec::new(),
        };
        for round in 0..options.rounds {
            contest
                .round(round, &tools)
                .with_context(|| format!("in round {} of {}", round + 1, subject.name()))?;
        }
        println!("\n{}", table::whole(&contest.measurements));
        measurements.append(&mut contest.measurements);
    }
    let setup = Setup::look(&servers, &installation, options.rounds, !options.no_digests)?;
    let dir = record::write(&setup, &measurements, &options)?;
    println!("\n{}\nrecord: {}", record::readme(&setup, &measurements), dir.display());
    Ok(())
}

/// The tools copying one database.
struct Contest<'a> {
    options: &'a Options,
    servers: &'a Servers,
    scratch: &'a Scratch,
    subject: Subject,
    source: &'a database::Source,
    measurements: Vec<Measurement>,
}

impl Contest<'_> {
    /// Each tool once; who begins changes from round to round.
    fn round(&mut self, round: usize, tools: &[Tool]) -> Result<()> {
        let mut order = tools.to_vec();
        order.rotate_left(round % tools.len().max(1));
        for (position, tool) in order.into_iter().enumerate() {
            let measurement =
                self.run(round, position, tool).with_context(|| tool.title().to_owned())?;
            println!("{}", table::line(&measurement));
            self.measurements.push(measurement);
        }
        Ok(())
    }

    fn run(&self, round: usize, position: usize, tool: Tool) -> Result<Measurement> {
        let target = self.servers.new_target()?;
        let commands = tool.commands(self.source.database.url(), target.url(), self.scratch.path());
        self.servers.settle()?;
        let (stages, load) = measure::under_watch(self.servers.postmasters(), || {
            commands.into_iter().map(|command| measure::run(command, self.scratch)).collect()
        })?;
        let whole = round == 0 && !self.options.no_digests;
        let foreign_keys = self.source.check(&target, whole).context("the copy is not whole")?;
        if self.options.profile && tool.is_levada() {
            println!("{}", tools::report(&target)?);
        }
        self.scratch.clear()?;
        self.servers.drop_target()?;
        let scale = self.options.scale(self.subject);
        Ok(Measurement {
            database: self.subject,
            scale,
            tool,
            round,
            position,
            stages,
            load,
            foreign_keys,
        })
    }
}
