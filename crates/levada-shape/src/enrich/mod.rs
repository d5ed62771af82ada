//! Enrichments.

use edition::Publishing;
use pg::{Endpoint, Name};
use report::{Finding, Problem, Progress};
use serde::{Deserialize, Serialize};

use crate::sections::Sections;

/// One `[[enrich]]` section.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Enrichment {
    /// The name of it in the reports schema.
    pub name: String,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Enrichments {}

impl Enrichments {
    pub(crate) fn new(_sections: &Sections) -> Result<Self, Problem> {
        Ok(Self {})
    }
    pub(crate) fn owns(&self, _name: &Name) -> bool {
        false
    }
    pub(crate) fn watches(&self, _table: &Name) -> bool {
        false
    }
    pub(crate) async fn load(
        &self,
        _target: &Endpoint,
        _progress: &dyn Progress,
    ) -> anyhow::Result<()> {
        Ok(())
    }
    pub(crate) async fn publish(
        &self,
        _publishing: &Publishing<'_>,
    ) -> anyhow::Result<Vec<Finding>> {
        Ok(Vec::new())
    }
    pub(crate) async fn build_indexes(
        &self,
        _publishing: &Publishing<'_>,
    ) -> anyhow::Result<Vec<Finding>> {
        Ok(Vec::new())
    }
    pub(crate) async fn before_rows(&self, _publishing: &Publishing<'_>) -> anyhow::Result<()> {
        Ok(())
    }
    pub(crate) async fn after_rows(
        &self,
        _publishing: &Publishing<'_>,
    ) -> anyhow::Result<Vec<Finding>> {
        Ok(Vec::new())
    }
    pub(crate) async fn after_names(
        &self,
        _publishing: &Publishing<'_>,
    ) -> anyhow::Result<Vec<Finding>> {
        Ok(Vec::new())
    }
}
