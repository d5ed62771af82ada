//! Materialised views of the edition, computed anew when what they read has changed.

use std::collections::BTreeSet;

use copy::PopulatedView;
use pg::catalog::Catalog;
use pg::{Name, Session};

/// The views to compute, in the order in which they read each other. A view that calls routines may
/// read anything.
pub(crate) fn stale<'a>(
    views: &'a [PopulatedView],
    catalog: &Catalog,
    changed: &BTreeSet<Name>,
) -> Vec<&'a PopulatedView> {
    if changed.is_empty() {
        return Vec::new();
    }
    let mut changed = with_ancestors(catalog, changed);
    let calls =
        |name: &Name| catalog.views.iter().any(|view| view.name == *name && view.calls_routines);
    let mut stale = Vec::new();
    for view in views {
        let mut names = view.reads.iter().chain([&view.name]);
        if names.any(|name| changed.contains(name) || calls(name)) {
            changed.insert(view.name.clone());
            stale.push(view);
        }
    }
    stale
}

/// The tables and what they are partitions or children of.
fn with_ancestors(catalog: &Catalog, tables: &BTreeSet<Name>) -> BTreeSet<Name> {
    let mut all = tables.clone();
    let mut open: Vec<Name> = tables.iter().cloned().collect();
    while let Some(name) = open.pop() {
        for parent in catalog.table(&name).into_iter().flat_map(|table| &table.parents) {
            if all.insert(parent.clone()) {
                open.push(parent.clone());
            }
        }
    }
    all
}

/// Whether readers can go on during a refresh, which then writes the differences only.
pub(crate) async fn has_key(session: &Session, view: &Name) -> pg::Result<bool> {
    let row = session.maybe(include_str!("sql/view_key.sql"), &[&view.schema, &view.name]).await?;
    Ok(row.is_some())
}

/// The statement that computes a view anew.
pub(crate) fn refresh(view: &Name, has_key: bool) -> String {
    let concurrently = if has_key { "CONCURRENTLY " } else { "" };
    format!("REFRESH MATERIALIZED VIEW {concurrently}{}", view.sql())
}
