//! One table as both sides know it: which columns are compared, by which key, in which form. Pure.

use pg::catalog::{Catalog, Column, Table, TableKind};
use pg::{Identity, Name, quote_identifier};
use serde::Serialize;

use crate::render::{Form, Rendered};

/// The two sides of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    Source,
    Target,
}

/// What a digest covers of each row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Nothing but how many rows there are: enough where one side is known to hold all of the
    /// other's keys.
    Counts,
    /// The key alone; where there is none, the whole row.
    Keys,
    /// All columns of the subject.
    Rows,
}

/// One table as both sides know it.
#[derive(Debug, Clone, Serialize)]
pub struct Subject {
    pub source: Name,
    pub target: Name,
    /// What both sides have, in the order of the source.
    pub columns: Vec<Rendered>,
    /// Empty: no usable key.
    pub key: Vec<String>,
    /// An SQL condition for the source alone; its rows are those that the target should have.
    pub filter: Option<String>,
    /// Columns that the target lacks.
    pub only_source: Vec<String>,
    /// Columns that the source lacks.
    pub only_target: Vec<String>,
    /// The table with its partitions, rather than `ONLY` itself, on the source and on the target.
    pub with_partitions: (bool, bool),
    /// The encodings of the two databases differ.
    pub is_transcoded: bool,
    /// The name of a row in all SQL about the subject; no column has it.
    pub alias: String,
}

impl Subject {
    /// Pairs two tables by the names of their columns, generated ones included, as what is computed
    /// may differ as well. `Err` tells why the tables cannot be compared.
    pub fn pair(
        source: (&Catalog, &Table, &Identity),
        target: (&Catalog, &Table, &Identity),
    ) -> Result<Self, String> {
        let (source_catalog, source_table, source_identity) = source;
        let (target_catalog, target_table, target_identity) = target;
        let mut columns = Vec::new();
        for column in &source_table.columns {
            if let Some(other) = target_table.column(&column.name) {
                let form = shared_form((source_catalog, column), (target_catalog, other))?;
                columns.push(Rendered { name: column.name.clone(), form });
            }
        }
        // Tables without columns are equal when they have as many rows.
        if columns.is_empty() && source_table.columns.len() + target_table.columns.len() > 0 {
            return Err("the two tables have no column in common".to_owned());
        }
        let is_partitioned = |table: &Table| table.kind == TableKind::Partitioned;
        Ok(Self {
            source: source_table.name.clone(),
            target: target_table.name.clone(),
            key: shared_key(source_table, target_table),
            filter: None,
            only_source: lacking(source_table, target_table),
            only_target: lacking(target_table, source_table),
            with_partitions: (is_partitioned(source_table), is_partitioned(target_table)),
            is_transcoded: source_identity.encoding != target_identity.encoding,
            alias: alias([source_table, target_table]),
            columns,
        })
    }

    /// A table by itself, of which nothing is compared.
    pub fn whole(name: &Name, with_partitions: bool) -> Self {
        Self {
            source: name.clone(),
            target: name.clone(),
            columns: Vec::new(),
            key: Vec::new(),
            filter: None,
            only_source: Vec::new(),
            only_target: Vec::new(),
            with_partitions: (with_partitions, with_partitions),
            is_transcoded: false,
            alias: "levada_row".to_owned(),
        }
    }

    /// The quoted columns of the key: `"id", "part"`.
    pub fn key_list(&self) -> String {
        let columns: Vec<String> = self.key.iter().map(|name| quote_identifier(name)).collect();
        columns.join(", ")
    }

    /// The name of the table on a side.
    pub fn name(&self, side: Side) -> &Name {
        match side {
            Side::Source => &self.source,
            Side::Target => &self.target,
        }
    }

    /// What stands after `FROM`: the table under the subject's alias.
    pub fn relation_sql(&self, side: Side) -> String {
        let (source, target) = self.with_partitions;
        let with_partitions = if side == Side::Source { source } else { target };
        let only = if with_partitions { "" } else { "ONLY " };
        format!("{only}{} AS {}", self.name(side).sql(), quote_identifier(&self.alias))
    }

    /// What stands after `WHERE`.
    pub fn condition_sql(&self, side: Side) -> String {
        match (&self.filter, side) {
            (Some(filter), Side::Source) => format!("({filter})"),
            _ => "true".to_owned(),
        }
    }

    /// A column of the subject's row: `"levada_row"."id"`.
    pub fn column_sql(&self, name: &str) -> String {
        format!("{}.{}", quote_identifier(&self.alias), quote_identifier(name))
    }

    /// The 64-bit hash of a row. All that differ hash differently but for a chance of 2^-53; the
    /// seed makes that chance another one in every run.
    ///
    /// The hash of a record is a sum of its columns' hashes, so two rows that exchanged a value
    /// would leave a sum over the rows as it was; the hash of the hash breaks that.
    pub fn hash_sql(&self, depth: Depth, seed: i64) -> String {
        let columns: Vec<String> = self.covered(depth).map(|c| self.hashed_sql(c)).collect();
        let row = columns.join(", ");
        format!(
            "pg_catalog.hashfloat8extended(\
             pg_catalog.hash_record_extended(ROW({row}), {seed})::float8, {seed})"
        )
    }

    /// The hash of each column, as `ARRAY[…]`, in the order of the columns.
    pub(crate) fn column_hashes_sql(&self, seed: i64) -> String {
        let hashes = self.columns.iter().map(|column| {
            let value = self.hashed_sql(column);
            format!("pg_catalog.hash_record_extended(ROW({value}), {seed})")
        });
        format!("ARRAY[{}]::int8[]", hashes.collect::<Vec<_>>().join(", "))
    }

    /// Whether the key is one integer, so that ranges of it can be buckets.
    pub fn has_integer_key(&self) -> bool {
        self.integer_key().is_some()
    }

    /// The column of a key that is one integer.
    pub(crate) fn integer_key(&self) -> Option<&Rendered> {
        let [name] = self.key.as_slice() else { return None };
        self.columns.iter().find(|column| column.name == *name && column.form.is_integer())
    }

    fn covered(&self, depth: Depth) -> impl Iterator<Item = &Rendered> {
        let keys_only = depth != Depth::Rows && !self.key.is_empty();
        self.columns.iter().filter(move |column| !keys_only || self.key.contains(&column.name))
    }

    fn hashed_sql(&self, column: &Rendered) -> String {
        column.form.sql(&self.column_sql(&column.name), self.is_transcoded)
    }
}

fn shared_form(source: (&Catalog, &Column), target: (&Catalog, &Column)) -> Result<Form, String> {
    let form = |(catalog, column): (&Catalog, &Column)| Form::of(&catalog.types, column.type_oid);
    let name = |(catalog, column): (&Catalog, &Column)| base_name(catalog, column.type_oid);
    let shared = form(source).shared(form(target));
    match shared {
        Some(form) if form.is_known() || name(source) == name(target) => Ok(form),
        _ => Err(format!(
            "column {} is {} on the source and {} on the target",
            source.1.name, source.1.type_name, target.1.type_name
        )),
    }
}

/// The name of a type, or of what a domain is made of.
fn base_name(catalog: &Catalog, oid: u32) -> Option<String> {
    let facts = catalog.types.get(&oid)?;
    match (facts.kind, facts.base) {
        ('d', Some(base)) => base_name(catalog, base),
        _ => Some(facts.name.clone()),
    }
}

/// The key of the source, or else of the target, all columns of which both have.
fn shared_key(source: &Table, target: &Table) -> Vec<String> {
    let has = |table: &Table, name: &String| table.column(name).is_some();
    let keys = [source, target].into_iter().flat_map(|table| &table.keys);
    let mut usable = keys.filter(|key| key.is_usable && !key.columns.is_empty());
    let shared =
        usable.find(|key| key.columns.iter().all(|name| has(source, name) && has(target, name)));
    shared.map(|key| key.columns.clone()).unwrap_or_default()
}

fn lacking(table: &Table, other: &Table) -> Vec<String> {
    let names = table.columns.iter().map(|column| &column.name);
    names.filter(|name| other.column(name).is_none()).cloned().collect()
}

fn alias(tables: [&Table; 2]) -> String {
    let mut alias = "levada_row".to_owned();
    while tables.iter().any(|table| table.column(&alias).is_some()) {
        alias.push('_');
    }
    alias
}
