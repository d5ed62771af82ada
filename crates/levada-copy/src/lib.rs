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
mod shape;
mod start;
mod worker;

pub use check::check;
pub use chunk::{Failure, begin, column_list, format_option, judge_source, lock_unchanged};
pub use config::{Config, Deletes, ForeignKeys, Mode, Rule};
pub use install::{NEXT, beside};
pub use large_objects::{
    copy_in as large_objects_in, copy_out as large_objects_out, is_large_objects,
    publish as publish_large_objects, table as large_objects_table,
};
pub use plan::{Format, Plan, PlannedTable, PopulatedView, plan};
pub use preflight::{Preflight, preflight, refuse_on_errors};
pub use run::{FLUSHED_WITHIN, Report, Request, SNAPSHOTS_MAX, SnapshotLost, run, run_on};
pub use schema::{SchemaReport, copy_schema};
pub use shape::{shape, shape_hash};
pub use start::fingerprint;
