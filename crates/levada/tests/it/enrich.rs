//! Enrichments.
