//! What is brought up to date as one: a table, or a partitioned table whose rows find other
//! partitions in the target. And how it is done. Pure.

use std::collections::BTreeMap;

use copy::{Deletes, Format, Mode, Plan, PlannedTable};
use edition::TableRow;
use pg::Name;
use pg::catalog::{Catalog, Column, Table};
use report::Problem;

/// How the rows of a unit are brought up to date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Method {
    /// Rows written since the previous edition, by their transaction ids.
    Changes,
    /// Digests of both sides tell where they differ; the reason is for people.
    Digest(String),
    /// All rows are read.
    Reload(String),
}

impl Method {
    /// The word in records and reports.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Changes => "changes",
            Self::Digest(_) => "digest",
            Self::Reload(_) => "reload",
        }
    }

    pub(crate) fn reason(&self) -> Option<&str> {
        match self {
            Self::Changes => None,
            Self::Digest(reason) | Self::Reload(reason) => Some(reason),
        }
    }
}

/// A unit of refreshing.
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    /// Where rows are read and written: the table, or the router of its parts.
    pub(crate) name: Name,
    /// The tables that hold the rows on the source.
    pub(crate) parts: Vec<PlannedTable>,
    pub(crate) is_routed: bool,
    pub(crate) columns: Vec<String>,
    /// As the source has them, generated ones included.
    pub(crate) definitions: Vec<Column>,
    pub(crate) mode: Mode,
    pub(crate) filter: Option<String>,
    pub(crate) deletes: Deletes,
    pub(crate) format: Format,
    pub(crate) bytes: u64,
    pub(crate) is_heap: bool,
    pub(crate) method: Method,
    /// Rows in the target, as the previous edition left them.
    pub(crate) base_rows: Option<i64>,
    pub(crate) facts: Facts,
    /// Its definition changes: the target is asked about its rows inside the publish transaction.
    pub(crate) is_late: bool,
    /// Its rows are loaded here, and the table then takes the place of the old one.
    pub(crate) beside: Option<Name>,
}

/// What the target says of the table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Columns that name exactly one row on both sides; empty where there are none.
    pub(crate) key: Vec<String>,
    /// Whether `ON CONFLICT` may use the key.
    pub(crate) is_arbiter: bool,
    /// Whether other unique indexes or exclusion constraints may be in the way of an upsert.
    pub(crate) has_other_keys: bool,
    /// Columns that an `UPDATE` cannot set.
    pub(crate) fixed_columns: Vec<String>,
}

impl Facts {
    /// Reads them off both sides' catalogues.
    pub(crate) fn of(source: &Table, target: &Table) -> Self {
        let sides = source.keys.iter().filter(|key| key.is_usable).find_map(|key| {
            let same = |other: &&pg::catalog::Key| {
                other.is_usable && is_same_set(&other.columns, &key.columns)
            };
            let is_carried = |name: &String| source.column(name).is_some_and(|c| !c.is_generated);
            let same =
                |other: &&pg::catalog::Key| same(other) && key.columns.iter().all(is_carried);
            target.keys.iter().find(same)
        });
        let fixed = target.columns.iter().filter(|column| column.is_always_identity);
        Self {
            key: sides.map(|key| key.columns.clone()).unwrap_or_default(),
            is_arbiter: sides.is_some_and(|key| key.is_immediate),
            has_other_keys: target.keys.len() > 1,
            fixed_columns: fixed.map(|column| column.name.clone()).collect(),
        }
    }
}

fn is_same_set(left: &[String], right: &[String]) -> bool {
    left.len() == right.len() && left.iter().all(|column| right.contains(column))
}

impl Unit {
    /// The table in a query: rows of children are units of their own.
    pub(crate) fn relation(&self) -> String {
        let only = if self.is_routed { "" } else { "ONLY " };
        format!("{only}{}", self.name.sql())
    }

    /// The filter as an SQL condition.
    pub(crate) fn condition(&self) -> String {
        self.filter.as_ref().map_or("true".to_owned(), |filter| format!("({filter})"))
    }

    /// Whether the target keeps rows that production has deleted.
    pub(crate) fn keeps_rows(&self) -> bool {
        self.deletes == Deletes::Keep || self.mode == Mode::Append
    }

    /// Without a key rows cannot be told apart, so nothing can be kept or appended.
    pub(crate) fn refuse_what_needs_a_key(&self) -> Result<(), Problem> {
        let name = &self.name;
        let wanted = match (self.mode, self.deletes) {
            (Mode::Append, _) => "mode = \"append\"",
            (_, Deletes::Keep) => "deletes = \"keep\"",
            _ => return Ok(()),
        };
        if !self.facts.key.is_empty() {
            return Ok(());
        }
        Err(Problem::new(format!("[tables] {wanted} of {name} needs a key"))
            .detail(
                "a primary key, or a unique index of columns that are never NULL, on both sides",
            )
            .hint("without one, use mode = \"refresh\": it compares rows by their digests"))
    }

    /// Whether the record of the previous edition proves what the target holds.
    fn judge(&mut self, base: &[&TableRow], plain: &Method) {
        let expected: Vec<u32> = self.parts.iter().map(|part| part.oid).collect();
        let mut recorded: Vec<u32> = base.iter().filter_map(|row| row.source_oid).collect();
        recorded.sort_unstable();
        let mut sorted = expected;
        sorted.sort_unstable();
        self.base_rows = base.iter().map(|row| row.rows).sum();
        let had_rows = |row: &&TableRow| ["refresh", "append", "reload"].contains(&&*row.mode);
        let digest = |reason: &str| Method::Digest(reason.to_owned());
        self.method = if self.mode == Mode::Reload {
            Method::Reload("its mode says so".to_owned())
        } else if !base.iter().all(had_rows) {
            digest("the previous edition did not carry its rows")
        } else if recorded != sorted && *plain == Method::Changes {
            digest("it is another table than that of the previous edition")
        } else if self.base_rows.is_none() {
            digest("the previous edition did not record how many rows it has")
        } else if base.iter().any(|row| row.filter != self.filter) {
            digest("its filter has changed")
        } else if base.iter().any(|row| row.deletes == "keep") && self.deletes == Deletes::Mirror {
            digest("deleted rows are not kept any more")
        } else if base.iter().any(|row| row.mode == "append") && self.mode != Mode::Append {
            digest("until now only new rows were carried")
        } else if !self.is_heap {
            digest("its access method keeps no transaction ids that we know")
        } else {
            plain.clone()
        };
    }
}

/// The units of a plan, largest first. `plain` is how tables are refreshed of which nothing special
/// is known.
pub(crate) fn units(plan: &Plan, source: &Catalog, base: &[TableRow], plain: &Method) -> Vec<Unit> {
    let mut routed: BTreeMap<&Name, Vec<&PlannedTable>> = BTreeMap::new();
    let mut units = Vec::new();
    for table in plan.tables.iter().filter(|table| !table.ranges.is_empty()) {
        match &table.router {
            Some(router) => routed.entry(router).or_default().push(table),
            None => units.push(unit(&table.name, vec![table], source)),
        }
    }
    units.extend(routed.into_iter().map(|(router, parts)| unit(router, parts, source)));
    for unit in &mut units {
        let names: Vec<&Name> = unit.parts.iter().map(|part| &part.name).collect();
        let rows: Vec<&TableRow> = base.iter().filter(|row| names.contains(&&row.name)).collect();
        unit.judge(&rows, plain);
    }
    units.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
    units
}

fn unit(name: &Name, parts: Vec<&PlannedTable>, source: &Catalog) -> Unit {
    let first = parts[0];
    let is_heap = |part: &&PlannedTable| source.table(&part.name).is_some_and(|t| t.is_heap);
    Unit {
        name: name.clone(),
        is_routed: first.router.is_some(),
        columns: first.columns.clone(),
        definitions: source.table(name).map(|table| table.columns.clone()).unwrap_or_default(),
        mode: first.mode,
        filter: first.filter.clone(),
        deletes: first.deletes,
        format: match parts.iter().all(|part| part.format == Format::Binary) {
            true => Format::Binary,
            false => Format::Text,
        },
        bytes: parts.iter().map(|part| part.bytes).sum(),
        is_heap: parts.iter().all(is_heap),
        method: Method::Changes,
        base_rows: None,
        facts: Facts::default(),
        is_late: false,
        beside: None,
        parts: parts.into_iter().cloned().collect(),
    }
}
