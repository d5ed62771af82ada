//! Makes staged rows the table of an import, inside the transaction that publishes the edition.
//! Rows that stay the same are not touched.

use std::time::Instant;

use anyhow::Context;
use edition::Publishing;
use pg::{Name, quote_identifier};
use report::{Category, Finding, Problem};

use super::definition::Definition;
use super::stage::Loaded;
use crate::report_table::{list, mark_changed};

/// Publishes one import, or says that its table stays as it was.
pub(crate) async fn one(
    definition: &Definition,
    loaded: &Loaded,
    publishing: &Publishing<'_>,
) -> anyhow::Result<Option<Finding>> {
    let name = &definition.section.name;
    match loaded {
        Loaded::Kept(problem) => Ok(Some(kept(name, problem))),
        Loaded::Staged { staging, rows, took } => {
            let started = Instant::now();
            let replace = replace(definition, (staging, *rows), publishing).await;
            replace.with_context(|| format!("publishing import {name}"))?;
            let object = definition.table.name.to_string();
            let took = *took + started.elapsed();
            publishing.took((Category::Import, &object), Some(*rows), took).await?;
            Ok(None)
        }
    }
}

fn kept(name: &str, problem: &Problem) -> Finding {
    let warning = Problem::new(format!("import {name} keeps the rows of an earlier edition"))
        .detail(problem.message.clone());
    let warning = match &problem.hint {
        Some(hint) => warning.hint(hint.clone()),
        None => warning.hint("the next run tries again"),
    };
    Finding::warning("import-kept", name, warning)
}

async fn replace(
    definition: &Definition,
    (staging, rows): (&Name, u64),
    publishing: &Publishing<'_>,
) -> anyhow::Result<()> {
    let session = publishing.session;
    session.batch(include_str!("../sql/import_records.sql")).await?;
    let rows = i64::try_from(rows)?;
    let count = format!("SELECT count(*) FROM {}", staging.sql());
    let staged: i64 = session.one(&count, &[]).await?.get(0);
    if staged != rows {
        let problem = Problem::new(format!("{rows} rows were staged, and {staged} are there"))
            .hint("run the same command again");
        return Err(problem.into());
    }
    let is_new = definition.table.ensure(session).await?;
    let [delete, insert] = difference(definition, staging);
    let deleted = session.execute(&delete, &[]).await?;
    let inserted = session.execute(&insert, &[]).await?;
    let table = definition.table.name.sql();
    let count = format!("SELECT count(*) FROM {table}");
    let published: i64 = session.one(&count, &[]).await?.get(0);
    if published != rows {
        let problem = Problem::new(format!("{rows} rows were to be published, not {published}"))
            .hint("nobody but levada may write to its table; run the same command again");
        return Err(problem.into());
    }
    let is_changed = is_new || deleted > 0 || inserted > 0;
    if is_changed {
        mark_changed(publishing, &definition.table.name).await?;
        session.batch(&format!("ANALYZE {table}")).await?;
    }
    let record = include_str!("../sql/import_record.sql");
    let (name, hash) = (&definition.section.name, &definition.hash);
    session.execute(record, &[name, hash, &rows, &publishing.edition, &is_changed]).await?;
    Ok(session.batch(&format!("DROP TABLE {}", staging.sql())).await?)
}

/// Statements that delete what is gone or another one, and insert what is missing. Values are
/// compared as they are written: equal numbers of another form are others.
fn difference(definition: &Definition, staging: &Name) -> [String; 2] {
    let columns: Vec<String> = definition.fields.iter().map(|field| field.name.clone()).collect();
    let all = |side: &str| {
        let columns: Vec<String> =
            columns.iter().map(|name| format!("{side}.{}", quote_identifier(name))).collect();
        columns.join(", ")
    };
    let key = definition.section.key.iter().map(|name| {
        let name = quote_identifier(name);
        format!("n.{name} = o.{name}")
    });
    let same_key = key.collect::<Vec<_>>().join(" AND ");
    let (table, staging) = (definition.table.name.sql(), staging.sql());
    let (new, old, listed) = (all("n"), all("o"), list(&columns));
    [
        format!(
            "DELETE FROM {table} AS o WHERE NOT EXISTS (SELECT FROM {staging} AS n \
             WHERE {same_key} AND ROW({new})::text = ROW({old})::text)"
        ),
        format!(
            "INSERT INTO {table} ({listed}) SELECT {new} FROM {staging} AS n \
             WHERE NOT EXISTS (SELECT FROM {table} AS o WHERE {same_key})"
        ),
    ]
}
