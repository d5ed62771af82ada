//! Decides with what a run starts: an edition that an earlier run left unfinished, or a new one, in
//! place or beside what the target already holds. Nothing of anybody else is dropped.

use std::collections::BTreeSet;

use edition::{
    ChunkRow, Edition, Installation, Ledger, NewEdition, Placement, Saved, TableRow, Work,
};
use pg::catalog::Extension;
use pg::{Name, Purpose, Session, quote_identifier};
use report::{Category, Event, Problem, Progress};

use crate::definitions::Definitions;
use crate::extensions;
use crate::install::{self, Installed, NEXT, Order, Places, beside, existing_schemas};
use crate::large_objects;
use crate::plan::Plan;
use crate::preflight::Preflight;
use crate::publish;
use crate::run::Request;

/// What starting needs to know.
pub(crate) struct Start<'a> {
    pub(crate) request: &'a Request,
    pub(crate) ends: &'a Preflight,
    pub(crate) ledger: &'a Ledger,
    pub(crate) progress: &'a dyn Progress,
    pub(crate) plan: &'a Plan,
    pub(crate) definitions: &'a Definitions,
    pub(crate) extensions: &'a [Extension],
}

/// Requests of equal fingerprints can continue each other's editions.
pub fn fingerprint(request: &Request) -> String {
    let config = &request.config;
    let parts = format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {}",
        request.schemas,
        request.rules,
        config.include,
        config.exclude,
        config.foreign_keys,
        config.extensions,
        config.omit_extensions,
        config.large_objects
    );
    blake3::hash(parts.as_bytes()).to_hex()[..16].to_owned()
}

/// The user objects in `schemas`: relations, types, routines.
pub(crate) async fn objects(session: &Session, schemas: &[String]) -> pg::Result<BTreeSet<Name>> {
    let rows = session.rows(include_str!("sql/target_objects.sql"), &[&schemas]).await?;
    Ok(rows.iter().map(|row| Name::new(row.get::<_, String>(0), row.get::<_, String>(1))).collect())
}

impl Start<'_> {
    /// The edition to work on, its definitions installed.
    pub(crate) async fn begin_or_resume(
        &self,
        building: Option<Edition>,
    ) -> anyhow::Result<Edition> {
        let session = Session::open(&self.request.target, Purpose::Record).await?;
        if let Some(edition) = building {
            match self.why_not_resume(&edition) {
                None => {
                    self.ledger.resume_edition(edition.number).await?;
                    self.progress.event(Event::Phase("continuing an interrupted run"));
                    return Ok(edition);
                }
                Some(reason) => self.give_up(&session, &edition, reason).await?,
            }
        }
        let (placement, replaces) = self.placement(&session).await?;
        let places = Places { placement, schemas: self.plan.schemas.clone() };
        extensions::create(&session, self.extensions).await?;
        let new = NewEdition {
            placement,
            fingerprint: &fingerprint(self.request),
            source: &self.ends.source,
            schemas: &places.schemas,
            replaces: &replaces,
        };
        let number = self.ledger.begin_edition(&new).await?;
        self.progress.event(Event::Phase("creating tables"));
        let order = Order {
            plan: self.plan,
            definitions: self.definitions,
            foreign_keys: self.request.config.foreign_keys,
            target_major: self.ends.target.major(),
            run: self.ledger.run(),
        };
        let record = |installed: &Installed| self.records(number, installed);
        install::install(&session, &places, &order, record).await?;
        let edition = self.ledger.building().await?;
        edition.ok_or_else(|| Problem::new("the edition just begun is gone").into())
    }

    fn why_not_resume(&self, edition: &Edition) -> Option<&'static str> {
        if edition.definitions.is_none() {
            return Some("it had not created its tables");
        }
        if edition.fingerprint != fingerprint(self.request) {
            return Some("the configuration has changed since");
        }
        if !edition.source.is_same_database(&self.ends.source) {
            return Some("it read another source");
        }
        if edition.definitions.as_deref() != Some(&self.definitions.hash) {
            return Some("definitions on the source have changed since");
        }
        None
    }

    /// Removes what an unfinished edition created, and nothing else.
    async fn give_up(
        &self,
        session: &Session,
        edition: &Edition,
        reason: &str,
    ) -> anyhow::Result<()> {
        let problem =
            Problem::new(format!("unfinished edition {} is started over", edition.number))
                .detail(reason);
        self.progress.event(Event::Note(&problem));
        // Dropped and given up in one transaction: half of it would look finished.
        session.batch("BEGIN").await?;
        match edition.placement {
            Placement::Beside => {
                for schema in &edition.schemas {
                    let next = quote_identifier(&beside(NEXT, schema));
                    session.batch(&format!("DROP SCHEMA IF EXISTS {next} CASCADE")).await?;
                }
            }
            Placement::Direct => {
                publish::refuse_dependents(session, &edition.schemas).await?;
                drop_objects_inside(session, &edition.schemas, &edition.objects).await?;
            }
        }
        session.batch(&edition::abandoned(edition.number)).await?;
        Ok(session.batch("COMMIT").await?)
    }

    /// In place where the target holds nothing; beside when it may be replaced; otherwise refused.
    /// Returns what will be replaced, as quoted names.
    async fn placement(&self, session: &Session) -> anyhow::Result<(Placement, Vec<String>)> {
        let schemas = &self.plan.schemas;
        let found = objects(session, schemas).await?;
        let published = self.ledger.published().await?;
        if found.is_empty() && published.is_none() && !self.has_large_objects(session).await? {
            return Ok((Placement::Direct, Vec::new()));
        }
        if !self.request.replace {
            return Err(refuse_content(published.as_ref(), &found).into());
        }
        self.refuse_foreign(session, published.as_ref(), &found).await?;
        let places = Places { placement: Placement::Beside, schemas: schemas.clone() };
        // What cannot be put back on the new edition is named before anything is built.
        session.batch("BEGIN").await?;
        let rehearsed = async {
            if self.request.hook.is_some() {
                drop_computed(session, &places.schemas).await?;
            }
            publish::step_aside(session, &places.schemas).await
        };
        let rehearsed = rehearsed.await;
        session.batch("ROLLBACK").await?;
        match rehearsed {
            // A reader is at work; publishing waits for it.
            Err(error) if is_locked(&error) => {}
            other => drop(other?),
        }
        let leftovers = existing_schemas(session, &places.placed_schemas()).await?;
        for schema in leftovers {
            session.batch(&format!("DROP SCHEMA {} CASCADE", quote_identifier(&schema))).await?;
        }
        Ok((Placement::Beside, found.iter().map(Name::sql).collect()))
    }

    /// Whether the target holds large objects that are not of an edition.
    async fn has_large_objects(&self, session: &Session) -> anyhow::Result<bool> {
        let sql = "SELECT EXISTS (SELECT oid FROM pg_catalog.pg_largeobject_metadata \
                   EXCEPT SELECT id FROM levada.large_object)";
        Ok(self.plan.large_objects > 0 && session.one(sql, &[]).await?.get(0))
    }

    /// Refuses to replace what is neither of the source nor of the published edition, and to leave
    /// a part of that edition behind.
    async fn refuse_foreign(
        &self,
        session: &Session,
        published: Option<&Edition>,
        found: &BTreeSet<Name>,
    ) -> anyhow::Result<()> {
        let schemas = &self.plan.schemas;
        let source = Session::open(&self.request.source, Purpose::Source).await?;
        let mut known = objects(&source, schemas).await?;
        // What the configuration leaves out has no successor that could replace it.
        known.retain(|name| !self.plan.excluded.contains(name));
        let previous = published.map(|edition| edition.objects.as_slice()).unwrap_or_default();
        let is_foreign = |name: &&Name| !known.contains(name) && !previous.contains(&name.sql());
        let mut foreign: Vec<String> =
            found.iter().filter(is_foreign).map(Name::to_string).collect();
        if self.has_large_objects(session).await? {
            foreign.push("large objects".to_owned());
        }
        if !foreign.is_empty() {
            let problem = Problem::new("the target holds objects that the source does not have")
                .detail(foreign.join(", "))
                .hint(
                    "--replace would drop them: move them to another schema, or drop them yourself",
                );
            return Err(problem.into());
        }
        let left = published
            .and_then(|edition| edition.schemas.iter().find(|schema| !schemas.contains(schema)));
        if let Some(schema) = left {
            let problem = Problem::new(format!(
                "the published edition also holds schema \"{schema}\", which the new one would not"
            ))
            .detail("readers would see two moments side by side")
            .hint("copy that schema too, or use another target");
            return Err(problem.into());
        }
        Ok(())
    }

    fn records(&self, edition: i32, installed: &Installed) -> String {
        let (mut tables, mut chunks) = (Vec::new(), Vec::new());
        for table in &self.plan.tables {
            let row =
                TableRow::copied(table.name.clone(), table.mode.label(), table.format.label());
            tables.push(TableRow {
                reason: table.reason.clone(),
                source_oid: Some(table.oid),
                filter: table.filter.clone(),
                deletes: table.deletes.label().to_owned(),
                ..row
            });
            let ranges = table.ranges.iter().zip(1..);
            chunks.extend(ranges.map(|((first_page, end_page), number)| ChunkRow {
                table: table.name.clone(),
                number,
                first_page: *first_page,
                end_page: *end_page,
                done: None,
            }));
        }
        if self.request.config.large_objects {
            let (table, chunk) = large_objects::records();
            tables.push(table);
            chunks.push(chunk);
        }
        let installation = Installation {
            edition,
            definitions: &self.definitions.hash,
            late_statements: &installed.late_statements,
            objects: &installed.objects,
            tables: &tables,
            chunks: &chunks,
            steps: &installed.steps,
        };
        let object = format!("{} definitions", installed.objects.len());
        let work = Work { category: Category::Schema, object: &object, rows: None, bytes: None };
        format!("{}; {}", installation.sql(), edition::work_done(self.ledger.run(), &work))
    }
}

/// In the transaction of `session`, drops those objects of `schemas` whose quoted names are in
/// `names`.
pub(crate) async fn drop_objects_inside(
    session: &Session,
    schemas: &[String],
    names: &[String],
) -> anyhow::Result<()> {
    let rows = session.rows(include_str!("sql/drop_objects.sql"), &[&schemas]).await?;
    let ours = rows.iter().filter(|row| {
        let name = Name::new(row.get::<_, String>("schema"), row.get::<_, String>("name"));
        names.contains(&name.sql())
    });
    let statements: Vec<String> = ours.map(|row| row.get("statement")).collect();
    Ok(session.batch(&statements.join("; ")).await?)
}

/// Drops, in a rehearsal, tables that will be computed anew with the types of the new edition.
async fn drop_computed(session: &Session, schemas: &[String]) -> anyhow::Result<()> {
    let known = "SELECT pg_catalog.to_regclass('levada.report_table') IS NOT NULL";
    if !session.one(known, &[]).await?.get::<_, bool>(0) {
        return Ok(());
    }
    let rows = session.rows(include_str!("sql/computed_of_schemas.sql"), &[&schemas]).await?;
    let tables = rows.iter().map(|row| Name::new(row.get::<_, &str>(0), row.get::<_, &str>(1)));
    let tables: Vec<Name> = tables.collect();
    for statement in Saved::of_relations(session, &tables, &[]).await?.drop_sql() {
        session.batch(&statement).await?;
    }
    for table in &tables {
        session.batch(&format!("DROP TABLE {}", table.sql())).await?;
    }
    Ok(())
}

fn is_locked(error: &anyhow::Error) -> bool {
    error.downcast_ref::<pg::Error>().is_some_and(pg::Error::is_retryable)
}

fn refuse_content(published: Option<&Edition>, found: &BTreeSet<Name>) -> Problem {
    let shown: Vec<String> = found.iter().take(5).map(Name::to_string).collect();
    let more = if found.len() > shown.len() { ", …" } else { "" };
    let problem = match published {
        Some(edition) => {
            let as_of = edition.as_of.as_deref().unwrap_or("an unknown moment");
            let number = edition.number;
            Problem::new(format!("the target already holds edition {number}, as of {as_of}"))
        }
        None => Problem::new("the target is not empty")
            .detail(format!("it holds {}{more}", shown.join(", "))),
    };
    problem.hint(
        "use an empty database, or add --replace: the new edition is then built beside, and the \
         old one stays readable until it is complete",
    )
}
