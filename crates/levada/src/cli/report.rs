//! `levada report`: where the time went, from the records of the target.

use std::collections::BTreeMap;
use std::time::Duration;

use edition::{Entry, RunSummary, Times};
use jiff::tz::TimeZone;
use pg::{Endpoint, Purpose, Session};
use report::{Category, Problem, text};
use serde_json::json;

use crate::cli::ConfigArgument;
use crate::moment;
use crate::outcome::Outcome;
use crate::ui::{self, Ui};

/// Show where the time of a run went, by category, with the longest entries
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Example:\n  levada report --top 5")]
pub(crate) struct Arguments {
    /// Number of the run [default: the newest]
    run: Option<i32>,

    #[command(flatten)]
    config: ConfigArgument,

    /// URL of the target, instead of the configuration's
    #[arg(long, value_name = "URL")]
    target: Option<String>,

    /// Entries to show for each category
    #[arg(long, value_name = "N", default_value_t = 3)]
    top: usize,
}

pub(crate) async fn run(arguments: &Arguments, ui: &Ui) -> anyhow::Result<Outcome> {
    let (target, zone) = match &arguments.target {
        Some(url) => (Endpoint::parse(url)?, TimeZone::UTC),
        None => {
            let file = arguments.config.read()?;
            (file.target_endpoint()?, file.zone()?)
        }
    };
    let session = Session::open(&target, Purpose::Record).await?;
    let newest = edition::latest_run(&session).await?;
    let Some(number) = arguments.run.or(newest) else {
        let problem = Problem::new(format!("levada has not run on {target}"))
            .hint("start with levada run, or levada copy SOURCE TARGET");
        return Err(problem.into());
    };
    let times = edition::times(&session, number).await?;
    if times.runs.is_empty() {
        let problem = Problem::new(format!("there is no run {number}"))
            .detail(format!("the newest is {}", newest.unwrap_or(0)));
        return Err(problem.into());
    }
    ui.data("times", &with_categories(&times));
    ui.say(&render(&times, arguments.top, &zone));
    Ok(Outcome::Clean)
}

fn by_category(entries: &[Entry]) -> BTreeMap<Category, Vec<&Entry>> {
    let mut categories: BTreeMap<Category, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        categories.entry(entry.category).or_default().push(entry);
    }
    categories
}

fn with_categories(times: &Times) -> serde_json::Value {
    let categories: Vec<_> = by_category(&times.entries)
        .iter()
        .map(|(category, entries)| {
            let seconds: f64 = entries.iter().map(|entry| entry.seconds).sum();
            json!({ "category": category, "seconds": seconds, "entries": entries })
        })
        .collect();
    json!({ "runs": times.runs, "wall_seconds": wall(times), "categories": categories })
}

fn wall(times: &Times) -> f64 {
    times.runs.iter().map(|run| run.seconds).sum()
}

fn render(times: &Times, top: usize, zone: &TimeZone) -> String {
    let mut lines: Vec<String> = times.runs.iter().map(|run| run_line(run, zone)).collect();
    let mut rows = Vec::new();
    for (category, entries) in by_category(&times.entries) {
        let seconds: f64 = entries.iter().map(|entry| entry.seconds).sum();
        rows.push(vec![
            category.label().to_owned(),
            shown(seconds),
            entries.len().to_string(),
            String::new(),
        ]);
        for entry in entries.iter().take(top) {
            rows.push(vec![
                format!("  {}", entry.object),
                shown(entry.seconds),
                String::new(),
                volume(entry),
            ]);
        }
    }
    lines.push(String::new());
    lines.push(ui::table(&["category", "cumulated", "entries", ""], &rows));
    let cumulated: f64 = times.entries.iter().map(|entry| entry.seconds).sum();
    lines.push(String::new());
    lines.push(format!("wall time {}, work {}", shown(wall(times)), shown(cumulated)));
    lines.join("\n")
}

fn run_line(run: &RunSummary, zone: &TimeZone) -> String {
    let edition = match (run.edition, &run.as_of) {
        (Some(edition), Some(as_of)) => {
            format!(", edition {edition} as of {}", moment::shown(as_of, zone))
        }
        (Some(edition), None) => format!(", edition {edition}"),
        _ => String::new(),
    };
    let message = run.message.as_deref().map(|text| format!(": {text}")).unwrap_or_default();
    format!(
        "run {} ({}) {}, started {}, {}{edition}{message}",
        run.number,
        run.command,
        run.outcome,
        moment::shown(&run.started_at, zone),
        shown(run.seconds)
    )
}

fn volume(entry: &Entry) -> String {
    match (entry.rows, entry.bytes) {
        (Some(rows), Some(bytes)) => {
            let bytes = text::bytes(bytes.max(0) as u64);
            format!("{}, {bytes}", text::counted(rows.max(0) as u64, "row"))
        }
        _ => String::new(),
    }
}

fn shown(seconds: f64) -> String {
    text::duration(Duration::from_secs_f64(seconds.max(0.0)))
}
