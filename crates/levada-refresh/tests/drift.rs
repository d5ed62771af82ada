//! Definitions are followed on real servers: a target made like the source is altered as `drift`
//! says, and compared with the source by somebody else.

// A test that cannot go on says so and stops, in its helping functions as well.
#![allow(clippy::unwrap_used)]

use edition::Saved;
use levada_refresh::create_plan;
use levada_refresh::drift::{Changes, Drift, Phase, Rows, diff};
use levada_refresh::shape::{Scope, Shape};
use pg::{Endpoint, Name, Purpose, Session};
use testkit::{Cluster, Database, difference};

const ANALYSIS: &str = include_str!("fixtures/analysis.sql");

struct Ends {
    source: Database,
    target: Database,
    scope: Scope,
}

impl Ends {
    fn new(name: &str, fixture: &str) -> Self {
        let cluster = Cluster::shared().unwrap();
        let source = cluster.create_database(&format!("{name}_source")).unwrap();
        let target = cluster.create_database(&format!("{name}_target")).unwrap();
        source.execute(fixture).unwrap();
        target.execute(fixture).unwrap();
        let schemas = vec!["public".to_owned(), "other".to_owned()];
        Self { source, target, scope: Scope { schemas, excluded: Vec::new() } }
    }

    async fn shape(&self) -> Shape {
        let session = session(&self.source, Purpose::Source).await;
        Shape::load(&session, &self.scope).await.unwrap()
    }

    async fn diff(&self, change: &str) -> (Drift, Shape, Shape) {
        let before = self.shape().await;
        self.source.execute(change).unwrap_or_else(|error| panic!("{change}: {error:#}"));
        let now = self.shape().await;
        (diff(&before, &now), before, now)
    }

    /// Carries all rows of a table over, as the text of COPY.
    fn load(&self, now: &Shape, table: &Name, place: &Name) {
        let table = now.table(table).unwrap();
        let columns: Vec<String> = table
            .columns
            .iter()
            .filter(|column| column.generated.is_empty())
            .map(|column| pg::quote_identifier(&column.name))
            .collect();
        let columns = columns.join(", ");
        let copy = format!("COPY (SELECT {columns} FROM {}) TO STDOUT", table.name.sql());
        let rows = self.source.psql(&copy).unwrap();
        let rows = if rows.is_empty() { rows } else { format!("{rows}\n") };
        let place = place.sql();
        self.target.execute(&format!("COPY {place} ({columns}) FROM STDIN;\n{rows}\\.\n")).unwrap();
    }

    /// Does what a refresh would, but knows no `xmin`: kept rows must be right as they are.
    async fn follow(&self, changes: &Changes, before: &Shape, now: &Shape) {
        let session = session(&self.target, Purpose::Target).await;
        run(&session, changes, Phase::Early).await;
        session.batch("CREATE SCHEMA IF NOT EXISTS levada_next_public").await.unwrap();
        session.batch("CREATE SCHEMA IF NOT EXISTS levada_next_other").await.unwrap();
        let place = |name: &Name| name.in_schema(&format!("levada_next_{}", name.schema));
        let mut plans = Vec::new();
        for table in &changes.tables {
            if !matches!(table.rows, Rows::New | Rows::Swap { .. }) {
                continue;
            }
            let plan = create_plan(now, &table.name, &place(&table.name)).unwrap();
            session.batch(&plan.table).await.unwrap_or_else(|e| panic!("{}: {e}", plan.table));
            if !table.is_partitioned {
                self.load(now, &table.name, &place(&table.name));
            }
            session.batch(&plan.after_rows.join(";\n")).await.unwrap();
            plans.push((table, plan));
        }
        session.batch("BEGIN; SET LOCAL check_function_bodies = off").await.unwrap();
        run(&session, changes, Phase::First).await;
        let mut saved =
            Saved::of_relations(&session, &changes.replaced, &changes.altered).await.unwrap();
        saved.leave_indexes(|name| before.has_index(name) || now.has_index(name));
        for view in &changes.views {
            match &view.query {
                Some(query) if view.is_new => {
                    saved.add_view(&view.name, query, view.options.as_deref());
                }
                query => assert!(saved.redefine(&view.name, query.as_deref())),
            }
        }
        for statement in saved.drop_sql() {
            session.batch(&statement).await.unwrap();
        }
        run(&session, changes, Phase::Before).await;
        for (table, _) in plans.iter().filter(|(table, _)| table.before.is_some()) {
            session.batch(&format!("DROP TABLE {}", table.name.sql())).await.unwrap();
        }
        for statement in plans.iter().flat_map(|(_, plan)| &plan.swap) {
            session.batch(statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
        for table in &changes.tables {
            if matches!(table.rows, Rows::Digest { .. }) && !table.is_partitioned {
                session
                    .batch(&format!("COMMIT; TRUNCATE {} CASCADE", table.name.sql()))
                    .await
                    .unwrap();
                self.load(now, &table.name, &table.name);
                session.batch("BEGIN").await.unwrap();
            }
        }
        run(&session, changes, Phase::After).await;
        saved.restore(&session).await.unwrap();
        run(&session, changes, Phase::Last).await;
        session.batch("COMMIT").await.unwrap();
        session
            .batch("DROP SCHEMA levada_next_public; DROP SCHEMA levada_next_other")
            .await
            .unwrap();
    }

    #[track_caller]
    fn assert_equal(&self, change: &str) {
        let indexes = "SELECT count(*) FROM pg_class WHERE relname = 'of_readers'";
        assert_eq!(self.target.psql(indexes).unwrap(), "1", "{change}");
        let script = "DROP INDEX of_readers; BEGIN; DROP SCHEMA IF EXISTS analysis CASCADE; COMMIT";
        self.target.execute(script).unwrap();
        let source = self.source.schema_trusting_keys().unwrap();
        let found = difference(&source, &self.target.schema_trusting_keys().unwrap());
        assert!(found.is_empty(), "after {change} definitions differ:\n{found}");
        let source = self.source.content().unwrap();
        for (object, digest) in &self.target.content().unwrap() {
            if !object.contains("seq") {
                assert_eq!(Some(digest), source.get(object), "{object} differs after {change}");
            }
        }
        // Its names are not there while a table has another.
        self.target
            .execute("CREATE INDEX of_readers ON loan (id, member)")
            .or_else(|_| self.target.execute("CREATE INDEX of_readers ON lent (id, member)"))
            .unwrap();
        let _ = self.target.execute(ANALYSIS);
    }
}

async fn session(database: &Database, purpose: Purpose) -> Session {
    Session::open(&Endpoint::parse(database.url()).unwrap(), purpose).await.unwrap()
}

async fn run(session: &Session, changes: &Changes, phase: Phase) {
    for alteration in changes.alterations.iter().filter(|a| a.phase == phase) {
        let sql = &alteration.sql;
        session.batch(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

/// A fixture of changes: each begins with a comment that says what is expected of it.
fn cases(fixture: &str) -> impl Iterator<Item = (&str, &str)> {
    fixture.split("-- ").skip(1).map(|case| case.split_once('\n').unwrap())
}

fn word(rows: &Rows) -> &'static str {
    match rows {
        Rows::Keep => "keep",
        Rows::Digest { .. } => "digest",
        Rows::Swap { .. } => "swap",
        Rows::New => "new",
    }
}

/// The tables that are not kept, each with its verdict.
fn verdicts(changes: &Changes) -> String {
    let others = changes.tables.iter().filter(|table| table.rows != Rows::Keep);
    let others: Vec<String> =
        others.map(|table| format!("{} {}", word(&table.rows), table.name.name)).collect();
    if others.is_empty() { "keep".to_owned() } else { others.join(", ") }
}

#[tokio::test]
async fn changes_are_followed_one_after_the_other() {
    let ends = Ends::new("followed", include_str!("fixtures/library.sql"));
    ends.target.execute(ANALYSIS).unwrap();
    ends.target.execute("CREATE INDEX of_readers ON loan (id, member)").unwrap();
    for (expected, change) in cases(include_str!("fixtures/followed.sql")) {
        let (drift, before, now) = ends.diff(change).await;
        match drift {
            Drift::Rebuild { reasons } => panic!("{change} asks for a rebuild: {reasons:?}"),
            Drift::Follow(changes) => {
                assert_eq!(verdicts(&changes), expected, "{change}");

                ends.follow(&changes, &before, &now).await;
            }
        }
        ends.assert_equal(change);
    }
}

#[tokio::test]
async fn what_cannot_be_followed_asks_for_a_rebuild() {
    let ends = Ends::new("rebuilt", include_str!("fixtures/library.sql"));
    for (_, change) in cases(include_str!("fixtures/rebuilt.sql")) {
        match ends.diff(change).await.0 {
            Drift::Rebuild { reasons } => assert!(!reasons.is_empty()),
            Drift::Follow(changes) => panic!("{change} is followed: {changes:#?}"),
        }
    }
}

#[tokio::test]
async fn nothing_changed_asks_for_nothing() {
    let ends = Ends::new("unchanged", include_str!("fixtures/library.sql"));
    let (drift, _, now) =
        ends.diff("VACUUM FULL; TRUNCATE loan; REINDEX TABLE CONCURRENTLY book").await;
    let Drift::Follow(changes) = drift else { panic!("{drift:?}") };
    assert_eq!(verdicts(&changes), "keep");
    assert_eq!(changes.tables.len(), now.tables.len());
    assert!(changes.alterations.is_empty() && changes.views.is_empty());
    assert!(changes.replaced.is_empty() && changes.altered.is_empty());
}
