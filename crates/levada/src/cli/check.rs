//! `levada check`: looks before a run leaps: connections, rights, versions, extensions, patterns.

use report::{Finding, Severity};

use crate::cli::ConfigArgument;
use crate::outcome::Outcome;
use crate::ui::Ui;

/// Preflight: rights, versions, extensions, patterns; findings with hints
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Example:\n  levada check --config levada.toml")]
pub(crate) struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
}

pub(crate) async fn run(arguments: &Arguments, ui: &Ui) -> anyhow::Result<Outcome> {
    let file = arguments.config.read()?;
    let request = file.request("check", false)?;
    let mut findings = copy::check(&request).await?;
    findings.extend(file.shaper()?.check(&request.source, &request.target).await?);
    let settings = file.served().and_then(|served| serve::refuse(&served, &file.brand()));
    findings.extend(settings.err().map(|problem| Finding::error("serve", "settings", problem)));
    let owner = file.target_endpoint()?;
    let place = (owner.user(), file.target.reports_schema.as_str());
    findings.extend(serve::check(&file.catalogue()?, &file.serving_endpoint()?, place).await?);
    findings.iter().for_each(|finding| ui.finding(finding));
    let serious = findings.iter().filter(|f| f.severity >= Severity::Warning).count();
    if serious == 0 {
        ui.say("everything checked is in order; next: levada plan, then levada run");
        return Ok(Outcome::Clean);
    }
    Ok(Outcome::Found)
}
