//! The table behind a window: its columns, its key, how its times are written, and which rows of it
//! are inside some bounds.

use edition::Publishing;
use jiff::{SignedDuration, Timestamp};
use pg::{Name, Session, quote_identifier, quote_literal};
use report::Problem;
use serde::Serialize;

use crate::report_table::{Key, ReportColumn, ReportTable};
use crate::window::Declared;
use crate::window::bounds::Bounds;

/// What a window is made of, as the catalogue of the edition says.
#[derive(Debug)]
pub(crate) struct Subject {
    /// Where its table stands for the time being.
    pub(crate) place: Name,
    pub(crate) report: ReportTable,
    pub(crate) key: Vec<String>,
    pub(crate) time: Time,
    /// The condition on a row, as the server reads it.
    pub(crate) filter: Option<String>,
    /// What else must be as it was for changed rows alone to be enough: the parts and columns of
    /// the table.
    pub(crate) family: [String; 2],
}

/// The column that places rows in time.
#[derive(Debug, Serialize)]
pub(crate) struct Time {
    column: String,
    written: Written,
}

/// How an instant is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
enum Written {
    Instant,
    /// By the clock of a zone.
    Local(String),
    /// By the calendar of a zone.
    Date(String),
}

struct Column {
    name: String,
    definition: String,
    base_type: String,
    key_position: Option<i32>,
}

impl Subject {
    /// Looks at the table of a window; nothing may be on the search path.
    pub(crate) async fn load(
        publishing: &Publishing<'_>,
        declared: &Declared,
        name: &Name,
    ) -> anyhow::Result<Self> {
        let place = publishing.place(&declared.table);
        let subject = Self::describe(publishing.session, (declared, name), place).await?;
        let filter = match &declared.window.filter {
            Some(filter) => Some(condition(publishing.session, &subject.place, filter).await?),
            None => None,
        };
        Ok(Self { filter, ..subject })
    }

    /// All but the condition, which takes a transaction that may write.
    pub(crate) async fn describe(
        session: &Session,
        (declared, name): (&Declared, &Name),
        place: Name,
    ) -> anyhow::Result<Self> {
        let sql = include_str!("../sql/table_behind.sql");
        let Some(table) = session.maybe(sql, &[&place.schema, &place.name]).await? else {
            return Err(missing_table(&declared.table).into());
        };
        if !matches!(table.get(0), "r" | "p") {
            let problem = Problem::new(format!("{} is not a table", declared.table));
            return Err(problem.hint("name the table that the view reads").into());
        }
        let columns = columns(session, &place).await?;
        let mut key: Vec<_> = columns
            .iter()
            .filter_map(|column| Some((column.key_position?, column.name.clone())))
            .collect();
        key.sort();
        let mut key: Vec<String> = key.into_iter().map(|(_, name)| name).collect();
        if table.get("has_children") {
            key.clear();
        }
        let time = Time::of(declared, &columns)?;
        let report = report_table(declared, name, (&columns, &key))?;
        let family = [table.get("family"), table.get("columns")];
        Ok(Self { place, report, key, time, filter: None, family })
    }

    /// The columns of the window.
    pub(crate) fn columns(&self) -> Vec<String> {
        self.report.columns.iter().map(|column| column.name.clone()).collect()
    }

    /// The condition of the window on rows inside the bounds.
    pub(crate) fn selects(&self, bounds: Bounds) -> String {
        let inside = self.time.inside(bounds);
        match &self.filter {
            Some(filter) => format!("{inside} AND ({filter})"),
            None => inside,
        }
    }
}

impl Time {
    fn of(declared: &Declared, columns: &[Column]) -> Result<Self, Problem> {
        let (table, name) = (&declared.table, &declared.window.time);
        let column = find(table, columns, name)?;
        let naive = |written: fn(String) -> Written| match &declared.window.zone {
            Some(zone) => Ok(written(zone.clone())),
            None => Err(Problem::new(format!("{table}.{name} needs a zone"))
                .detail(format!("its type is {}, which names no instant", column.base_type))
                .hint("add zone = \"Europe/Paris\", or where else its clock is")),
        };
        let written = match column.base_type.as_str() {
            "timestamp with time zone" => Written::Instant,
            "timestamp without time zone" => naive(Written::Local)?,
            "date" => naive(Written::Date)?,
            other => {
                return Err(Problem::new(format!("{table}.{name} is no time: it is {other}"))
                    .hint("name a column of type timestamptz, timestamp or date"));
            }
        };
        Ok(Self { column: name.clone(), written })
    }

    /// The condition on rows inside the bounds. Where a zone has to be asked, comparisons with the
    /// column as it is narrow the rows down first: no zone is a day away from UTC, and no index
    /// knows the zone.
    pub(crate) fn inside(&self, bounds: Bounds) -> String {
        let column = quote_identifier(&self.column);
        let (lower, upper) = (instant(bounds.lower), instant(bounds.upper));
        let (zone, exact, kind) = match &self.written {
            Written::Instant => return format!("{column} > {lower} AND {column} <= {upper}"),
            Written::Local(zone) => (zone, column.clone(), "timestamp"),
            Written::Date(zone) => (zone, format!("{column}::timestamp"), "date"),
        };
        let near = |at: &str, sign: char| {
            format!("({at} AT TIME ZONE 'UTC' {sign} interval '1 day')::{kind}")
        };
        let (first, last) = (near(&lower, '-'), near(&upper, '+'));
        let near = format!("{column} >= {first} AND {column} <= {last}");
        let exact = format!("({exact} AT TIME ZONE {})", quote_literal(zone));
        // The zone is asked only for times near by: the calendar's farthest days have none.
        format!(
            "{near} AND CASE WHEN {near} THEN {exact} > {lower} AND {exact} <= {upper} \
             ELSE false END"
        )
    }
}

fn instant(at: Timestamp) -> String {
    // The server rounds what is finer than it can hold.
    let micros = SignedDuration::from_nanos(i64::from(at.subsec_nanosecond() % 1000));
    let at = at.checked_sub(micros).unwrap_or(at);
    format!("{}::timestamptz", quote_literal(&at.to_string()))
}

async fn columns(session: &Session, place: &Name) -> anyhow::Result<Vec<Column>> {
    let sql = include_str!("../sql/window_columns.sql");
    let rows = session.rows(sql, &[&place.schema, &place.name]).await?;
    let column = |row: &pg::Row| Column {
        name: row.get("name"),
        definition: row.get("definition"),
        base_type: row.get("base_type"),
        key_position: row.get("key_position"),
    };
    Ok(rows.iter().map(column).collect())
}

/// Has the server read a condition, as that of a partial index: it may look at the row alone, and
/// has to mean the same at any moment.
async fn condition(session: &Session, place: &Name, filter: &str) -> anyhow::Result<String> {
    let table = Name::new("levada", "stage_window_condition");
    let index = Name::new("levada", "stage_window_condition_index");
    let (created, like) = (table.sql(), place.sql());
    session.batch(&format!("CREATE TABLE {created} (LIKE {like})")).await?;
    super::fill::set_path(session, &quote_identifier(&place.schema)).await?;
    let read = format!(
        "CREATE INDEX {} ON {created} ((true)) WHERE ({filter}\n)",
        quote_identifier(&index.name)
    );
    // Not as a batch: a condition is no place for a second statement.
    if let Err(error) = session.execute(&read, &[]).await {
        if error.is_retryable() {
            return Err(error.into());
        }
        let problem = Problem::new("its where is refused").detail(error.to_string()).hint(
            "compare columns of the row with constants: no subquery, no now(), no function that \
             depends on settings",
        );
        return Err(problem.into());
    }
    super::fill::set_path(session, "").await?;
    let sql = include_str!("../sql/window_condition.sql");
    let row = session.one(sql, &[&index.schema, &index.name]).await?;
    session.batch(&format!("DROP TABLE {created}")).await?;
    Ok(row.get(0))
}

fn report_table(
    declared: &Declared,
    name: &Name,
    (columns, key): (&[Column], &[String]),
) -> Result<ReportTable, Problem> {
    let (window, table) = (&declared.window, &declared.table);
    let mut carried: Vec<&Column> = match &window.columns {
        None => columns.iter().collect(),
        Some(names) => {
            names.iter().map(|name| find(table, columns, name)).collect::<Result<_, _>>()?
        }
    };
    for needed in key.iter().chain([&window.time]) {
        if !carried.iter().any(|column| column.name == *needed) {
            carried.push(find(table, columns, needed)?);
        }
    }
    for column in window.indexes.iter().flatten() {
        if !carried.iter().any(|carried| carried.name == *column) {
            return Err(Problem::new(format!(
                "an index names column {column}, which is not carried"
            ))
            .hint("add it to columns, or leave the index out"));
        }
    }
    let column = |column: &&Column| ReportColumn {
        name: column.name.clone(),
        definition: column.definition.clone(),
    };
    Ok(ReportTable {
        name: name.clone(),
        kind: "window",
        columns: carried.iter().map(column).collect(),
        key: match key {
            [] => Key::None,
            key => Key::Primary(key.to_vec()),
        },
        indexes: window.indexes.clone(),
        comment: format!("Rows of {table} {}, by {}.", declared.course.describe(), window.time),
    })
}

fn find<'a>(table: &Name, columns: &'a [Column], name: &str) -> Result<&'a Column, Problem> {
    columns.iter().find(|column| column.name == *name).ok_or_else(|| {
        let known: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        Problem::new(format!("{table} has no column {name}"))
            .detail(format!("its columns are {}", known.join(", ")))
            .hint("correct the name in the [[window]] section")
    })
}

fn missing_table(table: &Name) -> Problem {
    Problem::new(format!("there is no table {table} in the edition"))
        .hint("correct the table of the [[window]] section, or carry it: see [copy] include")
}
