//! What of a source's definitions matters to a refresh, as a value that is kept with each edition
//! and compared with the next one's.
//!
//! It reads and judges nothing. Members of extensions are left out: they come with those.

use crate::{Name, Result, Session};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What is looked at: tables, views, types and routines of these schemas.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    pub schemas: Vec<String>,
    /// Tables that no edition holds.
    pub excluded: Vec<Name>,
}

/// The definitions of a source, each list sorted by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    pub tables: Vec<Table>,
    pub views: Vec<View>,
    pub enums: Vec<Enum>,
    pub sequences: Vec<Sequence>,
    pub routines: Vec<Routine>,
    pub others: Vec<Other>,
}

/// A plain or partitioned table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    pub oid: u32,
    pub name: Name,
    pub is_partitioned: bool,
    pub is_unlogged: bool,
    /// Created `OF` a type.
    pub is_typed: bool,
    /// The physical file: another one means that rows were written anew or truncated.
    pub filenode: u32,
    /// Routines, types or columns of other tables are made of its rows.
    pub is_bound: bool,
    pub partition_key: Option<String>,
    /// `FOR VALUES …`; only a partition has one.
    pub bound: Option<String>,
    /// What it is a partition of, or inherits from.
    pub parents: Vec<Name>,
    pub columns: Vec<Column>,
    pub constraints: Vec<Constraint>,
    /// Those that serve no constraint.
    pub indexes: Vec<Index>,
    pub statistics: Vec<Statistics>,
    pub comment: Option<String>,
}

/// A column, in the order of the table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// `pg_attribute.attnum`: it never changes, and is never used twice.
    pub number: i16,
    pub name: String,
    /// Qualified, with its modifiers.
    pub type_name: String,
    pub is_not_null: bool,
    /// `a` for ALWAYS, `d` for BY DEFAULT, else empty.
    pub identity: String,
    /// `s` for STORED, `v` for VIRTUAL, else empty.
    pub generated: String,
    /// Of the default, or of what is generated.
    pub expression: Option<String>,
    /// Changes with the expression, but not with the names in it.
    pub expression_sign: Option<String>,
    /// As SQL, where it is not that of the type.
    pub collation: Option<String>,
    pub has_missing: bool,
    /// What rows hold that are older than the column, as text; `None` is NULL.
    pub missing: Option<String>,
    pub comment: Option<String>,
}

/// A check, a key, an exclusion or a foreign key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Constraint {
    pub oid: u32,
    pub name: String,
    /// `pg_constraint.contype`: `c`, `p`, `u`, `x` or `f`.
    pub kind: String,
    /// Without `NOT VALID`.
    pub definition: String,
    /// Changes with the definition, but not with the names in it.
    pub sign: String,
    pub is_valid: bool,
    /// Belongs to a parent's.
    pub is_inherited: bool,
    pub references: Option<Name>,
    pub comment: Option<String>,
}

/// An index without a constraint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    pub oid: u32,
    pub name: String,
    pub is_unique: bool,
    /// What follows the name of the table: `USING btree (…)`. `None` could not be told.
    pub body: Option<String>,
    pub sign: String,
    pub is_inherited: bool,
    pub comment: Option<String>,
}

/// Extended statistics of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statistics {
    pub oid: u32,
    pub name: Name,
    /// What stands between its name and `FROM table`. `None` could not be told.
    pub body: Option<String>,
    pub sign: String,
    pub comment: Option<String>,
}

/// A view or materialised view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    pub oid: u32,
    pub name: Name,
    pub is_materialized: bool,
    /// As `pg_get_viewdef` tells it, without the final semicolon.
    pub query: String,
    pub sign: Option<String>,
    /// As they stand in `WITH (…)`.
    pub options: Option<String>,
    /// Definitions.
    pub indexes: Vec<String>,
    pub columns: Vec<ViewColumn>,
    pub comment: Option<String>,
}

/// A column of a view.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewColumn {
    pub name: String,
    pub comment: Option<String>,
}

/// An enumeration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enum {
    pub oid: u32,
    pub name: Name,
    /// In their order.
    pub labels: Vec<Label>,
    pub comment: Option<String>,
}

/// A label of an enumeration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    pub oid: u32,
    pub text: String,
}

/// A sequence, without where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    pub oid: u32,
    pub name: Name,
    pub type_name: String,
    /// `INCREMENT BY …`, all of them.
    pub options: String,
    /// Made by `GENERATED … AS IDENTITY`.
    pub is_identity: bool,
    pub owner: Option<SequenceOwner>,
    /// A default of another table than its owner uses it.
    pub is_shared: bool,
    pub comment: Option<String>,
}

/// The column that a sequence belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequenceOwner {
    pub table: Name,
    pub column: String,
}

/// A function, procedure or aggregate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routine {
    pub oid: u32,
    pub name: Name,
    /// `FUNCTION`, `PROCEDURE` or `AGGREGATE`.
    pub kind: String,
    /// Those that tell it from others of its name.
    pub arguments: String,
    /// What `CREATE OR REPLACE` cannot change.
    pub signature: String,
    /// A statement, but of an aggregate only something that changes with it.
    pub definition: String,
    /// Changes with what it does.
    pub sign: String,
    /// Its definition needs relations or the types of their rows.
    pub is_bound: bool,
    pub comment: Option<String>,
}

impl Table {
    /// The column of this exact name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

impl Routine {
    /// As in a statement: `"public"."rate"(integer)`.
    pub fn sql(&self) -> String {
        format!("{}({})", self.name.sql(), self.arguments)
    }
}

/// Something of which it is enough to know whether it has changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Other {
    pub kind: String,
    pub name: String,
    pub definition: String,
}

impl Shape {
    /// Reads the definitions in the transaction of `session`.
    pub async fn load(session: &Session, scope: &Scope) -> Result<Self> {
        let schemas = &scope.schemas;
        let excluded = (
            scope.excluded.iter().map(|name| name.schema.as_str()).collect::<Vec<_>>(),
            scope.excluded.iter().map(|name| name.name.as_str()).collect::<Vec<_>>(),
        );
        let tables = include_str!("sql/shape_tables.sql");
        let tables = session.rows(tables, &[schemas, &excluded.0, &excluded.1]).await?;
        let mut tables: Vec<Table> = parsed(&tables)?;
        let known: std::collections::HashSet<Name> =
            tables.iter().map(|table| table.name.clone()).collect();
        for table in &mut tables {
            // A key that references a table of no edition does not come along.
            let comes =
                |key: &Constraint| key.references.as_ref().is_none_or(|to| known.contains(to));
            table.constraints.retain(comes);
        }
        Ok(Self {
            tables,
            views: list(session, include_str!("sql/shape_views.sql"), schemas).await?,
            enums: list(session, include_str!("sql/shape_enums.sql"), schemas).await?,
            sequences: list(session, include_str!("sql/shape_sequences.sql"), schemas).await?,
            routines: list(session, include_str!("sql/shape_routines.sql"), schemas).await?,
            others: list(session, include_str!("sql/shape_others.sql"), schemas).await?,
        })
    }

    /// The names of all tables, views, types, sequences and routines.
    pub fn names(&self) -> Vec<Name> {
        let tables = self.tables.iter().map(|table| &table.name);
        let views = self.views.iter().map(|view| &view.name);
        let enums = self.enums.iter().map(|kind| &kind.name);
        let sequences = self.sequences.iter().map(|sequence| &sequence.name);
        let routines = self.routines.iter().map(|routine| &routine.name);
        tables.chain(views).chain(enums).chain(sequences).chain(routines).cloned().collect()
    }

    /// Whether a table has an index or a constraint of this name.
    pub fn has_index(&self, name: &Name) -> bool {
        let mut tables = self.tables.iter().filter(|table| table.name.schema == name.schema);
        tables.any(|table| {
            table.indexes.iter().any(|index| index.name == name.name)
                || table.constraints.iter().any(|constraint| constraint.name == name.name)
        })
    }

    /// The table of this exact name.
    pub fn table(&self, name: &Name) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == *name)
    }
}

/// A number, as text, for all that a [`Shape`] of these schemas is made of, in one query. As long
/// as it stays the same, so does the shape; when it changes, the shape may still be the same.
pub async fn fingerprint(session: &Session, schemas: &[String]) -> Result<String> {
    Ok(session.one(include_str!("sql/shape_fingerprint.sql"), &[&schemas]).await?.get(0))
}

async fn list<T: DeserializeOwned>(
    session: &Session,
    sql: &str,
    schemas: &[String],
) -> Result<Vec<T>> {
    parsed(&session.rows(sql, &[&schemas]).await?)
}

fn parsed<T: DeserializeOwned>(rows: &[tokio_postgres::Row]) -> Result<Vec<T>> {
    let parsed = rows.iter().map(|row| serde_json::from_str(row.get(0)));
    let wrong = |error: serde_json::Error| {
        // The position only: the text may quote a default.
        crate::Error::Protocol(format!(
            "a definition does not read as JSON, column {}",
            error.column()
        ))
    };
    parsed.collect::<std::result::Result<_, _>>().map_err(wrong)
}
