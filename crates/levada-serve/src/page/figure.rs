//! One figure: a heading that states what the numbers say, the chart, the table behind it, and the
//! same numbers as files.

use maud::{Markup, html};

use super::chart::Chart;
use super::finding;
use super::grid::{Grid, Unfit};
use super::period::Period;
use super::sheet::Sheet;
use super::table;
use super::words::{Writing, fill};
use crate::catalogue::Compiled;
use crate::config::{Figure, FigureKind, Unit};

/// What a figure is made from, and how it is written.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) stat: &'a Compiled,
    pub(crate) sheet: &'a Sheet<'a>,
    pub(crate) writing: Writing<'a>,
    /// What was asked for, but for what is usual.
    pub(crate) asked: &'a [(String, String)],
}

/// All figures of a statistic; `notice` is what a reader must know of its numbers, `query` the end
/// of the addresses of its files.
pub(crate) fn all(source: Source<'_>, notice: &Markup, query: &str) -> Markup {
    let plain = [Figure::default()];
    let figures = match source.stat.config.figures.as_slice() {
        [] => plain.as_slice(),
        figures => figures,
    };
    html! {
        @for (number, figure) in figures.iter().enumerate() {
            section class="figure" {
                (one(source, (number, figure), (number == 0).then_some(notice)))
                @if number + 1 == figures.len() { (files(source, query)) }
            }
        }
    }
}

fn one(source: Source<'_>, (number, figure): (usize, &Figure), notice: Option<&Markup>) -> Markup {
    let Source { stat, sheet, writing, asked } = source;
    let id = format!("{}-{}", stat.name, number + 1);
    let neutral = neutral(source);
    // It is written for the usual question: "in the last 7 days", and of everything.
    let stated = asked.is_empty().then(|| finding::state(sheet, figure, writing)).flatten();
    let heading = stated.unwrap_or_else(|| neutral.clone());
    html! {
        h2 id=(id) { (heading) }
        @if let Some(notice) = notice { (notice) }
        @if figure.kind == FigureKind::Table && figure.series.is_none() {
            (table::of_sheet(sheet, figure, &neutral, writing))
        } @else {
            @match Grid::new(sheet, figure, writing) {
                Ok(grid) => (drawn(&grid, figure, (&id, &heading, &neutral), writing)),
                Err(unfit) => {
                    p class="notice" { (said(unfit, writing)) }
                    (table::of_sheet(sheet, figure, &neutral, writing))
                }
            }
        }
    }
}

fn said(unfit: Unfit, writing: Writing<'_>) -> &'static str {
    match unfit {
        Unfit::Column | Unfit::Place | Unfit::Twice => writing.words().not_drawable,
        Unfit::TooMuch => writing.words().too_much,
    }
}

fn drawn(
    grid: &Grid,
    figure: &Figure,
    (id, heading, caption): (&str, &str, &str),
    writing: Writing<'_>,
) -> Markup {
    let words = writing.words();
    let (kind, unit) = (figure.kind, figure.unit);
    let chart = Chart { id, heading, kind, unit, grid, writing };
    html! {
        @match figure.kind {
            FigureKind::Table => {}
            FigureKind::Number => { (tiles(grid, unit, writing)) }
            _ if grid.is_empty() => {}
            _ => {
                (chart.draw())
                @if figure.kind == FigureKind::Line && chart.begins_above_zero() {
                    p class="hint" { (words.above_zero) }
                }
            }
        }
        @if figure.kind != FigureKind::Number {
            (table::of_grid(grid, figure, caption, writing))
        }
    }
}

/// Large numbers, one per place and series.
fn tiles(grid: &Grid, unit: Unit, writing: Writing<'_>) -> Markup {
    let words = writing.words();
    html! {
        dl class="tiles" {
            @for (place, values) in grid.places.iter().zip(&grid.values) {
                @for (name, value) in grid.series.iter().zip(values) {
                    div {
                        dt {
                            @if grid.places.len() > 1 { (place.name) }
                            @if grid.places.len() > 1 && grid.series.len() > 1 { ", " }
                            @if grid.places.len() == 1 || grid.series.len() > 1 { (name) }
                        }
                        dd {
                            @match value {
                                Some(value) => (writing.number(*value, unit)),
                                None => span class="missing" { (words.missing) },
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What the numbers are, without saying what they say.
fn neutral(source: Source<'_>) -> String {
    let mut text = source.title().to_owned();
    for (name, value) in source.asked {
        let Some(parameter) = source.stat.parameters.get(name) else { continue };
        let title = match parameter.title.get(source.writing.language.code()) {
            "" => name,
            title => title,
        };
        let value = if value.is_empty() { source.writing.words().none } else { value };
        text += &format!(", {}", fill(source.writing.words().is, &[title, value]));
    }
    match span(source.sheet, source.writing) {
        Some(span) => format!("{text}, {span}"),
        None => text,
    }
}

/// "15 January 2025 – 21 January 2025".
pub(crate) fn span(sheet: &Sheet<'_>, writing: Writing<'_>) -> Option<String> {
    let (first, last) = (sheet.buckets().first()?, sheet.buckets().last()?);
    let (first, last) = (Period::of(first), Period::of(last));
    let named = |period| match period {
        Period::Week(date) => writing.date(date),
        period => writing.period(period),
    };
    let end = match last {
        Period::Week(_) | Period::Span(..) => last.last_day().map(|day| writing.date(day)),
        _ => Some(writing.period(last)),
    };
    let (first, end) = (named(first), end?);
    Some(if first == end { first } else { format!("{first} – {end}") })
}

fn files(source: Source<'_>, query: &str) -> Markup {
    let address = |extension: &str| format!("/stats/{}.{extension}{query}", source.stat.name);
    html! {
        p class="files" {
            (source.writing.words().download) " "
            @for (extension, name) in [("csv", "CSV"), ("json", "JSON")] {
                a href=(address(extension)) {
                    (name) span class="unseen" { ": " (source.title()) }
                }
                " "
            }
        }
    }
}

impl<'a> Source<'a> {
    fn title(self) -> &'a str {
        self.stat.title(self.writing.language.code())
    }
}
