//! A view of a table with further columns: what they are, as SQL.

use pg::{Name, Session, quote_identifier};

use super::declared::{Added, Columns, LookUp};
use super::kind::{Enriched, table};
use crate::report_table::list;

/// The SQL that a person wrote.
pub(super) fn texts(columns: &Columns) -> Vec<&str> {
    let computed = columns.added.values().filter_map(|added| match added {
        Added::Computed(sql) => Some(sql.as_str()),
        Added::LookedUp(_) => None,
    });
    computed.collect()
}

/// The query of the view, over the columns that the table has now. The table is alone where columns
/// are computed, so that no column of another one is taken for its own.
///
/// # Errors
/// A [`report::Problem`] when a column is there already, or a look-up could find several rows.
pub(super) async fn query(
    session: &Session,
    enriched: &Enriched,
    columns: &Columns,
) -> anyhow::Result<String> {
    let of = table(&columns.of);
    let own = columns_of(session, &of).await?;
    if own.is_empty() {
        return Err(missing(enriched, &of).into());
    }
    if let Some(twice) = columns.added.keys().find(|name| own.contains(name)) {
        return Err(enriched
            .refuse(&format!("{of} has a column {twice} of its own"))
            .hint("give the added column another name, then run again")
            .into());
    }
    let mut inner = vec![list(&own)];
    let mut outer: Vec<String> = own.iter().map(|name| of_table("t", name)).collect();
    let mut joins = String::new();
    for (number, (name, added)) in columns.added.iter().enumerate() {
        let quoted = quote_identifier(name);
        match added {
            Added::Computed(sql) => {
                inner.push(format!("({sql}\n) AS {quoted}"));
                outer.push(of_table("t", name));
            }
            Added::LookedUp(look_up) => {
                refuse_several(session, enriched, look_up).await?;
                let alias = format!("look_up_{number}");
                outer.push(format!("{} AS {quoted}", of_table(&alias, &look_up.value)));
                joins += &format!("\nLEFT JOIN {}", join(look_up, &alias));
            }
        }
    }
    let (inner, outer) = (inner.join(", "), outer.join(", "));
    Ok(format!("SELECT {outer}\nFROM (SELECT {inner} FROM {}) AS t{joins}", of.sql()))
}

fn of_table(alias: &str, column: &str) -> String {
    format!("{alias}.{}", quote_identifier(column))
}

fn join(look_up: &LookUp, alias: &str) -> String {
    let pairs = look_up
        .matching
        .iter()
        .map(|(there, here)| format!("{} = {}", of_table(alias, there), of_table("t", here)));
    let on = pairs.collect::<Vec<_>>().join(" AND ");
    format!("{} AS {alias} ON {on}", table(&look_up.from).sql())
}

/// Without a unique key among what is matched, a row could come out twice.
async fn refuse_several(
    session: &Session,
    enriched: &Enriched,
    look_up: &LookUp,
) -> anyhow::Result<()> {
    let from = table(&look_up.from);
    if columns_of(session, &from).await?.is_empty() {
        return Err(missing(enriched, &from).into());
    }
    let matched: Vec<&String> = look_up.matching.keys().collect();
    let sql = include_str!("../sql/enrich_unique.sql");
    if session.maybe(sql, &[&from.schema, &from.name, &matched]).await?.is_some() {
        return Ok(());
    }
    let matched: Vec<&str> = look_up.matching.keys().map(String::as_str).collect();
    Err(enriched
        .refuse(&format!("several rows of {from} may match"))
        .detail(format!("no unique key of it consists of {}", matched.join(", ")))
        .hint("match the columns of its primary key or of a unique index, then run again")
        .into())
}

fn missing(enriched: &Enriched, name: &Name) -> report::Problem {
    enriched
        .refuse(&format!("{name} does not exist, or has no columns"))
        .hint("write \"schema.table\" as in the target, then run again")
}

async fn columns_of(session: &Session, name: &Name) -> pg::Result<Vec<String>> {
    let sql = "SELECT a.attname::text FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = \
               pg_catalog.to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped \
               ORDER BY a.attnum";
    let rows = session.rows(sql, &[&name.sql()]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
