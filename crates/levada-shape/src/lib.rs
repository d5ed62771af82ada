//! What is computed inside an edition and published with it: imports from elsewhere, indexes and
//! views, rolling windows, rollups per day of a business calendar.
//!
//! `shaper` takes part in publishing and calls the others in their order. `bindings` lets a query
//! read tables as they are, or only what changed of them; `report_table` is a table of the reports
//! schema. Each feature has a folder. Nothing here prints.

mod arms;
mod bindings;
mod calendar;
mod enrich;
mod import;
mod report_table;
mod rollup;
mod sections;
mod shaper;
mod status;
mod template;
mod window;

pub use calendar::{Bucket, Calendar, Grain, Weekday, tzdata_version};
pub use enrich::{Added, Columns, Enrichment, IndexOn, LookUp};
pub use import::Import;
pub use rollup::{Distinct, Measure, Rollup, Settles, SettlesBy, Tables};
pub use sections::Sections;
pub use shaper::Shaper;
pub use status::{RollupStatus, rollups};
pub use window::Window;
