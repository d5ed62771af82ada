//! What drift says about shapes written by hand.

use pg::Name;

use crate::drift::{Changes, Drift, Phase, Rows, diff};
use crate::shape::{Column, Constraint, Enum, Label, Routine, Shape, Table, View};

fn column(number: i16, name: &str, type_name: &str) -> Column {
    Column { number, name: name.into(), type_name: type_name.into(), ..Column::default() }
}

fn table(oid: u32, name: &str, columns: Vec<Column>) -> Table {
    Table {
        oid,
        name: Name::new("public", name),
        is_partitioned: false,
        is_unlogged: false,
        is_typed: false,
        filenode: oid,
        is_bound: false,
        partition_key: None,
        bound: None,
        parents: Vec::new(),
        columns,
        constraints: Vec::new(),
        indexes: Vec::new(),
        statistics: Vec::new(),
        comment: None,
    }
}

fn loan() -> Table {
    table(1, "loan", vec![column(1, "id", "integer"), column(2, "note", "text")])
}

fn shape(tables: Vec<Table>) -> Shape {
    Shape { tables, ..Shape::default() }
}

#[track_caller]
fn followed(before: &Shape, now: &Shape) -> Changes {
    match diff(before, now) {
        Drift::Follow(changes) => changes,
        Drift::Rebuild { reasons } => panic!("asks for a rebuild: {reasons:?}"),
    }
}

#[track_caller]
fn rebuilt(before: &Shape, now: &Shape) -> String {
    match diff(before, now) {
        Drift::Rebuild { reasons } => reasons.join("; "),
        Drift::Follow(changes) => panic!("is followed: {changes:?}"),
    }
}

fn sql(changes: &Changes, phase: Phase) -> Vec<&str> {
    let alterations = changes.alterations.iter().filter(|alteration| alteration.phase == phase);
    alterations.map(|alteration| alteration.sql.as_str()).collect()
}

#[test]
fn a_column_dropped_and_added_again_is_another_one() {
    let mut now = loan();
    now.columns[1].number = 3;
    let changes = followed(&shape(vec![loan()]), &shape(vec![now]));
    let expected = [
        r#"ALTER TABLE "public"."loan" DROP COLUMN "note""#,
        r#"ALTER TABLE "public"."loan" ADD COLUMN "note" text"#,
    ];
    assert_eq!(sql(&changes, Phase::Before), expected);
    assert_eq!(changes.altered, [Name::new("public", "loan")]);
    assert_eq!(changes.tables[0].rows, Rows::Keep);
}

#[test]
fn a_constant_default_fills_old_rows_and_then_gives_way_to_the_real_one() {
    let mut now = loan();
    now.columns.push(Column {
        has_missing: true,
        missing: Some("it's".into()),
        expression: Some("'later'::text".into()),
        is_not_null: true,
        ..column(3, "state", "text")
    });
    let changes = followed(&shape(vec![loan()]), &shape(vec![now]));
    let add = r#"ALTER TABLE "public"."loan" ADD COLUMN "state" text DEFAULT 'it''s'::text"#;
    assert_eq!(sql(&changes, Phase::Before), [add]);
    let after = sql(&changes, Phase::After);
    assert_eq!(after[0], r#"ALTER TABLE "public"."loan" ALTER COLUMN "state" SET NOT NULL"#);
    assert!(after[2].ends_with(r#"ALTER COLUMN "state" SET DEFAULT 'later'::text"#));
}

#[test]
fn rows_written_anew_after_a_column_came_are_compared() {
    let mut now = loan();
    now.columns.push(column(3, "late", "integer"));
    now.filenode = 99;
    let changes = followed(&shape(vec![loan()]), &shape(vec![now]));
    assert!(matches!(changes.tables[0].rows, Rows::Digest { .. }));
}

#[test]
fn another_table_under_the_name_is_compared_or_swapped() {
    let again = Table { oid: 7, ..loan() };
    let changes = followed(&shape(vec![loan()]), &shape(vec![again.clone()]));
    assert!(matches!(changes.tables[0].rows, Rows::Digest { .. }));
    let mut reordered = again;
    reordered.columns.reverse();
    let changes = followed(&shape(vec![loan()]), &shape(vec![reordered]));
    assert!(matches!(changes.tables[0].rows, Rows::Swap { .. }));
    assert_eq!(changes.replaced, [Name::new("public", "loan")]);
}

#[test]
fn exchanged_names_are_not_guessed_at() {
    let before = shape(vec![loan(), table(2, "old", Vec::new())]);
    let swapped = shape(vec![
        Table { name: Name::new("public", "old"), ..loan() },
        table(2, "loan", Vec::new()),
    ]);
    assert!(rebuilt(&before, &swapped).contains("names were exchanged"));
    let mut columns = loan();
    columns.columns[0].name = "note".into();
    columns.columns[1].name = "id".into();
    assert!(rebuilt(&shape(vec![loan()]), &shape(vec![columns])).contains("name of another"));
}

#[test]
fn names_inside_a_definition_do_not_make_it_another_one() {
    let check = |definition: &str| Constraint {
        oid: 5,
        name: "c".into(),
        kind: "c".into(),
        definition: definition.into(),
        sign: "same".into(),
        ..Constraint::default()
    };
    let mut before = loan();
    before.constraints.push(check("CHECK (id > 0)"));
    let mut now = loan();
    now.columns[0].name = "number".into();
    now.constraints.push(check("CHECK (number > 0)"));
    let changes = followed(&shape(vec![before]), &shape(vec![now]));
    assert_eq!(changes.alterations.len(), 1);
    assert_eq!(changes.alterations[0].phase, Phase::First);
}

#[test]
fn what_others_are_made_of_is_not_replaced() {
    let mut now = Table { is_bound: true, ..loan() };
    now.columns[0].type_name = "bigint".into();
    assert!(rebuilt(&shape(vec![loan()]), &shape(vec![now])).contains("loan"));
    let bound = Table { is_bound: true, ..loan() };
    assert!(rebuilt(&shape(vec![bound]), &shape(Vec::new())).contains("was dropped"));
}

fn mood(labels: &[(u32, &str)]) -> Shape {
    let labels = labels.iter().map(|(oid, text)| Label { oid: *oid, text: (*text).into() });
    let name = Name::new("public", "mood");
    let mood = Enum { oid: 1, name, labels: labels.collect(), comment: None };
    Shape { enums: vec![mood], ..Shape::default() }
}

#[test]
fn labels_are_added_in_their_order() {
    let now = mood(&[(4, "first"), (1, "sad"), (3, "new"), (5, "newer"), (2, "ok")]);
    let changes = followed(&mood(&[(1, "sad"), (2, "ok")]), &now);
    let expected = [
        r#"ALTER TYPE "public"."mood" ADD VALUE IF NOT EXISTS 'first' BEFORE 'sad'"#,
        r#"ALTER TYPE "public"."mood" ADD VALUE IF NOT EXISTS 'new' AFTER 'sad'"#,
        r#"ALTER TYPE "public"."mood" ADD VALUE IF NOT EXISTS 'newer' AFTER 'new'"#,
    ];
    assert_eq!(sql(&changes, Phase::Early), expected);
    let before = mood(&[(1, "sad"), (2, "ok")]);
    assert!(rebuilt(&before, &mood(&[(1, "ok"), (2, "sad")])).contains("changed places"));
    assert!(rebuilt(&before, &mood(&[(1, "blue"), (2, "ok")])).contains("was renamed"));
    assert!(rebuilt(&before, &mood(&[(1, "sad")])).contains("lost a label"));
    assert!(rebuilt(&before, &mood(&[(1, "glum"), (2, "ok"), (3, "sad")])).contains("renamed"));
}

#[test]
fn a_routine_that_rows_are_computed_with_must_not_change() {
    let routine = |definition: &str| Routine {
        sign: definition.to_owned(),
        oid: 1,
        name: Name::new("public", "rate"),
        kind: "FUNCTION".into(),
        arguments: "integer".into(),
        signature: "f integer RETURNS integer".into(),
        definition: definition.into(),
        is_bound: false,
        comment: None,
    };
    let with = |table: Table, definition: &str| Shape {
        tables: vec![table],
        routines: vec![routine(definition)],
        ..Shape::default()
    };
    let changes = followed(&with(loan(), "CREATE a"), &with(loan(), "CREATE b"));
    assert_eq!(sql(&changes, Phase::Before), ["CREATE b"]);
    let mut computed = loan();
    computed.columns[0].generated = "s".into();
    computed.columns[0].expression = Some("public.rate(note)".into());
    let reason = rebuilt(&with(computed.clone(), "CREATE a"), &with(computed, "CREATE b"));
    assert!(reason.contains("rate"));
}

#[test]
fn a_view_that_only_reads_a_renamed_table_is_left_alone() {
    let view = |query: &str| View {
        oid: 9,
        name: Name::new("public", "v"),
        is_materialized: false,
        query: query.into(),
        sign: Some("same".into()),
        options: None,
        indexes: Vec::new(),
        columns: Vec::new(),
        comment: None,
    };
    let before = Shape { views: vec![view("SELECT 1 FROM loan")], ..shape(vec![loan()]) };
    let lent = Table { name: Name::new("public", "lent"), ..loan() };
    let now = Shape { views: vec![view("SELECT 1 FROM lent")], ..shape(vec![lent]) };
    let changes = followed(&before, &now);
    assert!(changes.views.is_empty() && changes.replaced.is_empty());
    assert_eq!(changes.tables[0].before, Some(Name::new("public", "loan")));
}
