//! The `[copy]` section: what a person may decide about a copy.

use serde::{Deserialize, Serialize};

/// The `[copy]` section of `levada.toml`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How many tables, ranges or indexes are worked on at once. 0 means one for each core.
    pub jobs: usize,
    /// What happens to foreign keys: "trusted" adds them without checking rows that were valid in
    /// production, "validate" checks them again, "omit" leaves them out.
    pub foreign_keys: ForeignKeys,
    /// Tables to copy: exact names or globs, `table` or `schema.table`. Empty means all.
    pub include: Vec<String>,
    /// Tables to leave out, with the views that read them. A pattern that matches nothing is an
    /// error.
    pub exclude: Vec<String>,
    /// Extensions to create on the target besides those that levada knows.
    pub extensions: Vec<String>,
    /// Extensions of the source that the target shall do without.
    pub omit_extensions: Vec<String>,
    /// Whether large objects are copied.
    pub large_objects: bool,
    /// Large tables are read in ranges of this size, in MiB: those well above one worker's share of
    /// all bytes, or eight times larger than a range.
    pub range_mib: u64,
    /// How often an idle session shows a sign of life, in seconds.
    pub heartbeat_seconds: u64,
    /// How long publishing waits for readers of the old edition, in seconds.
    pub publish_wait_seconds: u64,
    /// How long a run waits for a source that is behind the published edition, such as a replica
    /// that lags, in seconds. The target never goes back in time.
    pub source_wait_seconds: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            jobs: 0,
            foreign_keys: ForeignKeys::Trusted,
            include: Vec::new(),
            exclude: Vec::new(),
            extensions: Vec::new(),
            omit_extensions: Vec::new(),
            large_objects: true,
            range_mib: 128,
            heartbeat_seconds: 30,
            publish_wait_seconds: 600,
            source_wait_seconds: 60,
        }
    }
}

impl Config {
    /// The number of workers, at least one.
    pub fn workers(&self) -> usize {
        match self.jobs {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            jobs => jobs,
        }
    }
}

/// What happens to foreign keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ForeignKeys {
    /// Added `NOT VALID` after the data: instant, enforced for later writes.
    Trusted,
    /// Added and validated.
    Validate,
    /// Left out.
    Omit,
}

/// One `[tables."…"]` section: what deviates from the default for a table and its partitions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rule {
    /// "refresh" carries changed rows, "append" new rows only and reports all other changes,
    /// "reload" reads all rows each time, "schema" copies the definition only, "skip" leaves the
    /// table out.
    pub mode: Mode,
    /// Only rows that this SQL condition selects are carried, such as "created_at >= '2024-01-01'".
    /// A row that no longer fulfils it is deleted from the target.
    #[serde(rename = "where")]
    pub filter: Option<String>,
    /// "mirror" deletes what production deletes, "keep" lets deleted rows stay in the target.
    pub deletes: Deletes,
    /// Percentage to which the pages of the table are filled. 90 leaves room to change rows in
    /// place; 100 packs them.
    pub fillfactor: Option<u8>,
}

/// What a row deleted in production means for the target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Deletes {
    /// It is deleted from the target.
    #[default]
    Mirror,
    /// It stays in the target.
    Keep,
}

impl Deletes {
    /// The word in configuration and records.
    pub fn label(self) -> &'static str {
        match self {
            Self::Mirror => "mirror",
            Self::Keep => "keep",
        }
    }
}

/// How a table reaches the target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Copied with its rows, and brought up to date by what has changed.
    #[default]
    Refresh,
    /// New rows are carried; a change of an old one is reported and not carried.
    Append,
    /// All rows are read each time.
    Reload,
    /// The definition without rows.
    Schema,
    /// Left out, with the views that read it.
    Skip,
}

impl Mode {
    /// Whether the rows come along, and not only the definition.
    pub fn has_rows(self) -> bool {
        matches!(self, Self::Refresh | Self::Append | Self::Reload)
    }

    /// The word in configuration, plans and records.
    pub fn label(self) -> &'static str {
        match self {
            Self::Refresh => "refresh",
            Self::Append => "append",
            Self::Reload => "reload",
            Self::Schema => "schema",
            Self::Skip => "skip",
        }
    }
}
