//! What is kept of the benchmark: the circumstances, every sample, the table.
//!
//! Responsible for: `docs/benchmarks/<date>/refresh.*`. Must not: judge.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use serde::Serialize;

use crate::Options;
use crate::changes::Changed;
use crate::stage::database::Subject;
use crate::stage::measure::{Load, Usage};
use crate::stage::setup::Setup;
use crate::stage::tools::Tool;
use crate::table;

/// What is measured, in the order of a round and of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Deed {
    /// A full copy into a new database.
    Peer(Tool),
    /// levada's full copy.
    FirstCopy,
    /// `count(*)` of all tables on the source, each read from end to end by one session.
    Count,
    /// A refresh when nothing has changed.
    Unchanged,
    /// A refresh after updates and inserts.
    Changed,
    /// A refresh after updates, inserts and deletes.
    Deleted,
    /// The proof that both sides are equal.
    Verify,
    /// The same for the biggest table alone.
    VerifyBiggest,
    /// The proof when one field of one row differs.
    Flipped,
}

/// One deed, once.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Sample {
    pub(crate) database: Subject,
    /// Events or answers.
    pub(crate) scale: u64,
    pub(crate) deed: Deed,
    /// From 0.
    pub(crate) round: usize,
    /// The commands, one after the other.
    pub(crate) stages: Vec<Usage>,
    pub(crate) load: Load,
    /// What had happened on the source since the edition before.
    pub(crate) changed: Option<Changed>,
    pub(crate) wire: Option<Wire>,
    /// What was wrong with the answer.
    pub(crate) complaint: Option<String>,
}

/// What went over the network in both directions.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Wire {
    pub(crate) source_bytes: u64,
    pub(crate) target_bytes: u64,
}

impl Sample {
    pub(crate) fn wall_seconds(&self) -> f64 {
        self.stages.iter().map(|stage| stage.wall_seconds).sum()
    }

    pub(crate) fn memory_bytes_max(&self) -> u64 {
        self.stages.iter().map(|stage| stage.memory_bytes_max).max().unwrap_or(0)
    }
}

/// Writes the record of the day and returns its folder.
pub(crate) fn write(setup: &Setup, samples: &[Sample], options: &Options) -> Result<PathBuf> {
    let dir = setup.folder(options.record.as_deref(), options.is_whole())?;
    let raw = serde_json::json!({ "setup": setup, "samples": samples });
    fs::write(dir.join("refresh.json"), serde_json::to_string_pretty(&raw)? + "\n")?;
    let tables: Vec<String> =
        samples.chunk_by(|one, other| one.database == other.database).map(table::whole).collect();
    let page = page(setup) + "\n" + &tables.join("\n\n") + "\n";
    fs::write(dir.join("refresh.md"), page)?;
    Ok(dir)
}

fn page(setup: &Setup) -> String {
    let digests = match setup.digests {
        true => "and in the first round every value and sequence by digest",
        false => "values were not compared",
    };
    let how = [
        format!(
            "{} rounds; each begins with the source as it was generated and an empty target, so \
             that rounds differ only in which rows are changed; checkpoint on both servers and \
             `sync` before each measurement",
            setup.rounds
        ),
        "in each round: the full copy of each peer; levada's first copy; VACUUM of the target, as \
         autovacuum does within a minute; count and unchanged refresh; changes and refresh; \
         changes with deletes and refresh; proof, once of all tables and once of the biggest; \
         one bit flipped on the target and proof"
            .to_owned(),
        "changes: 1 % of the rows of the tables that grow, spread over the heap, in a column \
         without an index; 0.5 % inserted; deletes: 0.1 %"
            .to_owned(),
        format!(
            "after each refresh rows, indexes, constraints and sequences are compared with the \
             source, {digests}"
        ),
        "the proofs run through forwarders that count bytes; all else connects directly".to_owned(),
        "source, target and tool on one machine, over TCP".to_owned(),
        "memory is the highest of the levada process itself in any round; CPU is the median of all \
         processes of a server, those that have ended included"
            .to_owned(),
    ];
    let files = "Made by `make bench`; each measurement is in `refresh.json`.";
    setup.page("Refresh and verify", files, &how)
}
