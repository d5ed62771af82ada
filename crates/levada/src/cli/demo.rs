//! `levada demo`: the whole story on private servers, with nothing to configure.

use crate::demo;
use crate::outcome::Outcome;
use crate::ui::Ui;

/// Watch levada work: a copy, a kill, a resume, a refresh and a repair on private servers
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Example:\n  levada demo --keep")]
pub(crate) struct Arguments {
    /// Leave both servers running until Ctrl-C, and print their URLs
    #[arg(long)]
    keep: bool,
}

pub(crate) async fn run(arguments: &Arguments, ui: &Ui) -> anyhow::Result<Outcome> {
    demo::run(arguments.keep, ui).await
}
