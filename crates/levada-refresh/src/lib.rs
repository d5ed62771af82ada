//! Brings a published edition up to date with production.
//!
//! `shape` reads what of the source's definitions matters, `drift` (pure) says what a difference
//! between two shapes asks of the target, `table_sql` writes the definition of a table.

pub mod shape;
