//! What the role of visitors may do in the target, and the SQL that gives it no more than it needs.

use pg::{Session, quote_identifier};
use report::{Finding, Problem};

/// For whoever meets a right that is missing.
pub(crate) const HINT: &str = "in the target: GRANT SELECT on it to the role of [serve] url; \
     levada check prints all that the role needs, and nothing has to be started again";

/// The SQL for a role of visitors, on one line; `owner` publishes. Tables of production are not in
/// it: statistics read `reports`, and whoever wants more of them says so.
pub(crate) fn sql(role: &str, owner: &str, reports: &str) -> String {
    let schemas = ["levada", reports].map(quote_identifier);
    include_str!("sql/role.sql")
        .trim()
        .replace('\n', " ")
        .replace("@role@", &quote_identifier(role))
        .replace("@owner@", &quote_identifier(owner))
        .replace("@schemas@", &schemas.join(", "))
}

/// What to type, and as whom.
pub(crate) fn hint(role: &str, owner: &str, reports: &str) -> String {
    let sql = sql(role, owner, reports);
    format!("in the target, as a role that may create roles, and then as {owner}: {sql}")
}

/// An error of the server, with what to do where a right is missing.
pub(crate) fn explained(error: &pg::Error) -> Problem {
    match error.sqlstate() {
        Some("42501") => error.problem().hint(HINT),
        _ => error.problem(),
    }
}

/// Whether the role of visitors reads `reports`, and does no more there nor in the `schemas` of
/// editions.
///
/// # Errors
/// Those of the server.
pub(crate) async fn check(
    session: &Session,
    (role, owner): (&str, &str),
    (reports, schemas): (&str, &[String]),
) -> pg::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let read = ["levada", reports].map(str::to_owned).to_vec();
    let all = [&read, schemas].concat();
    let row = session.one(include_str!("sql/rights.sql"), &[&all, &read]).await?;
    let hint = hint(role, owner, reports);
    let unreadable: Vec<String> = row.get("unreadable");
    if !unreadable.is_empty() {
        let problem = Problem::new(format!("role {role} may not read {}", unreadable.join(", ")))
            .hint(hint.clone());
        findings.push(Finding::error("serve", format!("role {role}"), problem));
    }
    let writes: Vec<String> = row.get("writes");
    if !writes.is_empty() {
        let problem =
            Problem::new(format!("role {role}, which serves visitors, may do more than read"))
                .detail(format!("it may {}", writes.join(", ")))
                .hint(format!("name a role of its own as [serve] url; {hint}"));
        findings.push(Finding::warning("serve", format!("role {role}"), problem));
    }
    Ok(findings)
}
