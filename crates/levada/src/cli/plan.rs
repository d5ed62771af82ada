//! `levada plan`: what a run would do, table by table. It changes nothing.

use copy::{Plan, Request};
use pg::catalog::Catalog;
use pg::{Purpose, Session};
use report::text;

use crate::cli::ConfigArgument;
use crate::outcome::Outcome;
use crate::ui::{self, Ui};

/// Show what a run would do: mode, rows, bytes and format of each table
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Example:\n  levada plan --config levada.toml")]
pub(crate) struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
}

pub(crate) async fn run(arguments: &Arguments, ui: &Ui) -> anyhow::Result<Outcome> {
    let request = arguments.config.read()?.request("plan", false)?;
    show(&request, ui).await
}

/// Plans and prints; nothing is written on either side.
pub(crate) async fn show(request: &Request, ui: &Ui) -> anyhow::Result<Outcome> {
    let plan = make(request).await?;
    ui.data("plan", &plan);
    ui.say(&render(&plan));
    plan.findings.iter().for_each(|finding| ui.finding(finding));
    let is_clean = plan.findings.iter().all(|f| f.severity < report::Severity::Warning);
    Ok(if is_clean { Outcome::Clean } else { Outcome::Found })
}

pub(crate) async fn make(request: &Request) -> anyhow::Result<Plan> {
    let ends = copy::preflight(&request.source, &request.target).await?;
    let session = Session::open(&request.source, Purpose::Source).await?;
    let catalog = Catalog::load(&session).await?;
    Ok(copy::plan(&catalog, &ends.source, &ends.target, &request.scope())?)
}

/// The speed that a copy usually has on small machines, for a first estimate only.
const BYTES_PER_SECOND: u64 = 60 * 1024 * 1024;

fn render(plan: &Plan) -> String {
    let rows: Vec<Vec<String>> = plan
        .tables
        .iter()
        .map(|table| {
            let parts = match table.ranges.len() {
                0 => "-".to_owned(),
                count => count.to_string(),
            };
            vec![
                table.name.to_string(),
                table.mode.label().to_owned(),
                text::count(table.rows_estimate),
                text::bytes(table.bytes),
                parts,
                match &table.reason {
                    Some(reason) => format!("{} ({reason})", table.format.label()),
                    None => table.format.label().to_owned(),
                },
            ]
        })
        .collect();
    let mut lines = vec![ui::table(&["table", "mode", "rows", "bytes", "parts", "format"], &rows)];
    for (name, reason) in &plan.left_out {
        lines.push(format!("left out: {name} ({reason})"));
    }
    let bytes: u64 = plan.tables.iter().map(|table| table.bytes).sum();
    let seconds = std::time::Duration::from_secs(bytes / BYTES_PER_SECOND + 1);
    lines.push(format!(
        "{}, {}; roughly {} before indexes on two cores",
        text::counted(plan.tables.len() as u64, "table"),
        text::bytes(bytes),
        text::duration(seconds)
    ));
    lines.join("\n")
}
