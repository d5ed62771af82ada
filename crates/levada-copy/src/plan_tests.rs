//! Tests of planning, without a server.

use super::*;
use pg::catalog::{Column, View};

fn identity(version: i32) -> Identity {
    Identity {
        system_identifier: 1,
        timeline: 1,
        database_oid: 5,
        database: "shop".into(),
        version,
        encoding: "UTF8".into(),
        in_recovery: false,
        started_at: String::new(),
        user: "joe".into(),
    }
}

fn table(name: &str, mib: u64) -> Table {
    Table {
        oid: 20_000 + mib as u32,
        name: Name::new("public", name),
        kind: TableKind::Plain,
        filenode: 1,
        bytes: mib * 1024 * 1024,
        rows_estimate: mib * 1000,
        is_heap: true,
        is_readable: true,
        hides_rows: false,
        parents: Vec::new(),
        router: None,
        own_sequences: Vec::new(),
        columns: vec![Column {
            name: "id".into(),
            type_oid: 23,
            type_name: "integer".into(),
            number: 1,
            is_not_null: true,
            is_generated: false,
            is_always_identity: false,
            missing: None,
            is_deterministic: true,
            collation: None,
        }],
        keys: Vec::new(),
    }
}

fn catalog(tables: Vec<Table>) -> Catalog {
    let int4 = pg::binary::TypeFacts {
        oid: 23,
        name: "int4".into(),
        kind: 'b',
        element: None,
        base: None,
    };
    let view = |name: &str, reads: &str, materialized| View {
        name: Name::new("public", name),
        is_materialized: materialized,
        is_populated: true,
        calls_routines: false,
        reads: vec![Name::new("public", reads)],
    };
    Catalog {
        tables,
        sequences: Vec::new(),
        unreadable_sequences: Vec::new(),
        foreign_schemas: Vec::new(),
        casts: Vec::new(),
        views: vec![
            view("second", "between", true),
            view("between", "first", false),
            view("first", "small", true),
        ],
        foreign_keys: Vec::new(),
        extensions: Vec::new(),
        schemas: vec!["public".into()],
        large_objects: 0,
        types: [(23, int4)].into(),
    }
}

fn planned(config: &Config, target_version: i32) -> Result<Plan, Problem> {
    let catalog = catalog(vec![table("small", 1), table("big", 300)]);
    let rules = BTreeMap::new();
    let scope = Scope { config, schemas: &[], rules: &rules, workers: 2 };
    plan(&catalog, &identity(150_000), &identity(target_version), &scope)
}

#[test]
fn big_heaps_are_split_and_come_first() {
    let plan = planned(&Config::default(), 150_000).unwrap();
    let big = &plan.tables[0];
    assert_eq!(big.name.name, "big");
    assert_eq!(
        big.ranges,
        [(Some(0), Some(12_800)), (Some(12_800), Some(25_600)), (Some(25_600), None)]
    );
    assert_eq!(plan.tables[1].ranges, [(None, None)]);
    assert_eq!(big.format, Format::Binary);
}

#[test]
fn different_majors_exchange_text() {
    let plan = planned(&Config::default(), 180_000).unwrap();
    assert!(plan.tables.iter().all(|table| table.format == Format::Text));
}

#[test]
fn views_of_an_excluded_table_stay_behind() {
    let config = Config { exclude: vec!["small".into()], ..Config::default() };
    let plan = planned(&config, 150_000).unwrap();
    let left_out: Vec<_> = plan.left_out.keys().map(String::as_str).collect();
    assert_eq!(left_out, ["public.between", "public.first", "public.second", "public.small"]);
}

#[test]
fn materialised_views_are_ordered_through_plain_views() {
    let plan = planned(&Config::default(), 150_000).unwrap();
    let names: Vec<_> = plan.populated_views.iter().map(|view| view.name.name.as_str()).collect();
    assert_eq!(names, ["first", "second"]);
}

#[test]
fn what_is_said_of_a_parent_is_said_of_its_partitions() {
    let mut part = table("part", 2);
    part.parents = vec![Name::new("public", "small")];
    let catalog = catalog(vec![table("small", 1), part, table("big", 3)]);
    let planned = |config: &Config| {
        let rules = BTreeMap::new();
        let scope = Scope { config, schemas: &[], rules: &rules, workers: 2 };
        let plan = plan(&catalog, &identity(150_000), &identity(150_000), &scope).unwrap();
        plan.tables.into_iter().map(|table| table.name.name).collect::<Vec<_>>()
    };
    let small = vec!["small".to_owned()];
    let excluding = Config { exclude: small.clone(), ..Config::default() };
    assert_eq!(planned(&excluding), ["big"]);
    let including = Config { include: small, ..Config::default() };
    assert_eq!(planned(&including), ["part", "small"]);
}
