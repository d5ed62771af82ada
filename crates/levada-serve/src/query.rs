//! One answer out of the database: a read-only snapshot that tells its version and holds the rows.

use std::collections::BTreeSet;

use jiff::Timestamp;
use pg::{Session, ToSql};

use crate::answer::{Answer, Column, Shape};
use crate::catalogue::{self, Bind, Compiled, Fitted, Subject, Timeline};
use crate::range::Range;
use crate::standing::{self, Standing};

/// Everything that decides an answer.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) stat: std::sync::Arc<Compiled>,
    pub(crate) fitted: std::sync::Arc<Fitted>,
    pub(crate) standing: std::sync::Arc<Standing>,
    pub(crate) timeline: Timeline,
    pub(crate) values: std::collections::BTreeMap<String, Option<String>>,
    pub(crate) range: Option<Range>,
}

/// What a snapshot answered.
#[derive(Debug)]
pub(crate) enum Loaded {
    Answer(Box<Answer>),
    /// The snapshot belongs to another edition: ask again.
    Moved,
}

/// Why a query gave no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    Database(pg::Error),
    /// The query is wrong, or answers too much: a sentence for the log.
    Query(String),
}

impl From<pg::Error> for Failure {
    fn from(error: pg::Error) -> Self {
        Self::Database(error)
    }
}

/// All rows together, as JSON. However few they are, memory is bounded.
const BYTES_MAX: usize = 16 << 20;
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Asks in one snapshot. The session is in no transaction afterwards, unless this fails.
pub(crate) async fn load(
    session: &Session,
    question: &Question,
    rows_max: u32,
) -> Result<Loaded, Failure> {
    let path = catalogue::path(&question.stat, &question.standing);
    session.batch(&format!("{BEGIN}; SET LOCAL search_path = {path}")).await?;
    if standing::version(session).await?.as_ref() != Some(&question.standing.version) {
        session.batch("COMMIT").await?;
        return Ok(Loaded::Moved);
    }
    let inner = &question.fitted.query.sql;
    let columns = columns_of(session, inner).await?;
    let sql = format!(
        "SELECT pg_catalog.row_to_json(\"levada answer\")::text FROM (\n{inner}\n) AS \
         \"levada answer\" LIMIT {}",
        u64::from(rows_max) + 1
    );
    let binds: Vec<Option<String>> =
        question.fitted.query.binds.iter().map(|bind| question.bound(bind)).collect();
    let binds: Vec<&(dyn ToSql + Sync)> =
        binds.iter().map(|bind| bind as &(dyn ToSql + Sync)).collect();
    let rows = session.texts(&sql, &binds, BYTES_MAX).await?;
    let rows = rows.ok_or_else(|| Failure::Query("its rows are more than 16 MiB".to_owned()))?;
    session.batch("COMMIT").await?;
    // Names are looked up in the catalogue of this very moment, whatever the snapshot sees: had
    // another edition taken its place meanwhile, rows could be of either.
    if standing::version(session).await?.as_ref() != Some(&question.standing.version) {
        return Ok(Loaded::Moved);
    }
    if rows.len() > rows_max as usize {
        return Err(Failure::Query(format!("it has more than {rows_max} rows")));
    }
    if question.has_strangers(&columns, &rows) {
        return Err(Failure::Query(
            "it answers buckets outside of the range: compare bucket_start with :range_start and \
             bucket_end with :range_end"
                .to_owned(),
        ));
    }
    Ok(Loaded::Answer(Box::new(question.answer(columns, rows))))
}

/// What a row says of its bucket.
#[derive(serde::Deserialize)]
struct Bucketed {
    bucket: Option<String>,
}

/// The columns of a query, whatever its parameters are.
///
/// # Errors
/// Two columns of one name; those of the server.
pub(crate) async fn columns_of(session: &Session, sql: &str) -> Result<Vec<Column>, Failure> {
    let prepared = session.prepare(sql).await?;
    let mut columns: Vec<Column> = Vec::new();
    for column in prepared.columns() {
        if columns.iter().any(|known| known.name == column.name()) {
            let name = column.name();
            return Err(Failure::Query(format!("two of its columns are called {name}")));
        }
        columns.push(Column {
            name: column.name().to_owned(),
            shape: match column.type_().name() {
                "int2" | "int4" | "int8" | "numeric" | "float4" | "float8" | "oid" => Shape::Number,
                "bool" => Shape::Boolean,
                "timestamptz" => Shape::Instant,
                "date" => Shape::Date,
                "json" | "jsonb" => Shape::Other,
                name if name.starts_with('_') => Shape::Other,
                _ => Shape::Text,
            },
        });
    }
    Ok(columns)
}

impl Question {
    /// The same for all questions with the same answer.
    pub(crate) fn key(&self) -> String {
        let mut key = format!("{} {}", self.standing.version.tag(), self.stat.name);
        for value in self.values.values() {
            // Texts may hold whatever would stand between them.
            key += &match value {
                Some(value) => format!("\n{} {value}", value.len()),
                None => "\n-".to_owned(),
            };
        }
        // A page may end earlier than the statistic could.
        key += &format!("\n{:?}", self.timeline.closed_through);
        if let Some(range) = &self.range {
            key += &format!("\n{} {} {}", range.start, range.end, range.is_cut);
        }
        key
    }

    /// What belongs to a place of the query.
    fn bound(&self, bind: &Bind) -> Option<String> {
        let range = self.range.as_ref();
        let moment = |at: Timestamp| Some(at.to_string());
        match bind {
            Bind::Parameter(name) => self.values.get(name).cloned().flatten(),
            Bind::RangeStart => moment(range?.start),
            Bind::RangeEnd => moment(range?.end),
            Bind::FirstBucket => Some(range?.ends.as_ref()?.0.clone()),
            Bind::LastBucket => Some(range?.ends.as_ref()?.1.clone()),
            Bind::ClosedThrough => moment(self.timeline.closed_through?),
            Bind::AsOf => moment(self.standing.as_of),
        }
    }

    /// Whether a row belongs to a day that is not in the range, by its column `bucket`. A query
    /// that somebody wrote may compare whatever it likes.
    fn has_strangers(&self, columns: &[Column], rows: &[String]) -> bool {
        let is_bucket = |column: &Column| column.name == "bucket" && column.shape == Shape::Date;
        let (Some(range), true) = (&self.range, columns.iter().any(is_bucket)) else {
            return false;
        };
        let known: BTreeSet<&str> = range.buckets.iter().map(|b| b.label.as_str()).collect();
        rows.iter().any(|row| {
            let told = serde_json::from_str::<Bucketed>(row).ok().and_then(|row| row.bucket);
            told.is_some_and(|bucket| !known.contains(bucket.as_str()))
        })
    }

    fn answer(&self, columns: Vec<Column>, rows: Vec<String>) -> Answer {
        let is_complete = match &self.range {
            Some(range) => range.is_complete(),
            None => self.timeline.closed_through.is_some() && !self.timeline.has_gaps,
        };
        let window = match &self.stat.subject {
            Subject::Window(name) => self.standing.windows.get(name).cloned(),
            _ => None,
        };
        Answer {
            stat: self.stat.name.clone(),
            version: self.standing.version.clone(),
            tag: self.standing.version.tag_of(&self.stat.fingerprint),
            as_of: self.standing.as_of,
            closed_through: self.timeline.closed_through,
            computed_at: self.timeline.computed_at,
            is_complete,
            range: self.range.clone(),
            window,
            columns,
            rows,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::standing::Version;

    fn question(values: [Option<&str>; 2], closed_through: &str) -> Question {
        let sql = "name = \"s\"\ntitle = \"S\"\nrollup = \"r\"\nfilter = [\"a\", \"b\"]";
        let stat = Compiled::new(&toml::from_str(sql).unwrap(), ".".as_ref(), "reports").unwrap();
        let query = crate::catalogue::Bound { sql: String::new(), binds: Vec::new() };
        let at: Timestamp = "2025-01-22T02:03:00Z".parse().unwrap();
        let standing = Standing {
            version: Version { edition: 3, published_at: at },
            as_of: at,
            schemas: Vec::new(),
            rollups: BTreeMap::new(),
            windows: BTreeMap::new(),
            fits: BTreeMap::new(),
        };
        let closed_through = Some(closed_through.parse().unwrap());
        let names = ["a", "b"].map(str::to_owned).into_iter();
        Question {
            timeline: Timeline {
                closed_through,
                computed_at: at,
                has_gaps: false,
                buckets: Arc::default(),
            },
            stat: Arc::new(stat),
            fitted: Arc::new(Fitted { query, values: BTreeMap::new() }),
            standing: Arc::new(standing),
            values: names.zip(values.map(|value| value.map(str::to_owned))).collect(),
            range: None,
        }
    }

    #[test]
    fn other_questions_have_other_keys() {
        let day = "2025-01-22T00:00:00Z";
        let keys = [
            question([None, None], day).key(),
            question([None, None], "2025-01-21T00:00:00Z").key(),
            question([Some(""), None], day).key(),
            question([None, Some("")], day).key(),
            question([Some("-"), None], day).key(),
            question([Some("x\n1 y"), Some("z")], day).key(),
            question([Some("x"), Some("y\n1 z")], day).key(),
            question([Some("x\n-"), None], day).key(),
        ];
        let different: BTreeSet<&String> = keys.iter().collect();
        assert_eq!(different.len(), keys.len(), "{keys:?}");
        assert_eq!(question([Some("x"), None], day).key(), question([Some("x"), None], day).key());
    }
}
