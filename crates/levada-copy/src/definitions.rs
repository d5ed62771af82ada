//! What the source's definitions say, as statements sorted by when they belong into the target.
//!
//! Triggers, policies, grants, owners and publications stay behind: other people read the target.

use std::collections::BTreeSet;

use anyhow::Context;
use pg::catalog::Catalog;
use pg::{Dump, Name, Section, Statement};

use crate::config::ForeignKeys;
use crate::plan::Plan;

/// The definitions of a source.
#[derive(Debug)]
pub(crate) struct Definitions {
    /// Before the rows: types, functions, tables, views.
    pub(crate) before: Vec<Statement>,
    /// After the rows, in pg_dump's order.
    pub(crate) after: Vec<Statement>,
    /// Equal hashes mean equal definitions.
    pub(crate) hash: String,
}

impl Definitions {
    /// Reads the definitions that `plan` covers, as of `export`'s snapshot.
    pub(crate) async fn read(
        dump: &Dump,
        export: Option<&str>,
        catalog: &Catalog,
        plan: &Plan,
        foreign_keys: ForeignKeys,
    ) -> anyhow::Result<Self> {
        let context = "reading the definitions of the source";
        let halves = tokio::try_join!(
            dump.read(Section::PreData, export),
            dump.read(Section::PostData, export)
        );
        let (before, after) = halves.context(context)?;
        let unwanted = unwanted(catalog, plan, foreign_keys);
        let wanted = |script: &str| -> Vec<Statement> {
            let statements = pg::split(script).into_iter().filter(is_wanted);
            statements.filter(|statement| !unwanted.covers(statement)).collect()
        };
        let (before, after) = (wanted(&before), wanted(&after));
        let mut hasher = blake3::Hasher::new();
        for statement in before.iter().chain(&after) {
            hasher.update(statement.sql.as_bytes()).update(b"\0");
        }
        let mut tables: Vec<_> = plan.tables.iter().collect();
        tables.sort_by_key(|table| &table.name);
        for table in tables {
            // A column dropped and added again reads the same, and holds other values.
            let columns = format!("{} {:?}", table.name.sql(), table.column_numbers);
            hasher.update(columns.as_bytes()).update(b"\0");
        }
        Ok(Self { before, after, hash: hasher.finalize().to_hex().to_string() })
    }

    /// The statements that no recipe covers: they belong into the publish transaction.
    /// `without_recipe` are the objects that have none although others of their kind do.
    pub(crate) fn late(&self, without_recipe: &[Name]) -> Vec<&Statement> {
        let mut previous: Option<usize> = None;
        let mut late = Vec::new();
        for statement in &self.after {
            let same_entry = previous == Some(statement.entry);
            let is_without = without_recipe.iter().any(|name| is_of(statement, name));
            let has_recipe = RECIPE_KINDS.contains(&statement.kind.as_str())
                && !is_without
                && !is_unproven_not_null(statement);
            // What follows the first statement of an entry are settings, such as CLUSTER ON.
            if !has_recipe || same_entry {
                late.push(statement);
            }
            previous = Some(statement.entry);
        }
        late
    }

    /// Whether `view` is created only after the rows: it needs a key.
    pub(crate) fn creates_late(&self, view: &Name) -> bool {
        let mut after = self.after.iter();
        after.any(|statement| statement.kind == "MATERIALIZED VIEW" && is_of(statement, view))
    }

    /// Whether `view` shows its rows only after the rows are there: until then pg_dump lets an
    /// empty shape stand for a view that needs a key or reads itself.
    pub(crate) fn completes_late(&self, view: &Name) -> bool {
        let rule = Name::new(&view.schema, format!("{} _RETURN", view.name));
        let mut after = self.after.iter();
        self.creates_late(view)
            || after.any(|statement| statement.kind == "RULE" && is_of(statement, &rule))
    }
}

/// Whether the statement defines an object of this name.
fn is_of(statement: &Statement, name: &Name) -> bool {
    statement.schema == shown(&name.schema) && statement.name == shown(&name.name)
}

/// Since 18 a `NOT NULL` may be `NOT VALID`: it has no index that a recipe could build.
fn is_unproven_not_null(statement: &Statement) -> bool {
    statement.kind == "CONSTRAINT" && statement.sql.ends_with(" NOT VALID")
}

/// Kinds whose first statement is rebuilt from the catalogue of the target.
const RECIPE_KINDS: [&str; 5] =
    ["INDEX", "CONSTRAINT", "FK CONSTRAINT", "INDEX ATTACH", "STATISTICS"];

/// Kinds of entries that stay in production.
const UNWANTED_KINDS: [&str; 21] = [
    "ACCESS METHOD",
    "FOREIGN DATA WRAPPER",
    "PROCEDURAL LANGUAGE",
    "SERVER",
    "TRANSFORM",
    "USER MAPPING",
    "EXTENSION",
    "TRIGGER",
    "POLICY",
    "ROW SECURITY",
    "EVENT TRIGGER",
    "PUBLICATION",
    "PUBLICATION TABLE",
    "PUBLICATION TABLES IN SCHEMA",
    "SUBSCRIPTION",
    "SUBSCRIPTION TABLE",
    "ACL",
    "DEFAULT ACL",
    "SECURITY LABEL",
    "FOREIGN TABLE",
    "DATABASE",
];

/// Objects whose comments stay in production with them.
const UNWANTED_COMMENTS: [&str; 13] = [
    "ACCESS METHOD ",
    "FOREIGN DATA WRAPPER ",
    "LANGUAGE ",
    "PROCEDURAL LANGUAGE ",
    "SERVER ",
    "TRANSFORM ",
    "EXTENSION ",
    "TRIGGER ",
    "RULE ",
    "POLICY ",
    "EVENT TRIGGER ",
    "PUBLICATION ",
    "SUBSCRIPTION ",
];

fn is_wanted(statement: &Statement) -> bool {
    let sql = statement.sql.as_str();
    let is_setting = sql.starts_with("SET ") || sql.starts_with("SELECT pg_catalog.set_config(");
    if is_setting {
        return sql.starts_with("SET default_table_access_method");
    }
    match statement.kind.as_str() {
        kind if UNWANTED_KINDS.contains(&kind) => false,
        // Not everybody may comment on a schema that every database has.
        "COMMENT" if statement.name == "SCHEMA public" => false,
        "COMMENT" => !UNWANTED_COMMENTS.iter().any(|start| statement.name.starts_with(start)),
        // pg_dump writes a view that depends on a key as a rule.
        "RULE" => sql.starts_with("CREATE OR REPLACE VIEW"),
        "TABLE" => !(sql.starts_with("ALTER TABLE") && sql.ends_with("ROW LEVEL SECURITY")),
        _ => true,
    }
}

/// What does not come along because what it needs does not.
struct Unwanted {
    all_keys: bool,
    /// Foreign keys, as `(schema, "table key")`.
    keys: BTreeSet<(String, String)>,
    casts: BTreeSet<String>,
    comments: BTreeSet<(String, String)>,
}

fn unwanted(catalog: &Catalog, plan: &Plan, mode: ForeignKeys) -> Unwanted {
    let all = mode == ForeignKeys::Omit;
    let unwanted = catalog.foreign_keys.iter().filter(|key| all || !plan.covers_key(key));
    let (mut keys, mut comments) = (BTreeSet::new(), BTreeSet::new());
    for key in unwanted {
        let (schema, table) = (&key.table.schema, &key.table.name);
        keys.insert((schema.clone(), shown(&format!("{table} {}", key.name))));
        comments.insert((schema.clone(), shown(&format!("CONSTRAINT {} ON {table}", key.name))));
    }
    let others = plan.other_schemas(catalog);
    let casts = catalog.casts.iter().filter(|cast| {
        cast.schemas
            .iter()
            .any(|schema| catalog.schemas.contains(schema) && others.contains(schema))
    });
    let casts = casts.map(|cast| shown(&cast.name)).collect();
    Unwanted { all_keys: all, keys, casts, comments }
}

/// pg_dump shows line breaks in names as spaces.
fn shown(name: &str) -> String {
    name.replace(['\n', '\r'], " ")
}

impl Unwanted {
    fn covers(&self, statement: &Statement) -> bool {
        let entry = (statement.schema.clone(), statement.name.clone());
        match statement.kind.as_str() {
            "FK CONSTRAINT" => self.all_keys || self.keys.contains(&entry),
            "CAST" => self.casts.contains(&statement.name),
            "COMMENT" => self.comments.contains(&entry) || self.casts.contains(&statement.name),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(kind: &str, name: &str, sql: &str) -> Statement {
        let entry = usize::from(kind == "COMMENT");
        let (kind, schema, name) = (kind.into(), "public".into(), name.into());
        Statement { sql: sql.into(), entry, kind, schema, name }
    }

    #[test]
    fn production_keeps_its_triggers_policies_and_settings() {
        let wanted = |kind, name, sql| is_wanted(&statement(kind, name, sql));
        assert!(!wanted("TRIGGER", "t", "CREATE TRIGGER t"));
        assert!(!wanted("", "", "SET transaction_timeout = 0"));
        assert!(!wanted("TABLE", "t", "ALTER TABLE ONLY public.t FORCE ROW LEVEL SECURITY"));
        assert!(!wanted("COMMENT", "TRIGGER t ON x", "COMMENT ON TRIGGER t ON x IS ''"));
        assert!(!wanted("RULE", "t r", "CREATE RULE r AS ON INSERT TO t DO NOTHING"));
        assert!(wanted("RULE", "v _RETURN", "CREATE OR REPLACE VIEW public.v AS SELECT 1"));
        assert!(wanted("COMMENT", "TABLE t", "COMMENT ON TABLE t IS 'x'"));
    }

    #[test]
    fn settings_of_an_index_are_late_the_index_is_not() {
        let after = vec![
            statement("INDEX", "i", "CREATE INDEX i ON public.t (a)"),
            statement("INDEX", "i", "ALTER TABLE public.t CLUSTER ON i"),
            statement("COMMENT", "INDEX i", "COMMENT ON INDEX public.i IS 'x'"),
        ];
        let definitions = Definitions { before: Vec::new(), after, hash: String::new() };
        let late: Vec<_> = definitions.late(&[]).iter().map(|s| s.sql.as_str()).collect();
        assert_eq!(late, ["ALTER TABLE public.t CLUSTER ON i", "COMMENT ON INDEX public.i IS 'x'"]);
    }
}
