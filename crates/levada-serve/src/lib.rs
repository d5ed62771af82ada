//! Statistics over HTTP: JSON, CSV and pages, and the operator's console.
//!
//! An answer belongs to one edition and says how far it is complete; nothing here asks a clock what
//! day it is, reads the source, or writes. `site` ties the parts together, `http` speaks HTTP, `page`
//! draws.

mod answer;
mod catalogue;
mod clock;
mod config;
mod console;
mod desk;
mod gate;
mod http;
mod metrics;
mod page;
mod pool;
mod query;
mod range;
mod refusal;
mod server;
mod shelf;
mod site;
mod standing;
mod watch;

pub use catalogue::Catalogue;
pub use clock::Clock;
pub use config::{
    Brand, Figure, FigureKind, Kind, Last, Page, Parameter, Scalar, Serve, Stat, Text, Unit,
};
pub use server::{Listening, Server};
