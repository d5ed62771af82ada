//! What many nights did to two targets, side by side.
//!
//! Responsible for: the table, and the record of the day. Must not: measure.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::nights::{Refresh, Variant};
use crate::stage::figures::{MEMORY_MIB_AIM, MIB, median};
use crate::stage::setup::Setup;

/// One refresh as it comes in.
pub(crate) fn line(fillfactor: u8, refresh: &Refresh) -> String {
    format!(
        "night {:>2}, fillfactor {fillfactor:>3}: {:>6.2} s, {:>6.0} MiB of log, heap {:.0} MiB, \
         indexes {:.0} MiB, {} dead rows; {} updated, {} inserted; {:.0} MiB",
        refresh.night,
        refresh.usage.wall_seconds,
        mib(refresh.wal_bytes),
        mib(refresh.sizes.heap_bytes),
        mib(refresh.sizes.index_bytes),
        refresh.sizes.dead_rows,
        refresh.changed.updated,
        refresh.changed.inserted,
        refresh.usage.memory_bytes_max as f64 / MIB,
    )
}

/// The table in Markdown.
pub(crate) fn whole(variants: &[Variant], rows: u64) -> String {
    let nights = variants.first().map_or(0, |variant| variant.refreshes.len());
    let mut lines = vec![
        format!(
            "**fillfactor over {nights} nights**, engagement, {} million events, six indexes",
            rows as f64 / 1e6
        ),
        String::new(),
        format!("| | {} |", each(variants, |variant| format!("{} %", variant.fillfactor))),
        format!("|---|{}|", vec!["---:"; variants.len()].join("|")),
    ];
    lines.extend(
        ROWS.iter().map(|(name, figure)| format!("| {name} | {} |", each(variants, figure))),
    );
    lines.join("\n")
}

type Figure = fn(&Variant) -> String;

const ROWS: &[(&str, Figure)] = &[
    ("refresh, first night", |variant| seconds(variant.refreshes.first().map(wall))),
    ("refresh, median", |variant| {
        let all: Vec<f64> = variant.refreshes.iter().map(wall).collect();
        seconds(median(&all))
    }),
    ("refresh, last night", |variant| seconds(variant.refreshes.last().map(wall))),
    ("heap after the first copy", |variant| size(variant.first.heap_bytes)),
    ("heap at the end", |variant| size(variant.last.heap_bytes)),
    ("indexes after the first copy", |variant| size(variant.first.index_bytes)),
    ("indexes at the end", |variant| size(variant.last.index_bytes)),
    ("dead rows at the end", |variant| variant.last.dead_rows.to_string()),
    ("autovacuums of the table", |variant| {
        (variant.last.autovacuums - variant.first.autovacuums).to_string()
    }),
    ("write-ahead log of the refreshes", |variant| {
        size(variant.refreshes.iter().map(|refresh| refresh.wal_bytes).sum())
    }),
    ("write-ahead log in all, autovacuum included", |variant| {
        size(variant.last.wal_bytes - variant.first.wal_bytes)
    }),
    ("updates in place (HOT)", |variant| {
        let updated = variant.last.updated - variant.first.updated;
        let in_place = variant.last.updated_in_place - variant.first.updated_in_place;
        format!("{:.0} %", 100.0 * in_place as f64 / updated.max(1) as f64)
    }),
    ("peak memory of levada", |variant| {
        let all = variant.refreshes.iter().map(|refresh| refresh.usage.memory_bytes_max);
        let mib = all.max().unwrap_or(0) as f64 / MIB;
        let missed = if mib > MEMORY_MIB_AIM { ", **aim missed**" } else { "" };
        format!("{mib:.0} MiB{missed}")
    }),
];

/// Writes the record of the day.
pub(crate) fn write(dir: &Path, setup: &Setup, variants: &[Variant], table: &str) -> Result<()> {
    let raw = serde_json::json!({ "setup": setup, "variants": variants });
    fs::write(dir.join("nights.json"), serde_json::to_string_pretty(&raw)? + "\n")?;
    let digests = match setup.digests {
        true => "every value and sequence of both targets is compared with the source by digest",
        false => "rows of both targets are counted, values are not compared",
    };
    let how = [
        format!(
            "{} nights of 1 % updates in a column without an index, spread over the heap, and \
             0.5 % inserts; then both targets are refreshed, the order changing from night to \
             night, each right after a checkpoint and `sync`",
            setup.rounds
        ),
        "a server for each target, so that its write-ahead log is its own; between nights \
         autovacuum does what it finds to do, with its defaults, but it looks each second because \
         a day is so short here"
            .to_owned(),
        format!("after the last night {digests}"),
    ];
    let files = "Made by `cargo bench -p levada --bench refresh -- --nights 30`; each night is in \
                 `nights.json`.";
    let page = setup.page("Fill factor over many nights", files, &how) + "\n" + table + "\n";
    Ok(fs::write(dir.join("nights.md"), page)?)
}

fn each(variants: &[Variant], figure: impl Fn(&Variant) -> String) -> String {
    let cells: Vec<String> = variants.iter().map(figure).collect();
    cells.join(" | ")
}

fn wall(refresh: &Refresh) -> f64 {
    refresh.usage.wall_seconds
}

fn seconds(value: Option<f64>) -> String {
    value.map_or(String::new(), |seconds| format!("{seconds:.2} s"))
}

fn size(bytes: i64) -> String {
    format!("{:.0} MiB", mib(bytes))
}

fn mib(bytes: i64) -> f64 {
    bytes as f64 / MIB
}
