//! What a refresh did, as the records of its edition and as a report.

use copy::{Plan, is_large_objects};
use edition::TableRow;

use crate::run::{Refreshed, TableReport};
use crate::settle::{Ignored, Settled};
use crate::unit::Unit;
use crate::write::Written;

/// What came of the units, in their order.
pub(crate) struct Outcome<'a> {
    pub(crate) units: &'a [Unit],
    pub(crate) settled: &'a [Settled],
    pub(crate) written: &'a [Written],
}

impl Outcome<'_> {
    /// The records of the tables of the new edition; `base` are those of the one before.
    pub(crate) fn records(&self, plan: &Plan, base: &[TableRow]) -> Vec<TableRow> {
        let tables = plan.tables.iter().filter(|table| !is_large_objects(&table.name));
        let records = tables.map(|table| {
            let known = base.iter().find(|row| row.name == table.name).cloned();
            let (mode, format) = (table.mode.label(), table.format.label());
            let row = TableRow {
                mode: mode.to_owned(),
                format: format.to_owned(),
                reason: table.reason.clone(),
                source_oid: Some(table.oid),
                filter: table.filter.clone(),
                rows: None,
                deletes: table.deletes.label().to_owned(),
                inserted: 0,
                updated: 0,
                deleted: 0,
                ..known.unwrap_or_else(|| TableRow::copied(table.name.clone(), mode, format))
            };
            self.with_rows(row)
        });
        records.collect()
    }

    fn with_rows(&self, row: TableRow) -> TableRow {
        let holds = |unit: &Unit| unit.parts.iter().any(|part| part.name == row.name);
        let Some(at) = self.units.iter().position(holds) else { return row };
        let (unit, settled, written) = (&self.units[at], &self.settled[at], &self.written[at]);
        // Rows that share a router are counted once, at its first part.
        let is_first = unit.parts[0].name == row.name;
        let once = |number: i64| if is_first { number } else { 0 };
        TableRow {
            reason: settled.method.reason().map(str::to_owned),
            rows: Some(once(settled.rows)),
            method: settled.method.label().to_owned(),
            inserted: once(written.inserted),
            updated: once(written.updated),
            deleted: once(written.deleted),
            ..row
        }
    }

    /// The report of edition `number`.
    pub(crate) fn report(&self, number: i32, run: i32, as_of: Option<String>) -> Refreshed {
        let tables = self.tables();
        let sum = |field: fn(&TableReport) -> i64| tables.iter().map(field).sum();
        Refreshed {
            edition: number,
            run,
            as_of,
            rows: sum(|table| table.rows),
            inserted: sum(|table| table.inserted),
            updated: sum(|table| table.updated),
            deleted: sum(|table| table.deleted),
            tables,
            ..Refreshed::default()
        }
    }

    fn tables(&self) -> Vec<TableReport> {
        let all = self.units.iter().zip(self.settled).zip(self.written);
        let reports = all.map(|((unit, settled), written)| {
            let Ignored { changed, deleted } = settled.ignored;
            TableReport {
                name: unit.name.to_string(),
                method: settled.method.label(),
                reason: settled.method.reason().map(str::to_owned),
                rows: settled.rows,
                inserted: written.inserted,
                updated: written.updated,
                deleted: written.deleted,
                ignored_changed: changed,
                ignored_deleted: deleted,
            }
        });
        reports.collect()
    }
}
