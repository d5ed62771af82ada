//! Joins on columns in which NULL is a value, in a way that indexes and hashes can serve: one
//! statement for each combination of NULLs that occurs. Pure but for the question which occur.

use pg::{Session, quote_identifier};

/// Which of the columns are NULL in some rows of a table, once per combination.
pub(crate) async fn patterns(
    session: &Session,
    table: &str,
    columns: &[String],
) -> pg::Result<Vec<Vec<bool>>> {
    let tests = columns.iter().map(|column| format!("{} IS NULL", quote_identifier(column)));
    let tests: Vec<String> = tests.collect();
    let sql = format!("SELECT DISTINCT ARRAY[{}]::boolean[] FROM {table}", tests.join(", "));
    Ok(session.rows(&sql, &[]).await?.iter().map(|row| row.get(0)).collect())
}

/// `l."a" = r."a" AND l."b" IS NULL AND r."b" IS NULL` for one combination.
pub(crate) fn condition(columns: &[String], nulls: &[bool], (l, r): (&str, &str)) -> String {
    let tests = columns.iter().zip(nulls).map(|(column, is_null)| {
        let column = quote_identifier(column);
        match is_null {
            true => format!("{l}.{column} IS NULL AND {r}.{column} IS NULL"),
            false => format!("{l}.{column} = {r}.{column}"),
        }
    });
    std::iter::once("true".to_owned()).chain(tests).collect::<Vec<_>>().join(" AND ")
}
