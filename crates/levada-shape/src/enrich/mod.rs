//! Enrichments: indexes on copied tables, views, tables filled by a query, and scripts, made in the
//! transaction that publishes an edition.
//!
//! `declared` is the section as it is written, `kind` as it is checked, `order` says what comes
//! first. `scene` is the edition under way; `inputs` tells what a query reads.

mod check;
mod columns;
mod declared;
mod index;
mod inputs;
mod kind;
mod materialized;
mod order;
mod scene;
mod script;
mod view;
mod zones;

pub(crate) use materialized::says_now;
use std::collections::BTreeSet;
use std::time::Instant;

use edition::Publishing;
use pg::Name;
use report::{Category, Finding, Problem};

use crate::sections::Sections;
pub use declared::{Added, Columns, Enrichment, IndexOn, LookUp};
use kind::{Enriched, Kind};
use scene::Scene;

/// All of them, in the order in which they are made.
#[derive(Debug)]
pub(crate) struct Enrichments {
    declared: Vec<Enriched>,
    reports: String,
    /// Whatever else is made in the reports schema.
    others: BTreeSet<String>,
}

impl Enrichments {
    pub(crate) fn new(sections: &Sections) -> Result<Self, Problem> {
        let windows = sections.windows.iter().map(|one| &one.name);
        let rollups = sections.rollups.iter().map(|one| &one.name);
        let imports = sections.imports.iter().map(|one| &one.name);
        let others: BTreeSet<String> = windows.chain(rollups).chain(imports).cloned().collect();
        let mut names = others.clone();
        let mut declared = Vec::new();
        for section in &sections.enrichments {
            if !names.insert(section.name.clone()) {
                let name = &section.name;
                return Err(Problem::new(format!("[[enrich]] {name}: the name is taken"))
                    .detail("a name stands for one enrichment, window, rollup or import")
                    .hint("give one of them another name"));
            }
            declared.push(Enriched::of(section, sections)?);
        }
        let reports = sections.reports_schema.clone();
        Ok(Self { declared: order::sorted(declared)?, reports, others })
    }

    pub(crate) fn watches(&self, _table: &Name) -> bool {
        false
    }

    /// Whether a view or index is one of ours.
    pub(crate) fn owns(&self, name: &Name) -> bool {
        self.declared.iter().any(|one| match &one.kind {
            Kind::Index(index) => index.name() == *name,
            Kind::View(_) | Kind::Columns(_) => {
                name.schema == self.reports && name.name == one.name
            }
            Kind::Materialized(_) | Kind::Script(_) => false,
        })
    }

    fn indexes(&self) -> impl Iterator<Item = (&Enriched, &index::Index)> {
        self.declared.iter().filter_map(|one| match &one.kind {
            Kind::Index(index) => Some((one, index)),
            _ => None,
        })
    }

    /// Builds the indexes that are missing, and drops those that are not wanted any more.
    pub(crate) async fn build_indexes(
        &self,
        publishing: &Publishing<'_>,
    ) -> anyhow::Result<Vec<Finding>> {
        let session = publishing.session;
        session.batch(include_str!("../sql/enrich_records.sql")).await?;
        self.drop_indexes(publishing).await?;
        if self.indexes().next().is_none() {
            return Ok(Vec::new());
        }
        let scene = Scene::of(publishing, &self.reports, &[]).await?;
        let path = scene.path_in_place();
        session.batch(&format!("SET LOCAL search_path = {path}")).await?;
        for (enriched, index) in self.indexes() {
            let started = Instant::now();
            let known = scene.record(enriched).await?.map(|record| record.definition);
            let made = index.ensure(publishing, known.as_deref()).await;
            let (definition, is_new) = made.map_err(|error| enriched.failed(error))?;
            scene.made(enriched, &index.name(), &definition).await?;
            if is_new {
                took(publishing, enriched, started).await?;
            }
        }
        scene.restore_path().await?;
        publishing.aside.set(scene.aside);
        Ok(Vec::new())
    }

    async fn drop_indexes(&self, publishing: &Publishing<'_>) -> anyhow::Result<()> {
        let session = publishing.session;
        let wanted: Vec<Name> = self.indexes().map(|(_, index)| index.name()).collect();
        let made = "SELECT name, schema_name, object_name FROM levada.enrichment \
                    WHERE kind = 'index'";
        for row in session.rows(made, &[]).await? {
            let name = Name::new(row.get::<_, &str>(1), row.get::<_, &str>(2));
            if wanted.contains(&name) {
                continue;
            }
            // A copied edition never had it.
            if !publishing.is_copy {
                index::drop(session, &name).await?;
            }
            let forget = "DELETE FROM levada.enrichment WHERE schema_name = $1 \
                          AND object_name = $2 AND kind = 'index'";
            session.execute(forget, &[&name.schema, &name.name]).await?;
        }
        Ok(())
    }

    /// Makes views and tables and runs scripts, in their order.
    pub(crate) async fn after_names(
        &self,
        publishing: &Publishing<'_>,
    ) -> anyhow::Result<Vec<Finding>> {
        let mut scene = Scene::of(publishing, &self.reports, &self.declared).await?;
        publishing.session.batch("SET LOCAL search_path = ''").await?;
        for enriched in &self.declared {
            scene.later.retain(|name| *name != enriched.name);
            let started = Instant::now();
            let is_new = match &enriched.kind {
                Kind::Index(_) => false,
                Kind::View(query) => view::ensure(&mut scene, enriched, query).await?,
                Kind::Columns(columns) => {
                    let query = columns::query(publishing.session, enriched, columns).await?;
                    view::ensure(&mut scene, enriched, &query).await?
                }
                Kind::Materialized(table) => materialized::ensure(&scene, enriched, table).await?,
                Kind::Script(script) => script::ensure(&scene, enriched, script).await?,
            };
            if is_new {
                took(publishing, enriched, started).await?;
            }
        }
        let findings = self.left(publishing).await?;
        scene.restore_path().await?;
        publishing.aside.set(scene.aside);
        Ok(findings)
    }

    /// What earlier configurations asked for and this one does not.
    async fn left(&self, publishing: &Publishing<'_>) -> anyhow::Result<Vec<Finding>> {
        let session = publishing.session;
        let made = "SELECT name, kind, schema_name, object_name FROM levada.enrichment \
                    WHERE kind <> 'index' ORDER BY name";
        let mut findings = Vec::new();
        for row in session.rows(made, &[]).await? {
            let (name, kind): (&str, &str) = (row.get(0), row.get(1));
            let object = Name::new(row.get::<_, &str>(2), row.get::<_, &str>(3));
            let mut declared = self.declared.iter();
            if declared.any(|one| one.name == name && one.kind.label() == kind)
                && object.schema == self.reports
            {
                continue;
            }
            let exists = "SELECT pg_catalog.to_regclass($1) IS NOT NULL";
            let exists: bool = session.one(exists, &[&object.sql()]).await?.get(0);
            if kind == "script" || !exists {
                let forget = "DELETE FROM levada.enrichment WHERE name = $1 AND kind = $2 \
                              AND schema_name = $3";
                session.execute(forget, &[&name, &kind, &object.schema]).await?;
                continue;
            }
            let problem = Problem::new(format!("{kind} {object} is not declared any more"))
                .detail(format!("enrichment {name} made it; it is kept as it is"))
                .hint(format!(
                    "DROP {} {}, or declare it again",
                    kind.to_uppercase(),
                    object.sql()
                ));
            findings.push(Finding::warning("enrich-left", object.to_string(), problem));
        }
        Ok(findings)
    }
}

async fn took(
    publishing: &Publishing<'_>,
    enriched: &Enriched,
    started: Instant,
) -> anyhow::Result<()> {
    let object = (Category::Enrich, enriched.name.as_str());
    publishing.took(object, None, started.elapsed()).await
}
