//! Which tables of two databases are compared with which. Pure.

use std::collections::{BTreeMap, BTreeSet};

use pg::catalog::{Catalog, Table, TableKind};
use pg::{Name, selection};
use report::Problem;

/// What a person wants compared.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Empty means all.
    pub schemas: Vec<String>,
    /// Exact names or globs of tables; empty means all. One that matches nothing is an error.
    pub tables: Vec<String>,
}

impl Scope {
    /// Whether nothing is left out.
    pub(crate) fn is_everything(&self) -> bool {
        self.schemas.is_empty() && self.tables.is_empty()
    }
}

/// A table of both sides, or of one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair<'a> {
    pub(crate) source: Option<&'a Table>,
    pub(crate) target: Option<&'a Table>,
}

impl<'a> Pair<'a> {
    /// The table of the source, or else of the target.
    pub(crate) fn any(&self) -> Option<&'a Table> {
        self.source.or(self.target)
    }

    /// Bytes on disk of both sides together.
    pub(crate) fn bytes(&self) -> u64 {
        self.source.into_iter().chain(self.target).map(|table| table.bytes).sum()
    }
}

/// All pairs within `scope`, largest first. With `only`, nothing but these tables.
pub(crate) fn pairs<'a>(
    source: &'a Catalog,
    target: &'a Catalog,
    scope: &Scope,
    only: Option<&BTreeSet<Name>>,
) -> Result<Vec<Pair<'a>>, Problem> {
    let whole = compared_whole(source, target);
    let chosen = chosen(source, target, scope)?;
    let mut pairs: BTreeMap<&Name, Pair<'a>> = BTreeMap::new();
    for (catalog, is_source) in [(source, true), (target, false)] {
        for table in catalog.tables.iter().filter(|table| holds_rows(catalog, table, &whole)) {
            if !chosen.contains(&table.name) || only.is_some_and(|only| !only.contains(&table.name))
            {
                continue;
            }
            let pair = pairs.entry(&table.name).or_insert(Pair { source: None, target: None });
            if is_source { pair.source = Some(table) } else { pair.target = Some(table) }
        }
    }
    let mut pairs: Vec<Pair<'a>> = pairs.into_values().collect();
    pairs.sort_by_key(|pair| std::cmp::Reverse(pair.bytes()));
    Ok(pairs)
}

/// The partitioned tables that are compared with all their partitions: those whose rows stand in
/// other partitions elsewhere, and those that are plain on the other side.
fn compared_whole(source: &Catalog, target: &Catalog) -> BTreeSet<Name> {
    let tables = || source.tables.iter().chain(&target.tables);
    let mut whole: BTreeSet<Name> = tables().filter_map(|table| table.router.clone()).collect();
    for table in &source.tables {
        let other = target.table(&table.name).map(|other| other.kind);
        let kinds = (table.kind, other);
        if let (TableKind::Plain, Some(TableKind::Partitioned))
        | (TableKind::Partitioned, Some(TableKind::Plain)) = kinds
        {
            whole.insert(table.name.clone());
        }
    }
    whole
}

/// Whether rows are found in a table: plain ones, and those compared whole instead of their parts.
fn holds_rows(catalog: &Catalog, table: &Table, whole: &BTreeSet<Name>) -> bool {
    let is_part = ancestors(catalog, table).iter().any(|name| whole.contains(*name));
    !is_part && (table.kind == TableKind::Plain || whole.contains(&table.name))
}

/// What a table is a partition or child of, directly or not.
fn ancestors<'a>(catalog: &'a Catalog, table: &'a Table) -> Vec<&'a Name> {
    let mut line: Vec<&Name> = table.parents.iter().collect();
    let mut at = 0;
    while at < line.len() {
        for parent in catalog.table(line[at]).into_iter().flat_map(|table| &table.parents) {
            if !line.contains(&parent) {
                line.push(parent);
            }
        }
        at += 1;
    }
    line
}

/// The names that are asked for; what is said of a parent is said of its partitions and children.
fn chosen(source: &Catalog, target: &Catalog, scope: &Scope) -> Result<BTreeSet<Name>, Problem> {
    let known = |schema: &String| {
        let mut schemas = source.schemas.iter().chain(&target.schemas);
        schemas.any(|other| other == schema)
    };
    if let Some(schema) = scope.schemas.iter().find(|schema| !known(schema)) {
        let problem = Problem::new(format!("neither side has a schema \"{schema}\""))
            .detail(format!("the source has: {}", source.schemas.join(", ")));
        return Err(problem.hint("correct --schema"));
    }
    let is_in_scope = |name: &Name| match scope.schemas.is_empty() {
        true => !is_unfinished(&name.schema),
        false => scope.schemas.contains(&name.schema),
    };
    let mut lines: BTreeMap<&Name, BTreeSet<&Name>> = BTreeMap::new();
    for catalog in [source, target] {
        for table in catalog.tables.iter().filter(|table| is_in_scope(&table.name)) {
            let line = lines.entry(&table.name).or_default();
            line.insert(&table.name);
            line.extend(ancestors(catalog, table));
        }
    }
    let named = selection::select("table", &scope.tables, lines.keys().copied())?;
    let is_named = |line: &BTreeSet<&Name>| {
        scope.tables.is_empty() || line.iter().any(|name| named.contains(*name))
    };
    let chosen = lines.iter().filter(|(_, line)| is_named(line));
    Ok(chosen.map(|(name, _)| (*name).clone()).collect())
}

/// Where an edition is built, or waits to be dropped: nobody's tables yet, or no more.
fn is_unfinished(schema: &str) -> bool {
    ["levada_next_", "levada_old_"].iter().any(|start| schema.starts_with(start))
}
