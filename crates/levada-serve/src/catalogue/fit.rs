//! What only an edition decides of a statistic: the columns of its rollup, what its query reads,
//! the texts that its parameters know. A statistic that does not fit stops no other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use pg::{Session, quote_identifier};
use report::Problem;

use super::sql::Bound;
use super::stat::{Compiled, Subject};
use super::{closed, direct, reads};
use crate::config::{Kind, Scalar};
use crate::query::{self, Failure};
use crate::standing::Standing;

/// A statistic in an edition, or why it cannot be asked there.
pub(crate) type Fit = Result<Arc<Fitted>, Unfit>;

/// Everything that an edition decides.
#[derive(Debug, Clone)]
pub(crate) struct Fitted {
    pub(crate) query: Bound,
    /// Texts that parameters know besides those of the configuration.
    pub(crate) values: BTreeMap<String, BTreeSet<String>>,
}

/// Why a statistic cannot be asked.
#[derive(Debug, Clone)]
pub(crate) struct Unfit {
    pub(crate) problem: Problem,
    /// The server was busy, or a right is missing: it may fit when it is tried again.
    pub(crate) is_passing: bool,
}

/// How many texts a parameter may have.
const VALUES_MAX: usize = 100_000;
/// Looking for texts may take longer than a visitor would wait.
const TIMEOUT: &str = "SET LOCAL statement_timeout = '20s'";
const QUERY_CANCELED: &str = "57014";
const MISSING_RIGHT: &str = "42501";
const SAVEPOINT: &str = "SAVEPOINT levada_fit";
const BACK: &str = "ROLLBACK TO SAVEPOINT levada_fit";

impl From<Problem> for Unfit {
    fn from(problem: Problem) -> Self {
        Self { problem, is_passing: false }
    }
}

impl From<pg::Error> for Unfit {
    fn from(error: pg::Error) -> Self {
        // A right may be given at any moment.
        let is_passing = error.is_retryable() || error.sqlstate() == Some(MISSING_RIGHT);
        Self { problem: crate::rights::explained(&error), is_passing }
    }
}

impl From<Failure> for Unfit {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Database(error) => error.into(),
            Failure::Query(text) => Problem::new(text).into(),
        }
    }
}

/// Fits a statistic to the edition of a snapshot, in its read-only transaction, which goes on.
///
/// # Errors
/// Those of a session that cannot be used any more.
pub(crate) async fn fit(
    session: &Session,
    stat: &Compiled,
    standing: &Standing,
) -> pg::Result<Fit> {
    session
        .batch(&format!("{SAVEPOINT}; SET LOCAL search_path = {}", path(stat, standing)))
        .await?;
    let fitted = fitted(session, stat, standing).await;
    session.batch(&format!("{BACK}; RELEASE SAVEPOINT levada_fit")).await?;
    Ok(fitted.map(Arc::new).map_err(|unfit| {
        let message = format!("stat \"{}\": {}", stat.name, unfit.problem.message);
        Unfit { problem: Problem { message, ..unfit.problem }, ..unfit }
    }))
}

/// Schemas in which names without one are looked for: reports, and those of the edition.
pub(crate) fn path(stat: &Compiled, standing: &Standing) -> String {
    let own = standing.schemas.iter().filter(|schema| **schema != stat.reports);
    let schemas = std::iter::once(&stat.reports).chain(own);
    schemas.map(|schema| quote_identifier(schema)).collect::<Vec<_>>().join(", ")
}

async fn fitted(session: &Session, stat: &Compiled, standing: &Standing) -> Result<Fitted, Unfit> {
    refuse_rollups(stat, standing)?;
    let query = match &stat.subject {
        Subject::Rollup(name) => match standing.rollups.get(name) {
            Some(rollup) => direct::rollup(stat, name, rollup)?,
            None => return Err(missing("rollup", name).into()),
        },
        Subject::Window(name) => match standing.windows.contains_key(name) {
            true => direct::window(session, stat, name).await?,
            false => return Err(missing("window", name).into()),
        },
        Subject::Sql { bound, .. } => closed::only(bound, &dated(stat, standing), &stat.reports)?,
    };
    let columns = query::columns_of(session, &query.sql).await?;
    let layout = stat.config.rollup.as_ref().and_then(|name| standing.rollups.get(name));
    let layout = layout.and_then(|rollup| rollup.layout.as_ref());
    crate::page::refuse_in_edition(&stat.config, &columns, layout)?;
    if let Subject::Sql { text, .. } = &stat.subject {
        reads::judge(session, (stat, text), standing, BACK).await?;
    }
    session.batch(TIMEOUT).await?;
    let values = values(session, stat, standing).await?;
    Ok(Fitted { query, values })
}

/// The rollups of a query whose rows belong to buckets.
fn dated<'a>(stat: &'a Compiled, standing: &Standing) -> Vec<&'a str> {
    let has_buckets =
        |name: &&String| standing.rollups.get(*name).is_some_and(|rollup| rollup.grain.is_some());
    stat.rollups.iter().filter(has_buckets).map(String::as_str).collect()
}

fn missing(what: &str, name: &str) -> Problem {
    Problem::new(format!("the edition has no {what} \"{name}\""))
        .hint(format!("declare [[{what}]] name = \"{name}\", then levada run"))
}

/// The rollups that say how far it is complete are there, and tell the same days.
fn refuse_rollups(stat: &Compiled, standing: &Standing) -> Result<(), Problem> {
    let mut grains = BTreeMap::new();
    for name in &stat.rollups {
        let rollup = standing.rollups.get(name).ok_or_else(|| missing("rollup", name))?;
        let grain = rollup.grain.as_deref();
        grains.insert((grain, rollup.calendar.as_deref(), rollup.zone.as_deref()), name.as_str());
    }
    if !stat.has_range() {
        return Ok(());
    }
    if let Some(name) = grains.iter().find(|((grain, ..), _)| grain.is_none()).map(|(_, n)| n) {
        return Err(Problem::new(format!("rollup \"{name}\" has no calendar, so no range"))
            .hint("leave out last, or give the [[rollup]] a calendar"));
    }
    let names: Vec<&str> = grains.values().copied().collect();
    match names.as_slice() {
        [one, other, ..] => Err(Problem::new(format!(
            "rollups \"{one}\" and \"{other}\" have different calendars or grains"
        ))
        .detail("a range of buckets would not be the same days in both")
        .hint("declare a [[rollup]] of the other's calendar and grain, with of = …")),
        _ => Ok(()),
    }
}

async fn values(
    session: &Session,
    stat: &Compiled,
    standing: &Standing,
) -> Result<BTreeMap<String, BTreeSet<String>>, Unfit> {
    let mut values = BTreeMap::new();
    for (name, parameter) in &stat.parameters {
        let about = |text: String| Problem::new(format!("parameter {name} {text}"));
        let query = match (&stat.subject, &parameter.values_from) {
            (_, Some(query)) => {
                let query = query.trim().trim_end_matches(';');
                format!("SELECT v::text, false FROM (\n{query}\n) AS t(v) WHERE v IS NOT NULL")
            }
            (Subject::Rollup(rollup), None) => match standing.rollups.get(rollup) {
                Some(held) => direct::values(rollup, held, name),
                None => continue,
            },
            _ => continue,
        };
        let sql = format!("SELECT * FROM ({query}) AS levada_values LIMIT {}", VALUES_MAX + 1);
        let rows = match session.rows(&sql, &[]).await {
            // It would take as long at each look.
            Err(error) if error.sqlstate() == Some(QUERY_CANCELED) => {
                return Err(about("takes too long to find its values".to_owned())
                    .hint("ask a smaller table, such as a rollup, as values_from")
                    .into());
            }
            rows => rows?,
        };
        if rows.len() > VALUES_MAX {
            return Err(about(format!("has more than {VALUES_MAX} values"))
                .hint("let visitors ask for something that has fewer")
                .into());
        }
        let known: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
        if known.len() < rows.len() && parameter.values_from.is_none() {
            return Err(about(
                "has both NULL and the empty text, which addresses do not tell apart".to_owned(),
            )
            .hint(format!("use nullif({name}, '') in the rollup, or leave it out of filter"))
            .into());
        }
        if let (Kind::Text, Some(Scalar::Text(default))) = (parameter.kind, &parameter.default)
            && !known.contains(default)
            && !parameter.values.contains(default)
        {
            return Err(about("has a default that this edition does not know".to_owned())
                .hint("choose another default, or leave it out")
                .into());
        }
        values.insert(name.clone(), known);
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_tried_again() {
        for (sqlstate, is_passing) in [("42501", true), ("57P03", true), ("42703", false)] {
            let (sqlstate, message) = (sqlstate.to_owned(), "no".to_owned());
            let unfit = Unfit::from(pg::Error::Server { sqlstate, message, hint: None });
            assert_eq!(unfit.is_passing, is_passing, "{unfit:?}");
        }
    }
}
