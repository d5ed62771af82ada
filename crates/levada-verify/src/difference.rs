//! What a comparison found, as values. Values of rows are in them only when they were asked for;
//! keys always, as they say which rows are meant.

use std::collections::BTreeMap;

use pg::Name;
use serde::Serialize;

/// The judgement of a table or of everything. The order is the order of importance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Equal,
    /// It could not be told.
    Unknown,
    Differs,
}

/// What a comparison of two databases found.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    pub verdict: Verdict,
    /// The edition that the target was compared as.
    pub edition: Option<i32>,
    /// The moments that were compared, RFC 3339 in UTC.
    pub source_as_of: String,
    pub target_as_of: String,
    /// By name.
    pub tables: Vec<TableResult>,
    pub seconds: f64,
    pub was_interrupted: bool,
}

/// What was found about one table.
#[derive(Debug, Clone, Serialize)]
pub struct TableResult {
    #[serde(flatten)]
    pub table: Name,
    pub verdict: Verdict,
    /// Why nothing could be told, or what differs besides rows.
    pub reasons: Vec<String>,
    /// `None` where the rows were not counted.
    pub source_rows: Option<u64>,
    pub target_rows: Option<u64>,
    #[serde(flatten)]
    pub counts: Counts,
    /// Otherwise the counts are what was found before the comparison had seen enough.
    pub is_exact: bool,
    /// The columns of the key; empty where rows have no name.
    pub key: Vec<String>,
    /// Some of the keys that only one side has.
    pub missing_keys: Vec<Vec<String>>,
    pub extra_keys: Vec<Vec<String>>,
    /// Some of the changed rows.
    pub changed_rows: Vec<ChangedRow>,
    /// In how many of the changed rows that were looked at each column differs.
    pub columns: BTreeMap<String, u64>,
    pub looked_at: u64,
    pub seconds: f64,
}

/// How many rows differ, and how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Only the source has them.
    pub missing: u64,
    /// Only the target has them.
    pub extra: u64,
    /// Both have the key, with other values.
    pub changed: u64,
    /// Written on the source after the edition was read: no differences.
    pub changed_since: u64,
    /// Written while the edition was begun: perhaps before its snapshot, perhaps after.
    pub unclear: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: Self) {
        self.missing += other.missing;
        self.extra += other.extra;
        self.changed += other.changed;
        self.changed_since += other.changed_since;
        self.unclear += other.unclear;
    }
}

/// A row that both sides have, with the columns that differ.
#[derive(Debug, Clone, Serialize)]
pub struct ChangedRow {
    pub key: Vec<String>,
    pub columns: Vec<ChangedColumn>,
}

/// A column that differs in a row.
#[derive(Debug, Clone, Serialize)]
pub struct ChangedColumn {
    pub name: String,
    /// `None` unless values were asked for.
    #[serde(flatten)]
    pub values: Option<Values>,
}

/// A value on both sides, as text; `None` is NULL.
#[derive(Debug, Clone, Serialize)]
pub struct Values {
    pub source: Option<String>,
    pub target: Option<String>,
}

impl TableResult {
    /// Nothing is known yet.
    pub(crate) fn new(table: Name) -> Self {
        Self {
            table,
            verdict: Verdict::Equal,
            reasons: Vec::new(),
            source_rows: None,
            target_rows: None,
            counts: Counts::default(),
            is_exact: true,
            key: Vec::new(),
            missing_keys: Vec::new(),
            extra_keys: Vec::new(),
            changed_rows: Vec::new(),
            columns: BTreeMap::new(),
            looked_at: 0,
            seconds: 0.0,
        }
    }

    /// The judgement with its reason; a graver one stays.
    pub(crate) fn judge(&mut self, verdict: Verdict, reason: impl Into<String>) {
        self.verdict = self.verdict.max(verdict);
        self.reasons.push(reason.into());
    }
}
