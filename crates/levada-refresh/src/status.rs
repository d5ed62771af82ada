//! What the target shows now, and how the next run would bring it up to date. Takes no lock and
//! writes nothing; a source that cannot be asked leaves the second half out.

use copy::{Request, is_large_objects};
use edition::{Published, TableRow};
use pg::catalog::Catalog;
use pg::{Identity, Keepers, Purpose, Session};
use report::Problem;
use serde::Serialize;

use crate::position::{self, Standing};
use crate::unit::{self, Facts, Method};

/// The published edition, table by table.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    pub edition: i32,
    /// The moment of the source that it shows, RFC 3339 in UTC.
    pub as_of: Option<String>,
    pub published_at: Option<String>,
    pub tables: Vec<TableStatus>,
    /// What keeps the next run from looking at changes alone.
    pub next: Option<Problem>,
}

/// One table of the edition.
#[derive(Debug, Clone, Serialize)]
pub struct TableStatus {
    pub name: String,
    pub mode: String,
    /// How this edition got its rows: `copy`, `changes`, `digest`, `reload`.
    pub method: String,
    pub reason: Option<String>,
    pub rows: Option<i64>,
    pub inserted: i64,
    pub updated: i64,
    pub deleted: i64,
    /// Why the next run cannot go by its changes alone, as far as the source tells.
    pub next: Option<String>,
}

/// Reads the status; `None` where levada has published nothing.
pub async fn status(request: &Request) -> anyhow::Result<Option<Status>> {
    let target = Session::open(&request.target, Purpose::Record).await?;
    let Some(published) = Published::read(&target).await? else { return Ok(None) };
    let mut status = Status {
        edition: published.number,
        as_of: published.as_of.clone(),
        published_at: published.published_at.clone(),
        tables: published.tables.iter().filter_map(table).collect(),
        next: None,
    };
    if let Err(error) = foresee(request, &target, &published, &mut status).await {
        let problem = Problem::new("the source cannot be asked what comes next");
        status.next = Some(problem.detail(error.to_string()));
    }
    Ok(Some(status))
}

fn table(row: &TableRow) -> Option<TableStatus> {
    if is_large_objects(&row.name) {
        return None;
    }
    Some(TableStatus {
        name: row.name.to_string(),
        mode: row.mode.clone(),
        method: row.method.clone(),
        reason: row.reason.clone().filter(|_| row.method != "copy"),
        rows: row.rows,
        inserted: row.inserted,
        updated: row.updated,
        deleted: row.deleted,
        next: None,
    })
}

/// Plans the next run as it would plan itself.
async fn foresee(
    request: &Request,
    target: &Session,
    published: &Published,
    status: &mut Status,
) -> anyhow::Result<()> {
    let heartbeat = std::time::Duration::from_secs(request.config.heartbeat_seconds.max(1));
    let keepers = Keepers::take(&request.source, heartbeat).await?;
    let session = keepers.session(&request.source).await?;
    let source = Identity::of(&session).await?;
    let plain = match position::compare(published.into(), &source, keepers.snapshot()) {
        Standing::Ahead { .. } => Method::Changes,
        Standing::Behind => {
            let problem = Problem::new("the source is behind this edition")
                .detail("a run would wait for it, then refuse");
            status.next = Some(problem);
            return Ok(());
        }
        Standing::Incomparable(reason) => {
            status.next = Some(Problem::new("the next run compares all rows").detail(&*reason));
            Method::Digest(reason)
        }
    };
    let (there, here) = (Catalog::load(&session).await?, Catalog::load(target).await?);
    let plan = copy::plan(&there, &source, &Identity::of(target).await?, &request.scope())?;
    for mut unit in unit::units(&plan, &there, &published.tables, &plain) {
        if let Some((there, here)) = there.table(&unit.name).zip(here.table(&unit.name)) {
            unit.facts = Facts::of(there, here);
        }
        let reason = match (&unit.method, unit.facts.key.is_empty()) {
            (Method::Changes, true) => {
                Some("it has no usable key: any change means to compare all")
            }
            (Method::Changes, false) => None,
            (method, _) => method.reason(),
        };
        let names: Vec<String> = unit.parts.iter().map(|part| part.name.to_string()).collect();
        for table in status.tables.iter_mut().filter(|table| names.contains(&table.name)) {
            table.next = reason.map(str::to_owned);
        }
    }
    Ok(())
}
