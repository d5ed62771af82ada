//! Figures of answers that are large, or named in ways that nobody expects.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::chart::Chart;
use super::grid::{Grid, Unfit};
use super::sheet::Sheet;
use super::table;
use super::words::Writing;
use crate::answer::{Answer, Column, Shape};
use crate::config::{Figure, FigureKind, Unit};
use crate::http::Language;
use crate::range::Range;
use crate::standing::{BucketStanding, BucketState, Version};

/// So many days, each with so many kinds of which one has happened once.
fn answer(days: i64, kinds: usize) -> Answer {
    let first = jiff::civil::date(2015, 1, 1);
    let day = |number: i64| first.checked_add(number.days()).unwrap();
    let instant = |date: Date| date.to_zoned(TimeZone::UTC).unwrap().timestamp();
    let buckets = (0..days).map(|number| BucketStanding {
        label: day(number).to_string(),
        start: instant(day(number)),
        end: instant(day(number + 1)),
        state: BucketState::Closed,
    });
    let rows = (0..days).flat_map(|number| {
        let row = move |kind| format!(r#"{{"bucket":"{}","kind":"k{kind}","n":1}}"#, day(number));
        (0..kinds).map(row)
    });
    let at: Timestamp = "2025-01-22T02:03:00Z".parse().unwrap();
    let column = |(name, shape): (&str, Shape)| Column { name: name.to_owned(), shape };
    let columns = [("bucket", Shape::Text), ("kind", Shape::Text), ("n", Shape::Number)];
    Answer {
        stat: "s".to_owned(),
        version: Version { edition: 3, published_at: at },
        tag: String::new(),
        as_of: at,
        closed_through: Some(instant(day(days))),
        computed_at: at,
        is_complete: true,
        range: Some(Range {
            ends: Some((day(0).to_string(), day(days - 1).to_string())),
            start: instant(day(0)),
            end: instant(day(days)),
            buckets: buckets.collect(),
            is_cut: false,
        }),
        window: None,
        columns: columns.map(column).into(),
        rows: rows.collect(),
    }
}

fn figure(kind: FigureKind, x: Option<&str>) -> Figure {
    let series = Some("kind".to_owned());
    let (x, y) = (x.map(str::to_owned), vec!["n".to_owned()]);
    Figure { kind, x, y, series, unit: Unit::Count, ..Figure::default() }
}

fn writing(zone: &TimeZone) -> Writing<'_> {
    Writing { language: Language::English, zone }
}

#[test]
fn every_row_finds_its_bucket() {
    let answer = answer(3650, 2);
    let sheet = Sheet::read(&answer).unwrap();
    let places: Vec<usize> = (0..7300).map(|row| row / 2).collect();
    assert_eq!(sheet.buckets_by(0), Some(places));
    let grid = Grid::new(&sheet, &figure(FigureKind::Line, None), writing(&TimeZone::UTC)).unwrap();
    assert_eq!((grid.places.len(), grid.series.len()), (3650, 2));
    assert!(grid.values.iter().flatten().all(Option::is_some));
}

#[test]
fn too_many_lines_make_a_table_that_ends() {
    let (answer, zone) = (answer(365, 50), TimeZone::UTC);
    let sheet = Sheet::read(&answer).unwrap();
    let line = figure(FigureKind::Line, None);
    assert_eq!(Grid::new(&sheet, &line, writing(&zone)).err(), Some(Unfit::TooMuch));
    let table = table::of_sheet(&sheet, &line, "S", writing(&zone)).into_string();
    // 500 rows, and the one with the names of the columns.
    assert_eq!(table.matches("<tr>").count(), 501);
    assert!(table.contains("The first 500 of 18,250 rows"));
    // A table with a column for each kind may have more columns, but not any number of cells.
    let pivot = figure(FigureKind::Table, None);
    assert!(Grid::new(&sheet, &pivot, writing(&zone)).is_ok());
    let larger = self::answer(365, 60);
    let sheet = Sheet::read(&larger).unwrap();
    assert_eq!(Grid::new(&sheet, &pivot, writing(&zone)).err(), Some(Unfit::TooMuch));
}

#[test]
fn long_names_below_the_axis_are_shortened() {
    let mut answer = answer(1, 1);
    let name = "a name that is longer than the narrow canvas of a telephone is wide";
    answer.rows = vec![format!(r#"{{"bucket":"2015-01-01","kind":"{name}","n":1}}"#)];
    let zone = TimeZone::UTC;
    let sheet = Sheet::read(&answer).unwrap();
    let figure = Figure { series: None, ..figure(FigureKind::Line, Some("kind")) };
    let grid = Grid::new(&sheet, &figure, writing(&zone)).unwrap();
    let chart = Chart {
        id: "s-1",
        heading: "S",
        kind: figure.kind,
        unit: figure.unit,
        grid: &grid,
        writing: writing(&zone),
    };
    assert!(chart.draw().into_string().contains(">a name that is long…<"));
}

#[test]
fn columns_may_be_called_anything() {
    let mut answer = answer(1, 1);
    answer.columns[2].name = r#"the "n" \ of it"#.to_owned();
    answer.rows = vec![r#"{"bucket":"2015-01-01","kind":"é","the \"n\" \\ of it":7}"#.to_owned()];
    let sheet = Sheet::read(&answer).unwrap();
    assert_eq!(sheet.rows[0][2].key().as_deref(), Some("7"));
    let csv = String::from_utf8(answer.csv().unwrap()).unwrap();
    assert_eq!(csv, "bucket,kind,\"the \"\"n\"\" \\ of it\"\n2015-01-01,é,7\n");
}
