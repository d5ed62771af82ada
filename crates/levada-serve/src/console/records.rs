//! What the records of the target tell of runs and tables, read in one short snapshot and
//! remembered: when the database is away, the last that it said is shown as such.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use pg::{Session, quote_identifier};
use report::Problem;
use tokio::sync::Mutex;

use crate::refusal::Refusal;
use crate::site::Site;

const RUNS: i64 = 10;
const WORKS: i64 = 50;
const TABLES: i64 = 50;
/// However many look, the database is asked no more often.
const PAUSE: Duration = Duration::from_secs(2);

/// The last runs, and what the published edition changed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Records {
    pub(crate) read_at: Timestamp,
    /// The newest first.
    pub(crate) runs: Vec<Run>,
    pub(crate) tables: Vec<Table>,
    /// How many tables the edition has, also those that are not listed.
    pub(crate) tables_count: i64,
}

/// One execution of `levada run` or another command that writes.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) number: i32,
    pub(crate) edition: Option<i32>,
    pub(crate) edition_state: Option<String>,
    pub(crate) command: String,
    pub(crate) version: String,
    pub(crate) host: String,
    pub(crate) process: i32,
    pub(crate) outcome: Outcome,
    pub(crate) message: Option<String>,
    pub(crate) started_at: Timestamp,
    /// So far, while it runs.
    pub(crate) seconds: f64,
    /// In the order in which they began; the longest ones.
    pub(crate) works: Vec<Work>,
    /// How many there are, also those that are not listed.
    pub(crate) works_count: i64,
    pub(crate) categories: Vec<Spent>,
}

/// How a run ended, if it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Running,
    /// It is recorded as running, but nobody holds the lock that every run holds.
    Vanished,
    Published,
    Failed,
    Interrupted,
}

/// All the work of one category on one object in a run.
#[derive(Debug, Clone)]
pub(crate) struct Work {
    pub(crate) category: String,
    pub(crate) object: String,
    /// Seconds since the beginning of the run.
    pub(crate) begins: f64,
    pub(crate) ends: f64,
    /// Of work, which is less than from beginning to end when there were pauses, and more when
    /// several pieces ran at once.
    pub(crate) seconds: f64,
    pub(crate) rows: Option<i64>,
    pub(crate) pieces: i64,
}

/// The work of one category in a run.
#[derive(Debug, Clone)]
pub(crate) struct Spent {
    pub(crate) category: String,
    pub(crate) seconds: f64,
    pub(crate) pieces: i64,
}

/// How a table reached the published edition.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) mode: String,
    pub(crate) method: String,
    pub(crate) reason: Option<String>,
    pub(crate) rows: Option<i64>,
    pub(crate) inserted: i64,
    pub(crate) updated: i64,
    pub(crate) deleted: i64,
}

/// The last that the database said, and why it says nothing now.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    pub(crate) records: Option<Arc<Records>>,
    pub(crate) problem: Option<Problem>,
}

/// Remembers what was told.
#[derive(Default)]
pub(crate) struct Notebook {
    page: Mutex<(Option<Instant>, Told)>,
}

impl Notebook {
    /// What the database tells, or what it told last.
    pub(crate) async fn told(&self, site: &Site) -> Told {
        let mut page = self.page.lock().await;
        if page.0.is_some_and(|asked_at| asked_at.elapsed() < PAUSE) {
            return page.1.clone();
        }
        match read(site).await {
            Ok(records) => page.1 = Told { records: Some(Arc::new(records)), problem: None },
            Err(problem) => page.1.problem = Some(problem),
        }
        page.0 = Some(Instant::now());
        page.1.clone()
    }
}

async fn read(site: &Site) -> Result<Records, Problem> {
    let lease = site.pool.lease(site.gate.patience(None)).await.map_err(|refusal| match refusal {
        Refusal::Overloaded => Problem::new("all sessions of the server are busy")
            .hint("visitors ask more than the database answers; this page asks again by itself"),
        _ => Problem::new("the reporting database gives no session")
            .hint("check that it runs and that the role of [serve] url may connect"),
    })?;
    let Some(session) = lease.session() else { return Err(Problem::new("no session")) };
    let limit = Duration::from_millis(site.config.deadline_ms.into());
    match tokio::time::timeout(limit, snapshot(session, site.clock.now())).await {
        Ok(Ok(records)) => {
            lease.give_back();
            Ok(records)
        }
        Ok(Err(error)) if error.sqlstate() == Some("42501") => {
            let role = quote_identifier(site.endpoint.user());
            Err(error.problem().hint(format!(
                "as the owner of the target: `GRANT USAGE ON SCHEMA levada TO {role}; GRANT SELECT \
                 ON ALL TABLES IN SCHEMA levada TO {role}`"
            )))
        }
        Ok(Err(error)) => Err(error.problem()),
        Err(_) => Err(Problem::new("the reporting database does not answer in time")),
    }
}

async fn snapshot(session: &Session, read_at: Timestamp) -> pg::Result<Records> {
    session.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let exists = "SELECT pg_catalog.to_regclass('levada.run') IS NOT NULL";
    let mut records = Records { read_at, ..Records::default() };
    if session.one(exists, &[]).await?.get(0) {
        records.runs = runs(session).await?;
        let rows = session.rows(include_str!("../sql/console_tables.sql"), &[&TABLES]).await?;
        records.tables_count = rows.first().map_or(0, |row| row.get("tables"));
        records.tables = rows.iter().map(table).collect();
    }
    session.batch("COMMIT").await?;
    Ok(records)
}

async fn runs(session: &Session) -> pg::Result<Vec<Run>> {
    let rows = session.rows(include_str!("../sql/console_runs.sql"), &[&RUNS]).await?;
    let is_held: Option<bool> =
        session.one(include_str!("../sql/console_lock.sql"), &[]).await?.get(0);
    let numbers: Vec<i32> = rows.iter().map(|row| row.get("number")).collect();
    let mut works: BTreeMap<i32, (i64, Vec<Work>)> = BTreeMap::new();
    let sql = include_str!("../sql/console_works.sql");
    for row in session.rows(sql, &[&numbers, &WORKS]).await? {
        let (count, works) = works.entry(row.get("run")).or_default();
        *count = row.get("works");
        works.push(work(&row));
    }
    let mut categories: BTreeMap<i32, Vec<Spent>> = BTreeMap::new();
    for row in session.rows(include_str!("../sql/console_categories.sql"), &[&numbers]).await? {
        categories.entry(row.get("run")).or_default().push(Spent {
            category: row.get("category"),
            seconds: row.get("seconds"),
            pieces: row.get("pieces"),
        });
    }
    let runs = rows.iter().map(|row| {
        let number: i32 = row.get("number");
        let (works_count, works) = works.remove(&number).unwrap_or_default();
        let started_at = row.get::<_, &str>("started_at").parse();
        Ok(Run {
            number,
            edition: row.get("edition"),
            edition_state: row.get("edition_state"),
            command: row.get("command"),
            version: row.get("version"),
            host: row.get("host"),
            process: row.get("process"),
            outcome: outcome(row.get("outcome"), is_held),
            message: row.get("message"),
            started_at: started_at
                .map_err(|_| pg::Error::Protocol("a moment that is none".to_owned()))?,
            seconds: row.get("seconds"),
            works,
            works_count,
            categories: categories.remove(&number).unwrap_or_default(),
        })
    });
    runs.collect()
}

fn outcome(text: &str, is_held: Option<bool>) -> Outcome {
    match text {
        "published" => Outcome::Published,
        "interrupted" => Outcome::Interrupted,
        "running" if is_held == Some(false) => Outcome::Vanished,
        "running" => Outcome::Running,
        // Whatever a later levada says, it is not known to have worked.
        _ => Outcome::Failed,
    }
}

fn work(row: &pg::Row) -> Work {
    Work {
        category: row.get("category"),
        object: row.get("object"),
        begins: row.get("begins"),
        ends: row.get("ends"),
        seconds: row.get("seconds"),
        rows: row.get("rows"),
        pieces: row.get("pieces"),
    }
}

fn table(row: &pg::Row) -> Table {
    Table {
        name: row.get("name"),
        mode: row.get("mode"),
        method: row.get("method"),
        reason: row.get("reason"),
        rows: row.get("rows"),
        inserted: row.get("inserted"),
        updated: row.get("updated"),
        deleted: row.get("deleted"),
    }
}
