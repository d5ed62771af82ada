//! The difference between the tables of two shapes. Pure.
//!
//! A table is known by its object id, or else by its name; a column by its number.

use std::collections::{HashMap, HashSet};

use pg::{Name, quote_identifier, quote_literal};

use crate::column_drift::columns;
use crate::drift::{Phase, Rows, TableDrift, Work};
use crate::shape::{Column, Constraint, Index, Statistics, Table};
use crate::table_sql::{
    add_constraint, commented, create_index, create_statistics, on_constraint, on_index,
};

/// A table of both editions.
#[derive(Clone, Copy)]
pub(crate) struct Pair<'a> {
    pub(crate) before: &'a Table,
    pub(crate) now: &'a Table,
    /// Still the partition that it was: its columns follow its parent's.
    pub(crate) follows_parent: bool,
}

impl Pair<'_> {
    pub(crate) fn is_same(&self) -> bool {
        self.before.oid == self.now.oid
    }

    pub(crate) fn label(&self, what: impl std::fmt::Display) -> String {
        format!("{}: {what}", self.now.name)
    }
}

/// Compares all tables.
pub(crate) fn tables(work: &mut Work<'_>) {
    let (before, now) = (work.before, work.now);
    let by_oid: HashMap<u32, &Table> = before.tables.iter().map(|t| (t.oid, t)).collect();
    let left: HashSet<u32> = now.tables.iter().map(|t| t.oid).collect();
    let gone = |name: &Name| {
        let mut tables = before.tables.iter();
        tables.find(|table| table.name == *name && !left.contains(&table.oid))
    };
    let pairs: Vec<(&Table, Option<&Table>)> = now
        .tables
        .iter()
        .map(|table| (table, by_oid.get(&table.oid).copied().or_else(|| gone(&table.name))))
        .collect();
    let renamed: HashMap<&Name, &Name> = pairs
        .iter()
        .filter_map(|(now, before)| Some((&before.as_ref()?.name, &now.name)))
        .collect();
    let mut ordered = pairs.clone();
    ordered.sort_by_key(|(table, _)| (depth(work, table), table.name.clone()));
    for (now, before) in &ordered {
        match before {
            Some(before) => known_table(work, before, now, &renamed),
            None => new_table(work, now),
        }
    }
    let kept: HashSet<u32> = pairs.iter().filter_map(|(_, before)| Some((*before)?.oid)).collect();
    let mut dropped: Vec<&Table> =
        before.tables.iter().filter(|table| !kept.contains(&table.oid)).collect();
    // Partitions before what they are parts of.
    dropped.sort_by_key(|table| (table.bound.is_none(), table.is_partitioned));
    for table in dropped {
        drop_table(work, table);
    }
}

/// How many tables stand above it.
fn depth(work: &Work<'_>, table: &Table) -> usize {
    let mut depth = 0;
    let mut here = table;
    while let Some(parent) = here.parents.first().and_then(|name| work.now.table(name)) {
        depth += 1;
        here = parent;
    }
    depth
}

fn new_table(work: &mut Work<'_>, now: &Table) {
    let name = &now.name;
    if now.is_typed || (now.bound.is_none() && !now.parents.is_empty()) {
        work.rebuild(format!("table {name} is new, and made after another one"));
    }
    // With the name of a view that went, readers' views would have to follow.
    if work.before.views.iter().any(|view| view.name == *name) {
        work.rebuild(format!("{name} was a view"));
    }
    can_be_written(work, now);
    let (is_partitioned, rows) = (now.is_partitioned, Rows::New);
    let drift = TableDrift { name: name.clone(), before: None, is_partitioned, rows };
    work.changes.tables.push(drift);
    attach(work, now);
    foreign_keys(work, &[], now);
}

/// Whether every part of the definition can be told apart from its names.
fn can_be_written(work: &mut Work<'_>, table: &Table) {
    if table.indexes.iter().any(|index| index.body.is_none())
        || table.statistics.iter().any(|statistics| statistics.body.is_none())
    {
        work.rebuild(format!("an index of table {} cannot be written down", table.name));
    }
}

fn drop_table(work: &mut Work<'_>, table: &Table) {
    let name = &table.name;
    if table.is_bound || is_inherited_from(work, table) {
        return work.rebuild(format!("table {name} was dropped, and others are made after it"));
    }
    if work.now.views.iter().any(|view| view.name == *name) {
        return work.rebuild(format!("{name} is a view now"));
    }
    for key in table.constraints.iter().filter(|key| key.kind == "f" && !key.is_inherited) {
        drop_constraint(work, name, key);
    }
    work.changes.replaced.push(name.clone());
    let sql = format!("DROP TABLE {}", name.sql());
    work.alter(Phase::Before, 95, format!("{name} dropped"), sql);
}

/// Has children that are no partitions, in either shape.
fn is_inherited_from(work: &Work<'_>, table: &Table) -> bool {
    let both = work.before.tables.iter().chain(&work.now.tables);
    both.into_iter().any(|child| child.bound.is_none() && child.parents.contains(&table.name))
}

fn known_table(work: &mut Work<'_>, before: &Table, now: &Table, renamed: &HashMap<&Name, &Name>) {
    let parents: Vec<&Name> =
        before.parents.iter().map(|name| renamed.get(name).copied().unwrap_or(name)).collect();
    let is_attached = parents.iter().copied().eq(now.parents.iter()) && before.bound == now.bound;
    let follows_parent = is_attached && now.bound.is_some();
    let pair = Pair { before, now, follows_parent };
    if before.name != now.name {
        work.rename("TABLE", &before.name, &now.name);
    }
    let mut rows = columns(work, pair);
    if before.is_unlogged != now.is_unlogged {
        rows = Rows::Swap { reason: "it is logged otherwise".to_owned() };
    }
    if (before.is_typed, before.is_partitioned) != (now.is_typed, now.is_partitioned)
        || (before.oid != now.oid && before.partition_key != now.partition_key)
    {
        work.rebuild(format!("table {} is partitioned or typed otherwise", now.name));
    }
    let is_child = [before, now].iter().any(|t| t.bound.is_none() && !t.parents.is_empty());
    let is_of_family = is_child || is_inherited_from(work, now) || is_inherited_from(work, before);
    if is_of_family && !is_alike(before, now) {
        work.rebuild(format!("table {} changed, and others inherit from it", now.name));
    }
    if is_child && !is_attached {
        work.rebuild(format!("table {} inherits otherwise", now.name));
    }
    if !is_attached && before.bound.is_some() {
        let parent = parents.first().map(|name| name.sql()).unwrap_or_default();
        let sql = format!("ALTER TABLE {parent} DETACH PARTITION {}", now.name.sql());
        work.alter(Phase::Before, 40, pair.label("detached"), sql);
    }
    if !is_attached {
        attach(work, now);
    }
    if matches!(rows, Rows::Swap { .. }) {
        swap(work, pair, is_child);
    } else {
        constraints(work, pair, is_attached);
        indexes(work, pair, is_attached);
        statistics(work, pair);
        comments(work, pair);
    }
    work.changes.tables.push(TableDrift {
        name: now.name.clone(),
        before: Some(before.name.clone()),
        is_partitioned: now.is_partitioned,
        rows,
    });
}

/// Whether the columns of both are the same, but for comments.
fn is_alike(before: &Table, now: &Table) -> bool {
    let facts = |table: &Table| -> Vec<Column> {
        let columns = table.columns.iter().cloned();
        let strip = |column| Column { comment: None, missing: None, has_missing: false, ..column };
        columns.map(strip).collect()
    };
    facts(before) == facts(now)
}

fn swap(work: &mut Work<'_>, pair: Pair<'_>, is_child: bool) {
    let (before, now) = (pair.before, pair.now);
    let is_part = now.is_partitioned || now.bound.is_some() || before.bound.is_some();
    if is_part || is_child || now.is_typed || before.is_bound || now.is_bound {
        work.rebuild(format!("table {} changed, and others are made after it", now.name));
    }
    if is_inherited_from(work, now) || is_inherited_from(work, before) {
        work.rebuild(format!("table {} changed, and others inherit from it", now.name));
    }
    can_be_written(work, now);
    work.changes.replaced.push(now.name.clone());
    foreign_keys(work, &before.constraints, now);
}

fn attach(work: &mut Work<'_>, now: &Table) {
    if let (Some(bound), Some(parent)) = (&now.bound, now.parents.first()) {
        let (parent, name) = (parent.sql(), now.name.sql());
        let sql = format!("ALTER TABLE {parent} ATTACH PARTITION {name} {bound}");
        let rank = 40 + u8::try_from(depth(work, now)).unwrap_or(9).min(9);
        work.alter(Phase::After, rank, format!("{}: attached", now.name), sql);
    }
}

/// The foreign keys of a table that is made anew: its old one's go with it.
fn foreign_keys(work: &mut Work<'_>, before: &[Constraint], now: &Table) {
    let is_own = |key: &&Constraint| key.kind == "f" && !key.is_inherited;
    for key in before.iter().filter(is_own) {
        drop_constraint(work, &now.name, key);
    }
    for key in now.constraints.iter().filter(is_own) {
        add(work, now, key);
    }
}

/// Foreign keys go first of all: what is saved afterwards must not bring them back.
fn drop_constraint(work: &mut Work<'_>, table: &Name, constraint: &Constraint) {
    let (name, table_sql) = (quote_identifier(&constraint.name), table.sql());
    let label = format!("{table}: constraint {} dropped", constraint.name);
    let sql = format!("ALTER TABLE {table_sql} DROP CONSTRAINT IF EXISTS {name}");
    let (phase, rank) =
        if constraint.kind == "f" { (Phase::First, 60) } else { (Phase::Before, 10) };
    work.alter(phase, rank, label, sql);
}

fn add(work: &mut Work<'_>, table: &Table, constraint: &Constraint) {
    let count = work.changes.alterations.len();
    let label = format!("{}: constraint {} added", table.name, constraint.name);
    let mut sql = add_constraint(&table.name, constraint);
    let is_key = constraint.kind == "f";
    if is_key && constraint.is_valid && !table.is_partitioned {
        sql.push_str(" NOT VALID");
    }
    // Partitions are attached in between: keys of partitioned tables need them.
    work.alter(Phase::After, if is_key { 60 } else { 20 }, label, sql);
    let comment = constraint.comment.as_deref();
    work.comment(Phase::After, &on_constraint(&table.name, constraint), [None, comment]);
    if is_key {
        work.is_about_foreign_key(count);
    }
}

/// Pairs by name and text, or by object and sign; a pair of the latter kind may have another name.
fn matching<T>(
    before: &[T],
    is_text: impl Fn(&T) -> bool,
    is_object: impl Fn(&T) -> bool,
) -> Option<&T> {
    before.iter().find(|other| is_text(other)).or_else(|| before.iter().find(|o| is_object(o)))
}

fn constraints(work: &mut Work<'_>, pair: Pair<'_>, is_attached: bool) {
    let (before, now) = (pair.before, pair.now);
    let mut kept = HashSet::new();
    let mut new = Vec::new();
    for constraint in &now.constraints {
        let is_text = |old: &Constraint| {
            old.name == constraint.name && old.definition == constraint.definition
        };
        let is_object = |old: &Constraint| old.oid == constraint.oid && old.sign == constraint.sign;
        match matching(&before.constraints, is_text, is_object) {
            Some(old) => {
                kept.insert(&old.name);
                same_constraint(work, pair, old, constraint);
            }
            None => new.push(constraint),
        }
    }
    for old in before.constraints.iter().filter(|old| !kept.contains(&old.name)) {
        let is_family = now.is_partitioned || old.is_inherited && is_attached;
        if is_family && old.kind != "f" {
            work.rebuild(format!("constraint {} of {} is gone", old.name, now.name));
        } else if !(old.is_inherited && old.kind == "f") {
            drop_constraint(work, &now.name, old);
        }
        if old.kind == "p" {
            // Views that group by the key depend on it.
            work.changes.altered.push(now.name.clone());
        }
    }
    for constraint in new {
        let comes_with_parent = constraint.is_inherited && constraint.kind == "f";
        let is_family = now.is_partitioned || constraint.is_inherited && is_attached;
        if is_family && constraint.kind != "f" {
            work.rebuild(format!("constraint {} of {} is new", constraint.name, now.name));
        } else if !comes_with_parent {
            add(work, now, constraint);
        }
    }
}

fn same_constraint(work: &mut Work<'_>, pair: Pair<'_>, old: &Constraint, now: &Constraint) {
    let table = pair.now;
    let count = work.changes.alterations.len();
    if old.name != now.name {
        if pair.now.is_partitioned || now.is_inherited {
            return work.rebuild(format!("constraint {} of {} was renamed", old.name, table.name));
        }
        let is_taken = |list: &[Constraint], name: &str| list.iter().any(|key| key.name == name);
        if is_taken(&pair.before.constraints, &now.name) || is_taken(&table.constraints, &old.name)
        {
            return work.rebuild(format!("constraints of {} exchanged names", table.name));
        }
        let (old_name, name) = (quote_identifier(&old.name), quote_identifier(&now.name));
        let table_sql = table.name.sql();
        let sql = format!("ALTER TABLE {table_sql} RENAME CONSTRAINT {old_name} TO {name}");
        work.alter(Phase::First, 40, pair.label(format!("constraint {} renamed", now.name)), sql);
    }
    if now.kind == "f" {
        let texts = [old.comment.as_deref(), now.comment.as_deref()];
        work.comment(Phase::After, &on_constraint(&table.name, now), texts);
        work.is_about_foreign_key(count);
    }
    if now.kind == "c" && now.is_valid && !old.is_valid {
        let name = quote_identifier(&now.name);
        let sql = format!("ALTER TABLE {} VALIDATE CONSTRAINT {name}", table.name.sql());
        work.alter(Phase::After, 65, pair.label(format!("constraint {} proven", now.name)), sql);
    }
}

fn indexes(work: &mut Work<'_>, pair: Pair<'_>, is_attached: bool) {
    let (before, now) = (pair.before, pair.now);
    let schema = &now.name.schema;
    let mut kept = HashSet::new();
    let mut new = Vec::new();
    for index in &now.indexes {
        let is_text = |old: &Index| {
            (&old.name, &old.body, old.is_unique) == (&index.name, &index.body, index.is_unique)
        };
        let is_object = |old: &Index| old.oid == index.oid && old.sign == index.sign;
        match matching(&before.indexes, is_text, is_object) {
            Some(old) => {
                kept.insert(&old.name);
                if old.name != index.name {
                    let name = |name: &str| Name::new(schema, name);
                    work.rename("INDEX", &name(&old.name), &name(&index.name));
                }
            }
            None => new.push(index),
        }
    }
    let is_family = |index: &Index| now.is_partitioned || index.is_inherited && is_attached;
    for old in before.indexes.iter().filter(|old| !kept.contains(&old.name)) {
        if is_family(old) {
            work.rebuild(format!("index {} of partitioned tables is gone", old.name));
        }
        let sql = format!("DROP INDEX IF EXISTS {}", Name::new(schema, &old.name).sql());
        work.alter(Phase::Before, 11, pair.label(format!("index {} dropped", old.name)), sql);
    }
    for index in new {
        if is_family(index) {
            work.rebuild(format!("index {} of partitioned tables is new", index.name));
        }
        match create_index(&now.name, index) {
            Some(sql) => {
                let label = pair.label(format!("index {} added", index.name));
                work.alter(Phase::After, 30, label, sql);
                let on = on_index(&now.name, index);
                work.comment(Phase::After, &on, [None, index.comment.as_deref()]);
            }
            None => can_be_written(work, now),
        }
    }
}

fn statistics(work: &mut Work<'_>, pair: Pair<'_>) {
    let (before, now) = (pair.before, pair.now);
    let is_same = |a: &Statistics, b: &Statistics| {
        a.name == b.name && (a.body == b.body || a.oid == b.oid && a.sign == b.sign)
    };
    for old in before.statistics.iter().filter(|a| !now.statistics.iter().any(|b| is_same(a, b))) {
        let sql = format!("DROP STATISTICS IF EXISTS {}", old.name.sql());
        work.alter(Phase::Before, 12, pair.label(format!("statistics {} dropped", old.name)), sql);
    }
    for new in now.statistics.iter().filter(|a| !before.statistics.iter().any(|b| is_same(a, b))) {
        match create_statistics(&new.name, &now.name, new) {
            Some(sql) => {
                let label = pair.label(format!("statistics {} added", new.name));
                work.alter(Phase::After, 31, label, sql);
            }
            None => can_be_written(work, now),
        }
    }
}

/// Compares comments on what both have, by the names of now; what is new has its own.
fn comments(work: &mut Work<'_>, pair: Pair<'_>) {
    let before: HashMap<String, Option<&str>> = renamed_comments(pair);
    for (on, text) in commented(pair.now) {
        let old = before.get(&on).copied().flatten();
        work.comment(Phase::After, &on, [old, text]);
    }
}

fn renamed_comments<'a>(pair: Pair<'a>) -> HashMap<String, Option<&'a str>> {
    let (before, now) = (pair.before, pair.now);
    let name = now.name.sql();
    let mut comments = HashMap::from([(format!("TABLE {name}"), before.comment.as_deref())]);
    for column in &now.columns {
        let old = before.columns.iter().find(|old| match pair.is_same() {
            true => old.number == column.number,
            false => old.name == column.name,
        });
        let on = format!("COLUMN {name}.{}", quote_identifier(&column.name));
        comments.insert(on, old.and_then(|old| old.comment.as_deref()));
    }
    for key in &before.constraints {
        // The comment of one that is added comes with it.
        comments.insert(on_constraint(&now.name, key), key.comment.as_deref());
    }
    for index in &before.indexes {
        comments.insert(on_index(&now.name, index), index.comment.as_deref());
    }
    for statistics in &before.statistics {
        let on = format!("STATISTICS {}", statistics.name.sql());
        comments.insert(on, statistics.comment.as_deref());
    }
    comments
}

/// A literal of what rows hold that are older than their column.
pub(crate) fn constant(value: &str, type_name: &str) -> String {
    format!("{}::{type_name}", quote_literal(value))
}
