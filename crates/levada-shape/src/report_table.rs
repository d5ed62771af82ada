//! A table of the reports schema that levada keeps: created when it is missing, and replaced when
//! its definition has changed, with what readers built on it.

use anyhow::Context;
use edition::{Publishing, Saved};
use pg::{Name, Session, quote_identifier, quote_literal};
use report::Problem;

/// What a table of ours shall be.
#[derive(Debug, Clone)]
pub(crate) struct ReportTable {
    pub(crate) name: Name,
    /// `rollup`, `window`, `import`: what it is called when another thing has its name.
    pub(crate) kind: &'static str,
    pub(crate) columns: Vec<ReportColumn>,
    /// What tells its rows apart.
    pub(crate) key: Key,
    pub(crate) indexes: Vec<Vec<String>>,
    pub(crate) comment: String,
}

/// A column: its name, and its type with what else follows in a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReportColumn {
    pub(crate) name: String,
    pub(crate) definition: String,
}

impl ReportColumn {
    fn is_computed(&self) -> bool {
        self.definition.contains(" GENERATED ")
    }

    /// The type alone.
    fn type_name(&self) -> &str {
        let words = [" NOT NULL", " COLLATE ", " GENERATED "];
        let ends = words.iter().filter_map(|word| self.definition.find(word));
        &self.definition[..ends.min().unwrap_or(self.definition.len())]
    }
}

/// What was done to have a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It was there as declared.
    Kept,
    /// It is empty.
    Created,
    /// It has another layout, and the rows of the old one.
    Replaced,
}

/// What tells rows apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    None,
    /// Columns that are never NULL.
    Primary(Vec<String>),
    /// Columns of which some may be NULL; looked up by them, unique by construction.
    Lookup(Vec<String>),
}

impl ReportTable {
    /// Makes sure that the table exists as declared; tells whether it was created, and so is empty.
    ///
    /// # Errors
    /// A [`Problem`] when something else has its name, or a reader's view does not fit any more;
    /// [`edition::Busy`] while somebody could still read the table that is replaced.
    pub(crate) async fn ensure(&self, session: &Session) -> anyhow::Result<bool> {
        Ok(self.stand(session, false).await? != Standing::Kept)
    }

    /// The same, and rows of a replaced table are carried over if `keeps_rows` and all columns of
    /// the new one were there.
    pub(crate) async fn stand(
        &self,
        session: &Session,
        keeps_rows: bool,
    ) -> anyhow::Result<Standing> {
        let exists = "SELECT FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n \
                      ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2";
        let (schema, table) = (&self.name.schema, &self.name.name);
        let exists = session.maybe(exists, &[schema, table]).await?.is_some();
        let recorded = "SELECT layout FROM levada.report_table \
                        WHERE schema_name = $1 AND table_name = $2";
        let recorded = session.maybe(recorded, &[schema, table]).await?;
        let layout = self.layout();
        let standing = match (exists, recorded) {
            (true, None) => return Err(self.refuse_name().into()),
            (true, Some(row)) if row.get::<_, &str>(0) == layout => return Ok(Standing::Kept),
            (true, Some(_)) => self.replace(session, &layout, keeps_rows).await?,
            (false, _) => {
                session.batch(&layout).await?;
                Standing::Created
            }
        };
        let comment = quote_literal(&self.comment);
        session.batch(&format!("COMMENT ON TABLE {} IS {comment}", self.name.sql())).await?;
        let record = "INSERT INTO levada.report_table \
                      (schema_name, table_name, kind, layout) VALUES ($1, $2, $3, $4) \
                      ON CONFLICT (schema_name, table_name) DO UPDATE SET kind = $3, layout = $4";
        session.execute(record, &[schema, table, &self.kind, &layout]).await?;
        Ok(standing)
    }

    /// Records the layout with the names that types of the edition will have: while it is built
    /// beside, they bear that of their place.
    pub(crate) async fn settle(&self, publishing: &Publishing<'_>) -> anyhow::Result<()> {
        if publishing.places.is_empty() {
            return Ok(());
        }
        let mut settled = self.clone();
        for (own, place) in publishing.places {
            let sql = "SELECT pg_catalog.quote_ident($1), pg_catalog.quote_ident($2)";
            let row = publishing.session.one(sql, &[own, place]).await?;
            let (own, place) = (format!("{}.", row.get::<_, &str>(0)), row.get::<_, &str>(1));
            let place = format!("{place}.");
            for column in &mut settled.columns {
                column.definition = column.definition.replace(&place, &own);
            }
        }
        let sql = "UPDATE levada.report_table SET layout = $3 \
                   WHERE schema_name = $1 AND table_name = $2";
        let name = &self.name;
        let parameters: [&(dyn pg::ToSql + Sync); 3] =
            [&name.schema, &name.name, &settled.layout()];
        publishing.session.execute(sql, &parameters).await?;
        Ok(())
    }

    /// The same table under another name, without indexes and key: to be filled and read back.
    pub(crate) fn bare(&self, name: Name) -> Self {
        let (key, indexes) = (Key::None, Vec::new());
        Self { name, key, indexes, ..self.clone() }
    }

    /// The statements that create it.
    pub(crate) fn layout(&self) -> String {
        let columns = self
            .columns
            .iter()
            .map(|column| format!("{} {}", quote_identifier(&column.name), column.definition));
        let mut inside: Vec<String> = columns.collect();
        if let Key::Primary(columns) = &self.key {
            inside.push(format!("PRIMARY KEY ({})", list(columns)));
        }
        let table = self.name.sql();
        let mut statements = vec![format!("CREATE TABLE {table} ({})", inside.join(", "))];
        let lookup = match &self.key {
            Key::Lookup(columns) => Some(columns),
            _ => None,
        };
        for columns in lookup.into_iter().chain(&self.indexes) {
            let name = quote_identifier(&self.index_name(columns));
            statements.push(format!("CREATE INDEX {name} ON {table} ({})", list(columns)));
        }
        statements.join(";\n")
    }

    fn index_name(&self, columns: &[String]) -> String {
        let hash = blake3::hash(format!("{}\n{}", self.name.name, columns.join("\n")).as_bytes());
        format!("levada_{}", &hash.to_hex()[..16])
    }

    async fn replace(
        &self,
        session: &Session,
        layout: &str,
        keeps_rows: bool,
    ) -> anyhow::Result<Standing> {
        const REPLACED: &str = "levada.stage_replaced";
        let own: Vec<&ReportColumn> =
            self.columns.iter().filter(|column| !column.is_computed()).collect();
        let sql = include_str!("sql/table_columns.sql");
        let old = session.rows(sql, &[&self.name.schema, &self.name.name]).await?;
        let had =
            |column: &&ReportColumn| old.iter().any(|row| column.name == row.get::<_, &str>(0));
        let keeps_rows = keeps_rows && own.iter().all(had);
        if keeps_rows {
            let table = self.name.sql();
            let keep = format!(
                "DROP TABLE IF EXISTS {REPLACED}; CREATE UNLOGGED TABLE {REPLACED} AS TABLE {table}"
            );
            session.batch(&keep).await?;
        }
        let mut saved = Saved::of_relations(session, std::slice::from_ref(&self.name), &[]).await?;
        let is_ours =
            |name: &Name| name.schema == self.name.schema && name.name.starts_with("levada_");
        saved.leave_indexes(is_ours);
        for statement in saved.drop_sql() {
            session.batch(&statement).await?;
        }
        session.batch(&format!("DROP TABLE {}; {layout}", self.name.sql())).await?;
        let context = || format!("replacing {} {}", self.kind, self.name);
        saved.restore(session).await.with_context(context)?;
        edition::refuse_snapshots(session).await?;
        if !keeps_rows {
            return Ok(Standing::Created);
        }
        let names: Vec<String> = own.iter().map(|column| column.name.clone()).collect();
        let values = own.iter().map(|column| {
            format!("{}::text::{}", quote_identifier(&column.name), column.type_name())
        });
        let (table, names) = (self.name.sql(), list(&names));
        let values = values.collect::<Vec<_>>().join(", ");
        let carry = format!(
            "INSERT INTO {table} ({names}) SELECT {values} FROM {REPLACED}; DROP TABLE {REPLACED}"
        );
        session.batch(&carry).await.with_context(context)?;
        Ok(Standing::Replaced)
    }

    fn refuse_name(&self) -> Problem {
        Problem::new(format!("{} exists already, and levada did not create it", self.name))
            .detail(format!("the {} of this name would overwrite it", self.kind))
            .hint(format!("rename or drop it, or give the {} another name", self.kind))
    }
}

/// Records that the rows of a table of ours change in this edition, for those who compute from it.
///
/// # Errors
/// Those of the server.
pub(crate) async fn mark_changed(publishing: &Publishing<'_>, name: &Name) -> anyhow::Result<()> {
    let sql = "UPDATE levada.report_table SET changed_in = $3 \
               WHERE schema_name = $1 AND table_name = $2";
    let edition = publishing.edition;
    publishing.session.execute(sql, &[&name.schema, &name.name, &edition]).await?;
    Ok(())
}

/// `"a", "b"`.
pub(crate) fn list(columns: &[String]) -> String {
    columns.iter().map(|column| quote_identifier(column)).collect::<Vec<_>>().join(", ")
}
