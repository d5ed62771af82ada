//! The `[[import]]` section, as a person writes it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// One `[[import]]` section.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// The name of the table in the reports schema.
    pub name: String,
    /// Where the records are fetched. Secrets stand in the environment: "${NAME}". Imports of the
    /// same url in one run fetch it once.
    #[serde(default)]
    pub url: Option<String>,
    /// The file with the records, instead of a url; relative to the folder of the configuration.
    #[serde(default)]
    pub file: Option<PathBuf>,
    /// "json" or "csv". Default: by the extension, else by what the server says.
    #[serde(default)]
    pub format: Option<Format>,
    /// Headers of the request. Secrets stand in the environment: "${NAME}".
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// JSON: the path to the records (RFC 9535).
    #[serde(default = "default_records")]
    pub records: String,
    /// The columns that name a record: never empty, never twice.
    #[serde(default)]
    pub key: Vec<String>,
    /// The columns: a type, or { path = "$.a.b", header = "A b", type = "text[]", null = true }.
    /// Types: text, integer, bigint, numeric, double precision, boolean, date, timestamptz,
    /// timestamp, uuid, jsonb, and arrays of them.
    #[serde(default)]
    pub columns: BTreeMap<String, Column>,
    /// The columns of each index besides the key.
    #[serde(default)]
    pub indexes: Vec<Vec<String>>,
    /// How the records are divided into several answers, if they are.
    #[serde(default)]
    pub page: Option<Paging>,
    /// JSON: the path to the number of records that the server means to give. Another number of
    /// records fails.
    #[serde(default)]
    pub total: Option<String>,
    /// The most records that the server gives in one answer. An answer with as many, and no other
    /// after it, fails: more may have been cut off.
    #[serde(default)]
    pub server_limit: Option<u64>,
    /// Whether no record at all is a good answer.
    #[serde(default)]
    pub allow_empty: bool,
    /// CSV: what divides fields.
    #[serde(default = "default_delimiter")]
    pub delimiter: String,
    /// CSV: what an empty field is, "null" or "text".
    #[serde(default)]
    pub empty: Empty,
    /// The most seconds that the whole import may take.
    #[serde(default = "default_timeout_seconds")]
    pub timeout_seconds: u64,
    /// The most records. One more fails: nothing is cut off in silence.
    #[serde(default = "default_rows_max")]
    pub rows_max: u64,
    /// The most bytes of all answers together.
    #[serde(default = "default_bytes_max")]
    pub bytes_max: u64,
    /// "fail": nothing is published when the import fails. "keep": the edition is published with
    /// the table as it was, and the run says so.
    #[serde(default)]
    pub on_failure: OnFailure,
}

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Json,
    Csv,
}

/// A column: where its values are, and what they are. A text alone is the type.
#[derive(Debug, Clone, Serialize)]
pub struct Column {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// JSON: the path from the record to the value (RFC 9535). Default: the member of the column's
    /// name.
    pub path: Option<String>,
    /// CSV: the header of the field. Default: the column's name.
    pub header: Option<String>,
    /// Whether the value may be missing or null.
    pub null: bool,
}

/// The long form, so that a typo in it is named.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LongColumn {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    header: Option<String>,
    #[serde(default)]
    null: bool,
}

impl<'de> Deserialize<'de> for Column {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ColumnVisitor)
    }
}

struct ColumnVisitor;

impl<'de> Visitor<'de> for ColumnVisitor {
    type Value = Column;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a type such as \"text\", or { path = \"$.a\", type = \"text\" }")
    }

    fn visit_str<E: serde::de::Error>(self, kind: &str) -> Result<Column, E> {
        Ok(Column { kind: kind.to_owned(), path: None, header: None, null: false })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Column, A::Error> {
        let long = LongColumn::deserialize(MapAccessDeserializer::new(map))?;
        let LongColumn { kind, path, header, null } = long;
        Ok(Column { kind, path, header, null })
    }
}

/// How the next answer is asked for.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Paging {
    /// By number, until an answer has no record.
    #[serde(rename = "page")]
    Number {
        /// The query parameter with the number.
        #[serde(default = "default_page_parameter")]
        parameter: String,
        /// The first number.
        #[serde(default = "default_first")]
        first: u64,
        /// What is added for the next: 1, or the size where records are counted.
        #[serde(default = "default_step")]
        step: u64,
        /// The query parameter with the size of a page.
        #[serde(default)]
        size_parameter: Option<String>,
        /// The size of a page.
        #[serde(default)]
        size: Option<u64>,
    },
    /// By what the answer says, until it says nothing.
    Cursor {
        /// The path to the next cursor in the document (RFC 9535).
        path: String,
        /// The query parameter that takes it.
        parameter: String,
        /// Whether a missing cursor ends the pages as null does. Otherwise it fails, because a
        /// wrong path looks the same.
        #[serde(default)]
        absent_ends: bool,
    },
    /// By the header `Link: <…>; rel="next"` (RFC 8288), until there is none.
    Link {},
}

/// What an empty field of a CSV is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Empty {
    #[default]
    Null,
    Text,
}

/// What a failing import does to the edition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    #[default]
    Fail,
    Keep,
}

fn default_records() -> String {
    "$[*]".to_owned()
}

fn default_delimiter() -> String {
    ",".to_owned()
}

fn default_timeout_seconds() -> u64 {
    180
}

fn default_rows_max() -> u64 {
    1_000_000
}

fn default_bytes_max() -> u64 {
    256 * 1024 * 1024
}

fn default_page_parameter() -> String {
    "page".to_owned()
}

fn default_first() -> u64 {
    1
}

fn default_step() -> u64 {
    1
}
