//! What a section may say, as far as that can be decided without a database. Pure.

use jiff::civil::Date;
use report::Problem;

use super::sql::Bind;
use super::stat::{Compiled, Subject};
use crate::config::{Kind, Parameter, Scalar, Stat};

/// Names with a meaning of their own in addresses or queries.
const RESERVED: &[&str] = &[
    // Of forms.
    "_",
    "from",
    "to",
    "lang",
    // Whatever the range is called: addresses in one form for all call it so.
    "last",
    "range_start",
    "range_end",
    "first_bucket",
    "last_bucket",
    "closed_through",
    "as_of",
];
/// Longer ranges are no answer.
const BUCKETS_MAX: u32 = 100_000;

/// Judges a statistic.
///
/// # Errors
/// A [`Problem`] that names it, and what to write instead.
pub(super) fn stat(stat: &Compiled) -> Result<(), Problem> {
    let named = |problem: Problem| Problem {
        message: format!("stat \"{}\": {}", stat.name, problem.message),
        ..problem
    };
    options(&stat.config).map_err(named)?;
    range(stat).map_err(named)?;
    for (name, parameter) in &stat.parameters {
        let is_range = stat.config.last.as_ref().is_some_and(|last| last.name == *name);
        if is_range || RESERVED.contains(&name.as_str()) || name.is_empty() {
            return Err(named(
                Problem::new(format!("no parameter can be called \"{name}\"")).hint(
                    match stat.config.filter.contains(name) {
                        true => "leave it out of filter, or rename the dimension of the rollup",
                        false => "give it another name, in params and in the query",
                    },
                ),
            ));
        }
        if !stat.config.filter.contains(name) {
            let about = |problem: Problem| Problem {
                message: format!("parameter {name} {}", problem.message),
                ..problem
            };
            bounds(parameter).map_err(about).map_err(named)?;
        }
    }
    match &stat.subject {
        Subject::Sql { bound, .. } => query(stat, &bound.binds).map_err(named),
        _ => Ok(()),
    }
}

/// What goes with what.
fn options(stat: &Stat) -> Result<(), Problem> {
    let (is_rollup, is_sql) = (stat.rollup.is_some(), stat.sql.is_some());
    let shows_columns = is_rollup || stat.window.is_some();
    let misplaced = [
        ("by", stat.by.is_some() && !is_rollup, "a rollup"),
        ("filter", !stat.filter.is_empty() && !is_rollup, "a rollup"),
        ("measures", stat.measures.is_some() && !shows_columns, "a rollup or a window"),
        ("params", !stat.params.is_empty() && !is_sql, "sql"),
        ("rollups", !stat.rollups.is_empty() && !is_sql, "sql"),
    ];
    match misplaced.iter().find(|(_, is_misplaced, _)| *is_misplaced) {
        None => Ok(()),
        Some((option, _, of)) => Err(Problem::new(format!("{option} goes with {of} alone"))
            .hint(format!("leave out {option}, or write a query of your own as sql = …"))),
    }
}

fn range(stat: &Compiled) -> Result<(), Problem> {
    let Some(last) = &stat.config.last else { return Ok(()) };
    if stat.rollups.is_empty() {
        return Err(Problem::new(
            "it has a range, and no rollup that says which days are complete",
        )
        .hint("add rollups = [\"…\"] with those that its query reads, or leave out last"));
    }
    if last.default == 0 || last.default > last.max || last.max > BUCKETS_MAX {
        return Err(Problem::new("last wants 1 ≤ default ≤ max")
            .hint(format!("{BUCKETS_MAX} buckets at most: last = {{ default = 7, max = 90 }}")));
    }
    match last.name != "last" && RESERVED.contains(&last.name.as_str()) || last.name.is_empty() {
        true => Err(Problem::new(format!("its range cannot be called \"{}\"", last.name))
            .hint("such as last = { …, name = \"days\" }")),
        false => Ok(()),
    }
}

fn bounds(parameter: &Parameter) -> Result<(), Problem> {
    let is_text = parameter.kind == Kind::Text;
    let has_texts = !parameter.values.is_empty() || parameter.values_from.is_some();
    let has_edges = parameter.min.is_some() || parameter.max.is_some();
    if has_texts && !is_text {
        return Err(Problem::new("has values, which go with type = \"text\" alone")
            .hint("give min and max"));
    }
    match parameter.kind {
        Kind::Text if !has_texts || has_edges => Err(Problem::new("has no bounds")
            .hint("a text has values, or a query for them as values_from")),
        Kind::Boolean if has_edges => {
            Err(Problem::new("has min or max, which a boolean has not").hint("leave them out"))
        }
        Kind::Integer => edges(parameter, "a whole number", |scalar| match scalar {
            Scalar::Integer(value) => Some(*value),
            _ => None,
        }),
        Kind::Date => edges(parameter, "a day such as \"2025-01-31\"", day),
        Kind::Text => match &parameter.default {
            Some(Scalar::Text(text))
                if parameter.values_from.is_some() || knows(parameter, text) =>
            {
                Ok(())
            }
            None => Ok(()),
            Some(_) => Err(Problem::new("has a default that is none of its values")
                .hint("add it to values, in quotes")),
        },
        Kind::Boolean => match &parameter.default {
            None | Some(Scalar::Boolean(_)) => Ok(()),
            Some(_) => Err(Problem::new("has a default that is neither true nor false")
                .hint("write default = false")),
        },
    }
}

fn knows(parameter: &Parameter, text: &str) -> bool {
    parameter.values.iter().any(|value| value == text)
}

/// Days are written in one way only.
pub(super) fn day(scalar: &Scalar) -> Option<Date> {
    match scalar {
        Scalar::Text(text) => text.parse().ok().filter(|date: &Date| date.to_string() == *text),
        _ => None,
    }
}

fn edges<T: PartialOrd>(
    parameter: &Parameter,
    what: &str,
    read: impl Fn(&Scalar) -> Option<T>,
) -> Result<(), Problem> {
    let refuse = |text: String| Problem::new(text).hint("give min and max, and a default between");
    let (Some(min), Some(max)) = (&parameter.min, &parameter.max) else {
        return Err(refuse("has no bounds".to_owned()));
    };
    let (Some(min), Some(max)) = (read(min), read(max)) else {
        return Err(refuse(format!("has bounds that are not {what}")));
    };
    if min > max {
        return Err(refuse("has a min above its max".to_owned()));
    }
    match parameter.default.as_ref().map(read) {
        None => Ok(()),
        Some(Some(default)) if min <= default && default <= max => Ok(()),
        Some(_) => Err(refuse(format!("has a default that is not {what} between min and max"))),
    }
}

/// Parameters have an effect, and statistics of rollups end where these are complete.
fn query(stat: &Compiled, binds: &[Bind]) -> Result<(), Problem> {
    let unused = stat.parameters.keys().find(|name| {
        !binds.iter().any(|bind| matches!(bind, Bind::Parameter(bound) if bound == *name))
    });
    if let Some(name) = unused {
        return Err(Problem::new(format!("its query does not use parameter {name}"))
            .hint(format!("write :{name} where it belongs, or leave it out of params")));
    }
    let is_range =
        |bind: &Bind| !matches!(bind, Bind::Parameter(_) | Bind::ClosedThrough | Bind::AsOf);
    if !stat.has_range() && binds.iter().any(is_range) {
        return Err(Problem::new("its query names a range that is not declared")
            .hint("add last = { default = 7, max = 90 }"));
    }
    // A range that is bounded from below alone, or by what is complete, has rows after its end.
    let is_end = |bind: &Bind| matches!(bind, Bind::RangeEnd | Bind::LastBucket);
    if stat.has_range() && !binds.iter().any(is_end) {
        return Err(Problem::new("its query does not end where the range ends").hint(
            "compare bucket_end with :range_end, or bucket with :last_bucket, or leave out last",
        ));
    }
    if !stat.has_range() && !stat.rollups.is_empty() && !binds.contains(&Bind::ClosedThrough) {
        return Err(Problem::new("its query would count buckets that are not complete")
            .hint("compare bucket_end with :closed_through"));
    }
    Ok(())
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
