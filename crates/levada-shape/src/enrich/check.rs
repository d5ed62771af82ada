//! Looks at enrichments before a run.
