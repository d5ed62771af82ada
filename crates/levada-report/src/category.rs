//! The categories into which the time of a run is divided, named as `pg_restore` names them.

use serde::{Deserialize, Serialize};

/// What kind of work a step is. The order is the order of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Category {
    #[serde(rename = "SCHEMA")]
    Schema,
    #[serde(rename = "TABLE DATA")]
    TableData,
    #[serde(rename = "APPLY")]
    Apply,
    #[serde(rename = "LARGE OBJECT")]
    LargeObject,
    #[serde(rename = "INDEX")]
    Index,
    #[serde(rename = "CONSTRAINT")]
    Constraint,
    #[serde(rename = "FK CONSTRAINT")]
    ForeignKey,
    #[serde(rename = "SEQUENCE")]
    Sequence,
    #[serde(rename = "MATERIALIZED VIEW")]
    MaterializedView,
    #[serde(rename = "ANALYZE")]
    Analyze,
    #[serde(rename = "IMPORT")]
    Import,
    #[serde(rename = "WINDOW")]
    Window,
    #[serde(rename = "ROLLUP")]
    Rollup,
    #[serde(rename = "ENRICH")]
    Enrich,
    #[serde(rename = "PUBLISH")]
    Publish,
}

impl Category {
    /// All categories, in the order of a report.
    pub const ALL: [Self; 15] = [
        Self::Schema,
        Self::TableData,
        Self::Apply,
        Self::LargeObject,
        Self::Index,
        Self::Constraint,
        Self::ForeignKey,
        Self::Sequence,
        Self::MaterializedView,
        Self::Analyze,
        Self::Import,
        Self::Window,
        Self::Rollup,
        Self::Enrich,
        Self::Publish,
    ];

    /// The name in reports and in the `levada.step` table.
    pub fn label(self) -> &'static str {
        match self {
            Self::Schema => "SCHEMA",
            Self::TableData => "TABLE DATA",
            Self::Apply => "APPLY",
            Self::LargeObject => "LARGE OBJECT",
            Self::Index => "INDEX",
            Self::Constraint => "CONSTRAINT",
            Self::ForeignKey => "FK CONSTRAINT",
            Self::Sequence => "SEQUENCE",
            Self::MaterializedView => "MATERIALIZED VIEW",
            Self::Analyze => "ANALYZE",
            Self::Import => "IMPORT",
            Self::Window => "WINDOW",
            Self::Rollup => "ROLLUP",
            Self::Enrich => "ENRICH",
            Self::Publish => "PUBLISH",
        }
    }

    /// The category that [`Category::label`] names.
    pub fn from_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.label() == label)
    }
}
