//! The sections of the configuration that this crate owns, together.

use std::path::PathBuf;

use crate::{Calendar, Enrichment, Import, Rollup, Window};

/// What is to be computed, as the configuration says.
#[derive(Debug, Clone, Default)]
pub struct Sections {
    pub imports: Vec<Import>,
    pub enrichments: Vec<Enrichment>,
    pub calendars: Vec<Calendar>,
    pub windows: Vec<Window>,
    pub rollups: Vec<Rollup>,
    /// The schema in which all of it lives.
    pub reports_schema: String,
    /// Files that the configuration names are looked for here.
    pub folder: PathBuf,
}

impl Sections {
    /// Whether nothing is declared.
    pub fn is_empty(&self) -> bool {
        self.imports.is_empty()
            && self.enrichments.is_empty()
            && self.windows.is_empty()
            && self.rollups.is_empty()
    }
}
