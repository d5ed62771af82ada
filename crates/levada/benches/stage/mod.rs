//! What the benchmarks share: the two servers and their databases, the clock, the tools, the
//! circumstances, and how figures are spelled.
//!
//! Must not: know what a benchmark measures, or judge it.

pub(crate) mod database;
pub(crate) mod figures;
pub(crate) mod measure;
pub(crate) mod setup;
pub(crate) mod tools;
