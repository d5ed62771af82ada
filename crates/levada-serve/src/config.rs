//! The sections `[serve]`, `[brand]`, `[[stat]]` and `[[page]]`: what a person declares of what is
//! served. Values only; `catalogue` gives them their meaning.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The `[serve]` section.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Serve {
    /// Where pages and statistics are served. TLS is the business of a proxy in front.
    pub listen: String,
    /// The reporting database, by a role that may only read it. Default: [target] url.
    pub url: String,
    /// Where visitors find the server, such as "https://statistics.example". Empty: unknown.
    pub public_url: String,
    /// How many queries run at the same time.
    pub connections: usize,
    /// After this the server of the database ends a query.
    pub statement_timeout_ms: u32,
    /// After this a visitor is told to come again.
    pub deadline_ms: u32,
    /// How long a query waits for its turn and a session before visitors are told to come again.
    pub wait_ms: u32,
    /// How many queries may wait for their turn.
    pub queue: usize,
    /// How many queries one client may cause in a second. What is known already is not limited.
    pub queries_per_second: u32,
    /// How many it may cause at once.
    pub burst: u32,
    /// How many proxies stand in front, each adding to X-Forwarded-For. 0: that header is ignored.
    pub trusted_proxies: u32,
    /// How long browsers and proxies may keep an answer without asking again: 0 to 60.
    pub max_age_seconds: u32,
    /// How long answers that cannot be confirmed are shown, with a notice.
    pub stale_minutes_max: u32,
    /// How often the edition is looked up, besides being told of it: 1 to 60.
    pub poll_seconds: u32,
    /// How much memory answers may take.
    pub cache_megabytes: u32,
    /// How many connections of visitors are open at the same time. When all are, who has been
    /// silent for longest makes room.
    pub visitors: usize,
    /// Who says nothing for so long, or takes an answer more slowly than 64 KiB in that time, is
    /// disconnected.
    pub silence_seconds: u32,
    /// More rows than this are no answer.
    pub rows_max: u32,
    /// The languages of pages, the first where a visitor prefers none of them: "en", "fr".
    pub languages: Vec<String>,
    /// Where the operator's console is served: "127.0.0.1:8081". Empty: nowhere.
    pub console_listen: String,
    /// What opens the console: "${LEVADA_CONSOLE_TOKEN}", at least 16 letters.
    pub console_token: String,
}

impl Default for Serve {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            url: String::new(),
            public_url: String::new(),
            connections: 4,
            statement_timeout_ms: 1500,
            deadline_ms: 2000,
            wait_ms: 200,
            queue: 64,
            queries_per_second: 20,
            burst: 40,
            trusted_proxies: 0,
            max_age_seconds: 0,
            stale_minutes_max: 360,
            poll_seconds: 5,
            cache_megabytes: 64,
            visitors: 2048,
            silence_seconds: 10,
            rows_max: 10_000,
            languages: vec!["en".to_owned(), "fr".to_owned()],
            console_listen: String::new(),
            console_token: String::new(),
        }
    }
}

/// The `[brand]` section: whose pages these are.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Brand {
    /// The name of the service, at the top of each page.
    pub service: Text,
    /// Who runs it, at the bottom of each page.
    pub organisation: Text,
    /// Where the name of the service leads to.
    pub home: String,
    /// A word such as "beta", beside the name.
    pub phase: Text,
    /// An SVG file, beside the name. Empty: none.
    pub logo: PathBuf,
    /// A CSS file that comes after levada's own: colours and fonts are custom properties. Empty:
    /// none.
    pub stylesheet: PathBuf,
    /// Links at the bottom: { "Accessibility" = "https://…" }.
    pub links: BTreeMap<String, String>,
}

/// What people read: the same in all languages, or { en = "…", fr = "…" }.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Text {
    /// The same in all languages.
    Same(String),
    /// By language.
    Each(BTreeMap<String, String>),
}

impl Default for Text {
    fn default() -> Self {
        Self::Same(String::new())
    }
}

impl Text {
    /// In a language, or in English, or in whatever there is.
    pub fn get(&self, language: &str) -> &str {
        match self {
            Self::Same(text) => text,
            Self::Each(texts) => texts
                .get(language)
                .or_else(|| texts.get("en"))
                .or_else(|| texts.values().next())
                .map_or("", String::as_str),
        }
    }

    /// Whether there is nothing to read.
    pub fn is_empty(&self) -> bool {
        self.get("en").is_empty()
    }
}

/// One `[[stat]]` section: a named question with bounded parameters, answered under
/// `/stats/NAME` as a page, `/stats/NAME.json` and `/stats/NAME.csv`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stat {
    /// The name in addresses: small letters, digits, hyphens and underscores.
    pub name: String,
    /// What people read: "…", or { en = "…", fr = "…" }.
    pub title: Text,
    /// A sentence or two of explanation.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub description: Text,
    /// The rollup that is shown, without any SQL. Give this, or `window`, or `sql`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollup: Option<String>,
    /// The window that is shown, without any SQL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<String>,
    /// One SELECT with :name for each parameter. A query that ends in ".sql" is a file. For ranges
    /// there are :range_start and :range_end (timestamptz, the end not included), :first_bucket and
    /// :last_bucket (text); :closed_through and :as_of always.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sql: Option<String>,
    /// The rollups that `sql` reads: the statistic is complete as far as all of them are.
    pub rollups: Vec<String>,
    /// Of a rollup: the dimensions that are told apart. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<Vec<String>>,
    /// Of a rollup: the measures that are shown; of a window: the columns. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measures: Option<Vec<String>>,
    /// Of a rollup: the dimensions that visitors may ask for by value, each a parameter.
    pub filter: Vec<String>,
    /// The range: { default = 7, max = 90 } are the last so many complete buckets, asked for as
    /// ?last=7, or ?days=7 with name = "days"; ?from= and ?to= name buckets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Last>,
    /// Parameters of `sql`: { kind = { type = "text", values = ["sms", "email"] } }.
    pub params: BTreeMap<String, Parameter>,
    /// Whether it has a page of its own among those that are listed.
    pub page: bool,
    /// How a page shows it, in order. Default: a table.
    pub figures: Vec<Figure>,
}

/// A range that ends with the last complete bucket.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Last {
    /// How many buckets, when nobody asks for others.
    pub default: u32,
    /// How many at most.
    pub max: u32,
    /// What the parameter is called.
    #[serde(default = "last")]
    pub name: String,
}

fn last() -> String {
    "last".to_owned()
}

/// A parameter: typed and bounded, never part of the text of a query.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// "integer", "text", "date" or "boolean".
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Without it, the parameter must be given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Scalar>,
    /// The smallest integer or the first date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Scalar>,
    /// The largest integer or the last date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Scalar>,
    /// The texts that are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// A query for the texts that are known, asked once per edition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values_from: Option<String>,
    /// What people read.
    #[serde(default, skip_serializing_if = "Text::is_empty")]
    pub title: Text,
}

/// The type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A whole number of 64 bits, between `min` and `max`.
    Integer,
    /// One of `values` or `values_from`.
    Text,
    /// A day as 2025-01-31, between `min` and `max`.
    Date,
    /// "true" or "false".
    Boolean,
}

/// A value of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Scalar {
    /// true or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A text, or a day.
    Text(String),
}

impl std::fmt::Display for Scalar {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Boolean(value) => value.fmt(out),
            Self::Integer(value) => value.fmt(out),
            Self::Text(value) => value.fmt(out),
        }
    }
}

/// One figure of a page: a heading, a chart, and the table behind it.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Figure {
    /// "table", "line", "bar" or "number".
    pub kind: FigureKind,
    /// The heading, which states the finding: "{sum notifications} messages in {buckets} days".
    pub finding: Text,
    /// The column along the horizontal axis. Default: bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    /// The columns that are drawn, or the number that is shown.
    pub y: Vec<String>,
    /// The column whose values are drawn as lines of their own, four at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// "count" (nothing is 0), "percent" (of 0 to 1) or "number".
    pub unit: Unit,
    /// What columns are called: { messages = { en = "Messages", fr = "Messages" } }.
    pub columns: BTreeMap<String, Text>,
    /// What the values of `series` are called: { sms = { en = "Text messages", fr = "SMS" } }.
    pub series_names: BTreeMap<String, Text>,
}

/// How a figure is drawn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FigureKind {
    /// A table alone.
    #[default]
    Table,
    /// A line per series, with gaps where nothing is known, and a table.
    Line,
    /// Bars, and a table.
    Bar,
    /// One large number.
    Number,
}

/// How numbers are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// How often something was: where a complete bucket has no row, it was not at all, 0.
    Count,
    /// A share of 0 to 1, with one decimal.
    Percent,
    /// As it is, and unknown where a bucket has no row.
    #[default]
    Number,
}

/// One `[[page]]` section: statistics on one page, `/pages/NAME`, all up to the same moment.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Page {
    /// The name in addresses.
    pub name: String,
    /// The heading of the page.
    pub title: Text,
    /// A sentence or two below it.
    #[serde(skip_serializing_if = "Text::is_empty")]
    pub description: Text,
    /// The statistics, in order.
    pub stats: Vec<String>,
}
