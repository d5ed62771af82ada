//! How a refresh is told: what changed in which table, and what a person should look at.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use refresh::{Refreshed, TableReport};
use report::text;

use crate::moment;
use crate::outcome::Outcome;
use crate::ui::{self, Ui};

/// Prints the summary; changes that were not carried make the outcome "found".
pub(crate) fn summary(report: &Refreshed, ui: &Ui, zone: &TimeZone) -> Outcome {
    let changed: Vec<&TableReport> =
        report.tables.iter().filter(|table| changes(table) > 0).collect();
    if !changed.is_empty() {
        ui.say(&table(&changed));
    }
    for ((method, reason), tables) in by_reason(&report.tables) {
        let names = match tables.as_slice() {
            [first, second, third, rest @ ..] if !rest.is_empty() => {
                format!("{first}, {second}, {third} and {} more", rest.len())
            }
            few => few.join(", "),
        };
        ui.say(&format!("by {method}, because {reason}: {names}"));
    }
    let as_of = moment::shown(report.as_of.as_deref().unwrap_or("an unknown moment"), zone);
    ui.say(&format!(
        "edition {} published: {} changed in {} of {}, {} in all, in {}, as of {as_of}",
        report.edition,
        text::counted((report.inserted + report.updated + report.deleted) as u64, "row"),
        changed.len(),
        text::counted(report.tables.len() as u64, "table"),
        text::count(report.rows.max(0) as u64),
        text::duration(Duration::from_secs_f64(report.seconds)),
    ));
    let ignored: Vec<String> = report.tables.iter().filter_map(ignored).collect();
    for line in &ignored {
        ui.say(line);
    }
    match ignored.is_empty() {
        true => Outcome::Clean,
        false => Outcome::Found,
    }
}

/// The tables that did not come by their changes alone.
fn by_reason(tables: &[TableReport]) -> BTreeMap<(&str, &str), Vec<&str>> {
    let mut groups: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for table in tables {
        if let Some(reason) = &table.reason {
            groups.entry((table.method, reason)).or_default().push(&table.name);
        }
    }
    groups
}

fn changes(table: &TableReport) -> i64 {
    table.inserted + table.updated + table.deleted
}

fn table(changed: &[&TableReport]) -> String {
    let rows = changed.iter().map(|table| {
        let count = |rows: i64| text::count(rows.max(0) as u64);
        vec![
            table.name.clone(),
            count(table.inserted),
            count(table.updated),
            count(table.deleted),
            count(table.rows),
        ]
    });
    ui::table(&["table", "inserted", "updated", "deleted", "rows"], &rows.collect::<Vec<_>>())
}

/// What mode `append` saw and did not carry.
fn ignored(table: &TableReport) -> Option<String> {
    let (changed, deleted) = (table.ignored_changed, table.ignored_deleted);
    if changed + deleted == 0 {
        return None;
    }
    Some(format!(
        "{}: mode append does not carry that {} changed and {} deleted on the source; use mode \
         refresh to carry it",
        table.name,
        were(changed),
        were(deleted)
    ))
}

fn were(rows: i64) -> String {
    let verb = if rows == 1 { "was" } else { "were" };
    format!("{} {verb}", text::counted(rows.max(0) as u64, "row"))
}
