//! Measures the refresh and the proof of equality against the full copy of the best peer.
//!
//! `cargo bench -p levada --bench refresh -- --help` lists the options. Responsible for: what is
//! measured. The rounds are in `rounds.rs`, the judgement is in `table.rs`, thirty nights with two
//! fill factors in `nights.rs`; databases, peers and clock are in `../stage`. Must not: build
//! anything, nor call a refresh fast that leaves something out.
#![allow(clippy::print_stdout, reason = "a benchmark is there to print")]

mod changes;
mod levada;
mod nights;
mod nights_table;
mod record;
mod rounds;
#[path = "../stage/mod.rs"]
#[allow(dead_code, reason = "each benchmark uses what it needs")]
mod stage;
mod table;

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use testkit::Installation;

use crate::rounds::Contest;
use crate::stage::database::{Servers, Subject};
use crate::stage::setup::Setup;
use crate::stage::tools::{self, Scratch, Tool};

const NIGHT_ROWS: u64 = 1_000_000;
/// How many make a record.
const NIGHTS: u32 = 30;

/// Measure refresh and verify against the full copy of the best peer
#[derive(Debug, Parser)]
#[command(bin_name = "cargo bench -p levada --bench refresh --")]
struct Options {
    /// Events in the database engagement
    #[arg(long, value_name = "N", default_value_t = Subject::Engagement.full_scale())]
    rows: u64,

    /// Answers in the database learning; it has about three times as many rows
    #[arg(long, value_name = "N", default_value_t = Subject::Learning.full_scale())]
    n: u64,

    /// How often everything is measured; each round begins with the same databases
    #[arg(long, default_value_t = 3)]
    rounds: usize,

    /// Measure this database only
    #[arg(long, value_enum)]
    only: Option<Subject>,

    /// Whose full copy is the measure, separated by commas, once a round
    /// [default: dump-directory, and pgcopydb where it is installed]
    #[arg(long, value_enum, value_delimiter = ',')]
    peers: Vec<Tool>,

    /// Keep the servers here, so that the next call finds its databases made
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,

    /// Show levada's own report after each of its runs
    #[arg(long)]
    profile: bool,

    /// Skip the digests of the first round; rows and objects are counted in any case
    #[arg(long)]
    no_digests: bool,

    /// Instead: refresh a middle-sized table so many nights, with two fill factors side by side
    #[arg(long, value_name = "NIGHTS")]
    nights: Option<u32>,

    /// Events in that table
    #[arg(long, value_name = "N", default_value_t = NIGHT_ROWS)]
    night_rows: u64,

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
        if let Some(nights) = self.nights {
            return nights >= NIGHTS && self.night_rows >= NIGHT_ROWS;
        }
        let full = |subject: Subject| self.scale(subject) == subject.full_scale();
        let all = self.only.is_none() && self.peers.is_empty() && self.rounds >= 3;
        all && full(Subject::Engagement) && full(Subject::Learning)
    }
}

fn main() -> Result<()> {
    let options = Options::parse();
    let installation = Installation::find()?;
    let scratch = Scratch::new()?;
    let peers = choose_peers(&options.peers, &installation)?;
    match options.nights {
        Some(nights) => nights::run(nights, &options, &installation, &scratch),
        None => run(&options, &installation, &scratch, &peers),
    }
}

fn choose_peers(wanted: &[Tool], installation: &Installation) -> Result<Vec<Tool>> {
    ensure!(!wanted.iter().any(|tool| tool.is_levada()), "levada is no peer of its own");
    let mut chosen = tools::choose(wanted, installation)?;
    if wanted.is_empty() {
        chosen.retain(|tool| matches!(tool, Tool::DumpDirectory | Tool::Pgcopydb));
    }
    Ok(chosen)
}

fn run(
    options: &Options,
    installation: &Installation,
    scratch: &Scratch,
    peers: &[Tool],
) -> Result<()> {
    let knows_verify = levada::knows_verify()?;
    if !knows_verify {
        println!("{}", table::NO_VERIFY);
    }
    let servers = Servers::start(installation, options.keep.as_deref())?;
    let mut samples = Vec::new();
    for subject in options.subjects() {
        let mut contest = Contest {
            options,
            servers: &servers,
            scratch,
            peers,
            knows_verify,
            subject,
            samples: Vec::new(),
        };
        for round in 0..options.rounds {
            contest
                .round(round)
                .with_context(|| format!("in round {} of {}", round + 1, subject.name()))?;
        }
        println!("\n{}", table::whole(&contest.samples));
        samples.append(&mut contest.samples);
    }
    let setup = Setup::look(&servers, installation, options.rounds, !options.no_digests)?;
    let dir = record::write(&setup, &samples, options)?;
    println!("\nrecord: {}", dir.display());
    Ok(())
}
