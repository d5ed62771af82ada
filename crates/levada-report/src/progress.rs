//! Progress as features tell it. Whoever listens may draw, store or collect it; features do not
//! know.

use std::time::Duration;

use crate::{Category, Problem};

/// Something that happened while work went on. Objects are display names, never row values.
#[derive(Debug, Clone)]
pub enum Event<'a> {
    /// A new phase of the work began.
    Phase(&'a str),
    /// How much there is to read: bytes on the source's disk, and an estimate of the rows that will
    /// move; 0 where that is what is to be found out.
    Planned { tables: usize, rows: u64, bytes: u64 },
    /// Work on an object began; `rows` is an estimate, 0 when it does not apply.
    Started { category: Category, object: &'a str, rows: u64 },
    /// Rows and bytes on the wire since the last event about this object.
    Moved { object: &'a str, rows: u64, bytes: u64 },
    /// Rows that an abandoned attempt had reported and that will be moved again.
    TakenBack { object: &'a str, rows: u64, bytes: u64 },
    /// The object is done.
    Finished { category: Category, object: &'a str, took: Duration },
    /// Something a person should know, and that does not stop the work.
    Note(&'a Problem),
}

/// A listener to [`Event`]s. It must return at once: work waits for it.
pub trait Progress: Send + Sync {
    fn event(&self, event: Event<'_>);
}
