//! Rollups: statistics per bucket of a business calendar and per dimensions, exact at every
//! edition, because what they count and what changes of it are published together.
//!
//! `definition` checks what `config` declares, `inspect` asks the server what its query is,
//! `statements` writes the queries. `touched` finds the buckets of changed rows, `fill` brings them
//! up to date, `states` says how they age, `totals` adds them up, `audit` counts some of them again,
//! `late` tells what could not be counted, `records` writes it all down. `keyed` is for rollups
//! without a calendar, with `match_nulls` for dimensions that are NULL; `sketch` for estimates.

mod audit;
mod check;
mod config;
mod definition;
mod fill;
mod inspect;
mod keyed;
mod late;
mod match_nulls;
mod records;
mod sketch;
mod statements;
mod states;
mod totals;
mod touched;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use edition::Publishing;
use pg::{Name, Session};
use report::{Category, Finding, Problem};

use crate::bindings::Image;
use crate::sections::Sections;
pub use config::{Distinct, Measure, Rollup, Settles, SettlesBy, Tables};
use definition::Definition;
use fill::{Filled, Filling};
use keyed::Keyed;
use statements::Statements;

/// All rollups, finer ones before those that add them up.
#[derive(Debug)]
pub(crate) struct Rollups {
    definitions: Vec<Definition>,
}

impl Rollups {
    pub(crate) fn new(sections: &Sections) -> Result<Self, Problem> {
        let mut definitions: Vec<Definition> = Vec::new();
        let mut seen = BTreeSet::new();
        for rollup in &sections.rollups {
            if !seen.insert(&rollup.name) {
                return Err(Problem::new(format!("two rollups are called \"{}\"", rollup.name))
                    .hint("each is a table of its own: give them different names"));
            }
            definitions.push(Definition::of(rollup, sections, &definitions)?);
        }
        Ok(Self { definitions })
    }

    pub(crate) fn watches(&self, table: &Name) -> bool {
        self.definitions.iter().any(|definition| definition.bindings.contains(table))
    }

    /// What keeps them from being computed, as far as a server that holds their tables can tell.
    pub(crate) async fn check(&self, session: &Session) -> anyhow::Result<Vec<Finding>> {
        check::check(session, &self.definitions).await
    }

    /// Keeps what changed rows were, as long as they are.
    pub(crate) async fn before_rows(&self, publishing: &Publishing<'_>) -> anyhow::Result<()> {
        for (number, definition) in self.definitions.iter().enumerate() {
            let bindings = &definition.bindings;
            if bindings.is_whole(publishing) || !bindings.is_touched(publishing) {
                continue;
            }
            let described = inspect::describe(definition, publishing).await?;
            let statements = Statements { definition, described: &described };
            if definition.buckets.is_none() {
                Keyed { publishing, statements, number }.collect(Image::Before).await?;
                continue;
            }
            let withs = bindings.changed(publishing, Image::Before, described.combined());
            let staged = (withs.as_slice(), Image::Before);
            touched::collect(publishing.session, number, statements, staged).await?;
        }
        Ok(())
    }

    /// Brings all rollups up to date with the rows.
    pub(crate) async fn after_rows(
        &self,
        publishing: &Publishing<'_>,
    ) -> anyhow::Result<Vec<Finding>> {
        if self.definitions.is_empty() {
            return Ok(Vec::new());
        }
        let session = publishing.session;
        session.batch(include_str!("../sql/rollup_records.sql")).await?;
        sketch::ensure(session, &self.definitions).await?;
        let as_of = publishing.as_of.parse()?;
        let mut findings = Vec::new();
        let mut done: BTreeMap<&str, Filled> = BTreeMap::new();
        for (number, definition) in self.definitions.iter().enumerate() {
            let started = Instant::now();
            let object = definition.table.to_string();
            let described = inspect::describe(definition, publishing).await?;
            let statements = Statements { definition, described: &described };
            let Some(buckets) = &definition.buckets else {
                let is_new = keyed::table(definition, &described).ensure(session).await?;
                let keyed = Keyed { publishing, statements, number };
                findings.extend(keyed.run(is_new).await?);
                let work = (Category::Rollup, object.as_str());
                publishing.took(work, None, started.elapsed()).await?;
                continue;
            };
            let is_new = fill::table(definition, &described, buckets).ensure(session).await?;
            let finer = definition.of.as_deref().and_then(|of| done.get(of));
            let filling = Filling { publishing, statements, buckets, number, as_of, finer };
            let (filled, found) = filling.run(is_new).await?;
            findings.extend(found);
            done.insert(&definition.name, filled);
            publishing.took((Category::Rollup, &object), None, started.elapsed()).await?;
        }
        Ok(findings)
    }
}
