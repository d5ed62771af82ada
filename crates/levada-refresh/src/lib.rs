//! Brings a published edition up to date with production.
//!
//! `shape` reads what of the source's definitions matters; `drift` (pure) says what a difference
//! between two shapes asks of the target, with `table_drift` and `column_drift` for tables;
//! `table_sql` writes the definition of a table.

mod column_drift;
pub mod drift;
pub mod shape;
mod table_drift;
mod table_sql;

pub use table_sql::CreatePlan;
