//! The answers of one import, page by page, and where they end.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;

use reqwest::Url;
use serde_json::Value;

use super::definition::{Definition, Origin};
use super::delimited;
use super::exact::{self, Unreadable};
use super::fault::{Fault, Place};
use super::http::{Answer, Body, Http};
use super::path::{Found, NoContainer};
use super::section::{Format, Paging};

/// All answers of an import.
#[derive(Debug)]
pub(crate) enum Document {
    Json(Vec<exact::Document>),
    /// Each is read from its beginning.
    Csv(Vec<File>),
}

impl Document {
    /// What it turned out to be.
    pub(crate) fn format(&self) -> Format {
        match self {
            Self::Json(_) => Format::Json,
            Self::Csv(_) => Format::Csv,
        }
    }
}

/// Fetches all answers, or reads the file.
pub(crate) async fn load(definition: &Definition) -> Result<Document, Fault> {
    match &definition.origin {
        Origin::File(path) => {
            let unreadable = |error: std::io::Error| {
                Fault::new(Place::default(), format!("cannot read {}: {error}", path.display()))
                    .hint("file is relative to the folder of levada.toml")
            };
            let mut file = File::open(path).map_err(unreadable)?;
            let length = file.metadata().map_err(unreadable)?.len();
            if length > definition.section.bytes_max {
                let fault = Fault::new(Place::default(), "more bytes than bytes_max");
                return Err(fault.hint("raise bytes_max if it is right"));
            }
            match definition.format {
                Some(Format::Csv) => Ok(Document::Csv(vec![file])),
                _ => {
                    let mut bytes = Vec::new();
                    file.read_to_end(&mut bytes).map_err(unreadable)?;
                    Ok(Document::Json(vec![parse(&bytes, Place::default())?]))
                }
            }
        }
        Origin::Url { url, headers } => {
            let http = Http::new(url, headers)?;
            Fetch { definition, http, json: Vec::new(), csv: Vec::new(), rows: 0 }.all(url).await
        }
    }
}

/// The place of an answer, counted from 0.
pub(crate) fn place(definition: &Definition, page: usize) -> Place {
    let page = definition.section.page.as_ref().map(|_| page as u64 + 1);
    Place { page, record: None }
}

/// The records of a JSON answer.
pub(crate) fn records<'a>(
    definition: &Definition,
    document: &'a exact::Document,
    place: Place,
) -> Result<Vec<&'a Value>, Fault> {
    if definition.has_filter && document.has_long_numbers {
        let reason = "it has numbers with more digits than the filter of a path compares exactly";
        return Err(Fault::new(place, reason).hint("take the filter out of the path"));
    }
    definition.records.all(&document.value).map_err(|NoContainer| {
        let path = &definition.section.records;
        Fault::new(place, format!("there is no list at records = \"{path}\""))
            .hint("correct the path, if the answer is the right one")
    })
}

/// How many records the server has given in an answer, also those that a filter leaves out.
pub(crate) fn given(
    definition: &Definition,
    document: &exact::Document,
    place: Place,
) -> Result<u64, Fault> {
    let count = records(definition, document, place)?.len() as u64;
    Ok(definition.records.elements(&document.value).map_or(count, |elements| elements.max(count)))
}

fn parse(bytes: &[u8], place: Place) -> Result<exact::Document, Fault> {
    exact::parse(bytes).map_err(|error| match error {
        Unreadable::EndsEarly => Fault::new(place, "the JSON ends early"),
        Unreadable::Syntax(line, column) => {
            Fault::new(place, format!("no JSON at line {line}, column {column}"))
        }
        Unreadable::Twice(line, column) => {
            let reason = format!("a member has the name of another, line {line}, column {column}");
            Fault::new(place, reason)
        }
        Unreadable::Ambiguous => {
            Fault::new(place, "it has a text with a zero character that could be a number")
        }
    })
}

struct Fetch<'a> {
    definition: &'a Definition,
    http: Http<'a>,
    json: Vec<exact::Document>,
    csv: Vec<File>,
    rows: u64,
}

impl Fetch<'_> {
    async fn all(mut self, start: &Url) -> Result<Document, Fault> {
        let section = &self.definition.section;
        let mut budget = section.bytes_max;
        let mut format = self.definition.format;
        let mut asked = BTreeSet::new();
        let mut next = Some(self.first(start));
        let mut number = 0;
        while let Some(url) = next {
            let place = place(self.definition, number);
            if !asked.insert(url.to_string()) {
                return Err(Fault::new(place, "the server names a page that it gave already"));
            }
            let answer = self.http.get(&url, place, (format, &mut budget)).await?;
            format = Some(answer.body.format());
            next = self.take(answer, start, (number, place))?;
            number += 1;
            if self.rows > section.rows_max {
                break;
            }
        }
        Ok(match format {
            Some(Format::Csv) => Document::Csv(self.csv),
            _ => Document::Json(self.json),
        })
    }

    fn first(&self, start: &Url) -> Url {
        match &self.definition.section.page {
            Some(Paging::Number { .. }) => self.numbered(start, 0),
            _ => start.clone(),
        }
    }

    fn numbered(&self, start: &Url, number: usize) -> Url {
        let mut url = start.clone();
        if let Some(Paging::Number { parameter, first, step, size_parameter, size }) =
            &self.definition.section.page
        {
            let number = first.saturating_add(step.saturating_mul(number as u64));
            url = with_parameter(&url, parameter, &number.to_string());
            if let (Some(parameter), Some(size)) = (size_parameter, size) {
                url = with_parameter(&url, parameter, &size.to_string());
            }
        }
        url
    }

    /// Keeps an answer; returns the url of the next, if there is one.
    fn take(
        &mut self,
        answer: Answer,
        start: &Url,
        (number, place): (usize, Place),
    ) -> Result<Option<Url>, Fault> {
        let definition = self.definition;
        let page = &definition.section.page;
        let cursor = match answer.body {
            Body::Json(bytes) => {
                let document = parse(&bytes, place)?;
                let count = match page {
                    Some(_) => given(definition, &document, place)?,
                    None => 0,
                };
                let cursor = cursor(definition, &document.value, place)?;
                self.json.push(document);
                (count, cursor)
            }
            Body::Csv(file) => {
                let count = match page {
                    Some(_) => delimited::count(definition, &file, place)?,
                    None => 0,
                };
                self.csv.push(file);
                (count, None)
            }
        };
        let (count, cursor) = cursor;
        self.rows += count;
        Ok(match page {
            None if answer.next.is_some() => {
                return Err(Fault::new(place, "the server has more pages")
                    .hint("add page = { kind = \"link\" } to read them all"));
            }
            None => None,
            Some(Paging::Number { .. }) if count == 0 => None,
            Some(Paging::Number { .. }) => Some(self.numbered(start, number + 1)),
            Some(Paging::Cursor { parameter, .. }) => {
                cursor.map(|cursor| with_parameter(start, parameter, &cursor))
            }
            Some(Paging::Link {}) => answer.next,
        })
    }
}

/// The next cursor; nothing, null, false and an empty text end the pages.
fn cursor(
    definition: &Definition,
    document: &Value,
    place: Place,
) -> Result<Option<String>, Fault> {
    let Some(path) = &definition.cursor else { return Ok(None) };
    match path.look(document) {
        Found::Nothing => match &definition.section.page {
            Some(Paging::Cursor { absent_ends: false, .. }) => {
                Err(Fault::new(place, "there is nothing at the path of the next cursor")
                    .hint("correct the path, or declare absent_ends = true in page"))
            }
            _ => Ok(None),
        },
        Found::One(Value::Null | Value::Bool(false)) => Ok(None),
        Found::One(Value::String(text)) if text.is_empty() => Ok(None),
        Found::One(value) => {
            let number = exact::number(value);
            let text = number.or_else(|| value.as_str().map(str::to_owned));
            text.map(Some).ok_or_else(|| Fault::new(place, "the next cursor is no text"))
        }
        _ => Err(Fault::new(place, "the path of the next cursor leads to several values")),
    }
}

/// The url with this parameter, in place of one of the same name.
fn with_parameter(url: &Url, name: &str, value: &str) -> Url {
    let others: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(key, _)| key != name)
        .map(|(k, v)| (k.into(), v.into()))
        .collect();
    let mut url = url.clone();
    url.query_pairs_mut().clear().extend_pairs(others).append_pair(name, value);
    url
}
