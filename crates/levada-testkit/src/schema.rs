//! The definitions in a database, told by an outsider.
//!
//! Responsible for: one line per schema, table, column, index, constraint, view, sequence, type,
//! function, statistics object and comment, so that two databases can be compared line by line.
//! Must not: depend on `pg_dump`, which levada itself uses.

use std::collections::BTreeSet;
use std::fmt::Display;

use anyhow::Result;

use crate::database::Database;

const LISTING: &str = include_str!("schema.sql");

/// The lines of a schema, such as `column public.a.id: #1 bigint not null`.
pub type Schema = BTreeSet<String>;

impl Database {
    /// The definitions in this database, apart from what levada does not carry (owners, grants,
    /// triggers, policies) and from what belongs to extensions. Line feeds read `\n`.
    pub fn schema(&self) -> Result<Schema> {
        Ok(self.query_rows(LISTING)?.into_iter().flatten().collect())
    }

    /// Like [`Database::schema`], but foreign keys read the same whether they were validated.
    pub fn schema_trusting_keys(&self) -> Result<Schema> {
        let trusted =
            |line: String| line.strip_suffix(" NOT VALID").map_or(line.clone(), Into::into);
        Ok(self.schema()?.into_iter().map(trusted).collect())
    }
}

/// What sets two sorted listings apart: lines of the left after `- `, of the right after `+ `.
/// Empty when they are equal.
pub fn difference<'a, T: Display + 'a>(
    left: impl IntoIterator<Item = &'a T>,
    right: impl IntoIterator<Item = &'a T>,
) -> String {
    let left: BTreeSet<String> = left.into_iter().map(ToString::to_string).collect();
    let right: BTreeSet<String> = right.into_iter().map(ToString::to_string).collect();
    let mut lines: Vec<(&String, char)> = left.difference(&right).map(|line| (line, '-')).collect();
    lines.extend(right.difference(&left).map(|line| (line, '+')));
    lines.sort();
    lines.iter().map(|(line, side)| format!("{side} {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_difference() {
        assert_eq!(difference(&["a", "b"], &["b", "c"]), "- a\n+ c\n");
        assert_eq!(difference(&["a"], &["a"]), "");
    }
}
