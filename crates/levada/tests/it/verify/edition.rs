//! An edition against a source that goes on: what was written since is no difference, what was
//! lost is one, and what could be either is called neither.

use std::path::PathBuf;

use testkit::{Cluster, Database};

use crate::support::{Ran, levada, pair};

use super::{comparison, timeless};

/// A source with an edition of it, and the configuration that made it.
struct Edition {
    source: Database,
    target: Database,
    config: PathBuf,
}

impl Edition {
    fn of(name: &str, sql: &str, more: &str) -> Self {
        let (source, target) = pair(name, sql);
        Self::between(name, source, target, more)
    }

    fn between(name: &str, source: Database, target: Database, more: &str) -> Self {
        let file = format!("levada-{name}-{}.toml", std::process::id());
        let config = std::env::temp_dir().join(file);
        let (from, into) = (source.url(), target.url());
        let text = format!("[source]\nurl = \"{from}\"\n[target]\nurl = \"{into}\"\n{more}");
        std::fs::write(&config, text).unwrap();
        Self { source, target, config }
    }

    fn levada(&self, words: &[&str]) -> Ran {
        levada(&[words, &["--config", &self.config.to_string_lossy()]].concat())
    }

    #[track_caller]
    fn verify(&self, code: i32) -> serde_json::Value {
        let ran = self.levada(&["verify", "--json"]).expect_code(code);
        comparison(&ran)["tables"][0].clone()
    }
}

impl Drop for Edition {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.config);
    }
}

const ANSWERS: &str = "create table answer (id int primary key, text text); \
                       insert into answer select n, 'text ' || n from generate_series(1, 1000) n;";

#[test]
fn what_the_source_writes_since_is_no_difference() {
    let edition = Edition::of("verify_since", ANSWERS, "");
    edition.levada(&["verify"]).expect_code(2).expect_stderr("no edition is published");
    edition.levada(&["run"]).expect_code(0);
    assert_eq!(edition.verify(0)["changed_since"], 0);
    let later = "insert into answer values (2000, 'new'); \
                 update answer set text = 'changed' where id in (5, 6); create table newer (x int)";
    edition.source.execute(later).unwrap();
    let ran = edition.levada(&["verify"]).expect_code(0);
    assert!(ran.stdout.contains("equal, but for 3 rows written since"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("newer"), "{}", ran.stdout);
    // A row deleted since looks like one that never was.
    edition.source.execute("delete from answer where id = 9").unwrap();
    let ran = edition.levada(&["verify"]).expect_code(2);
    assert!(ran.stdout.contains("deleted on the source since, or never there"), "{}", ran.stdout);
    assert!(timeless(&ran.stdout).contains("levada run"), "{}", ran.stdout);
    edition.levada(&["run", "--replace"]).expect_code(0);
    assert_eq!(edition.verify(0)["changed_since"], 0);
}

#[test]
fn what_the_target_lost_is_a_difference_however_much_the_source_wrote() {
    // A server of its own: transactions of others, open meanwhile, would make rows unclear.
    let cluster = Cluster::start().unwrap();
    let source = cluster.create_database("verify_lost_source").unwrap();
    source.execute(ANSWERS).unwrap();
    let target = cluster.create_database("verify_lost_target").unwrap();
    let edition = Edition::between("verify_lost", source, target, "");
    edition.levada(&["run"]).expect_code(0);
    edition.source.execute("update answer set text = 'changed' where id <= 500").unwrap();
    edition.target.execute("update answer set text = '' where id in (400, 600)").unwrap();
    edition.target.execute("delete from answer where id = 700").unwrap();
    let table = edition.verify(1);
    assert_eq!((&table["missing"], &table["changed"]), (&1.into(), &1.into()), "{table}");
    assert_eq!(
        (&table["changed_since"], &table["missing_keys"][0][0]),
        (&500.into(), &"700".into())
    );
    assert_eq!(table["changed_rows"][0]["key"][0], "600");
}

#[test]
fn transactions_that_were_open_belong_to_the_next_edition() {
    let edition = Edition::of("verify_open", ANSWERS, "");
    let mut open = edition.source.session().unwrap();
    open.run("begin; update answer set text = 'late' where id = 1; select 1").unwrap();
    edition.source.execute("update answer set text = 'early' where id = 2").unwrap();
    edition.levada(&["run"]).expect_code(0);
    open.run("commit").unwrap();
    let table = edition.verify(0);
    assert_eq!((&table["changed_since"], &table["changed"]), (&1.into(), &0.into()), "{table}");
    // Written by a transaction between, and part of the edition: a difference, or not to be told.
    edition.target.execute("update answer set text = 'lost' where id = 2").unwrap();
    let table = edition.verify(2);
    assert_eq!((&table["unclear"], &table["changed"]), (&1.into(), &0.into()), "{table}");
}

#[test]
fn tables_without_rows_in_the_edition_are_not_compared() {
    let sql = format!(
        "{ANSWERS} create table log (x int); insert into log values (1); \
                       create table draft (x int); insert into draft values (1)"
    );
    let modes = "[tables.log]\nmode = \"schema\"\n[tables.draft]\nmode = \"skip\"\n";
    let edition = Edition::of("verify_modes", &sql, modes);
    edition.levada(&["run"]).expect_code(0);
    let ran = edition.levada(&["verify"]).expect_code(0);
    assert!(ran.stdout.contains("equal in 1 table"), "{}", ran.stdout);
    edition.target.execute("drop table answer").unwrap();
    assert_eq!(edition.verify(1)["verdict"], "differs");
    edition.source.execute("drop table answer").unwrap();
    assert_eq!(edition.verify(1)["verdict"], "differs");
}

#[test]
fn an_edition_of_another_database_cannot_be_judged_by_its_transactions() {
    let edition = Edition::of("verify_other", ANSWERS, "");
    edition.levada(&["run"]).expect_code(0);
    edition.source.execute("create table answer_2 as select * from answer").unwrap();
    let moved = "update levada.edition set source = jsonb_set(source, '{database_oid}', '1')";
    edition.target.execute(moved).unwrap();
    assert_eq!(edition.verify(0)["verdict"], "equal");
    edition.target.execute("update answer set text = '' where id = 3").unwrap();
    let table = edition.verify(2);
    assert_eq!((&table["verdict"], &table["changed"]), (&"unknown".into(), &1.into()), "{table}");
}
