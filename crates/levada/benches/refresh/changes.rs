//! What happens to the databases between two refreshes, and the bit that is flipped by hand.
//!
//! Responsible for: changes that are the same for the same seed. Must not: measure, or run levada.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;
use testkit::Database;

use crate::stage::database::Subject;

/// How many rows a day's work touched, over all tables.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Changed {
    pub(crate) inserted: u64,
    pub(crate) updated: u64,
    pub(crate) deleted: u64,
}

/// Changes 1 % of the rows, adds 0.5 % and deletes `deletes` of a thousand. `seed` decides which.
pub(crate) fn make(
    subject: Subject,
    source: &Database,
    seed: u64,
    deletes: u64,
) -> Result<Changed> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("benches/refresh/{}_changes.sql", subject.name()));
    let variables = [("seed", seed.to_string()), ("deletes", deletes.to_string())];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let mut changed = Changed::default();
    for line in source.load_file(&script, &variables)?.lines() {
        let (what, rows) = line.split_once('|').context("a change does not say what it did")?;
        let sum = match what {
            "inserted" => &mut changed.inserted,
            "updated" => &mut changed.updated,
            _ => &mut changed.deleted,
        };
        *sum += rows.parse::<u64>()?;
    }
    Ok(changed)
}

/// The table with the most rows, by its name in the schema `public`.
pub(crate) fn biggest(subject: Subject) -> &'static str {
    match subject {
        Subject::Engagement => "engagement_event",
        Subject::Learning => "knowledge-elements",
    }
}

/// One field of one row in the middle of the biggest table.
pub(crate) struct Spot {
    table: &'static str,
    column: &'static str,
    key: String,
}

impl Spot {
    pub(crate) fn choose(subject: Subject, database: &Database) -> Result<Self> {
        let table = biggest(subject);
        let column = match subject {
            Subject::Engagement => "action",
            Subject::Learning => "status",
        };
        let key = database.psql(&format!(
            "select min(id) from \"{table}\" \
             where id >= (select (min(id) + max(id)) / 2 from \"{table}\")"
        ))?;
        Ok(Self { table, column, key: key.trim().to_owned() })
    }

    /// Flips the lowest bit of the first letter; a second time sets it right again.
    pub(crate) fn flip(&self, database: &Database) -> Result<()> {
        let Self { table, column, key } = self;
        database.execute(&format!(
            "update \"{table}\" \
             set {column} = chr(ascii({column}) # 1) || substr({column}, 2) where id = {key}"
        ))
    }

    /// Which of table, key and column do not stand in `text`.
    pub(crate) fn missing_in(&self, text: &str) -> Vec<String> {
        let words: Vec<&str> = text
            .split(|letter: char| !letter.is_alphanumeric() && !"_-".contains(letter))
            .collect();
        let parts = [("table", self.table), ("key", self.key.as_str()), ("column", self.column)];
        let missing = parts.into_iter().filter(|(_, name)| !words.contains(name));
        missing.map(|(part, name)| format!("{part} {name}")).collect()
    }
}
