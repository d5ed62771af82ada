//! What a database contains, as a plain value read in one snapshot. It selects nothing and changes
//! nothing.

use std::collections::HashMap;

use serde::Serialize;
use tokio_postgres::Row;

use crate::binary::{TypeFacts, Types};
use crate::{Name, Result, Session, quote_literal};

/// The user objects of a database. Members of extensions and the `levada` schema are left out.
#[derive(Debug, Clone, Serialize)]
pub struct Catalog {
    pub tables: Vec<Table>,
    pub sequences: Vec<Name>,
    /// Those of the sequences whose state this role may not read, each with the table it serves.
    pub unreadable_sequences: Vec<(Name, Option<Name>)>,
    pub views: Vec<View>,
    pub foreign_keys: Vec<ForeignKey>,
    pub extensions: Vec<Extension>,
    pub schemas: Vec<String>,
    /// Schemas that are ours or belong to extensions.
    pub foreign_schemas: Vec<String>,
    pub casts: Vec<Cast>,
    pub large_objects: i64,
    #[serde(skip)]
    pub types: Types,
}

/// `pg_class.relkind` of what we call a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TableKind {
    Plain,
    /// Holds no rows itself; its partitions are tables of their own.
    Partitioned,
    Foreign,
}

/// A table and what planning needs of it.
#[derive(Debug, Clone, Serialize)]
pub struct Table {
    pub oid: u32,
    pub name: Name,
    pub kind: TableKind,
    /// The physical file of the table as of the snapshot: it changes when rows are rewritten.
    pub filenode: u32,
    /// The main fork's size on disk.
    pub bytes: u64,
    /// The planner's estimate; 0 when never analysed.
    pub rows_estimate: u64,
    /// Stored by the `heap` access method, so that ctid ranges work.
    pub is_heap: bool,
    pub is_readable: bool,
    /// Row-level security would hide rows from this role.
    pub hides_rows: bool,
    /// What it is a partition of, or inherits from.
    pub parents: Vec<Name>,
    /// Through which table its rows must be inserted elsewhere, as another database would choose
    /// other partitions for them.
    pub router: Option<Name>,
    /// The sequences that it owns and nobody else uses.
    pub own_sequences: Vec<Name>,
    pub columns: Vec<Column>,
    /// Unique indexes and exclusion constraints, the primary key first.
    pub keys: Vec<Key>,
}

impl Table {
    /// The key that names rows: the primary key, or else a unique index that can do the same.
    pub fn key(&self) -> Option<&Key> {
        self.keys.iter().find(|key| key.is_usable)
    }

    /// The column of this exact name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// A unique index or an exclusion constraint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Key {
    /// Of the index.
    pub name: String,
    pub is_primary: bool,
    /// Checked row by row; otherwise deferrable, and not fit for `ON CONFLICT`.
    pub is_immediate: bool,
    /// Names exactly one row: valid, not partial, no expressions, never NULL.
    pub is_usable: bool,
    /// In the order of the index; expressions are left out.
    pub columns: Vec<String>,
}

/// A column, in the order of the table.
#[derive(Debug, Clone, Serialize)]
pub struct Column {
    pub name: String,
    pub type_oid: u32,
    /// As in a definition, with its modifiers: `character varying(255)`.
    pub type_name: String,
    /// `pg_attribute.attnum`: a column that was dropped and added again has another.
    pub number: i16,
    pub is_not_null: bool,
    /// `GENERATED ALWAYS AS IDENTITY`.
    pub is_always_identity: bool,
    /// What rows hold that are older than the column, as the text of an array of one.
    pub missing: Option<String>,
    /// Its collation, if any, tells different texts apart.
    pub is_deterministic: bool,
    /// As SQL, where it is not that of the type.
    pub collation: Option<String>,
    /// Computed by the server; never copied.
    pub is_generated: bool,
}

/// A view or materialised view, and the relations it reads.
#[derive(Debug, Clone, Serialize)]
pub struct View {
    pub name: Name,
    pub is_materialized: bool,
    /// A materialised view that has been refreshed at least once.
    pub is_populated: bool,
    /// Calls routines that users or extensions made.
    pub calls_routines: bool,
    pub reads: Vec<Name>,
}

/// A foreign key of a table, not those that its partitions inherit.
#[derive(Debug, Clone, Serialize)]
pub struct ForeignKey {
    pub name: String,
    pub table: Name,
    pub references: Name,
    pub is_valid: bool,
}

/// An installed extension and the schema that its objects stand in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Extension {
    pub name: String,
    pub schema: String,
    pub version: String,
}

/// A cast that a user made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cast {
    /// As in a definition: `CAST (text AS integer)`.
    pub name: String,
    /// Where its types and its function stand.
    pub schemas: Vec<String>,
}

/// Where a sequence stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SequenceState {
    pub name: Name,
    pub last_value: i64,
    pub is_called: bool,
}

impl Catalog {
    /// Reads the catalogue in the transaction of `session`.
    pub async fn load(session: &Session) -> Result<Self> {
        let mut columns = load_columns(session).await?;
        let mut keys = load_keys(session).await?;
        let tables = session.rows(include_str!("sql/tables.sql"), &[]).await?;
        let tables = tables.iter().map(|row| {
            let oid = row.get("oid");
            Table {
                oid,
                name: Name::new(row.get::<_, String>("schema"), row.get::<_, String>("name")),
                kind: match row.get::<_, i8>("kind") as u8 {
                    b'p' => TableKind::Partitioned,
                    b'f' => TableKind::Foreign,
                    _ => TableKind::Plain,
                },
                filenode: row.get("filenode"),
                bytes: row.get::<_, i64>("bytes").max(0) as u64,
                rows_estimate: row.get::<_, f64>("rows_estimate").max(0.0) as u64,
                is_heap: row.get("is_heap"),
                is_readable: row.get("is_readable"),
                hides_rows: row.get("hides_rows"),
                parents: name_list(row, "parent_schemas", "parent_names"),
                router: row
                    .get::<_, Option<String>>("router_schema")
                    .map(|schema| Name::new(schema, row.get::<_, String>("router_name"))),
                own_sequences: name_list(row, "sequence_schemas", "sequence_names"),
                columns: columns.remove(&oid).unwrap_or_default(),
                keys: keys.remove(&oid).unwrap_or_default(),
            }
        });
        let sequences = session.rows(include_str!("sql/sequences.sql"), &[]).await?;
        let unreadable = sequences.iter().filter(|row| !row.get::<_, bool>("is_readable"));
        Ok(Self {
            tables: tables.collect(),
            unreadable_sequences: unreadable.map(|row| (name_of(row), owner_of(row))).collect(),
            sequences: sequences.iter().map(name_of).collect(),
            views: load_views(session).await?,
            foreign_keys: load_foreign_keys(session).await?,
            extensions: load_extensions(session).await?,
            schemas: load_schemas(session, false).await?,
            foreign_schemas: load_schemas(session, true).await?,
            casts: load_casts(session).await?,
            large_objects: session
                .one("SELECT count(*) FROM pg_catalog.pg_largeobject_metadata", &[])
                .await?
                .get(0),
            types: load_types(session).await?,
        })
    }

    /// The table of this exact name.
    pub fn table(&self, name: &Name) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == *name)
    }
}

fn name_list(row: &Row, schemas: &str, names: &str) -> Vec<Name> {
    let (schemas, names): (Vec<String>, Vec<String>) = (row.get(schemas), row.get(names));
    schemas.into_iter().zip(names).map(|(schema, name)| Name::new(schema, name)).collect()
}

fn name_of(row: &Row) -> Name {
    Name::new(row.get::<_, String>(0), row.get::<_, String>(1))
}

/// The table that a sequence belongs to.
fn owner_of(row: &Row) -> Option<Name> {
    let schema: Option<String> = row.get("owner_schema");
    Some(Name::new(schema?, row.get::<_, String>("owner_name")))
}

async fn load_columns(session: &Session) -> Result<HashMap<u32, Vec<Column>>> {
    let mut columns: HashMap<u32, Vec<Column>> = HashMap::new();
    for row in session.rows(include_str!("sql/columns.sql"), &[]).await? {
        columns.entry(row.get("table_oid")).or_default().push(Column {
            name: row.get("name"),
            type_oid: row.get("type_oid"),
            type_name: row.get("type_name"),
            number: row.get("number"),
            is_not_null: row.get("is_not_null"),
            is_generated: row.get("is_generated"),
            is_always_identity: row.get("is_always_identity"),
            missing: row.get("missing"),
            is_deterministic: row.get("is_deterministic"),
            collation: row.get("collation"),
        });
    }
    Ok(columns)
}

async fn load_keys(session: &Session) -> Result<HashMap<u32, Vec<Key>>> {
    let mut keys: HashMap<u32, Vec<Key>> = HashMap::new();
    for row in session.rows(include_str!("sql/keys.sql"), &[]).await? {
        keys.entry(row.get("table_oid")).or_default().push(Key {
            name: row.get("name"),
            is_primary: row.get("is_primary"),
            is_immediate: row.get("is_immediate"),
            is_usable: row.get("is_usable"),
            columns: row.get("columns"),
        });
    }
    Ok(keys)
}

async fn load_types(session: &Session) -> Result<Types> {
    let rows = session.rows(include_str!("sql/types.sql"), &[]).await?;
    let facts = rows.iter().map(|row| TypeFacts {
        oid: row.get("oid"),
        name: row.get("name"),
        kind: row.get::<_, i8>("kind") as u8 as char,
        element: row.get("element"),
        base: row.get("base"),
    });
    Ok(facts.map(|facts| (facts.oid, facts)).collect())
}

async fn load_views(session: &Session) -> Result<Vec<View>> {
    let rows = session.rows(include_str!("sql/views.sql"), &[]).await?;
    let views = rows.iter().map(|row| View {
        name: Name::new(row.get::<_, String>("schema"), row.get::<_, String>("name")),
        is_materialized: row.get("is_materialized"),
        is_populated: row.get("is_populated"),
        calls_routines: row.get("calls_routines"),
        reads: name_list(row, "read_schemas", "read_names"),
    });
    Ok(views.collect())
}

async fn load_foreign_keys(session: &Session) -> Result<Vec<ForeignKey>> {
    let rows = session.rows(include_str!("sql/foreign_keys.sql"), &[]).await?;
    let keys = rows.iter().map(|row| ForeignKey {
        name: row.get("name"),
        table: Name::new(row.get::<_, String>("table_schema"), row.get::<_, String>("table_name")),
        references: Name::new(
            row.get::<_, String>("referenced_schema"),
            row.get::<_, String>("referenced_name"),
        ),
        is_valid: row.get("is_valid"),
    });
    Ok(keys.collect())
}

async fn load_extensions(session: &Session) -> Result<Vec<Extension>> {
    let rows = session.rows(include_str!("sql/extensions.sql"), &[]).await?;
    let extensions = rows.iter().map(|row| Extension {
        name: row.get("name"),
        schema: row.get("schema"),
        version: row.get("version"),
    });
    Ok(extensions.collect())
}

async fn load_schemas(session: &Session, is_foreign: bool) -> Result<Vec<String>> {
    let rows = session.rows(include_str!("sql/schemas.sql"), &[&is_foreign]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

async fn load_casts(session: &Session) -> Result<Vec<Cast>> {
    let rows = session.rows(include_str!("sql/casts.sql"), &[]).await?;
    Ok(rows.iter().map(|row| Cast { name: row.get("name"), schemas: row.get("schemas") }).collect())
}

/// How many sequences one statement asks for.
const SEQUENCES_PER_QUERY: usize = 200;

/// Reads where the sequences stand. Sequences are not transactional: the values are of now, which
/// is never behind any snapshot taken before.
pub async fn sequence_states(session: &Session, names: &[Name]) -> Result<Vec<SequenceState>> {
    let mut states = Vec::with_capacity(names.len());
    for group in names.chunks(SEQUENCES_PER_QUERY) {
        let selects = group.iter().map(|name| {
            let (schema, sequence) = (quote_literal(&name.schema), quote_literal(&name.name));
            let relation = name.sql();
            format!(
                "SELECT {schema}::text, {sequence}::text, last_value, is_called FROM {relation}"
            )
        });
        let sql = selects.collect::<Vec<_>>().join(" UNION ALL ");
        for row in session.rows(&sql, &[]).await? {
            states.push(SequenceState {
                name: Name::new(row.get::<_, String>(0), row.get::<_, String>(1)),
                last_value: row.get(2),
                is_called: row.get(3),
            });
        }
    }
    Ok(states)
}
