//! What the difference between two shapes asks of the target. Pure.
//!
//! It follows what it knows exactly how to follow, and asks for a rebuild of the whole edition
//! otherwise: it never guesses.

use std::collections::{HashMap, HashSet};

use pg::{Name, quote_literal};

use crate::shape::{Enum, Routine, Shape, Table};
use crate::table_drift;
use crate::table_sql::comment;

/// What a refresh has to do about definitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drift {
    /// No cheap way is known.
    Rebuild {
        reasons: Vec<String>,
    },
    Follow(Changes),
}

/// How definitions are followed.
///
/// In the publish transaction: [`Phase::First`]; save and drop what depends on `replaced` and
/// `altered`, giving the saved views their `views`; [`Phase::Before`]; drop the old one of each
/// swapped table and move in the swapped and new ones; apply rows; [`Phase::After`]; restore what
/// was saved; [`Phase::Last`]. The transaction needs `check_function_bodies = off`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// In the order in which they run.
    pub alterations: Vec<Alteration>,
    /// One for each table of the new shape, parents before partitions.
    pub tables: Vec<TableDrift>,
    /// Tables and views that go, some to be replaced, by the names they have after
    /// [`Phase::First`].
    pub replaced: Vec<Name>,
    /// Tables that stay, but are altered in a way that views forbid.
    pub altered: Vec<Name>,
    pub views: Vec<ViewChange>,
}

/// When an alteration runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Before publishing, in a transaction of its own: additive, unseen, and harmless when it runs
    /// again.
    Early,
    /// In the publish transaction, before dependents are saved: they follow a renaming.
    First,
    /// Before the rows.
    Before,
    /// After the rows.
    After,
    /// After dependents are back.
    Last,
}

/// One statement on the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alteration {
    pub phase: Phase,
    pub(crate) rank: u8,
    /// For a person: `public.loan: column returned_at added`.
    pub label: String,
    pub sql: String,
    /// Adds, renames or describes a foreign key; an edition may do without.
    pub is_foreign_key: bool,
}

/// How the rows of a table come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rows {
    /// `xmin` tells what has changed.
    Keep,
    /// `xmin` proves nothing, but the columns are the same: compare all rows.
    Digest { reason: String },
    /// Load it beside and let it take the old one's place.
    Swap { reason: String },
    /// Load it beside; there is no old one.
    New,
}

/// What becomes of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDrift {
    pub name: Name,
    /// Under which name the previous edition had it.
    pub before: Option<Name>,
    /// Has no rows itself.
    pub is_partitioned: bool,
    pub rows: Rows,
}

/// A view of production that is another one now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewChange {
    pub name: Name,
    /// `None`: the view is gone.
    pub query: Option<String>,
    /// As in `WITH (…)`.
    pub options: Option<String>,
    /// The target does not have it yet.
    pub is_new: bool,
}

impl Changes {
    /// Whether nothing is to be done about definitions.
    pub fn is_empty(&self) -> bool {
        let is_same = |table: &TableDrift| {
            table.rows == Rows::Keep && table.before.as_ref() == Some(&table.name)
        };
        self.alterations.is_empty() && self.views.is_empty() && self.tables.iter().all(is_same)
    }
}

/// Compares the definitions of the previous edition's source with those of now.
pub fn diff(before: &Shape, now: &Shape) -> Drift {
    let mut work = Work { before, now, changes: Changes::default(), reasons: Vec::new() };
    work.others();
    work.enums();
    work.routines();
    table_drift::tables(&mut work);
    work.sequences();
    work.views();
    if !work.reasons.is_empty() {
        work.reasons.sort();
        work.reasons.dedup();
        return Drift::Rebuild { reasons: work.reasons };
    }
    let mut changes = work.changes;
    changes.alterations.sort_by_key(|alteration| (alteration.phase, alteration.rank));
    for list in [&mut changes.replaced, &mut changes.altered] {
        list.sort();
        list.dedup();
    }
    Drift::Follow(changes)
}

/// The comparison under way.
pub(crate) struct Work<'a> {
    pub(crate) before: &'a Shape,
    pub(crate) now: &'a Shape,
    pub(crate) changes: Changes,
    pub(crate) reasons: Vec<String>,
}

impl Work<'_> {
    pub(crate) fn rebuild(&mut self, reason: impl Into<String>) {
        self.reasons.push(reason.into());
    }

    /// `rank` orders within a phase.
    pub(crate) fn alter(&mut self, phase: Phase, rank: u8, label: String, sql: String) {
        let is_foreign_key = false;
        self.changes.alterations.push(Alteration { phase, rank, label, sql, is_foreign_key });
    }

    /// Marks what was asked for since there were `count` alterations.
    pub(crate) fn is_about_foreign_key(&mut self, count: usize) {
        for alteration in &mut self.changes.alterations[count..] {
            alteration.is_foreign_key = true;
        }
    }

    pub(crate) fn comment(&mut self, phase: Phase, on: &str, texts: [Option<&str>; 2]) {
        if texts[0] != texts[1] {
            self.alter(phase, 90, format!("comment on {on}"), comment(on, texts[1]));
        }
    }

    fn others(&mut self) {
        let list = |shape: &Shape| -> HashMap<(String, String), String> {
            let others = shape.others.iter();
            others
                .map(|other| ((other.kind.clone(), other.name.clone()), other.definition.clone()))
                .collect()
        };
        let (before, now) = (list(self.before), list(self.now));
        for (kind, name) in before.keys().chain(now.keys()) {
            let key = (kind.clone(), name.clone());
            match (before.get(&key), now.get(&key)) {
                (Some(_), None) => self.rebuild(format!("{kind} {name} was dropped")),
                (None, Some(_)) => self.rebuild(format!("{kind} {name} is new")),
                (was, is) if was != is => self.rebuild(format!("{kind} {name} changed")),
                _ => {}
            }
        }
    }

    fn enums(&mut self) {
        for now in &self.now.enums {
            match self.before.enums.iter().find(|before| before.oid == now.oid) {
                Some(before) if before.name != now.name => {
                    self.rebuild(format!("type {} was renamed", now.name));
                }
                Some(before) => self.labels(before, now),
                None if self.before.enums.iter().any(|before| before.name == now.name) => {
                    self.rebuild(format!("type {} was created again", now.name));
                }
                None => self.new_enum(now),
            }
        }
        for before in &self.before.enums {
            if !self.now.enums.iter().any(|now| now.oid == before.oid) {
                let sql = format!("DROP TYPE IF EXISTS {}", before.name.sql());
                self.alter(Phase::After, 80, format!("type {} dropped", before.name), sql);
            }
        }
    }

    fn new_enum(&mut self, now: &Enum) {
        let labels: Vec<String> = now.labels.iter().map(|l| quote_literal(&l.text)).collect();
        let create = format!("CREATE TYPE {} AS ENUM ({})", now.name.sql(), labels.join(", "));
        let sql = include_str!("sql/create_enum.sql")
            .replace("@labels@", &quote_literal(&labels.join(", ")))
            .replace("@schema@", &quote_literal(&now.name.schema))
            .replace("@name@", &quote_literal(&now.name.name))
            .replace("@create@", &quote_literal(&create));
        let sql = format!("DO {}", quote_literal(&sql));
        self.alter(Phase::Early, 0, format!("type {} added", now.name), sql);
        let on = format!("TYPE {}", now.name.sql());
        self.comment(Phase::After, &on, [None, now.comment.as_deref()]);
    }

    fn labels(&mut self, before: &Enum, now: &Enum) {
        let (name, sql_name) = (&now.name, now.name.sql());
        let is_known = |oid: u32| before.labels.iter().find(|label| label.oid == oid);
        let is_left = |oid: u32| now.labels.iter().any(|label| label.oid == oid);
        if before.labels.iter().any(|label| !is_left(label.oid)) {
            return self.rebuild(format!("type {name} lost a label"));
        }
        let mut neighbour: Option<&str> = None;
        for label in &now.labels {
            let text = quote_literal(&label.text);
            let is_taken = before.labels.iter().any(|other| other.text == label.text);
            // The target still has the old texts when labels are added.
            let Some(known) = is_known(label.oid) else {
                let first = before.labels.first().map(|label| label.text.as_str());
                let place = match (neighbour, first) {
                    (Some(previous), _) => format!(" AFTER {}", quote_literal(previous)),
                    (None, Some(first)) => format!(" BEFORE {}", quote_literal(first)),
                    (None, None) => String::new(),
                };
                if is_taken {
                    return self.rebuild(format!("labels of type {name} changed places"));
                }
                let sql = format!("ALTER TYPE {sql_name} ADD VALUE IF NOT EXISTS {text}{place}");
                self.alter(Phase::Early, 1, format!("type {name}: label added"), sql);
                neighbour = Some(&label.text);
                continue;
            };
            if known.text != label.text {
                if is_taken {
                    return self.rebuild(format!("labels of type {name} changed places"));
                }
                // Rows are staged under the new label before the target knows it.
                return self.rebuild(format!("a label of type {name} was renamed"));
            }
            neighbour = Some(&known.text);
        }
        let texts = [before.comment.as_deref(), now.comment.as_deref()];
        self.comment(Phase::After, &format!("TYPE {sql_name}"), texts);
    }

    fn routines(&mut self) {
        let key = |routine: &Routine| routine.sql();
        let before: HashMap<String, &Routine> =
            self.before.routines.iter().map(|routine| (key(routine), routine)).collect();
        let keys: HashSet<String> = self.now.routines.iter().map(key).collect();
        for now in &self.now.routines {
            let name = format!("{}({})", now.name, now.arguments);
            let old = before.get(&key(now)).copied();
            let is_renamed = self.before.routines.iter().any(|old| old.oid == now.oid);
            match old {
                Some(old)
                    if old.definition == now.definition
                        && old.kind == now.kind
                        && old.sign == now.sign => {}
                _ if now.kind == "AGGREGATE" || now.is_bound => {
                    self.rebuild(format!("routine {name} is new or changed"));
                }
                None if is_renamed => self.rebuild(format!("routine {name} was renamed")),
                Some(old) if old.signature != now.signature => {
                    self.rebuild(format!("routine {name} has another signature"));
                }
                _ if self.is_computed_with(now) => {
                    self.rebuild(format!("rows are computed with routine {name}, which changed"));
                }
                _ => {
                    let what = if old.is_some() { "changed" } else { "added" };
                    let label = format!("routine {name} {what}");
                    let mut sql = now.definition.clone();
                    if old.is_none() {
                        // It may be the name of one that readers made.
                        sql = sql.replacen("CREATE OR REPLACE ", "CREATE ", 1);
                    }
                    self.alter(Phase::Before, 0, label, sql);
                }
            }
            let on = format!("{} {}", now.kind, now.sql());
            let old = old.and_then(|old| old.comment.as_deref());
            self.comment(Phase::After, &on, [old, now.comment.as_deref()]);
        }
        for old in &self.before.routines {
            if !keys.contains(&key(old)) {
                let label = format!("routine {}({}) dropped", old.name, old.arguments);
                let sql = format!("DROP {} IF EXISTS {}", old.kind, old.sql());
                self.alter(Phase::After, 70, label, sql);
            }
        }
    }

    /// Whether a generated column, a check or an index might call the routine.
    fn is_computed_with(&self, routine: &Routine) -> bool {
        let name = &routine.name.name;
        let is_letter = |letter: char| letter.is_alphanumeric() || letter == '_';
        let is_word = name.chars().all(is_letter);
        let speaks = |text: &str| match is_word {
            true => text.split(|letter| !is_letter(letter)).any(|word| word == name),
            false => text.contains(name.as_str()),
        };
        self.now.tables.iter().any(|table| {
            let generated = table.columns.iter().filter(|column| !column.generated.is_empty());
            generated.filter_map(|column| column.expression.as_deref()).any(speaks)
                || table.constraints.iter().any(|constraint| speaks(&constraint.definition))
                || table.indexes.iter().filter_map(|index| index.body.as_deref()).any(speaks)
                || table.partition_key.as_deref().is_some_and(speaks)
        })
    }

    /// Gives a relation its new name, before anything is saved.
    pub(crate) fn rename(&mut self, kind: &str, before: &Name, now: &Name) {
        // Readers mean a name, the catalogue means what bore it: only where both agree is it safe.
        if is_known(self.before, now) || is_known(self.now, before) {
            return self.rebuild(format!("names were exchanged: {before} is {now} now"));
        }
        let mut here = before.clone();
        if before.schema != now.schema {
            let schema = pg::quote_identifier(&now.schema);
            let sql = format!("ALTER {kind} {} SET SCHEMA {schema}", before.sql());
            self.alter(Phase::First, 20, format!("{before} moved to {}", now.schema), sql);
            here.schema.clone_from(&now.schema);
            if is_known(self.before, &here) {
                self.rebuild(format!("{before} was moved and renamed"));
            }
        }
        if before.name != now.name {
            let name = pg::quote_identifier(&now.name);
            let sql = format!("ALTER {kind} {} RENAME TO {name}", here.sql());
            self.alter(Phase::First, 21, format!("{before} renamed to {now}"), sql);
        }
    }
}

/// Whether a relation of this name is in `shape`.
fn is_known(shape: &Shape, name: &Name) -> bool {
    let in_table = |table: &Table| {
        let inside = |other: &str| other == name.name && table.name.schema == name.schema;
        table.name == *name
            || table.indexes.iter().any(|index| inside(&index.name))
            || table.constraints.iter().any(|key| key.kind != "f" && inside(&key.name))
    };
    shape.tables.iter().any(in_table)
        || shape.views.iter().any(|view| view.name == *name)
        || shape.sequences.iter().any(|sequence| sequence.name == *name)
}
