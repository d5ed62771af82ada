//! `levada verify`: every difference is found and named, and nothing equal is called different.
//!
//! Responsible for: comparisons of databases that tests make different on purpose, one way at a
//! time. Must not: look into levada.

mod edition;
mod random;
mod values;

use std::time::{Duration, Instant};

use expect_test::expect;
use serde_json::Value;
use testkit::{Database, Proxy, wait_for};

use crate::support::{Ran, assert_same_content, cluster, levada, pair, start};

/// A library and its copy.
fn library(name: &str, rows: u32) -> (Database, Database) {
    let (source, target) = pair(name, "SELECT 1");
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fixtures/library.sql");
    source.load_file(fixture.as_ref(), &[("n", &rows.to_string())]).unwrap();
    levada(&["copy", source.url(), target.url()]).expect_code(0);
    (source, target)
}

/// Two databases that `sql` filled alike.
fn twins(name: &str, sql: &str) -> (Database, Database) {
    let (source, target) = pair(name, sql);
    target.execute(sql).expect("the fixture loads");
    (source, target)
}

fn verify(source: &Database, target: &Database, options: &[&str]) -> Ran {
    levada(&[&["verify", source.url(), target.url()], options].concat())
}

/// The one value of `--json`.
#[track_caller]
fn comparison(ran: &Ran) -> Value {
    let value: Value = serde_json::from_str(ran.stdout.trim()).expect(&ran.stdout);
    assert_eq!(value["type"], "comparison");
    value
}

/// What `--json` says of each table: `name verdict missing extra changed`, and the changed columns.
#[track_caller]
fn told(ran: &Ran) -> Vec<String> {
    let value = comparison(ran);
    let tables = value["tables"].as_array().expect("tables").iter();
    let lines = tables.map(|table| {
        let word = |name: &str| table[name].to_string().replace('"', "");
        let counts = ["name", "verdict", "missing", "extra", "changed"].map(word).join(" ");
        let columns = table["columns"].as_object().expect("columns").keys();
        columns.fold(counts, |line, column| format!("{line} {column}"))
    });
    lines.collect()
}

/// Text without what differs from run to run.
fn timeless(text: &str) -> String {
    let lines = text.lines().map(|line| match line.split_once("; compared in ") {
        Some((line, _)) => line.to_owned(),
        None => line.to_owned(),
    });
    lines.map(|line| line + "\n").collect()
}

#[test]
fn a_copy_is_equal() {
    let (source, target) = library("verify_copy", 4000);
    assert_same_content(&source, &target);
    let ran = verify(&source, &target, &[]).expect_code(0);
    let expected = expect![[r#"
        table             source rows  target rows  verdict
        public.book             1,000        1,000  equal
        public.keyless            400          400  equal
        public.loan             4,000        4,000  equal
        public.member             200          200  equal
        public.visit_new          372          372  equal
        public.visit_old          628          628  equal

        source and target are equal in 6 tables
    "#]];
    expected.assert_eq(&timeless(&ran.stdout));
}

#[test]
fn differences_are_named_and_values_shown_only_when_asked_for() {
    let (source, target) = library("verify_differs", 4000);
    target.execute(include_str!("verify/differences.sql")).unwrap();
    let ran = verify(&source, &target, &[]).expect_code(1);
    assert!(!ran.stdout.contains("secret") && !ran.stderr.contains("secret"), "{}", ran.stdout);
    let expected = expect![[r#"
        table             source rows  target rows  verdict
        public.book             1,000        1,000  equal
        public.keyless            400          401  differs
        public.loan             4,000        4,000  differs
        public.member             200          200  equal
        public.own                  -            -  differs
        public.visit_new          372          372  equal
        public.visit_old          628          627  differs

        public.keyless: 0 missing, 1 extra, 0 changed

        public.loan: 1 missing, 1 extra, 2 changed
          missing on the target (id): 12
          only on the target (id): -1
          changed (id) 7: note
          changed (id) 9: book, lent_at, note
          of 2 changed rows: note in 2, book in 1, lent_at in 1

        public.own:
          the source does not have this table

        public.visit_old: 1 missing, 0 extra, 0 changed
          missing on the target (at, member): (2023-06-06, 5)

        source and target differ in 4 of 7 tables
    "#]];
    expected.assert_eq(&timeless(&ran.stdout));
    let options = ["--table", "public.lo*", "--show-values", "--rows", "1"];
    let ran = verify(&source, &target, &options).expect_code(1);
    let expected = expect![[r#"
        table        source rows  target rows  verdict
        public.loan        4,000        4,000  differs

        public.loan: 1 missing, 1 extra, 2 changed
          missing on the target (id): 12
          only on the target (id): -1
          changed (id) 7: note '{\"text\": \"xxxxxxx\", \"shelf\": 7}' → '{\"secret\": 1}'
          of 2 changed rows: note in 2, book in 1, lent_at in 1

        source and target differ in 1 of 1 table
    "#]];
    expected.assert_eq(&timeless(&ran.stdout));
    let ran = verify(&source, &target, &["--json"]).expect_code(1);
    assert!(!ran.stdout.contains("secret"));
    let loan = comparison(&ran)["tables"][2].clone();
    assert_eq!(loan["changed_rows"][0].to_string(), r#"{"columns":[{"name":"note"}],"key":["7"]}"#);
}

#[test]
fn a_table_that_is_missing_or_a_column_is_a_difference() {
    let sql = "create table a (id int primary key, x int, y int); insert into a values (1, 2, 3); \
               create table b (id int)";
    let (source, target) = twins("verify_columns", sql);
    target.execute("alter table a drop x; alter table a add z int; drop table b").unwrap();
    let ran = verify(&source, &target, &[]).expect_code(1);
    assert!(ran.stdout.contains("only the source has these columns: x"), "{}", ran.stdout);
    assert!(ran.stdout.contains("only the target has these columns: z"), "{}", ran.stdout);
    assert!(ran.stdout.contains("the target does not have this table"), "{}", ran.stdout);
}

#[test]
fn an_edition_in_the_making_is_nobodys() {
    let (source, target) = twins("verify_next", "create table a (x int)");
    target
        .execute("create schema levada_next_public; create table levada_next_public.a (x int)")
        .unwrap();
    verify(&source, &target, &[]).expect_code(0);
    verify(&source, &target, &["--schema", "levada_next_public"]).expect_code(1);
}

#[test]
fn the_order_of_columns_and_dropped_ones_do_not_matter() {
    let sql = "create table a (gone int, id int primary key, x text, y bigint); \
               insert into a select 1, n, 'x' || n, n from generate_series(1, 99) n; \
               alter table a drop gone";
    let (source, target) = pair("verify_order", sql);
    let sql = "create table a (y int, x varchar(9), id smallint); \
               insert into a select n, 'x' || n, n from generate_series(1, 99) n";
    target.execute(sql).unwrap();
    verify(&source, &target, &[]).expect_code(0);
    target.execute("update a set y = -1 where id = 50").unwrap();
    let ran = verify(&source, &target, &["--json"]).expect_code(1);
    assert_eq!(told(&ran), ["a differs 0 0 1 y"]);
}

#[test]
fn what_cannot_be_compared_is_not_called_equal() {
    let (source, target) = pair(
        "verify_unknown",
        "create table a (x int); create table b (x timestamptz); create table c (x json); \
         create table d (x text)",
    );
    target
        .execute(
            "create table a (x text); create table b (x timestamp); create table c (x jsonb); \
             create table d (x text)",
        )
        .unwrap();
    let ran = verify(&source, &target, &[]).expect_code(2);
    for part in ["could not tell", "column x is integer on the source and text on the target"] {
        assert!(ran.stdout.contains(part), "{}", ran.stdout);
    }
    // A difference that is known weighs more.
    target.execute("insert into d values ('')").unwrap();
    verify(&source, &target, &[]).expect_code(1);
}

#[test]
fn a_table_that_may_not_be_read_is_not_called_equal() {
    let (source, target) = twins("verify_rights", "create table a (x int); create table b (x int)");
    let role = "create role verify_reader login; grant select on a to verify_reader";
    target.execute(role).unwrap();
    let url = target.url().replace("postgres@", "verify_reader@");
    let ran = levada(&["verify", source.url(), &url]).expect_code(2);
    assert!(ran.stdout.contains("permission denied for table b"), "{}", ran.stdout);
}

#[test]
fn wrong_requests_are_refused() {
    let (source, target) = twins("verify_wrong", "create table answers (x int)");
    let ran = verify(&source, &target, &["--table", "answer"]).expect_code(2);
    ran.expect_stderr("table pattern \"answer\" matches no table").expect_stderr("public.answers");
    let ran = verify(&source, &target, &["--schema", "other"]).expect_code(2);
    ran.expect_stderr("neither side has a schema \"other\"");
    verify(&source, &source, &[]).expect_code(2).expect_stderr("are the same database");
    levada(&["verify", source.url()]).expect_code(2);
}

#[test]
fn rows_of_a_hash_of_enums_are_found_in_any_partition() {
    let (source, target) = pair("verify_enum_hash", include_str!("fidelity/enum_hash.sql"));
    levada(&["copy", source.url(), target.url()]).expect_code(0);
    let ran = verify(&source, &target, &["--json"]).expect_code(0);
    assert_eq!(told(&ran), ["felt equal 0 0 0"]);
    target.execute("update felt set note = '' where id = 500").unwrap();
    let ran = verify(&source, &target, &["--json"]).expect_code(1);
    assert_eq!(told(&ran), ["felt differs 1 1 0"]);
}

#[test]
fn a_table_may_be_partitioned_on_one_side_only() {
    let sql = include_str!("verify/partitioned.sql");
    let (source, target) = pair("verify_partitioned", sql);
    let sql = "create table a (id int primary key, x text); \
               insert into a select n, 'x' from generate_series(1, 99) n";
    target.execute(sql).unwrap();
    for (one, other) in [(&source, &target), (&target, &source)] {
        let ran = verify(one, other, &["--json"]).expect_code(0);
        assert_eq!(told(&ran), ["a equal 0 0 0"]);
    }
    target.execute("update a set x = 'y' where id in (1, 51)").unwrap();
    let ran = verify(&source, &target, &["--json"]).expect_code(1);
    assert_eq!(told(&ran), ["a differs 0 0 2 x"]);
}

/// PostgreSQL's hash of a record is linear: exchanged values would leave its sum as it was.
#[test]
fn rows_that_exchanged_a_value_differ() {
    let table = |n: u32| {
        format!(
            "create table t{n} (id int primary key, x int); \
             insert into t{n} values (1, 5), (2, 6); "
        )
    };
    let sql: String = (0..20).map(table).collect();
    let (source, target) = twins("verify_exchange", &sql);
    let exchange: String = (0..20).map(|n| format!("update t{n} set x = 11 - x; ")).collect();
    target.execute(&exchange).unwrap();
    let ran = verify(&source, &target, &["--json"]).expect_code(1);
    for line in told(&ran) {
        assert!(line.ends_with(" differs 0 0 2 x"), "{line}");
    }
}

#[test]
fn what_differs_everywhere_is_counted_within_bounds() {
    let sql = include_str!("verify/everywhere.sql");
    let (source, target) = twins("verify_everywhere", sql);
    target.execute("update wide set x = 1; insert into word values ('same')").unwrap();
    let ran = verify(&source, &target, &["--json"]).expect_code(1);
    assert_eq!(told(&ran), ["wide differs 0 0 150000 x", "word differs 0 1 0"]);
}

const EVENTS: &str = include_str!("verify/events.sql");

#[test]
fn little_travels() {
    let (_, target) = twins("verify_wire", EVENTS);
    let proxy = Proxy::to(cluster().port()).unwrap();
    let far = Database::at(proxy.url("verify_wire_source"));
    verify(&far, &target, &[]).expect_code(0);
    let equal = proxy.bytes();
    assert!(equal < 1_000_000, "{equal} bytes");
    target.execute("update event set note = 'changed' where id % 50000 = 7").unwrap();
    verify(&far, &target, &[]).expect_code(1);
    let differs = proxy.bytes() - equal;
    assert!(differs < 1_000_000, "{differs} bytes");
}

/// Well before the end of the digests, which are the last and by far the longest answer.
const BEFORE_THE_END: u64 = 100_000;

#[test]
fn a_lost_connection_is_not_called_equal() {
    let (source, _) = twins("verify_cut", EVENTS);
    let proxy = Proxy::to(cluster().port()).unwrap();
    let far = Database::at(proxy.url("verify_cut_target"));
    verify(&source, &far, &[]).expect_code(0);
    proxy.cut_after(proxy.bytes() - BEFORE_THE_END);
    let ran = verify(&source, &far, &[]).expect_code(2);
    assert!(ran.stdout.contains("could not tell"), "{}", ran.stdout);
    verify(&source, &far, &[]).expect_code(0);
}

#[test]
fn whoever_wants_to_change_a_table_gets_it_within_two_seconds() {
    let (source, _) = twins("verify_yield", EVENTS);
    let proxy = Proxy::to(cluster().port()).unwrap();
    let far = Database::at(proxy.url("verify_yield_target"));
    verify(&source, &far, &[]).expect_code(0);
    proxy.stall_after(proxy.bytes() - BEFORE_THE_END);
    let child = start(&["verify", source.url(), far.url()]);
    let patience = Duration::from_secs(60);
    wait_for("the digests to stall", patience, || Ok(proxy.is_stalled())).unwrap();
    let mut ddl = source.session().unwrap();
    let asked = Instant::now();
    ddl.run("begin; lock table event in access exclusive mode").unwrap();
    let waited = asked.elapsed();
    ddl.run("commit").unwrap();
    proxy.flow();
    assert!(waited < Duration::from_secs(2), "the DDL waited {waited:?}");
    let ran = Ran::from(child.wait_with_output().unwrap()).expect_code(0);
    ran.expect_stderr("stepped aside on public.event");
}

#[test]
fn a_comparison_that_is_stopped_calls_nothing_equal() {
    let (source, _) = twins("verify_stopped", EVENTS);
    let proxy = Proxy::to(cluster().port()).unwrap();
    let far = Database::at(proxy.url("verify_stopped_target"));
    verify(&source, &far, &[]).expect_code(0);
    proxy.stall_after(proxy.bytes() - BEFORE_THE_END);
    let child = start(&["verify", source.url(), far.url()]);
    let patience = Duration::from_secs(60);
    wait_for("the digests to stall", patience, || Ok(proxy.is_stalled())).unwrap();
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.unwrap().success());
    let ran = Ran::from(child.wait_with_output().unwrap()).expect_code(130);
    assert_eq!(ran.stdout, "stopped after 0 tables, of which 0 differ\n");
}

#[test]
fn other_encodings_and_collations_make_no_difference() {
    let postgres = cluster().database("postgres");
    let databases = "create database verify_latin encoding 'LATIN1' locale 'C' template template0; \
                     create database verify_utf encoding 'UTF8' locale 'C.UTF-8' template template0";
    postgres.execute(databases).unwrap();
    let source = cluster().database("verify_latin");
    let target = cluster().database("verify_utf");
    for database in [&source, &target] {
        database.execute(include_str!("verify/latin.sql")).unwrap();
    }
    verify(&source, &target, &[]).expect_code(0);
    target
        .execute("set client_encoding = 'UTF8'; update \"été\" set m = 'ü' where k = 'É'")
        .unwrap();
    let ran = verify(&source, &target, &["--json"]).expect_code(1);
    assert_eq!(told(&ran), ["été differs 0 0 1 m"]);
}

#[test]
fn collations_that_call_texts_equal_do_not_hide_differences() {
    let icu = "select count(*) from pg_collation where collprovider = 'i'";
    if cluster().database("postgres").psql(icu).unwrap() == "0" {
        eprintln!("skipped: this server has no ICU");
        return;
    }
    let sql = include_str!("verify/blind.sql");
    let (source, target) = twins("verify_blind", sql);
    verify(&source, &target, &[]).expect_code(0);
    target.execute("update named set v = 'Value' where k = 'key7'").unwrap();
    let ran = verify(&source, &target, &["--json"]).expect_code(1);
    assert_eq!(told(&ran), ["named differs 0 0 1 v"]);
    target
        .execute("update named set v = 'value'; update named set k = 'KEY7' where k = 'key7'")
        .unwrap();
    let ran = verify(&source, &target, &["--json"]).expect_code(1);
    assert_eq!(told(&ran), ["named differs 1 1 0"]);
}
