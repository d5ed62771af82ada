//! The `[[rollup]]` section: what a person declares of a statistic.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::calendar::Grain;

/// One `[[rollup]]` section: measures per bucket of a calendar and per dimensions, or, without a
/// calendar, per dimensions alone. It is the table of this name in the reports schema.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rollup {
    /// The name of the table in the reports schema.
    pub name: String,
    /// The table whose rows are counted. Give this, or `tables` with `sql`, or `of`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// The tables that `sql` reads: a list, called by their names without schema, or names of your
    /// choice: { live = "public.notifications", old = "public.notification_history" }.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tables: Option<Tables>,
    /// A query over `tables`, by the names given there: joins, conditions and UNION ALL, without
    /// aggregates. A query that ends in ".sql" is a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
    /// Another rollup, of a finer grain, whose buckets are added up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// The column that says when a row happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The IANA zone in which a `timestamp` or `date` column is written; a `timestamptz` needs
    /// none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The `[[calendar]]` whose buckets are filled. Without one, rows are counted per `by` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
    /// How long a bucket is: "hour", "day", "week" or "month".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grain: Option<Grain>,
    /// The first day that counts, such as "2023-01-01". Rows before are reported. Default: that of
    /// the first row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts: Option<String>,
    /// How long after its end a bucket is still open, for rows that production writes late.
    pub grace: String,
    /// How long after its end a bucket is provisional, as its rows still change: "4 days", or per
    /// value of a dimension: { by = "type", values = { letter = "10 days" }, others = "4 days" }.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settles: Option<Settles>,
    /// How long after its end a bucket follows late changes. Then it is final: changes are reported
    /// and not carried. Default: for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restate_for: Option<String>,
    /// How long production keeps rows before it removes them. Buckets that begin earlier are never
    /// computed again, so that removed rows stay counted. Default: rows are not removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention: Option<String>,
    /// The columns whose values are counted apart. NULL is a value.
    pub by: Vec<String>,
    /// Only rows that this SQL condition selects are counted.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Running totals over all closed buckets, each per some of the dimensions; an empty list is
    /// the total of all.
    pub totals: Vec<Vec<String>>,
    /// What is counted: "count", { count_if = "condition" }, { sum = "expression" }, { min = … },
    /// { max = … }, { distinct = "expression", sketch = true }, { ratio = ["measure", "measure"] },
    /// and of another rollup { estimate = "distinct measure" }.
    pub measures: BTreeMap<String, Measure>,
}

impl Rollup {
    /// The path of the query's file, if it is one.
    pub(crate) fn sql_file(&self) -> Option<PathBuf> {
        self.sql.as_ref().filter(|sql| sql.trim().ends_with(".sql")).map(PathBuf::from)
    }
}

/// Tables by the names that a query uses.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Tables {
    List(Vec<String>),
    Named(BTreeMap<String, String>),
}

/// How long rows of a bucket still change.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Settles {
    All(String),
    By(SettlesBy),
}

/// The same per value of a dimension.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SettlesBy {
    /// The dimension.
    pub by: String,
    /// Its values, as text.
    pub values: BTreeMap<String, String>,
    /// All other values.
    pub others: String,
}

/// A measure of a rollup.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Measure {
    /// How many rows.
    Count,
    /// How many rows fulfil a condition.
    CountIf(String),
    /// The sum of an expression.
    Sum(String),
    /// Its smallest value.
    Min(String),
    /// Its largest value.
    Max(String),
    /// One measure divided by another: NULL where the second is 0.
    Ratio(String, String),
    /// How many different values, estimated from the sketches of a finer rollup.
    Estimate(String),
    /// How many different values, exactly.
    #[serde(untagged)]
    Distinct(Distinct),
}

impl Measure {
    /// The SQL in it, if any.
    pub(crate) fn expression(&self) -> Option<&str> {
        match self {
            Self::CountIf(sql) | Self::Sum(sql) | Self::Min(sql) | Self::Max(sql) => Some(sql),
            Self::Distinct(distinct) => Some(&distinct.distinct),
            Self::Count | Self::Ratio(..) | Self::Estimate(_) => None,
        }
    }
}

/// The exact number of different values in a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Distinct {
    /// The expression.
    pub distinct: String,
    /// Whether a sketch is kept beside it, from which coarser rollups estimate.
    #[serde(default)]
    pub sketch: bool,
}
