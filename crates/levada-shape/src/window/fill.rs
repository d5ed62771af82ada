//! Brings the rows of a window to an edition: all of them anew, or only those that the edition
//! changes, those that have become too old and those whose time has come.

use std::time::Instant;

use anyhow::Context;
use edition::{Change, Publishing};
use jiff::Timestamp;
use pg::{Name, Session, quote_identifier};
use report::Category;
use serde::Serialize;

use crate::report_table::{list, mark_changed};
use crate::window::Declared;
use crate::window::bounds::Bounds;
use crate::window::subject::{Subject, Time};

/// What the edition before has left.
struct Held {
    bounds: Bounds,
    rows: i64,
}

/// How many rows a filling has brought and taken.
#[derive(Debug, Default)]
struct Moved {
    inserted: u64,
    deleted: u64,
}

/// Everything that decides which rows and columns a window has, besides the bounds.
#[derive(Serialize)]
struct Definition<'a> {
    declared: &'a Declared,
    layout: &'a str,
    time: &'a Time,
    filter: Option<&'a str>,
    family: &'a [String],
}

/// Makes a window hold exactly its rows inside the bounds, and records it. Leaves nothing on the
/// search path.
pub(crate) async fn publish(
    publishing: &Publishing<'_>,
    (declared, name): (&Declared, &Name),
    bounds: Bounds,
    path: &str,
) -> anyhow::Result<()> {
    let started = Instant::now();
    let session = publishing.session;
    set_path(session, "").await?;
    let subject = Subject::load(publishing, declared, name).await?;
    let edition = publishing.edition.context("the edition has no number yet")?;
    let hash = definition_hash(declared, &subject)?;
    let is_new = subject.report.ensure(session).await?;
    subject.report.settle(publishing).await?;
    let held = match is_new || is_any_row_new(publishing, declared, &subject) {
        true => None,
        false => held(session, declared, &hash, edition).await?,
    };
    // Types that an extension brings may have their operators in the schema of the table.
    let place = quote_identifier(&subject.place.schema);
    let with_place = if path.is_empty() { place } else { format!("{place}, {path}") };
    set_path(session, &with_place).await?;
    let moved = match &held {
        Some(held) => follow(publishing, (declared, &subject), held.bounds, bounds).await?,
        None => fill(session, &subject, bounds).await?,
    };
    set_path(session, "").await?;
    if is_new {
        session.batch(&format!("ANALYZE {}", name.sql())).await?;
    }
    let before = held.as_ref().map_or(signed(moved.deleted), |held| held.rows);
    let rows = before + signed(moved.inserted) - signed(moved.deleted);
    let is_changed = held.is_none() || moved.inserted + moved.deleted > 0;
    if is_changed {
        mark_changed(publishing, name).await?;
    }
    let (lower, upper) = (bounds.lower.to_string(), bounds.upper.to_string());
    let window = &declared.window.name;
    let record = include_str!("../sql/window_record.sql");
    session.execute(record, &[window, &hash, &lower, &upper, &rows, &edition, &is_changed]).await?;
    let (work, object) = (moved.inserted + moved.deleted, name.to_string());
    publishing.took((Category::Window, &object), Some(work), started.elapsed()).await
}

/// Sets the search path for the rest of the transaction.
pub(crate) async fn set_path(session: &Session, path: &str) -> pg::Result<()> {
    let sql = "SELECT pg_catalog.set_config('search_path', $1, true)";
    session.rows(sql, &[&path]).await.map(drop)
}

/// Whether changed rows alone do not say what the table holds now.
fn is_any_row_new(publishing: &Publishing<'_>, declared: &Declared, subject: &Subject) -> bool {
    publishing.is_copy
        || subject.key.is_empty()
        || publishing.changes_of(&declared.table).any(|change| change.before.is_none())
}

fn definition_hash(declared: &Declared, subject: &Subject) -> anyhow::Result<String> {
    let definition = Definition {
        declared,
        layout: &subject.report.layout(),
        time: &subject.time,
        filter: subject.filter.as_deref(),
        family: &subject.family,
    };
    Ok(blake3::hash(&serde_json::to_vec(&definition)?).to_hex().to_string())
}

/// The state of the edition before, if this definition made it.
async fn held(
    session: &Session,
    declared: &Declared,
    hash: &str,
    edition: i32,
) -> anyhow::Result<Option<Held>> {
    let sql = include_str!("../sql/window_state.sql");
    let row = session.maybe(sql, &[&declared.window.name, &edition]).await?;
    let Some(row) = row.filter(|row| row.get::<_, &str>("definition_hash") == hash) else {
        return Ok(None);
    };
    let lower: Timestamp = row.get::<_, &str>("lower_bound").parse()?;
    let upper: Timestamp = row.get::<_, &str>("upper_bound").parse()?;
    Ok(Some(Held { bounds: Bounds { lower, upper }, rows: row.get("rows") }))
}

/// All rows anew. Readers see the old ones until the commit.
async fn fill(session: &Session, subject: &Subject, bounds: Bounds) -> anyhow::Result<Moved> {
    let emptying = format!("DELETE FROM {}", subject.report.name.sql());
    let deleted = session.execute(&emptying, &[]).await?;
    let inserted = insert(session, subject, &subject.place, bounds).await?;
    Ok(Moved { inserted, deleted })
}

/// From what the window held to what it is to hold. In the time that both have, only changed rows
/// can be others; in the time that one has alone, all rows of it go or come.
async fn follow(
    publishing: &Publishing<'_>,
    (declared, subject): (&Declared, &Subject),
    old: Bounds,
    new: Bounds,
) -> anyhow::Result<Moved> {
    let session = publishing.session;
    let window = subject.report.name.sql();
    let mut moved = Moved::default();
    for expired in old.without(new) {
        let sql = format!("DELETE FROM {window} WHERE {}", subject.time.inside(expired));
        moved.deleted += session.execute(&sql, &[]).await?;
    }
    let changes: Vec<&Change> = publishing.changes_of(&declared.table).collect();
    for before in changes.iter().filter_map(|change| change.before.as_ref()) {
        let same = subject.key.iter().map(|column| {
            let column = quote_identifier(column);
            format!("w.{column} = b.{column}")
        });
        let same = same.collect::<Vec<_>>().join(" AND ");
        let sql = format!("DELETE FROM {window} AS w USING {} AS b WHERE {same}", before.sql());
        moved.deleted += session.execute(&sql, &[]).await?;
    }
    if let Some(shared) = new.shared_with(old) {
        for change in &changes {
            moved.inserted += insert(session, subject, &change.after, shared).await?;
        }
    }
    for arrived in new.without(old) {
        moved.inserted += insert(session, subject, &subject.place, arrived).await?;
    }
    Ok(moved)
}

async fn insert(
    session: &Session,
    subject: &Subject,
    from: &Name,
    bounds: Bounds,
) -> pg::Result<u64> {
    let (window, columns) = (subject.report.name.sql(), list(&subject.columns()));
    let (from, selected) = (from.sql(), subject.selects(bounds));
    let sql =
        format!("INSERT INTO {window} ({columns}) SELECT {columns} FROM {from} WHERE {selected}");
    session.execute(&sql, &[]).await
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
