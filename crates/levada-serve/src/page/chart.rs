//! Charts as SVG, without any style of their own: lines with gaps where something is missing, bars
//! from zero. Colours, dark mode and print are the stylesheet's.

use std::fmt::Write;

use maud::{Markup, html};

use super::decimal::Decimal;
use super::grid::{Grid, SERIES_MAX};
use super::scale::Scale;
use super::words::{Writing, fill};
use crate::config::{FigureKind, Unit};

/// What is drawn, and how its text alternative begins.
pub(crate) struct Chart<'a> {
    pub(crate) id: &'a str,
    pub(crate) heading: &'a str,
    pub(crate) kind: FigureKind,
    pub(crate) unit: Unit,
    pub(crate) grid: &'a Grid,
    pub(crate) writing: Writing<'a>,
}

/// One drawing; each chart is drawn for wide and for narrow screens, so that its letters are
/// readable on both.
#[derive(Clone, Copy)]
struct Canvas {
    name: &'static str,
    width: f64,
    height: f64,
    /// Labels below the axis, at most.
    labels: usize,
    letter: f64,
}

const WIDE: Canvas = Canvas { name: "wide", width: 760.0, height: 320.0, labels: 8, letter: 7.8 };
const NARROW: Canvas =
    Canvas { name: "narrow", width: 360.0, height: 300.0, labels: 4, letter: 8.4 };

const TOP: f64 = 16.0;
const BELOW: f64 = 34.0;
/// Letters of a label below the axis: two of them fit on the narrow canvas.
const LABEL_MAX: usize = 20;
/// Labels of lines stand at least so far apart.
const APART: f64 = 20.0;

/// The inside of the axes.
struct Plot {
    left: f64,
    right: f64,
    bottom: f64,
    places: usize,
}

impl Plot {
    /// The middle of a place.
    fn x(&self, place: usize) -> f64 {
        self.left + self.band() * (place as f64 + 0.5)
    }

    fn band(&self) -> f64 {
        (self.right - self.left) / self.places.max(1) as f64
    }

    fn y(&self, share: f64) -> f64 {
        self.bottom - (self.bottom - TOP) * share
    }
}

impl Chart<'_> {
    /// The drawings, with what names them.
    pub(crate) fn draw(&self) -> Markup {
        let is_dated = self.grid.places.iter().any(|place| place.period.is_some());
        html! {
            @if self.kind == FigureKind::Bar && self.grid.series.len() > 1 {
                ul class="legend" {
                    @for (number, name) in self.grid.series.iter().enumerate() {
                        li { span class=(format!("swatch {}", self.colour(number))) {} (name) }
                    }
                }
            }
            @for canvas in [WIDE, NARROW] {
                @match (self.kind, is_dated) {
                    (FigureKind::Bar, false) => { (self.rows(canvas)) }
                    _ => { (self.columns(canvas)) }
                }
            }
        }
    }

    /// Of two, the second is the one that differs most.
    fn colour(&self, series: usize) -> String {
        let is_second_of_two = self.grid.series.len() == 2 && series == 1;
        format!("s{}", if is_second_of_two { SERIES_MAX - 1 } else { series })
    }

    fn frame(&self, canvas: Canvas, height: f64, inside: &Markup) -> Markup {
        let id = format!("{}-{}", self.id, canvas.name);
        html! {
            svg class=(format!("chart {}", canvas.name)) role="img"
                viewBox=(format!("0 0 {} {height}", canvas.width))
                aria-labelledby=(format!("{id}-title {id}-desc")) {
                title id=(format!("{id}-title")) { (self.heading) }
                desc id=(format!("{id}-desc")) { (self.description()) }
                (inside)
            }
        }
    }

    /// What is drawn, in a sentence or two.
    fn description(&self) -> String {
        let words = self.writing.words();
        let kind = if self.kind == FigureKind::Bar { words.chart_bar } else { words.chart_line };
        let mut text = kind.to_owned();
        if let (Some(first), Some(last)) = (self.grid.places.first(), self.grid.places.last()) {
            let _ = write!(text, ", {} – {}", first.name, last.name);
        }
        let _ = write!(text, ": {}. {}", self.grid.series.join(", "), words.in_table);
        if self.grid.has_gaps() {
            let _ = write!(text, " {}", words.gaps);
        }
        text
    }

    fn scale(&self) -> Scale {
        let values = self.grid.values.iter().flatten().flatten().copied();
        Scale::new(values, self.unit, self.kind == FigureKind::Line && self.unit != Unit::Count)
    }

    /// Lines or bars over time.
    fn columns(&self, canvas: Canvas) -> Markup {
        let scale = self.scale();
        let ticks: Vec<String> =
            scale.ticks.iter().map(|tick| self.writing.tick(*tick, self.unit)).collect();
        let letters = ticks.iter().map(|tick| tick.chars().count()).max().unwrap_or(1);
        let labelled = self.kind == FigureKind::Line && self.grid.series.len() > 1;
        let longest = self.grid.series.iter().map(|name| name.chars().count()).max().unwrap_or(0);
        let beside = (longest as f64 * canvas.letter + 14.0).min(canvas.width * 0.36);
        let plot = Plot {
            left: letters as f64 * canvas.letter + 12.0,
            right: canvas.width - if labelled { beside } else { 12.0 },
            bottom: canvas.height - BELOW,
            places: self.grid.places.len(),
        };
        let inside = html! {
            @for (tick, text) in scale.ticks.iter().zip(&ticks) {
                @let y = plot.y(scale.share(*tick));
                line class=(if tick.is_zero() { "axis" } else { "rule" })
                    x1=(px(plot.left)) x2=(px(plot.right)) y1=(px(y)) y2=(px(y)) {}
                text class="tick" x=(px(plot.left - 8.0)) y=(px(y + 4.5)) text-anchor="end" {
                    (text)
                }
            }
            (self.gaps(&plot))
            (self.below(canvas, &plot))
            @if self.kind == FigureKind::Line {
                (self.lines(&plot, &scale))
                @if labelled { (self.names(canvas, &plot, &scale)) }
            } @else {
                (self.bars(&plot, &scale))
            }
        };
        self.frame(canvas, canvas.height, &inside)
    }

    /// Bands where something is missing, so that nobody takes the gap for a drawing error.
    fn gaps(&self, plot: &Plot) -> Markup {
        let missing = self.grid.places.iter().enumerate().filter(|(_, place)| place.is_missing);
        let height = plot.bottom - TOP;
        html! {
            @for (place, missing) in missing {
                rect class="gap" x=(px(plot.x(place) - plot.band() / 2.0)) y=(px(TOP))
                    width=(px(plot.band())) height=(px(height)) {
                    title { (missing.name) ": " (self.writing.words().missing) }
                }
                @if plot.band() >= 26.0 {
                    @let (x, y) = (px(plot.x(place) + 4.5), px(plot.bottom - 10.0));
                    text class="gap-name" x=(x) y=(y) transform=(format!("rotate(-90 {x} {y})")) {
                        (self.writing.words().missing)
                    }
                }
            }
        }
    }

    /// Names of places, as many as are readable, the last one always.
    fn below(&self, canvas: Canvas, plot: &Plot) -> Markup {
        let longest = self.grid.places.iter().map(|place| place.short.chars().count()).max();
        let width = longest.unwrap_or(1).min(LABEL_MAX) as f64 * canvas.letter + 10.0;
        let room = ((plot.right - plot.left) / width).floor().max(1.0) as usize;
        let every = self.grid.places.len().div_ceil(room.min(canvas.labels).max(1)).max(1);
        let last = self.grid.places.len().saturating_sub(1);
        let half = width / 2.0 - 5.0;
        html! {
            @for (place, named) in self.grid.places.iter().enumerate() {
                @if (last - place).is_multiple_of(every) {
                    @let x = plot.x(place).clamp(half, canvas.width - half);
                    text class="tick" x=(px(x)) y=(px(canvas.height - 10.0)) text-anchor="middle" {
                        (shortened(&named.short, LABEL_MAX))
                    }
                    line class="axis" x1=(px(plot.x(place))) x2=(px(plot.x(place)))
                        y1=(px(plot.bottom)) y2=(px(plot.bottom + 5.0)) {}
                }
            }
        }
    }

    fn lines(&self, plot: &Plot, scale: &Scale) -> Markup {
        let has_points = self.grid.places.len() <= 31;
        html! {
            @for series in 0..self.grid.series.len() {
                g class=(self.colour(series)) {
                    path class="line" d=(self.path(series, plot, scale)) {}
                    @for (place, value) in self.grid.of(series).enumerate() {
                        @let is_seen = has_points || self.is_alone(series, place);
                        @if let (Some(value), true) = (value, is_seen) {
                            circle class="point" r="3.5" cx=(px(plot.x(place)))
                                cy=(px(plot.y(scale.share(value)))) {
                                title { (self.tip(series, place, value)) }
                            }
                        }
                    }
                }
            }
        }
    }

    /// A new beginning after each place without a value: nothing is drawn over a gap.
    fn path(&self, series: usize, plot: &Plot, scale: &Scale) -> String {
        let mut path = String::new();
        let mut is_down = false;
        for (place, value) in self.grid.of(series).enumerate() {
            if let Some(value) = value {
                let command = if is_down { 'L' } else { 'M' };
                let (x, y) = (px(plot.x(place)), px(plot.y(scale.share(value))));
                let _ = write!(path, "{command}{x} {y}");
            }
            is_down = value.is_some();
        }
        path
    }

    fn is_alone(&self, series: usize, place: usize) -> bool {
        let has = |place: Option<usize>| {
            let values = place.and_then(|place| self.grid.values.get(place));
            values.is_some_and(|values| values[series].is_some())
        };
        !has(place.checked_sub(1)) && !has(Some(place + 1))
    }

    /// The name of each line beside its end.
    fn names(&self, canvas: Canvas, plot: &Plot, scale: &Scale) -> Markup {
        let ends = (0..self.grid.series.len()).filter_map(|series| {
            let last = self.grid.of(series).enumerate().filter_map(|(p, v)| Some((p, v?))).last();
            last.map(|(_, value)| (plot.y(scale.share(value)), series))
        });
        let mut ends: Vec<(f64, usize)> = ends.collect();
        ends.sort_by(|one, other| one.0.total_cmp(&other.0));
        for place in 1..ends.len() {
            ends[place].0 = ends[place].0.max(ends[place - 1].0 + APART);
        }
        // What was pushed below the axis moves the others up again.
        let mut floor = plot.bottom;
        for end in ends.iter_mut().rev() {
            end.0 = end.0.min(floor);
            floor = end.0 - APART;
        }
        let room = ((canvas.width - plot.right - 10.0) / canvas.letter).floor() as usize;
        html! {
            @for (y, series) in ends {
                text class=(format!("name {}", self.colour(series)))
                    x=(px(plot.right + 6.0)) y=(px(y + 5.0)) {
                    (shortened(&self.grid.series[series], room))
                }
            }
        }
    }

    fn bars(&self, plot: &Plot, scale: &Scale) -> Markup {
        let count = self.grid.series.len().max(1) as f64;
        let width = (plot.band() * 0.72).min(72.0 * count) / count;
        let zero = plot.y(scale.share(Decimal::ZERO));
        html! {
            @for series in 0..self.grid.series.len() {
                g class=(self.colour(series)) {
                    @for (place, value) in self.grid.of(series).enumerate() {
                        @if let Some(value) = value {
                            @let y = plot.y(scale.share(value));
                            @let left = plot.x(place) + width * (series as f64 - count / 2.0);
                            rect class="bar" x=(px(left)) y=(px(y.min(zero)))
                                width=(px((width - 1.0).max(1.0))) height=(px((y - zero).abs())) {
                                title { (self.tip(series, place, value)) }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Bars of categories, one below the other, each with its name and its number.
    fn rows(&self, canvas: Canvas) -> Markup {
        let count = self.grid.series.len();
        let row = 24.0 + 22.0 * count as f64 + 10.0;
        let values = self.grid.values.iter().flatten().flatten().copied();
        let scale = Scale::new(values.chain([Decimal::ZERO]), self.unit, false);
        let room = canvas.width - 96.0;
        let zero = scale.share(Decimal::ZERO);
        let letters = (canvas.width / canvas.letter) as usize;
        let inside = html! {
            @for (place, named) in self.grid.places.iter().enumerate() {
                @let top = place as f64 * row;
                text class="category" x="0" y=(px(top + 17.0)) { (shortened(&named.name, letters)) }
                @for (series, value) in self.grid.values[place].iter().enumerate() {
                    @let y = top + 24.0 + 22.0 * series as f64;
                    @if let Some(value) = value {
                        @let share = scale.share(*value);
                        @let (from, to) = (zero.min(share), zero.max(share));
                        rect class=(format!("bar {}", self.colour(series)))
                            x=(px(from * room)) y=(px(y)) height="19"
                            width=(px(((to - from) * room).max(1.0))) {}
                        text class="amount" x=(px(to * room + 8.0)) y=(px(y + 14.5)) {
                            (self.number(*value))
                        }
                    } @else {
                        text class="amount" x="0" y=(px(y + 14.5)) { "–" }
                    }
                }
            }
        };
        self.frame(canvas, row * self.grid.places.len() as f64, &inside)
    }

    fn tip(&self, series: usize, place: usize, value: Decimal) -> String {
        let named = format!("{}, {}", self.grid.places[place].name, self.grid.series[series]);
        fill("{}: {}", &[&named, &self.number(value)])
    }

    fn number(&self, value: Decimal) -> String {
        self.writing.number(value, self.unit)
    }

    /// Whether a reader has to be told that heights cannot be compared.
    pub(crate) fn begins_above_zero(&self) -> bool {
        !self.scale().begins_at_zero()
    }
}

/// A tenth of a unit is finer than any screen.
fn px(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

fn shortened(text: &str, letters: usize) -> String {
    match text.chars().count() > letters {
        true => text.chars().take(letters.saturating_sub(1)).chain(['…']).collect(),
        false => text.to_owned(),
    }
}
