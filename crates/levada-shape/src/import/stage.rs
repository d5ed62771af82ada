//! Fetches imports and loads their rows into staging tables of the schema `levada`, which nobody
//! reads. What a killed run left of them is dropped first.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use pg::{Endpoint, Feed, Name, Purpose, Session, Wire};
use report::{Event, Problem, Progress};

use super::definition::{Definition, check_format};
use super::document::{self, Document};
use super::fault::{Fault, Place};
use super::rows::{Failure, Rows, explain};
use super::section::OnFailure;

/// What became of an import before the edition is published.
#[derive(Debug)]
pub(crate) enum Loaded {
    /// So many rows wait in a staging table.
    Staged { staging: Name, rows: u64, took: Duration },
    /// It failed, and yesterday's table is to stay.
    Kept(Problem),
}

/// Answers that serve several imports, failures among them.
type Shared = HashMap<String, Result<Rc<Document>, Fault>>;

/// Loads all of them.
pub(crate) async fn load(
    definitions: &[Definition],
    target: &Endpoint,
    progress: &dyn Progress,
) -> anyhow::Result<Vec<Loaded>> {
    let session = Session::open(target, Purpose::Target).await?;
    clear(&session).await?;
    let mut shared = Shared::new();
    let mut all = Vec::new();
    for (number, definition) in definitions.iter().enumerate() {
        let name = &definition.section.name;
        progress.event(Event::Phase(&format!("importing {name}")));
        let staging = Name::new("levada", format!("import_next_{number}"));
        let started = Instant::now();
        let limit = Duration::from_secs(definition.section.timeout_seconds);
        let one = one(definition, &staging, target, &mut shared);
        let result = tokio::time::timeout(limit, one).await.unwrap_or_else(|_| {
            let reason = format!("not done within {} s", limit.as_secs());
            Err(Fault::new(Place::default(), reason).hint("raise timeout_seconds").into())
        });
        let is_last = !definitions[number + 1..].iter().any(|d| d.shared == definition.shared);
        if is_last {
            shared.remove(&definition.shared);
        }
        all.push(match result {
            Ok(rows) => Loaded::Staged { staging, rows, took: started.elapsed() },
            Err(Failure::Target(error)) => {
                return Err(anyhow::Error::from(error).context(format!("importing {name}")));
            }
            Err(Failure::Import(fault)) => {
                let problem = fault.problem(name);
                if definition.section.on_failure == OnFailure::Fail {
                    return Err(problem.into());
                }
                refuse_without_yesterday(&session, definition, &problem).await?;
                Loaded::Kept(problem)
            }
        });
    }
    Ok(all)
}

async fn one(
    definition: &Definition,
    staging: &Name,
    target: &Endpoint,
    shared: &mut Shared,
) -> Result<u64, Failure> {
    let document = match shared.get(&definition.shared) {
        Some(known) => known.clone(),
        None => {
            let loaded = document::load(definition).await.map(Rc::new);
            shared.insert(definition.shared.clone(), loaded.clone());
            loaded
        }
    }?;
    check_format(&definition.section, Some(document.format()))
        .map_err(|reason| Fault::new(Place::default(), reason))?;
    let mut wire = Wire::connect(target, Purpose::Target).await.map_err(Failure::Target)?;
    let created = definition.table.bare(staging.clone()).layout();
    let unlogged = created.replacen("CREATE TABLE", "CREATE UNLOGGED TABLE", 1);
    wire.query(&unlogged).await.map_err(Failure::Target)?;
    let columns: Vec<String> = definition.fields.iter().map(|field| field.name.clone()).collect();
    let mut feed = Feed::open(&mut wire, staging, &columns).await.map_err(Failure::Target)?;
    let pages = Rows::new(definition, &mut feed).send(&document).await?;
    let taken = feed.finish().await.map_err(|refusal| explain(definition, &pages, refusal))?;
    let rows = pages.iter().sum();
    if taken != rows {
        let message = format!("{rows} rows were sent, the target took {taken}");
        return Err(Failure::Target(pg::Error::Protocol(message)));
    }
    let analyze = format!("ANALYZE {}", staging.sql());
    wire.query(&analyze).await.map_err(Failure::Target)?;
    Ok(rows)
}

/// Only a table that an import has filled can stay as it was.
async fn refuse_without_yesterday(
    session: &Session,
    definition: &Definition,
    problem: &Problem,
) -> anyhow::Result<()> {
    session.batch(include_str!("../sql/import_records.sql")).await?;
    let sql = "SELECT FROM levada.import WHERE name = $1 AND to_regclass($2) IS NOT NULL";
    let (name, table) = (&definition.section.name, definition.table.name.sql());
    if session.maybe(sql, &[name, &table]).await?.is_some() {
        return Ok(());
    }
    let problem = problem.clone().detail("on_failure = \"keep\" has no table yet to keep");
    Err(problem.into())
}

/// Drops what earlier runs left.
async fn clear(session: &Session) -> pg::Result<()> {
    let rows = session.rows(include_str!("../sql/import_leftovers.sql"), &[]).await?;
    for row in rows {
        let name = Name::new("levada", row.get::<_, String>(0));
        session.batch(&format!("DROP TABLE IF EXISTS {}", name.sql())).await?;
    }
    Ok(())
}
