//! `levada schema`: definitions only, compared and created.

use crate::cli::copy::ScopeArguments;
use crate::outcome::Outcome;
use crate::ui::Ui;

/// Compare definitions, and create those of the source in an empty target
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Example:\n  levada schema postgresql://reader@prod/shop \
                              postgresql://writer@reports/shop --dry-run")]
pub(crate) struct Arguments {
    /// URL of the production database
    source: String,

    /// URL of the reporting database
    target: String,

    #[command(flatten)]
    scope: ScopeArguments,

    /// Drop what the target holds, rows included, and create the source's definitions
    #[arg(long)]
    replace: bool,

    /// Only compare
    #[arg(long)]
    dry_run: bool,
}

pub(crate) async fn run(arguments: &Arguments, ui: &Ui) -> anyhow::Result<Outcome> {
    let Arguments { source, target, scope, replace, dry_run } = arguments;
    let request = scope.request(source, target, "schema", *replace)?;
    let report = copy::copy_schema(&request, *dry_run).await?;
    ui.data("schema", &report);
    let lists = [
        ("missing in the target", &report.missing),
        ("only in the target", &report.extra),
        ("different", &report.changed),
    ];
    for (what, entries) in lists {
        entries.iter().for_each(|entry| ui.say(&format!("{what}: {entry}")));
    }
    if report.applied {
        ui.say(&format!("{} statements run; the definitions are equal now", report.statements));
        return Ok(Outcome::Clean);
    }
    if report.is_equal() {
        ui.say("the definitions are equal");
        return Ok(Outcome::Clean);
    }
    ui.remark("nothing was changed; --replace drops what the target holds, rows included");
    Ok(Outcome::Found)
}
