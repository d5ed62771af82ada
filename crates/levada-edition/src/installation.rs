//! What an edition is made of, written in the transaction that creates its objects.

use pg::{Name, quote_literal};

use crate::record::{ChunkRow, StepRow, TableRow};

/// The records of a freshly installed edition.
pub struct Installation<'a> {
    pub edition: i32,
    /// Hash of the definitions.
    pub definitions: &'a str,
    pub late_statements: &'a [String],
    pub objects: &'a [Name],
    pub tables: &'a [TableRow],
    pub chunks: &'a [ChunkRow],
    pub steps: &'a [StepRow],
}

impl Installation<'_> {
    /// The statements that write the records.
    pub fn sql(&self) -> String {
        let objects: Vec<String> = self.objects.iter().map(Name::sql).collect();
        let update = format!(
            "UPDATE levada.edition SET definitions = {}, late_statements = {}, objects = {} \
             WHERE number = {}",
            quote_literal(self.definitions),
            array(self.late_statements),
            array(&objects),
            self.edition
        );
        let tables = self.tables.iter().map(|table| table_inserted(self.edition, table));
        let chunks = self.chunks.iter().map(|chunk| self.chunk(chunk));
        let steps = self.steps.iter().map(|step| self.step(step));
        let statements: Vec<String> =
            std::iter::once(update).chain(tables).chain(chunks).chain(steps).collect();
        statements.join(";\n")
    }

    fn chunk(&self, chunk: &ChunkRow) -> String {
        let page = |page: Option<i64>| page.map_or("NULL".to_owned(), |page| page.to_string());
        let values = [
            self.edition.to_string(),
            quote_literal(&chunk.table.schema),
            quote_literal(&chunk.table.name),
            chunk.number.to_string(),
            page(chunk.first_page),
            page(chunk.end_page),
        ];
        let columns = "edition, schema_name, table_name, number, first_page, end_page";
        insert("chunk", columns, &values)
    }

    fn step(&self, step: &StepRow) -> String {
        let (table, references) = (step.table.as_ref(), step.references.as_ref());
        let values = [
            self.edition.to_string(),
            step.number.to_string(),
            (step.stage as i32).to_string(),
            quote_literal(step.category.label()),
            optional(table.map(|name| name.schema.as_str())),
            optional(table.map(|name| name.name.as_str())),
            optional(references.map(|name| name.schema.as_str())),
            optional(references.map(|name| name.name.as_str())),
            quote_literal(&step.object),
            quote_literal(&step.statement),
            optional(step.undo.as_deref()),
            step.volume.to_string(),
            step.weight.to_string(),
        ];
        let columns = "edition, number, stage, category, schema_name, table_name, \
                       references_schema, references_table, object, statement, undo, \
                       volume, weight";
        insert("step", columns, &values)
    }
}

/// The statement that records a table of an edition.
pub(crate) fn table_inserted(edition: i32, table: &TableRow) -> String {
    let number =
        |number: Option<i64>| number.map_or("NULL".to_owned(), |number| number.to_string());
    let values = [
        edition.to_string(),
        quote_literal(&table.name.schema),
        quote_literal(&table.name.name),
        quote_literal(&table.mode),
        quote_literal(&table.format),
        optional(table.reason.as_deref()),
        number(table.source_oid.map(i64::from)),
        optional(table.filter.as_deref()),
        quote_literal(&table.deletes),
        number(table.rows),
        quote_literal(&table.method),
        table.inserted.to_string(),
        table.updated.to_string(),
        table.deleted.to_string(),
    ];
    let columns = "edition, schema_name, table_name, mode, format, reason, source_oid, filter, \
                   deletes, rows, method, inserted, updated, deleted";
    insert("table_state", columns, &values)
}

fn insert(table: &str, columns: &str, values: &[String]) -> String {
    format!("INSERT INTO levada.{table} ({columns}) VALUES ({})", values.join(", "))
}

fn optional(text: Option<&str>) -> String {
    text.map_or("NULL".to_owned(), quote_literal)
}

fn array(texts: &[String]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| quote_literal(text)).collect();
    format!("ARRAY[{}]::text[]", quoted.join(", "))
}
