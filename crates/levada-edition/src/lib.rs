//! The `levada` schema of the target: editions, runs, tables, chunks, steps, and the lock that lets
//! one run at a time write them.
//!
//! It records and reads back; it does not know how anything is copied.

mod dependents;
mod grants;
mod hooks;
mod installation;
mod ledger;
mod lock;
mod reader;
mod record;
mod refreshed;
mod times;

pub use dependents::Saved;
pub use grants::grant_defaults;
pub use hooks::{Busy, Change, Doing, OnPublish, Publishing, refuse_snapshots};
pub use installation::Installation;
pub use ledger::{Ledger, NewEdition, Outcome, written};
pub use reader::Published;
pub use record::{
    ChunkRow, Edition, Finished, Placement, Stage, StepRow, TableRow, Work, abandoned, chunk_done,
    chunk_todo, fence, published, step_done, work_done, work_took,
};
pub use refreshed::{Refreshed, still_published};
pub use times::{Entry, RunSummary, Times, latest_run, times};
