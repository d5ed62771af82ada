//! The difference between the columns of two tables, and what it means for their rows. Pure.

use std::collections::HashSet;

use pg::quote_identifier;

use crate::drift::{Phase, Rows, Work};
use crate::table_drift::{Pair, constant};
use crate::table_sql::{definition, identity};
use pg::shape::{Column, Table};

/// Alters the columns and says how the rows must come.
pub(crate) fn columns(work: &mut Work<'_>, pair: Pair<'_>) -> Rows {
    if pair.is_same() { of_same_table(work, pair) } else { of_another_table(work, pair) }
}

/// Under the same name another table stands.
fn of_another_table(work: &mut Work<'_>, pair: Pair<'_>) -> Rows {
    let (before, now) = (&pair.before.columns, &pair.now.columns);
    let is_alike = before.len() == now.len()
        && before
            .iter()
            .zip(now)
            .all(|(old, new)| old.name == new.name && stored_otherwise(old, new, false).is_none());
    if !is_alike {
        return Rows::Swap { reason: "it was replaced by a table of other columns".to_owned() };
    }
    for (old, new) in before.iter().zip(now) {
        properties(work, pair, old, new);
    }
    Rows::Digest { reason: "it was replaced by another table of the same name".to_owned() }
}

fn of_same_table(work: &mut Work<'_>, pair: Pair<'_>) -> Rows {
    let (before, now) = (pair.before, pair.now);
    let known = |column: &Column| before.columns.iter().find(|old| old.number == column.number);
    let mut swap = None;
    for column in &now.columns {
        let Some(old) = known(column) else { continue };
        if old.name != column.name && !pair.follows_parent {
            rename(work, pair, old, column);
        }
        if let Some(what) = stored_otherwise(old, column, true) {
            swap = Some(format!("{what} of column {} changed", column.name));
        }
    }
    if let Some(reason) = swap {
        return Rows::Swap { reason };
    }
    let mut rows = Rows::Keep;
    let numbers: HashSet<i16> = now.columns.iter().map(|column| column.number).collect();
    for old in before.columns.iter().filter(|old| !numbers.contains(&old.number)) {
        drop_column(work, pair, old);
    }
    for column in &now.columns {
        match known(column) {
            Some(old) => properties(work, pair, old, column),
            None => {
                add_column(work, pair, column);
                // Writing a table anew may keep the xmin of its rows.
                let is_told = column.has_missing || !column.generated.is_empty();
                if !is_told && !now.is_partitioned && before.filenode != now.filenode {
                    let reason = format!("it was written anew after column {} came", column.name);
                    rows = Rows::Digest { reason };
                }
            }
        }
    }
    rows
}

/// What makes stored values differ, if anything does.
fn stored_otherwise(old: &Column, new: &Column, is_same_column: bool) -> Option<&'static str> {
    let is_same_expression = old.expression == new.expression
        || is_same_column && old.expression_sign == new.expression_sign;
    // Values that were generated stay when they are no longer.
    let is_kept = old.generated == "s" && new.generated.is_empty();
    if old.type_name != new.type_name {
        Some("the type")
    } else if old.collation != new.collation {
        Some("the collation")
    } else if old.generated != new.generated && !(is_kept && is_same_column) {
        Some("the kind")
    } else if !new.generated.is_empty() && !is_same_expression {
        Some("the expression")
    } else {
        None
    }
}

fn is_bound(pair: Pair<'_>) -> bool {
    pair.before.is_bound || pair.now.is_bound
}

fn rename(work: &mut Work<'_>, pair: Pair<'_>, old: &Column, new: &Column) {
    let name = &pair.now.name;
    if pair.before.columns.iter().any(|other| other.name == new.name) {
        // What readers' views mean by the name would change.
        return work.rebuild(format!("column {} of {name} took the name of another", new.name));
    }
    if pair.now.columns.iter().any(|other| other.name == old.name) {
        return work.rebuild(format!("column {} of {name} gave its name to another", old.name));
    }
    let (old_name, new_name) = (quote_identifier(&old.name), quote_identifier(&new.name));
    let sql = format!("ALTER TABLE {} RENAME COLUMN {old_name} TO {new_name}", name.sql());
    let label = pair.label(format!("column {} renamed to {}", old.name, new.name));
    work.alter(Phase::First, 30, label, sql);
}

fn drop_column(work: &mut Work<'_>, pair: Pair<'_>, old: &Column) {
    let name = &pair.now.name;
    if is_bound(pair) {
        work.rebuild(format!("a column of {name} was dropped, and others are made of its rows"));
    }
    work.changes.altered.push(name.clone());
    if pair.follows_parent {
        return;
    }
    let sql = format!("ALTER TABLE {} DROP COLUMN {}", name.sql(), quote_identifier(&old.name));
    work.alter(Phase::Before, 50, pair.label(format!("column {} dropped", old.name)), sql);
}

fn add_column(work: &mut Work<'_>, pair: Pair<'_>, column: &Column) {
    let name = &pair.now.name;
    if is_bound(pair) {
        work.rebuild(format!("{name} has a new column, and others are made of its rows"));
    }
    if !pair.follows_parent {
        let mut sql = definition(column, false);
        match missing(work, pair.now, column) {
            Ok(Some(value)) => {
                sql.push_str(&format!(" DEFAULT {}", constant(&value, &column.type_name)));
            }
            Ok(None) => {}
            Err(reason) => work.rebuild(reason),
        }
        let sql = format!("ALTER TABLE {} ADD COLUMN {sql}", name.sql());
        work.alter(Phase::Before, 60, pair.label(format!("column {} added", column.name)), sql);
    }
    let none = Column { number: column.number, name: column.name.clone(), ..Column::default() };
    let bare = Column { generated: column.generated.clone(), ..none };
    let of = format!("ALTER TABLE ONLY {} ALTER COLUMN {}", name.sql(), column_sql(column));
    // The default it was added with is not the one it has.
    if column.generated.is_empty() {
        let label = pair.label(format!("default of column {}", column.name));
        work.alter(Phase::After, 9, label, format!("{of} DROP DEFAULT"));
    }
    properties(work, pair, &bare, column);
}

fn column_sql(column: &Column) -> String {
    quote_identifier(&column.name)
}

/// What rows hold that are older than the column. A partitioned table has no rows: its partitions
/// that the target knows must agree.
fn missing(work: &Work<'_>, table: &Table, column: &Column) -> Result<Option<String>, String> {
    if !table.is_partitioned {
        return Ok(column.missing.clone().filter(|_| column.has_missing));
    }
    let is_below = |part: &&Table| {
        let mut here = part.parents.first();
        while let Some(name) = here {
            if *name == table.name {
                return part.bound.is_some() && !part.is_partitioned;
            }
            here = work.now.table(name).and_then(|parent| parent.parents.first());
        }
        false
    };
    let is_known = |part: &&Table| work.before.tables.iter().any(|old| old.oid == part.oid);
    let parts = work.now.tables.iter().filter(is_below).filter(is_known);
    let values: HashSet<Option<&String>> = parts
        .filter_map(|part| part.column(&column.name))
        .map(|column| column.missing.as_ref().filter(|_| column.has_missing))
        .collect();
    let mut values = values.into_iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value.flatten().cloned()),
        _ => Err(format!("partitions of {} differ in column {}", table.name, column.name)),
    }
}

/// What holds for future rows only.
fn properties(work: &mut Work<'_>, pair: Pair<'_>, old: &Column, new: &Column) {
    let table = pair.now.name.sql();
    let column = column_sql(new);
    let of = format!("ALTER TABLE {table} ALTER COLUMN {column}");
    let only = format!("ALTER TABLE ONLY {table} ALTER COLUMN {column}");
    let label = |what: &str| pair.label(format!("{what} of column {}", new.name));
    if old.generated != new.generated {
        work.alter(Phase::Before, 20, label("expression"), format!("{of} DROP EXPRESSION"));
    }
    let is_same_default = old.expression == new.expression
        || pair.is_same()
            && old.expression_sign.is_some()
            && old.expression_sign == new.expression_sign;
    let had_default = old.expression.is_some() && old.generated.is_empty();
    let has_default = new.expression.is_some() && new.generated.is_empty();
    let is_same_default = is_same_default && had_default == has_default;
    if had_default && !is_same_default {
        // What it calls may be dropped.
        work.alter(Phase::Before, 21, label("default"), format!("{only} DROP DEFAULT"));
    }
    if let (true, false, Some(expression)) = (has_default, is_same_default, &new.expression) {
        let sql = format!("{only} SET DEFAULT {expression}");
        work.alter(Phase::After, 10, label("default"), sql);
    }
    if old.is_not_null && !new.is_not_null {
        work.alter(Phase::Before, 70, label("not null"), format!("{of} DROP NOT NULL"));
    } else if new.is_not_null && !old.is_not_null {
        work.alter(Phase::After, 8, label("not null"), format!("{of} SET NOT NULL"));
    }
    if pair.now.bound.is_some() && (!old.identity.is_empty() || !new.identity.is_empty()) {
        if old.identity != new.identity && !pair.follows_parent {
            work.rebuild(format!("partition {} numbers its rows otherwise", pair.now.name));
        }
        return;
    }
    match (old.identity.as_str(), new.identity.as_str()) {
        (before, now) if before == now => {}
        (_, "") => {
            work.alter(Phase::Before, 22, label("identity"), format!("{of} DROP IDENTITY"));
        }
        ("", _) => {
            let identity = identity(work.now, pair.now, new).unwrap_or_default();
            work.alter(Phase::After, 12, label("identity"), format!("{of} ADD {identity}"));
        }
        (_, now) => {
            let always = if now == "a" { "ALWAYS" } else { "BY DEFAULT" };
            work.alter(Phase::After, 12, label("identity"), format!("{of} SET GENERATED {always}"));
        }
    }
}
