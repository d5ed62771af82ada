//! levada: carries a production PostgreSQL to a reporting PostgreSQL as complete, provable
//! editions.
//!
//! This file is the table of contents: read the arguments, carry out the command, say how it ended.

mod cli;
mod config;
mod demo;
mod json;
mod moment;
mod outcome;
mod progress;
mod ui;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    let ui = ui::Ui::new(arguments.json);
    let outcome = cli::run(arguments, &ui).unwrap_or_else(|error| {
        ui.error(&error);
        outcome::Outcome::Failed
    });
    outcome.into()
}
