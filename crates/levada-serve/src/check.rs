//! What `levada check` says of the statistics: whether each fits the edition that the target has,
//! and whether the role of visitors reads, and does no more.

use pg::{Endpoint, Purpose, Session};
use report::{Finding, Problem};

use crate::catalogue::{self, Catalogue};
use crate::rights;
use crate::standing::Standing;

/// No visitor waits for a check.
const STATEMENT_TIMEOUT_MS: u32 = 20_000;

/// Checks the statistics as the role of `endpoint`, which serves visitors; `owner` is the role that
/// publishes, `reports` the schema of rollups and windows.
///
/// # Errors
/// Those of the server, but for what can be said as a finding.
pub async fn check(
    catalogue: &Catalogue,
    endpoint: &Endpoint,
    (owner, reports): (&str, &str),
) -> anyhow::Result<Vec<Finding>> {
    if catalogue.stats.is_empty() {
        return Ok(Vec::new());
    }
    let role = endpoint.user();
    let subject = || format!("role {role}");
    let purpose = Purpose::Serving { statement_timeout_ms: STATEMENT_TIMEOUT_MS };
    let session = match Session::open(endpoint, purpose).await {
        Ok(session) => session,
        Err(error) => {
            let problem = error.problem();
            let problem =
                Problem { message: format!("[serve] url: {}", problem.message), ..problem };
            return Ok(vec![Finding::error("serve", subject(), problem)]);
        }
    };
    session.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let standing = match Standing::read(&session).await {
        Ok(Some(standing)) => standing,
        Ok(None) => {
            let problem = Problem::new("no edition yet: nothing is known of what statistics read")
                .hint("levada run, then levada check once more");
            return Ok(vec![Finding::info("serve", "statistics", problem)]);
        }
        Err(error) => {
            let problem = error.problem().hint(rights::hint(role, owner, reports));
            return Ok(vec![Finding::error("serve", subject(), problem)]);
        }
    };
    let places = (reports, standing.schemas.as_slice());
    let mut findings = rights::check(&session, (role, owner), places).await?;
    for (name, stat) in &catalogue.stats {
        if let Err(unfit) = catalogue::fit(&session, stat, &standing).await? {
            findings.push(Finding::error("serve", format!("stat {name}"), unfit.problem));
        }
    }
    session.batch("COMMIT").await?;
    Ok(findings)
}
