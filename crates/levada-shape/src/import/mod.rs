//! Imports: tables of the reports schema that are filled from elsewhere, over HTTP or from files.
//!
//! `section` is what a person writes, `definition` what it comes to. `document` fetches answers
//! (`http`, `link`, `spool`), `rows` reads their records (`path`, `exact`, `delimited`, `value`)
//! into a staging table that nobody reads (`stage`); `publish` makes them the table, inside the
//! edition. What does not add up fails before anything is published, with its place and without its
//! value.

mod definition;
mod delimited;
mod document;
mod exact;
mod fault;
mod http;
mod link;
mod number;
mod path;
mod publish;
mod rows;
mod secret;
mod section;
mod spool;
mod stage;
mod value;

use std::collections::BTreeSet;

use edition::Publishing;
use pg::Endpoint;
use report::{Finding, Problem, Progress};
use tokio::sync::OnceCell;

use definition::Definition;
pub use section::Import;

use crate::sections::Sections;

/// All imports, and what was loaded of them.
#[derive(Debug)]
pub(crate) struct Imports {
    definitions: Vec<Definition>,
    loaded: OnceCell<Vec<stage::Loaded>>,
}

impl Imports {
    /// Checks the sections.
    ///
    /// # Errors
    /// A [`Problem`] that names the import and what to change.
    pub(crate) fn new(sections: &Sections) -> Result<Self, Problem> {
        let mut names = BTreeSet::new();
        names.extend(sections.windows.iter().map(|window| window.name.as_str()));
        names.extend(sections.rollups.iter().map(|rollup| rollup.name.as_str()));
        for section in &sections.imports {
            if !names.insert(&section.name) {
                let problem =
                    Problem::new(format!("[[import]] {}: the name is taken", section.name))
                        .detail("another import, window or rollup has it")
                        .hint("give one of them another name");
                return Err(problem);
            }
        }
        let definitions = sections.imports.iter().map(|section| Definition::new(section, sections));
        Ok(Self { definitions: definitions.collect::<Result<_, _>>()?, loaded: OnceCell::new() })
    }

    /// Fetches all imports into staging tables, once in a run.
    ///
    /// # Errors
    /// A [`Problem`] that names the import and the place in its answer.
    pub(crate) async fn load(
        &self,
        target: &Endpoint,
        progress: &dyn Progress,
    ) -> anyhow::Result<()> {
        if !self.definitions.is_empty() {
            let load = || stage::load(&self.definitions, target, progress);
            self.loaded.get_or_try_init(load).await?;
        }
        Ok(())
    }

    /// Makes the loaded rows the tables.
    ///
    /// # Errors
    /// A [`Problem`] when the staged rows are gone, or the table cannot be as declared.
    pub(crate) async fn publish(
        &self,
        publishing: &Publishing<'_>,
    ) -> anyhow::Result<Vec<Finding>> {
        let mut findings = Vec::new();
        let Some(loaded) = self.loaded.get() else { return Ok(findings) };
        for (definition, loaded) in self.definitions.iter().zip(loaded) {
            findings.extend(publish::one(definition, loaded, publishing).await?);
        }
        Ok(findings)
    }
}
