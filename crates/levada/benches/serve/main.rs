//! Measures statistics over HTTP: beside a file server, at a steady rate, with a crowd at the door,
//! and through the peak that once took a site down.
//!
//! `cargo bench -p levada --bench serve -- --help` lists the options. Responsible for: what is
//! measured, and in which order. The judgement is in `table.rs`; databases and circumstances are in
//! `../stage`. Must not: build anything.
#![allow(clippy::print_stdout, reason = "a benchmark is there to print")]

mod crowd;
mod files;
mod generator;
mod peak;
mod place;
mod raw;
#[path = "../stage/mod.rs"]
#[allow(dead_code, reason = "each benchmark uses what it needs")]
mod stage;
mod table;
mod visit;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Parser, ValueEnum};
use serde::Serialize;
use testkit::Installation;

use crate::files::FileServer;
use crate::generator::{Generator, Rate, Steady};
use crate::place::{Place, Serving};
use crate::stage::database::Servers;
use crate::stage::measure::{Postmaster, under_watch};
use crate::stage::setup::Setup;
use crate::stage::tools::Scratch;
use crate::visit::Reply;

const ROWS: u64 = 1_500_000;
const ROUNDS: usize = 5;
const PEAK_SECONDS: u64 = 20;
/// What the service promises to hold.
const STEADY_RATE: u32 = 2000;
pub(crate) const CROWD: usize = 1000;

/// Measure statistics over HTTP
#[derive(Debug, Parser)]
#[command(bin_name = "cargo bench -p levada --bench serve --")]
pub(crate) struct Options {
    /// Events in the database engagement
    #[arg(long, value_name = "N", default_value_t = ROWS)]
    rows: u64,

    /// How often each is measured
    #[arg(long, default_value_t = ROUNDS)]
    rounds: usize,

    /// How long a server is asked at full speed, in each round
    #[arg(long, value_name = "SECONDS", default_value_t = 3)]
    seconds: u64,

    /// How long each peak lasts
    #[arg(long, value_name = "SECONDS", default_value_t = PEAK_SECONDS)]
    peak_seconds: u64,

    /// Measure only this [default: all]
    #[arg(long, value_enum)]
    only: Vec<Part>,

    /// Keep the servers here, so that the next call finds its databases made
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,

    /// Where the record goes [default: docs/benchmarks when all is measured at full scale]
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,

    /// Passed by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// What can be measured alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Beside nginx, at full speed.
    Speed,
    /// The waiting at a steady rate.
    Steady,
    /// Many who ask for the same at once.
    Crowd,
    /// The peak that took a site down, and fifty times as much.
    Peak,
}

impl Options {
    fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    fn is_whole(&self) -> bool {
        self.only.is_empty()
            && self.rows >= ROWS
            && self.rounds >= ROUNDS
            && self.peak_seconds >= PEAK_SECONDS
    }
}

/// Everything that was measured.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Figures {
    events: u64,
    programs: Vec<String>,
    speeds: Vec<Speed>,
    steady: Vec<Steady>,
    crowds: Vec<crowd::Crowd>,
    peaks: Vec<peak::Peak>,
}

/// One address, asked of both servers in turn.
#[derive(Debug, Serialize)]
pub(crate) struct Speed {
    what: String,
    /// Of the body, or nothing where there is none.
    bytes: usize,
    levada: Vec<Rate>,
    nginx: Vec<Rate>,
}

/// What is asked at full speed, and what it is called.
const ADDRESSES: [(&str, &str); 2] =
    [("page", "/pages/engagement"), ("JSON", "/stats/engagement.json")];

fn main() -> Result<()> {
    let options = Options::parse();
    ensure!(
        std::thread::available_parallelism()?.get() >= 2,
        "a server and its visitors want a core each"
    );
    let installation = Installation::find()?;
    let scratch = Scratch::new()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let servers = Servers::start(&installation, options.keep.as_deref())?;
    let place = Place::prepare(&servers, &scratch, options.rows)?;
    let figures = runtime.block_on(measure(&options, &place, &scratch))?;
    let setup = Setup::look(&servers, &installation, options.rounds, false)?;
    let text = table::render(&figures);
    println!("{text}");
    let is_whole = options.is_whole() && !figures.speeds.is_empty();
    if options.record.is_some() || is_whole {
        let folder = setup.folder(options.record.as_deref(), is_whole)?;
        let page = setup.page("Serving", FILES, &table::how(&options, &figures)) + "\n" + &text;
        fs::write(folder.join("serve.md"), page)?;
        let json = serde_json::json!({ "setup": setup, "figures": figures });
        fs::write(folder.join("serve.json"), serde_json::to_string_pretty(&json)? + "\n")?;
        println!("written to {}", folder.display());
    }
    drop(place);
    servers.drop_target()?;
    servers.drop_changeable()
}

const FILES: &str = "Made by `make bench`; each measurement is in `serve.json`.";

async fn measure(options: &Options, place: &Place<'_>, scratch: &Scratch) -> Result<Figures> {
    let mut figures = Figures { events: options.rows, ..Figures::default() };
    let serving = place.serve().await?;
    if options.wants(Part::Speed) {
        match Generator::for_speed().filter(|_| generator::is_there("nginx")) {
            Some(generator) => {
                figures.programs.extend([files::version(), generator.version()]);
                figures.speeds = speeds(options, generator, &serving, scratch).await?;
            }
            None => println!("nginx, or wrk and oha, are not installed: speed is not measured"),
        }
    }
    if options.wants(Part::Steady) {
        let generator = Generator::for_steady();
        figures.programs.push(
            generator.map_or("steady rate: the benchmark itself".to_owned(), Generator::version),
        );
        for (what, target) in ADDRESSES {
            let length = Duration::from_secs(options.seconds * 3);
            let steady = match generator {
                Some(_) => generator::steady(&serving.address, target, STEADY_RATE, length)?,
                None => peak::steady(&serving.address, target, STEADY_RATE, length).await?,
            };
            println!("{what}: {steady:?}");
            figures.steady.push(Steady { what: what.to_owned(), ..steady });
        }
    }
    if options.wants(Part::Crowd) {
        for round in 1..=options.rounds.min(5) {
            let crowd = crowd::measure(place, &serving.address, round).await?;
            println!("{crowd:?}");
            figures.crowds.push(crowd);
        }
    }
    if options.wants(Part::Peak) {
        figures.peaks = peak::measure(place, &serving.address, options.peak_seconds).await?;
    }
    Ok(figures)
}

/// Both servers in turn, so that what else the machine does meets both.
async fn speeds(
    options: &Options,
    generator: Generator,
    serving: &Serving,
    scratch: &Scratch,
) -> Result<Vec<Speed>> {
    let levada = serving.address.as_str();
    let mut known: Vec<(&str, Reply)> = Vec::new();
    for (_, target) in ADDRESSES {
        let reply = visit::get(levada, target, None).await?.expect_status(200)?;
        let is_partial = reply.header("levada-complete") == Some("false");
        ensure!(!is_partial, "{target} is not complete, which visitors see rarely");
        known.push((target, reply));
    }
    let nginx = FileServer::start(scratch, &known)?;
    let mut speeds = Vec::new();
    for ((what, target), (_, reply)) in ADDRESSES.into_iter().zip(&known) {
        let same = nginx.wait_for(target).await?.expect_status(200)?;
        ensure!(same.body == reply.body, "nginx does not serve the bytes of {target}");
        let contest = Contest {
            generator,
            length: Duration::from_secs(options.seconds),
            target,
            sides: [
                Side::new(levada, serving.process(), reply)?,
                Side::new(&nginx.address, nginx.process(), &same)?,
            ],
        };
        for side in &contest.sides {
            visit::get(side.address, target, Some(&side.tag)).await?.expect_status(304)?;
        }
        let mut whole = Speed::of(format!("{what}, 200"), reply.body.len());
        let mut unchanged = Speed::of(format!("{what}, 304"), 0);
        for _ in 0..options.rounds {
            contest.round(false, &mut whole)?;
            contest.round(true, &mut unchanged)?;
        }
        println!("{whole:?}\n{unchanged:?}");
        speeds.extend([whole, unchanged]);
    }
    Ok(speeds)
}

impl Speed {
    fn of(what: String, bytes: usize) -> Self {
        Self { what, bytes, levada: Vec::new(), nginx: Vec::new() }
    }
}

/// One of both servers.
struct Side<'a> {
    address: &'a str,
    process: Postmaster,
    /// By which it knows what it has sent.
    tag: String,
}

impl<'a> Side<'a> {
    fn new(address: &'a str, process: Postmaster, reply: &Reply) -> Result<Self> {
        let tag = reply.header("etag").context("no entity tag")?.to_owned();
        Ok(Self { address, process, tag })
    }
}

/// An address that both servers know.
struct Contest<'a> {
    generator: Generator,
    length: Duration,
    target: &'a str,
    sides: [Side<'a>; 2],
}

impl Contest<'_> {
    /// Asks both, by visitors who have it already or not.
    fn round(&self, is_known: bool, speed: &mut Speed) -> Result<()> {
        for (side, rates) in self.sides.iter().zip([&mut speed.levada, &mut speed.nginx]) {
            let url = format!("http://{}{}", side.address, self.target);
            let tag = is_known.then_some(side.tag.as_str());
            let (rate, load) = under_watch(Ok([side.process, side.process]), || {
                self.generator.rate(&url, tag, self.length)
            })?;
            let requests = rate.per_second * self.length.as_secs_f64();
            let cpu_microseconds = load.source_cpu_seconds * 1e6 / requests;
            rates.push(Rate { cpu_microseconds, ..rate });
        }
        Ok(())
    }
}
