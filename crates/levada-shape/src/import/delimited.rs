//! The records of a CSV.

use std::fs::File;
use std::io::{self, Read, Seek};

use csv::{ByteRecord, ReaderBuilder};

use super::definition::Definition;
use super::fault::{Fault, Place};
use super::section::Empty;
use super::spool;

/// Records of one answer, read in order.
pub(crate) struct Records<'a> {
    reader: csv::Reader<Quotes<&'a File>>,
    definition: &'a Definition,
    place: Place,
    /// Where in a record the fields of the import stand.
    places: Vec<usize>,
    record: ByteRecord,
    /// How many were read.
    pub(crate) count: u64,
}

/// Counts quotation marks: one that is not closed swallows the rest of the document.
struct Quotes<R> {
    inner: R,
    count: u64,
}

impl<R: Read> Read for Quotes<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.count += buffer[..length].iter().filter(|byte| **byte == b'"').count() as u64;
        Ok(length)
    }
}

/// How many records an answer has.
pub(crate) fn count(definition: &Definition, file: &File, place: Place) -> Result<u64, Fault> {
    let mut records = Records::open(definition, file, place)?;
    while records.read()? {}
    Ok(records.count)
}

impl<'a> Records<'a> {
    /// Reads the header.
    pub(crate) fn open(
        definition: &'a Definition,
        mut file: &'a File,
        place: Place,
    ) -> Result<Self, Fault> {
        file.rewind().map_err(|error| spool::fault(place, &error))?;
        let delimiter = definition.section.delimiter.bytes().next().unwrap_or(b',');
        let mut builder = ReaderBuilder::new();
        let reader = builder.delimiter(delimiter).from_reader(Quotes { inner: file, count: 0 });
        let record = ByteRecord::new();
        let mut records = Self { reader, definition, place, places: Vec::new(), record, count: 0 };
        let header = records.reader.byte_headers().map_err(|error| fault(place, &error))?.clone();
        // A page after the last may be quite empty.
        let is_after_last = header.is_empty() && place.page.is_some_and(|page| page > 1);
        if !is_after_last {
            records.places = places(definition, &header, place)?;
        }
        Ok(records)
    }

    /// Goes to the next record; `false` at the end.
    pub(crate) fn read(&mut self) -> Result<bool, Fault> {
        let here = self.place.record(self.count + 1);
        let more = self.reader.read_byte_record(&mut self.record);
        let more = more.map_err(|error| fault(here, &error))?;
        if more {
            self.count += 1;
        } else if self.reader.get_ref().count % 2 == 1 {
            let place = self.place.record(self.count);
            return Err(Fault::new(place, "a quotation mark is not closed up to the end"));
        }
        Ok(more)
    }

    /// The values of the record, in the order of the import's fields.
    pub(crate) fn row(&self) -> Result<Vec<Option<String>>, Fault> {
        let here = self.place.record(self.count);
        let fields = self.definition.fields.iter().zip(&self.places);
        let row = fields.map(|(field, place)| {
            let fault = |reason: &str| Fault::new(here, reason).column(&field.name);
            let bytes = self.record.get(*place).unwrap_or_default();
            let text = std::str::from_utf8(bytes)
                .map_err(|_| fault("bytes that are not UTF-8").hint("import it as UTF-8"))?;
            if text.is_empty() && self.definition.section.empty == Empty::Null {
                return match field.null {
                    true => Ok(None),
                    false => Err(fault("no value")
                        .hint("declare null = true for the column, or empty = \"text\"")),
                };
            }
            field.kind.of_text(text).map(Some).map_err(|reason| fault(&reason))
        });
        row.collect()
    }
}

fn places(definition: &Definition, header: &ByteRecord, place: Place) -> Result<Vec<usize>, Fault> {
    let find = |name: &str| -> Result<usize, Fault> {
        let fault = |reason: &str| {
            Fault::new(place, format!("{reason} \"{name}\" in the first line"))
                .hint("correct header or delimiter of the import")
        };
        let mut found = (0..header.len()).filter(|index| &header[*index] == name.as_bytes());
        match (found.next(), found.next()) {
            (Some(index), None) => Ok(index),
            (Some(_), Some(_)) => Err(fault("two headers")),
            _ => Err(fault("no header")),
        }
    };
    definition.fields.iter().map(|field| find(&field.header)).collect()
}

/// The library's own text may quote the record.
fn fault(place: Place, error: &csv::Error) -> Fault {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            Fault::new(place, format!("{len} fields where the first line has {expected_len}"))
        }
        csv::ErrorKind::Io(error) => spool::fault(place, error),
        _ => Fault::new(place, "the record cannot be read"),
    }
}
