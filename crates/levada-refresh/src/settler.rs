//! Works out what the changes of one unit come to, and proves that they are all.
//!
//! After the staged rows are written, the target has every key that the source has. So equal counts
//! prove equal sets of keys; only when they differ are keys compared, bucket by bucket.

use std::collections::BTreeMap;

use copy::{Deletes, Mode};
use pg::catalog::Catalog;
use pg::{Identity, Name, Purpose as For, Session, Watch, Wire};
use report::{Event, Problem};
use verify::{Buckets, Depth, Digest, Side, Subject};

use crate::apply;
use crate::keys::Keys;
use crate::scan::{Found, Reader, Wanted};
use crate::settle::{Ignored, Settled, Write};
use crate::staging::{self, Purpose};
use crate::unit::{Method, Unit};

/// Rows that look different may be staged a second time by another method, no more often.
const CONTRADICTED: &str = "its counts contradict the record of the previous edition";

/// What settling needs of both sides.
pub(crate) struct Settler<'a> {
    pub(crate) reader: &'a Reader<'a>,
    /// Creates the staging tables into which others copy.
    pub(crate) aside: &'a Session,
    /// Of the source and of the target.
    pub(crate) catalogs: (&'a Catalog, &'a Catalog),
    pub(crate) identities: (&'a Identity, &'a Identity),
    /// Of all hashes of this run.
    pub(crate) seed: i64,
}

/// A unit and its place among the units, which names its staging tables.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) number: usize,
    pub(crate) unit: &'a Unit,
    /// Where the target is asked and keys are collected.
    pub(crate) target: &'a Session,
    /// That session is inside the publish transaction: the definitions of the table have changed.
    pub(crate) is_publishing: bool,
    /// Where its rows are staged.
    pub(crate) rows: Purpose,
}

impl Case<'_> {
    /// Digests of the target's side.
    pub(crate) async fn digests(
        &self,
        subject: &Subject,
        depth: Depth,
        buckets: &Buckets,
    ) -> pg::Result<BTreeMap<i64, Digest>> {
        if !self.is_publishing {
            self.target.batch("BEGIN").await?;
        }
        let digests = verify::digests(self.target, subject, Side::Target, depth, buckets).await?;
        if !self.is_publishing {
            self.target.batch("COMMIT").await?;
        }
        Ok(digests)
    }

    pub(crate) fn staging(&self, purpose: Purpose) -> Name {
        staging::name(purpose, self.number)
    }

    pub(crate) async fn count(&self, sql: &str) -> pg::Result<i64> {
        Ok(self.target.one(sql, &[]).await?.get(0))
    }
}

impl Settler<'_> {
    /// Settles one unit of which `found` has been staged.
    pub(crate) async fn settle(&self, case: Case<'_>, found: Found) -> anyhow::Result<Settled> {
        if case.unit.beside.is_some() {
            let loaded = Found { rows: found.staged, ..found };
            // It has its final name by then; a crash of the target may have emptied it.
            let staging = vec![(case.unit.name.clone(), found.staged)];
            let settled = nothing(case, loaded, found.staged);
            return Ok(Settled { new: found.staged, staging, ..settled });
        }
        let settled = match &case.unit.method {
            Method::Changes => self.changes(case, found).await?,
            Method::Digest(reason) => self.digest(case, reason).await?,
            Method::Reload(_) => self.reloaded(case, found, case.unit.method.clone()).await?,
        };
        match case.unit.mode {
            Mode::Append => self.appended(case, settled).await,
            _ => Ok(settled),
        }
    }

    async fn changes(&self, case: Case<'_>, found: Found) -> anyhow::Result<Settled> {
        let unit = case.unit;
        let Some(base) = unit.base_rows else { return self.digest(case, CONTRADICTED).await };
        let is_filtered = unit.filter.is_some();
        if found.staged == 0 && found.rows == base && !is_filtered {
            return Ok(nothing(case, found, base));
        }
        if unit.facts.key.is_empty() {
            return self.digest(case, "it has no usable key").await;
        }
        let new = self.stage_new(case, found).await?;
        let expected = base + new;
        let keeps = unit.deletes == Deletes::Keep || unit.mode == Mode::Append;
        if found.rows > expected {
            return self.digest(case, CONTRADICTED).await;
        }
        let mut settled = Settled {
            write: Write::Upsert,
            new,
            rows: expected,
            staging: vec![(case.staging(case.rows), found.staged)],
            ..nothing(case, found, base)
        };
        if found.staged == 0 {
            settled.staging.clear();
        }
        let needs_keys = is_filtered || !keeps && found.rows != expected;
        if needs_keys {
            let Some(gone) = self.gone(case, found, expected).await? else {
                let reason = if is_filtered {
                    "rows came into its filter without being written"
                } else {
                    CONTRADICTED
                };
                return self.digest(case, reason).await;
            };
            settled.gone = if keeps { 0 } else { gone };
            settled.rows = expected - settled.gone;
            if settled.gone > 0 {
                settled.staging.push((case.staging(Purpose::Gone), settled.gone));
            }
        }
        if found.staged == 0 && settled.gone == 0 {
            settled.write = Write::Nothing;
        }
        Ok(settled)
    }

    /// Puts the keys that the target does not have into a table of their own; how many.
    async fn stage_new(&self, case: Case<'_>, found: Found) -> pg::Result<i64> {
        let new = case.staging(Purpose::New);
        staging::create(case.target, &new, case.unit, &case.unit.facts.key).await?;
        if found.staged == 0 {
            return Ok(0);
        }
        staging::analyze(case.target, &case.staging(case.rows)).await?;
        let sql = apply::insert_new(case.unit, &case.staging(case.rows), &new);
        Ok(case.target.execute(&sql, &[]).await? as i64)
    }

    /// How many rows of the target are gone on the source, their keys staged. `None` when the keys
    /// do not come out as the counts say.
    async fn gone(
        &self,
        case: Case<'_>,
        found: Found,
        expected: i64,
    ) -> anyhow::Result<Option<i64>> {
        let Ok(subject) = self.subject(case.unit) else { return Ok(None) };
        let keys = Keys { settler: self, case, subject: &subject };
        keys.gone(found.rows, expected).await
    }

    /// Brings a unit up to date by digests of its rows.
    pub(crate) async fn digest(&self, case: Case<'_>, reason: &str) -> anyhow::Result<Settled> {
        let case = Case { rows: Purpose::Again, ..case };
        let unit = case.unit;
        let method = Method::Digest(reason.to_owned());
        if unit.method == Method::Changes {
            let problem = Problem::new(format!("{}: all rows are compared", unit.name));
            self.reader.progress.event(Event::Note(&problem.detail(reason)));
        }
        let subject = match self.subject(unit) {
            Ok(subject) => subject,
            Err(why) => return self.reload(case, &format!("{reason}; {why}")).await,
        };
        let keys = Keys { settler: self, case, subject: &subject };
        let buckets = keys.row_buckets().await?;
        let sides = keys.digests(Depth::Rows, &buckets).await?;
        let (rows, here) = (verify::rows(&sides.0) as i64, verify::rows(&sides.1) as i64);
        let differing = verify::differing(&sides.0, &sides.1);
        if differing.is_empty() {
            return Ok(Settled {
                method,
                ..nothing(case, Found { rows, staged: 0, bytes: 0 }, rows)
            });
        }
        let there = buckets.selection_sql(&subject, Side::Source, &differing);
        let own = buckets.predicate_sql(&subject, Side::Target, &differing);
        let found = self.fetch(case, case.rows, (&there.0, &there.1)).await?;
        let found = Found { rows, ..found };
        self.exchanged(case, found, (&subject, &own, here), method).await
    }

    /// Brings a unit up to date by reading all its rows.
    async fn reload(&self, case: Case<'_>, reason: &str) -> anyhow::Result<Settled> {
        let case = Case { rows: Purpose::Again, ..case };
        let (relation, condition) = (case.unit.relation(), case.unit.condition());
        let found = self.fetch(case, case.rows, (&relation, &condition)).await?;
        let found = Found { rows: found.staged, ..found };
        self.reloaded(case, found, Method::Reload(reason.to_owned())).await
    }

    /// All rows of the unit are staged.
    async fn reloaded(
        &self,
        case: Case<'_>,
        found: Found,
        method: Method,
    ) -> anyhow::Result<Settled> {
        let unit = case.unit;
        if found.staged == 0 {
            staging::create(self.aside, &case.staging(case.rows), unit, &unit.columns).await?;
        }
        let count = format!("SELECT count(*) FROM {}", unit.relation());
        let here = case.count(&count).await?;
        let whole = Subject::whole(&unit.name, unit.is_routed);
        self.exchanged(case, found, (&whole, "true", here), method).await
    }

    /// The staged rows take the place of those rows of the target that fulfil `condition`; the
    /// target has `here` rows in all.
    async fn exchanged(
        &self,
        case: Case<'_>,
        found: Found,
        (subject, condition, here): (&Subject, &str, i64),
        method: Method,
    ) -> anyhow::Result<Settled> {
        let unit = case.unit;
        let staged = (case.staging(case.rows), found.staged);
        let base = Settled {
            method,
            rows: found.rows,
            staging: vec![staged],
            ..nothing(case, found, found.rows)
        };
        if unit.facts.key.is_empty() {
            let condition = format!(
                "(t.tableoid, t.ctid) IN (SELECT tableoid, ctid FROM {} WHERE {condition})",
                subject.relation_sql(Side::Target)
            );
            return Ok(Settled { write: Write::Exchange(condition), ..base });
        }
        let new = self.stage_new(case, found).await?;
        let gone = case.staging(Purpose::Gone);
        staging::create(case.target, &gone, unit, &unit.facts.key).await?;
        let mut settled = Settled { write: Write::Upsert, new, rows: here + new, ..base };
        if unit.deletes == Deletes::Mirror {
            let rows = case.staging(case.rows);
            let sql = apply::insert_gone(unit, (subject, condition), &rows, &gone);
            settled.gone = case.target.execute(&sql, &[]).await? as i64;
            settled.rows -= settled.gone;
            settled.staging.push((gone, settled.gone));
        }
        Ok(settled)
    }

    /// Mode `append`: changes of old rows are counted and left alone.
    async fn appended(&self, case: Case<'_>, settled: Settled) -> anyhow::Result<Settled> {
        if settled.write == Write::Nothing {
            let deleted = (settled.rows - settled.found.rows).max(0);
            let ignored = Ignored { changed: 0, deleted };
            return Ok(Settled { ignored, ..settled });
        }
        let rows = settled.rows + settled.gone;
        let mut changed = 0;
        if settled.found.staged > 0 {
            let sql = apply::count_changed(case.unit, &settled.staged);
            changed = case.count(&sql).await?;
        }
        let deleted = (rows - settled.found.rows).max(0);
        let write = if settled.new > 0 { Write::Append } else { Write::Nothing };
        let ignored = Ignored { changed, deleted };
        Ok(Settled { write, ignored, rows, gone: 0, ..settled })
    }

    /// Both tables as one subject; `Err` tells why they cannot be compared.
    pub(crate) fn subject(&self, unit: &Unit) -> Result<Subject, String> {
        let (source, target) = self.catalogs;
        let missing = || "one side does not have it".to_owned();
        let there = source.table(&unit.name).ok_or_else(missing)?;
        let here = target.table(&unit.name).ok_or_else(missing)?;
        let mut subject =
            Subject::pair((source, there, self.identities.0), (target, here, self.identities.1))?;
        subject.filter = unit.filter.clone();
        subject.key = unit.facts.key.clone();
        Ok(subject)
    }

    /// Stages rows of the source into an emptied table; the texts stand after `FROM` and `WHERE`.
    pub(crate) async fn fetch(
        &self,
        case: Case<'_>,
        purpose: Purpose,
        (relation, condition): (&str, &str),
    ) -> anyhow::Result<Found> {
        let columns = match purpose {
            Purpose::Rows | Purpose::Again => &case.unit.columns,
            _ => &case.unit.facts.key,
        };
        let (unit, staging) = (case.unit, case.staging(purpose));
        let wanted = Wanted { unit, columns, relation, condition, staging: &staging };
        let mut tries = 0;
        loop {
            staging::create(self.aside, &staging, case.unit, columns).await?;
            let (mut source, mut target): (Option<Wire>, Option<Wire>) = (None, None);
            let result = self.reader.fetch(&wanted, &mut source, &mut target).await;
            let pid = source.as_ref().map_or(0, Wire::pid);
            self.reader.watch.released(pid);
            match result {
                Ok(moved) => {
                    staging::analyze(self.aside, &staging).await?;
                    let (staged, bytes) = (moved.rows as i64, moved.bytes);
                    return Ok(Found { rows: 0, staged, bytes });
                }
                Err(failure) => {
                    self.reader.after_failure(case.unit, failure, pid, &mut tries).await?;
                }
            }
        }
    }

    /// A session of the target for settling.
    pub(crate) async fn target_session(&self) -> pg::Result<Session> {
        let session = Session::open(self.reader.target, For::Target).await?;
        session.batch(&format!("SET search_path = {}", self.reader.path)).await?;
        Ok(session)
    }

    pub(crate) fn watch(&self) -> &Watch {
        self.reader.watch
    }
}

fn nothing(case: Case<'_>, found: Found, rows: i64) -> Settled {
    Settled {
        method: case.unit.method.clone(),
        write: Write::Nothing,
        found,
        staged: case.staging(case.rows),
        new: 0,
        gone: 0,
        rows,
        staging: Vec::new(),
        ignored: Ignored::default(),
    }
}
