//! What an `[[enrich]]` section may say.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// One `[[enrich]]` section: a name, and exactly one of `index`, `view`, `view_file`, `columns`,
/// `materialized`, `materialized_file` and `sql`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Enrichment {
    /// What it is called; a view or table has this name in the reports schema.
    pub name: String,
    /// An index on a copied table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<IndexOn>,
    /// A view: its query. Bare names are those of the edition first, then of the reports schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view: Option<String>,
    /// A view whose query stands in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view_file: Option<PathBuf>,
    /// A view of a table with further columns: `of` names the table, every other entry a column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<Columns>,
    /// A table filled by this query, anew whenever what it reads has changed. Enums of the edition
    /// become text, domains their base type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub materialized: Option<String>,
    /// The same with the query in a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub materialized_file: Option<PathBuf>,
    /// A file of statements that run with each edition whose inputs changed. Bare names are those
    /// of the reports schema first, then of the edition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sql: Option<PathBuf>,
    /// Enrichments that come before this one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// Tables and views that it reads. For `materialized` those of the query are found without; a
    /// script runs with every edition unless it says what it reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reads: Option<Vec<String>>,
    /// Columns that name a row of a `materialized` table.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub key: Vec<String>,
    /// Indexes of a `materialized` table: a list of columns each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<Vec<String>>,
}

/// An index on a copied table: `columns` or `expression`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct IndexOn {
    /// The table: "public.answers".
    pub table: String,
    /// Columns, by their exact names.
    pub columns: Vec<String>,
    /// What is indexed, as SQL; functions by bare names.
    pub expression: Option<String>,
    /// Refuses equal entries: an edition that holds some is not published.
    pub unique: bool,
    /// Only rows that fulfil this condition.
    #[serde(rename = "where")]
    pub condition: Option<String>,
    /// "btree", "hash", "gin", "gist", "brin" or "spgist".
    pub method: Option<String>,
    /// Columns that are carried along.
    pub include: Vec<String>,
}

/// Columns added to those of a table.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Columns {
    /// The table: "public.answers".
    pub of: String,
    /// The columns that are added, by name; they follow those of the table, sorted by name.
    #[serde(flatten)]
    pub added: BTreeMap<String, Added>,
}

/// Where a column comes from.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Added {
    /// SQL over the columns of the table.
    Computed(String),
    /// The value of the row that matches in another table; NULL where none does.
    LookedUp(LookUp),
}

/// A look-up by a unique key of another table.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LookUp {
    /// The other table: "public.advisers".
    pub from: String,
    /// Columns of a unique key of the other table, each with the column of this one.
    #[serde(rename = "match")]
    pub matching: BTreeMap<String, String>,
    /// The column that is wanted.
    pub value: String,
}
