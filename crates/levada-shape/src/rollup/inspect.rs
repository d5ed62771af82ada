//! Asks the server what a rollup's query is: its columns and their types, and whether what changes
//! in its result follows from what changes in its tables.

use std::collections::BTreeMap;

use anyhow::Context;
use edition::Publishing;
use pg::{Name, Session, quote_identifier};
use report::Problem;

use crate::arms::{Arms, escaped};
use crate::rollup::config::Measure;
use crate::rollup::definition::Definition;
use crate::rollup::statements::{Described, Statements, TimeType};

/// A view that lives for some statements: the server resolves the query for us.
const SCRATCH: &str = "levada.stage_query";

/// Describes a rollup, in the transaction of the publication.
///
/// # Errors
/// A [`Problem`] that names the rollup, and what its query may not contain.
pub(crate) async fn describe(
    definition: &Definition,
    publishing: &Publishing<'_>,
) -> anyhow::Result<Described> {
    let context = || format!("rollup \"{}\"", definition.name);
    inside(definition, publishing).await.with_context(context)
}

async fn inside(definition: &Definition, publishing: &Publishing<'_>) -> anyhow::Result<Described> {
    let session = publishing.session;
    let with = definition.bindings.whole(publishing);
    let query = &definition.query;
    create(session, &format!("{with} SELECT q.* FROM ({query}\n) AS q")).await?;
    let types = columns_of(session).await?;
    refuse_strangers(session, definition, publishing).await?;
    let arms = judge_tree(session, definition, Part::Rows).await?;
    judge_tables(definition, publishing).await?;
    let mut described = Described {
        time: None,
        types: BTreeMap::new(),
        floats: Vec::new(),
        columns: bound_columns(definition, publishing).await?,
        arms,
    };
    if let Some(buckets) = &definition.buckets {
        described.time = Some(time_type(&buckets.time, buckets.zone.is_some(), &types)?);
    }
    for column in &definition.by {
        if !types.contains_key(column) {
            return Err(unknown_column(column, &types).into());
        }
    }
    drop_scratch(session).await?;
    let statements = Statements { definition, described: &described };
    create(session, &measures(statements, &with)).await?;
    // The conditions and expressions of the section are part of this one.
    refuse_strangers(session, definition, publishing).await?;
    judge_tree(session, definition, Part::Measures).await?;
    let types = columns_of(session).await?;
    drop_scratch(session).await?;
    let is_float = |name: &String| {
        let is_sum = matches!(definition.measures.get(name), Some(Measure::Sum(_)));
        let kind = types.get(name).map(String::as_str);
        is_sum && matches!(kind, Some("real" | "double precision"))
    };
    described.floats = types.keys().filter(|name| is_float(name)).cloned().collect();
    described.types = types;
    for float in &described.floats {
        described.types.insert(float.clone(), "numeric".to_owned());
    }
    Ok(described)
}

/// All aggregates over all rows.
fn measures(statements: Statements<'_>, with: &str) -> String {
    let dimensions = statements.definition.by.iter().map(|name| quote_identifier(name));
    let dimensions: Vec<String> = dimensions.collect();
    let aggregates = statements.aggregates().into_iter();
    let aggregates = aggregates.map(|(name, sql)| format!("{sql} AS {}", quote_identifier(&name)));
    let all: Vec<String> = dimensions.iter().cloned().chain(aggregates).collect();
    let group = match dimensions.is_empty() {
        true => String::new(),
        false => format!(" GROUP BY {}", dimensions.join(", ")),
    };
    format!("SELECT {} FROM ({}) AS s{group}", all.join(", "), statements.rows(with))
}

async fn create(session: &Session, query: &str) -> anyhow::Result<()> {
    let sql = format!("DROP VIEW IF EXISTS {SCRATCH}; CREATE VIEW {SCRATCH} AS {query}");
    Ok(session.batch(&sql).await?)
}

async fn drop_scratch(session: &Session) -> anyhow::Result<()> {
    Ok(session.batch(&format!("DROP VIEW {SCRATCH}")).await?)
}

async fn columns_of(session: &Session) -> anyhow::Result<BTreeMap<String, String>> {
    // With nothing on the path, types bear their schemas: that of the edition, wherever it stands.
    let path = super::search_path(session).await?;
    super::set_path(session, "").await?;
    let rows = session.rows(include_str!("../sql/rollup_columns.sql"), &[]).await?;
    super::set_path(session, &path).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// The query may read what is bound to it, and nothing else: we would not notice its changes.
async fn refuse_strangers(
    session: &Session,
    definition: &Definition,
    publishing: &Publishing<'_>,
) -> anyhow::Result<()> {
    let rows = session.rows(include_str!("../sql/rollup_reads.sql"), &[]).await?;
    let read = rows.iter().map(|row| Name::new(row.get::<_, &str>(0), row.get::<_, &str>(1)));
    let bound: Vec<Name> =
        definition.bindings.0.values().map(|name| publishing.place(name)).collect();
    let strangers: Vec<String> =
        read.filter(|name| !bound.contains(name)).map(|name| name.to_string()).collect();
    if strangers.is_empty() {
        return Ok(());
    }
    Err(Problem::new(format!("its query reads {}", strangers.join(", ")))
        .detail("only changes of the tables that are declared are noticed")
        .hint(
            "declare the table in tables = …, and call it in the query by the name given there, \
             without a schema",
        )
        .into())
}

/// What of a rollup is looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The rows that are counted.
    Rows,
    /// The aggregates over them.
    Measures,
}

/// What may not stand in any part, as the server writes parsed queries, and what people call it.
const REFUSED: &[(&str, &str)] = &[
    (":hasSubLinks true", "a sub-query in an expression"),
    (":hasWindowFuncs true", "a window function"),
    ("{SQLVALUEFUNCTION", "the current time or user"),
];
/// What may not stand in the query for rows, either.
const REFUSED_IN_ROWS: &[(&str, &str)] = &[
    (":hasAggs true", "an aggregate"),
    (":groupClause ({", "GROUP BY"),
    (":groupingSets ({", "GROUP BY"),
    (":havingQual {", "HAVING"),
    (":distinctClause ({", "DISTINCT"),
    (":limitCount {", "LIMIT"),
    (":limitOffset {", "OFFSET"),
    (":hasRecursive true", "WITH RECURSIVE"),
    ("{SETOPERATIONSTMT :op 1 :all false ", "UNION without ALL"),
    ("{SETOPERATIONSTMT :op 2 ", "INTERSECT"),
    ("{SETOPERATIONSTMT :op 3 ", "EXCEPT"),
];

/// Looks into the parsed query. The names of its fields are those of PostgreSQL 14 to 18.
async fn judge_tree(
    session: &Session,
    definition: &Definition,
    part: Part,
) -> anyhow::Result<Arms> {
    let row = session.one(include_str!("../sql/rollup_tree.sql"), &[]).await?;
    let tree: String = row.get("tree");
    let more = if part == Part::Rows { REFUSED_IN_ROWS } else { &[] };
    let mut refused = REFUSED.iter().chain(more);
    if let Some((_, what)) = refused.find(|(mark, _)| tree.contains(mark)) {
        return Err(Problem::new(format!("its query has {what}"))
            .detail("which of its rows change would not follow from the rows that change")
            .hint("select, join and filter rows here, and count them in [rollup.measures]")
            .into());
    }
    let definition_says_now = says_now(definition);
    if row.get::<_, bool>("is_unsteady") || definition_says_now {
        return Err(Problem::new("its query calls a function whose result may change by itself")
            .detail("a clock, a random number, or a function of yours that is not IMMUTABLE")
            .hint("the same rows must always give the same numbers: leave it out")
            .into());
    }
    for alias in definition.bindings.0.keys() {
        // Once where the name is bound, once for each use.
        let uses = tree.matches(&format!(":ctename {} ", escaped(alias))).count();
        if uses > 2 && part == Part::Rows {
            return Err(Problem::new(format!("its query reads {alias} more than once"))
                .detail("pairs of a changed and an unchanged row would be missed")
                .hint("give the table two names: tables = { one = \"…\", other = \"…\" }")
                .into());
        }
    }
    if part == Part::Rows && has_own_names(&tree, definition) {
        return Err(Problem::new("its query has a WITH of its own")
            .detail("which rows of which table stand behind its names cannot be told")
            .hint("write the query in the place of its name: FROM (SELECT …) AS name")
            .into());
    }
    Ok(Arms::of(&tree, &definition.bindings))
}

/// Whether the query reads something by a name that is bound to no table.
fn has_own_names(tree: &str, definition: &Definition) -> bool {
    let bound: Vec<String> = definition.bindings.0.keys().map(|alias| escaped(alias)).collect();
    let uses = tree.split(":ctename ").skip(1).filter_map(|rest| rest.split_once(" :ctelevelsup "));
    uses.map(|(name, _)| name).any(|name| !bound.iter().any(|bound| bound == name))
}

/// Whether a text stands there that the server reads as the present: it leaves no trace.
fn says_now(definition: &Definition) -> bool {
    let measures = definition.measures.values().filter_map(Measure::expression);
    let texts = [Some(definition.query.as_str()), definition.filter.as_deref()];
    texts.into_iter().flatten().chain(measures).any(crate::enrich::says_now)
}

/// Every table has to be one whose changes are known, and read by the name that is bound to it.
async fn judge_tables(definition: &Definition, publishing: &Publishing<'_>) -> anyhow::Result<()> {
    let session = publishing.session;
    let tree: String = session.one(include_str!("../sql/rollup_tree.sql"), &[]).await?.get("tree");
    for (alias, name) in &definition.bindings.0 {
        if definition.of.is_none() && name.schema == definition.table.schema {
            return Err(Problem::new(format!("{name} is no table of the source"))
                .detail("its changes are not noticed")
                .hint("count rows of tables that are copied; of = … adds up another rollup")
                .into());
        }
        let placed = publishing.place(name);
        let sql = "SELECT c.oid::text, c.relkind IN ('r', 'p') FROM pg_catalog.pg_class AS c \
                   WHERE c.oid = pg_catalog.to_regclass($1)";
        let row = session.one(sql, &[&placed.sql()]).await?;
        if !row.get::<_, bool>(1) {
            return Err(Problem::new(format!("{name} is no table"))
                .detail("changes of what a view shows are not noticed")
                .hint("declare the tables that it reads, and give its query as sql = …")
                .into());
        }
        let reads = tree.matches(&format!(":rtekind 0 :relid {} ", row.get::<_, &str>(0))).count();
        let bound = definition.bindings.0.values().filter(|other| *other == name).count();
        if reads > bound {
            return Err(Problem::new(format!("its query reads {name} by its own name"))
                .detail("so it would read all rows where changed ones are meant")
                .hint(format!("call it {}, without a schema", quote_identifier(alias)))
                .into());
        }
    }
    Ok(())
}

async fn bound_columns(
    definition: &Definition,
    publishing: &Publishing<'_>,
) -> anyhow::Result<BTreeMap<Name, Vec<String>>> {
    let mut columns = BTreeMap::new();
    for name in definition.bindings.0.values() {
        let placed = publishing.place(name);
        let sql = include_str!("../sql/table_columns.sql");
        let rows = publishing.session.rows(sql, &[&placed.schema, &placed.name]).await?;
        columns.insert(name.clone(), rows.iter().map(|row| row.get(0)).collect());
    }
    Ok(columns)
}

fn time_type(
    column: &str,
    has_zone: bool,
    types: &BTreeMap<String, String>,
) -> Result<TimeType, Problem> {
    let Some(kind) = types.get(column) else { return Err(unknown_column(column, types)) };
    // A precision may stand between the words.
    let time = match kind.split_once('(') {
        Some((before, after)) => {
            format!("{}{}", before, after.split_once(')').map_or("", |(_, rest)| rest))
        }
        None => kind.clone(),
    };
    let time = match time.as_str() {
        "timestamp with time zone" if has_zone => {
            return Err(Problem::new(format!("zone is given, but {column} has one itself"))
                .hint("leave out zone = …"));
        }
        "timestamp with time zone" => return Ok(TimeType::Instant),
        "timestamp without time zone" => TimeType::Local,
        "date" => TimeType::Date,
        other => {
            return Err(Problem::new(format!("column {column} is {other}, not a time"))
                .hint("time = … names a timestamptz, timestamp or date column"));
        }
    };
    if has_zone {
        return Ok(time);
    }
    Err(Problem::new(format!("column {column} is {kind}: it does not say in which zone"))
        .hint("add zone = \"UTC\", or whatever IANA zone the application writes it in"))
}

fn unknown_column(column: &str, types: &BTreeMap<String, String>) -> Problem {
    let known: Vec<&str> = types.keys().map(String::as_str).collect();
    Problem::new(format!("there is no column {column}"))
        .detail(format!("its rows have {}", known.join(", ")))
}
