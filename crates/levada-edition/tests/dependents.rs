//! Saving and restoring what depends on tables that are replaced, on a real server.

// A test that cannot go on says so and stops, in its helping functions as well.
#![allow(clippy::unwrap_used)]

use levada_edition::Saved;
use pg::{Endpoint, Error, Name, Purpose, Session};
use testkit::{Cluster, Database};

const SEEN: &str = include_str!("fixtures/seen.sql");

/// A database with loans and an analyst's objects around them. Roles belong to a whole server.
fn database() -> (Cluster, Database) {
    let cluster = Cluster::start().unwrap();
    let database = cluster.create_database("library").unwrap();
    database.execute(include_str!("fixtures/analysis.sql")).unwrap();
    (cluster, database)
}

async fn session(url: &str) -> Session {
    Session::open(&Endpoint::parse(url).unwrap(), Purpose::Target).await.unwrap()
}

fn loan() -> [Name; 1] {
    [Name::new("public", "loan")]
}

/// Replaces `public.loan` by a table with these columns.
async fn replace(session: &Session, saved: &Saved, columns: &str) {
    for statement in saved.drop_sql() {
        session.batch(&statement).await.unwrap();
    }
    session.batch("DROP TABLE public.loan").await.unwrap();
    session.batch(&format!("CREATE TABLE public.loan ({columns})")).await.unwrap();
    session
        .batch("INSERT INTO public.loan SELECT g, 1, 2 FROM generate_series(1, 9) g")
        .await
        .unwrap();
}

const COLUMNS: &str = "id int PRIMARY KEY, member int, fee numeric, note text";

#[track_caller]
fn refused<T: std::fmt::Debug>(result: pg::Result<T>) -> report::Problem {
    match result {
        Err(Error::Refused(problem)) => problem,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn everything_around_a_table_comes_back() {
    let (_cluster, database) = database();
    let before = database.psql(SEEN).unwrap();
    let session = session(database.url()).await;
    session.batch("BEGIN").await.unwrap();
    let saved = Saved::of_relations(&session, &loan(), &[]).await.unwrap();
    let views: Vec<String> = saved.views().map(ToString::to_string).collect();
    assert_eq!(views.len(), 6, "{views:?}");
    assert!(saved.restores_key(&Name::new("analysis", "remark"), "of a loan"));
    replace(&session, &saved, COLUMNS).await;
    saved.restore(&session).await.unwrap();
    session.batch("COMMIT").await.unwrap();
    let after = database.psql(SEEN).unwrap();
    assert_eq!(before, after);
    assert_eq!(database.psql("SELECT loans FROM analysis.counted").unwrap(), "9");
    assert_eq!(database.psql("SELECT fee FROM analysis.totals").unwrap(), "18");
}

#[tokio::test]
async fn columns_of_a_view_stay_and_a_view_whose_column_is_gone_is_named() {
    let (_cluster, database) = database();
    let session = session(database.url()).await;
    session.batch("BEGIN").await.unwrap();
    let saved = Saved::of_relations(&session, &loan(), &[]).await.unwrap();
    replace(&session, &saved, "id int PRIMARY KEY, member int, fee numeric, added text, note text")
        .await;
    saved.restore(&session).await.unwrap();
    let sql = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'analysis.\"All\"'::regclass \
               AND attnum > 0";
    assert_eq!(session.one(sql, &[]).await.unwrap().get::<_, i64>(0), 4);
    session.batch("ROLLBACK; BEGIN").await.unwrap();
    let saved = Saved::of_relations(&session, &loan(), &[]).await.unwrap();
    replace(&session, &saved, "id int PRIMARY KEY, member int, fee numeric").await;
    let problem = refused(saved.restore(&session).await);
    assert_eq!(problem.message, "view analysis.All cannot be recreated");
    let detail = problem.detail.unwrap();
    assert!(detail.contains("note") && detail.ends_with("does not exist (SQLSTATE 42703)"));
    let hint = "change or drop it, then run again; the published edition is unchanged";
    assert_eq!(problem.hint.unwrap(), hint);
    session.batch("ROLLBACK").await.unwrap();
    assert_eq!(database.psql("SELECT count(*) FROM analysis.\"All\"").unwrap(), "2");
}

#[tokio::test]
async fn a_view_may_be_given_another_query_or_none() {
    let (_cluster, database) = database();
    let session = session(database.url()).await;
    session.batch("BEGIN").await.unwrap();
    let fees = Name::new("public", "fees");
    let mut saved = Saved::of_relations(&session, std::slice::from_ref(&fees), &[]).await.unwrap();
    assert_eq!(saved.views().count(), 3);
    assert!(saved.redefine(&fees, Some("SELECT 1 AS fee, 2 AS id")));
    assert!(saved.redefine(&Name::new("analysis", "waiting"), None));
    assert!(!saved.redefine(&Name::new("analysis", "no"), None));
    for statement in saved.drop_sql() {
        session.batch(&statement).await.unwrap();
    }
    saved.restore(&session).await.unwrap();
    session.batch("COMMIT").await.unwrap();
    assert_eq!(database.psql("SELECT fee FROM public.fees").unwrap(), "1");
    assert_eq!(database.psql("SELECT to_regclass('analysis.waiting') IS NULL").unwrap(), "t");
}

#[tokio::test]
async fn what_cannot_come_back_is_refused_and_named() {
    let (_cluster, database) = database();
    let session = session(database.url()).await;
    let cases = [
        ("CREATE TABLE analysis.kept (l public.loan)", "table analysis.kept"),
        ("CREATE TABLE analysis.kept (l analysis.\"All\")", "table analysis.kept"),
        (
            "CREATE FUNCTION analysis.f(public.loan) RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "function analysis.f(public.loan)",
        ),
        ("CREATE POLICY p ON public.loan", "policy p on table public.loan"),
        ("CREATE PUBLICATION p FOR TABLE public.loan", "publication p"),
        ("ALTER TABLE public.loan ENABLE ROW LEVEL SECURITY", "row level security"),
        (
            "CREATE RULE r AS ON INSERT TO public.loan DO ALSO NOTHING",
            "rule r on table public.loan",
        ),
        (
            "CREATE TRIGGER t BEFORE INSERT ON public.loan EXECUTE FUNCTION analysis.instead()",
            "trigger t on table public.loan",
        ),
        ("CREATE TABLE analysis.child () INHERITS (public.loan)", "table analysis.child"),
        ("CREATE TEMP VIEW v AS SELECT id FROM public.loan", "view v"),
    ];
    for (statement, named) in cases {
        session.batch(&format!("BEGIN; {statement}")).await.unwrap();
        let problem = refused(Saved::of_relations(&session, &loan(), &[]).await);
        let detail = problem.detail.unwrap();
        assert!(detail.contains(named), "{named} is not in {detail}");
        assert!(problem.hint.unwrap().ends_with("the published edition is unchanged"));
        session.batch("ROLLBACK").await.unwrap();
    }
}

#[tokio::test]
async fn a_view_of_a_role_that_ours_is_no_member_of_is_refused_with_the_grant() {
    let (_cluster, database) = database();
    let rights = include_str!("fixtures/rights.sql");
    database.execute(rights).unwrap();
    let session = session(&database.url().replace("postgres@", "levada@")).await;
    let problem = refused(Saved::of_relations(&session, &loan(), &[]).await);
    assert_eq!(problem.message, "view analysis.rowtypes cannot be recreated");
    assert!(problem.hint.unwrap().starts_with("GRANT \"an Analyst\" TO \"levada\", then run"));
    database.execute("GRANT \"an Analyst\" TO levada").unwrap();
    let before = database.psql(SEEN).unwrap();
    session.batch("BEGIN").await.unwrap();
    let saved = Saved::of_relations(&session, &loan(), &[]).await.unwrap();
    replace(&session, &saved, COLUMNS).await;
    saved.restore(&session).await.unwrap();
    session.batch("COMMIT").await.unwrap();
    let after = database.psql(SEEN).unwrap();
    assert_eq!(before, after);
}

#[tokio::test]
async fn whole_schemas_can_be_renamed_away() {
    let (_cluster, database) = database();
    database.execute("ALTER VIEW fees SET SCHEMA analysis").unwrap();
    database.execute("CREATE VIEW public.inside AS SELECT id FROM loan").unwrap();
    let session = session(database.url()).await;
    session.batch("BEGIN").await.unwrap();
    let saved = Saved::of_schemas(&session, &["public".to_owned()]).await.unwrap();
    assert!(saved.views().all(|view| view.schema == "analysis"));
    assert_eq!(saved.views().count(), 6);
    for statement in saved.drop_sql() {
        session.batch(&statement).await.unwrap();
    }
    let beside = include_str!("fixtures/beside.sql");
    session.batch(beside).await.unwrap();
    saved.restore(&session).await.unwrap();
    session.batch("DROP VIEW old.inside; DROP TABLE old.loan, old.member; COMMIT").await.unwrap();
    assert_eq!(database.psql("SELECT name, fee FROM analysis.totals").unwrap(), "new|40");
}

#[tokio::test]
async fn a_table_that_is_altered_keeps_what_does_not_forbid_it() {
    let (_cluster, database) = database();
    let before = database.psql(SEEN).unwrap();
    let session = session(database.url()).await;
    let more = "BEGIN; CREATE POLICY p ON public.loan; CREATE TABLE analysis.kept (l public.loan)";
    session.batch(more).await.unwrap();
    let saved = Saved::of_relations(&session, &[], &loan()).await.unwrap();
    assert_eq!(saved.views().count(), 6);
    assert!(!saved.restores_key(&Name::new("analysis", "remark"), "of a loan"));
    for statement in saved.drop_sql() {
        session.batch(&statement).await.unwrap();
    }
    session.batch("DROP POLICY p ON public.loan; DROP TABLE analysis.kept").await.unwrap();
    session
        .batch("ALTER TABLE public.loan ADD x int; ALTER TABLE public.loan DROP x")
        .await
        .unwrap();
    saved.restore(&session).await.unwrap();
    session.batch("COMMIT").await.unwrap();
    assert_eq!(before, database.psql(SEEN).unwrap());
}
