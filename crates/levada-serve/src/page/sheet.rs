//! The rows of an answer as values that a page can write, add up and draw. Pure.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::value::RawValue;

use super::decimal::Decimal;
use super::period::Period;
use super::words::Writing;
use crate::answer::{Answer, Shape};
use crate::config::Unit;
use crate::standing::BucketStanding;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    Nothing,
    Number(Decimal),
    Boolean(bool),
    Date(Date),
    Instant(Timestamp),
    Text(String),
}

/// Rows with their columns, without the bounds of buckets, which their labels tell.
pub(crate) struct Sheet<'a> {
    pub(crate) answer: &'a Answer,
    pub(crate) columns: Vec<&'a str>,
    pub(crate) rows: Vec<Vec<Cell>>,
    by_label: HashMap<&'a str, usize>,
    by_start: HashMap<Timestamp, usize>,
}

/// The column with the labels of buckets.
pub(crate) const BUCKET: &str = "bucket";

impl<'a> Sheet<'a> {
    /// # Errors
    /// A row that is no JSON object.
    pub(crate) fn read(answer: &'a Answer) -> anyhow::Result<Self> {
        let has_bucket = answer.columns.iter().any(|column| column.name == BUCKET);
        let is_shown = |name: &str| !(has_bucket && ["bucket_start", "bucket_end"].contains(&name));
        let columns = answer.columns.iter().filter(|column| is_shown(&column.name));
        let columns: Vec<_> = columns.collect();
        let rows = answer.rows.iter().map(|row| {
            let row: BTreeMap<String, &RawValue> = serde_json::from_str(row)?;
            let cells = columns.iter().map(|column| {
                row.get(&column.name).map_or(Cell::Nothing, |raw| Cell::of(raw.get(), column.shape))
            });
            Ok(cells.collect())
        });
        let rows = rows.collect::<anyhow::Result<_>>()?;
        let buckets = answer.range.iter().flat_map(|range| &range.buckets).enumerate();
        Ok(Self {
            answer,
            columns: columns.iter().map(|c| c.name.as_str()).collect(),
            rows,
            by_label: buckets.clone().map(|(at, bucket)| (bucket.label.as_str(), at)).collect(),
            by_start: buckets.map(|(at, bucket)| (bucket.start, at)).collect(),
        })
    }

    pub(crate) fn place(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|known| *known == column)
    }

    /// The buckets of the range; none where the answer has no range.
    pub(crate) fn buckets(&self) -> &'a [BucketStanding] {
        self.answer.range.as_ref().map_or(&[], |range| &range.buckets)
    }

    /// The bucket that a value names.
    pub(crate) fn bucket_of(&self, cell: &Cell) -> Option<usize> {
        match cell {
            Cell::Instant(at) => self.by_start.get(at).copied(),
            Cell::Date(date) => self.by_label.get(date.to_string().as_str()).copied(),
            Cell::Text(text) => self.by_label.get(text.as_str()).copied(),
            _ => None,
        }
    }

    /// The bucket that each row belongs to; `None` where one of them belongs to none.
    pub(crate) fn buckets_by(&self, column: usize) -> Option<Vec<usize>> {
        if self.buckets().is_empty() {
            return None;
        }
        self.rows.iter().map(|row| self.bucket_of(&row[column])).collect()
    }

    /// Whether what is shown is all there: only then may a sentence sum it up.
    pub(crate) fn is_whole(&self) -> bool {
        match &self.answer.range {
            Some(range) => {
                range.missing().next().is_none()
                    && !range.buckets.is_empty()
                    && (self.answer.is_complete || range.is_cut)
            }
            None => self.answer.is_complete,
        }
    }
}

impl Cell {
    fn of(raw: &str, shape: Shape) -> Self {
        let text = || serde_json::from_str::<String>(raw).unwrap_or_else(|_| raw.to_owned());
        match raw {
            "null" => return Self::Nothing,
            "true" => return Self::Boolean(true),
            "false" => return Self::Boolean(false),
            _ => {}
        }
        match shape {
            Shape::Number => Decimal::parse(raw).map_or_else(|| Self::Text(text()), Self::Number),
            Shape::Date => text().parse().map_or_else(|_| Self::Text(text()), Self::Date),
            Shape::Instant => text().parse().map_or_else(|_| Self::Text(text()), Self::Instant),
            _ => Self::Text(text()),
        }
    }

    pub(crate) fn number(&self) -> Option<Decimal> {
        match self {
            Self::Number(value) => Some(*value),
            _ => None,
        }
    }

    /// As people read it.
    pub(crate) fn write(&self, writing: Writing<'_>, unit: Unit) -> String {
        let words = writing.words();
        match self {
            Self::Nothing => "–".to_owned(),
            Self::Number(value) => writing.number(*value, unit),
            Self::Boolean(true) => words.yes.to_owned(),
            Self::Boolean(false) => words.no.to_owned(),
            Self::Date(date) => writing.date(*date),
            Self::Instant(at) => writing.period(Period::Hour(*at)),
            Self::Text(text) => text.clone(),
        }
    }

    /// The same for the same value: what series are told apart by.
    pub(crate) fn key(&self) -> Option<String> {
        match self {
            Self::Nothing => None,
            Self::Number(value) => {
                let (whole, fraction) = value.parts();
                let sign = if value.is_negative() { "-" } else { "" };
                Some(format!("{sign}{whole}.{fraction}").trim_end_matches('.').to_owned())
            }
            Self::Boolean(value) => Some(value.to_string()),
            Self::Date(date) => Some(date.to_string()),
            Self::Instant(at) => Some(at.to_string()),
            Self::Text(text) => Some(text.clone()),
        }
    }
}
