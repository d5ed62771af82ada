//! Definitions only: compares those of two databases, and creates the source's in the target.

use std::collections::{BTreeMap, BTreeSet};

use pg::catalog::Catalog;
use pg::{Dump, Endpoint, Name, Purpose, Session, Statement};
use report::Problem;
use serde::Serialize;

use crate::definitions::Definitions;
use crate::install::{existing_schemas, run_statements};
use crate::plan::{self, Plan};
use crate::preflight::{Preflight, preflight};
use crate::run::Request;
use crate::{extensions, start};

/// What was different, and whether it was changed.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SchemaReport {
    /// In the source only, as `KIND schema.name`.
    pub missing: Vec<String>,
    /// In the target only.
    pub extra: Vec<String>,
    /// In both, defined differently.
    pub changed: Vec<String>,
    /// The target now has the source's definitions.
    pub applied: bool,
    pub statements: usize,
}

impl SchemaReport {
    /// Whether the target had exactly the source's definitions.
    pub fn is_equal(&self) -> bool {
        self.missing.is_empty() && self.extra.is_empty() && self.changed.is_empty()
    }
}

/// Compares, and applies where the target is empty or `replace` is asked for and `dry_run` is not.
pub async fn copy_schema(request: &Request, dry_run: bool) -> anyhow::Result<SchemaReport> {
    let ends = preflight(&request.source, &request.target).await?;
    crate::preflight::refuse_on_errors(&ends.findings)?;
    let source = Session::open(&request.source, Purpose::Source).await?;
    let catalog = Catalog::load(&source).await?;
    let plan = plan::plan(&catalog, &ends.source, &ends.target, &request.scope())?;
    let target = Session::open(&request.target, Purpose::Record).await?;
    let wanted = read(&request.source, &ends, &catalog, &plan, request).await?;
    let existing = existing_schemas(&target, &plan.schemas).await?;
    let found = start::objects(&target, &existing).await?;
    let present = match found.is_empty() {
        true => Vec::new(),
        false => {
            let known = Catalog::load(&target).await?;
            let scope = Plan { schemas: existing.clone(), ..plan.clone() };
            all(read(&request.target, &ends, &known, &scope, request).await?)
        }
    };
    let statements = all(wanted);
    let mut report = compare(&statements, &present);
    report.statements = statements.len();
    if dry_run || report.is_equal() || !(found.is_empty() || request.replace) {
        return Ok(report);
    }
    refuse_to_drop(&source, &target, &plan.schemas, &found).await?;
    let chosen = extensions::choose(&catalog.extensions, &request.config)?;
    extensions::create(&target, &chosen).await?;
    apply(&target, &plan.schemas, &statements, &found).await?;
    report.applied = true;
    Ok(report)
}

async fn read(
    endpoint: &Endpoint,
    ends: &Preflight,
    catalog: &Catalog,
    plan: &Plan,
    request: &Request,
) -> anyhow::Result<Definitions> {
    let major = ends.source.major().max(ends.target.major());
    let mut dump = match Dump::find(endpoint, major).await {
        Ok(dump) => dump,
        // A target newer than any pg_dump here is compared as well as can be.
        Err(_) => Dump::find(endpoint, ends.source.major()).await?,
    };
    dump.exclude_schemas = plan.other_schemas(catalog);
    dump.exclude = plan.excluded.iter().cloned().collect();
    Definitions::read(&dump, None, catalog, plan, request.config.foreign_keys).await
}

fn all(definitions: Definitions) -> Vec<Statement> {
    definitions.before.into_iter().chain(definitions.after).collect()
}

fn compare(wanted: &[Statement], present: &[Statement]) -> SchemaReport {
    let (wanted, present) = (by_entry(wanted), by_entry(present));
    let mut report = SchemaReport::default();
    for (entry, sql) in &wanted {
        match present.get(entry) {
            None => report.missing.push(entry.clone()),
            Some(other) if other != sql => report.changed.push(entry.clone()),
            Some(_) => {}
        }
    }
    let extra = present.keys().filter(|entry| !wanted.contains_key(*entry));
    report.extra = extra.cloned().collect();
    report
}

/// All statements of an entry under its name; schemas themselves are not compared.
fn by_entry(statements: &[Statement]) -> BTreeMap<String, Vec<&str>> {
    let mut entries: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let entry_of = |s: &Statement| format!("{} {}.{}", s.kind, s.schema, s.name);
    let is_entry = |s: &&Statement| !s.kind.is_empty() && s.kind != "SCHEMA";
    for statement in statements.iter().filter(is_entry) {
        entries.entry(entry_of(statement)).or_default().push(&statement.sql);
    }
    entries
}

/// Only definitions that the source has too may be dropped, and never those of an edition.
async fn refuse_to_drop(
    source: &Session,
    target: &Session,
    schemas: &[String],
    found: &BTreeSet<Name>,
) -> anyhow::Result<()> {
    let records = "SELECT pg_catalog.to_regclass('levada.edition') IS NOT NULL";
    if target.one(records, &[]).await?.get(0) {
        let problem = Problem::new("the target holds editions of levada").hint(
            "use levada run --replace, which keeps the old edition until the new one is complete",
        );
        return Err(problem.into());
    }
    let known = start::objects(source, schemas).await?;
    let foreign: Vec<String> = found.difference(&known).map(Name::to_string).collect();
    if foreign.is_empty() {
        return Ok(());
    }
    let problem = Problem::new("the target holds objects that the source does not have")
        .detail(foreign.join(", "))
        .hint("--replace would drop them: move them to another schema, or drop them yourself");
    Err(problem.into())
}

/// One transaction: either all definitions stand in the target, or nothing has changed.
async fn apply(
    target: &Session,
    schemas: &[String],
    statements: &[Statement],
    found: &BTreeSet<Name>,
) -> anyhow::Result<()> {
    target.batch("BEGIN; SET LOCAL check_function_bodies = off").await?;
    let result = async {
        let names: Vec<String> = found.iter().map(Name::sql).collect();
        start::drop_objects_inside(target, schemas, &names).await?;
        crate::install::create_schemas(target, schemas).await?;
        run_statements(target, statements).await?;
        target.batch("COMMIT").await.map_err(anyhow::Error::from)
    };
    let result = result.await;
    if result.is_err() {
        let _ = target.batch("ROLLBACK").await;
    }
    result.map_err(|error| {
        let problem = Problem::new("the definitions could not be created; nothing has changed")
            .detail(format!("{error:#}"));
        problem.into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(name: &str, sql: &str) -> Statement {
        let (kind, schema) = ("TABLE".to_owned(), "public".to_owned());
        Statement { sql: sql.to_owned(), entry: 0, kind, schema, name: name.to_owned() }
    }

    #[test]
    fn differences_are_named_by_direction() {
        let wanted = [statement("a", "1"), statement("b", "1"), statement("c", "1")];
        let present = [statement("b", "2"), statement("c", "1"), statement("d", "1")];
        let report = compare(&wanted, &present);
        assert_eq!(report.missing, ["TABLE public.a"]);
        assert_eq!(report.changed, ["TABLE public.b"]);
        assert_eq!(report.extra, ["TABLE public.d"]);
    }
}
