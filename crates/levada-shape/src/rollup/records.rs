//! What is recorded of a rollup in the schema `levada`, for the next publication and for whoever
//! serves its numbers.

use std::collections::{BTreeMap, BTreeSet};

use edition::Publishing;
use jiff::Timestamp;
use pg::{Session, quote_literal};
use serde_json::json;

use crate::calendar::Bucket;
use crate::rollup::config::Measure;
use crate::rollup::definition::Definition;
use crate::rollup::fill::Filling;
use crate::rollup::statements::instants;
use crate::rollup::states::State;

/// A bucket and what is said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BucketRow {
    pub(crate) bucket: Bucket,
    pub(crate) state: State,
    pub(crate) source_rows: i64,
    pub(crate) settling: Vec<String>,
    pub(crate) in_totals: bool,
    /// In this publication.
    pub(crate) is_computed: bool,
}

/// What the target holds of a rollup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Held {
    /// It has the numbers of this definition.
    pub(crate) is_same: bool,
    /// The edition before has brought them up to date, from these very tables and columns.
    pub(crate) is_current: bool,
}

/// What an earlier publication has left; `None` if there was none.
pub(crate) async fn held(
    publishing: &Publishing<'_>,
    definition: &Definition,
) -> anyhow::Result<Option<Held>> {
    let sql = include_str!("../sql/rollup_held.sql");
    let edition = publishing.edition.unwrap_or_default();
    let row = publishing.session.maybe(sql, &[&definition.name, &edition]).await?;
    let Some(row) = row else { return Ok(None) };
    let sources: Option<String> = row.get("sources");
    let is_same = row.get::<_, &str>("definition_hash") == definition.hash;
    let has_same_sources = sources.as_deref() == Some(&*sources_of(publishing, definition).await?);
    let is_current = row.get::<_, bool>("is_of_base") && has_same_sources;
    Ok(Some(Held { is_same, is_current }))
}

/// The tables behind a rollup: their parts, and their columns by position. A partition that is
/// attached, or a column that is dropped and added again, changes rows that nobody has written.
async fn sources_of(
    publishing: &Publishing<'_>,
    definition: &Definition,
) -> anyhow::Result<String> {
    let mut sources = Vec::new();
    for (alias, name) in &definition.bindings.0 {
        let placed = publishing.place(name);
        let sql = include_str!("../sql/table_behind.sql");
        let row = publishing.session.maybe(sql, &[&placed.schema, &placed.name]).await?;
        let Some(row) = row else { continue };
        let (family, columns): (Option<&str>, Option<&str>) =
            (row.get("family"), row.get("columns"));
        sources.push(format!(
            "{alias}\n{}\n{}",
            family.unwrap_or_default(),
            columns.unwrap_or_default()
        ));
    }
    Ok(blake3::hash(sources.join("\n\n").as_bytes()).to_hex().to_string())
}

/// The buckets that it had, in their order.
pub(crate) async fn buckets(session: &Session, name: &str) -> anyhow::Result<Vec<BucketRow>> {
    let rows = session.rows(include_str!("../sql/rollup_buckets.sql"), &[&name]).await?;
    let mut buckets = Vec::with_capacity(rows.len());
    for row in rows {
        buckets.push(BucketRow {
            bucket: Bucket {
                label: row.get("bucket"),
                start: Timestamp::from_microsecond(row.get("bucket_start"))?,
                end: Timestamp::from_microsecond(row.get("bucket_end"))?,
            },
            state: State::parse(row.get("state")).unwrap_or(State::Failed),
            source_rows: row.get("source_rows"),
            settling: row.get("settling"),
            in_totals: row.get("in_totals"),
            is_computed: false,
        });
    }
    Ok(buckets)
}

/// Records what a rollup has come to.
pub(crate) async fn save(
    filling: &Filling<'_>,
    (known, rows): (&[BucketRow], &[BucketRow]),
    through: Option<&Bucket>,
    has_changed: bool,
) -> anyhow::Result<()> {
    let session = filling.publishing.session;
    let definition = filling.definition();
    save_rollup(filling, through, has_changed).await?;
    let now: BTreeSet<Timestamp> = rows.iter().map(|row| row.bucket.start).collect();
    let gone = known.iter().map(|row| row.bucket.start).filter(|start| !now.contains(start));
    let gone: Vec<Timestamp> = gone.collect();
    if !gone.is_empty() {
        let sql = format!(
            "DELETE FROM levada.rollup_bucket WHERE rollup = {} AND bucket_start = ANY ({})",
            quote_literal(&definition.name),
            instants(gone.into_iter())
        );
        session.batch(&sql).await?;
    }
    let before: BTreeMap<Timestamp, &BucketRow> =
        known.iter().map(|row| (row.bucket.start, row)).collect();
    let is_other =
        |row: &&BucketRow| before.get(&row.bucket.start).is_none_or(|known| *known != *row);
    let changed: Vec<&BucketRow> = rows.iter().filter(is_other).collect();
    for some in changed.chunks(1000) {
        let values = some.iter().map(|row| values(&definition.name, row, filling));
        let values: Vec<String> = values.collect();
        let sql = include_str!("../sql/rollup_bucket_saved.sql");
        session.batch(&sql.replace("@values@", &values.join(",\n"))).await?;
    }
    Ok(())
}

fn values(name: &str, row: &BucketRow, filling: &Filling<'_>) -> String {
    let settling: Vec<String> = row.settling.iter().map(|value| quote_literal(value)).collect();
    let edition = filling.publishing.edition.unwrap_or_default();
    format!(
        "({}, {}, '{}'::timestamptz, '{}'::timestamptz, '{}', {}, ARRAY[{}]::text[], {}, {}, \
         {edition})",
        quote_literal(name),
        quote_literal(&row.bucket.label),
        row.bucket.start,
        row.bucket.end,
        row.state,
        row.source_rows,
        settling.join(", "),
        row.in_totals,
        row.is_computed,
    )
}

/// Records a rollup without a calendar: it is complete up to the moment of the source.
pub(crate) async fn save_keyed(
    publishing: &Publishing<'_>,
    definition: &Definition,
    (is_right, has_changed): (bool, bool),
    as_of: Timestamp,
) -> anyhow::Result<()> {
    // An unknown definition makes the next run begin anew; until then nothing is complete.
    let (hash, seen) = (if is_right { &*definition.hash } else { "" }, as_of.to_string());
    let through = is_right.then_some(&seen);
    let edition = publishing.edition.unwrap_or_default();
    let sources = sources_of(publishing, definition).await?;
    let parameters: &[&(dyn pg::ToSql + Sync)] = &[
        &definition.name,
        &definition.table.schema,
        &hash,
        &None::<&str>,
        &None::<&str>,
        &None::<&str>,
        &edition,
        &seen,
        &None::<&str>,
        &through,
        &has_changed,
        &None::<&str>,
        &sources,
        &layout_of(definition),
    ];
    publishing.session.execute(include_str!("../sql/rollup_saved.sql"), parameters).await?;
    Ok(())
}

/// What its columns are, for whoever serves them.
fn layout_of(definition: &Definition) -> String {
    let measures = definition.measures.iter().map(|(name, measure)| {
        let kind = match measure {
            Measure::Count | Measure::CountIf(_) => json!("count"),
            Measure::Sum(_) => json!("sum"),
            Measure::Min(_) => json!("min"),
            Measure::Max(_) => json!("max"),
            Measure::Ratio(of, over) => json!({ "ratio": [of, over] }),
            Measure::Distinct(_) => json!("distinct"),
            Measure::Estimate(_) => json!("estimate"),
        };
        (name.clone(), kind)
    });
    let measures: serde_json::Map<String, serde_json::Value> = measures.collect();
    json!({ "dimensions": definition.by, "measures": measures }).to_string()
}

async fn save_rollup(
    filling: &Filling<'_>,
    through: Option<&Bucket>,
    has_changed: bool,
) -> anyhow::Result<()> {
    let definition = filling.definition();
    let edition = filling.publishing.edition.unwrap_or_default();
    let (bucket, end) = match through {
        Some(through) => (Some(through.label.clone()), Some(through.end.to_string())),
        None => (None, None),
    };
    let buckets = filling.buckets;
    let sources = sources_of(filling.publishing, definition).await?;
    let seen = filling.as_of.to_string();
    let grain = format!("{:?}", buckets.grain).to_lowercase();
    let parameters: &[&(dyn pg::ToSql + Sync)] = &[
        &definition.name,
        &definition.table.schema,
        &definition.hash,
        &buckets.calendar.name,
        &buckets.calendar.zone,
        &grain,
        &edition,
        &seen,
        &bucket,
        &end,
        &has_changed,
        &buckets.settles.by,
        &sources,
        &layout_of(definition),
    ];
    let sql = include_str!("../sql/rollup_saved.sql");
    filling.publishing.session.execute(sql, parameters).await?;
    Ok(())
}
