//! The tables that a query reads, bound to their names in it: as they are, or only what changed.
//!
//! A query calls its tables by bare names, and each name is bound by a `WITH` before the query, so
//! the same text computes the whole, the part that rows on their way out had, and the part that new
//! rows bring. For joins, filters, projections and UNION ALL that is exact: a row of the result is
//! another one only if a changed row of some table takes part in it.

use std::collections::BTreeMap;

use edition::{Change, Publishing};
use pg::{Name, quote_identifier};

use crate::arms::Arms;

/// Names as a query uses them, and the tables behind them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bindings(pub(crate) BTreeMap<String, Name>);

/// Which rows of a table a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Image {
    Before,
    After,
}

impl Bindings {
    /// Whether the table is read.
    pub(crate) fn contains(&self, table: &Name) -> bool {
        self.0.values().any(|name| name == table)
    }

    /// Whether any row of a table may be another one.
    pub(crate) fn is_whole(&self, publishing: &Publishing<'_>) -> bool {
        publishing.is_copy
            || self
                .0
                .values()
                .flat_map(|name| publishing.changes_of(name))
                .any(|change| change.before.is_none())
    }

    /// Whether rows of a table change.
    pub(crate) fn is_touched(&self, publishing: &Publishing<'_>) -> bool {
        self.is_whole(publishing)
            || self.0.values().any(|name| publishing.changes_of(name).next().is_some())
    }

    /// `WITH …` that binds every name to its whole table.
    pub(crate) fn whole(&self, publishing: &Publishing<'_>) -> String {
        let bound = self.0.iter().map(|(alias, name)| bind(alias, &all_of(publishing, name)));
        with(bound.collect())
    }

    /// Whether what leaves and what comes of each changing table adds up to what does of the query.
    pub(crate) fn is_sum_of_changes(&self, publishing: &Publishing<'_>, arms: &Arms) -> bool {
        let changing =
            self.0.iter().filter(|(_, name)| publishing.changes_of(name).next().is_some());
        let changing: Vec<&String> = changing.map(|(alias, _)| alias).collect();
        let is_apart = |one: &&String| {
            changing
                .iter()
                .all(|other| one.as_str() == other.as_str() || arms.are_apart(one, other))
        };
        !arms.has_outer_joins && changing.iter().all(is_apart)
    }

    /// One `WITH …` for each name whose table changes: that name stands for the changed rows, all
    /// others for whole tables, or for nothing in another arm of a UNION ALL. The columns are those
    /// of each table.
    pub(crate) fn changed(
        &self,
        publishing: &Publishing<'_>,
        image: Image,
        (columns, arms): (&BTreeMap<Name, Vec<String>>, &Arms),
    ) -> Vec<String> {
        let mut queries = Vec::new();
        for (changing, table) in &self.0 {
            let listed =
                columns.get(table).map_or("*".to_owned(), |all| crate::report_table::list(all));
            let parts: Vec<String> = publishing
                .changes_of(table)
                .filter_map(|change| image_of(change, image))
                .map(|rows| format!("SELECT {listed} FROM {}", rows.sql()))
                .collect();
            if parts.is_empty() {
                continue;
            }
            let changed = parts.join(" UNION ALL ");
            let bound = self.0.iter().map(|(alias, name)| match alias == changing {
                true => bind(alias, &changed),
                false if arms.are_apart(alias, changing) => {
                    bind(alias, &format!("{} WHERE false", all_of(publishing, name)))
                }
                false => bind(alias, &all_of(publishing, name)),
            });
            queries.push(with(bound.collect()));
        }
        queries
    }
}

fn image_of(change: &Change, image: Image) -> Option<&Name> {
    let before = change.before.as_ref()?;
    Some(match image {
        Image::Before => before,
        Image::After => &change.after,
    })
}

fn all_of(publishing: &Publishing<'_>, name: &Name) -> String {
    format!("SELECT * FROM {}", publishing.place(name).sql())
}

/// Not materialised: conditions reach the table behind the name.
fn bind(alias: &str, rows: &str) -> String {
    format!("{} AS NOT MATERIALIZED ({rows})", quote_identifier(alias))
}

fn with(bound: Vec<String>) -> String {
    format!("WITH {}", bound.join(", "))
}
