//! Large objects travel as the rows of a table of ours and take their own ids when the edition is
//! published. They belong to a whole database, so they cannot be built beside.

use edition::{ChunkRow, TableRow};
use pg::Name;

use crate::config::Mode;
use crate::plan::Format;

/// The name under which the pages are loaded and reported.
pub fn table() -> Name {
    Name::new("levada", "large_object_page")
}

/// Whether `name` is that of [`table`].
pub fn is_large_objects(name: &Name) -> bool {
    *name == table()
}

/// The rows of the records that make the pages a table like any other.
pub(crate) fn records() -> (TableRow, ChunkRow) {
    let name = table();
    let row = TableRow::copied(name.clone(), Mode::Refresh.label(), Format::Binary.label());
    let table = TableRow { reason: Some("large objects".to_owned()), ..row };
    (table, ChunkRow { table: name, number: 1, first_page: None, end_page: None, done: None })
}

/// Reads all large objects, in pages.
pub fn copy_out() -> String {
    let select = include_str!("sql/large_objects.sql").trim();
    format!("COPY ({select}) TO STDOUT (FORMAT binary)")
}

/// Takes the pages; the table must have been emptied in the same transaction.
pub fn copy_in() -> String {
    format!("COPY {} FROM STDIN (FORMAT binary, FREEZE true)", table().sql())
}

/// Replaces the large objects of the old edition by those of the new one; others stay.
pub fn publish() -> &'static str {
    include_str!("sql/publish_large_objects.sql")
}
