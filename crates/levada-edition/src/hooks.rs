//! What else happens in the transaction that publishes an edition, besides the rows of its tables:
//! the seam between those who write rows and those who compute from them.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::pin::Pin;
use std::time::Duration;

use pg::{Endpoint, Name, Session};
use report::{Category, Event, Finding, Progress};

use crate::record::{Work, work_took};

use crate::Saved;

/// A step of a publication under way.
pub type Doing<'a, T> = Pin<Box<dyn Future<Output = anyhow::Result<T>> + 'a>>;

/// Rows of one table that the publication changes.
#[derive(Debug, Clone)]
pub struct Change {
    /// The table, and all that it is a partition or child of.
    pub names: Vec<Name>,
    /// Columns that name a row; empty where there are none.
    pub key: Vec<String>,
    /// The changed and deleted rows as they were, with all columns of the table; `None` where any
    /// row may be another one, as after loading the table anew.
    pub before: Option<Name>,
    /// The changed and new rows as they are. Exists once the rows are written, if `before` does.
    pub after: Name,
}

/// A publication under way, in the transaction of `session`. It may be rolled back and tried again.
pub struct Publishing<'a> {
    pub session: &'a Session,
    pub run: i32,
    /// The edition being made; unknown before the rows are written.
    pub edition: Option<i32>,
    /// The moment of the source, RFC 3339 in UTC.
    pub as_of: &'a str,
    /// What changes. Tables that are not named stay as they are.
    pub changes: &'a [Change],
    /// Tables and materialised views of the edition whose rows change, watched or not, with all
    /// that they are partitions or children of. Known once the rows are written.
    pub touched: &'a [Name],
    /// Definitions change as well: columns, types or queries may be others.
    pub is_redefined: bool,
    /// Every table may hold other rows: the edition was copied.
    pub is_copy: bool,
    /// Views that [`OnPublish::owns`] names, and those that read them, if they had to go. They are
    /// made again after names are settled; what is left here afterwards comes back as it was.
    pub aside: &'a Cell<Option<Saved>>,
    /// Where a schema of the edition stands for the time being, if not under its own name.
    pub places: &'a BTreeMap<String, String>,
    pub progress: &'a dyn Progress,
}

impl Publishing<'_> {
    /// Where a table of the edition stands for the time being.
    pub fn place(&self, name: &Name) -> Name {
        match self.places.get(&name.schema) {
            Some(schema) => name.in_schema(schema),
            None => name.clone(),
        }
    }

    /// Records what a piece of work took, and tells whoever watches.
    pub async fn took(
        &self,
        (category, object): (Category, &str),
        rows: Option<u64>,
        took: Duration,
    ) -> anyhow::Result<()> {
        self.progress.event(Event::Finished { category, object, took });
        let work = Work { category, object, rows, bytes: None };
        Ok(self.session.batch(&work_took(self.run, &work, took)).await?)
    }

    /// The changes of a table and of its partitions and children.
    pub fn changes_of(&self, table: &Name) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(move |change| change.names.contains(table))
    }
}

/// Who takes part in publications. Anything of it that fails ends the publication, and the edition
/// before stays.
pub trait OnPublish: Debug + Send + Sync {
    /// Work that needs no transaction, such as loading from elsewhere. The run lock is held; asked
    /// once or more in a run.
    fn prepare<'a>(&'a self, target: &'a Endpoint, progress: &'a dyn Progress) -> Doing<'a, ()>;

    /// Whether the changed rows of this table are wanted.
    fn watches(&self, table: &Name) -> bool;

    /// Whether this view or index of a copied table is kept by it: when definitions change, it is
    /// not put back as it was, but made again as it is meant.
    fn owns(&self, name: &Name) -> bool;

    /// No row has been written yet; not asked of a copied edition.
    fn before_rows<'a>(&'a self, publishing: &'a Publishing<'a>) -> Doing<'a, ()>;

    /// All rows are written. Copied tables may stand elsewhere: see [`Publishing::place`].
    fn after_rows<'a>(&'a self, publishing: &'a Publishing<'a>) -> Doing<'a, Vec<Finding>>;

    /// Every table stands under its own name; locks on it may be held, so this should be short.
    fn after_names<'a>(&'a self, publishing: &'a Publishing<'a>) -> Doing<'a, Vec<Finding>>;
}

/// Somebody's transaction would see two editions side by side; it has to end first. The publication
/// is rolled back and tried again until it may be published.
#[derive(Debug, thiserror::Error)]
#[error("readers of the old edition do not end: backends {0:?}")]
pub struct Busy(pub Vec<i32>);

/// Fails with [`Busy`] while a session holds a snapshot: it would find new files behind old names
/// empty. Also single statements count, as a function that they call may look at a table late.
pub async fn refuse_snapshots(session: &Session) -> anyhow::Result<()> {
    let rows = session.rows(include_str!("sql/holding_snapshots.sql"), &[]).await?;
    match rows.iter().map(|row| row.get(0)).collect::<Vec<i32>>() {
        pids if pids.is_empty() => Ok(()),
        pids => Err(Busy(pids).into()),
    }
}
