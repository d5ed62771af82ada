//! How to build what comes after the rows: statements read back from a target where everything was
//! created once on empty tables, so that PostgreSQL itself has written every name.

use std::collections::{HashMap, HashSet};

use edition::{Stage, StepRow};
use pg::{Name, Row, Session, quote_identifier};
use report::Category;

use crate::config::ForeignKeys;
use crate::definitions::Definitions;
use crate::install::{Order, Places, with_default_path};
use crate::plan::{Plan, PopulatedView};

/// Reads the steps in the transaction of `session`. Their tables are the placed ones. The objects
/// of views that do not stand yet have no steps; their final names are returned as well.
pub(crate) async fn read(
    session: &Session,
    places: &Places,
    order: &Order<'_>,
) -> anyhow::Result<(Vec<StepRow>, Vec<Name>)> {
    let schemas = places.placed_schemas();
    let placed = order.plan.tables.iter().map(|t| (places.place(&t.name), t.bytes as i64));
    let routed = order.plan.tables.iter().filter(|table| table.router.is_some());
    let mut recipes = Recipes {
        steps: Vec::new(),
        without_recipe: Vec::new(),
        routed: routed.map(|table| places.place(&table.name)).collect(),
        places,
        order,
        volumes: placed.collect(),
    };
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
    add_what_follows(&mut recipes.steps);
    Ok((recipes.steps, recipes.without_recipe))
}

/// The keys of one table are validated one after the other: a table with many of them is built
/// first.
fn add_what_follows(steps: &mut [StepRow]) {
    let mut following: HashMap<Name, i64> = HashMap::new();
    for step in steps.iter().filter(|step| step.stage == Stage::Validate) {
        if let Some(table) = &step.table {
            *following.entry(table.clone()).or_default() += step.weight;
        }
    }
    for step in steps.iter_mut().filter(|s| matches!(s.stage, Stage::Index | Stage::Analyze)) {
        let more = step.table.as_ref().and_then(|table| following.get(table));
        step.weight = step.weight.saturating_add(more.copied().unwrap_or(0));
    }
}

struct Recipes<'a> {
    steps: Vec<StepRow>,
    without_recipe: Vec<Name>,
    /// Tables that receive rows of other tables' loads.
    routed: HashSet<Name>,
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
            references: step.references,
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
        if self.waits(&table, &index) {
            return;
        }
        let definition: String = row.get("definition");
        let constraint: Option<String> = row.get("constraint_name");
        let (partitioned, apart): (bool, bool) =
            (row.get("is_partitioned"), row.get("builds_apart"));
        let cost: i64 = row.get("cost");
        let drop_index = format!("DROP INDEX IF EXISTS {}", index.sql());
        let Some(constraint) = constraint else {
            let stage = self.stage(&table, partitioned, Stage::Index);
            let step = Statement::new(&name, definition).undo(drop_index).cost(cost);
            return self.push(stage, Category::Index, &table, step);
        };
        let key = quote_identifier(&constraint);
        let drop_key = format!("ALTER TABLE {} DROP CONSTRAINT IF EXISTS {key}", table.sql());
        if apart && !partitioned {
            let build = Statement::new(&name, definition).undo(drop_index).cost(cost);
            let stage = self.stage(&table, false, Stage::Index);
            self.push(stage, Category::Constraint, &table, build);
            let kind: String = row.get("constraint_kind");
            let using = quote_identifier(&name);
            let sql = format!(
                "ALTER TABLE {} ADD CONSTRAINT {key} {kind} USING INDEX {using}{}",
                table.sql(),
                deferral(row)
            );
            let step = Statement::new(&constraint, sql).undo(drop_key);
            let stage = self.stage(&table, false, Stage::Constraint);
            self.push(stage, Category::Constraint, &table, step);
        } else {
            let whole: String = row.get("constraint_definition");
            let only = if partitioned { "ONLY " } else { "" };
            let sql = format!("ALTER TABLE {only}{} ADD CONSTRAINT {key} {whole}", table.sql());
            let stage = self.stage(&table, partitioned, Stage::Constraint);
            let step = Statement::new(&constraint, sql).undo(drop_key);
            self.push(stage, Category::Constraint, &table, step);
        }
    }

    /// The stage of a build. What other tables' rows may still come into has to wait for all.
    fn stage(&self, table: &Name, is_partitioned: bool, usual: Stage) -> Stage {
        if is_partitioned || self.routed.contains(table) { Stage::Partitioned } else { usual }
    }

    /// Whether `object` has to wait because its view does not stand before everything else does.
    fn waits(&mut self, table: &Name, object: &Name) -> bool {
        let waits = self.order.definitions.creates_late(&self.places.final_name(table));
        if waits {
            self.without_recipe.push(self.places.final_name(object));
        }
        waits
    }

    fn statistics(&mut self, row: &Row) {
        let (name, table): (String, Name) = (row.get("name"), table_of(row));
        let statistics = Name::new(row.get::<_, String>("statistics_schema"), &name);
        if self.waits(&table, &statistics) {
            return;
        }
        let step = Statement::new(&name, row.get("definition"))
            .undo(format!("DROP STATISTICS IF EXISTS {}", statistics.sql()));
        let stage = self.stage(&table, false, Stage::Constraint);
        self.push(stage, Category::Analyze, &table, step);
    }

    /// Statistics for every table with rows; a partitioned table comes after its partitions.
    fn analyzes(&mut self) {
        let only = if self.order.target_major >= 18 { "ONLY " } else { "" };
        for planned in self.order.plan.tables.iter().filter(|table| table.mode.has_rows()) {
            let placed = self.places.place(&planned.name);
            let holds_rows = !planned.ranges.is_empty() && planned.router.is_none();
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
        let undo = format!("ALTER TABLE {} DROP CONSTRAINT IF EXISTS {key}", table.sql());
        // Keys of partitioned tables wait until all partitions are complete.
        let schema: Option<String> = row.get("referenced_schema");
        let references =
            schema.map(|schema| Name::new(schema, row.get::<_, String>("referenced_name")));
        let add = Statement::new(&name, sql).undo(undo).references(references.clone());
        self.push(Stage::ForeignKey, Category::ForeignKey, &table, add);
        if defers && self.order.foreign_keys == ForeignKeys::Validate {
            let sql = format!("ALTER TABLE {} VALIDATE CONSTRAINT {key}", table.sql());
            let validate = Statement::new(&name, sql).references(references);
            self.push(Stage::Validate, Category::ForeignKey, &table, validate);
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
    references: Option<Name>,
    /// Relative to other statements on the same bytes.
    cost: i64,
}

impl Statement {
    fn new(object: &str, sql: String) -> Self {
        Self { object: object.to_owned(), sql, undo: None, references: None, cost: 1 }
    }

    fn cost(mut self, cost: i64) -> Self {
        self.cost = cost;
        self
    }

    fn references(mut self, references: Option<Name>) -> Self {
        self.references = references;
        self
    }

    fn undo(mut self, undo: String) -> Self {
        self.undo = Some(undo);
        self
    }
}

/// Refreshes of the materialised views `early`, which stand before the rows do.
pub(crate) fn refreshes(steps: &[StepRow], places: &Places, early: &[&Name]) -> Vec<StepRow> {
    let statements = early.iter().flat_map(|view| {
        let placed = places.place(view);
        let refresh =
            (Category::MaterializedView, format!("REFRESH MATERIALIZED VIEW {}", placed.sql()));
        let analyze = (Category::Analyze, format!("ANALYZE {}", placed.sql()));
        [refresh, analyze].map(|(category, sql)| (category, sql, view.to_string(), placed.clone()))
    });
    let number = |at: usize| (steps.len() + at) as i32 + 1;
    let rows = statements.enumerate().map(|(at, (category, statement, object, placed))| StepRow {
        number: number(at),
        stage: Stage::Refresh,
        category,
        table: Some(placed),
        references: None,
        object,
        statement,
        undo: None,
        volume: 0,
        weight: 0,
        is_done: false,
    });
    rows.collect()
}

/// The materialised views to be refreshed as a step, and those that have to wait for the publish
/// transaction, because they or what they read are whole only then.
pub(crate) fn early_and_late<'a>(
    plan: &'a Plan,
    definitions: &Definitions,
) -> (Vec<&'a Name>, Vec<&'a Name>) {
    let is_late = |view: &PopulatedView| {
        let mut names = view.reads.iter().chain([&view.name]);
        names.any(|name| definitions.completes_late(name))
    };
    let (late, early): (Vec<_>, Vec<_>) = plan.populated_views.iter().partition(|v| is_late(v));
    let names = |views: Vec<&'a PopulatedView>| views.into_iter().map(|view| &view.name).collect();
    (names(early), names(late))
}

/// Refreshes of the materialised views `late`, under final names.
pub(crate) fn late_refreshes(late: &[&Name]) -> Vec<String> {
    let statements = late.iter().flat_map(|view| {
        let name = view.sql();
        let refresh = with_default_path(&format!("REFRESH MATERIALIZED VIEW {name}"));
        [refresh, format!("ANALYZE {name}")]
    });
    statements.collect()
}
