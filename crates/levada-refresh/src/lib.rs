//! Brings a published edition up to date with production.
//!
//! `shape` reads what of the source's definitions matters; `drift` (pure) says what a difference
//! between two shapes asks of the target, with one `…_drift` for each kind;
//! `table_sql` writes the definition of a table.

mod column_drift;
pub mod drift;
#[cfg(test)]
mod drift_tests;
mod sequence_drift;
pub mod shape;
mod table_drift;
mod table_sql;
mod view_drift;

pub use table_sql::CreatePlan;
