//! The definitions that an edition covers, recorded with it so that the next one can tell what has
//! changed.

use pg::Session;
use pg::shape::{Scope, Shape, fingerprint};

use crate::plan::Plan;

/// What of the source's definitions belongs to a plan.
fn shape_scope(plan: &Plan) -> Scope {
    Scope { schemas: plan.schemas.clone(), excluded: plan.excluded.iter().cloned().collect() }
}

/// A text that changes whenever the shape of the plan does. Cheap: one query.
pub async fn shape_hash(session: &Session, plan: &Plan) -> pg::Result<String> {
    let scope = shape_scope(plan);
    let excluded: Vec<String> = scope.excluded.iter().map(pg::Name::sql).collect();
    let definitions = fingerprint(session, &scope.schemas).await?;
    let scope = blake3::hash(format!("{:?} {excluded:?}", scope.schemas).as_bytes()).to_hex();
    Ok(format!("{definitions} {}", &scope[..16]))
}

/// The definitions of a plan, in the transaction of `session` on the source.
pub async fn shape(session: &Session, plan: &Plan) -> pg::Result<Shape> {
    let mut shape = Shape::load(session, &shape_scope(plan)).await?;
    // Views that read what stays behind stay behind, and sequences that serve it.
    shape.views.retain(|view| !plan.excluded.contains(&view.name));
    shape.sequences.retain(|sequence| !plan.excluded.contains(&sequence.name));
    Ok(shape)
}
