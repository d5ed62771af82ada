//! The commands: one file each. Here is the list, and what they share.

mod check;
mod copy;
mod demo;
mod init;
mod plan;
mod refreshed;
mod report;
mod run;
mod schema;
mod serve;
mod status;
mod verify;

use std::future::Future;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{self, File};
use crate::outcome::Outcome;
use crate::ui::Ui;

/// Carries a production PostgreSQL to a reporting PostgreSQL as complete, provable editions.
#[derive(Debug, Parser)]
#[command(name = "levada", version, disable_help_subcommand = true)]
#[command(before_long_help = "Examples:\n  levada demo\n  levada copy \
                              postgresql://reader@prod/shop postgresql://writer@reports/shop")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,

    /// Write machine-readable JSON lines to stdout
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Arguments),
    Init(init::Arguments),
    Check(check::Arguments),
    Plan(plan::Arguments),
    Run(run::Arguments),
    Copy(copy::Arguments),
    Schema(schema::Arguments),
    Verify(verify::Arguments),
    Serve(serve::Arguments),
    Report(report::Arguments),
    Status(status::Arguments),
}

/// Where the configuration is.
#[derive(Debug, clap::Args)]
struct ConfigArgument {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value_os_t = config::default_path())]
    config: PathBuf,
}

impl ConfigArgument {
    fn read(&self) -> anyhow::Result<File> {
        File::read(&self.config)
    }
}

/// Carries out the command.
pub(crate) fn run(arguments: Arguments, ui: &Ui) -> anyhow::Result<Outcome> {
    match arguments.command {
        Command::Demo(arguments) => block_on(demo::run(&arguments, ui)),
        Command::Init(arguments) => block_on(init::run(&arguments, ui)),
        Command::Check(arguments) => block_on(check::run(&arguments, ui)),
        Command::Plan(arguments) => block_on(plan::run(&arguments, ui)),
        Command::Run(arguments) => block_on(run::run(&arguments, ui)),
        Command::Copy(arguments) => block_on(copy::run(&arguments, ui)),
        Command::Schema(arguments) => block_on(schema::run(&arguments, ui)),
        Command::Verify(arguments) => block_on(verify::run(&arguments, ui)),
        Command::Serve(arguments) => serve::run(&arguments, ui),
        Command::Report(arguments) => block_on(report::run(&arguments, ui)),
        Command::Status(arguments) => block_on(status::run(&arguments, ui)),
    }
}

/// One thread is enough: the work is in the servers.
fn block_on<F: Future<Output = anyhow::Result<Outcome>>>(future: F) -> anyhow::Result<Outcome> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future)
}

/// Ends when somebody asks us to end, with Ctrl-C or SIGTERM. From now on they do nothing else.
pub(crate) fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
