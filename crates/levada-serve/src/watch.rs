//! Keeps what is shown current: hears of each publication, looks for itself besides, and makes the
//! usual responses ready before anybody asks.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use pg::{Listener, Purpose, Session};
use report::Problem;
use tokio::sync::watch::Receiver;

use crate::desk::Shown;
use crate::http::Ready;
use crate::site::Site;
use crate::standing::Standing;

/// What the publish transaction notifies on.
const CHANNEL: &str = "levada_published";
/// How many texts a parameter may have.
const VALUES_MAX: usize = 100_000;

/// Watches until `stop` says so.
pub(crate) async fn keep(site: Arc<Site>, mut stop: Receiver<bool>) {
    let mut listener: Option<Listener> = None;
    let mut last_problem = String::new();
    loop {
        if listener.is_none() {
            listener = listen(&site).await;
        }
        let looked = {
            let _alone = site.looking.lock().await;
            look(&site).await
        };
        let pause = match &looked {
            Ok(()) => Duration::from_secs(site.config.poll_seconds.into()),
            Err(_) => Duration::from_secs(1),
        };
        match looked {
            Ok(()) => {
                last_problem.clear();
                Ready::prepare(&site).await;
            }
            Err(problem) => {
                if problem.message != last_problem {
                    (site.log)(&problem);
                }
                last_problem = problem.message;
                listener = None;
            }
        }
        site.gate.sweep();
        let heard = async {
            match &mut listener {
                Some(listener) => listener.next().await.is_ok(),
                None => std::future::pending().await,
            }
        };
        let is_lost = tokio::select! {
            heard = heard => !heard,
            () = tokio::time::sleep(pause) => false,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        if is_lost {
            listener = None;
        }
    }
}

async fn listen(site: &Site) -> Option<Listener> {
    let purpose = Purpose::Serving { statement_timeout_ms: site.config.statement_timeout_ms };
    let opening = Listener::open(&site.endpoint, purpose, CHANNEL);
    // Standbys and poolers have no notifications: looking is enough.
    tokio::time::timeout(Duration::from_secs(2), opening).await.ok()?.ok()
}

/// Looks which edition is published, and shows it. One at a time.
///
/// # Errors
/// Why the database could not be asked: what is shown stays, unconfirmed.
pub(crate) async fn look(site: &Arc<Site>) -> Result<(), Problem> {
    let asked_at = site.clock.now();
    let limit = Duration::from_millis(site.config.deadline_ms.into());
    let lease = site.pool.lease().await.map_err(|_| {
        Problem::new("the reporting database gives no session")
            .hint("check that it runs and that the role of [serve] url may connect")
    })?;
    let Some(session) = lease.session() else { return Err(Problem::new("no session")) };
    let known = site.desk.shown();
    let reading = async {
        session.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let standing = read(session, site, known.as_ref()).await?;
        session.batch("COMMIT").await?;
        Ok::<_, pg::Error>(standing)
    };
    let looked = match tokio::time::timeout(limit, reading).await {
        Ok(Ok(looked)) => looked,
        Ok(Err(error)) => return Err(error.problem()),
        Err(_) => return Err(Problem::new("the reporting database does not answer in time")),
    };
    lease.give_back();
    match looked {
        Looked::Same => site.desk.confirm(asked_at),
        Looked::Nothing => site.desk.put(None, asked_at),
        Looked::Other(standing) => {
            let is_older = known
                .as_ref()
                .is_some_and(|k| k.standing.version.published_at > standing.version.published_at);
            if is_older {
                return Err(Problem::new("the database shows an older edition than before")
                    .hint("[serve] url must lead to one server; after a restore, start levada serve again"));
            }
            let shown = Shown::new(*standing, &site.catalogue, known.as_ref());
            site.desk.put(Some(Arc::new(shown)), asked_at);
        }
    }
    Ok(())
}

enum Looked {
    Same,
    Nothing,
    Other(Box<Standing>),
}

async fn read(session: &Session, site: &Site, known: Option<&Arc<Shown>>) -> pg::Result<Looked> {
    let version = crate::standing::version(session).await?;
    let Some(version) = version else { return Ok(Looked::Nothing) };
    if known.is_some_and(|known| known.standing.version == version) {
        return Ok(Looked::Same);
    }
    let Some(mut standing) = Standing::read(session).await? else { return Ok(Looked::Nothing) };
    for stat in site.catalogue.stats.values() {
        for (name, parameter) in &stat.parameters {
            let Some(sql) = &parameter.values_from else { continue };
            let sql = sql.trim_end().trim_end_matches(';');
            let sql = format!(
                "SELECT v::text FROM (\n{sql}\n) AS t(v) WHERE v IS NOT NULL LIMIT {}",
                VALUES_MAX + 1
            );
            let rows = session.rows(&sql, &[]).await?;
            if rows.len() > VALUES_MAX {
                return Err(pg::Error::Protocol(format!(
                    "stat \"{}\": parameter {name} has more than {VALUES_MAX} values",
                    stat.name
                )));
            }
            let values: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
            standing.values.insert((stat.name.clone(), name.clone()), Arc::new(values));
        }
    }
    Ok(Looked::Other(Box::new(standing)))
}
