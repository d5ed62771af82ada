//! Looks at both ends before anything moves: who is there, and what would make a copy wrong.

use pg::{Endpoint, Identity, Purpose, Session};
use report::{Finding, Problem, Severity};

use crate::plan::PAGE_BYTES;

/// The oldest PostgreSQL that is supported: ctid range scans and multiranges begin here.
const OLDEST_MAJOR: i32 = 14;
/// The newest that has been tested.
const NEWEST_MAJOR: i32 = 18;

/// The two ends, and what was found about them.
#[derive(Debug)]
pub struct Preflight {
    pub source: Identity,
    pub target: Identity,
    pub findings: Vec<Finding>,
}

/// Connects to both ends and judges them. Findings of severity error forbid a run.
pub async fn preflight(source: &Endpoint, target: &Endpoint) -> anyhow::Result<Preflight> {
    let mut findings = Vec::new();
    let (source, source_identity) = end("source", source, Purpose::Source, &mut findings).await?;
    let (target, target_identity) = end("target", target, Purpose::Record, &mut findings).await?;
    judge_same_database(&source_identity, &target_identity, &mut findings);
    judge_standby(&source, &source_identity, &mut findings).await?;
    judge_target(&target, &target_identity, &mut findings).await?;
    Ok(Preflight { source: source_identity, target: target_identity, findings })
}

/// The first finding that forbids a run, as an error.
pub fn refuse_on_errors(findings: &[Finding]) -> Result<(), Problem> {
    let error = findings.iter().find(|finding| finding.severity == Severity::Error);
    error.map_or(Ok(()), |finding| Err(finding.problem.clone()))
}

/// One end: a session on it that is our own, and who it is.
async fn end(
    side: &str,
    endpoint: &Endpoint,
    purpose: Purpose,
    findings: &mut Vec<Finding>,
) -> anyhow::Result<(Session, Identity)> {
    let looked_at = async {
        let sessions = two_sessions(endpoint, purpose).await?;
        refuse_pooler(side, &sessions).await?;
        let [session, other] = sessions;
        refuse_server(side, &session).await?;
        let identity = Identity::of(&session).await?;
        judge_version(side, &identity, findings);
        judge_one_server(side, &identity, &Identity::of(&other).await?, findings);
        Ok((session, identity))
    };
    looked_at.await.map_err(|error| explain_pooler(side, error))
}

async fn refuse_server(side: &str, session: &Session) -> anyhow::Result<()> {
    let sql = "SELECT current_setting('server_version_num')::int / 10000, \
               current_setting('block_size')::int8";
    let row = session.one(sql, &[]).await?;
    Ok(judge_server(side, row.get(0), row.get(1))?)
}

fn judge_server(side: &str, major: i32, page_bytes: i64) -> Result<(), Problem> {
    if major < OLDEST_MAJOR {
        let problem = Problem::new(format!("the {side} is PostgreSQL {major}"))
            .hint(format!("levada needs PostgreSQL {OLDEST_MAJOR} or newer on both sides"));
        return Err(problem);
    }
    if page_bytes as u64 != PAGE_BYTES {
        let problem =
            Problem::new(format!("the {side} was built with pages of {page_bytes} bytes"))
                .hint("levada supports the usual 8192 only");
        return Err(problem);
    }
    Ok(())
}

fn judge_version(side: &str, identity: &Identity, findings: &mut Vec<Finding>) {
    if identity.major() > NEWEST_MAJOR {
        let problem = Problem::new(format!("{side} is PostgreSQL {}", identity.major()))
            .detail(format!("levada has been tested up to {NEWEST_MAJOR}"));
        findings.push(Finding::warning("version", side, problem));
    }
}

fn judge_same_database(source: &Identity, target: &Identity, findings: &mut Vec<Finding>) {
    if source.is_same_database(target) && source.started_at == target.started_at {
        let problem = Problem::new("source and target are the same database")
            .detail(format!("both are database {} of one server", source.database))
            .hint("the target must be another database: correct one of the two URLs");
        findings.push(Finding::error("same-database", "target", problem));
    } else if source.is_same_database(target)
        && source.in_recovery
        && source.timeline == target.timeline
    {
        let problem = Problem::new("the source is a standby of the target")
            .detail("the target is production itself")
            .hint("the target must be another database: correct the target URL");
        findings.push(Finding::error("same-database", "target", problem));
    }
    if source.major() > target.major() {
        let problem = Problem::new(format!(
            "the source is PostgreSQL {}, the target {}",
            source.major(),
            target.major()
        ))
        .hint("definitions that the older server does not know will stop the copy");
        findings.push(Finding::warning("version", "target", problem));
    }
}

async fn two_sessions(endpoint: &Endpoint, purpose: Purpose) -> pg::Result<[Session; 2]> {
    Ok([Session::open(endpoint, purpose).await?, Session::open(endpoint, purpose).await?])
}

/// A load balancer hands our sessions to different servers: an exported snapshot cannot be imported
/// there.
fn judge_one_server(
    side: &str,
    identity: &Identity,
    other: &Identity,
    findings: &mut Vec<Finding>,
) {
    if (other.started_at.as_str(), other.in_recovery)
        != (identity.started_at.as_str(), identity.in_recovery)
    {
        let problem =
            Problem::new(format!("two connections to the {side} reached two different servers"))
                .detail(format!("a load balancer stands between us and the {side}"))
                .hint("use the URL of one server: snapshots and locks exist on one server only");
        findings.push(Finding::error("load-balancer", side, problem));
    }
}

/// A transaction pooler hands the statements of our sessions to different backends: settings,
/// snapshots and the run lock get lost.
async fn refuse_pooler(side: &str, [first, second]: &[Session; 2]) -> anyhow::Result<()> {
    first.batch("SET levada.probe = 'first'").await?;
    second.batch("SET levada.probe = 'second'").await?;
    for (session, own) in [(first, "first"), (second, "second")] {
        let probe = "SELECT pg_backend_pid(), current_setting('levada.probe', true)";
        let seen = session.one(probe, &[]).await?;
        if (seen.get(0), seen.get(1)) != (session.pid(), Some(own)) {
            return Err(behind_a_pooler(side).into());
        }
    }
    Ok(())
}

fn behind_a_pooler(side: &str) -> Problem {
    Problem::new(format!("the {side} is behind a transaction pooler"))
        .detail("two of our sessions share a backend, so settings, snapshots and locks get lost")
        .hint("use the URL of the server itself, or a pool in session mode")
}

/// A statement that one backend prepared is unknown to the next.
fn explain_pooler(side: &str, error: anyhow::Error) -> anyhow::Error {
    let code = error.downcast_ref::<pg::Error>().and_then(pg::Error::sqlstate);
    match code {
        Some("26000" | "42P05") => behind_a_pooler(side).into(),
        _ => error,
    }
}

/// Which timeline a standby follows is told by its receiver, to those who may read statistics.
async fn judge_standby(
    session: &Session,
    source: &Identity,
    findings: &mut Vec<Finding>,
) -> anyhow::Result<()> {
    let sql = "SELECT pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')";
    if source.in_recovery && !session.one(sql, &[]).await?.get::<_, bool>(0) {
        let problem = Problem::new("a failover before this standby may go unnoticed for a while")
            .detail("the role may not read which timeline the standby follows")
            .hint(format!("GRANT pg_read_all_stats TO {}", pg::quote_identifier(&source.user)));
        findings.push(Finding::warning("timeline", "source", problem));
    }
    Ok(())
}

async fn judge_target(
    session: &Session,
    target: &Identity,
    findings: &mut Vec<Finding>,
) -> anyhow::Result<()> {
    if target.in_recovery {
        let problem = Problem::new("the target is a read-only standby")
            .hint("use the URL of a server that can be written");
        findings.push(Finding::error("read-only", "target", problem));
    }
    let sql = "SELECT has_database_privilege(current_database(), 'CREATE')";
    if !session.one(sql, &[]).await?.get::<_, bool>(0) {
        let grant = format!(
            "GRANT CREATE ON DATABASE {} TO {}",
            pg::quote_identifier(&target.database),
            pg::quote_identifier(&target.user)
        );
        let problem = Problem::new("no right to create schemas in the target database").hint(grant);
        findings.push(Finding::error("rights", "target", problem));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_too_old_or_of_another_build_are_refused() {
        let refused = judge_server("source", 13, 8192).unwrap_err();
        assert_eq!(refused.message, "the source is PostgreSQL 13");
        assert_eq!(
            refused.hint.as_deref(),
            Some("levada needs PostgreSQL 14 or newer on both sides")
        );
        assert!(judge_server("target", 15, 32_768).is_err());
        assert!(judge_server("target", 14, 8192).is_ok());
    }
}
