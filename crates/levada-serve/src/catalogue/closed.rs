//! Queries of the configuration see only closed buckets: the names of their rollups stand for the
//! rows up to where all of them are complete, whatever the query compares. Pure.

use pg::{Name, quote_identifier};
use report::Problem;

use super::sql::{Bind, Bound};

/// The query, with the names of `rollups` bound to their closed buckets. Names of rollups without
/// a calendar do not belong here: their rows have no time.
///
/// # Errors
/// A rollup that the query calls by its schema too, past what is bound.
pub(super) fn only(query: &Bound, rollups: &[&str], reports: &str) -> Result<Bound, Problem> {
    if rollups.is_empty() {
        return Ok(query.clone());
    }
    let plain: String =
        query.sql.chars().filter(|c| !c.is_whitespace() && *c != '"').collect::<String>();
    let plain = plain.to_lowercase();
    let mut binds = query.binds.clone();
    let place = binds.iter().position(|bind| *bind == Bind::ClosedThrough).unwrap_or_else(|| {
        binds.push(Bind::ClosedThrough);
        binds.len() - 1
    });
    let mut bound = Vec::new();
    for rollup in rollups {
        if plain.contains(&format!("{reports}.{rollup}").to_lowercase()) {
            return Err(Problem::new(format!("its query calls rollup \"{rollup}\" by its schema"))
                .detail("then it would see buckets that are not complete")
                .hint(format!("write {rollup} alone: the name stands for its closed buckets")));
        }
        let (name, table) = (quote_identifier(rollup), Name::new(reports, *rollup).sql());
        let is_closed = format!("bucket_end <= (${}::text::timestamptz)", place + 1);
        bound.push(format!("{name} AS NOT MATERIALIZED (SELECT * FROM {table} WHERE {is_closed})"));
    }
    let sql = format!(
        "WITH {} SELECT * FROM (\n{}\n) AS \"levada closed\"",
        bound.join(", "),
        query.sql.trim().trim_end_matches(';')
    );
    Ok(Bound { sql, binds })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(sql: &str, binds: Vec<Bind>) -> Bound {
        Bound { sql: sql.to_owned(), binds }
    }

    #[test]
    fn names_stand_for_closed_buckets() {
        let query = query("SELECT * FROM daily WHERE x = ($1::text::int8)", vec![Bind::AsOf]);
        let closed = only(&query, &["daily"], "reports").unwrap();
        assert_eq!(
            closed.sql,
            "WITH \"daily\" AS NOT MATERIALIZED (SELECT * FROM \"reports\".\"daily\" WHERE \
             bucket_end <= ($2::text::timestamptz)) SELECT * FROM (\nSELECT * FROM daily WHERE x = \
             ($1::text::int8)\n) AS \"levada closed\""
        );
        assert_eq!(closed.binds, [Bind::AsOf, Bind::ClosedThrough]);
    }

    #[test]
    fn nobody_goes_past_the_names() {
        for sql in ["SELECT * FROM reports.daily", "SELECT * FROM \"Reports\" . \"daily\""] {
            assert!(only(&query(sql, Vec::new()), &["daily"], "reports").is_err(), "{sql}");
        }
        assert!(only(&query("SELECT 1", Vec::new()), &[], "reports").is_ok());
    }
}
