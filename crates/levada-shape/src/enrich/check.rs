//! Looks at enrichments before a run: PostgreSQL explains queries and parses scripts, and carries
//! none of them out. On the target if it has an edition, otherwise on the source.

use pg::{Endpoint, Purpose, Session, quote_identifier};
use report::{Finding, Problem};

use super::kind::{Enriched, Kind};
use super::{Enrichments, columns};

/// Where it is looked at.
struct Place {
    session: Session,
    is_target: bool,
    schemas: Vec<String>,
}

/// What is executed if several statements come at once: nothing.
const SEVERAL: &str = "SELECT 1; SELECT 1;\n";
const UNDEFINED_TABLE: &str = "42P01";

impl Enrichments {
    /// What would fail, and what cannot be told yet.
    pub(crate) async fn check(
        &self,
        source: &Endpoint,
        target: &Endpoint,
    ) -> anyhow::Result<Vec<Finding>> {
        if self.declared.is_empty() {
            return Ok(Vec::new());
        }
        let place = Place::choose(source, target).await?;
        let mut findings = Vec::new();
        for enriched in &self.declared {
            let problem = match self.look(&place, enriched).await {
                Ok(problem) => problem.map(|problem| (problem, false)),
                Err(error) => match error.downcast::<Problem>() {
                    Ok(problem) => Some((problem, true)),
                    Err(error) => Some(self.judge(&place, enriched, &error)),
                },
            };
            let subject = &enriched.name;
            findings.extend(problem.map(|(problem, is_error)| match is_error {
                true => Finding::error("enrich", subject, problem),
                false => Finding::info("enrich", subject, problem),
            }));
        }
        Ok(findings)
    }

    async fn look(&self, place: &Place, one: &Enriched) -> anyhow::Result<Option<Problem>> {
        let session = &place.session;
        let (first, last) = match one.kind {
            Kind::Script(_) => (Some(&self.reports), None),
            _ => (None, Some(&self.reports)),
        };
        let path = first.into_iter().chain(&place.schemas).chain(last);
        let path: Vec<String> = path.map(|schema| quote_identifier(schema)).collect();
        session.batch(&format!("SET search_path = {}", path.join(", "))).await?;
        let query = match &one.kind {
            Kind::Index(index) => index.probe(),
            Kind::View(query) => query.clone(),
            Kind::Materialized(table) => table.query.clone(),
            Kind::Columns(columns) => columns::query(session, one, columns).await?,
            Kind::Script(script) => return Ok(self.parse(session, one, script).await?),
        };
        let explain = format!("EXPLAIN (COSTS false) SELECT * FROM (\n{query}\n) AS q");
        session.rows(&explain, &[]).await?;
        Ok(None)
    }

    /// Several statements are refused after they have been parsed, and before anything else.
    async fn parse(
        &self,
        session: &Session,
        one: &Enriched,
        script: &str,
    ) -> pg::Result<Option<Problem>> {
        let refused = session.rows(SEVERAL, &[]).await.err().map(|error| error.to_string());
        match session.rows(&format!("{SEVERAL}{script}"), &[]).await {
            Err(error) if refused == Some(error.to_string()) => {
                let problem = one.refuse("the script was parsed, but not executed");
                Ok(Some(problem.detail("what it names is looked for by the run")))
            }
            Err(error) => Err(error),
            Ok(_) => Ok(None),
        }
    }

    /// Whether an error is one, or only means that what is read will be made by the run.
    fn judge(&self, place: &Place, one: &Enriched, error: &anyhow::Error) -> (Problem, bool) {
        let side = if place.is_target { "target" } else { "source" };
        let text = error.to_string();
        let missing = error.downcast_ref::<pg::Error>().and_then(pg::Error::sqlstate);
        if missing == Some(UNDEFINED_TABLE) && self.makes(one, &text) {
            let problem = one.refuse("not checked: it reads what the run will make first");
            return (problem.detail(text), false);
        }
        let problem = one.refuse(&format!("the {side} refuses its SQL")).detail(text);
        let hint = "correct its [[enrich]] section, then run the same command again";
        (problem.hint(hint), true)
    }

    /// Whether the relation that is missed is made by something declared.
    fn makes(&self, one: &Enriched, message: &str) -> bool {
        let names = self.declared.iter().map(|other| &other.name).chain(&self.others);
        let mut names = names.filter(|name| **name != one.name);
        let is_missed = |name: &String| {
            message.contains(&format!("\"{name}\""))
                || message.contains(&format!("\"{}.{name}\"", self.reports))
        };
        let is_script = |other: &&Enriched| {
            matches!(other.kind, Kind::Script(_)) && one.after.contains(&other.name)
        };
        names.any(is_missed) || self.declared.iter().any(|other| is_script(&other))
    }
}

impl Place {
    async fn choose(source: &Endpoint, target: &Endpoint) -> anyhow::Result<Self> {
        let session = Session::open(target, Purpose::Record).await?;
        session.batch("SET default_transaction_read_only = on").await?;
        let known = "SELECT pg_catalog.to_regclass('levada.edition') IS NOT NULL";
        if session.one(known, &[]).await?.get::<_, bool>(0) {
            let published = "SELECT number FROM levada.edition WHERE state = 'published'";
            if let Some(row) = session.maybe(published, &[]).await? {
                let sql = include_str!("../sql/enrich_edition.sql");
                let row = session.one(sql, &[&row.get::<_, i32>(0)]).await?;
                return Ok(Self { session, is_target: true, schemas: row.get("schemas") });
            }
        }
        let session = Session::open(source, Purpose::Source).await?;
        let sql = "SELECT nspname::text FROM pg_catalog.pg_namespace \
                   WHERE nspname !~ '^pg_|^information_schema$' ORDER BY nspname <> 'public', 1";
        let rows = session.rows(sql, &[]).await?;
        let schemas = rows.iter().map(|row| row.get(0)).collect();
        Ok(Self { session, is_target: false, schemas })
    }
}
