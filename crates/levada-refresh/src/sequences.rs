//! Where the sequences of the source stand, carried over with the edition that they belong to.

use std::collections::BTreeSet;

use pg::catalog::{Catalog, SequenceState, sequence_states};
use pg::{Name, Session, quote_literal};

/// The sequences that stand elsewhere than in the target. Values read now are never behind the rows
/// of the snapshot.
pub(crate) async fn moved(
    source: &Session,
    target: &Session,
    catalogs: (&Catalog, &Catalog),
) -> pg::Result<Vec<SequenceState>> {
    let (there, here) = catalogs;
    let existing: BTreeSet<&Name> = here.sequences.iter().collect();
    let wanted: Vec<Name> =
        there.sequences.iter().filter(|name| existing.contains(name)).cloned().collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let mut states = sequence_states(source, &wanted).await?;
    let now = sequence_states(target, &wanted).await?;
    states.retain(|state| !now.contains(state));
    Ok(states)
}

/// Sets sequences so that a rollback takes it back: a restart gives them a new file, which `setval`
/// then writes.
pub(crate) async fn set(session: &Session, states: &[SequenceState]) -> pg::Result<()> {
    let statements = states.iter().map(|state| {
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
