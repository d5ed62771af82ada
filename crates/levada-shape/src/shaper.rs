//! Takes part in publishing an edition: calls imports, indexes, windows, rollups and enrichments in
//! the order in which they build on each other.

use edition::{Doing, OnPublish, Publishing};
use pg::{Endpoint, Name, quote_identifier};
use report::{Finding, Problem, Progress};

use crate::enrich::Enrichments;
use crate::import::Imports;
use crate::rollup::Rollups;
use crate::sections::Sections;
use crate::window::Windows;

/// All that is computed besides the rows.
#[derive(Debug)]
pub struct Shaper {
    reports_schema: String,
    imports: Imports,
    enrichments: Enrichments,
    windows: Windows,
    rollups: Rollups,
}

impl Shaper {
    /// Checks what can be checked without a database.
    ///
    /// # Errors
    /// A [`Problem`] that names the section and what is wrong with it.
    pub fn new(sections: &Sections) -> Result<Self, Problem> {
        Ok(Self {
            reports_schema: sections.reports_schema.clone(),
            imports: Imports::new(sections)?,
            enrichments: Enrichments::new(sections)?,
            windows: Windows::new(sections)?,
            rollups: Rollups::new(sections)?,
        })
    }

    /// Looks at what is declared without changing either side.
    ///
    /// # Errors
    /// Those of a side that cannot be reached.
    pub async fn check(
        &self,
        source: &Endpoint,
        target: &Endpoint,
    ) -> anyhow::Result<Vec<Finding>> {
        self.enrichments.check(source, target).await
    }

    async fn ensure_schema(&self, publishing: &Publishing<'_>) -> anyhow::Result<()> {
        let session = publishing.session;
        let sql = "SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1";
        if session.maybe(sql, &[&self.reports_schema]).await?.is_none() {
            let schema = quote_identifier(&self.reports_schema);
            session.batch(&format!("CREATE SCHEMA {schema}")).await?;
        }
        Ok(session.batch(include_str!("sql/records.sql")).await?)
    }
}

impl OnPublish for Shaper {
    fn prepare<'a>(&'a self, target: &'a Endpoint, progress: &'a dyn Progress) -> Doing<'a, ()> {
        Box::pin(self.imports.load(target, progress))
    }

    fn watches(&self, table: &Name) -> bool {
        self.windows.watches(table)
            || self.rollups.watches(table)
            || self.enrichments.watches(table)
    }

    fn owns(&self, name: &Name) -> bool {
        self.enrichments.owns(name)
    }

    fn before_rows<'a>(&'a self, publishing: &'a Publishing<'a>) -> Doing<'a, ()> {
        Box::pin(async move {
            self.ensure_schema(publishing).await?;
            self.rollups.before_rows(publishing).await
        })
    }

    fn after_rows<'a>(&'a self, publishing: &'a Publishing<'a>) -> Doing<'a, Vec<Finding>> {
        Box::pin(async move {
            self.ensure_schema(publishing).await?;
            let mut findings = self.imports.publish(publishing).await?;
            findings.extend(self.enrichments.build_indexes(publishing).await?);
            findings.extend(self.windows.after_rows(publishing).await?);
            findings.extend(self.rollups.after_rows(publishing).await?);
            Ok(findings)
        })
    }

    fn after_names<'a>(&'a self, publishing: &'a Publishing<'a>) -> Doing<'a, Vec<Finding>> {
        Box::pin(self.enrichments.after_names(publishing))
    }
}
