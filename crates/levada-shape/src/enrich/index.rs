//! Indexes on copied tables. Their names tell what they are made of, so that an index that exists
//! is the one that is meant.

use edition::Publishing;
use pg::{Name, Session, quote_identifier};

use super::declared::IndexOn;
use super::kind;
use crate::report_table::list;

/// PostgreSQL cuts names at 63 bytes.
const NAME_LETTERS: usize = 39;
const HASH_LETTERS: usize = 16;

/// An index on a table of the edition.
#[derive(Debug, Clone)]
pub(super) struct Index {
    called: String,
    pub(super) table: Name,
    on: IndexOn,
}

impl Index {
    pub(super) fn of(called: &str, on: &IndexOn) -> Result<Self, String> {
        const METHODS: [&str; 6] = ["btree", "hash", "gin", "gist", "brin", "spgist"];
        if on.table.is_empty() {
            return Err("an index needs a table".to_owned());
        }
        if on.columns.is_empty() == on.expression.is_none() {
            return Err("an index has either columns or an expression".to_owned());
        }
        if let Some(method) = on.method.as_ref().filter(|m| !METHODS.contains(&m.as_str())) {
            return Err(format!("an index cannot be a {method}"));
        }
        Ok(Self { called: called.to_owned(), table: kind::table(&on.table), on: on.clone() })
    }

    pub(super) fn texts(&self) -> Vec<&str> {
        self.on.expression.iter().chain(&self.on.condition).map(String::as_str).collect()
    }

    /// The same definition always has the same name; errors of the server show it, so it tells
    /// which enrichment is meant.
    pub(super) fn name(&self) -> Name {
        let hash = blake3::hash(self.definition(&self.table).as_bytes());
        let plain = self.called.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' });
        let plain: String = plain.take(NAME_LETTERS).collect();
        Name::new(&self.table.schema, format!("levada_{plain}_{}", &hash.to_hex()[..HASH_LETTERS]))
    }

    fn definition(&self, table: &Name) -> String {
        let on = &self.on;
        let method = on.method.as_deref().unwrap_or("btree");
        let mut sql = format!("ON {} USING {method} ({})", table.sql(), self.key());
        if !on.include.is_empty() {
            sql += &format!(" INCLUDE ({})", list(&on.include));
        }
        if let Some(condition) = &on.condition {
            sql += &format!(" WHERE ({condition}\n)");
        }
        format!("{}INDEX {sql}", if on.unique { "UNIQUE " } else { "" })
    }

    fn key(&self) -> String {
        match &self.on.expression {
            Some(expression) => format!("({expression}\n)"),
            None => list(&self.on.columns),
        }
    }

    /// A query that fails as the index would, without making it.
    pub(super) fn probe(&self) -> String {
        let condition = self.on.condition.as_deref().unwrap_or("true");
        let included: Vec<String> =
            self.on.include.iter().map(|column| quote_identifier(column)).collect();
        let chosen: Vec<String> = std::iter::once(self.key()).chain(included).collect();
        let chosen = chosen.join(", ");
        format!("SELECT {chosen} FROM {} WHERE ({condition}\n)", self.table.sql())
    }

    /// Makes it where it is missing, or where it is another one than was `known`: a column may bear
    /// another name now. Returns what it is, and whether it was made.
    pub(super) async fn ensure(
        &self,
        publishing: &Publishing<'_>,
        known: Option<&str>,
    ) -> pg::Result<(String, bool)> {
        let session = publishing.session;
        let table = publishing.place(&self.table);
        let name = self.name().in_schema(&table.schema);
        let present = self.present(session, &table).await?;
        if let Some(present) = present.filter(|present| known == Some(present.as_str())) {
            return Ok((present, false));
        }
        drop(session, &name).await?;
        let definition = self.definition(&table);
        let (kind, rest) = definition.split_once("INDEX ").unwrap_or(("", &definition));
        let sql = format!("CREATE {kind}INDEX {} {rest}", quote_identifier(&name.name));
        session.execute(&sql, &[]).await?;
        let made = self.present(session, &table).await?.unwrap_or_default();
        // A copied edition is renamed into its place.
        Ok((made.replace(&table.schema, &self.table.schema), true))
    }

    /// The index as the server tells it.
    async fn present(&self, session: &Session, table: &Name) -> pg::Result<Option<String>> {
        let sql = include_str!("../sql/enrich_index.sql");
        let (schema, relation, name) = (&table.schema, &table.name, self.name().name);
        let row = session.maybe(sql, &[schema, relation, &name]).await?;
        Ok(row.map(|row| row.get(0)))
    }
}

/// Drops an index that was made here.
pub(super) async fn drop(session: &Session, name: &Name) -> pg::Result<()> {
    session.batch(&format!("DROP INDEX IF EXISTS {}", name.sql())).await
}
