//! Scripts: any statements, inside the publish transaction and unable to end it.

use pg::{Session, quote_literal};

use super::inputs::{self, Inputs};
use super::kind::Enriched;
use super::scene::Scene;

/// Settings that later statements of the publication rely on.
const SETTINGS: [&str; 9] = [
    "search_path",
    "role",
    "lock_timeout",
    "statement_timeout",
    "session_replication_role",
    "TimeZone",
    "DateStyle",
    "row_security",
    "synchronous_commit",
];

/// Runs the script if anything it reads has changed, or if nobody says what it reads; tells
/// whether it ran.
pub(super) async fn ensure(
    scene: &Scene<'_>,
    enriched: &Enriched,
    script: &str,
) -> anyhow::Result<bool> {
    let session = scene.publishing.session;
    let roots = inputs::relations(scene.publishing, enriched).await?;
    let read = Inputs::of(session, &roots).await?;
    read.refuse_later(enriched, scene)?;
    let record = scene.record(enriched).await?;
    let must_run = enriched.reads.is_none()
        || scene.must_compute(record.as_ref(), script)
        || read.have_changed(scene).await?;
    if must_run {
        run(session, script, &scene.path_of_scripts())
            .await
            .map_err(|error| enriched.failed(error))?;
    }
    scene.made(enriched, &scene.target(enriched), script).await?;
    Ok(must_run)
}

async fn run(session: &Session, script: &str, path: &str) -> pg::Result<()> {
    let names: Vec<String> = SETTINGS.iter().map(|name| (*name).to_owned()).collect();
    let settings = "SELECT pg_catalog.array_agg(pg_catalog.current_setting(name) ORDER BY place) \
                    FROM pg_catalog.unnest($1::text[]) WITH ORDINALITY AS s(name, place)";
    let before: Vec<String> = session.one(settings, &[&names]).await?.get(0);
    session.batch(&format!("SET LOCAL search_path = {path}")).await?;
    session.batch(&contained(script)).await?;
    session.batch("SET CONSTRAINTS ALL IMMEDIATE").await?;
    let restore = include_str!("../sql/enrich_settings.sql");
    session.rows(restore, &[&names, &before]).await?;
    Ok(())
}

/// A block that executes the script: what would end the transaction fails in there.
fn contained(script: &str) -> String {
    let mut tag = "$levada$".to_owned();
    while script.contains(&tag) {
        tag.insert(7, '_');
    }
    let block = format!("BEGIN EXECUTE {tag}\n{script}\n{tag}; END");
    format!("DO {}", quote_literal(&block))
}

#[cfg(test)]
mod tests {
    use super::contained;

    #[test]
    fn a_script_cannot_leave_its_quotes() {
        let sql = contained("SELECT $levada$ '; COMMIT; $levada$");
        assert!(
            sql.contains("$levada_$\nSELECT $levada$ ''; COMMIT; $levada$\n$levada_$"),
            "{sql}"
        );
    }
}
