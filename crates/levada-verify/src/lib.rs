//! Proof that two databases hold the same rows: digests of buckets, and the way down from a bucket
//! that differs to rows and fields.
//!
//! It reads both sides in one snapshot each and changes nothing. Equality is of what is stored:
//! 1.10 is not 1.1, and '1 day' is not '24 hours'.

mod buckets;
mod compare;
mod difference;
mod digest;
mod drill;
mod merge;
mod moment;
mod pairing;
mod render;
mod subject;
mod table;

pub use buckets::{Buckets, By};
pub use compare::{Request, compare};
pub use difference::{ChangedColumn, ChangedRow, Comparison, Counts, TableResult, Values, Verdict};
pub use digest::{Digest, differing, digests, rows};
pub use pairing::Scope;
pub use render::{Form, Rendered};
pub use subject::{Depth, Side, Subject};
