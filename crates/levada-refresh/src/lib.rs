//! The nightly refresh: what has changed on the source since the previous edition becomes the next
//! one, in a single transaction of the target.
//!
//! `position` says whether transaction ids tell what has changed, `unit` how each table is brought
//! up to date, `scan` reads and stages, `settler` proves, `publish` writes. Nothing here prints.

mod apply;
mod foreign_keys;
mod keys;
mod large_objects;
mod position;
mod publish;
mod readers;
mod run;
mod scan;
mod sequences;
mod settle;
mod settler;
mod staging;
mod status;
mod unit;
mod views;
mod write;

pub use run::{Effort, Refreshed, Report, TableReport, run};
pub use status::{Status, TableStatus, status};
