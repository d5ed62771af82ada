//! Looks at the queries of rollups before a run: the server plans them and does nothing.

use std::collections::BTreeMap;

use pg::{Session, quote_identifier};
use report::{Finding, Problem};

use crate::arms::Arms;
use crate::rollup::definition::Definition;
use crate::rollup::statements::{Described, Statements};

/// What keeps rollups from being computed, as far as a server that holds their tables can tell.
/// Rollups of other rollups are left out: those may not exist yet.
pub(crate) async fn check(
    session: &Session,
    definitions: &[Definition],
) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for definition in definitions.iter().filter(|definition| definition.of.is_none()) {
        let explained = session.rows(&format!("EXPLAIN {}", query(definition)), &[]).await;
        match explained {
            Ok(_) => {}
            Err(error) if error.sqlstate().is_some() => {
                let problem =
                    Problem::new(format!("rollup {}: its query does not work", definition.name))
                        .detail(error.to_string())
                        .hint(
                            "correct its [[rollup]] section; nothing is published until it works",
                        );
                let subject = format!("rollup {}", definition.name);
                findings.push(Finding::error("rollup", subject, problem));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(findings)
}

/// All that the definition names, in one query over whole tables.
fn query(definition: &Definition) -> String {
    let (types, columns) = (BTreeMap::new(), BTreeMap::new());
    let (floats, arms) = (Vec::new(), Arms::default());
    let described = Described { time: None, types, floats, columns, arms };
    let statements = Statements { definition, described: &described };
    let bound = definition.bindings.0.iter().map(|(alias, name)| {
        let rows = format!("SELECT * FROM {}", name.sql());
        format!("{} AS NOT MATERIALIZED ({rows})", quote_identifier(alias))
    });
    let with = format!("WITH {}", bound.collect::<Vec<_>>().join(", "));
    let dimensions = definition.by.iter().map(|name| quote_identifier(name));
    let aggregates = statements.aggregates().into_iter().map(|(_, sql)| sql);
    let all: Vec<String> = dimensions.clone().chain(aggregates).collect();
    let group = match definition.by.is_empty() {
        true => String::new(),
        false => format!(" GROUP BY {}", dimensions.collect::<Vec<_>>().join(", ")),
    };
    format!("SELECT {} FROM ({}) AS s{group}", all.join(", "), statements.rows(&with))
}
