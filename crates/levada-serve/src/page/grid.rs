//! The values of one figure: a row per place on the axis, a column per line. A bucket without rows
//! is zero where counts are shown and everything is there, never where something is missing. Pure.

use std::collections::HashMap;

use super::decimal::Decimal;
use super::period::Period;
use super::sheet::{BUCKET, Cell, Sheet};
use super::words::Writing;
use crate::config::{Figure, FigureKind, Unit};
use crate::standing::{BucketStanding, BucketState};

/// Places by series.
pub(crate) struct Grid {
    pub(crate) places: Vec<Place>,
    pub(crate) series: Vec<String>,
    /// By place, then by series.
    pub(crate) values: Vec<Vec<Option<Decimal>>>,
}

/// A place on the axis.
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) short: String,
    /// `None` for what is no bucket.
    pub(crate) period: Option<Period>,
    /// Its numbers are not all there.
    pub(crate) is_missing: bool,
    /// Its numbers may still change.
    pub(crate) is_provisional: bool,
}

impl Place {
    /// Where there is no axis.
    fn only() -> Self {
        let (name, short) = (String::new(), String::new());
        Self { name, short, period: None, is_missing: false, is_provisional: false }
    }

    /// A bucket.
    pub(crate) fn of(bucket: &BucketStanding, writing: Writing<'_>) -> Self {
        let period = Period::of(bucket);
        Self {
            name: writing.period(period),
            short: writing.short_period(period),
            period: Some(period),
            is_missing: !bucket.state.is_complete(),
            is_provisional: bucket.state == BucketState::Provisional,
        }
    }
}

/// Whether it has an axis.
fn is_drawn(figure: &Figure) -> bool {
    matches!(figure.kind, FigureKind::Line | FigureKind::Bar)
}

/// Why there is no grid: the rows do not fit the figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// A column that the answer does not have, or that holds no numbers.
    Column,
    /// A row of a bucket that is not in the range.
    Place,
    /// Two rows for one place of one series. Adding them up could count twice.
    Twice,
    /// More lines than can be told apart, or more numbers than a page can hold.
    TooMuch,
}

/// More lines cannot be told apart.
pub(super) const SERIES_MAX: usize = 4;
/// A page with more numbers in one figure would keep everybody waiting.
const VALUES_MAX: usize = 20_000;

impl Grid {
    pub(crate) fn new(
        sheet: &Sheet<'_>,
        figure: &Figure,
        writing: Writing<'_>,
    ) -> Result<Self, Unfit> {
        let x = sheet.place(figure.x.as_deref().unwrap_or(BUCKET));
        if x.is_none() && (figure.x.is_some() || is_drawn(figure)) {
            return Err(Unfit::Column);
        }
        let y: Option<Vec<usize>> = figure.y.iter().map(|column| sheet.place(column)).collect();
        let y = y.filter(|y| !y.is_empty()).ok_or(Unfit::Column)?;
        let by = figure.series.as_ref().map(|name| sheet.place(name).ok_or(Unfit::Column));
        let by = by.transpose()?;
        let is_dated = figure.x.as_deref().unwrap_or(BUCKET) == BUCKET;
        if let Some(x) = x
            && is_dated
            && !sheet.buckets().is_empty()
            && sheet.buckets_by(x).is_none()
        {
            return Err(Unfit::Place);
        }
        let (places, place_of) = match x {
            Some(x) => places(sheet, x, writing),
            None => (vec![Place::only()], vec![0; sheet.rows.len()]),
        };
        let keys = by.map(|by| keys(sheet, by, figure));
        let series: Vec<String> = match &keys {
            Some(keys) => keys.iter().map(|key| name_of(key.as_deref(), figure, writing)).collect(),
            None => figure.y.iter().map(|column| column_name(column, figure, writing)).collect(),
        };
        if (is_drawn(figure) && series.len() > SERIES_MAX)
            || places.len().saturating_mul(series.len()) > VALUES_MAX
        {
            return Err(Unfit::TooMuch);
        }
        let mut grid =
            Self { values: vec![vec![None; series.len()]; places.len()], places, series };
        let keys: Option<HashMap<_, _>> =
            keys.map(|keys| keys.into_iter().enumerate().map(|(at, key)| (key, at)).collect());
        let mut seen = vec![vec![false; grid.series.len()]; grid.places.len()];
        for (row, place) in sheet.rows.iter().zip(place_of) {
            for (number, column) in y.iter().enumerate() {
                let at = match (by, &keys) {
                    (Some(by), Some(keys)) => {
                        let key = row[by].key();
                        *keys.get(&key).ok_or(Unfit::Column)?
                    }
                    _ => number,
                };
                if std::mem::replace(&mut seen[place][at], true) {
                    return Err(Unfit::Twice);
                }
                grid.values[place][at] = match &row[*column] {
                    Cell::Nothing => None,
                    cell => Some(cell.number().ok_or(Unfit::Column)?),
                };
            }
        }
        grid.settle(&seen, figure.unit);
        Ok(grid)
    }

    /// Nothing is known of a missing place, whatever rows there are; of a complete bucket without
    /// rows, a count is zero.
    fn settle(&mut self, seen: &[Vec<bool>], unit: Unit) {
        for ((place, values), seen) in self.places.iter().zip(&mut self.values).zip(seen) {
            for (value, seen) in values.iter_mut().zip(seen) {
                if place.is_missing {
                    *value = None;
                } else if !seen && unit == Unit::Count && place.period.is_some() {
                    *value = Some(Decimal::ZERO);
                }
            }
        }
    }

    /// The values of a series.
    pub(crate) fn of(&self, series: usize) -> impl Iterator<Item = Option<Decimal>> + '_ {
        self.values.iter().map(move |values| values[series])
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.iter().flatten().flatten().next().is_none()
    }

    pub(crate) fn has_gaps(&self) -> bool {
        self.places.iter().any(|place| place.is_missing)
    }
}

/// The places of the axis, and that of each row: every bucket of the range, or what rows name.
fn places(sheet: &Sheet<'_>, x: usize, writing: Writing<'_>) -> (Vec<Place>, Vec<usize>) {
    if let Some(place_of) = sheet.buckets_by(x) {
        let places = sheet.buckets().iter().map(|bucket| Place::of(bucket, writing));
        return (places.collect(), place_of);
    }
    let mut known: Vec<&Cell> = Vec::new();
    let mut place_by: HashMap<Option<String>, usize> = HashMap::new();
    let place_of = sheet.rows.iter().map(|row| {
        *place_by.entry(row[x].key()).or_insert_with(|| {
            known.push(&row[x]);
            known.len() - 1
        })
    });
    let place_of = place_of.collect();
    let places = known.iter().map(|cell| {
        let name = match cell {
            Cell::Nothing => writing.words().none.to_owned(),
            cell => cell.write(writing, Unit::Number),
        };
        Place { short: name.clone(), name, ..Place::only() }
    });
    (places.collect(), place_of)
}

/// In an order that does not depend on the numbers, so that a line keeps its colour from day to
/// day; series with a name are there also without rows.
fn keys(sheet: &Sheet<'_>, by: usize, figure: &Figure) -> Vec<Option<String>> {
    let named = figure.series_names.keys().map(|key| Some(key.clone()));
    let mut keys: Vec<Option<String>> = sheet.rows.iter().map(|row| row[by].key()).collect();
    keys.extend(named);
    // What has no value comes last.
    keys.sort_by(|one, other| (one.is_none(), one).cmp(&(other.is_none(), other)));
    keys.dedup();
    keys
}

fn name_of(key: Option<&str>, figure: &Figure, writing: Writing<'_>) -> String {
    let Some(key) = key else { return writing.words().none.to_owned() };
    let name = figure.series_names.get(key);
    name.map_or(key, |name| name.get(writing.language.code())).to_owned()
}

/// What a column is called.
pub(crate) fn column_name(column: &str, figure: &Figure, writing: Writing<'_>) -> String {
    if let Some(name) = figure.columns.get(column) {
        return name.get(writing.language.code()).to_owned();
    }
    let own = writing.words().columns.iter().find(|(name, _)| *name == column);
    if let Some((_, name)) = own {
        return (*name).to_owned();
    }
    let spaced = column.replace('_', " ");
    let mut letters = spaced.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}
