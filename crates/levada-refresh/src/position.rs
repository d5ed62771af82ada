//! Where the source stands compared to the previous edition: after it, so that transaction ids tell
//! what has changed; behind it; or in another history. Pure.

use edition::{Edition, Published};
use pg::{Identity, Snapshot};

/// Row versions carry 32 bits of a transaction id: beyond 2^31 old and new look alike. The margin
/// is for what is written while we read.
const XIDS_COMPARABLE: u64 = (1 << 31) - (1 << 24);

/// What the two positions say about each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Rows with an `xmin` at or after this one may have changed.
    Ahead { bound: u32 },
    /// The source does not see all that the previous edition shows.
    Behind,
    /// Transaction ids tell nothing; the reason is for people.
    Incomparable(String),
}

/// What the previous edition was made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Before<'a> {
    pub(crate) source: &'a Identity,
    pub(crate) snapshot: Option<&'a str>,
    pub(crate) lsn: Option<&'a str>,
    pub(crate) is_durable: bool,
}

impl<'a> From<&'a Edition> for Before<'a> {
    fn from(edition: &'a Edition) -> Self {
        let (snapshot, lsn) = (edition.snapshot.as_deref(), edition.lsn.as_deref());
        Self { source: &edition.source, snapshot, lsn, is_durable: edition.is_durable }
    }
}

impl<'a> From<&'a Published> for Before<'a> {
    fn from(edition: &'a Published) -> Self {
        let (snapshot, lsn) = (edition.snapshot.as_deref(), edition.lsn.as_deref());
        Self { source: &edition.source, snapshot, lsn, is_durable: edition.is_durable }
    }
}

/// Compares the source as of `now` with what the edition `base` was made of.
pub(crate) fn compare(base: Before<'_>, source: &Identity, now: &Snapshot) -> Standing {
    let before = base.source;
    if before.system_identifier != source.system_identifier {
        let reason = "the source is another server than that of the previous edition: it was \
                      restored, upgraded or exchanged";
        return Standing::Incomparable(reason.to_owned());
    }
    if before.database_oid != source.database_oid {
        let reason = "the source is another database than that of the previous edition";
        return Standing::Incomparable(reason.to_owned());
    }
    if before.timeline != source.timeline {
        return Standing::Incomparable(format!(
            "the source went from timeline {} to {}: a failover or a restore, which may have \
             lost transactions",
            before.timeline, source.timeline
        ));
    }
    if !base.is_durable {
        let reason = "when the previous edition was read, the source had not yet written its log \
                      to its disk: a crash may have changed what it showed";
        return Standing::Incomparable(reason.to_owned());
    }
    let parsed = base.snapshot.and_then(Bounds::parse);
    let (Some(old), Some(new)) = (parsed, Bounds::parse(&now.position.snapshot)) else {
        return Standing::Incomparable("the previous edition has no recorded position".to_owned());
    };
    let is_replayed = before.in_recovery || source.in_recovery;
    let sees_all = if is_replayed {
        // Snapshots of a standby do not list what was running; its replay position tells.
        let seen = base.lsn.zip(Some(now.seen_lsn.as_str()));
        let is_past = seen.is_some_and(|(old, new)| lsn(old) <= lsn(new));
        is_past && new.xmax >= old.xmax
    } else {
        base.snapshot.is_some_and(|old| pg::sees_all_of(&now.position.snapshot, old))
    };
    if !sees_all {
        return Standing::Behind;
    }
    if new.xmax.saturating_sub(old.xmin) >= XIDS_COMPARABLE {
        let reason = "more than 2^31 transactions have passed since the previous edition";
        return Standing::Incomparable(reason.to_owned());
    }
    Standing::Ahead { bound: (old.xmin & 0xffff_ffff) as u32 }
}

struct Bounds {
    xmin: u64,
    xmax: u64,
}

impl Bounds {
    fn parse(snapshot: &str) -> Option<Self> {
        let mut parts = snapshot.split(':');
        Some(Self { xmin: parts.next()?.parse().ok()?, xmax: parts.next()?.parse().ok()? })
    }
}

/// `16/B374D848` as a number; what is no position is before all others.
fn lsn(text: &str) -> u64 {
    let halves = text.split_once('/');
    let parsed = halves.and_then(|(high, low)| {
        let high = u64::from_str_radix(high, 16).ok()?;
        Some(high << 32 | u64::from_str_radix(low, 16).ok()?)
    });
    parsed.unwrap_or(0)
}

#[cfg(test)]
#[path = "position_tests.rs"]
mod tests;
