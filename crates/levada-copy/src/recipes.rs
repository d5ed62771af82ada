//! How to build what comes after the rows: statements read back from a target where everything was
//! created once on empty tables, so that PostgreSQL itself has written every name.

use std::collections::{BTreeSet, HashMap};

use edition::{Stage, StepRow};
use pg::{Name, Row, Session, quote_identifier};
use report::Category;

use crate::config::{ForeignKeys, Mode};
use crate::install::{Order, Places};
use crate::plan::Plan;

/// Reads the steps in the transaction of `session`. Their tables are the placed ones.
pub(crate) async fn read(
    session: &Session,
    places: &Places,
    order: &Order<'_>,
) -> anyhow::Result<Vec<StepRow>> {
    let schemas = places.placed_schemas();
    let placed = order.plan.tables.iter().map(|t| (places.place(&t.name), t.bytes as i64));
    let mut recipes = Recipes { steps: Vec::new(), places, order, volumes: placed.collect() };
    let indexes = session.rows(include_str!("sql/recipe_indexes.sql"), &[&schemas]).await?;
    for row in &indexes {
        recipes.index(row);
    }
    for row in &session.rows(include_str!("sql/recipe_statistics.sql"), &[&schemas]).await? {
        recipes.statistics(row);
    }
    recipes.analyzes();
    let mut attached: Vec<&Row> = indexes.iter().filter(|row| parent(row).is_some()).collect();
    attached.sort_by_key(|row| std::cmp::Reverse(row.get::<_, i32>("depth")));
    // Leaves have no depth of their own and come first; then sub-partitions, deepest first.
    attached.sort_by_key(|row| row.get::<_, bool>("is_partitioned"));
    for row in attached {
        recipes.attach(row);
    }
    for row in &session.rows(include_str!("sql/recipe_foreign_keys.sql"), &[&schemas]).await? {
        recipes.foreign_key(row);
    }
    Ok(recipes.steps)
}

struct Recipes<'a> {
    steps: Vec<StepRow>,
    places: &'a Places,
    order: &'a Order<'a>,
    volumes: HashMap<Name, i64>,
}

fn table_of(row: &Row) -> Name {
    Name::new(row.get::<_, String>("table_schema"), row.get::<_, String>("table_name"))
}

fn parent(row: &Row) -> Option<Name> {
    let schema: Option<String> = row.get("parent_schema");
    Some(Name::new(schema?, row.get::<_, String>("parent_name")))
}

impl Recipes<'_> {
    fn push(&mut self, stage: Stage, category: Category, table: &Name, step: Statement) {
        let volume = self.volumes.get(table).copied().unwrap_or(0);
        self.steps.push(StepRow {
            number: self.steps.len() as i32 + 1,
            stage,
            category,
            table: Some(table.clone()),
            object: step.object,
            statement: step.sql,
            undo: step.undo,
            volume,
            weight: volume.saturating_mul(step.cost),
            is_done: false,
        });
    }

    fn index(&mut self, row: &Row) {
        let table = table_of(row);
        let name: String = row.get("index_name");
        let index = Name::new(row.get::<_, String>("index_schema"), &name);
        let definition: String = row.get("definition");
        let constraint: Option<String> = row.get("constraint_name");
        let (partitioned, apart): (bool, bool) =
            (row.get("is_partitioned"), row.get("builds_apart"));
        let cost: i64 = row.get("cost");
        let drop_index = format!("DROP INDEX IF EXISTS {}", index.sql());
        let Some(constraint) = constraint else {
            let stage = if partitioned { Stage::Partitioned } else { Stage::Index };
            let step = Statement::new(&name, definition).undo(drop_index).cost(cost);
            return self.push(stage, Category::Index, &table, step);
        };
        let key = quote_identifier(&constraint);
        let drop_key = format!("ALTER TABLE {} DROP CONSTRAINT IF EXISTS {key}", table.sql());
        if apart && !partitioned {
            let build = Statement::new(&name, definition).undo(drop_index).cost(cost);
            self.push(Stage::Index, Category::Constraint, &table, build);
            let kind: String = row.get("constraint_kind");
            let using = quote_identifier(&name);
            let sql = format!(
                "ALTER TABLE {} ADD CONSTRAINT {key} {kind} USING INDEX {using}{}",
                table.sql(),
                deferral(row)
            );
            let step = Statement::new(&constraint, sql).undo(drop_key);
            self.push(Stage::Constraint, Category::Constraint, &table, step);
        } else {
            let whole: String = row.get("constraint_definition");
            let only = if partitioned { "ONLY " } else { "" };
            let sql = format!("ALTER TABLE {only}{} ADD CONSTRAINT {key} {whole}", table.sql());
            let stage = if partitioned { Stage::Partitioned } else { Stage::Constraint };
            let step = Statement::new(&constraint, sql).undo(drop_key);
            self.push(stage, Category::Constraint, &table, step);
        }
    }

    fn statistics(&mut self, row: &Row) {
        let (name, table): (String, Name) = (row.get("name"), table_of(row));
        let statistics = Name::new(row.get::<_, String>("statistics_schema"), &name);
        let step = Statement::new(&name, row.get("definition"))
            .undo(format!("DROP STATISTICS IF EXISTS {}", statistics.sql()));
        self.push(Stage::Constraint, Category::Analyze, &table, step);
    }

    /// Statistics for every table with rows; a partitioned table comes after its partitions.
    fn analyzes(&mut self) {
        let only = if self.order.target_major >= 18 { "ONLY " } else { "" };
        for planned in self.order.plan.tables.iter().filter(|table| table.mode == Mode::Refresh) {
            let placed = self.places.place(&planned.name);
            let holds_rows = !planned.ranges.is_empty();
            let (stage, only) =
                if holds_rows { (Stage::Analyze, "") } else { (Stage::Refresh, only) };
            let sql = format!("ANALYZE {only}{}", placed.sql());
            let step = Statement::new(&planned.name.to_string(), sql);
            self.push(stage, Category::Analyze, &placed, step);
        }
    }

    fn attach(&mut self, row: &Row) {
        let Some(parent) = parent(row) else { return };
        let index =
            Name::new(row.get::<_, String>("index_schema"), row.get::<_, String>("index_name"));
        let sql = format!("ALTER INDEX {} ATTACH PARTITION {}", parent.sql(), index.sql());
        self.push(Stage::Attach, Category::Index, &table_of(row), Statement::new(&index.name, sql));
    }

    fn foreign_key(&mut self, row: &Row) {
        let (name, table): (String, Name) = (row.get("name"), table_of(row));
        let mut definition: String = row.get("definition");
        let is_valid: bool = row.get("is_valid");
        // Before 18 a partitioned table takes no NOT VALID key: adding it checks the rows.
        let can_defer = !row.get::<_, bool>("is_partitioned") || self.order.target_major >= 18;
        let defers = is_valid && can_defer;
        if defers {
            definition += " NOT VALID";
        }
        let key = quote_identifier(&name);
        let sql = format!("ALTER TABLE {} ADD CONSTRAINT {key} {definition}", table.sql());
        self.push(Stage::ForeignKey, Category::ForeignKey, &table, Statement::new(&name, sql));
        if defers && self.order.foreign_keys == ForeignKeys::Validate {
            let sql = format!("ALTER TABLE {} VALIDATE CONSTRAINT {key}", table.sql());
            self.push(Stage::Validate, Category::ForeignKey, &table, Statement::new(&name, sql));
        }
    }
}

fn deferral(row: &Row) -> &'static str {
    match (row.get("is_deferrable"), row.get("is_deferred")) {
        (true, true) => " DEFERRABLE INITIALLY DEFERRED",
        (true, false) => " DEFERRABLE",
        _ => "",
    }
}

struct Statement {
    object: String,
    sql: String,
    undo: Option<String>,
    /// Relative to other statements on the same bytes.
    cost: i64,
}

impl Statement {
    fn new(object: &str, sql: String) -> Self {
        Self { object: object.to_owned(), sql, undo: None, cost: 1 }
    }

    fn cost(mut self, cost: i64) -> Self {
        self.cost = cost;
        self
    }

    fn undo(mut self, undo: String) -> Self {
        self.undo = Some(undo);
        self
    }
}

/// The materialised views that exist in `schemas`.
pub(crate) async fn views(session: &Session, schemas: &[String]) -> anyhow::Result<BTreeSet<Name>> {
    let sql = "SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n \
               ON n.oid = c.relnamespace WHERE c.relkind = 'm' AND n.nspname = ANY ($1)";
    let rows = session.rows(sql, &[&schemas]).await?;
    Ok(rows.iter().map(|row| Name::new(row.get::<_, String>(0), row.get::<_, String>(1))).collect())
}

/// Refreshes of the materialised views that stand before the rows do.
pub(crate) fn refreshes(
    steps: &[StepRow],
    places: &Places,
    plan: &Plan,
    existing: &BTreeSet<Name>,
) -> Vec<StepRow> {
    let views = plan.populated_views.iter().filter(|view| existing.contains(view));
    let statements = views.flat_map(|view| {
        let placed = places.place(view);
        let refresh =
            (Category::MaterializedView, format!("REFRESH MATERIALIZED VIEW {}", placed.sql()));
        let analyze = (Category::Analyze, format!("ANALYZE {}", placed.sql()));
        [refresh, analyze].map(|(category, sql)| (category, sql, view.clone(), placed.clone()))
    });
    let number = |at: usize| (steps.len() + at) as i32 + 1;
    let rows = statements.enumerate().map(|(at, (category, statement, view, placed))| StepRow {
        number: number(at),
        stage: Stage::Refresh,
        category,
        table: Some(placed),
        object: view.to_string(),
        statement,
        undo: None,
        volume: 0,
        weight: 0,
        is_done: false,
    });
    rows.collect()
}

/// Refreshes of materialised views that pg_dump defines only after keys exist: under final names.
pub(crate) fn late_refreshes(plan: &Plan, existing: &BTreeSet<Name>) -> Vec<String> {
    let views = plan.populated_views.iter().filter(|view| !existing.contains(view));
    views.map(|view| format!("REFRESH MATERIALIZED VIEW {}", view.sql())).collect()
}
