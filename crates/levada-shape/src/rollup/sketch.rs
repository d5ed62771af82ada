//! The functions by which readers, and coarser rollups, estimate distinct values from sketches.

use pg::{Name, Session, quote_identifier};

use crate::rollup::config::Measure;
use crate::rollup::definition::Definition;
use crate::rollup::statements::SKETCH_SIZE;

/// Creates the functions in the reports schema where a rollup needs them and they are missing.
pub(crate) async fn ensure(session: &Session, definitions: &[Definition]) -> anyhow::Result<()> {
    let needs = |measure: &Measure| match measure {
        Measure::Distinct(distinct) => distinct.sketch,
        Measure::Estimate(_) => true,
        _ => false,
    };
    let needing = definitions.iter().find(|one| one.measures.values().any(needs));
    let Some(definition) = needing else { return Ok(()) };
    let schema = &definition.table.schema;
    let union = Name::new(schema, "levada_sketch_union").sql();
    let sql = "SELECT pg_catalog.to_regprocedure($1) IS NOT NULL";
    if session.one(sql, &[&format!("{union}(bigint[])")]).await?.get(0) {
        return Ok(());
    }
    let create = include_str!("../sql/rollup_sketch.sql")
        .replace("@schema@", &quote_identifier(schema))
        .replace("@size@", &SKETCH_SIZE.to_string());
    Ok(session.batch(&create).await?)
}
