//! Takes part in publishing an edition: calls imports, indexes, windows, rollups and enrichments in
//! the order in which they build on each other.

use std::collections::BTreeMap;

use edition::{Doing, OnPublish, Publishing};
use pg::{Endpoint, Name, Purpose, Session, quote_identifier};
use report::{Finding, Problem, Progress};

use crate::enrich::Enrichments;
use crate::import::Imports;
use crate::rollup::Rollups;
use crate::sections::Sections;
use crate::window::Windows;

/// All that is computed besides the rows.
#[derive(Debug)]
pub struct Shaper {
    /// Nothing is declared; something may have been.
    is_empty: bool,
    reports_schema: String,
    import_names: Vec<String>,
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
        let shaper = Self {
            is_empty: sections.is_empty(),
            reports_schema: sections.reports_schema.clone(),
            import_names: sections.imports.iter().map(|import| import.name.clone()).collect(),
            imports: Imports::new(sections)?,
            enrichments: Enrichments::new(sections)?,
            windows: Windows::new(sections)?,
            rollups: Rollups::new(sections)?,
        };
        refuse_shared_names(sections, &shaper.rollups)?;
        Ok(shaper)
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
        let mut findings = self.enrichments.check(source, target).await?;
        let session = Session::open(source, Purpose::Source).await?;
        findings.extend(self.windows.check(&session).await?);
        findings.extend(self.rollups.check(&session).await?);
        Ok(findings)
    }

    /// Nothing is to be done, now or to what an earlier configuration declared.
    async fn is_idle(&self, session: &Session) -> pg::Result<bool> {
        let sql = "SELECT pg_catalog.to_regclass('levada.report_table') IS NULL";
        Ok(self.is_empty && session.one(sql, &[]).await?.get::<_, bool>(0))
    }

    /// Imports and rollups that are in no section any more: nobody brings their tables up to date.
    async fn left_behind(&self, session: &Session) -> anyhow::Result<Vec<Finding>> {
        let rollups = self.rollups.tables().collect::<Vec<_>>();
        let declared: Vec<&str> =
            self.import_names.iter().chain(&rollups).map(String::as_str).collect();
        let rows = session
            .rows(include_str!("sql/left_behind.sql"), &[&self.reports_schema, &declared])
            .await?;
        let stale = rows.iter().map(|row| {
            let table =
                Name::new(row.get::<_, &str>("schema_name"), row.get::<_, &str>("table_name"));
            let kind: &str = row.get("kind");
            let problem = Problem::new(format!("{kind} {table} is not declared any more"))
                .detail("its table stays as it was")
                .hint(format!("DROP TABLE {}, or declare it again", table.sql()));
            Finding::warning("left-behind", table.to_string(), problem)
        });
        Ok(stale.collect())
    }

    async fn ensure_schema(&self, publishing: &Publishing<'_>) -> anyhow::Result<()> {
        let session = publishing.session;
        let taken = "SELECT FROM levada.edition WHERE number = $1 AND $2 = ANY (schemas)";
        if session.maybe(taken, &[&publishing.edition, &self.reports_schema]).await?.is_some() {
            let schema = &self.reports_schema;
            return Err(Problem::new(format!("the source has a schema {schema} of its own"))
                .detail("reports would stand among the tables of production")
                .hint("choose another one with [target] reports_schema = …")
                .into());
        }
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
            if self.is_idle(publishing.session).await? {
                return Ok(());
            }
            self.ensure_schema(publishing).await?;
            self.rollups.before_rows(publishing).await
        })
    }

    fn after_rows<'a>(&'a self, publishing: &'a Publishing<'a>) -> Doing<'a, Vec<Finding>> {
        Box::pin(async move {
            if self.is_idle(publishing.session).await? {
                return Ok(Vec::new());
            }
            self.ensure_schema(publishing).await?;
            let mut findings = self.left_behind(publishing.session).await?;
            findings.extend(self.imports.publish(publishing).await?);
            findings.extend(self.enrichments.build_indexes(publishing).await?);
            findings.extend(self.windows.after_rows(publishing).await?);
            findings.extend(self.rollups.after_rows(publishing).await?);
            Ok(findings)
        })
    }

    fn after_names<'a>(&'a self, publishing: &'a Publishing<'a>) -> Doing<'a, Vec<Finding>> {
        Box::pin(async move {
            match self.is_idle(publishing.session).await? {
                true => Ok(Vec::new()),
                false => self.enrichments.after_names(publishing).await,
            }
        })
    }
}

/// Each is a table of the reports schema.
fn refuse_shared_names(sections: &Sections, rollups: &Rollups) -> Result<(), Problem> {
    let imports = sections.imports.iter().map(|one| ("import", one.name.clone()));
    let windows = sections.windows.iter().map(|one| ("window", one.name.clone()));
    let rollups = rollups.tables().map(|name| ("rollup", name));
    let mut known: BTreeMap<String, &str> = BTreeMap::new();
    for (kind, name) in imports.chain(windows).chain(rollups) {
        if let Some(other) = known.insert(name.clone(), kind) {
            return Err(Problem::new(format!("a {other} and a {kind} are called \"{name}\""))
                .detail("both are tables of the reports schema; totals are called NAME_totals_…")
                .hint("give one of them another name"));
        }
    }
    Ok(())
}
