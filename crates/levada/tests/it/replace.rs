//! `--replace`: readers see the old edition whole, then the new one whole, and nobody's things are
//! lost.

use std::sync::atomic::{AtomicBool, Ordering};

use testkit::Database;

use crate::support::{assert_equal, levada, pair, start};

fn library(name: &str, n: u32) -> (Database, Database) {
    let (source, target) = pair(name, "SELECT 1");
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fixtures/library.sql");
    source.load_file(fixture.as_ref(), &[("n", &n.to_string())]).unwrap();
    (source, target)
}

fn copy(source: &Database, target: &Database, more: &[&str]) -> crate::support::Ran {
    let mut arguments = vec!["copy", source.url(), target.url()];
    arguments.extend(more);
    levada(&arguments)
}

/// Polls while `is_running`; every answer must be one of `allowed`. Returns the answers' number.
fn poll(target: &Database, is_running: &AtomicBool, allowed: &[&str], in_snapshot: bool) -> usize {
    let mut answers = 0;
    while is_running.load(Ordering::Relaxed) {
        let mut session = target.session().unwrap();
        if in_snapshot {
            // The snapshot is taken now, the table is looked up later.
            session
                .run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM member")
                .unwrap();
        }
        for _ in 0..5 {
            let query = "SELECT count(*) || ' ' || (SELECT count(*) FROM loan) FROM book";
            let answer = session.run(query).unwrap();
            assert!(allowed.contains(&answer.as_str()), "a reader saw {answer:?}");
            answers += 1;
        }
    }
    answers
}

#[test]
fn readers_never_see_an_empty_or_missing_table() {
    let (source, target) = library("readers", 20_000);
    copy(&source, &target, &[]).expect_code(0);
    source
        .execute("DELETE FROM loan WHERE id <= 100; INSERT INTO book (title) VALUES ('new')")
        .unwrap();
    source.execute("REFRESH MATERIALIZED VIEW by_author").unwrap();
    let allowed = ["5000 20000", "5001 19900"];
    let is_running = AtomicBool::new(true);
    let answers = std::thread::scope(|scope| {
        let fresh = scope.spawn(|| poll(&target, &is_running, &allowed, false));
        let held = scope.spawn(|| poll(&target, &is_running, &allowed, true));
        for _ in 0..3 {
            let ran = copy(&source, &target, &["--replace"]);
            assert_eq!(ran.code, 0, "{}", ran.stderr);
        }
        is_running.store(false, Ordering::Relaxed);
        fresh.join().unwrap() + held.join().unwrap()
    });
    assert!(answers > 10, "the readers read {answers} times only");
    assert_equal(&source, &target);
    assert_eq!(target.psql("SELECT count(*) FROM levada.edition").unwrap(), "4");
}

#[test]
fn a_killed_replacement_leaves_the_old_copy_whole_and_continues() {
    let (source, target) = library("killed_replace", 20_000);
    copy(&source, &target, &[]).expect_code(0);
    let before = target.content().unwrap();
    source.execute("DELETE FROM loan WHERE id <= 100").unwrap();
    let mut child = start(&["copy", source.url(), target.url(), "--replace", "--json"]);
    let some = "SELECT count(*) > 0 FROM levada.chunk WHERE state = 'done' AND edition = 2";
    testkit::wait_for("a chunk", std::time::Duration::from_secs(30), || {
        Ok(target.psql(some)? == "t" || child.try_wait()?.is_some())
    })
    .unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let published = target.psql("SELECT max(number) FROM levada.edition WHERE state = 'published'");
    if published.unwrap() == "1" {
        let now = target.content().unwrap();
        for (object, digest) in &before {
            assert_eq!(Some(digest), now.get(object), "{object} of the old edition changed");
        }
        copy(&source, &target, &["--replace"]).expect_code(0);
    }
    assert_equal(&source, &target);
    let left = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'levada\\_%'";
    assert_eq!(target.psql(left).unwrap(), "0");
}

#[test]
fn a_target_with_content_is_refused_with_a_hint() {
    let (source, target) = library("refused", 400);
    target.execute("CREATE TABLE mine (x int); INSERT INTO mine VALUES (1)").unwrap();
    copy(&source, &target, &[])
        .expect_code(2)
        .expect_stderr("the target is not empty")
        .expect_stderr("--replace");
    copy(&source, &target, &["--replace"])
        .expect_code(2)
        .expect_stderr("objects that the source does not have")
        .expect_stderr("public.mine");
    assert_eq!(target.psql("SELECT * FROM mine").unwrap(), "1");
}

#[test]
fn views_of_the_readers_survive_a_replacement() {
    let (source, target) = library("own_views", 400);
    copy(&source, &target, &[]).expect_code(0);
    target.execute(include_str!("fixtures/own_views.sql")).unwrap();
    source.execute("INSERT INTO loan (member, book, lent_at) VALUES (1, 1, now())").unwrap();
    copy(&source, &target, &["--replace"]).expect_code(0);
    assert_eq!(target.psql("SELECT loans FROM analysis.counted").unwrap(), "401");
    let rights = "SELECT has_table_privilege('own_views_reader', 'analysis.counted', 'SELECT')";
    assert_eq!(target.psql(rights).unwrap(), "t");
    // Their own table keeps its rows and its key.
    assert!(target.execute("INSERT INTO analysis.notes VALUES (999999, 'x')").is_err());
    assert_eq!(target.psql("SELECT count(*) FROM analysis.notes").unwrap(), "1");
    target.execute("DROP SCHEMA analysis CASCADE").unwrap();
    assert_equal(&source, &target);
}

#[test]
fn a_view_that_does_not_fit_any_more_stops_a_replacement() {
    let (source, target) = library("unfit_view", 400);
    copy(&source, &target, &[]).expect_code(0);
    target
        .execute("CREATE SCHEMA analysis; CREATE VIEW analysis.loans AS SELECT note FROM loan")
        .unwrap();
    source.execute("ALTER TABLE loan DROP COLUMN note").unwrap();
    copy(&source, &target, &["--replace"])
        .expect_code(2)
        .expect_stderr("view analysis.loans cannot be recreated");
    assert_eq!(target.psql("SELECT count(*) FROM analysis.loans").unwrap(), "400");
    let edition =
        "SELECT string_agg(number::text, ',') FROM levada.edition WHERE state = 'published'";
    assert_eq!(target.psql(edition).unwrap(), "1");
}

#[test]
fn grants_extensions_and_new_definitions_survive_a_replacement() {
    let (source, target) = library("grants", 400);
    source.execute("CREATE EXTENSION citext; ALTER TABLE member ADD mail citext").unwrap();
    copy(&source, &target, &[]).expect_code(0);
    target.execute(include_str!("fixtures/readers_rights.sql")).unwrap();
    source.execute("ALTER TABLE loan ADD returned_at date; CREATE TABLE shelf (id int)").unwrap();
    copy(&source, &target, &["--replace"]).expect_code(0);
    assert_equal(&source, &target);
    let rights = include_str!("fixtures/readers_rights_now.sql");
    assert_eq!(target.psql(rights).unwrap(), "t|t|t|f");
    copy(&source, &target, &["--replace"]).expect_code(0);
    assert_eq!(target.psql(rights).unwrap(), "t|t|t|f", "also the second time");
}

#[test]
fn rows_computed_through_schema_names_are_not_mixed_between_editions() {
    let (source, target) = library("name_bound", 400);
    let routine = "CREATE FUNCTION rate(int) RETURNS bigint STABLE LANGUAGE sql AS \
                   'SELECT count(*) * $1 FROM public.loan'; \
                   CREATE MATERIALIZED VIEW rated AS SELECT rate(2) AS rate";
    source.execute(routine).unwrap();
    copy(&source, &target, &[]).expect_code(0);
    source.execute("DELETE FROM loan WHERE id <= 10; REFRESH MATERIALIZED VIEW rated").unwrap();
    copy(&source, &target, &["--replace"]).expect_code(0);
    assert_eq!(target.psql("SELECT rate FROM rated").unwrap(), "780");
    assert_equal(&source, &target);
    source.execute(include_str!("fixtures/name_bound_index.sql")).unwrap();
    copy(&source, &target, &["--replace"])
        .expect_code(2)
        .expect_stderr("index public.by_shelf cannot be built beside a published edition");
    assert_eq!(target.psql("SELECT rate FROM rated").unwrap(), "780");
}

#[test]
fn what_readers_create_while_an_edition_is_built_is_not_dropped_with_the_old_one() {
    let (source, target) = library("newcomers", 100_000);
    copy(&source, &target, &[]).expect_code(0);
    let mut child = start(&["copy", source.url(), target.url(), "--replace", "--json"]);
    let begun = "SELECT count(*) > 0 FROM levada.chunk WHERE edition = 2";
    testkit::wait_for("the second edition to begin", std::time::Duration::from_secs(30), || {
        Ok(target.psql(begun)? == "t")
    })
    .unwrap();
    target.execute("CREATE TABLE public.notes (x int); INSERT INTO notes VALUES (7)").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2));
    assert_eq!(target.psql("SELECT x FROM public.notes").unwrap(), "7");
    copy(&source, &target, &["--replace"])
        .expect_code(2)
        .expect_stderr("objects were created in the target since the run began")
        .expect_stderr("public.notes");
    target.execute("CREATE SCHEMA mine; ALTER TABLE public.notes SET SCHEMA mine").unwrap();
    copy(&source, &target, &["--replace"]).expect_code(0);
    target.execute("DROP SCHEMA mine CASCADE").unwrap();
    assert_equal(&source, &target);
}

#[test]
fn large_objects_of_the_old_edition_go_and_those_of_others_stay() {
    let (source, target) = library("lo_replace", 400);
    copy(&source, &target, &[]).expect_code(0);
    source.execute("SELECT lo_unlink(4711); SELECT lo_from_bytea(4712, 'new')").unwrap();
    copy(&source, &target, &["--replace"]).expect_code(0);
    assert_equal(&source, &target);
    source.execute("SELECT lo_unlink(4712)").unwrap();
    copy(&source, &target, &["--replace"]).expect_code(0);
    assert_equal(&source, &target);
    target.execute("SELECT lo_from_bytea(99, 'mine')").unwrap();
    source.execute("SELECT lo_from_bytea(4713, 'newer')").unwrap();
    copy(&source, &target, &["--replace"]).expect_code(2).expect_stderr("large objects");
    assert_eq!(target.psql("SELECT convert_from(lo_get(99), 'UTF8')").unwrap(), "mine");
}

#[test]
fn schema_replaces_definitions_whole_or_not_at_all() {
    let (source, target) = library("schema_replace", 400);
    let schema = |more: &[&str]| {
        let mut arguments = vec!["schema", source.url(), target.url()];
        arguments.extend(more);
        levada(&arguments)
    };
    target.execute("CREATE TABLE book (wrong int); CREATE TABLE mine (x int)").unwrap();
    schema(&["--replace"]).expect_code(2).expect_stderr("public.mine");
    target.execute("DROP TABLE mine").unwrap();
    source
        .execute("CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'")
        .unwrap();
    schema(&["--replace"]).expect_code(0);
    schema(&[]).expect_code(0);
    target.execute("DROP VIEW open_member").unwrap();
    schema(&[]).expect_code(1);
    // What the target cannot create fails the command, and nothing has changed.
    target.execute(include_str!("fixtures/refuse_views.sql")).unwrap();
    schema(&["--replace", "--schema", "public"])
        .expect_code(2)
        .expect_stderr("the definitions could not be created; nothing has changed");
    assert_eq!(target.psql("SELECT to_regclass('book') IS NOT NULL").unwrap(), "t");
}
