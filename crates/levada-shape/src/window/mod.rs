//! Windows: tables with the rows of the last days, or of one day, week or month of a calendar, as
//! of the edition that they are published with.
//!
//! `bounds` says what is covered, `subject` looks at the table behind a window, `fill` brings the
//! rows. A window holds exactly the rows of its table whose time is inside: an edition changes what
//! the table changed, drops what has become too old and takes in what has come to be in the past.

mod bounds;
mod fill;
mod subject;

use std::collections::BTreeSet;

use anyhow::Context;
use edition::Publishing;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use pg::{Name, Session};
use report::{Finding, Problem};
use serde::{Deserialize, Serialize};

use crate::calendar::Grain;
use crate::sections::Sections;
use bounds::Course;
use subject::Subject;

/// One `[[window]]` section.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The name of the table in the reports schema.
    pub name: String,
    /// The table whose rows it shows: "schema.table", or "table" in the schema "public".
    pub table: String,
    /// The column that places a row in time: a `timestamptz`, `timestamp` or `date`. An index on it
    /// saves reading the whole table for each edition. Rows without a time, or at infinity, are in
    /// no window.
    pub time: String,
    /// The IANA time zone in which a `timestamp` or `date` is written, such as "Europe/Paris". A
    /// date is the beginning of its day. A `timestamptz` needs none.
    pub zone: Option<String>,
    /// Exactly the rows of that long before the moment of the edition: "7 days", "36 hours". A day
    /// has 24 hours.
    pub last: Option<String>,
    /// Rows since the "hour", "day", "week" or "month" of the calendar began, up to the edition.
    pub current: Option<Grain>,
    /// Rows of the "hour", "day", "week" or "month" before the current one.
    pub previous: Option<Grain>,
    /// The `[[calendar]]` of `current` and `previous`.
    pub calendar: Option<String>,
    /// The columns to carry; those of the primary key and the time always are. Left out means all.
    pub columns: Option<Vec<String>>,
    /// The indexes, each a list of columns; the primary key is there without being named.
    #[serde(default)]
    pub indexes: Vec<Vec<String>>,
    /// Only rows that this SQL condition selects, such as "category <> 'test'". It looks at
    /// nothing but the row, and means the same at any moment.
    #[serde(rename = "where")]
    pub filter: Option<String>,
}

/// A section that was found in order.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Declared {
    pub(crate) window: Window,
    pub(crate) table: Name,
    pub(crate) course: Course,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Windows {
    reports_schema: String,
    declared: Vec<Declared>,
}

impl Windows {
    /// Checks what can be checked without a database.
    ///
    /// # Errors
    /// A [`Problem`] that names the window and what is wrong with it.
    pub(crate) fn new(sections: &Sections) -> Result<Self, Problem> {
        let mut names = BTreeSet::new();
        let mut declared = Vec::new();
        for window in &sections.windows {
            check(window)?;
            if !names.insert(&window.name) {
                return Err(Problem::new(format!("two [[window]] are called \"{}\"", window.name))
                    .hint("give each a name of its own: it is the name of its table"));
            }
            let course = Course::of(window, &sections.calendars)?;
            let table = table_name(&window.table);
            declared.push(Declared { window: window.clone(), table, course });
        }
        Ok(Self { reports_schema: sections.reports_schema.clone(), declared })
    }

    pub(crate) fn watches(&self, table: &Name) -> bool {
        self.declared.iter().any(|declared| declared.table == *table)
    }

    /// Brings every window to the moment of the edition.
    ///
    /// # Errors
    /// A [`Problem`] when a table or column is not there or does not fit; errors of the server.
    pub(crate) async fn after_rows(
        &self,
        publishing: &Publishing<'_>,
    ) -> anyhow::Result<Vec<Finding>> {
        let session = publishing.session;
        session.batch(include_str!("../sql/window_records.sql")).await?;
        let findings = self.undeclared(publishing).await?;
        if self.declared.is_empty() {
            return Ok(findings);
        }
        let as_of: Timestamp = publishing.as_of.parse().context("the moment of the edition")?;
        let path: String =
            session.one("SELECT pg_catalog.current_setting('search_path')", &[]).await?.get(0);
        for declared in &self.declared {
            let table = Name::new(&self.reports_schema, &declared.window.name);
            let bounds = declared.course.at(as_of);
            let context = || format!("window \"{}\"", declared.window.name);
            let bounds = bounds.with_context(context)?;
            fill::publish(publishing, (declared, &table), bounds, &path)
                .await
                .with_context(context)?;
        }
        fill::set_path(session, &path).await?;
        Ok(findings)
    }

    /// What keeps windows from being filled, as far as a server that holds their tables can tell.
    /// Nothing may be on the search path.
    pub(crate) async fn check(&self, session: &Session) -> anyhow::Result<Vec<Finding>> {
        let mut findings = Vec::new();
        for declared in &self.declared {
            let name = Name::new(&self.reports_schema, &declared.window.name);
            let subject = format!("window {}", declared.window.name);
            let described =
                Subject::describe(session, (declared, &name), declared.table.clone()).await;
            if let Err(error) = described {
                let problem = error.downcast::<Problem>()?;
                findings.push(Finding::error("window", subject, problem));
                continue;
            }
            let Some(filter) = &declared.window.filter else { continue };
            let table = declared.table.sql();
            let sql = format!("EXPLAIN SELECT FROM {table} WHERE ({filter}\n)");
            match session.rows(&sql, &[]).await {
                Ok(_) => {}
                Err(error) if error.sqlstate().is_some() => {
                    let problem =
                        Problem::new("its where does not work").detail(error.to_string()).hint(
                            "correct its [[window]] section; nothing is published until it works",
                        );
                    findings.push(Finding::error("window", subject, problem));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(findings)
    }

    /// Windows that are in no section any more: nobody brings them up to date.
    async fn undeclared(&self, publishing: &Publishing<'_>) -> anyhow::Result<Vec<Finding>> {
        let names: Vec<&str> =
            self.declared.iter().map(|declared| declared.window.name.as_str()).collect();
        let sql = include_str!("../sql/window_undeclared.sql");
        let rows = publishing.session.rows(sql, &[&self.reports_schema, &names]).await?;
        let stale = |row: &pg::Row| {
            let table = Name::new(row.get::<_, &str>(0), row.get::<_, &str>(1));
            let since = match row.get::<_, Option<i32>>(2) {
                Some(edition) => format!("it stays as it was in edition {edition}"),
                None => "it stays as it is".to_owned(),
            };
            let problem = Problem::new(format!("window {table} is not declared any more"));
            let hint = format!("DROP TABLE {}, or add its [[window]] again", table.sql());
            let problem = problem.detail(since).hint(hint);
            Finding::warning("window-undeclared", table.to_string(), problem)
        };
        Ok(rows.iter().map(stale).collect())
    }
}

/// What a window says by itself.
fn check(window: &Window) -> Result<(), Problem> {
    let name = &window.name;
    let refuse = |what: &str| Problem::new(format!("[[window]] \"{name}\" {what}"));
    // Longer ones would be cut by the server, and two of them may become one.
    if name.is_empty() || name.len() > 63 {
        return Err(refuse("has no usable name").hint("write 1 to 63 letters, such as last_week"));
    }
    if let Some(zone) = &window.zone {
        check_zone(name, zone)?;
    }
    if let Some(columns) = &window.columns {
        if columns.is_empty() {
            return Err(refuse("has empty columns")
                .hint("name the columns to carry, or leave columns out for all"));
        }
        if let Some(twice) = first_twice(columns) {
            return Err(refuse(&format!("names column {twice} twice")).hint("name it once"));
        }
    }
    if window.indexes.iter().any(Vec::is_empty) {
        return Err(refuse("has an index without columns").hint("name them: [[\"column\"]]"));
    }
    if first_twice(&window.indexes).is_some() {
        return Err(refuse("has the same index twice").hint("name it once"));
    }
    if window.filter.as_ref().is_some_and(|filter| filter.trim().is_empty()) {
        return Err(refuse("has an empty where").hint("leave where out for all rows"));
    }
    Ok(())
}

fn first_twice<T: Ord>(all: &[T]) -> Option<&T> {
    let mut seen = BTreeSet::new();
    all.iter().find(|one| !seen.insert(*one))
}

/// POSIX zones such as `UTC+1` mean the opposite of what they seem to say, and an abbreviation such
/// as `CET` is summer and winter the same to PostgreSQL.
fn check_zone(name: &str, zone: &str) -> Result<(), Problem> {
    let refuse = |reason: &str| {
        Problem::new(format!("[[window]] \"{name}\": zone \"{zone}\" is refused"))
            .detail(reason.to_owned())
            .hint("use an IANA name such as \"Europe/Paris\" or \"UTC\"")
    };
    let lower = zone.to_lowercase();
    let is_offset = lower.contains(['+', '-']) && !lower.contains('/');
    if is_offset || lower.starts_with("etc/gmt") {
        return Err(refuse("POSIX offsets have the sign reversed: UTC+1 is one hour west"));
    }
    let is_unlike_a_place =
        ["posix/", "right/", "etc/unknown"].iter().any(|start| lower.starts_with(start));
    if is_unlike_a_place || !lower.contains('/') && lower != "utc" {
        return Err(refuse("an abbreviation does not say whose clock is meant"));
    }
    TimeZone::get(zone).map(drop).map_err(|_| refuse("no such IANA time zone"))
}

fn table_name(name: &str) -> Name {
    match name.split_once('.') {
        Some((schema, table)) => Name::new(schema, table),
        None => Name::new("public", name),
    }
}

#[cfg(test)]
#[path = "window_tests.rs"]
mod tests;
