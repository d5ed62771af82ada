//! The words in which features speak outward: problems, findings, progress.
//!
//! Plain values and one trait. Nothing here does I/O, and nothing here knows PostgreSQL.

mod category;
mod finding;
mod problem;
mod progress;
pub mod text;

pub use category::Category;
pub use finding::{Finding, Severity};
pub use problem::Problem;
pub use progress::{Event, Progress};
