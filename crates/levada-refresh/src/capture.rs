//! Keeps what a publication changes, for those who compute from it: the old and the new images of
//! exactly the rows that differ, in staging tables of the publish transaction.

use edition::{Change, OnPublish};
use pg::{Name, Session};

use crate::apply;
use crate::settle::{Settled, Write};
use crate::staging::{self, Purpose};
use crate::unit::Unit;

/// The changes of the units that are watched, with old images; no row has been written yet.
pub(crate) async fn before(
    session: &Session,
    hook: &dyn OnPublish,
    (units, settled): (&[Unit], &[Settled]),
    emptied: &[Name],
) -> anyhow::Result<Vec<(usize, Change)>> {
    let mut changes = Vec::new();
    let whole = emptied.iter().map(|name| (0, name.clone(), None));
    let parts = units.iter().zip(settled).enumerate().filter_map(|(number, (unit, settled))| {
        let is_whole = unit.beside.is_some();
        let is_touched = is_whole || settled.write != Write::Nothing;
        let rows = (!is_whole).then_some((unit, settled));
        is_touched.then(|| (number, unit.name.clone(), rows))
    });
    for unit in units.iter().zip(settled).filter(|(unit, settled)| {
        unit.is_routed && (unit.beside.is_some() || settled.write != Write::Nothing)
    }) {
        // Rows find other partitions here: of a single one only the whole is known.
        let watched = unit.0.parts.iter().filter(|part| hook.watches(&part.name));
        changes.extend(watched.map(|part| {
            let names = vec![part.name.clone()];
            let after = staging::name(Purpose::After, units.len());
            (units.len(), Change { names, key: Vec::new(), before: None, after })
        }));
    }
    for (number, name, rows) in whole.chain(parts) {
        let names = with_ancestors(session, &name).await?;
        if !names.iter().any(|name| hook.watches(name)) {
            continue;
        }
        let after = staging::name(Purpose::After, number);
        let mut change = Change { names, key: Vec::new(), before: None, after };
        if let Some((unit, settled)) = rows {
            change.key.clone_from(&unit.facts.key);
            change.before = Some(old_images(session, number, unit, settled).await?);
        }
        changes.push((number, change));
    }
    Ok(changes)
}

/// Collects the new images, now that all rows are written.
pub(crate) async fn after(
    session: &Session,
    (units, settled): (&[Unit], &[Settled]),
    changes: &[(usize, Change)],
) -> anyhow::Result<()> {
    for (number, change) in changes.iter().filter(|(_, change)| change.before.is_some()) {
        let (unit, settled) = (&units[*number], &settled[*number]);
        let relation = unit.relation();
        let rows = match &settled.write {
            Write::Exchange(condition) => {
                format!("SELECT t.* FROM {relation} AS t WHERE {condition}")
            }
            _ => with_keys(unit, &staging::name(Purpose::Keys, *number)),
        };
        keep(session, &change.after, &rows).await?;
    }
    Ok(())
}

async fn old_images(
    session: &Session,
    number: usize,
    unit: &Unit,
    settled: &Settled,
) -> anyhow::Result<Name> {
    let before = staging::name(Purpose::Before, number);
    let relation = unit.relation();
    if let Write::Exchange(condition) = &settled.write {
        let rows = format!("SELECT t.* FROM {relation} AS t WHERE {condition}");
        keep(session, &before, &rows).await?;
        return Ok(before);
    }
    let keys = staging::name(Purpose::Keys, number);
    let overwrites = settled.write == Write::Upsert;
    let changing = match settled.found.staged {
        // Nothing was staged, not even an empty table.
        0 => apply::select_no_key(unit),
        _ => apply::select_changing(unit, &settled.staged, overwrites),
    };
    keep(session, &keys, &changing).await?;
    keep(session, &before, &with_keys(unit, &keys)).await?;
    if settled.gone > 0 {
        let gone = with_keys(unit, &staging::name(Purpose::Gone, number));
        session.batch(&format!("INSERT INTO {} {gone}", before.sql())).await?;
    }
    Ok(before)
}

fn with_keys(unit: &Unit, keys: &Name) -> String {
    let (relation, keys, same) = (unit.relation(), keys.sql(), apply::same_key(unit, "t", "k"));
    format!("SELECT t.* FROM {relation} AS t JOIN {keys} AS k ON {same}")
}

async fn keep(session: &Session, name: &Name, rows: &str) -> anyhow::Result<()> {
    let table = name.sql();
    let sql = format!(
        "DROP TABLE IF EXISTS {table}; CREATE UNLOGGED TABLE {table} \
         WITH (autovacuum_enabled = false) AS {rows}; ANALYZE {table}"
    );
    Ok(session.batch(&sql).await?)
}

/// The table, and all that it is a partition or child of.
pub(crate) async fn with_ancestors(session: &Session, name: &Name) -> anyhow::Result<Vec<Name>> {
    let rows = session.rows(include_str!("sql/ancestors.sql"), &[&name.schema, &name.name]).await?;
    let ancestors = rows.iter().map(|row| Name::new(row.get::<_, &str>(0), row.get::<_, &str>(1)));
    Ok(std::iter::once(name.clone()).chain(ancestors).collect())
}
