//! The difference between the sequences of two shapes. Pure.

use std::collections::HashSet;

use pg::Name;

use crate::drift::{Phase, Rows, Work};
use crate::shape::Sequence;

impl Work<'_> {
    /// Compares all sequences; tables come first.
    pub(crate) fn sequences(&mut self) {
        let swapped = self.remade();
        for now in &self.now.sequences {
            let mut known = self.before.sequences.iter().filter(|before| is_same(before, now));
            let by_oid = known.clone().find(|before| before.oid == now.oid);
            match by_oid.or_else(|| known.next()) {
                Some(before) => self.sequence(before, now, &swapped),
                None => self.new_sequence(now),
            }
        }
        for before in &self.before.sequences {
            if before.is_identity || self.now.sequences.iter().any(|now| is_same(before, now)) {
                continue;
            }
            let goes_along = before.owner.as_ref().is_some_and(|owner| {
                let now = self.table_now(&owner.table);
                now.is_none_or(|now| swapped.contains(&now))
                    || self.column_now(&owner.table, &owner.column).is_none()
            });
            if before.is_shared {
                self.rebuild(format!("sequence {} was dropped", before.name));
            } else if !goes_along {
                let sql = format!("DROP SEQUENCE IF EXISTS {}", before.name.sql());
                self.alter(Phase::Before, 30, format!("sequence {} dropped", before.name), sql);
            }
        }
    }

    fn new_sequence(&mut self, now: &Sequence) {
        if now.is_identity {
            return;
        }
        let (name, kind) = (now.name.sql(), &now.type_name);
        let sql = format!("CREATE SEQUENCE {name} AS {kind} {}", now.options);
        self.alter(Phase::Before, 80, format!("sequence {} added", now.name), sql);
        self.own(now);
        self.comment(Phase::After, &format!("SEQUENCE {name}"), [None, now.comment.as_deref()]);
    }

    fn own(&mut self, now: &Sequence) {
        if let Some(owner) = &now.owner {
            let column = pg::quote_identifier(&owner.column);
            let (name, table) = (now.name.sql(), owner.table.sql());
            let sql = format!("ALTER SEQUENCE {name} OWNED BY {table}.{column}");
            self.alter(Phase::After, 5, format!("owner of sequence {}", now.name), sql);
        }
    }

    /// Tables that are created for this edition.
    fn remade(&self) -> HashSet<Name> {
        let remade = self
            .changes
            .tables
            .iter()
            .filter(|table| matches!(table.rows, Rows::Swap { .. } | Rows::New));
        remade.map(|table| table.name.clone()).collect()
    }

    fn table_now(&self, before: &Name) -> Option<Name> {
        let mut tables = self.changes.tables.iter();
        tables.find(|table| table.before.as_ref() == Some(before)).map(|table| table.name.clone())
    }

    /// What a column of the previous edition is called now.
    fn column_now(&self, table: &Name, column: &str) -> Option<String> {
        let before = self.before.table(table)?;
        let number = before.columns.iter().find(|c| c.name == column)?.number;
        let now = self.now.table(&self.table_now(table)?)?;
        let is_it = |c: &&crate::shape::Column| match now.oid == before.oid {
            true => c.number == number,
            false => c.name == column,
        };
        now.columns.iter().find(is_it).map(|c| c.name.clone())
    }

    fn sequence(&mut self, before: &Sequence, now: &Sequence, swapped: &HashSet<Name>) {
        let name = now.name.sql();
        let is_remade = now.owner.as_ref().is_some_and(|owner| swapped.contains(&owner.table));
        if now.is_identity && is_remade {
            return;
        }
        if before.name != now.name {
            self.rename("SEQUENCE", &before.name, &now.name);
        }
        if (&before.type_name, &before.options) != (&now.type_name, &now.options) {
            let sql = format!("ALTER SEQUENCE {name} AS {} {}", now.type_name, now.options);
            self.alter(Phase::After, 50, format!("sequence {} changed", now.name), sql);
        }
        let owned_before = before.owner.as_ref().and_then(|owner| {
            let column = self.column_now(&owner.table, &owner.column);
            Some((self.table_now(&owner.table)?, column?))
        });
        let owned_now = now.owner.as_ref().map(|o| (o.table.clone(), o.column.clone()));
        if !now.is_identity && (owned_before != owned_now || is_remade) {
            // Otherwise it would be dropped with its old table or column.
            let sql = format!("ALTER SEQUENCE {name} OWNED BY NONE");
            self.alter(Phase::Before, 25, format!("owner of sequence {}", now.name), sql);
            self.own(now);
        }
        let texts = [before.comment.as_deref(), now.comment.as_deref()];
        self.comment(Phase::After, &format!("SEQUENCE {name}"), texts);
    }
}

/// A sequence that another of the same name has replaced is the same, unless one of them is part of
/// a column.
fn is_same(before: &Sequence, now: &Sequence) -> bool {
    before.is_identity == now.is_identity && (before.oid == now.oid || before.name == now.name)
}
