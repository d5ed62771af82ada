//! `levada serve`: statistics over HTTP, until somebody ends it.

use std::sync::Arc;

use report::Problem;
use serve::{Clock, Server};

use crate::cli::{ConfigArgument, stop_signal};
use crate::outcome::Outcome;
use crate::ui::Ui;

/// Answer statistics over HTTP as JSON, CSV and pages, never an incomplete day as complete
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Example:\n  levada serve --config levada.toml")]
pub(crate) struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
}

pub(crate) fn run(arguments: &Arguments, ui: &Ui) -> anyhow::Result<Outcome> {
    let file = arguments.config.read()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let printer = Ui::new(ui.json);
    let server = Server {
        endpoint: file.serving_endpoint()?,
        catalogue: file.catalogue()?,
        zone: file.zone()?,
        clock: Clock::system(),
        log: Arc::new(move |problem: &Problem| printer.note(problem)),
        config: file.served()?,
        brand: file.brand(),
    };
    runtime.block_on(async {
        let stop = stop_signal()?;
        let listening = server.listen().await?;
        let address = listening.address;
        let console = listening.console_address.map(|address| address.to_string());
        let said = serde_json::json!({ "address": address.to_string(), "console": console });
        ui.data("serving", &said);
        ui.say(&format!("serving on http://{address}/"));
        if let Some(console) = console {
            ui.say(&format!("console on http://{console}/: any user, the token as password"));
        }
        listening.run(stop).await;
        Ok(Outcome::Clean)
    })
}
