//! The difference between the views of two shapes. Pure.

use crate::drift::{Phase, ViewChange, Work};
use crate::shape::View;

impl Work<'_> {
    /// Compares all views.
    pub(crate) fn views(&mut self) {
        for now in &self.now.views {
            let by_oid = self.before.views.iter().find(|before| before.oid == now.oid);
            let by_name = self.before.views.iter().find(|before| before.name == now.name);
            match by_oid.or(by_name) {
                Some(before) => self.view(before, now),
                None if now.is_materialized => {
                    self.rebuild(format!("materialized view {} is new", now.name));
                }
                None => {
                    self.changes.views.push(view_change(now, true));
                    self.view_comments(None, now);
                }
            }
        }
        for before in &self.before.views {
            let is_left = |now: &View| now.oid == before.oid || now.name == before.name;
            if !self.now.views.iter().any(is_left) {
                self.changes.replaced.push(before.name.clone());
                let change = ViewChange {
                    name: before.name.clone(),
                    query: None,
                    options: None,
                    is_new: false,
                };
                self.changes.views.push(change);
            }
        }
    }

    fn view(&mut self, before: &View, now: &View) {
        if before.is_materialized != now.is_materialized || before.options != now.options {
            return self.rebuild(format!("view {} has other options", now.name));
        }
        if before.name != now.name {
            let kind = if now.is_materialized { "MATERIALIZED VIEW" } else { "VIEW" };
            self.rename(kind, &before.name, &now.name);
        }
        let names = |view: &View| -> Vec<String> {
            view.columns.iter().map(|column| column.name.clone()).collect()
        };
        let is_unchanged = before.query == now.query
            || before.oid == now.oid && before.sign.is_some() && before.sign == now.sign;
        if !is_unchanged || names(before) != names(now) {
            if now.is_materialized {
                return self.rebuild(format!("materialized view {} changed", now.name));
            }
            self.changes.replaced.push(now.name.clone());
            self.changes.views.push(view_change(now, false));
        }
        if before.indexes != now.indexes {
            self.rebuild(format!("indexes of materialized view {} changed", now.name));
        }
        self.view_comments(Some(before), now);
    }

    fn view_comments(&mut self, before: Option<&View>, now: &View) {
        let kind = if now.is_materialized { "MATERIALIZED VIEW" } else { "VIEW" };
        let name = now.name.sql();
        let old = before.and_then(|before| before.comment.as_deref());
        self.comment(Phase::Last, &format!("{kind} {name}"), [old, now.comment.as_deref()]);
        for column in &now.columns {
            let old = before.and_then(|before| {
                let mut columns = before.columns.iter();
                columns.find(|old| old.name == column.name)?.comment.as_deref()
            });
            let on = format!("COLUMN {name}.{}", pg::quote_identifier(&column.name));
            self.comment(Phase::Last, &on, [old, column.comment.as_deref()]);
        }
    }
}

fn view_change(view: &View, is_new: bool) -> ViewChange {
    let (query, options) = (Some(view.query.clone()), view.options.clone());
    ViewChange { name: view.name.clone(), query, options, is_new }
}
