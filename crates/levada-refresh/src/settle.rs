//! What a unit's changes come to, before anything of them is published: how many staged rows are
//! new, which rows are gone, and the proof that nothing is missing.

use pg::Name;

use crate::scan::Found;
use crate::unit::Method;

/// How a unit's changes are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Write {
    /// Source and target are proven equal already.
    Nothing,
    /// Staged rows are inserted or take the place of those with the same key.
    Upsert,
    /// Staged rows with a new key are inserted.
    Append,
    /// Rows of the target that fulfil this condition make room for the staged ones.
    Exchange(String),
}

/// A unit ready to be published.
#[derive(Debug, Clone)]
pub(crate) struct Settled {
    pub(crate) method: Method,
    pub(crate) write: Write,
    pub(crate) found: Found,
    /// Where the rows to be written are staged.
    pub(crate) staged: Name,
    /// Staged rows whose key the target does not have.
    pub(crate) new: i64,
    /// Rows of the target that go.
    pub(crate) gone: i64,
    /// Rows in the target afterwards.
    pub(crate) rows: i64,
    /// Staging tables with their rows: what they must still hold when they are published.
    pub(crate) staging: Vec<(Name, i64)>,
    /// In mode `append`: rows that the source has changed, and rows that it has deleted.
    pub(crate) ignored: Ignored,
}

/// Changes that mode `append` does not carry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Ignored {
    pub(crate) changed: i64,
    pub(crate) deleted: i64,
}
