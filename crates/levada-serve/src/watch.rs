//! Keeps what is shown current: hears of each publication, looks for itself besides, and makes the
//! usual responses ready before anybody asks.

use std::sync::Arc;
use std::time::Duration;

use pg::{Listener, Purpose, Session};
use report::Problem;
use tokio::sync::watch::Receiver;

use crate::catalogue;
use crate::desk::Shown;
use crate::http::Ready;
use crate::site::Site;
use crate::standing::Standing;

/// What the publish transaction notifies on.
const CHANNEL: &str = "levada_published";
/// How long all statistics together may take to fit a new edition.
const FITTING: Duration = Duration::from_secs(60);

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
        let beginning = session.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        let silence = || pg::Error::Lost("the server says nothing".to_owned());
        tokio::time::timeout(limit, beginning).await.map_err(|_| silence())??;
        let standing = read(session, site, known.as_ref()).await?;
        session.batch("COMMIT").await?;
        Ok::<_, pg::Error>(standing)
    };
    let looked = match tokio::time::timeout(FITTING, reading).await {
        Ok(Ok(looked)) => looked,
        Ok(Err(error)) => return Err(crate::rights::explained(&error)),
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

/// Reads what is published, in one snapshot, and fits the statistics to it.
async fn read(session: &Session, site: &Site, known: Option<&Arc<Shown>>) -> pg::Result<Looked> {
    let version = crate::standing::version(session).await?;
    let Some(version) = version else { return Ok(Looked::Nothing) };
    let known = known.filter(|known| known.standing.version == version);
    let mut standing = match known {
        Some(known) if !known.standing.has_passing() => return Ok(Looked::Same),
        Some(known) => known.standing.as_ref().clone(),
        None => match Standing::read(session).await? {
            Some(standing) => standing,
            None => return Ok(Looked::Nothing),
        },
    };
    for (name, stat) in &site.catalogue.stats {
        let before = standing.fits.get(name);
        if before.is_some_and(|fit| !fit.as_ref().is_err_and(|unfit| unfit.is_passing)) {
            continue;
        }
        let before = before.and_then(|fit| fit.as_ref().err()).map(|unfit| unfit.problem.clone());
        let fit = catalogue::fit(session, stat, &standing).await?;
        if let Err(unfit) = &fit
            && before.as_ref() != Some(&unfit.problem)
        {
            (site.log)(&unfit.problem);
        }
        site.metrics.fitted(name, fit.as_ref().err().map(|unfit| &unfit.problem));
        standing.fits.insert(name.clone(), fit);
    }
    Ok(Looked::Other(Box::new(standing)))
}
