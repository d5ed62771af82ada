//! The one integration binary: it runs the real `levada` against servers that it starts.

// A test that cannot go on says so and stops, in its helping functions as well; one that cannot
// run says so on standard error.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod bad_input;
mod commands;
mod courtesy;
mod demo;
mod docs;
mod enrich;
mod examples;
mod fidelity;
mod filters;
mod imports;
mod real_databases;
mod refresh;
mod replace;
mod resume;
mod rights;
mod rollups;
mod serve;
mod support;
mod tidy;
mod verify;
mod versions;
mod windows;
