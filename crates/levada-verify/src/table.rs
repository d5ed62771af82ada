//! Compares one table: first the digests of its buckets, then what differs in them.

use edition::TableRow;
use pg::catalog::Table;
use pg::{Result, Session};

use crate::buckets::Buckets;
use crate::compare::{End, Since, is_partitioned};
use crate::difference::{Counts, TableResult, Verdict};
use crate::digest;
use crate::drill::{Drill, Ends};
use crate::subject::Subject;

/// A table of both sides, and two sessions in the snapshots of their sides.
pub(crate) struct Task<'a> {
    pub(crate) sides: (&'a End, &'a End),
    pub(crate) tables: (&'a Table, &'a Table),
    pub(crate) sessions: (&'a Session, &'a Session),
    /// Only where the target is compared as an edition.
    pub(crate) since: Option<&'a Since>,
    /// What the edition records of the table.
    pub(crate) recorded: Option<&'a TableRow>,
    pub(crate) seed: i64,
    pub(crate) samples: usize,
    pub(crate) shows_values: bool,
}

impl Task<'_> {
    /// The rows of the source that the edition carries.
    fn filter(&self) -> Option<String> {
        self.recorded.and_then(|row| row.filter.clone())
    }

    /// Whether rows that production deletes stay in the target.
    fn keeps_deleted(&self) -> bool {
        self.recorded.is_some_and(|row| row.deletes == "keep" || row.mode == "append")
    }
}

/// The least that a row takes on disk, to guess rows from bytes.
const ROW_BYTES_MIN: u64 = 64;

/// Compares the table of `task` and writes what is found into `result`.
pub(crate) async fn compare_table(task: &Task<'_>, result: &mut TableResult) -> Result<()> {
    let (source, target) = task.tables;
    let sides = (
        (&task.sides.0.catalog, source, &task.sides.0.identity),
        (&task.sides.1.catalog, target, &task.sides.1.identity),
    );
    let subject = match Subject::pair(sides.0, sides.1) {
        Ok(subject) => Subject { filter: task.filter(), ..subject },
        Err(reason) => {
            result.judge(Verdict::Unknown, reason);
            return Ok(());
        }
    };
    result.key.clone_from(&subject.key);
    judge_columns(&subject, task.since.is_some(), result);
    for (side, session, table) in
        [("source", task.sessions.0, source), ("target", task.sessions.1, target)]
    {
        if !is_same_file(session, table).await? {
            let reason = format!("the table was emptied or rewritten on the {side} meanwhile");
            result.judge(Verdict::Unknown, reason);
            return Ok(());
        }
    }
    let drill = Drill {
        ends: Ends { source: task.sessions.0, target: task.sessions.1 },
        subject: &subject,
        since: task.since.and_then(|since| since.as_ref().ok()),
        samples: task.samples,
        shows_values: task.shows_values,
    };
    let rows = rows_guessed(source).max(rows_guessed(target));
    let buckets = Buckets::for_rows(&subject, rows, task.seed);
    let digests = drill.digests(&buckets).await?;
    result.source_rows = Some(digest::rows(&digests.0));
    result.target_rows = Some(digest::rows(&digests.1));
    if digest::differing(&digests.0, &digests.1).is_empty() {
        return Ok(());
    }
    let looked = drill.down(&buckets, &digests, result).await;
    match (&looked, task.since) {
        (Ok(()), None) => judge_rows(result),
        (Ok(()), Some(since)) => judge_since(since, task.keeps_deleted(), result),
        // That rows differ is known all the same.
        (Err(_), None) => {
            result.is_exact = false;
            result.judge(Verdict::Differs, "rows differ, and which ones could not be told");
        }
        (Err(_), Some(_)) => result.is_exact = false,
    }
    looked
}

/// A snapshot sees a table that was truncated or rewritten since as empty.
async fn is_same_file(session: &Session, table: &Table) -> Result<bool> {
    if is_partitioned(table) {
        return Ok(true);
    }
    session.batch(&format!("LOCK TABLE ONLY {} IN ACCESS SHARE MODE", table.name.sql())).await?;
    let sql = "SELECT coalesce(pg_catalog.pg_relation_filenode($1::oid), 0::oid)";
    Ok(session.one(sql, &[&table.oid]).await?.get::<_, u32>(0) == table.filenode)
}

/// Many buckets where nothing is known: they cost less than few.
fn rows_guessed(table: &Table) -> u64 {
    match is_partitioned(table) {
        true => u64::MAX,
        false => table.rows_estimate.max(table.bytes / ROW_BYTES_MIN),
    }
}

fn judge_columns(subject: &Subject, is_edition: bool, result: &mut TableResult) {
    let verdict = if is_edition { Verdict::Unknown } else { Verdict::Differs };
    let lists = [("source", &subject.only_source), ("target", &subject.only_target)];
    for (side, columns) in lists {
        if !columns.is_empty() {
            let columns = columns.join(", ");
            result.judge(verdict, format!("only the {side} has these columns: {columns}"));
        }
    }
}

/// Of two databases at rest every row that differs is a difference.
fn judge_rows(result: &mut TableResult) {
    let counts = result.counts;
    if counts.missing + counts.extra + counts.changed == 0 {
        result.judge(Verdict::Unknown, NO_ROW);
    } else if counts.missing + counts.extra > 0 || !result.columns.is_empty() {
        result.verdict = Verdict::Differs;
    } else {
        result.judge(Verdict::Unknown, NO_COLUMN);
    }
}

const NO_ROW: &str =
    "the digests differ, and the rows do not: is something computed anew at every look?";
const NO_COLUMN: &str = "rows differ, and none of their columns does";

/// Of an edition and a source that has moved on, some differences are none, and some could be.
fn judge_since(since: &Since, keeps_deleted: bool, result: &mut TableResult) {
    let counts = result.counts;
    let mut unknown = |is_so: bool, reason: String| {
        if is_so {
            result.judge(Verdict::Unknown, reason);
        }
    };
    if let Err(reason) = since {
        let reason = format!("rows differ, perhaps since the edition only: {reason}");
        return unknown(true, reason);
    }
    let deleted = "rows that only the target has were deleted on the source since, or never there";
    unknown(counts.extra > 0 && !keeps_deleted, deleted.to_owned());
    let unclear = "rows were written while the edition was begun, perhaps before it, perhaps after";
    unknown(counts.unclear > 0, unclear.to_owned());
    let is_explained = counts.changed == 0 || !result.columns.is_empty();
    let (is_exact, is_missing) = (result.is_exact, counts.missing > 0);
    if counts == Counts::default() {
        result.judge(Verdict::Unknown, NO_ROW);
    }
    if !is_explained {
        result.judge(Verdict::Unknown, NO_COLUMN);
    }
    if !is_exact {
        result.judge(Verdict::Unknown, "too many rows differ to look at all of them");
    }
    if is_missing || counts.changed > 0 && is_explained {
        result.verdict = Verdict::Differs;
    }
}
