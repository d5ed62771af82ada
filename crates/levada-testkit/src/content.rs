//! What is in a database, told by an outsider.
//!
//! Responsible for: an independent digest of every table, sequence, materialised view and large
//! object, to judge copies by. Must not: share a line with the digests of levada itself.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use crate::database::Database;

const STATEMENTS: &str = include_str!("content.sql");
/// Everything that changes how a value reads as text.
const ONE_SPELLING: &str = "set search_path = pg_catalog; set timezone = 'UTC'; \
    set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres'; set extra_float_digits = 1; \
    set bytea_output = 'hex'; set lc_monetary = 'C'; set xmloption = 'content';";

/// Digests by name: `table public."Answers"`, `sequence …`, `materialized view …`,
/// `large object 123`. Partitions count as tables, their parents do not; nothing of extensions or
/// of the schema `levada` is told.
pub type Content = BTreeMap<String, TableDigest>;

/// How many rows, and a sum over them that does not depend on their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDigest {
    /// The number of rows.
    pub rows: u64,
    /// A digest of all the values; of a sequence, its state.
    pub digest: String,
}

impl Database {
    /// Digests of everything in this database, all taken from one snapshot.
    ///
    /// Equal contents give equal digests on all supported versions, as long as types write
    /// their values alike.
    pub fn content(&self) -> Result<Content> {
        let statements = self.query_rows(STATEMENTS)?.concat();
        let script = format!(
            "{ONE_SPELLING}\nbegin isolation level repeatable read read only;\n{};\ncommit;",
            statements.join(";\n")
        );
        // One result set per statement, and only within one are rows ended by our separator.
        let script = format!("\\pset recordsep_zero on\n{script}");
        let answer = self.psql(&format!("\\pset fieldsep '\\x1f'\n{script}"))?;
        answer.split_terminator('\0').map(digest_of).collect()
    }

    /// The rows of one table, by its quoted name, as in `table public."Answers"`.
    pub fn count(&self, table: &str) -> Result<u64> {
        let answer = self.psql(&format!("select count(*) from {table}"))?;
        answer.trim().parse().with_context(|| format!("{answer:?} is not a number of rows"))
    }
}

fn digest_of(row: &str) -> Result<(String, TableDigest)> {
    let mut fields = row.split('\u{1f}');
    let mut field = || fields.next().with_context(|| format!("cannot read a digest in {row:?}"));
    let (name, rows, digest) = (field()?, field()?, field()?);
    Ok((name.to_owned(), TableDigest { rows: rows.parse()?, digest: digest.to_owned() }))
}
