//! What stands behind the tables of a query: the edition, or the rollups that say how far it is
//! complete. Whatever is neither may change while the edition stays the same, and is refused.

use std::collections::{BTreeMap, BTreeSet};

use pg::{Name, Session};
use report::Problem;

use super::fit::Unfit;
use super::sql;
use super::stat::Compiled;
use crate::standing::{self, Standing};

/// Records that are written with a publication and stay as they are until the next.
const RECORDS: &[&str] = &["rollup", "rollup_bucket", "report_window"];

/// The rollups behind the relations of a plan.
///
/// # Errors
/// A relation that does not belong to the edition; those of the server.
pub(super) async fn rollups(
    session: &Session,
    (stat, standing): (&Compiled, &Standing),
    relations: &BTreeSet<Name>,
) -> Result<BTreeSet<String>, Unfit> {
    let (mut rollups, mut others) = (BTreeSet::new(), Vec::new());
    for relation in relations {
        let rollup = standing.rollups.get(&relation.name);
        if rollup.is_some_and(|rollup| rollup.schema == relation.schema) {
            rollups.insert(relation.name.clone());
        } else if relation.schema == stat.reports {
            others.push(relation.name.clone());
        } else if !is_of_edition(session, relation, standing).await? {
            return Err(stranger(relation).into());
        }
    }
    if !others.is_empty() {
        let lineage = Lineage::read(session, &stat.reports, standing).await?;
        rollups.extend(lineage.rollups(others)?);
    }
    Ok(rollups)
}

fn stranger(relation: &Name) -> Problem {
    Problem::new(format!("its query reads {relation}, which is not part of the edition"))
        .detail("its rows may change while the edition stays the same")
        .hint("bring them in with [[import]], or with [[enrich]] materialized = \"…\"")
}

fn left_behind(relation: &Name) -> Problem {
    Problem::new(format!("its query reads {relation}, which this edition has not computed"))
        .detail("it is kept as an earlier edition has left it")
        .hint("declare it again, then levada run; or read another table")
}

async fn is_of_edition(
    session: &Session,
    relation: &Name,
    standing: &Standing,
) -> pg::Result<bool> {
    if relation.schema == "levada" {
        return Ok(RECORDS.contains(&relation.name.as_str()));
    }
    if !standing.schemas.contains(&relation.schema) {
        return Ok(false);
    }
    let sql = include_str!("../sql/is_of_edition.sql");
    Ok(session.one(sql, &[&standing.version.edition, &relation.sql()]).await?.get(0))
}

/// What is known of the tables in the schema of reports.
struct Lineage<'a> {
    standing: &'a Standing,
    reports: &'a str,
    /// All that there are.
    tables: BTreeSet<String>,
    /// The kinds of those that levada has made.
    kinds: BTreeMap<String, String>,
    /// What views, and tables that this edition has filled, are made from. There may be several
    /// views of one name.
    queries: BTreeMap<String, Vec<String>>,
}

impl<'a> Lineage<'a> {
    async fn read(session: &Session, reports: &'a str, standing: &'a Standing) -> pg::Result<Self> {
        let (mut tables, mut queries) = (BTreeSet::new(), BTreeMap::<_, Vec<_>>::new());
        for row in session.rows(include_str!("../sql/lineage.sql"), &[&reports]).await? {
            let (name, query): (String, Option<String>) = (row.get(0), row.get(1));
            match query {
                Some(query) => queries.entry(name).or_default().push(query),
                None => drop(tables.insert(name)),
            }
        }
        let mut kinds = BTreeMap::new();
        if standing::exists(session, "levada.report_table").await? {
            let sql = "SELECT table_name, kind FROM levada.report_table WHERE schema_name = $1";
            let rows = session.rows(sql, &[&reports]).await?;
            kinds = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        }
        if standing::exists(session, "levada.enrichment").await? {
            let sql = "SELECT object_name, definition FROM levada.enrichment \
                       WHERE schema_name = $1 AND kind = 'table' AND checked_in = $2";
            for row in session.rows(sql, &[&reports, &standing.version.edition]).await? {
                queries.entry(row.get(0)).or_default().push(row.get(1));
            }
        }
        Ok(Self { standing, reports, tables, kinds, queries })
    }

    /// The rollups behind tables, through whatever their queries name.
    fn rollups(&self, mut names: Vec<String>) -> Result<BTreeSet<String>, Problem> {
        let (mut rollups, mut seen) = (BTreeSet::new(), BTreeSet::new());
        while let Some(name) = names.pop() {
            if !seen.insert(name.clone()) {
                continue;
            }
            let queries = self.queries.get(&name).into_iter().flatten();
            let left_behind = || left_behind(&Name::new(self.reports, &name));
            match self.kinds.get(&name).map(String::as_str) {
                _ if self.standing.rollups.contains_key(&name) => drop(rollups.insert(name)),
                None if self.tables.contains(&name) => {
                    return Err(stranger(&Name::new(self.reports, name)));
                }
                None => names.extend(queries.flat_map(|query| words(query))),
                Some("import") => {}
                Some("window") if self.standing.windows.contains_key(&name) => {}
                Some("total") => drop(rollups.insert(self.counted(&name).ok_or_else(left_behind)?)),
                Some("enrichment") if self.queries.contains_key(&name) => {
                    names.extend(queries.flat_map(|query| words(query)));
                }
                Some(_) => return Err(left_behind()),
            }
        }
        Ok(rollups)
    }

    /// The rollup of a table of totals.
    fn counted(&self, total: &str) -> Option<String> {
        let is_of = |name: &&String| total.starts_with(&format!("{name}_totals"));
        self.standing.rollups.keys().filter(is_of).max_by_key(|name| name.len()).cloned()
    }
}

/// Every word that may be the name of a table.
fn words(query: &str) -> impl Iterator<Item = String> {
    sql::pieces(query).into_iter().filter_map(|piece| match piece {
        sql::Piece::Word(word) => Some(word.to_lowercase()),
        sql::Piece::Name(name) => Some(name),
        sql::Piece::Mark(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behind(table: &str) -> Result<Vec<String>, String> {
        let at = "2025-01-22T02:03:00Z".parse().unwrap();
        let rollup = standing::RollupStanding {
            schema: "reports".to_owned(),
            zone: None,
            grain: None,
            calendar: None,
            layout: None,
            version: 1,
            closed_through: None,
            computed_at: at,
            buckets: Default::default(),
        };
        let standing = Standing {
            version: standing::Version { edition: 3, published_at: at },
            as_of: at,
            schemas: vec!["public".to_owned()],
            rollups: ["day", "day_kind"].map(|name| (name.to_owned(), rollup.clone())).into(),
            windows: BTreeMap::new(),
            fits: BTreeMap::new(),
        };
        let kinds = [
            ("day", "rollup"),
            ("gone", "rollup"),
            ("gone_totals", "total"),
            ("day_kind_totals_a", "total"),
            ("recent", "window"),
            ("targets", "import"),
            ("a", "enrichment"),
            ("b", "enrichment"),
            ("c", "enrichment"),
            ("d", "enrichment"),
            ("old", "enrichment"),
        ];
        let tables = kinds.iter().map(|(name, _)| *name).chain(["scripted", "Own"]);
        let queries = [
            ("a", "SELECT * FROM Day"),
            ("b", "SELECT * FROM seen JOIN targets USING (t)"),
            ("seen", "SELECT * FROM reports.a JOIN b ON true"),
            ("c", "SELECT n FROM \"day_kind_totals_a\" JOIN b USING (n)"),
            ("d", "SELECT n FROM \"Own\""),
        ];
        let lineage = Lineage {
            standing: &standing,
            reports: "reports",
            tables: tables.map(str::to_owned).collect(),
            kinds: kinds.iter().map(|(name, kind)| (name.to_string(), kind.to_string())).collect(),
            queries: queries.map(|(name, query)| (name.to_owned(), vec![query.to_owned()])).into(),
        };
        let found = lineage.rollups(vec![table.to_owned()]);
        found.map(|names| names.into_iter().collect()).map_err(|problem| problem.message)
    }

    #[test]
    fn rollups_are_found_however_many_tables_are_between() {
        for (table, expected) in [
            ("a", &["day"][..]),
            ("b", &["day"]),
            ("c", &["day", "day_kind"]),
            ("day_kind_totals_a", &["day_kind"]),
            ("targets", &[]),
        ] {
            assert_eq!(behind(table).unwrap(), expected, "{table}");
        }
        for (table, expected) in [
            ("scripted", "reports.scripted, which is not part of the edition"),
            ("d", "reports.Own, which is not part of the edition"),
            ("gone", "reports.gone, which this edition has not computed"),
            ("gone_totals", "reports.gone_totals, which this edition has not computed"),
            ("recent", "reports.recent, which this edition has not computed"),
            ("old", "reports.old, which this edition has not computed"),
        ] {
            let message = behind(table).unwrap_err();
            assert!(message.contains(expected), "{table}: {message}");
        }
    }
}
