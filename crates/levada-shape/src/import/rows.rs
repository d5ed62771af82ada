//! Records become rows: each value of its type, keys present and never twice, as many as declared.

use std::collections::HashMap;

use pg::{Feed, Refusal};
use serde_json::Value;

use super::definition::{Definition, Field};
use super::delimited::Records;
use super::document::{self, Document};
use super::exact;
use super::fault::{Fault, Place};
use super::path::Found;
use super::value::{array, kind_of};

/// What PostgreSQL's indexes take of a row, less some room.
const INDEXED_BYTES_MAX: usize = 2600;

/// Why rows cannot be loaded.
pub(crate) enum Failure {
    /// The import is at fault.
    Import(Fault),
    /// The target is.
    Target(pg::Error),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Import(fault)
    }
}

/// Rows on their way into a table.
pub(crate) struct Rows<'a, 'b> {
    definition: &'a Definition,
    feed: &'b mut Feed<'a>,
    keys: HashMap<[u8; 16], (u64, u64)>,
    /// How many rows each answer had.
    pages: Vec<u64>,
    total: u64,
    /// How many records the server has given, also those that a filter leaves out.
    given: u64,
}

impl<'a, 'b> Rows<'a, 'b> {
    pub(crate) fn new(definition: &'a Definition, feed: &'b mut Feed<'a>) -> Self {
        Self { definition, feed, keys: HashMap::new(), pages: Vec::new(), total: 0, given: 0 }
    }

    /// Sends all records of all answers; returns how many rows each answer had.
    pub(crate) async fn send(mut self, document: &Document) -> Result<Vec<u64>, Failure> {
        match document {
            Document::Json(pages) => {
                for (number, page) in pages.iter().enumerate() {
                    let place = document::place(self.definition, number);
                    let records = document::records(self.definition, page, place)?;
                    self.pages.push(0);
                    for (index, record) in records.into_iter().enumerate() {
                        let place = place.record(index as u64 + 1);
                        let row = json_row(self.definition, record, place)?;
                        self.row(row, place).await?;
                    }
                    let is_last = number + 1 == pages.len();
                    let given = document::given(self.definition, page, place)?;
                    self.given += given;
                    self.refuse_full(given, place, is_last)?;
                }
                self.prove_total(pages)?;
            }
            Document::Csv(pages) => {
                for (number, file) in pages.iter().enumerate() {
                    let place = document::place(self.definition, number);
                    let mut records = Records::open(self.definition, file, place)?;
                    self.pages.push(0);
                    while records.read()? {
                        let place = place.record(records.count);
                        self.row(records.row()?, place).await?;
                    }
                    self.refuse_full(records.count, place, number + 1 == pages.len())?;
                }
            }
        }
        if self.total == 0 && !self.definition.section.allow_empty {
            return Err(Fault::new(Place::default(), "the answer has no records")
                .hint("if that is right, declare allow_empty = true")
                .into());
        }
        Ok(self.pages)
    }

    async fn row(&mut self, row: Vec<Option<String>>, place: Place) -> Result<(), Failure> {
        self.total += 1;
        let limit = self.definition.section.rows_max;
        if self.total > limit {
            let reason = format!("more than {limit} records");
            return Err(Fault::new(place, reason).hint("raise rows_max if it is right").into());
        }
        self.check_indexed(&row, place)?;
        let here = (place.page.unwrap_or_default(), place.record.unwrap_or_default());
        if let Some((page, record)) = self.keys.insert(digest(&row, self.definition), here) {
            let first = Place { page: place.page.map(|_| page), record: Some(record) };
            let reason = format!("the same key as {}", first.text());
            return Err(Fault::new(place, reason).hint("check key, and the source").into());
        }
        if let Some(last) = self.pages.last_mut() {
            *last += 1;
        }
        let sent = self.feed.row(row.iter().map(Option::as_deref)).await;
        sent.map_err(|refusal| explain(self.definition, &self.pages, refusal))
    }

    fn check_indexed(&self, row: &[Option<String>], place: Place) -> Result<(), Fault> {
        for columns in &self.definition.indexed {
            let length = |column: &usize| row[*column].as_ref().map_or(0, String::len);
            if columns.iter().map(length).sum::<usize>() > INDEXED_BYTES_MAX {
                let reason = format!("more than {INDEXED_BYTES_MAX} bytes in an index or key");
                let column = columns.iter().max_by_key(|column| length(column));
                let name = column.map_or("", |column| &self.definition.fields[*column].name);
                return Err(Fault::new(place, reason).column(name));
            }
        }
        Ok(())
    }

    /// An answer with as many records as the server gives at most was probably cut.
    fn refuse_full(&self, given: u64, place: Place, is_last: bool) -> Result<(), Fault> {
        let Some(limit) = self.definition.section.server_limit else { return Ok(()) };
        if is_last && given >= limit {
            let reason = format!("as many records as the server's limit of {limit}: it may be cut");
            return Err(Fault::new(place, reason).hint("ask for pages: page = { kind = … }"));
        }
        Ok(())
    }

    fn prove_total(&self, pages: &[exact::Document]) -> Result<(), Fault> {
        let Some(path) = &self.definition.total else { return Ok(()) };
        let given = if self.definition.records.has_filter { self.given } else { self.total };
        for (number, page) in pages.iter().enumerate() {
            let place = document::place(self.definition, number);
            let total = match path.look(&page.value) {
                Found::One(value) => value.as_u64(),
                Found::Nothing if number > 0 => continue,
                _ => None,
            };
            let total = total
                .ok_or_else(|| Fault::new(place, "there is no number at the path of total"))?;
            if total != given {
                let reason = format!("{given} records where total is {total}");
                return Err(Fault::new(place, reason).hint("run the same command again"));
            }
        }
        Ok(())
    }
}

/// What the server has refused, by the place of the record.
pub(crate) fn explain(definition: &Definition, pages: &[u64], refusal: Refusal) -> Failure {
    let Some(mut row) = refusal.row.filter(|row| *row > 0) else {
        return Failure::Target(refusal.error);
    };
    for (page, count) in pages.iter().enumerate() {
        if row <= *count {
            let place = document::place(definition, page).record(row);
            let reason = format!("the target refuses it: {}", refusal.error);
            return Fault::new(place, reason).into();
        }
        row -= count;
    }
    Failure::Target(refusal.error)
}

fn digest(row: &[Option<String>], definition: &Definition) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new();
    for column in &definition.indexed[0] {
        let value = row[*column].as_deref().unwrap_or_default();
        hasher.update(&(value.len() as u64).to_le_bytes()).update(value.as_bytes());
    }
    let mut digest = [0; 16];
    digest.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    digest
}

fn json_row(
    definition: &Definition,
    record: &Value,
    place: Place,
) -> Result<Vec<Option<String>>, Fault> {
    let row = definition.fields.iter().map(|field| {
        let value = json_value(field, record);
        let value = value.map_err(|reason| Fault::new(place, reason).column(&field.name))?;
        match value {
            None if !field.null => Err(Fault::new(place, "no value")
                .column(&field.name)
                .hint("if it may be missing, declare null = true for the column")),
            value => Ok(value),
        }
    });
    row.collect()
}

fn json_value(field: &Field, record: &Value) -> Result<Option<String>, String> {
    let found = match (&field.path, record) {
        (Some(path), record) => path.look(record),
        (None, Value::Object(members)) => {
            members.get(&field.name).map_or(Found::Nothing, Found::One)
        }
        (None, other) => return Err(format!("the record is {}, no object", kind_of(other))),
    };
    match found {
        Found::Nothing | Found::One(Value::Null) => Ok(None),
        Found::One(value) => field.kind.of_json(value).map(Some),
        Found::All(values) if field.kind.is_array => array(field.kind.scalar, &values).map(Some),
        Found::All(values) => match values.as_slice() {
            [] | [Value::Null] => Ok(None),
            [one] => field.kind.of_json(one).map(Some),
            _ => Err(format!("{} values where {} is declared", values.len(), field.kind.sql())),
        },
        Found::Gaps => Err("an element of the list has no value".to_owned()),
    }
}
