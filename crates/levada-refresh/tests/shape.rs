//! Reading the definitions of a real server.

// A test that cannot go on says so and stops, in its helping functions as well.
#![allow(clippy::unwrap_used)]

use std::time::Instant;

use levada_refresh::shape::{Scope, Shape, fingerprint};
use pg::{Endpoint, Purpose, Session};
use testkit::Cluster;

async fn session(url: &str, purpose: Purpose) -> Session {
    Session::open(&Endpoint::parse(url).unwrap(), purpose).await.unwrap()
}

#[tokio::test]
async fn the_fingerprint_changes_with_the_shape_and_is_cheap() {
    let database = Cluster::shared().unwrap().create_database("shape").unwrap();
    database.execute(include_str!("fixtures/everything.sql")).unwrap();
    let source = session(database.url(), Purpose::Source).await;
    let scope = Scope { schemas: vec!["public".into(), "Other".into()], ..Scope::default() };
    source.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await.unwrap();
    let shape = Shape::load(&source, &scope).await.unwrap();
    source.batch("COMMIT").await.unwrap();
    let text = serde_json::to_string(&shape).unwrap();
    assert_eq!(serde_json::from_str::<Shape>(&text).unwrap(), shape);
    let statements = include_str!("fixtures/changes.sql");
    let mut before = (fingerprint(&source, &scope.schemas).await.unwrap(), shape);
    for statement in statements.lines() {
        database.execute(statement).unwrap();
        let now = Shape::load(&source, &scope).await.unwrap();
        let print = fingerprint(&source, &scope.schemas).await.unwrap();
        assert_ne!(now, before.1, "the shape does not tell of {statement}");
        assert_ne!(print, before.0, "the fingerprint does not tell of {statement}");
        before = (print, now);
    }
    database.execute("VACUUM ANALYZE; INSERT INTO plain (id) VALUES (77)").unwrap();
    assert_eq!(fingerprint(&source, &scope.schemas).await.unwrap(), before.0);
}

#[tokio::test]
async fn four_hundred_tables() {
    let database = Cluster::shared().unwrap().create_database("many").unwrap();
    database.execute(include_str!("fixtures/many.sql")).unwrap();
    let source = session(database.url(), Purpose::Source).await;
    let scope = Scope { schemas: vec!["public".into()], ..Scope::default() };
    let mut fastest = f64::MAX;
    for _ in 0..5 {
        let start = Instant::now();
        fingerprint(&source, &scope.schemas).await.unwrap();
        fastest = fastest.min(start.elapsed().as_secs_f64());
    }
    let start = Instant::now();
    let shape = Shape::load(&source, &scope).await.unwrap();
    assert_eq!(shape.tables.len(), 400);
    let load = start.elapsed().as_secs_f64();
    // Far above what is aimed for: the machine that runs tests is busy.
    assert!(fastest < 0.5, "the fingerprint takes {fastest:.3} s, the shape {load:.3} s");
    if std::env::var_os("LEVADA_SHOW_TIMES").is_some() {
        panic!("the fingerprint takes {fastest:.3} s, the shape {load:.3} s");
    }
}
