//! An answer: rows with what they are complete up to. JSON and CSV are written here.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::Timestamp;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::range::Range;
use crate::standing::{Version, WindowStanding};

/// Rows of one edition, and what is said of them.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) stat: String,
    pub(crate) version: Version,
    /// Names edition and definition in addresses.
    pub(crate) tag: String,
    pub(crate) as_of: Timestamp,
    /// All before is complete; `None` when nothing is.
    pub(crate) closed_through: Option<Timestamp>,
    /// When the numbers last changed.
    pub(crate) computed_at: Timestamp,
    /// It is all that was asked for, and none of it is missing.
    pub(crate) is_complete: bool,
    pub(crate) range: Option<Range>,
    /// The bounds of the window that it shows.
    pub(crate) window: Option<WindowStanding>,
    pub(crate) columns: Vec<Column>,
    /// One JSON object each, with the columns in their order, as PostgreSQL wrote it.
    pub(crate) rows: Vec<String>,
}

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) shape: Shape,
}

/// What a column's values look like in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Number,
    Boolean,
    Text,
    /// An instant, as RFC 3339.
    Instant,
    /// A day.
    Date,
    /// JSON, arrays, composites.
    Other,
}

/// Whether an answer is confirmed to be of the edition that readers see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    Fresh,
    /// It was right at that moment; the database has not confirmed it since.
    Stale {
        confirmed_at: Timestamp,
    },
    /// It was asked for by its edition: that never changes, whatever is published since.
    Fixed,
}

impl Answer {
    /// "fresh", "partial" (fresh, but not complete), "stale", or "fixed" (asked for by edition).
    pub(crate) fn state(&self, freshness: Freshness) -> &'static str {
        match freshness {
            Freshness::Stale { .. } => "stale",
            Freshness::Fixed => "fixed",
            Freshness::Fresh if self.is_complete => "fresh",
            Freshness::Fresh => "partial",
        }
    }

    /// Roughly how much memory it takes.
    pub(crate) fn bytes(&self) -> u32 {
        let rows: usize = self.rows.iter().map(|row| row.len() + 48).sum();
        let buckets = self.range.as_ref().map_or(0, |range| range.buckets.len() * 96);
        u32::try_from(rows + buckets + 512).unwrap_or(u32::MAX)
    }

    /// Everything but the rows.
    pub(crate) fn head(&self, freshness: Freshness) -> Value {
        let mut head = json!({
            "stat": self.stat,
            "edition": self.version.edition,
            "version": self.tag,
            "as_of": self.as_of.to_string(),
            "published_at": self.version.published_at.to_string(),
            "closed_through": self.closed_through.map(|at| at.to_string()),
            "computed_at": self.computed_at.to_string(),
            "state": self.state(freshness),
            "complete": self.is_complete,
        });
        if let Freshness::Stale { confirmed_at } = freshness {
            head["confirmed_at"] = json!(confirmed_at.to_string());
        }
        if let Some(range) = &self.range {
            let (first, last) = range.ends.clone().unzip();
            head["range"] = json!({
                "from": first,
                "to": last,
                "start": range.start.to_string(),
                "end": range.end.to_string(),
                "buckets": range.buckets.len(),
                "cut": range.is_cut,
            });
            let missing = range
                .missing()
                .map(|bucket| json!({ "bucket": bucket.label, "state": bucket.state.name() }));
            head["missing"] = missing.collect();
            head["provisional_from"] = json!(range.provisional_from());
        }
        if let Some(window) = &self.window {
            // A row is in it when after < its time <= through.
            head["window"] = json!({
                "after": window.lower_bound.to_string(),
                "through": window.upper_bound.to_string(),
            });
        }
        head
    }

    /// The whole answer as JSON, with `data` last.
    pub(crate) fn json(&self, freshness: Freshness) -> String {
        let mut text = self.head(freshness).to_string();
        text.pop();
        text += ",\"data\":[";
        for (place, row) in self.rows.iter().enumerate() {
            let _ = write!(text, "{}\n{row}", if place > 0 { "," } else { "" });
        }
        text += "]}\n";
        text
    }

    /// The rows as CSV, RFC 4180; what is said of them stands in headers of the response.
    pub(crate) fn csv(&self) -> anyhow::Result<Vec<u8>> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(self.columns.iter().map(|column| &column.name))?;
        for row in &self.rows {
            // Numbers keep all their digits: they are never read as floating point.
            let row: BTreeMap<String, &RawValue> = serde_json::from_str(row)?;
            let cells = self.columns.iter().map(|column| match row.get(&column.name) {
                Some(value) => cell(value.get()),
                None => Ok(String::new()),
            });
            writer.write_record(cells.collect::<serde_json::Result<Vec<String>>>()?)?;
        }
        writer.into_inner().map_err(|error| anyhow::anyhow!("{}", error.error()))
    }
}

/// NULL is nothing, text is itself, all else is JSON.
fn cell(value: &str) -> serde_json::Result<String> {
    match value.as_bytes().first() {
        Some(b'n') => Ok(String::new()),
        Some(b'"') => serde_json::from_str(value),
        _ => Ok(value.to_owned()),
    }
}
