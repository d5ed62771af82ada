//! `levada verify`: proof that two databases hold the same rows, or that an edition does.

use std::time::Duration;

use ::verify::{ChangedRow, Comparison, Request, Scope, TableResult, Verdict};
use jiff::tz::TimeZone;
use pg::{Endpoint, Stop};
use refresh::Effort;
use report::{Event, Progress, text};

use crate::cli::ConfigArgument;
use crate::cli::run::{Known, Reader, carry_out};
use crate::moment;
use crate::outcome::Outcome;
use crate::progress::Display;
use crate::ui::{self, Ui};

/// Prove that two databases hold the same rows, or name those that differ
///
/// With two URLs all tables of both are compared. Without, the source of the configuration is
/// compared with the edition that the target shows; rows that the source wrote since are no
/// differences. Keys are shown, values of other columns only with --show-values.
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Example:\n  levada verify postgresql://reader@prod/shop \
                              postgresql://reader@reports/shop --table 'order_*'")]
pub(crate) struct Arguments {
    /// URL of the source, with that of the target instead of a configuration
    #[arg(requires = "target")]
    source: Option<String>,

    /// URL of the target
    target: Option<String>,

    #[command(flatten)]
    config: ConfigArgument,

    /// Schema to compare; repeat for more [default: all]
    #[arg(long, value_name = "NAME")]
    schema: Vec<String>,

    /// Table to compare, exact name or glob; repeat for more [default: all]
    #[arg(long, value_name = "PATTERN")]
    table: Vec<String>,

    /// Keys and changed rows to show of each table
    #[arg(long, value_name = "N", default_value_t = 10)]
    rows: usize,

    /// Show the values that differ
    #[arg(long)]
    show_values: bool,

    /// Set the differences right: compare everything and publish the next edition
    #[arg(long, conflicts_with_all = ["source", "schema", "table"])]
    repair: bool,
}

impl Arguments {
    /// What is compared, and the zone of the person who reads the answer.
    fn request(&self) -> anyhow::Result<(Request, TimeZone)> {
        let mut scope = Scope { schemas: self.schema.clone(), tables: self.table.clone() };
        let (source, target, zone) = match (&self.source, &self.target) {
            (Some(source), Some(target)) => {
                (Endpoint::parse(source)?, Endpoint::parse(target)?, TimeZone::UTC)
            }
            _ => {
                let file = self.config.read()?;
                let request = file.request("verify", false)?;
                if scope.schemas.is_empty() {
                    scope.schemas = request.schemas;
                }
                (request.source, request.target, file.zone()?)
            }
        };
        let request = Request {
            source,
            target,
            scope,
            as_edition: self.source.is_none(),
            samples: self.rows,
            shows_values: self.show_values,
            tables_at_once: tables_at_once(),
            heartbeat: HEARTBEAT,
        };
        Ok((request, zone))
    }
}

const HEARTBEAT: Duration = Duration::from_secs(30);

/// Each table keeps a core busy on either side.
fn tables_at_once() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| (cores.get() / 2).clamp(1, 4))
}

pub(crate) async fn run(arguments: &Arguments, ui: &Ui) -> anyhow::Result<Outcome> {
    let outcome = compare(arguments, ui).await?;
    match (arguments.repair, outcome) {
        (true, Outcome::Found | Outcome::Failed) => repair(arguments, ui).await,
        (_, outcome) => Ok(outcome),
    }
}

/// Makes an edition for which every row of both sides is compared.
async fn repair(arguments: &Arguments, ui: &Ui) -> anyhow::Result<Outcome> {
    let file = arguments.config.read()?;
    let request = file.request("verify --repair", false)?;
    let again = format!("levada verify --repair --config {}", arguments.config.config.display());
    ui.remark("");
    let reader = Reader { again, zone: file.zone()? };
    carry_out(&request, Known::Refreshed(Effort::Everything), ui, &reader).await
}

async fn compare(arguments: &Arguments, ui: &Ui) -> anyhow::Result<Outcome> {
    let (request, zone) = arguments.request()?;
    let stop = Stop::default();
    let display = Display::new(ui);
    let progress: &dyn Progress = if ui.json { &Silent } else { &display };
    let listening = tokio::spawn(super::run::stop_on_signal(stop.clone()));
    let result = tokio::select! {
        result = ::verify::compare(&request, progress, &stop) => result,
        never = display.tick() => match never {},
    };
    listening.abort();
    let comparison = result?;
    ui.data("comparison", &comparison);
    ui.say(&render(&comparison, &zone));
    if comparison.was_interrupted {
        return Ok(Outcome::Interrupted);
    }
    Ok(match comparison.verdict {
        Verdict::Equal => Outcome::Clean,
        Verdict::Differs => Outcome::Found,
        Verdict::Unknown => Outcome::Failed,
    })
}

/// With `--json` the one value is the answer.
struct Silent;

impl Progress for Silent {
    fn event(&self, _event: Event<'_>) {}
}

fn render(comparison: &Comparison, zone: &TimeZone) -> String {
    let rows: Vec<Vec<String>> = comparison.tables.iter().map(overview).collect();
    let mut lines = Vec::new();
    if !rows.is_empty() {
        lines.push(ui::table(&["table", "source rows", "target rows", "verdict"], &rows));
    }
    for table in &comparison.tables {
        lines.extend(details(table));
    }
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines.push(conclusion(comparison, zone));
    lines.join("\n")
}

fn overview(table: &TableResult) -> Vec<String> {
    let rows = |rows: Option<u64>| rows.map_or("-".to_owned(), text::count);
    let verdict = match (table.verdict, table.counts.changed_since) {
        (Verdict::Equal, 0) => "equal".to_owned(),
        (Verdict::Equal, since) => {
            format!("equal, but for {} written since", text::counted(since, "row"))
        }
        (Verdict::Unknown, _) => "could not tell".to_owned(),
        (Verdict::Differs, _) => "differs".to_owned(),
    };
    vec![table.table.to_string(), rows(table.source_rows), rows(table.target_rows), verdict]
}

/// What a table that is not equal has to say, after an empty line.
fn details(table: &TableResult) -> Vec<String> {
    if table.verdict == Verdict::Equal {
        return Vec::new();
    }
    let counts = table.counts;
    let at_least = if table.is_exact { "" } else { "at least " };
    let since = match counts.changed_since {
        0 => String::new(),
        since => format!("; {} written on the source since the edition", text::count(since)),
    };
    let mut lines = vec![String::new()];
    if counts.missing + counts.extra + counts.changed + counts.changed_since == 0 {
        lines.push(format!("{}:", table.table));
    } else {
        lines.push(format!(
            "{}: {at_least}{} missing, {} extra, {} changed{since}",
            table.table,
            text::count(counts.missing),
            text::count(counts.extra),
            text::count(counts.changed),
        ));
    }
    lines.extend(table.reasons.iter().map(|reason| format!("  {reason}")));
    let key = table.key.join(", ");
    let lists = [
        ("missing on the target", &table.missing_keys, counts.missing),
        ("only on the target", &table.extra_keys, counts.extra),
    ];
    for (what, keys, count) in lists {
        if !keys.is_empty() {
            let more = if count > keys.len() as u64 { ", …" } else { "" };
            let keys: Vec<String> = keys.iter().map(|key| shown_key(key)).collect();
            lines.push(format!("  {what} ({key}): {}{more}", keys.join(", ")));
        }
    }
    lines.extend(table.changed_rows.iter().map(|row| changed(&key, row)));
    if table.looked_at > 1 {
        let mut columns: Vec<(&String, &u64)> = table.columns.iter().collect();
        columns.sort_by_key(|(_, rows)| std::cmp::Reverse(**rows));
        let columns =
            columns.iter().map(|(name, rows)| format!("{name} in {}", text::count(**rows)));
        lines.push(format!(
            "  of {} changed rows: {}",
            text::count(table.looked_at),
            columns.collect::<Vec<_>>().join(", ")
        ));
    }
    lines
}

fn changed(key: &str, row: &ChangedRow) -> String {
    let value = |value: &Option<String>| match value {
        Some(text) => format!("'{}'", text.escape_debug()),
        None => "NULL".to_owned(),
    };
    let columns = row.columns.iter().map(|column| match &column.values {
        None => column.name.clone(),
        Some(values) => {
            format!("{} {} → {}", column.name, value(&values.source), value(&values.target))
        }
    });
    let columns = columns.collect::<Vec<_>>().join(", ");
    format!("  changed ({key}) {}: {columns}", shown_key(&row.key))
}

fn shown_key(key: &[String]) -> String {
    let parts: Vec<String> = key.iter().map(|part| part.escape_debug().to_string()).collect();
    match parts.as_slice() {
        [part] => part.clone(),
        parts => format!("({})", parts.join(", ")),
    }
}

fn conclusion(comparison: &Comparison, zone: &TimeZone) -> String {
    let count = |verdict| comparison.tables.iter().filter(|table| table.verdict == verdict).count();
    let tables = text::counted(comparison.tables.len() as u64, "table");
    let what = match comparison.edition {
        Some(edition) => {
            let as_of = moment::shown(&comparison.target_as_of, zone);
            format!("edition {edition}, as of {as_of}, and the source")
        }
        None => "source and target".to_owned(),
    };
    let took = text::duration(Duration::from_secs_f64(comparison.seconds));
    let (differ, unknown) = (count(Verdict::Differs), count(Verdict::Unknown));
    if comparison.was_interrupted {
        return format!("stopped after {tables}, of which {differ} differ");
    }
    match (comparison.verdict, differ, unknown) {
        (Verdict::Equal, ..) => format!("{what} are equal in {tables}; compared in {took}"),
        (Verdict::Differs, differ, 0) => {
            format!("{what} differ in {differ} of {tables}; compared in {took}")
        }
        (Verdict::Differs, differ, unknown) => format!(
            "{what} differ in {differ} of {tables}, and {unknown} could not be told; compared in \
             {took}"
        ),
        (Verdict::Unknown, _, unknown) => {
            let again = match comparison.edition {
                Some(_) => ": make an edition with levada run, then verify it again",
                None => "",
            };
            format!("whether {what} are equal could not be told for {unknown} of {tables}{again}")
        }
    }
}
