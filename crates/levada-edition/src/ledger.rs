//! The open book of a target: begins runs and editions, reads what is left to do, closes them.

use pg::shape::Shape;
use pg::{Endpoint, Error, Identity, Name, Result, Row, Session, Snapshot};
use report::{Category, Problem};
use tokio::sync::Mutex;

use crate::lock;
use crate::record::{ChunkRow, Edition, Finished, Placement, Stage, StepRow, TableRow};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Published,
    Failed,
    Interrupted,
}

impl Outcome {
    fn label(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// What a new edition is made of.
pub struct NewEdition<'a> {
    pub placement: Placement,
    pub fingerprint: &'a str,
    pub source: &'a Identity,
    pub schemas: &'a [String],
    /// What it replaces, as quoted names.
    pub replaces: &'a [String],
}

/// Holds the run lock and writes the records of one run.
pub struct Ledger {
    endpoint: Endpoint,
    session: Mutex<Session>,
    run: i32,
}

impl Ledger {
    /// Takes the run lock, creates the `levada` schema where it is missing, ends what a killed run
    /// left behind, and begins a run.
    pub async fn open(endpoint: &Endpoint, command: &str) -> Result<Self> {
        let session = lock::acquire(endpoint).await?;
        session.batch(include_str!("sql/bootstrap.sql")).await?;
        lock::end_orphans(&session).await?;
        session.batch(include_str!("sql/close_interrupted.sql")).await?;
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let process = std::process::id() as i32;
        let row = session
            .one(
                include_str!("sql/begin_run.sql"),
                &[&command, &env!("CARGO_PKG_VERSION"), &host.trim(), &process],
            )
            .await?;
        let run = row.get(0);
        Ok(Self { endpoint: endpoint.clone(), session: Mutex::new(session), run })
    }

    /// The number of this run.
    pub fn run(&self) -> i32 {
        self.run
    }

    /// Makes sure that we still hold the lock, taking it again after a lost connection.
    pub async fn hold(&self) -> Result<()> {
        let mut session = self.session.lock().await;
        if session.batch("SELECT 1").await.is_err() || session.is_closed() {
            *session = lock::reacquire(&self.endpoint).await?;
            let still_ours = session.rows(&crate::fence(self.run), &[]).await?;
            if still_ours.is_empty() {
                let problem = Problem::new("another run has taken over this target")
                    .hint("see `levada report` for the run that is working now");
                return Err(Error::Refused(problem));
            }
        }
        Ok(())
    }

    /// Ends what the sessions of a failed attempt of this run still do.
    pub async fn end_orphans(&self) -> Result<()> {
        self.hold().await?;
        let session = self.session.lock().await;
        lock::end_orphans(&session).await
    }

    /// Runs several statements as one transaction of the recording session.
    pub async fn transaction(&self, sql: &str) -> Result<()> {
        self.hold().await?;
        let session = self.session.lock().await;
        let result = session.batch(&format!("BEGIN; {sql}; COMMIT")).await;
        if result.is_err() {
            let _ = session.batch("ROLLBACK").await;
        }
        result
    }

    /// The newest edition that is not yet published, or `None`.
    pub async fn building(&self) -> Result<Option<Edition>> {
        self.edition("building").await
    }

    /// The newest published edition, or `None`.
    pub async fn published(&self) -> Result<Option<Edition>> {
        self.edition("published").await
    }

    async fn edition(&self, state: &str) -> Result<Option<Edition>> {
        let session = self.session.lock().await;
        let row = session.maybe(include_str!("sql/edition.sql"), &[&state]).await?;
        row.map(|row| edition_of(&row)).transpose()
    }

    /// Begins an edition and assigns this run to it.
    pub async fn begin_edition(&self, new: &NewEdition<'_>) -> Result<i32> {
        let source =
            serde_json::to_value(new.source).map_err(|error| Error::Protocol(error.to_string()))?;
        let session = self.session.lock().await;
        let row = session
            .one(
                include_str!("sql/begin_edition.sql"),
                &[
                    &new.placement.label(),
                    &new.fingerprint,
                    &source,
                    &new.schemas,
                    &self.run,
                    &new.replaces,
                ],
            )
            .await?;
        Ok(row.get(0))
    }

    /// Assigns this run to an edition that an earlier run began.
    pub async fn resume_edition(&self, edition: i32) -> Result<()> {
        let session = self.session.lock().await;
        let sql = "UPDATE levada.run SET edition = $1 WHERE number = $2";
        session.execute(sql, &[&edition, &self.run]).await.map(drop)
    }

    /// Records the moment of the source that the edition shows.
    /// `is_durable`: a crash of the source could not take away what the snapshot saw.
    pub async fn record_snapshot(
        &self,
        edition: i32,
        snapshot: &Snapshot,
        is_durable: bool,
    ) -> Result<()> {
        let session = self.session.lock().await;
        let position = &snapshot.position;
        session
            .execute(
                include_str!("sql/record_snapshot.sql"),
                &[&edition, &snapshot.as_of, &position.snapshot, &position.lsn, &is_durable],
            )
            .await
            .map(drop)
    }

    /// Records the definitions of the source that the edition was made from.
    pub async fn record_shape(&self, edition: i32, shape: &Shape, hash: &str) -> Result<()> {
        let shape = written(shape)?;
        let session = self.session.lock().await;
        let sql = "UPDATE levada.edition SET shape = $2, shape_hash = $3 WHERE number = $1";
        session.execute(sql, &[&edition, &shape, &hash]).await.map(drop)
    }

    /// The tables of an edition, by name.
    pub async fn tables(&self, edition: i32) -> Result<Vec<TableRow>> {
        let session = self.session.lock().await;
        let rows = session.rows(include_str!("sql/tables.sql"), &[&edition]).await?;
        Ok(rows.iter().map(table_of).collect())
    }

    /// The chunks of an edition, in the order of tables and numbers.
    pub async fn chunks(&self, edition: i32) -> Result<Vec<ChunkRow>> {
        let session = self.session.lock().await;
        let rows = session.rows(include_str!("sql/chunks.sql"), &[&edition]).await?;
        Ok(rows.iter().map(chunk_of).collect())
    }

    /// The steps of an edition, by number.
    pub async fn steps(&self, edition: i32) -> Result<Vec<StepRow>> {
        let session = self.session.lock().await;
        let rows = session.rows(include_str!("sql/steps.sql"), &[&edition]).await?;
        Ok(rows.iter().map(step_of).collect())
    }

    /// Ends the run. A failure's text must be free of row values, as all our errors are.
    pub async fn finish(&self, outcome: Outcome, message: Option<&str>) -> Result<()> {
        self.hold().await?;
        let session = self.session.lock().await;
        let sql = include_str!("sql/finish_run.sql");
        session.execute(sql, &[&self.run, &outcome.label(), &message]).await.map(drop)
    }
}

/// The definitions of a source as JSON in ASCII: a database of any encoding can hold it.
pub fn written(shape: &Shape) -> Result<String> {
    let json = serde_json::to_string(shape).map_err(|error| Error::Protocol(error.to_string()))?;
    let mut ascii = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter.is_ascii() {
            true => ascii.push(letter),
            false => {
                let mut halves = [0; 2];
                let codes = letter.encode_utf16(&mut halves).iter();
                ascii.extend(codes.map(|code| format!("\\u{code:04x}")));
            }
        }
    }
    Ok(ascii)
}

fn name_of(row: &Row) -> Name {
    Name::new(row.get::<_, String>("schema_name"), row.get::<_, String>("table_name"))
}

pub(crate) fn table_of(row: &Row) -> TableRow {
    TableRow {
        name: name_of(row),
        mode: row.get("mode"),
        format: row.get("format"),
        reason: row.get("reason"),
        source_oid: row.get("source_oid"),
        filter: row.get("filter"),
        deletes: row.get("deletes"),
        rows: row.get("rows"),
        method: row.get("method"),
        inserted: row.get("inserted"),
        updated: row.get("updated"),
        deleted: row.get("deleted"),
    }
}

fn edition_of(row: &Row) -> Result<Edition> {
    let source = serde_json::from_value(row.get("source"))
        .map_err(|error| Error::Protocol(error.to_string()))?;
    Ok(Edition {
        number: row.get("number"),
        state: row.get("state"),
        placement: Placement::from_label(row.get("placement")),
        fingerprint: row.get("fingerprint"),
        source,
        schemas: row.get("schemas"),
        definitions: row.get("definitions"),
        late_statements: row.get("late_statements"),
        objects: row.get("objects"),
        replaces: row.get("replaces"),
        as_of: row.get("as_of"),
        snapshot: row.get("snapshot"),
        lsn: row.get("lsn"),
        is_durable: row.get("is_durable"),
        shape: row.get("shape"),
        shape_hash: row.get("shape_hash"),
    })
}

fn chunk_of(row: &Row) -> ChunkRow {
    let finished = || Finished {
        rows: row.get("rows"),
        bytes: row.get("bytes"),
        snapshot: row.get("snapshot"),
        filenode: row.get("filenode"),
    };
    ChunkRow {
        table: name_of(row),
        number: row.get("number"),
        first_page: row.get("first_page"),
        end_page: row.get("end_page"),
        done: row.get::<_, bool>("is_done").then(finished),
    }
}

fn step_of(row: &Row) -> StepRow {
    let name = |schema: &str, table: &str| {
        let schema: Option<String> = row.get(schema);
        schema.map(|schema| Name::new(schema, row.get::<_, String>(table)))
    };
    StepRow {
        number: row.get("number"),
        stage: Stage::from_number(row.get("stage")),
        category: Category::from_label(row.get("category")).unwrap_or(Category::Schema),
        table: name("schema_name", "table_name"),
        references: name("references_schema", "references_table"),
        object: row.get("object"),
        statement: row.get("statement"),
        undo: row.get("undo"),
        volume: row.get("volume"),
        weight: row.get("weight"),
        is_done: row.get("is_done"),
    }
}
