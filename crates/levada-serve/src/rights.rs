//! What the role of visitors may do in the target, and the SQL that gives it no more than it needs.

use pg::{Session, quote_identifier};
use report::{Finding, Problem};

/// For whoever meets a right that is missing.
pub(crate) const HINT: &str = "in the target: GRANT USAGE ON SCHEMA levada, … TO role; \
     GRANT SELECT ON ALL TABLES IN SCHEMA levada, … TO role; levada check prints all of it";

/// The SQL for a role of visitors, on one line; `owner` publishes, `schemas` are those of reports
/// and editions.
pub(crate) fn sql(role: &str, owner: &str, schemas: &[String]) -> String {
    let levada = "levada".to_owned();
    let schemas = std::iter::once(&levada).chain(schemas);
    let schemas: Vec<String> = schemas.map(|schema| quote_identifier(schema)).collect();
    include_str!("sql/role.sql")
        .trim()
        .replace('\n', " ")
        .replace("@role@", &quote_identifier(role))
        .replace("@owner@", &quote_identifier(owner))
        .replace("@schemas@", &schemas.join(", "))
}

/// An error of the server, with what to do where a right is missing.
pub(crate) fn explained(error: &pg::Error) -> Problem {
    match error.sqlstate() {
        Some("42501") => error.problem().hint(HINT),
        _ => error.problem(),
    }
}

/// Whether the role of visitors reads, and does no more. `schemas` are those of reports and
/// editions.
///
/// # Errors
/// Those of the server.
pub(crate) async fn check(
    session: &Session,
    (role, owner): (&str, &str),
    schemas: &[String],
) -> pg::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut all = vec!["levada".to_owned()];
    all.extend_from_slice(schemas);
    let row = session.one(include_str!("sql/rights.sql"), &[&all]).await?;
    let hint = format!("as {owner}, in the target: {}", sql(role, owner, schemas));
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
