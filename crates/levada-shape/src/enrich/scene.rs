//! What making an enrichment needs to know: the publication, the edition in its making, what was
//! made before, and what was taken away.

use edition::{Publishing, Saved};
use pg::{Name, quote_identifier};

use super::kind::{Enriched, Kind};

/// An edition whose tables stand, and whose enrichments are being made.
pub(super) struct Scene<'a> {
    pub(super) publishing: &'a Publishing<'a>,
    pub(super) edition: i32,
    /// The edition that this one was made from.
    base: Option<i32>,
    /// What the edition is made of, as quoted names.
    pub(super) objects: Vec<String>,
    schemas: Vec<String>,
    reports: String,
    /// The `search_path` of the publication itself, in which what had to go was read.
    pub(super) path: String,
    /// Views that had to go.
    pub(super) aside: Option<Saved>,
    /// Enrichments that are made after the present one.
    pub(super) later: Vec<String>,
}

/// What was recorded when an enrichment was last made.
pub(super) struct Record {
    pub(super) definition: String,
    checked_in: i32,
}

impl<'a> Scene<'a> {
    pub(super) async fn of(
        publishing: &'a Publishing<'a>,
        reports: &str,
        declared: &[Enriched],
    ) -> anyhow::Result<Self> {
        let edition = publishing.edition.unwrap_or_default();
        let session = publishing.session;
        let row = session.one(include_str!("../sql/enrich_edition.sql"), &[&edition]).await?;
        let path = "SELECT pg_catalog.current_setting('search_path')";
        let path = session.one(path, &[]).await?.get(0);
        Ok(Self {
            path,
            publishing,
            edition,
            base: row.get("base"),
            objects: row.get("objects"),
            schemas: row.get("schemas"),
            reports: reports.to_owned(),
            aside: publishing.aside.take(),
            later: declared.iter().map(|one| one.name.clone()).collect(),
        })
    }

    /// Where the view or table of an enrichment stands.
    pub(super) fn target(&self, enriched: &Enriched) -> Name {
        self.named(&enriched.name)
    }

    pub(super) fn named(&self, name: &str) -> Name {
        Name::new(&self.reports, name)
    }

    /// Where queries look for bare names: production's come first.
    pub(super) fn path_of_queries(&self) -> String {
        let all = self.schemas.iter().chain([&self.reports]);
        all.map(|schema| quote_identifier(schema)).collect::<Vec<_>>().join(", ")
    }

    /// Where scripts do: what they create is a thing of the reports schema.
    pub(super) fn path_of_scripts(&self) -> String {
        let all = [&self.reports].into_iter().chain(&self.schemas);
        all.map(|schema| quote_identifier(schema)).collect::<Vec<_>>().join(", ")
    }

    /// Where indexes are built: a copied edition may not stand under its names yet.
    pub(super) fn path_in_place(&self) -> String {
        let places = self.schemas.iter().map(|schema| {
            let place = self.publishing.places.get(schema).unwrap_or(schema);
            quote_identifier(place)
        });
        places.collect::<Vec<_>>().join(", ")
    }

    /// What is recorded of an enrichment, if it was ever made.
    pub(super) async fn record(&self, enriched: &Enriched) -> pg::Result<Option<Record>> {
        let sql = "SELECT definition, checked_in FROM levada.enrichment \
                   WHERE name = $1 AND kind = $2 AND schema_name = $3";
        let label = enriched.kind.label();
        let schema = match &enriched.kind {
            Kind::Index(index) => &index.table.schema,
            _ => &self.reports,
        };
        let row = self.publishing.session.maybe(sql, &[&enriched.name, &label, schema]).await?;
        Ok(row.map(|row| Record { definition: row.get(0), checked_in: row.get(1) }))
    }

    /// Whether it has to be computed whatever its inputs did.
    pub(super) fn must_compute(&self, record: Option<&Record>, definition: &str) -> bool {
        let publishing = self.publishing;
        let is_known = record.is_some_and(|record| {
            record.definition == definition && Some(record.checked_in) == self.base
        });
        publishing.is_copy || publishing.is_redefined || !is_known
    }

    /// Records that an enrichment is what its definition says.
    pub(super) async fn made(
        &self,
        enriched: &Enriched,
        object: &Name,
        definition: &str,
    ) -> pg::Result<()> {
        let label = enriched.kind.label();
        let sql = include_str!("../sql/enrich_record.sql");
        let (schema, name) = (&object.schema, &object.name);
        let session = self.publishing.session;
        session
            .execute(sql, &[&enriched.name, &label, schema, name, &definition, &self.edition])
            .await?;
        Ok(())
    }

    /// From now on bare names are looked for where the publication itself does.
    pub(super) async fn restore_path(&self) -> pg::Result<()> {
        let sql = "SELECT pg_catalog.set_config('search_path', $1, true)";
        self.publishing.session.one(sql, &[&self.path]).await.map(drop)
    }

    /// Refuses to touch what enrichments did not make.
    pub(super) async fn refuse_name(&self, enriched: &Enriched) -> anyhow::Result<()> {
        let target = self.target(enriched);
        let session = self.publishing.session;
        let exists = "SELECT pg_catalog.to_regclass($1) IS NOT NULL";
        let is_aside = self.aside.iter().flat_map(Saved::views).any(|name| *name == target);
        if !is_aside && !session.one(exists, &[&target.sql()]).await?.get::<_, bool>(0) {
            return Ok(());
        }
        if self.record(enriched).await?.is_some() {
            return Ok(());
        }
        let other = "SELECT kind FROM levada.enrichment WHERE schema_name = $1 \
                     AND object_name = $2 AND kind IN ('view', 'table')";
        let other = session.maybe(other, &[&target.schema, &target.name]).await?;
        let problem = enriched.refuse(&format!("{target} exists already"));
        let problem = match other.map(|row| row.get::<_, String>(0)) {
            Some(kind) => problem
                .detail(format!("it is a {kind} that an earlier configuration asked for"))
                .hint(format!("DROP {} {}, then run again", kind.to_uppercase(), target.sql())),
            None => problem
                .detail("levada did not create it")
                .hint("rename or drop it, or give the enrichment another name"),
        };
        Err(problem.into())
    }
}
