//! Rollups: statistics per bucket of a business calendar and per dimensions, exact at every
//! edition, because what they count and what changes of it are published together.
//!
//! `definition` checks what `config` declares, `inspect` asks the server what its query is,
//! `statements` writes the queries. `touched` finds the buckets of changed rows, `fill` brings them
//! up to date, `states` says how they age, `totals` adds them up, `audit` counts some of them
//! again, `late` tells what could not be counted, `records` writes it all down. `keyed` is for
//! rollups without a calendar, with `match_nulls` for dimensions that are NULL; `sketch` for
//! estimates.

mod audit;
mod check;
mod config;
mod definition;
mod fill;
mod inspect;
mod keyed;
mod late;
mod match_nulls;
mod records;
mod sketch;
mod statements;
mod states;
mod totals;
mod touched;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use edition::Publishing;
use jiff::Timestamp;
use pg::{Name, Session, quote_identifier};
use report::{Category, Finding, Problem};

use crate::bindings::Image;
use crate::report_table::mark_changed;
use crate::sections::Sections;
pub use config::{Distinct, Measure, Rollup, Settles, SettlesBy, Tables};
use definition::Definition;
use fill::{Filled, Filling};
use keyed::Keyed;
use statements::Statements;

/// All rollups, finer ones before those that add them up.
#[derive(Debug)]
pub(crate) struct Rollups {
    definitions: Vec<Definition>,
}

impl Rollups {
    pub(crate) fn new(sections: &Sections) -> Result<Self, Problem> {
        let mut definitions: Vec<Definition> = Vec::new();
        let mut seen = BTreeSet::new();
        for rollup in &sections.rollups {
            if !seen.insert(&rollup.name) {
                return Err(Problem::new(format!("two rollups are called \"{}\"", rollup.name))
                    .hint("each is a table of its own: give them different names"));
            }
            definitions.push(Definition::of(rollup, sections, &definitions)?);
        }
        let mut tables = BTreeSet::new();
        for definition in &definitions {
            let totals = definition.totals.iter().map(|by| totals::name(definition, by));
            for table in totals.chain([definition.table.clone()]) {
                if !tables.insert(table.clone()) {
                    return Err(Problem::new(format!("two statistics would be called {table}"))
                        .hint("totals are tables of their own: give a rollup another name"));
                }
            }
        }
        Ok(Self { definitions })
    }

    /// The names of all their tables.
    pub(crate) fn tables(&self) -> impl Iterator<Item = String> {
        self.definitions.iter().flat_map(|definition| {
            let totals = definition.totals.iter().map(|by| totals::name(definition, by).name);
            std::iter::once(definition.name.clone()).chain(totals)
        })
    }

    pub(crate) fn watches(&self, table: &Name) -> bool {
        self.definitions.iter().any(|definition| definition.bindings.contains(table))
    }

    /// What keeps them from being computed, as far as a server that holds their tables can tell.
    pub(crate) async fn check(&self, session: &Session) -> anyhow::Result<Vec<Finding>> {
        // As in a publication: types of extensions have their operators somewhere.
        let tables = self.definitions.iter().flat_map(|known| known.bindings.0.values());
        let schemas: BTreeSet<String> = tables.map(|name| name.schema.clone()).collect();
        let public = ["public".to_owned()];
        let path: Vec<String> =
            schemas.iter().chain(&public).map(|s| quote_identifier(s)).collect();
        session.batch(&format!("SET search_path = {}", path.join(", "))).await?;
        check::check(session, &self.definitions).await
    }

    /// Keeps what changed rows were, as long as they are.
    pub(crate) async fn before_rows(&self, publishing: &Publishing<'_>) -> anyhow::Result<()> {
        let path = widen_path(publishing, &self.definitions).await?;
        let as_of = publishing.as_of.parse()?;
        for (number, definition) in self.definitions.iter().enumerate() {
            let bindings = &definition.bindings;
            if bindings.is_whole(publishing) || !bindings.is_touched(publishing) {
                continue;
            }
            let described = inspect::describe(definition, publishing).await?;
            let statements = Statements { definition, described: &described };
            if definition.buckets.is_none() {
                let keyed = Keyed { publishing, statements, number, as_of };
                keyed.collect(Image::Before).await?;
                continue;
            }
            let withs = bindings.changed(publishing, Image::Before, described.combined());
            let staged = (withs.as_slice(), Image::Before);
            touched::collect(publishing.session, number, statements, staged).await?;
        }
        set_path(publishing.session, &path).await?;
        Ok(())
    }

    /// Brings all rollups up to date with the rows.
    pub(crate) async fn after_rows(
        &self,
        publishing: &Publishing<'_>,
    ) -> anyhow::Result<Vec<Finding>> {
        let session = publishing.session;
        self.forget_dropped(session).await?;
        if self.definitions.is_empty() {
            return Ok(Vec::new());
        }
        session.batch(include_str!("../sql/rollup_records.sql")).await?;
        sketch::ensure(session, &self.definitions).await?;
        let as_of = seen(publishing).await?;
        let mut findings = Vec::new();
        let path = widen_path(publishing, &self.definitions).await?;
        let mut done: BTreeMap<&str, Filled> = BTreeMap::new();
        for (number, definition) in self.definitions.iter().enumerate() {
            let started = Instant::now();
            let object = definition.table.to_string();
            let described = inspect::describe(definition, publishing).await?;
            let statements = Statements { definition, described: &described };
            let Some(buckets) = &definition.buckets else {
                let table = keyed::table(definition, &described);
                let is_new = table.ensure(session).await?;
                table.settle(publishing).await?;
                let keyed = Keyed { publishing, statements, number, as_of };
                let (is_written, found) = keyed.run(is_new).await?;
                findings.extend(found);
                if is_written {
                    mark_changed(publishing, &definition.table).await?;
                }
                let work = (Category::Rollup, object.as_str());
                publishing.took(work, None, started.elapsed()).await?;
                continue;
            };
            let table = fill::table(definition, &described, buckets);
            let standing = table.stand(session, true).await?;
            table.settle(publishing).await?;
            let finer = definition.of.as_deref().and_then(|of| done.get(of));
            let filling = Filling { publishing, statements, buckets, number, as_of, finer };
            let (filled, found) = filling.run(standing).await?;
            if filled.is_whole || !filled.starts.is_empty() {
                mark_changed(publishing, &definition.table).await?;
            }
            findings.extend(found);
            done.insert(&definition.name, filled);
            publishing.took((Category::Rollup, &object), None, started.elapsed()).await?;
        }
        set_path(session, &path).await?;
        self.drop_staging(session).await?;
        Ok(findings)
    }

    /// The records of rollups that are not declared any more, and whose tables are gone.
    async fn forget_dropped(&self, session: &Session) -> anyhow::Result<()> {
        let exists = "SELECT pg_catalog.to_regclass('levada.rollup') IS NOT NULL";
        if session.one(exists, &[]).await?.get::<_, bool>(0) {
            let names: Vec<&str> = self.definitions.iter().map(|known| &*known.name).collect();
            let sql = "DELETE FROM levada.rollup WHERE NOT name = ANY ($1) AND \
                       pg_catalog.to_regclass(format('%I.%I', schema_name, name)) IS NULL";
            session.execute(sql, &[&names]).await?;
        }
        Ok(())
    }

    /// Also what was kept of rows before it turned out that everything is computed anew.
    async fn drop_staging(&self, session: &Session) -> anyhow::Result<()> {
        let kept = (0..self.definitions.len()).flat_map(|number| {
            [Image::Before, Image::After].map(|image| touched::staging(number, image))
        });
        let cells = [fill::CELLS, fill::OLD_CELLS].map(str::to_owned);
        let all = kept.chain(cells).collect::<Vec<_>>().join(", ");
        Ok(session.batch(&format!("DROP TABLE IF EXISTS {all}")).await?)
    }
}

/// Types that an extension brings may have their operators in the schema of a table. Returns the
/// path that there was.
async fn widen_path(
    publishing: &Publishing<'_>,
    definitions: &[Definition],
) -> anyhow::Result<String> {
    let session = publishing.session;
    let path = search_path(session).await?;
    let tables = definitions.iter().flat_map(|definition| definition.bindings.0.values());
    let public = [Name::new("public", "")];
    let schemas = tables.chain(&public).map(|name| publishing.place(name).schema);
    let schemas: BTreeSet<String> = schemas.chain(["public".to_owned()]).collect();
    let mut wide: Vec<String> = schemas.iter().map(|schema| quote_identifier(schema)).collect();
    wide.extend((!path.is_empty()).then(|| path.clone()));
    set_path(session, &wide.join(", ")).await?;
    Ok(path)
}

async fn search_path(session: &Session) -> pg::Result<String> {
    let sql = "SELECT pg_catalog.current_setting('search_path')";
    Ok(session.one(sql, &[]).await?.get(0))
}

async fn set_path(session: &Session, path: &str) -> pg::Result<()> {
    let sql = "SELECT pg_catalog.set_config('search_path', $1, true)";
    session.rows(sql, &[&path]).await.map(drop)
}

/// The latest moment of the source that is proven: what an edition before has seen, later ones have
/// as well, although a standby may say less of itself after a restart.
async fn seen(publishing: &Publishing<'_>) -> anyhow::Result<Timestamp> {
    let as_of: Timestamp = publishing.as_of.parse()?;
    if publishing.is_copy {
        return Ok(as_of);
    }
    let sql = "SELECT (extract(epoch FROM max(r.as_of)) * 1000000)::bigint FROM levada.rollup AS r \
               JOIN levada.edition AS e ON e.base = r.edition WHERE e.number = $1";
    let edition = publishing.edition.unwrap_or_default();
    let known: Option<i64> = publishing.session.one(sql, &[&edition]).await?.get(0);
    Ok(known.map(Timestamp::from_microsecond).transpose()?.map_or(as_of, |known| known.max(as_of)))
}
