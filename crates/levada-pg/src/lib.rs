//! The only crate that speaks to PostgreSQL: sessions, names, the catalogue, snapshots, COPY
//! streams.
//!
//! It reads and carries; it decides nothing about what is copied, and it writes only what it is
//! told.

pub mod binary;
pub mod catalog;
mod courtesy;
mod dump;
mod endpoint;
mod error;
mod feed;
mod identity;
mod listener;
mod name;
mod relay;
mod script;
pub mod selection;
mod session;
pub mod shape;
mod snapshot;
mod stop;
mod stream;
mod wire;

pub use courtesy::Watch;
pub use dump::{Dump, Section};
pub use endpoint::Endpoint;
pub use error::{Error, Result};
pub use feed::{Feed, Refusal};
pub use identity::{Identity, Position, sees_all_of};
pub use listener::Listener;
pub use name::{Name, quote_identifier, quote_literal};
pub use relay::{Moved, Relay, Relayed};
pub use script::{Statement, split};
pub use session::{Canceller, Purpose, Session};
pub use snapshot::{Keepers, Snapshot, is_flushed};
pub use stop::Stop;
pub use wire::Wire;

pub use tokio_postgres::types::ToSql;
/// Re-exported so that other crates can name rows without the client library.
pub use tokio_postgres::{Row, Statement as Prepared};
