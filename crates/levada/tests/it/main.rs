//! The one integration binary: it runs the real `levada` against servers that it starts.

mod bad_input;
mod commands;
mod courtesy;
mod demo;
mod docs;
mod fidelity;
mod filters;
mod real_databases;
mod replace;
mod resume;
mod rights;
mod support;
mod tidy;
mod versions;
