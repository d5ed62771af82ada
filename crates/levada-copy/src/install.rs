//! Puts the definitions into the target and learns from the target itself how to build the rest.
//!
//! Everything happens in one transaction. For an edition that is built beside a published one, the
//! schemas in use are renamed away inside that transaction, the new ones created under their final
//! names, and all renamed again before it commits: PostgreSQL resolves every name, no text is
//! rewritten, and readers notice nothing.

use std::collections::BTreeMap;

use anyhow::Context;
use edition::{Placement, StepRow};
use pg::{Name, Session, Statement, quote_identifier};

use crate::config::ForeignKeys;
use crate::definitions::Definitions;
use crate::name_bound;
use crate::plan::Plan;
use crate::recipes;
use crate::start;

/// The names of schemas while an edition is being built.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    pub(crate) placement: Placement,
    pub(crate) schemas: Vec<String>,
}

impl Places {
    /// Where a table of the edition stands until it is published.
    pub(crate) fn place(&self, name: &Name) -> Name {
        match self.placement {
            Placement::Beside if self.schemas.contains(&name.schema) => {
                name.in_schema(&beside(NEXT, &name.schema))
            }
            _ => name.clone(),
        }
    }

    /// The schemas that stand elsewhere until the edition is published, and where.
    pub(crate) fn by_schema(&self) -> BTreeMap<String, String> {
        let placed = self.placed_schemas();
        let pairs = self.schemas.iter().cloned().zip(placed);
        pairs.filter(|(schema, placed)| schema != placed).collect()
    }

    /// The final name of something that stands in a building schema.
    pub(crate) fn final_name(&self, placed: &Name) -> Name {
        let schema = self.schemas.iter().find(|schema| {
            self.placement == Placement::Beside && beside(NEXT, schema) == placed.schema
        });
        schema.map_or_else(|| placed.clone(), |schema| placed.in_schema(schema))
    }

    /// The `search_path` for whatever runs functions of the source: their bodies may rely on the
    /// default one, although everything else is named in full.
    pub(crate) fn search_path(&self) -> String {
        let public = Name::new(DEFAULT_SCHEMA, "");
        let placed = quote_identifier(&self.place(&public).schema);
        match self.placement {
            Placement::Direct => placed,
            // Extensions stay where they are until the edition is published.
            Placement::Beside => format!("{placed}, {DEFAULT_SCHEMA}"),
        }
    }

    /// The schemas in which the edition stands until it is published.
    pub(crate) fn placed_schemas(&self) -> Vec<String> {
        let placed = self.schemas.iter().map(|schema| match self.placement {
            Placement::Direct => schema.clone(),
            Placement::Beside => beside(NEXT, schema),
        });
        placed.collect()
    }
}

const DEFAULT_SCHEMA: &str = "public";
/// Before the name of a schema that is being built.
pub const NEXT: &str = "levada_next_";
pub(crate) const OLD: &str = "levada_old_";

/// PostgreSQL's limit for identifiers, in bytes (NAMEDATALEN - 1).
const NAME_BYTES_MAX: usize = 63;

/// The name beside: prefixed, and shortened by a hash where it would be too long.
pub fn beside(prefix: &str, schema: &str) -> String {
    let name = format!("{prefix}{schema}");
    if name.len() <= NAME_BYTES_MAX {
        return name;
    }
    let hash = blake3::hash(schema.as_bytes()).to_hex();
    format!("{prefix}{}", &hash[..32])
}

/// What the target learned from the definitions.
pub(crate) struct Installed {
    pub(crate) steps: Vec<StepRow>,
    pub(crate) late_statements: Vec<String>,
    /// Everything that was created, under its final name.
    pub(crate) objects: Vec<Name>,
}

/// Installs the definitions; `record` is run in the same transaction with what was learned.
pub(crate) async fn install(
    session: &Session,
    places: &Places,
    order: &Order<'_>,
    record: impl FnOnce(&Installed) -> String,
) -> anyhow::Result<()> {
    session.batch("BEGIN; SET LOCAL check_function_bodies = off").await?;
    if session.rows(&edition::fence(order.run), &[]).await?.is_empty() {
        return Err(report::Problem::new("another run has taken over this target").into());
    }
    let result = inside(session, places, order, record).await;
    if result.is_err() {
        let _ = session.batch("ROLLBACK").await;
    }
    result
}

/// What is to be installed.
pub(crate) struct Order<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) definitions: &'a Definitions,
    pub(crate) foreign_keys: ForeignKeys,
    pub(crate) target_major: i32,
    pub(crate) run: i32,
}

async fn inside(
    session: &Session,
    places: &Places,
    order: &Order<'_>,
    record: impl FnOnce(&Installed) -> String,
) -> anyhow::Result<()> {
    let step_aside = renames(session, places).await?;
    session.batch(&step_aside.away).await.map_err(explain_rename)?;
    create_schemas(session, &places.schemas).await?;
    session.batch(&step_aside.extensions_here).await?;
    run_statements(session, &order.definitions.before).await?;
    for table in &order.plan.tables {
        if let (Some(fillfactor), false) = (table.fillfactor, table.ranges.is_empty()) {
            let name = table.name.sql();
            session.batch(&format!("ALTER TABLE {name} SET (fillfactor = {fillfactor})")).await?;
        }
    }
    session.batch("SAVEPOINT recipes").await?;
    run_statements(session, &order.definitions.after).await?;
    let (mut early_views, mut late_views) = recipes::early_and_late(order.plan, order.definitions);
    if places.placement == Placement::Beside && name_bound::judge(session, &places.schemas).await? {
        early_views.clear();
        late_views = order.plan.populated_views.iter().map(|view| &view.name).collect();
    }
    session.batch(&step_aside.back).await?;
    let (mut steps, without_recipe) = recipes::read(session, places, order).await?;
    steps.extend(recipes::refreshes(&steps, places, &early_views));
    for step in &mut steps {
        step.table = step.table.as_ref().map(|name| places.final_name(name));
        step.references = step.references.as_ref().map(|name| places.final_name(name));
    }
    session.batch("ROLLBACK TO SAVEPOINT recipes").await?;
    session.batch(&step_aside.back).await?;
    let late = order.definitions.late(&without_recipe).into_iter();
    let mut late_statements: Vec<String> = late.map(|statement| statement.sql.clone()).collect();
    late_statements.extend(recipes::late_refreshes(&late_views));
    let objects = start::objects(session, &places.placed_schemas()).await?;
    let objects = objects.iter().map(|name| places.final_name(name)).collect();
    let installed = Installed { steps, late_statements, objects };
    session.batch(&record(&installed)).await.context("recording the steps")?;
    session.batch("COMMIT").await?;
    Ok(())
}

/// The statements of the dance: empty for an edition built in place.
struct Renames {
    away: String,
    extensions_here: String,
    back: String,
}

async fn renames(session: &Session, places: &Places) -> anyhow::Result<Renames> {
    let mut renames =
        Renames { away: String::new(), extensions_here: String::new(), back: String::new() };
    if places.placement == Placement::Direct {
        return Ok(renames);
    }
    let existing = existing_schemas(session, &places.schemas).await?;
    let mut extensions_back = String::new();
    for (extension, schema) in extensions_in(session, &places.schemas).await? {
        let old = quote_identifier(&beside(OLD, &schema));
        let (name, schema) = (quote_identifier(&extension), quote_identifier(&schema));
        renames.extensions_here += &format!("ALTER EXTENSION {name} SET SCHEMA {schema};");
        extensions_back += &format!("ALTER EXTENSION {name} SET SCHEMA {old};");
    }
    renames.back = extensions_back;
    for schema in &places.schemas {
        let (here, next, old) = (
            quote_identifier(schema),
            quote_identifier(&beside(NEXT, schema)),
            quote_identifier(&beside(OLD, schema)),
        );
        renames.back += &format!("ALTER SCHEMA {here} RENAME TO {next};");
        if existing.contains(schema) {
            renames.away += &format!("ALTER SCHEMA {here} RENAME TO {old};");
            renames.back += &format!("ALTER SCHEMA {old} RENAME TO {here};");
        }
    }
    Ok(renames)
}

/// The extensions whose objects stand in one of `schemas`, each with its schema.
pub(crate) async fn extensions_in(
    session: &Session,
    schemas: &[String],
) -> anyhow::Result<Vec<(String, String)>> {
    let sql = "SELECT e.extname::text, n.nspname::text FROM pg_extension e JOIN pg_namespace n \
               ON n.oid = e.extnamespace WHERE n.nspname = ANY ($1) ORDER BY e.oid";
    let rows = session.rows(sql, &[&schemas]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

pub(crate) async fn existing_schemas(
    session: &Session,
    schemas: &[String],
) -> anyhow::Result<Vec<String>> {
    let sql = "SELECT nspname::text FROM pg_namespace WHERE nspname = ANY ($1)";
    let rows = session.rows(sql, &[&schemas]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

pub(crate) async fn create_schemas(session: &Session, schemas: &[String]) -> anyhow::Result<()> {
    let existing = existing_schemas(session, schemas).await?;
    for schema in schemas.iter().filter(|schema| !existing.contains(schema)) {
        session.batch(&format!("CREATE SCHEMA {}", quote_identifier(schema))).await?;
    }
    Ok(())
}

fn explain_rename(error: pg::Error) -> anyhow::Error {
    if error.sqlstate() == Some("42501") {
        let problem =
            report::Problem::new("the target's role does not own the schema to be replaced")
                .detail(error.to_string())
                .hint("ALTER SCHEMA … OWNER TO the role of the target URL, then run again");
        return problem.into();
    }
    error.into()
}

pub(crate) async fn run_statements(
    session: &Session,
    statements: &[Statement],
) -> anyhow::Result<()> {
    for statement in statements.iter().filter(|statement| !is_schema_creation(statement)) {
        let sql = match (statement.kind.as_str(), &statement.sql) {
            // PostgreSQL runs or unfolds the functions of an index when it is created.
            ("INDEX", sql) => with_default_path(sql),
            // One between built-in types outlives the edition that brought it.
            ("CAST", sql) if sql.starts_with("CREATE CAST") => {
                format!("DROP CAST IF EXISTS {}; {sql}", cast_of(statement))
            }
            (_, sql) => sql.clone(),
        };
        session.batch(&sql).await.with_context(|| {
            format!("creating {} {}.{}", statement.kind, statement.schema, statement.name)
        })?;
    }
    Ok(())
}

/// The statement, run with the `search_path` that most functions are written for.
pub(crate) fn with_default_path(sql: &str) -> String {
    format!("SET LOCAL search_path = {DEFAULT_SCHEMA}; {sql}; SET LOCAL search_path = ''")
}

/// `(integer AS text)` of an entry named `CAST (integer AS text)`.
fn cast_of(statement: &Statement) -> &str {
    statement.name.trim_start_matches("CAST ")
}

/// Schemas are created by us: they may be there already.
fn is_schema_creation(statement: &Statement) -> bool {
    statement.kind == "SCHEMA" && statement.sql.starts_with("CREATE SCHEMA")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_stand_beside_until_they_are_published() {
        let places = Places { placement: Placement::Beside, schemas: vec!["public".into()] };
        let placed = places.place(&Name::new("public", "t"));
        assert_eq!(placed, Name::new("levada_next_public", "t"));
        assert_eq!(places.final_name(&placed), Name::new("public", "t"));
        assert_eq!(places.place(&Name::new("levada", "t")), Name::new("levada", "t"));
    }

    #[test]
    fn names_beside_fit_into_an_identifier() {
        let name = beside(NEXT, &"x".repeat(63));
        assert!(name.len() <= NAME_BYTES_MAX && name.starts_with(NEXT));
    }
}
