//! Large objects: read again as a whole when their digest differs from that of the target's, as no
//! row of theirs that an ordinary role may see tells what has changed.

use copy::{Plan, large_objects_in, large_objects_out, large_objects_table};
use pg::{Keepers, Moved, Relay, Relayed, Session, Wire};

use crate::scan::Reader;

/// Stages the large objects of the source if they differ; `true` when they do.
pub(crate) async fn stage(
    reader: &Reader<'_>,
    keepers: &Keepers,
    plan: &Plan,
    target: &Session,
) -> anyhow::Result<bool> {
    let known = "SELECT count(*) FROM levada.large_object";
    let known: i64 = target.one(known, &[]).await?.get(0);
    if plan.large_objects == 0 && known == 0 {
        return Ok(false);
    }
    let source = keepers.session(reader.source).await?;
    let digest = include_str!("sql/large_objects.sql");
    let all = source.one(&digest.replace("@which@", "true"), &[]).await?;
    let ours = digest.replace("@which@", "m.oid IN (SELECT id FROM levada.large_object)");
    let here = target.one(&ours, &[]).await?;
    let of = |row: &pg::Row| (row.get::<_, i64>(0), row.get::<_, String>(1));
    if of(&all) == of(&here) {
        return Ok(false);
    }
    let begin =
        keepers.begin().ok_or_else(|| pg::Error::Lost("the snapshot is gone".to_owned()))?;
    let mut wires = (
        Wire::connect(reader.source, pg::Purpose::Source).await?,
        Wire::connect(reader.target, pg::Purpose::Target).await?,
    );
    wires.0.query(&begin).await?;
    let table = large_objects_table().sql();
    wires.1.query(&format!("BEGIN; TRUNCATE {table}")).await?;
    let (copy_out, copy_in) = (large_objects_out(), large_objects_in());
    let relay = Relay { copy_out: &copy_out, copy_in: &copy_in, on_progress: &|_: Moved| {} };
    match relay.run(&mut wires.0, &mut wires.1).await {
        Relayed::Done(_) => wires.1.query("COMMIT").await?,
        Relayed::SourceFailed(error) | Relayed::TargetFailed(error) => return Err(error.into()),
    };
    Ok(true)
}
