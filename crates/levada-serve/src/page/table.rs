//! Tables: the numbers behind each chart, with a row for every bucket, also for those of which
//! nothing is known.

use maud::{Markup, html};

use super::grid::{Grid, Place, column_name};
use super::sheet::{BUCKET, Cell, Sheet};
use super::words::{Writing, fill};
use crate::config::{Figure, Unit};

/// Longer tables wait behind a line to open them.
const OPEN_MAX: usize = 35;
/// A page shows no more rows; the files have them all.
const ROWS_MAX: usize = 500;

/// A row of a long table.
enum Row<'a> {
    Cells(&'a [Cell]),
    /// A bucket of which nothing is known, or in which nothing was.
    Bucket(Place),
}

/// The table of a chart: a row per place, a column per series.
pub(crate) fn of_grid(grid: &Grid, figure: &Figure, caption: &str, writing: Writing<'_>) -> Markup {
    let x = column_name(figure.x.as_deref().unwrap_or(BUCKET), figure, writing);
    let body = html! {
        thead {
            tr {
                th scope="col" { (x) }
                @for name in &grid.series { th scope="col" class="numeric" { (name) } }
            }
        }
        tbody {
            @for (place, values) in grid.places.iter().zip(&grid.values) {
                tr {
                    (heading(place, writing))
                    @if place.is_missing {
                        (said(place, grid.series.len(), writing))
                    } @else {
                        @for value in values {
                            td class="numeric" {
                                @match value {
                                    Some(value) => (writing.number(*value, figure.unit)),
                                    None => (nothing(writing)),
                                }
                            }
                        }
                    }
                }
            }
        }
    };
    framed(&body, grid.places.len(), grid.places.len(), caption, writing)
}

/// All rows of an answer, with its columns in their order.
pub(crate) fn of_sheet(
    sheet: &Sheet<'_>,
    figure: &Figure,
    caption: &str,
    writing: Writing<'_>,
) -> Markup {
    let columns = shown_columns(sheet, figure);
    let is_numeric = |column: usize| {
        let mut cells = sheet.rows.iter().map(|row| &row[column]).filter(|c| **c != Cell::Nothing);
        cells.clone().next().is_some() && cells.all(|cell| cell.number().is_some())
    };
    let numeric: Vec<(usize, bool)> =
        columns.iter().map(|column| (*column, is_numeric(*column))).collect();
    let rows = with_missing(sheet, figure, writing);
    let body = html! {
        thead {
            tr {
                @for (column, numeric) in &numeric {
                    th scope="col" class=[numeric.then_some("numeric")] {
                        (column_name(sheet.columns[*column], figure, writing))
                    }
                }
            }
        }
        tbody {
            @for row in rows.iter().take(ROWS_MAX) {
                tr {
                    @match row {
                        Row::Bucket(place) => {
                            (heading(place, writing))
                            @if columns.len() > 1 { (said(place, columns.len() - 1, writing)) }
                        }
                        Row::Cells(cells) => { (cells_of(cells, sheet, figure, &numeric, writing)) }
                    }
                }
            }
        }
    };
    framed(&body, rows.len().min(ROWS_MAX), rows.len(), caption, writing)
}

/// Cells of a row; the first one names it.
fn cells_of(
    cells: &[Cell],
    sheet: &Sheet<'_>,
    figure: &Figure,
    columns: &[(usize, bool)],
    writing: Writing<'_>,
) -> Markup {
    html! {
        @for (place, (column, numeric)) in columns.iter().enumerate() {
            @let cell = cell(&cells[*column], sheet, *column, figure, writing);
            @if place == 0 {
                th scope="row" class=[numeric.then_some("numeric")] { (cell) }
            } @else {
                td class=[numeric.then_some("numeric")] { (cell) }
            }
        }
    }
}

/// The columns of a long table: those of `x`, `series` and `y`, or all.
fn shown_columns(sheet: &Sheet<'_>, figure: &Figure) -> Vec<usize> {
    if figure.y.is_empty() {
        return (0..sheet.columns.len()).collect();
    }
    let x = figure.x.clone().unwrap_or_else(|| BUCKET.to_owned());
    let named = [x].into_iter().chain(figure.series.clone()).chain(figure.y.clone());
    named.filter_map(|column| sheet.place(&column)).collect()
}

/// The rows in the order of their buckets, and one for each bucket of which nothing is known; rows
/// of such a bucket are not shown, as they are not all of them.
fn with_missing<'a>(sheet: &'a Sheet<'_>, figure: &Figure, writing: Writing<'_>) -> Vec<Row<'a>> {
    let x = sheet.place(figure.x.as_deref().unwrap_or(BUCKET));
    let Some(of_rows) = x.and_then(|x| sheet.buckets_by(x)) else {
        return sheet.rows.iter().map(|row| Row::Cells(row)).collect();
    };
    let mut by_bucket: Vec<Vec<&[Cell]>> = vec![Vec::new(); sheet.buckets().len()];
    for (row, bucket) in sheet.rows.iter().zip(of_rows) {
        by_bucket[bucket].push(row);
    }
    let mut rows = Vec::new();
    for (own, bucket) in by_bucket.iter().zip(sheet.buckets()) {
        match bucket.state.is_complete() && !own.is_empty() {
            true => rows.extend(own.iter().map(|row| Row::Cells(row))),
            false => rows.push(Row::Bucket(Place::of(bucket, writing))),
        }
    }
    rows
}

fn cell(
    cell: &Cell,
    sheet: &Sheet<'_>,
    column: usize,
    figure: &Figure,
    writing: Writing<'_>,
) -> Markup {
    let name = sheet.columns[column];
    if name == BUCKET
        && let Some(bucket) = sheet.bucket_of(cell)
    {
        return named(&Place::of(&sheet.buckets()[bucket], writing), writing);
    }
    let unit = if figure.y.iter().any(|y| y == name) { figure.unit } else { Unit::Number };
    match cell {
        Cell::Nothing if figure.series.as_deref() == Some(name) => {
            html! { (writing.words().none) }
        }
        Cell::Nothing => nothing(writing),
        Cell::Text(text) if figure.series.as_deref() == Some(name) => {
            let known = figure.series_names.get(text);
            html! { (known.map_or(text.as_str(), |name| name.get(writing.language.code()))) }
        }
        Cell::Date(date) => html! { time datetime=(date.to_string()) { (writing.date(*date)) } },
        Cell::Instant(at) => {
            html! { time datetime=(at.to_string()) { (cell.write(writing, unit)) } }
        }
        _ => html! { (cell.write(writing, unit)) },
    }
}

fn heading(place: &Place, writing: Writing<'_>) -> Markup {
    html! { th scope="row" { (named(place, writing)) } }
}

fn named(place: &Place, writing: Writing<'_>) -> Markup {
    html! {
        @match place.period {
            Some(period) => time datetime=(period.machine()) { (place.name) },
            None => (place.name),
        }
        @if place.is_provisional { " " span class="mark" { (writing.words().provisional) } }
    }
}

/// Instead of numbers: nothing is known, or nothing was.
fn said(place: &Place, columns: usize, writing: Writing<'_>) -> Markup {
    let words = writing.words();
    html! {
        @if place.is_missing {
            td class="missing" colspan=(columns) { (words.missing) }
        } @else {
            td class="empty" colspan=(columns) { (words.no_entries) }
        }
    }
}

/// No value, and nothing is missing: said to those who do not see the dash.
fn nothing(writing: Writing<'_>) -> Markup {
    html! {
        span aria-hidden="true" { "–" }
        span class="unseen" { (writing.words().nothing) }
    }
}

/// Inside a region that scrolls by itself where the screen is narrow.
fn framed(body: &Markup, shown: usize, all: usize, caption: &str, writing: Writing<'_>) -> Markup {
    let words = writing.words();
    let number = |count: usize| writing.number(super::decimal::Decimal::from(count), Unit::Count);
    let table = html! {
        @if all == 0 {
            p class="empty" { (words.no_rows) }
        } @else {
            @let label = fill(words.scrolls, &[caption]);
            div class="scroll" role="region" tabindex="0" aria-label=(label) {
                table { caption { (caption) } (body) }
            }
        }
        @if shown < all {
            p { (fill(words.first_rows, &[&number(shown), &number(all)])) }
        }
    };
    match shown > OPEN_MAX {
        true => html! {
            details {
                summary { (fill(words.all_numbers, &[&number(all)])) }
                (table)
            }
        },
        false => table,
    }
}
