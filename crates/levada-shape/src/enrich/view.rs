//! Views: made when they are missing, and made anew when their query means something else, with all
//! that readers built on them.

use edition::Saved;
use pg::Name;

use super::inputs::{self, Inputs, Understood};
use super::kind::Enriched;
use super::scene::Scene;

/// Makes sure that the view shows what its query says; tells whether it was made.
pub(super) async fn ensure(
    scene: &mut Scene<'_>,
    enriched: &Enriched,
    query: &str,
) -> anyhow::Result<bool> {
    scene.refuse_name(enriched).await?;
    let session = scene.publishing.session;
    let path = scene.path_of_queries();
    let failed = |error| enriched.failed(error);
    let Understood { oid, query } =
        inputs::understand(session, query, &path).await.map_err(failed)?;
    Inputs::of(session, &[oid]).await?.refuse_later(enriched, scene)?;
    let target = scene.target(enriched);
    let present = "SELECT pg_catalog.pg_get_viewdef(v) = pg_catalog.pg_get_viewdef($1::oid) \
                   FROM pg_catalog.to_regclass($2) AS v WHERE v IS NOT NULL";
    let present = session.maybe(present, &[&oid, &target.sql()]).await?;
    inputs::forget(session).await?;
    let present = present.map(|row| row.get::<_, bool>(0));
    match present {
        Some(true) => {}
        Some(false) => replace(scene, &target, &query).await.map_err(failed)?,
        None => create(scene, &target, &query).await.map_err(failed)?,
    }
    scene.made(enriched, &target, &query).await?;
    Ok(present != Some(true))
}

async fn create(scene: &mut Scene<'_>, target: &Name, query: &str) -> pg::Result<()> {
    let session = scene.publishing.session;
    scene.restore_path().await?;
    if let Some(aside) = &mut scene.aside
        && aside.create_view(session, target, query).await?
    {
        session.batch("SET LOCAL search_path = ''").await?;
        return Ok(());
    }
    session.batch("SET LOCAL search_path = ''").await?;
    session.batch(&format!("CREATE VIEW {} AS {query}", target.sql())).await
}

async fn replace(scene: &Scene<'_>, target: &Name, query: &str) -> pg::Result<()> {
    let session = scene.publishing.session;
    let mut saved = Saved::of_relations(session, std::slice::from_ref(target), &[]).await?;
    for statement in saved.drop_sql() {
        session.batch(&statement).await?;
    }
    saved.create_view(session, target, query).await?;
    saved.restore(session).await
}
