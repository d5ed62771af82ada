//! Rollups: after every edition each is what a recount by other queries says.
//!
//! Responsible for: what the tests beside this file share. Must not: count as levada counts; bounds
//! of days come from the server's own zones, and no query here uses `width_bucket`.

mod cases;
mod combined;
mod guarded;
mod model;
