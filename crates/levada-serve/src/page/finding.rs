//! Headings that state what the numbers say: "{sum notifications} messages in {buckets} days". A
//! heading of which any part is not known is not shown at all. Pure.

use report::Problem;

use super::decimal::Decimal;
use super::period::Period;
use super::sheet::{BUCKET, Sheet};
use super::words::Writing;
use crate::answer::Column;
use crate::config::{Figure, FigureKind, Stat, Text, Unit};
use crate::layout::{Layout, Measure};

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part<'a> {
    Text(&'a str),
    Sum(&'a str),
    First(&'a str),
    Last(&'a str),
    Min(&'a str),
    Max(&'a str),
    /// Of the only row.
    Value(&'a str),
    /// The sum of the one by the sum of the other.
    Ratio(&'a str, &'a str),
    Buckets,
    From,
    To,
}

const KNOWN: &str = "write {sum COLUMN}, {first COLUMN}, {last COLUMN}, {min COLUMN}, \
     {max COLUMN}, {value COLUMN}, {ratio COLUMN COLUMN}, {buckets}, {from} or {to}";

fn parse(template: &str) -> Result<Vec<Part<'_>>, String> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        parts.push(Part::Text(before));
        let Some((inside, after)) = after.split_once('}') else {
            return Err("has a { without }".to_owned());
        };
        let words: Vec<&str> = inside.split_whitespace().collect();
        parts.push(match words.as_slice() {
            ["sum", column] => Part::Sum(column),
            ["first", column] => Part::First(column),
            ["last", column] => Part::Last(column),
            ["min", column] => Part::Min(column),
            ["max", column] => Part::Max(column),
            ["value", column] => Part::Value(column),
            ["ratio", of, by] => Part::Ratio(of, by),
            ["buckets"] => Part::Buckets,
            ["from"] => Part::From,
            ["to"] => Part::To,
            _ => return Err(format!("has {{{inside}}}, which is nothing that is known")),
        });
        rest = after;
    }
    parts.push(Part::Text(rest));
    Ok(parts)
}

impl<'a> Part<'a> {
    fn columns(&self) -> Vec<&'a str> {
        match self {
            Self::Sum(column)
            | Self::First(column)
            | Self::Last(column)
            | Self::Min(column)
            | Self::Max(column)
            | Self::Value(column) => vec![column],
            Self::Ratio(of, by) => vec![of, by],
            _ => Vec::new(),
        }
    }
}

/// Refuses figures that can never be drawn as they are meant, before anything is served.
///
/// # Errors
/// A [`Problem`] that names the statistic and the figure.
pub(crate) fn refuse_figures(stat: &Stat) -> Result<(), Problem> {
    for (place, figure) in stat.figures.iter().enumerate() {
        let problem = |text: &str| {
            Problem::new(format!("stat \"{}\": figure {} {text}", stat.name, place + 1))
        };
        let is_drawn = matches!(figure.kind, FigureKind::Line | FigureKind::Bar);
        if figure.y.is_empty() && figure.kind != FigureKind::Table {
            return Err(problem("draws no column").hint("add y = [\"COLUMN\"]"));
        }
        if figure.series.is_some() && figure.y.len() != 1 {
            return Err(problem("has a series, and not one column that is drawn")
                .hint("give y one column, or leave series out"));
        }
        let is_dated = figure.x.is_none() || figure.kind == FigureKind::Line;
        if is_drawn && is_dated && stat.last.is_none() {
            return Err(problem("is drawn over time, and the statistic has no range")
                .hint("add last = { default = 7, max = 90 }, so that missing buckets are known"));
        }
        let known = known_columns(stat);
        let named = figure.y.iter().chain(&figure.x).chain(&figure.series);
        for column in named {
            refuse_unknown(column, known.as_deref()).map_err(|text| problem(&text))?;
        }
        for template in templates(&figure.finding) {
            let parts = parse(template).map_err(|text| {
                problem(&format!("cannot state its finding: it {text}")).hint(KNOWN)
            })?;
            refuse_parts(&parts, stat, figure).map_err(|refused| {
                problem(&format!("cannot state its finding: {}", refused.0)).hint(refused.1)
            })?;
        }
    }
    Ok(())
}

fn refuse_parts(
    parts: &[Part<'_>],
    stat: &Stat,
    figure: &Figure,
) -> Result<(), (String, &'static str)> {
    let known = known_columns(stat);
    for part in parts {
        for column in part.columns() {
            refuse_unknown(column, known.as_deref())
                .map_err(|text| (format!("it {text}"), "name a column of the statistic"))?;
        }
        if matches!(part, Part::Buckets | Part::From | Part::To) && stat.last.is_none() {
            let text = "the statistic has no range".to_owned();
            return Err((text, "add last = { default = 7, max = 90 }"));
        }
        if let Part::Sum(column) = part
            && figure.unit == Unit::Percent
            && figure.y.iter().any(|y| y == column)
        {
            let text = format!("shares are not added up, and {column} is one");
            return Err((text, "write {ratio A B}: the sum of A divided by the sum of B"));
        }
    }
    Ok(())
}

/// Refuses figures that an edition cannot draw: columns that it does not have, and sums of what
/// cannot be added up, such as distinct users.
///
/// # Errors
/// A [`Problem`] that names the figure and the column.
pub(crate) fn refuse_in_edition(
    stat: &Stat,
    columns: &[Column],
    layout: Option<&Layout>,
) -> Result<(), Problem> {
    let known: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    for (place, figure) in stat.figures.iter().enumerate() {
        let problem = |text: &str| Problem::new(format!("figure {} {text}", place + 1));
        let parts = templates(&figure.finding).into_iter().filter_map(|text| parse(text).ok());
        let parts: Vec<Part<'_>> = parts.flatten().collect();
        let named = figure.y.iter().chain(&figure.x).chain(&figure.series).map(String::as_str);
        for column in named.chain(parts.iter().flat_map(Part::columns)) {
            refuse_unknown(column, Some(&known))
                .map_err(|text| problem(&text).hint(format!("it has {}", known.join(", "))))?;
        }
        let summed = parts.iter().flat_map(|part| match part {
            Part::Sum(_) | Part::Ratio(..) => part.columns(),
            _ => Vec::new(),
        });
        for column in summed {
            let measure = layout.and_then(|layout| layout.measures.get(column));
            if measure.is_some_and(|m| !matches!(m, Measure::Count | Measure::Sum)) {
                return Err(problem(&format!("adds up {column}, which cannot be added up"))
                    .detail("who is counted in two buckets would count twice")
                    .hint("write {last COLUMN}, {min COLUMN} or {max COLUMN}"));
            }
        }
    }
    Ok(())
}

/// The columns of a statistic, where the configuration says them all.
fn known_columns(stat: &Stat) -> Option<Vec<&str>> {
    let (Some(_), Some(by), Some(measures)) = (&stat.rollup, &stat.by, &stat.measures) else {
        return None;
    };
    let own = [BUCKET, "bucket_start", "bucket_end"];
    let declared = by.iter().chain(measures).map(String::as_str);
    Some(own.into_iter().chain(declared).collect())
}

fn refuse_unknown(column: &str, known: Option<&[&str]>) -> Result<(), String> {
    match known {
        Some(known) if !known.contains(&column) => {
            Err(format!("names the column {column}, which the statistic does not have"))
        }
        _ => Ok(()),
    }
}

fn templates(text: &Text) -> Vec<&str> {
    match text {
        Text::Same(text) => vec![text],
        Text::Each(texts) => texts.values().map(String::as_str).collect(),
    }
}

/// The heading of a figure; `None` where it has none, or where any part of it is not known.
pub(crate) fn state(sheet: &Sheet<'_>, figure: &Figure, writing: Writing<'_>) -> Option<String> {
    let template = figure.finding.get(writing.language.code());
    if template.is_empty() || !sheet.is_whole() {
        return None;
    }
    let parts = parse(template).ok()?;
    parts.iter().map(|part| write(part, sheet, figure, writing)).collect()
}

fn write(
    part: &Part<'_>,
    sheet: &Sheet<'_>,
    figure: &Figure,
    writing: Writing<'_>,
) -> Option<String> {
    let unit = |column: &str| match figure.y.is_empty() || figure.y.iter().any(|y| y == column) {
        true => figure.unit,
        false => Unit::Number,
    };
    let shown = |column: &str, value: Decimal| Some(writing.number(value, unit(column)));
    let each = |column: &str| by_bucket(sheet, figure, column, unit(column));
    match part {
        Part::Text(text) => Some((*text).to_owned()),
        Part::Sum(column) => shown(column, sum(sheet, column, unit(column))?),
        Part::First(column) => shown(column, (*each(column)?.first()?)?),
        Part::Last(column) => shown(column, (*each(column)?.last()?)?),
        Part::Min(column) => shown(column, each(column)?.into_iter().flatten().min()?),
        Part::Max(column) => shown(column, each(column)?.into_iter().flatten().max()?),
        Part::Value(column) => match sheet.rows.as_slice() {
            [row] => shown(column, row[sheet.place(column)?].number()?),
            _ => None,
        },
        Part::Ratio(of, by) => {
            let (of, by) = (sum(sheet, of, Unit::Count)?, sum(sheet, by, Unit::Count)?);
            Some(writing.number(of.over(by)?, Unit::Percent))
        }
        Part::Buckets => {
            let count = Decimal::from(sheet.buckets().len());
            Some(writing.number(count, Unit::Count))
        }
        Part::From => match Period::of(sheet.buckets().first()?) {
            Period::Hour(at) => Some(writing.period(Period::Hour(at))),
            Period::Day(date)
            | Period::Week(date)
            | Period::Month(date)
            | Period::Year(date)
            | Period::Span(date, _) => Some(writing.date(date)),
        },
        Part::To => {
            let period = Period::of(sheet.buckets().last()?);
            Some(period.last_day().map_or_else(|| writing.period(period), |day| writing.date(day)))
        }
    }
}

/// Of all rows. Without any, a count of buckets is zero, and everything else is not known.
fn sum(sheet: &Sheet<'_>, column: &str, unit: Unit) -> Option<Decimal> {
    let place = sheet.place(column)?;
    let mut sum = Decimal::ZERO;
    let is_dated = sheet.place(BUCKET).is_some() && !sheet.buckets().is_empty();
    if sheet.rows.is_empty() && !(is_dated && unit == Unit::Count) {
        return None;
    }
    for row in &sheet.rows {
        match &row[place] {
            super::sheet::Cell::Nothing => {}
            cell => sum = sum.plus(cell.number()?)?,
        }
    }
    Some(sum)
}

/// One value per bucket, or per row where there is no range; `None` where a bucket has several
/// rows: which of them is meant nobody knows.
fn by_bucket(
    sheet: &Sheet<'_>,
    figure: &Figure,
    column: &str,
    unit: Unit,
) -> Option<Vec<Option<Decimal>>> {
    let place = sheet.place(column)?;
    if sheet.answer.range.is_none() {
        return Some(sheet.rows.iter().map(|row| row[place].number()).collect());
    }
    let x = sheet.place(figure.x.as_deref().unwrap_or(BUCKET))?;
    let nothing = if unit == Unit::Count { Some(Decimal::ZERO) } else { None };
    let mut values = vec![nothing; sheet.buckets().len()];
    let mut seen = vec![false; values.len()];
    for (row, bucket) in sheet.rows.iter().zip(sheet.buckets_by(x)?) {
        if std::mem::replace(&mut seen[bucket], true) {
            return None;
        }
        values[bucket] = row[place].number();
    }
    Some(values)
}
