//! Where the sequences of the source stand, carried over with the edition that they belong to.

use std::collections::BTreeSet;

use copy::Plan;
use pg::catalog::{Catalog, SequenceState, sequence_states};
use pg::{Name, Session, quote_literal};

/// Where the sequences of the source stand. Values read now are never behind the rows of the
/// snapshot.
pub(crate) async fn states(
    source: &Session,
    catalog: &Catalog,
    plan: &Plan,
) -> pg::Result<Vec<SequenceState>> {
    let is_ours =
        |name: &&Name| plan.schemas.contains(&name.schema) && !plan.excluded.contains(name);
    let wanted: Vec<Name> = catalog.sequences.iter().filter(is_ours).cloned().collect();
    sequence_states(source, &wanted).await
}

/// Sets those that the target has and that stand elsewhere, in the transaction of `session`, so
/// that a rollback takes it back: a restart gives a sequence a new file, which `setval` then
/// writes.
pub(crate) async fn set(session: &Session, states: &[SequenceState]) -> pg::Result<()> {
    let sql = "SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n \
               ON n.oid = c.relnamespace WHERE c.relkind = 'S'";
    let rows = session.rows(sql, &[]).await?;
    let here: BTreeSet<Name> =
        rows.iter().map(|r| Name::new(r.get::<_, String>(0), r.get::<_, String>(1))).collect();
    let wanted = states.iter().filter(|state| here.contains(&state.name));
    let wanted: Vec<&SequenceState> = wanted.collect();
    let names: Vec<Name> = wanted.iter().map(|state| state.name.clone()).collect();
    let now = sequence_states(session, &names).await?;
    let statements = wanted.into_iter().filter(|state| !now.contains(state)).map(|state| {
        let name = state.name.sql();
        let literal = quote_literal(&name);
        let SequenceState { last_value, is_called, .. } = state;
        format!(
            "ALTER SEQUENCE {name} RESTART; \
             SELECT pg_catalog.setval({literal}::pg_catalog.regclass, {last_value}, {is_called})"
        )
    });
    session.batch(&statements.collect::<Vec<_>>().join("; ")).await
}
