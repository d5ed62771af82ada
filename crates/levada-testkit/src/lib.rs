//! Private PostgreSQL clusters, and an outsider's eye on what is in them.
//!
//! Responsible for: starting and stopping servers that belong to this process alone, comparing the
//! contents of two databases, and breaking connections on purpose. Tests, benchmarks and
//! `levada demo` build on it. Must not: use any other crate of the workspace or a PostgreSQL
//! driver (all SQL goes through `psql`, so that a mistake in levada cannot hide itself here), nor
//! print, apart from the seed of a [`Dice`].

mod account;
mod bouncer;
mod cluster;
mod content;
mod database;
mod dice;
mod installation;
mod proxy;
mod schema;
mod seed;
mod session;
mod supervisor;
mod wait;

pub use bouncer::Bouncer;
pub use cluster::{Builder, Cluster};
pub use content::{Content, TableDigest};
pub use database::{Database, quote_identifier, quote_literal};
pub use dice::Dice;
pub use installation::Installation;
pub use proxy::Proxy;
pub use schema::{Schema, difference};
pub use session::Session;
pub use wait::wait_for;
