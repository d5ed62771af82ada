//! Rights on relations that are replaced: read before, granted again after.

use std::collections::HashMap;

use pg::{Name, Result, Session};

use crate::dependents::name_of;

#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) on: Name,
    pub(crate) column: Option<String>,
    pub(crate) statement: String,
}

/// Grants on tables that were moved into their schema what that schema grants on new ones.
///
/// # Errors
/// Those of the server.
pub async fn grant_defaults(session: &Session, tables: &[Name]) -> Result<()> {
    let schemas: Vec<&str> = tables.iter().map(|name| name.schema.as_str()).collect();
    let names: Vec<&str> = tables.iter().map(|name| name.name.as_str()).collect();
    let grants = include_str!("sql/dependents_new_grants.sql");
    for row in session.rows(grants, &[&schemas, &names]).await? {
        session.batch(row.get(0)).await?;
    }
    Ok(())
}

/// Grants what still exists: a column may be gone, and a relation as well.
pub(crate) async fn grant(session: &Session, grants: &[Grant]) -> Result<()> {
    let mut columns: HashMap<&Name, Vec<String>> = HashMap::new();
    for grant in grants {
        if !columns.contains_key(&grant.on) {
            columns.insert(&grant.on, columns_of(session, &grant.on).await?);
        }
        let known = columns.get(&grant.on).map(Vec::as_slice).unwrap_or_default();
        let fits = match &grant.column {
            Some(column) => known.contains(column),
            None => !known.is_empty(),
        };
        if fits {
            session.batch(&grant.statement).await?;
        }
    }
    Ok(())
}

pub(crate) async fn columns_of(session: &Session, relation: &Name) -> Result<Vec<String>> {
    let columns = include_str!("sql/dependents_columns.sql");
    Ok(session.one(columns, &[&relation.schema, &relation.name]).await?.get(0))
}

pub(crate) async fn grants_of(session: &Session, oids: &[u32]) -> Result<HashMap<u32, Vec<Grant>>> {
    let mut grants: HashMap<u32, Vec<Grant>> = HashMap::new();
    for row in session.rows(include_str!("sql/dependents_grants.sql"), &[&oids]).await? {
        grants.entry(row.get("oid")).or_default().push(Grant {
            on: name_of(&row),
            column: row.get("column_name"),
            statement: row.get("statement"),
        });
    }
    Ok(grants)
}
