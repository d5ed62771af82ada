//! Statistics over HTTP: JSON, CSV and pages, and the operator's console.
//!
//! An answer belongs to one edition and says how far it is complete; nothing here asks a clock what
//! day it is, reads the source, or writes. `site` ties the parts together, `http` speaks HTTP,
//! `page` draws.

mod answer;
mod catalogue;
mod check;
mod clock;
mod config;
mod console;
mod desk;
mod gate;
mod house;
mod http;
mod layout;
mod metrics;
mod page;
mod patience;
mod pool;
mod query;
mod range;
mod refusal;
mod rights;
mod server;
mod settings;
mod shelf;
mod site;
mod standing;
mod watch;

#[cfg(test)]
mod nights_tests;

pub use catalogue::Catalogue;
pub use check::check;
pub use clock::Clock;
pub use config::{
    Brand, Figure, FigureKind, Kind, Last, Page, Parameter, Scalar, Serve, Stat, Text, Unit,
};
pub use server::{Listening, Server};
pub use settings::refuse;
