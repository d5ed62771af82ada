//! Where the sequences of the source stand, carried over to those that the edition has.

use std::collections::BTreeSet;

use edition::{Ledger, Work};
use pg::catalog::{Catalog, sequence_states};
use pg::{Name, Session, quote_literal};
use report::Category;

use crate::install::Places;

/// Sets the sequences of the edition. Values read now are never behind the rows of the snapshot.
pub(crate) async fn copy(
    source: &Session,
    target: &Session,
    catalog: &Catalog,
    places: &Places,
    ledger: &Ledger,
) -> anyhow::Result<usize> {
    let existing = existing(target, places).await?;
    let wanted = catalog.sequences.iter().filter(|name| existing.contains(&places.place(name)));
    let wanted: Vec<Name> = wanted.cloned().collect();
    if wanted.is_empty() {
        return Ok(0);
    }
    let states = sequence_states(source, &wanted).await?;
    let calls = states.iter().map(|state| {
        let name = quote_literal(&places.place(&state.name).sql());
        let (value, called) = (state.last_value, state.is_called);
        format!("SELECT pg_catalog.setval({name}::pg_catalog.regclass, {value}, {called})")
    });
    let mut sql = calls.collect::<Vec<_>>().join("; ");
    let object = report::text::counted(states.len() as u64, "sequence");
    let work = Work { category: Category::Sequence, object: &object, rows: None, bytes: None };
    sql += &format!("; {}", edition::work_done(ledger.run(), &work));
    ledger.transaction(&sql).await?;
    Ok(states.len())
}

async fn existing(target: &Session, places: &Places) -> anyhow::Result<BTreeSet<Name>> {
    let sql = "SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n \
               ON n.oid = c.relnamespace WHERE c.relkind = 'S' AND n.nspname = ANY ($1)";
    let rows = target.rows(sql, &[&places.placed_schemas()]).await?;
    Ok(rows.iter().map(|row| Name::new(row.get::<_, String>(0), row.get::<_, String>(1))).collect())
}
