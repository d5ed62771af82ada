//! `levada status`: what the target shows, how old it is, and what the next run would have to do.

use jiff::tz::TimeZone;
use jiff::{SpanRound, Timestamp, Unit};
use refresh::{Status, TableStatus};
use report::{Problem, text};
use shape::RollupStatus;

use crate::cli::ConfigArgument;
use crate::moment;
use crate::outcome::Outcome;
use crate::ui::{self, Ui};

/// Show the edition, its age, each table's last changes, and what would force a reload
#[derive(Debug, clap::Args)]
#[command(before_long_help = "Example:\n  levada status --config levada.toml")]
pub(crate) struct Arguments {
    #[command(flatten)]
    config: ConfigArgument,
}

pub(crate) async fn run(arguments: &Arguments, ui: &Ui) -> anyhow::Result<Outcome> {
    let file = arguments.config.read()?;
    let request = file.request("status", false)?;
    let Some(status) = refresh::status(&request).await? else {
        let problem = Problem::new(format!("levada has published nothing on {}", request.target))
            .hint("start with levada run");
        return Err(problem.into());
    };
    let age = status.as_of.as_deref().and_then(|as_of| age(as_of, Timestamp::now()));
    let rollups = shape::rollups(&request.target).await?;
    let data = serde_json::json!({ "age_seconds": age, "status": status, "rollups": rollups });
    ui.data("status", &data);
    ui.say(&render(&status, age, &file.zone()?));
    if !rollups.is_empty() {
        ui.say(&render_rollups(&rollups, &file.zone()?));
    }
    Ok(Outcome::Clean)
}

/// Seconds since a moment.
fn age(as_of: &str, now: Timestamp) -> Option<i64> {
    let as_of: Timestamp = as_of.parse().ok()?;
    Some(now.as_second() - as_of.as_second())
}

fn render(status: &Status, age: Option<i64>, zone: &TimeZone) -> String {
    let shown = |moment: &Option<String>| {
        moment::shown(moment.as_deref().unwrap_or("an unknown moment"), zone)
    };
    let rows: Vec<Vec<String>> = status.tables.iter().map(row).collect();
    let header = ["table", "mode", "rows", "by", "inserted", "updated", "deleted"];
    let mut lines = vec![
        format!(
            "edition {}, as of {}, {} old; published {}",
            status.edition,
            shown(&status.as_of),
            age.map_or("of unknown age".to_owned(), spoken),
            shown(&status.published_at)
        ),
        String::new(),
        ui::table(&header, &rows),
    ];
    let reasons: Vec<String> = status
        .tables
        .iter()
        .filter_map(|table| Some(format!("  {}: {}", table.name, table.next.as_ref()?)))
        .collect();
    if let Some(next) = &status.next {
        lines.push(String::new());
        lines.push(next.message.clone());
        lines.extend(next.detail.iter().map(|detail| format!("  {detail}")));
    } else if !reasons.is_empty() {
        lines.push(String::new());
        lines.push("not by changes alone, next time:".to_owned());
        lines.extend(reasons);
    }
    lines.join("\n")
}

fn row(table: &TableStatus) -> Vec<String> {
    let count = |rows: i64| text::count(rows.max(0) as u64);
    vec![
        table.name.clone(),
        table.mode.clone(),
        table.rows.map_or("-".to_owned(), count),
        table.method.clone(),
        count(table.inserted),
        count(table.updated),
        count(table.deleted),
    ]
}

fn render_rollups(rollups: &[RollupStatus], zone: &TimeZone) -> String {
    let rows = rollups.iter().map(|rollup| {
        let through = rollup.closed_through.as_deref().map(|at| moment::shown(at, zone));
        let states = [
            (rollup.open, "open"),
            (rollup.provisional, "provisional"),
            (rollup.failed, "failed"),
            (rollup.gaps, "missing"),
        ];
        let states = states.iter().filter(|(count, _)| *count > 0);
        let states = states.map(|(count, state)| format!("{count} {state}"));
        vec![
            rollup.name.clone(),
            rollup.version.to_string(),
            rollup.closed_bucket.clone().unwrap_or_else(|| "-".to_owned()),
            through.unwrap_or_else(|| "-".to_owned()),
            states.collect::<Vec<_>>().join(", "),
        ]
    });
    let header = ["rollup", "version", "last complete", "complete through", "other buckets"];
    format!("\n{}", ui::table(&header, &rows.collect::<Vec<_>>()))
}

/// `2 d 3 h`, `5 min`, `12 s`.
fn spoken(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let smallest = match seconds {
        0..60 => Unit::Second,
        60..7200 => Unit::Minute,
        _ => Unit::Hour,
    };
    let round = SpanRound::new().largest(Unit::Day).smallest(smallest).days_are_24_hours();
    let span = jiff::Span::new().seconds(seconds);
    span.round(round).map_or_else(|_| format!("{seconds} s"), |span| format!("{span:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_two_parts() {
        assert_eq!(spoken(12), "12s");
        assert_eq!(spoken(300), "5m");
        assert_eq!(spoken(2 * 86_400 + 3 * 3600 + 5), "2d 3h");
    }
}
