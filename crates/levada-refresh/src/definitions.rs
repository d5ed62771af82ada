//! Whether production's definitions are those of the previous edition, and if not, how the target
//! follows them: a change of definitions is published with the rows, or not at all.

use std::collections::BTreeSet;

use copy::{ForeignKeys, Plan};
use edition::{Edition, OnPublish, Saved, TableRow};
use pg::catalog::Catalog;
use pg::shape::Shape;
use pg::{Name, Session, quote_identifier};
use report::{Event, Problem, Progress};

use crate::drift::{Changes, Drift, Phase, Rows, TableDrift, diff};
use crate::table_sql::{CreatePlan, create_plan};
use crate::unit::{Method, Unit};

/// How the definitions of the source compare with those of the previous edition.
pub(crate) enum Comparison {
    /// They are the same.
    Same,
    /// The target can follow them.
    Changed(Box<Followed>),
    /// The whole edition has to be built anew, for these reasons.
    Rebuild(Vec<String>),
}

/// Definitions to be followed.
pub(crate) struct Followed {
    pub(crate) changes: Changes,
    pub(crate) now: Shape,
    before: Shape,
    omits_foreign_keys: bool,
}

/// What had to go for definitions to change.
pub(crate) struct Dropped {
    /// Comes back as soon as the rows are written.
    saved: Saved,
    /// Views kept by who else takes part, and what reads them.
    pub(crate) owned: Saved,
}

/// What is recorded with an edition about its definitions.
pub(crate) struct Recorded {
    pub(crate) shape: Option<String>,
    pub(crate) hash: String,
    /// What the edition is made of, as quoted names.
    pub(crate) objects: Vec<String>,
}

/// Compares, in the transaction of `session` on the source.
pub(crate) async fn compare(
    session: &Session,
    plan: &Plan,
    base: &Edition,
    foreign_keys: ForeignKeys,
) -> anyhow::Result<(Comparison, Recorded)> {
    let hash = copy::shape_hash(session, plan).await?;
    let mut recorded = Recorded { shape: None, hash, objects: base.objects.clone() };
    if base.shape_hash.as_deref() == Some(&recorded.hash) {
        recorded.shape.clone_from(&base.shape);
        return Ok((Comparison::Same, recorded));
    }
    let now = copy::shape(session, plan).await?;
    recorded.shape = Some(edition::written(&now)?);
    let before = base.shape.as_deref().and_then(|shape| serde_json::from_str::<Shape>(shape).ok());
    let Some(before) = before else {
        let reason = "the previous edition did not record its definitions".to_owned();
        return Ok((Comparison::Rebuild(vec![reason]), recorded));
    };
    let comparison = match diff(&before, &now) {
        Drift::Rebuild { reasons } => Comparison::Rebuild(reasons),
        Drift::Follow(changes) if changes.is_empty() => Comparison::Same,
        Drift::Follow(changes) => {
            recorded.objects = objects(&base.objects, &before, &now);
            let omits_foreign_keys = foreign_keys == ForeignKeys::Omit;
            Comparison::Changed(Box::new(Followed { changes, now, before, omits_foreign_keys }))
        }
    };
    Ok((comparison, recorded))
}

/// What the new edition is made of: what came and went since the one before.
fn objects(base: &[String], before: &Shape, now: &Shape) -> Vec<String> {
    let (old, new) = (before.names(), now.names());
    let old: Vec<String> = old.iter().map(Name::sql).collect();
    let new: Vec<String> = new.iter().map(Name::sql).collect();
    let kept = base.iter().filter(|name| !old.contains(name) || new.contains(name));
    let added = new.iter().filter(|name| !base.contains(name));
    kept.chain(added).cloned().collect()
}

impl Followed {
    /// Tells a person what changes.
    pub(crate) fn announce(&self, progress: &dyn Progress) {
        let mut lines: Vec<String> =
            self.changes.alterations.iter().map(|change| change.label.clone()).collect();
        let mut seen = BTreeSet::new();
        lines.retain(|line| seen.insert(line.clone()));
        for table in &self.changes.tables {
            match &table.rows {
                Rows::Swap { reason } => {
                    lines.push(format!("{} loaded anew: {reason}", table.name))
                }
                Rows::New => lines.push(format!("{} is new", table.name)),
                Rows::Keep | Rows::Digest { .. } => {}
            }
        }
        let problem = Problem::new("definitions have changed on the source; the target follows")
            .detail(lines.join("; "));
        progress.event(Event::Note(&problem));
    }

    /// The records of the previous edition under the names that tables have now.
    pub(crate) fn renamed(&self, base: &[TableRow]) -> Vec<TableRow> {
        let tables = self.changes.tables.iter();
        let kept = tables.filter_map(|table| {
            let before = table.before.as_ref()?;
            let row = base.iter().find(|row| row.name == *before)?;
            Some(TableRow { name: table.name.clone(), ..row.clone() })
        });
        kept.collect()
    }

    /// Tells units how their rows come. `false` when that cannot be said of one.
    pub(crate) fn instruct(&self, units: &mut [Unit]) -> bool {
        for unit in units {
            if unit.is_routed
                && self.partitions(&self.before, unit) != self.partitions(&self.now, unit)
            {
                return false;
            }
            let tables: Vec<&TableDrift> =
                unit.parts.iter().filter_map(|part| self.table(&part.name)).collect();
            if unit.is_routed && tables.iter().any(|table| table.rows != Rows::Keep) {
                return false;
            }
            let Some(table) = tables.first() else { return false };
            unit.is_late = self.is_altered(table);
            match &table.rows {
                Rows::Keep => {}
                // Whatever keeps the ids from telling anything says so already.
                Rows::Digest { .. } if unit.method != Method::Changes => {}
                Rows::Digest { reason } => unit.method = Method::Digest(reason.clone()),
                Rows::Swap { reason } => {
                    unit.method = Method::Reload(reason.clone());
                    unit.beside = Some(place(&unit.name));
                }
                Rows::New => {
                    unit.method = Method::Reload("it is new".to_owned());
                    unit.beside = Some(place(&unit.name));
                }
            }
        }
        true
    }

    /// The partitions of a routed unit, each with its place.
    fn partitions(&self, shape: &Shape, unit: &Unit) -> BTreeSet<(u32, Option<String>)> {
        let mut line = BTreeSet::from([&unit.name]);
        loop {
            let parts = shape.tables.iter().filter(|t| t.parents.iter().any(|p| line.contains(p)));
            let more: BTreeSet<&Name> = parts.map(|table| &table.name).collect();
            let known = line.len();
            line.extend(more);
            if line.len() == known {
                break;
            }
        }
        let parts = shape.tables.iter().filter(|table| line.contains(&table.name));
        parts.map(|table| (table.oid, table.bound.clone())).collect()
    }

    fn table(&self, name: &Name) -> Option<&TableDrift> {
        self.changes.tables.iter().find(|table| table.name == *name)
    }

    /// Whether the target's table has other columns, or another name, than after publishing.
    fn is_altered(&self, table: &TableDrift) -> bool {
        let before = table.before.as_ref().and_then(|name| self.before.table(name));
        let now = self.now.table(&table.name);
        let (Some(before), Some(now)) = (before, now) else { return true };
        let columns = |table: &pg::shape::Table| -> Vec<(i16, String, String)> {
            let columns = table.columns.iter();
            columns.map(|c| (c.number, c.name.clone(), c.type_name.clone())).collect()
        };
        before.name != now.name || columns(before) != columns(now)
    }

    /// The tables that are made beside, with how.
    pub(crate) fn beside(&self) -> impl Iterator<Item = (&TableDrift, CreatePlan)> {
        let made = |table: &&TableDrift| matches!(table.rows, Rows::Swap { .. } | Rows::New);
        let tables = self.changes.tables.iter().filter(made);
        tables.filter_map(|table| {
            Some((table, create_plan(&self.now, &table.name, &place(&table.name))?))
        })
    }

    /// Whether files change behind names: then no reader may hold an older snapshot.
    pub(crate) fn swaps(&self) -> bool {
        self.beside().next().is_some()
    }

    /// What needs no publishing, and the empty tables beside.
    pub(crate) async fn prepare(&self, session: &Session) -> anyhow::Result<()> {
        for change in self.phase(Phase::Early) {
            session.batch(&change.sql).await?;
        }
        clear_beside(session).await?;
        for (table, plan) in self.beside() {
            let schema = quote_identifier(&place(&table.name).schema);
            session.batch(&format!("CREATE SCHEMA IF NOT EXISTS {schema}")).await?;
            session.batch(&plan.table).await?;
        }
        Ok(())
    }

    /// Indexes, constraints and statistics of the tables beside, once their rows are there.
    pub(crate) async fn build(&self, session: &Session) -> anyhow::Result<()> {
        for (table, plan) in self.beside() {
            for statement in &plan.after_rows {
                let label = format!("building {} anew", table.name);
                session.batch(statement).await.map_err(|error| explained(error, &label))?;
            }
            session.batch(&format!("ANALYZE {}", place(&table.name).sql())).await?;
        }
        Ok(())
    }

    fn phase(&self, phase: Phase) -> impl Iterator<Item = &crate::drift::Alteration> {
        let changes = self.changes.alterations.iter().filter(move |c| c.phase == phase);
        changes.filter(|change| !(self.omits_foreign_keys && change.is_foreign_key))
    }

    async fn run(&self, session: &Session, phase: Phase) -> anyhow::Result<()> {
        for change in self.phase(phase) {
            session.batch(&change.sql).await.map_err(|error| explained(error, &change.label))?;
        }
        Ok(())
    }

    /// In the publish transaction, before rows are written. What is returned is put back by
    /// [`Followed::after_rows`].
    pub(crate) async fn before_rows(
        &self,
        session: &Session,
        hook: Option<&dyn OnPublish>,
    ) -> anyhow::Result<Dropped> {
        let is_owned = |name: &Name| hook.is_some_and(|hook| hook.owns(name));
        session.batch("SET LOCAL check_function_bodies = off").await?;
        self.run(session, Phase::First).await?;
        let Changes { replaced, altered, views, .. } = &self.changes;
        let mut saved = Saved::of_relations(session, replaced, altered).await?;
        // Production's own indexes come with the definitions.
        saved.leave_indexes(|name| {
            self.before.has_index(name) || self.now.has_index(name) || is_owned(name)
        });
        for view in views {
            match &view.query {
                Some(query) if view.is_new => {
                    saved.add_view(&view.name, query, view.options.as_deref());
                }
                // Somebody may have dropped it in the target.
                query => _ = saved.redefine(&view.name, query.as_deref()),
            }
        }
        for statement in saved.drop_sql() {
            session.batch(&statement).await?;
        }
        self.run(session, Phase::Before).await?;
        for (table, plan) in self.beside() {
            if matches!(table.rows, Rows::Swap { .. }) {
                session.batch(&format!("DROP TABLE IF EXISTS {}", table.name.sql())).await?;
            }
            for statement in &plan.swap {
                let label = format!("moving {} into its place", table.name);
                session.batch(statement).await.map_err(|error| explained(error, &label))?;
            }
        }
        let new = self.changes.tables.iter().filter(|table| table.rows == Rows::New);
        let new: Vec<Name> = new.map(|table| table.name.clone()).collect();
        edition::grant_defaults(session, &new).await?;
        let owned = saved.split_off(is_owned);
        Ok(Dropped { saved, owned })
    }

    /// In the publish transaction, after rows were written.
    pub(crate) async fn after_rows(
        &self,
        session: &Session,
        dropped: &Dropped,
    ) -> anyhow::Result<()> {
        self.run(session, Phase::After).await?;
        dropped.saved.restore(session).await?;
        self.run(session, Phase::Last).await
    }
}

/// Where a table stands until it takes its place; each schema has one of its own, as indexes have
/// their final names.
pub(crate) fn place(name: &Name) -> Name {
    name.in_schema(&copy::beside(copy::NEXT, &name.schema))
}

/// Drops what a killed run left beside.
pub(crate) async fn clear_beside(session: &Session) -> anyhow::Result<()> {
    let sql = "SELECT nspname::text FROM pg_catalog.pg_namespace \
               WHERE nspname LIKE 'levada\\_next\\_%' ORDER BY 1";
    for row in session.rows(sql, &[]).await? {
        let schema = quote_identifier(row.get(0));
        session.batch(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE")).await?;
    }
    Ok(())
}

fn explained(error: pg::Error, label: &str) -> anyhow::Error {
    if error.is_retryable() {
        return error.into();
    }
    let problem = Problem::new(format!("the target cannot follow: {label}"))
        .detail(error.to_string())
        .hint("the published edition is unchanged; levada run --replace builds the edition anew");
    problem.into()
}

/// Facts about the target as it is inside the publish transaction.
pub(crate) fn facts(unit: &mut Unit, source: &Catalog, target: &Catalog) -> anyhow::Result<()> {
    let sides = source.table(&unit.name).zip(target.table(&unit.name));
    let Some((there, here)) = sides else {
        let problem = Problem::new(format!("the target has no table {}", unit.name))
            .hint("levada run --replace builds the edition anew");
        return Err(problem.into());
    };
    unit.facts = crate::unit::Facts::of(there, here);
    Ok(())
}
