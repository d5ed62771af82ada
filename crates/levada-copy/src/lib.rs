//! The full copy: one snapshot of a source becomes one edition of a target, resumable at any
//! moment.
//!
//! `plan` decides, the other files carry out one kind of step each; nothing here prints.

mod board;
mod build;
mod check;
mod chunk;
mod config;
mod definitions;
mod extensions;
mod install;
mod large_objects;
mod name_bound;
mod plan;
mod preflight;
mod publish;
mod recipes;
mod resume;
mod run;
mod schema;
mod sequences;
mod start;
mod worker;

pub use check::check;
pub use config::{Config, ForeignKeys, Mode};
pub use plan::{Format, Plan, PlannedTable, plan};
pub use preflight::{Preflight, preflight};
pub use run::{Report, Request, run};
pub use schema::{SchemaReport, copy_schema};
