//! Where the time of runs went, read back from the records: also of interrupted runs, also of
//! several.

use pg::{Result, Session};
use report::Category;
use serde::Serialize;

/// One run as the records tell it.
#[derive(Debug, Clone, Serialize)]
pub struct RunSummary {
    pub number: i32,
    pub edition: Option<i32>,
    pub command: String,
    /// `running`, `published`, `failed` or `interrupted`.
    pub outcome: String,
    pub message: Option<String>,
    /// RFC 3339, UTC.
    pub started_at: String,
    pub seconds: f64,
    pub edition_state: Option<String>,
    pub as_of: Option<String>,
}

/// Time spent on one object, all its pieces added up.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    pub category: Category,
    pub object: String,
    pub seconds: f64,
    pub rows: Option<i64>,
    pub bytes: Option<i64>,
    pub pieces: i64,
}

/// The runs that made one edition and every object they worked on, longest first.
#[derive(Debug, Clone, Serialize)]
pub struct Times {
    pub runs: Vec<RunSummary>,
    pub entries: Vec<Entry>,
}

/// The newest run of this target; `None` where levada never ran.
pub async fn latest_run(session: &Session) -> Result<Option<i32>> {
    let exists = "SELECT pg_catalog.to_regclass('levada.run') IS NOT NULL";
    if !session.one(exists, &[]).await?.get::<_, bool>(0) {
        return Ok(None);
    }
    Ok(session.one("SELECT max(number) FROM levada.run", &[]).await?.get(0))
}

/// The times of `run` together with all runs that worked on the same edition.
pub async fn times(session: &Session, run: i32) -> Result<Times> {
    let runs: Option<Vec<i32>> =
        session.one(include_str!("sql/runs_of_edition.sql"), &[&run]).await?.get(0);
    let runs = runs.unwrap_or_default();
    let summaries = session.rows(include_str!("sql/run_summary.sql"), &[&runs]).await?;
    let entries = session.rows(include_str!("sql/times.sql"), &[&runs]).await?;
    Ok(Times {
        runs: summaries.iter().map(run_of).collect(),
        entries: entries.iter().map(entry_of).collect(),
    })
}

fn run_of(row: &pg::Row) -> RunSummary {
    RunSummary {
        number: row.get("number"),
        edition: row.get("edition"),
        command: row.get("command"),
        outcome: row.get("outcome"),
        message: row.get("message"),
        started_at: row.get("started_at"),
        seconds: row.get("seconds"),
        edition_state: row.get("edition_state"),
        as_of: row.get("as_of"),
    }
}

fn entry_of(row: &pg::Row) -> Entry {
    Entry {
        category: Category::from_label(row.get("category")).unwrap_or(Category::Schema),
        object: row.get("object"),
        seconds: row.get("seconds"),
        rows: row.get("rows"),
        bytes: row.get("bytes"),
        pieces: row.get("pieces"),
    }
}
