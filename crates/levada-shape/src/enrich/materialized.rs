//! Tables filled by a query. Their rows are deleted and inserted in the publish transaction, so
//! that readers neither wait nor find them empty, and only when what the query reads has changed.

use anyhow::Context;
use pg::{Name, quote_identifier};

use super::inputs::{self, Inputs};
use super::kind::{Enriched, Materialized};
use super::scene::Scene;
use crate::report_table::{self, Key, ReportColumn, ReportTable, list};

/// Makes sure that the table holds what its query says; tells whether it was filled.
pub(super) async fn ensure(
    scene: &Scene<'_>,
    enriched: &Enriched,
    declared: &Materialized,
) -> anyhow::Result<bool> {
    scene.refuse_name(enriched).await?;
    let session = scene.publishing.session;
    let failed = |error| enriched.failed(error);
    let path = scene.path_of_queries();
    let understood = inputs::understand(session, &declared.query, &path).await.map_err(failed)?;
    let mut roots = inputs::relations(scene.publishing, enriched).await?;
    roots.push(understood.oid);
    let read = Inputs::of(session, &roots).await?;
    read.refuse_later(enriched, scene)?;
    let table = describe(scene, enriched, declared, understood.oid).await?;
    let context = || format!("enrichment {}", enriched.name);
    let is_new = table.ensure(session).await.with_context(context)?;
    let definition = format!("{}\n{}", understood.query, table.layout());
    let record = scene.record(enriched).await?;
    let must_compute = is_new
        || scene.must_compute(record.as_ref(), &definition)
        || says_now(&declared.query)
        || read.have_changed(scene).await?;
    if must_compute {
        fill(scene, &table, is_new).await.map_err(failed)?;
        report_table::mark_changed(scene.publishing, &table.name).await?;
    }
    inputs::forget(session).await?;
    scene.made(enriched, &table.name, &definition).await?;
    Ok(must_compute)
}

/// `'today'::date` means another day tomorrow, and nothing but its text tells.
pub(crate) fn says_now(query: &str) -> bool {
    let query = query.to_ascii_lowercase();
    ["'now'", "'today'", "'tomorrow'", "'yesterday'"].iter().any(|word| query.contains(word))
}

/// The table that fits the query.
async fn describe(
    scene: &Scene<'_>,
    enriched: &Enriched,
    declared: &Materialized,
    scratch: u32,
) -> anyhow::Result<ReportTable> {
    let sql = include_str!("../sql/enrich_columns.sql");
    let mut columns = Vec::new();
    for row in scene.publishing.session.rows(sql, &[&scratch]).await? {
        let (name, of_type): (String, String) = (row.get("name"), row.get("type"));
        if row.get::<_, bool>("is_of_edition") {
            return Err(enriched
                .refuse(&format!("column {name} has a type that belongs to the edition"))
                .detail(format!("{of_type} may be another type in the next edition"))
                .hint("cast the column to text or jsonb in the query, then run again")
                .into());
        }
        let collation: Option<String> = row.get("collation");
        let collation = collation.map(|name| format!(" COLLATE {name}")).unwrap_or_default();
        columns.push(ReportColumn { name, definition: format!("{of_type}{collation}") });
    }
    let named = declared.key.iter().chain(declared.indexes.iter().flatten());
    for name in named {
        if !columns.iter().any(|column| column.name == *name) {
            return Err(enriched
                .refuse(&format!("its query has no column {name}"))
                .hint("name columns of the query in key and indexes, then run again")
                .into());
        }
    }
    let key = match declared.key.is_empty() {
        true => Key::None,
        false => Key::Primary(declared.key.clone()),
    };
    Ok(ReportTable {
        name: scene.target(enriched),
        kind: "enrichment",
        columns,
        key,
        indexes: declared.indexes.clone(),
        comment: format!("Filled by levada with the query of enrichment {}.", enriched.name),
    })
}

async fn fill(scene: &Scene<'_>, table: &ReportTable, is_new: bool) -> pg::Result<()> {
    let session = scene.publishing.session;
    let (name, scratch): (String, Name) = (table.name.sql(), inputs::scratch());
    let names: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
    let values = table.columns.iter().map(|column| {
        let (name, definition) = (quote_identifier(&column.name), &column.definition);
        let bare = definition.split(" COLLATE ").next().unwrap_or(definition);
        format!("{name}::{bare}")
    });
    let values = values.collect::<Vec<_>>().join(", ");
    session.batch(&format!("DELETE FROM {name}")).await?;
    let insert =
        format!("INSERT INTO {name} ({}) SELECT {values} FROM {}", list(&names), scratch.sql());
    session.batch(&insert).await?;
    if is_new {
        session.batch(&format!("ANALYZE {name}")).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::says_now;

    #[test]
    fn literals_that_name_the_present_are_seen() {
        assert!(says_now("SELECT * FROM t WHERE at >= 'Today'::date"));
        assert!(!says_now("SELECT 'known', today FROM t"));
    }
}
