//! What one snapshot of the target says of itself: which edition it is, and how far each statistic
//! is complete. All answers of that edition are resolved against this value.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use pg::Session;

use crate::catalogue::Fit;
use crate::layout::Layout;

/// Which edition an answer belongs to. A number alone would not do: a target that was restored
/// from a backup gives out numbers a second time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Version {
    pub(crate) edition: i32,
    /// When it was published, in microseconds: part of its identity.
    pub(crate) published_at: Timestamp,
}

impl Version {
    /// Whether it is older: published earlier, and of no higher number. After a failover a clock
    /// may be behind, and the numbers go on.
    pub(crate) fn is_before(&self, other: &Self) -> bool {
        self.published_at < other.published_at && self.edition <= other.edition
    }

    /// As in entity tags: the number, and eight digits that stand for the moment.
    pub(crate) fn tag(&self) -> String {
        self.tag_of("")
    }

    /// As in addresses: the digits stand for a definition too. What is kept for ever under such an
    /// address is not what another definition says of the same edition.
    pub(crate) fn tag_of(&self, fingerprint: &str) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.published_at.as_microsecond().to_le_bytes());
        hasher.update(fingerprint.as_bytes());
        format!("{}-{}", self.edition, &hasher.finalize().to_hex()[..8])
    }
}

/// The published edition, and what is complete in it.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub(crate) version: Version,
    /// The moment of the source that the edition shows.
    pub(crate) as_of: Timestamp,
    /// The schemas of the edition.
    pub(crate) schemas: Vec<String>,
    pub(crate) rollups: BTreeMap<String, RollupStanding>,
    pub(crate) windows: BTreeMap<String, WindowStanding>,
    /// By statistic: how it is asked in this edition, or why it cannot be.
    pub(crate) fits: BTreeMap<String, Fit>,
}

/// How far a rollup is complete.
#[derive(Debug, Clone)]
pub(crate) struct RollupStanding {
    pub(crate) schema: String,
    /// Missing without a calendar: then it is complete up to the moment of the edition.
    pub(crate) zone: Option<String>,
    pub(crate) grain: Option<String>,
    pub(crate) calendar: Option<String>,
    /// Missing where an earlier levada has recorded it, or a later one in another way.
    pub(crate) layout: Option<Layout>,
    /// Goes up whenever a number or a state changes.
    pub(crate) version: i64,
    /// All before is complete, but for buckets that are gaps.
    pub(crate) closed_through: Option<Timestamp>,
    pub(crate) computed_at: Timestamp,
    /// In their order.
    pub(crate) buckets: Arc<Vec<BucketStanding>>,
}

/// One bucket of a rollup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BucketStanding {
    pub(crate) label: String,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    pub(crate) state: BucketState,
}

/// As recorded in `levada.rollup_bucket`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BucketState {
    Open,
    Provisional,
    Closed,
    Final,
    Failed,
    Gap,
}

impl BucketState {
    fn parse(text: &str) -> Self {
        match text {
            "open" => Self::Open,
            "provisional" => Self::Provisional,
            "closed" => Self::Closed,
            "final" => Self::Final,
            "gap" => Self::Gap,
            // Whatever a later levada says, it is not known to be complete.
            _ => Self::Failed,
        }
    }

    /// Whether its numbers are all there.
    pub(crate) fn is_complete(self) -> bool {
        matches!(self, Self::Provisional | Self::Closed | Self::Final)
    }

    /// How much can be said of it: the least is the least complete.
    pub(crate) fn rank(self) -> u8 {
        match self {
            Self::Failed => 0,
            Self::Gap => 1,
            Self::Open => 2,
            Self::Provisional => 3,
            Self::Closed => 4,
            Self::Final => 5,
        }
    }

    /// The word for machines.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Provisional => "provisional",
            Self::Closed => "closed",
            Self::Final => "final",
            Self::Failed => "failed",
            Self::Gap => "gap",
        }
    }
}

/// The bounds of a window.
#[derive(Debug, Clone)]
pub(crate) struct WindowStanding {
    pub(crate) lower_bound: Timestamp,
    pub(crate) upper_bound: Timestamp,
}

/// Only the version of the published edition, for the transaction of `session`; `None` where
/// nothing is published.
pub(crate) async fn version(session: &Session) -> pg::Result<Option<Version>> {
    if !exists(session, "levada.edition").await? {
        return Ok(None);
    }
    let row = session.maybe(include_str!("sql/standing.sql"), &[]).await?;
    row.map(|row| version_of(&row)).transpose()
}

fn version_of(row: &pg::Row) -> pg::Result<Version> {
    Ok(Version { edition: row.get("number"), published_at: moment(row, "published_at")? })
}

impl Standing {
    /// Whether a statistic did not fit for a reason that may pass.
    pub(crate) fn has_passing(&self) -> bool {
        self.fits.values().any(|fit| fit.as_ref().is_err_and(|unfit| unfit.is_passing))
    }

    /// Reads it in the transaction of `session`; `None` where nothing is published. The `fits` are
    /// added by whoever knows the statistics.
    pub(crate) async fn read(session: &Session) -> pg::Result<Option<Self>> {
        if !exists(session, "levada.edition").await? {
            return Ok(None);
        }
        let row = session.maybe(include_str!("sql/standing.sql"), &[]).await?;
        let Some(row) = row else { return Ok(None) };
        let version = version_of(&row)?;
        let edition = version.edition;
        Ok(Some(Self {
            version,
            as_of: moment(&row, "as_of")?,
            schemas: row.get("schemas"),
            rollups: rollups(session, edition).await?,
            windows: windows(session, edition).await?,
            fits: BTreeMap::new(),
        }))
    }
}

async fn rollups(session: &Session, edition: i32) -> pg::Result<BTreeMap<String, RollupStanding>> {
    let mut rollups = BTreeMap::new();
    if !exists(session, "levada.rollup").await? {
        return Ok(rollups);
    }
    let mut buckets: BTreeMap<String, Vec<BucketStanding>> = BTreeMap::new();
    for row in session.rows(include_str!("sql/standing_buckets.sql"), &[&edition]).await? {
        buckets.entry(row.get("rollup")).or_default().push(BucketStanding {
            label: row.get("bucket"),
            start: moment(&row, "bucket_start")?,
            end: moment(&row, "bucket_end")?,
            state: BucketState::parse(row.get("state")),
        });
    }
    for row in session.rows(include_str!("sql/standing_rollups.sql"), &[&edition]).await? {
        let name: String = row.get("name");
        let closed: Option<&str> = row.get("closed_through");
        let layout: Option<&str> = row.get("layout");
        let rollup = RollupStanding {
            schema: row.get("schema_name"),
            zone: row.get("zone"),
            grain: row.get("grain"),
            calendar: row.get("calendar"),
            layout: layout.and_then(|layout| serde_json::from_str(layout).ok()),
            version: row.get("version"),
            closed_through: closed.map(parsed).transpose()?,
            computed_at: moment(&row, "computed_at")?,
            buckets: Arc::new(buckets.remove(&name).unwrap_or_default()),
        };
        rollups.insert(name, rollup);
    }
    Ok(rollups)
}

async fn windows(session: &Session, edition: i32) -> pg::Result<BTreeMap<String, WindowStanding>> {
    let mut windows = BTreeMap::new();
    if !exists(session, "levada.report_window").await? {
        return Ok(windows);
    }
    for row in session.rows(include_str!("sql/standing_windows.sql"), &[&edition]).await? {
        let window = WindowStanding {
            lower_bound: moment(&row, "lower_bound")?,
            upper_bound: moment(&row, "upper_bound")?,
        };
        windows.insert(row.get("name"), window);
    }
    Ok(windows)
}

/// Whether there is such a relation, or one that may not be seen.
pub(crate) async fn exists(session: &Session, table: &str) -> pg::Result<bool> {
    let sql = "SELECT pg_catalog.to_regclass($1) IS NOT NULL";
    Ok(session.one(sql, &[&table]).await?.get(0))
}

fn moment(row: &pg::Row, column: &str) -> pg::Result<Timestamp> {
    let text: Option<&str> = row.get(column);
    parsed(text.unwrap_or_default())
}

fn parsed(text: &str) -> pg::Result<Timestamp> {
    text.parse().map_err(|_| pg::Error::Protocol("a moment that is none".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_is_what_was_published_earlier_under_no_higher_number() {
        let version = |edition, second| Version {
            edition,
            published_at: Timestamp::from_second(second).unwrap(),
        };
        let shown = version(7, 1000);
        assert!(version(6, 900).is_before(&shown));
        assert!(version(7, 900).is_before(&shown));
        assert!(!version(8, 900).is_before(&shown), "a clock that is behind");
        assert!(!version(6, 1100).is_before(&shown), "a target that was restored and goes on");
        assert!(!shown.is_before(&shown));
    }
}
