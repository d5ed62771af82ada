//! One run at a time on a target: an advisory lock held by a session, and who holds it.

use std::time::{Duration, Instant};

use pg::{Endpoint, Error, Purpose, Result, Session};
use report::Problem;

/// Spells "levada" in ASCII: the key of our advisory lock in every target database.
const LOCK_KEY: i64 = 0x6c65_7661_6461;

/// Opens the session that holds the run lock as long as it lives.
pub(crate) async fn acquire(endpoint: &Endpoint) -> Result<Session> {
    let session = Session::open(endpoint, Purpose::Record).await?;
    let locked: bool =
        session.one("SELECT pg_catalog.pg_try_advisory_lock($1)", &[&LOCK_KEY]).await?.get(0);
    if locked { Ok(session) } else { Err(Error::Refused(holder(&session).await?)) }
}

/// Takes the lock again after a lost connection: our own old backend may still hold it until the
/// server notices that we are gone.
pub(crate) async fn reacquire(endpoint: &Endpoint) -> Result<Session> {
    let patience = Instant::now() + REACQUIRE_AT_MOST;
    loop {
        match acquire(endpoint).await {
            Err(Error::Refused(_)) if Instant::now() < patience => {
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
            other => return other,
        }
    }
}

/// Longer than the keepalives that tell a server of a vanished client.
const REACQUIRE_AT_MOST: Duration = Duration::from_secs(30);

/// Names the run that holds the lock.
async fn holder(session: &Session) -> Result<Problem> {
    let exists: bool =
        session.one("SELECT pg_catalog.to_regclass('levada.run') IS NOT NULL", &[]).await?.get(0);
    let row = match exists {
        true => session.maybe(include_str!("sql/holder.sql"), &[]).await?,
        false => None,
    };
    let problem = Problem::new("another run is writing this target");
    Ok(match row {
        Some(row) => {
            let (number, host, process): (i32, String, i32) =
                (row.get("number"), row.get("host"), row.get("process"));
            let started: String = row.get("started_at");
            problem
                .detail(format!("run {number}, process {process} on {host}, since {started} UTC"))
                .hint("wait until it is done, or stop that process and run the same command again")
        }
        None => problem.hint("wait a moment, then run the same command again"),
    })
}

/// Ends what backends of a killed run still do: the lock was free, so nobody waits for them.
pub(crate) async fn end_orphans(session: &Session) -> Result<()> {
    let orphans = include_str!("sql/end_orphans.sql");
    for _ in 0..100 {
        let left: i64 = session.one(orphans, &[]).await?.get(0);
        if left == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let problem = Problem::new("backends of an earlier run do not end")
        .hint("end the sessions whose application_name is 'levada writer', then run again");
    Err(Error::Refused(problem))
}
