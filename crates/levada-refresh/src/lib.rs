//! The nightly refresh: what has changed on the source since the previous edition becomes the next
//! one, in a single transaction of the target.
//!
//! `position` says whether transaction ids tell what has changed, `unit` how each table is brought
//! up to date, `scan` reads and stages, `settler` proves, `publish` writes. `drift` (pure) says
//! what a change of definitions asks of the target, with one `…_drift` for each kind; `table_sql`
//! writes the definition of a table. Nothing here prints.

mod apply;
mod attempt;
mod capture;
mod column_drift;
mod definitions;
pub mod drift;
#[cfg(test)]
mod drift_tests;
mod foreign_keys;
mod keys;
mod large_objects;
mod position;
mod publish;
mod records;
mod run;
mod scan;
mod sequence_drift;
mod sequences;
mod settle;
mod settler;
mod staging;
mod status;
mod table_drift;
mod table_sql;
mod unit;
mod view_drift;
mod views;
mod write;

pub use pg::shape;
pub use run::{Effort, Refreshed, Report, TableReport, run};
pub use status::{Status, TableStatus, status};
pub use table_sql::{CreatePlan, create_plan};
