//! The definition of a table as statements: beside, after its rows, and into its place.
//!
//! It writes text only. What cannot be written is refused earlier, by `drift`.

use pg::{Name, quote_identifier, quote_literal};

use pg::shape::{Column, Constraint, Index, Sequence, Shape, Statistics, Table};

/// How a table is made beside and then takes its place.
///
/// Foreign keys, the owners of sequences and the attaching of partitions are alterations of their
/// own, as they need other tables to be in place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatePlan {
    /// Creates the table beside, without defaults.
    pub table: String,
    /// Constraints, indexes and statistics, which have their final names: the schema beside must
    /// not be shared by tables of different schemas.
    pub after_rows: Vec<String>,
    /// In the publish transaction, once the old table, if any, is dropped.
    pub swap: Vec<String>,
}

/// How `table` is made at `place`, a name in a schema that holds nothing of readers. `None` for
/// a table that is not known.
pub fn create_plan(shape: &Shape, table: &Name, place: &Name) -> Option<CreatePlan> {
    let table = shape.table(table)?;
    Some(CreatePlan {
        table: create_table(table, place),
        after_rows: after_rows(table, place),
        swap: swap(shape, table, place),
    })
}

fn swap(shape: &Shape, table: &Table, place: &Name) -> Vec<String> {
    let (name, schema) = (table.name.sql(), quote_identifier(&table.name.schema));
    let mut swap = Vec::new();
    let mut here = place.clone();
    if place.name != table.name.name {
        let new = quote_identifier(&table.name.name);
        swap.push(format!("ALTER TABLE {} RENAME TO {new}", here.sql()));
        here.name.clone_from(&table.name.name);
    }
    if here.schema != table.name.schema {
        swap.push(format!("ALTER TABLE {} SET SCHEMA {schema}", here.sql()));
    }
    for statistics in &table.statistics {
        let beside = statistics.name.in_schema(&place.schema);
        if beside != statistics.name {
            let schema = quote_identifier(&statistics.name.schema);
            swap.push(format!("ALTER STATISTICS {} SET SCHEMA {schema}", beside.sql()));
        }
    }
    for column in &table.columns {
        let of = format!("ALTER TABLE {name} ALTER COLUMN {}", quote_identifier(&column.name));
        if let (Some(expression), "") = (&column.expression, column.generated.as_str()) {
            swap.push(format!("{of} SET DEFAULT {expression}"));
        }
        if let Some(identity) = identity(shape, table, column) {
            swap.push(format!("{of} ADD {identity}"));
        }
    }
    swap.extend(comments(table));
    swap
}

/// `GENERATED … AS IDENTITY (…)`; partitions share that of their parent.
pub(crate) fn identity(shape: &Shape, table: &Table, column: &Column) -> Option<String> {
    if column.identity.is_empty() || table.bound.is_some() {
        return None;
    }
    let is_its = |sequence: &&Sequence| {
        sequence.is_identity
            && sequence
                .owner
                .as_ref()
                .is_some_and(|owner| owner.table == table.name && owner.column == column.name)
    };
    let options = match shape.sequences.iter().find(is_its) {
        Some(sequence) => {
            format!(" (SEQUENCE NAME {} {})", sequence.name.sql(), sequence.options)
        }
        None => String::new(),
    };
    let always = if column.identity == "a" { "ALWAYS" } else { "BY DEFAULT" };
    Some(format!("GENERATED {always} AS IDENTITY{options}"))
}

fn create_table(table: &Table, place: &Name) -> String {
    let columns: Vec<String> =
        table.columns.iter().map(|column| definition(column, true)).collect();
    let unlogged = if table.is_unlogged { "UNLOGGED " } else { "" };
    let key = table.partition_key.as_ref().map(|key| format!(" PARTITION BY {key}"));
    let (name, columns) = (place.sql(), columns.join(", "));
    format!("CREATE {unlogged}TABLE {name} ({columns}){}", key.unwrap_or_default())
}

/// A column without default and identity.
pub(crate) fn definition(column: &Column, with_not_null: bool) -> String {
    let mut sql = format!("{} {}", quote_identifier(&column.name), column.type_name);
    if let Some(collation) = &column.collation {
        sql.push_str(&format!(" COLLATE {collation}"));
    }
    if let (Some(expression), false) = (&column.expression, column.generated.is_empty()) {
        let kind = if column.generated == "v" { "VIRTUAL" } else { "STORED" };
        sql.push_str(&format!(" GENERATED ALWAYS AS ({expression}) {kind}"));
    }
    if with_not_null && column.is_not_null {
        sql.push_str(" NOT NULL");
    }
    sql
}

fn after_rows(table: &Table, place: &Name) -> Vec<String> {
    let constraints = table.constraints.iter().filter(|constraint| constraint.kind != "f");
    let constraints = constraints.map(|constraint| add_constraint(place, constraint));
    let indexes = table.indexes.iter().filter_map(|index| create_index(place, index));
    let statistics = table.statistics.iter().filter_map(|statistics| {
        let name = statistics.name.in_schema(&place.schema);
        create_statistics(&name, place, statistics)
    });
    constraints.chain(indexes).chain(statistics).collect()
}

/// Foreign keys are trusted: their rows come from one snapshot in which they were valid.
pub(crate) fn add_constraint(table: &Name, constraint: &Constraint) -> String {
    let late = if constraint.is_valid { "" } else { " NOT VALID" };
    let (name, definition) = (quote_identifier(&constraint.name), &constraint.definition);
    format!("ALTER TABLE {} ADD CONSTRAINT {name} {definition}{late}", table.sql())
}

pub(crate) fn create_index(table: &Name, index: &Index) -> Option<String> {
    let unique = if index.is_unique { "UNIQUE " } else { "" };
    let name = quote_identifier(&index.name);
    Some(format!("CREATE {unique}INDEX {name} ON {} {}", table.sql(), index.body.as_ref()?))
}

pub(crate) fn create_statistics(
    name: &Name,
    table: &Name,
    statistics: &Statistics,
) -> Option<String> {
    let body = statistics.body.as_ref()?;
    Some(format!("CREATE STATISTICS {}{body} FROM {}", name.sql(), table.sql()))
}

/// `COMMENT ON …`; no text takes it away.
pub(crate) fn comment(on: &str, text: Option<&str>) -> String {
    format!("COMMENT ON {on} IS {}", text.map_or("NULL".to_owned(), quote_literal))
}

/// What can bear a comment in a table, as `COMMENT ON` names it.
pub(crate) fn commented(table: &Table) -> Vec<(String, Option<&str>)> {
    let name = table.name.sql();
    let mut all = vec![(format!("TABLE {name}"), table.comment.as_deref())];
    for column in &table.columns {
        let on = format!("COLUMN {name}.{}", quote_identifier(&column.name));
        all.push((on, column.comment.as_deref()));
    }
    for constraint in table.constraints.iter().filter(|constraint| constraint.kind != "f") {
        all.push((on_constraint(&table.name, constraint), constraint.comment.as_deref()));
    }
    for index in &table.indexes {
        all.push((on_index(&table.name, index), index.comment.as_deref()));
    }
    for statistics in &table.statistics {
        all.push((format!("STATISTICS {}", statistics.name.sql()), statistics.comment.as_deref()));
    }
    all
}

pub(crate) fn on_constraint(table: &Name, constraint: &Constraint) -> String {
    format!("CONSTRAINT {} ON {}", quote_identifier(&constraint.name), table.sql())
}

pub(crate) fn on_index(table: &Name, index: &Index) -> String {
    format!("INDEX {}", Name::new(&table.schema, &index.name).sql())
}

fn comments(table: &Table) -> impl Iterator<Item = String> {
    let all = commented(table).into_iter();
    all.filter(|(_, text)| text.is_some()).map(|(on, text)| comment(&on, text))
}
