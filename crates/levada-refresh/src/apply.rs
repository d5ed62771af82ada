//! The statements that write a unit's changes into its table. Pure: text only.
//!
//! Deleted rows go first, so that what they held may be taken by others. Then an upsert in the
//! order of the key, which touches each index page once. Where another unique index could be in the
//! way, because two rows exchange values, the rows are deleted and inserted anew instead.

use copy::column_list;
use pg::{Name, quote_identifier};
use verify::{Side, Subject};

use crate::unit::Unit;

/// `t."a" = s."a" AND …` for the key of a unit.
pub(crate) fn same_key(unit: &Unit, left: &str, right: &str) -> String {
    let pairs = unit.facts.key.iter().map(|column| {
        let column = quote_identifier(column);
        format!("{left}.{column} = {right}.{column}")
    });
    pairs.collect::<Vec<_>>().join(" AND ")
}

/// Collects the keys of staged rows that the table does not have.
pub(crate) fn insert_new(unit: &Unit, staged: &Name, new: &Name) -> String {
    let (staged, new, relation) = (staged.sql(), new.sql(), unit.relation());
    let (columns, key) = (key_of(unit, "s"), same_key(unit, "t", "s"));
    format!(
        "INSERT INTO {new} SELECT {columns} FROM {staged} AS s \
         WHERE NOT EXISTS (SELECT FROM {relation} AS t WHERE {key})"
    )
}

/// Collects the keys of the rows that fulfil a condition on the subject and are not staged.
pub(crate) fn insert_gone(
    unit: &Unit,
    (subject, condition): (&Subject, &str),
    staged: &Name,
    gone: &Name,
) -> String {
    let keys = unit.facts.key.iter().map(|column| subject.column_sql(column));
    let keys = keys.collect::<Vec<_>>().join(", ");
    let relation = subject.relation_sql(Side::Target);
    let own = format!("SELECT {keys} FROM {relation} WHERE {condition}");
    insert_gone_of(unit, &own, staged, gone)
}

/// Collects those of the keys that the query `own` selects which do not stand in `present`.
pub(crate) fn insert_gone_of(unit: &Unit, own: &str, present: &Name, gone: &Name) -> String {
    let (present, gone) = (present.sql(), gone.sql());
    let (columns, key) = (key_of(unit, "o"), same_key(unit, "o", "p"));
    format!(
        "INSERT INTO {gone} SELECT {columns} FROM ({own}) AS o \
         WHERE NOT EXISTS (SELECT FROM {present} AS p WHERE {key})"
    )
}

/// Counts the keys in `present` that neither the table nor `new` has.
pub(crate) fn count_unknown(unit: &Unit, present: &Name, new: &Name) -> String {
    let (present, new, relation) = (present.sql(), new.sql(), unit.relation());
    let (in_table, in_new) = (same_key(unit, "t", "p"), same_key(unit, "n", "p"));
    format!(
        "SELECT count(*) FROM {present} AS p \
         WHERE NOT EXISTS (SELECT FROM {relation} AS t WHERE {in_table}) \
         AND NOT EXISTS (SELECT FROM {new} AS n WHERE {in_new})"
    )
}

/// Counts the staged rows that differ from the row with the same key.
pub(crate) fn count_changed(unit: &Unit, staged: &Name) -> String {
    let (staged, relation, key) = (staged.sql(), unit.relation(), same_key(unit, "t", "s"));
    let differs = differs(unit);
    format!("SELECT count(*) FROM {staged} AS s JOIN {relation} AS t ON {key} WHERE {differs}")
}

/// Selects the keys of staged rows that the table does not have, and where rows are overwritten
/// also of those that differ.
pub(crate) fn select_changing(unit: &Unit, staged: &Name, overwrites: bool) -> String {
    let (staged, relation, key) = (staged.sql(), unit.relation(), same_key(unit, "t", "s"));
    let (columns, first) = (key_of(unit, "s"), quote_identifier(&unit.facts.key[0]));
    let differs = if overwrites { format!(" OR {}", differs(unit)) } else { String::new() };
    format!(
        "SELECT {columns} FROM {staged} AS s LEFT JOIN {relation} AS t ON {key} \
         WHERE t.{first} IS NULL{differs}"
    )
}

/// Selects no keys, in their columns.
pub(crate) fn select_no_key(unit: &Unit) -> String {
    format!("SELECT {} FROM {} AS t WHERE false", key_of(unit, "t"), unit.relation())
}

/// Whether the staged row `s` is, byte by byte, another one than `t`.
fn differs(unit: &Unit) -> String {
    let row = |alias: &str| {
        let columns = unit.columns.iter().map(|c| format!("{alias}.{}", quote_identifier(c)));
        columns.collect::<Vec<_>>().join(", ")
    };
    // Without the casts the operator would be looked up for each pair of columns.
    format!("ROW({})::record OPERATOR(pg_catalog.*<>) ROW({})::record", row("s"), row("t"))
}

fn key_of(unit: &Unit, alias: &str) -> String {
    let columns = unit.facts.key.iter().map(|c| format!("{alias}.{}", quote_identifier(c)));
    columns.collect::<Vec<_>>().join(", ")
}

/// Deletes the rows whose keys stand in `staging`.
pub(crate) fn delete(unit: &Unit, staging: &Name) -> String {
    let (staging, relation, key) = (staging.sql(), unit.relation(), same_key(unit, "t", "s"));
    format!("DELETE FROM {relation} AS t USING {staging} AS s WHERE {key}")
}

/// Inserts all staged rows.
pub(crate) fn insert(unit: &Unit, staging: &Name) -> String {
    let (table, columns) = (unit.name.sql(), column_list(&unit.columns));
    let (staging, order) = (staging.sql(), order(unit));
    // A table may have no column, or none that is not computed.
    let listed = if columns.is_empty() { String::new() } else { format!(" ({columns})") };
    format!(
        "INSERT INTO {table}{listed} OVERRIDING SYSTEM VALUE \
         SELECT {columns} FROM {staging} AS s{order}"
    )
}

/// Inserts the staged rows whose keys are new, and leaves all others alone.
pub(crate) fn append(unit: &Unit, staging: &Name) -> String {
    let key = column_list(&unit.facts.key);
    format!("{} ON CONFLICT ({key}) DO NOTHING", insert(unit, staging))
}

/// Inserts the staged rows, or changes those that are there and differ; `None` where the key does
/// not allow it.
pub(crate) fn upsert(unit: &Unit, staging: &Name) -> Option<String> {
    let facts = &unit.facts;
    let is_free = |column: &&String| !facts.fixed_columns.contains(column);
    let fixed = unit.columns.iter().filter(|column| !is_free(column));
    // A value that no UPDATE can set must not have to change.
    let can_stay = fixed.into_iter().all(|column| facts.key.contains(column));
    if !facts.is_arbiter || !can_stay {
        return None;
    }
    let (table, insert) = (unit.name.sql(), insert(unit, staging));
    let insert = insert.replacen(&format!("INTO {table}"), &format!("INTO {table} AS t"), 1);
    let key = column_list(&facts.key);
    // The key is set as well: values that compare as equal may differ, such as 1.0 and 1.00.
    let settings: Vec<String> = unit
        .columns
        .iter()
        .filter(is_free)
        .map(|column| {
            let column = quote_identifier(column);
            format!("{column} = excluded.{column}")
        })
        .collect();
    if settings.is_empty() {
        return Some(format!("{insert} ON CONFLICT ({key}) DO NOTHING"));
    }
    // Rows are read again that were there already; bytewise equal ones need not be written.
    Some(format!(
        "{insert} ON CONFLICT ({key}) DO UPDATE SET {} \
         WHERE t.* OPERATOR(pg_catalog.*<>) excluded.*",
        settings.join(", ")
    ))
}

fn order(unit: &Unit) -> String {
    if unit.facts.key.is_empty() {
        return String::new();
    }
    format!(" ORDER BY {}", column_list(&unit.facts.key))
}

#[cfg(test)]
#[path = "apply_tests.rs"]
mod tests;
