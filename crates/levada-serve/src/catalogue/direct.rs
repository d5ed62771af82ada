//! Queries of statistics that have none: the columns of a rollup or a window, as the edition has
//! them.

use std::collections::BTreeSet;

use pg::{Name, Session, quote_identifier};
use report::Problem;

use super::sql::{Bind, Bound};
use super::stat::Compiled;
use crate::layout::{Layout, Measure};
use crate::standing::RollupStanding;

/// The rows of a rollup.
///
/// # Errors
/// What the rollup does not have, or what cannot be put together.
pub(super) fn rollup(
    stat: &Compiled,
    name: &str,
    standing: &RollupStanding,
) -> Result<Bound, Problem> {
    let layout = layout_of(name, standing)?;
    let config = &stat.config;
    let by = config.by.as_ref().unwrap_or(&layout.dimensions);
    for dimension in by.iter().chain(&config.filter) {
        refuse_unknown(name, "dimension", dimension, layout.dimensions.iter())?;
    }
    let all: Vec<String> = layout.measures.keys().cloned().collect();
    let measures = config.measures.as_ref().unwrap_or(&all);
    let told_apart: BTreeSet<&String> = by.iter().collect();
    let is_whole = layout.dimensions.iter().all(|dimension| told_apart.contains(dimension));
    let has_buckets = standing.grain.is_some();
    let bucket = ["bucket", "bucket_start", "bucket_end"].map(str::to_owned);
    let keys: Vec<String> = bucket.into_iter().filter(|_| has_buckets).collect();
    let keys = keys.into_iter().chain(by.iter().map(|name| quote_identifier(name)));
    let keys: Vec<String> = keys.collect();
    let mut columns = keys.clone();
    for column in measures {
        refuse_unknown(name, "measure", column, layout.measures.keys())?;
        columns.push(match is_whole {
            true => quote_identifier(column),
            false => together(name, layout, column)?,
        });
    }
    let (mut conditions, mut binds) = (vec!["true".to_owned()], Vec::new());
    let mut bind = |bind: Bind, kind: &str| {
        binds.push(bind);
        format!("${}::text::{kind}", binds.len())
    };
    if has_buckets {
        conditions = vec![
            format!("bucket_start >= {}", bind(Bind::RangeStart, "timestamptz")),
            format!("bucket_end <= {}", bind(Bind::RangeEnd, "timestamptz")),
        ];
    }
    for dimension in &config.filter {
        let place = bind(Bind::Parameter(dimension.clone()), "text");
        let column = quote_identifier(dimension);
        conditions.push(format!("({place} IS NULL OR coalesce({column}::text, '') = {place})"));
    }
    let numbers: Vec<String> = (1..=keys.len()).map(|number| number.to_string()).collect();
    let group = match (is_whole, keys.is_empty()) {
        (true, _) => String::new(),
        // A rollup without rows has none here either.
        (false, true) => "HAVING count(*) > 0".to_owned(),
        (false, false) => format!("GROUP BY {}", numbers.join(", ")),
    };
    let order =
        if keys.is_empty() { String::new() } else { format!("ORDER BY {}", keys.join(", ")) };
    let sql = format!(
        "SELECT {} FROM {} WHERE {} {group} {order}",
        columns.join(", "),
        Name::new(&standing.schema, name).sql(),
        conditions.join(" AND ")
    );
    Ok(Bound { sql, binds })
}

/// The values of a dimension that visitors may ask for: as text, and whether it is NULL.
pub(super) fn values(name: &str, standing: &RollupStanding, dimension: &str) -> String {
    let column = quote_identifier(dimension);
    let table = Name::new(&standing.schema, name).sql();
    format!("SELECT DISTINCT coalesce({column}::text, ''), {column} IS NULL FROM {table}")
}

fn layout_of<'a>(name: &str, standing: &'a RollupStanding) -> Result<&'a Layout, Problem> {
    standing.layout.as_ref().ok_or_else(|| {
        Problem::new(format!("it is not recorded what the columns of rollup \"{name}\" are"))
            .detail("another version of levada has published this edition")
            .hint("publish with this version: levada run")
    })
}

fn refuse_unknown<'a>(
    rollup: &str,
    what: &str,
    column: &String,
    mut known: impl Iterator<Item = &'a String> + Clone,
) -> Result<(), Problem> {
    let all: Vec<&str> = known.clone().map(String::as_str).collect();
    match known.any(|known| known == column) {
        true => Ok(()),
        false => Err(Problem::new(format!("rollup \"{rollup}\" has no {what} {column}"))
            .detail(format!("it has {}", all.join(", ")))),
    }
}

fn together(rollup: &str, layout: &Layout, column: &str) -> Result<String, Problem> {
    let measure = layout.measures.get(column).unwrap_or(&Measure::Unknown);
    if let Some(sql) = measure.put_together(column) {
        return Ok(format!("{sql} AS {}", quote_identifier(column)));
    }
    let adds_up = layout.measures.iter().filter(|(name, one)| one.put_together(name).is_some());
    let adds_up: Vec<String> = adds_up.map(|(name, _)| format!("\"{name}\"")).collect();
    let what = match measure {
        Measure::Distinct => "the same value may be counted under several of them",
        _ => "an estimate is kept for each of them alone",
    };
    Err(Problem::new(format!("{column} of rollup \"{rollup}\" cannot be put together"))
        .detail(format!("by leaves out dimensions, and {what}"))
        .hint(format!(
            "show the others: measures = [{}]; or declare a [[rollup]] with these dimensions alone",
            adds_up.join(", ")
        )))
}

/// The rows of a window, in the order of its key, or else of their text.
///
/// # Errors
/// A column that it does not have; those of the server.
pub(super) async fn window(
    session: &Session,
    stat: &Compiled,
    name: &str,
) -> Result<Bound, super::fit::Unfit> {
    let table = Name::new(&stat.reports, name);
    let rows = session
        .rows(include_str!("../sql/window_columns.sql"), &[&table.schema, &table.name])
        .await?;
    let known: Vec<String> = rows.iter().map(|row| row.get("name")).collect();
    let columns = stat.config.measures.as_ref().unwrap_or(&known);
    for column in columns {
        if !known.contains(column) {
            return Err(Problem::new(format!("window \"{name}\" has no column {column}"))
                .detail(format!("it has {}", known.join(", ")))
                .into());
        }
    }
    let listed = columns.iter().map(|column| format!("w.{}", quote_identifier(column)));
    let mut key: Vec<(i32, String)> = rows
        .iter()
        .filter_map(|row| Some((row.get::<_, Option<i32>>("key_position")?, row.get("name"))))
        .collect();
    key.sort();
    let order: Vec<String> =
        key.iter().map(|(_, column)| format!("w.{}", quote_identifier(column))).collect();
    let order = if order.is_empty() { "w::text".to_owned() } else { order.join(", ") };
    let listed = listed.collect::<Vec<_>>().join(", ");
    let sql = format!("SELECT {listed} FROM {} AS w ORDER BY {order}", table.sql());
    Ok(Bound { sql, binds: Vec::new() })
}
