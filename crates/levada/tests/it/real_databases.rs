//! Databases that nobody here wrote arrive as they were: published samples, those that
//! PostgreSQL's own tools make, and two generated ones.
//!
//! Responsible for: loading each, copying it, and comparing by queries that are not levada's.
//! Must not: keep any of their data in this project.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use testkit::{Database, Installation};

use crate::support::{assert_equal, cluster, levada, real_data};

/// An empty source and an empty target.
fn empty_pair(name: &str) -> (Database, Database) {
    let create = |side| cluster().create_database(&format!("real_{name}_{side}"));
    (create("source").expect("source"), create("target").expect("target"))
}

#[track_caller]
fn assert_copies(source: &Database, target: &Database) {
    levada(&["copy", source.url(), target.url()]).expect_code(0);
    assert_equal(source, target);
}

/// A file beside the project; without it the test says that it is skipped.
fn sample(file: &str) -> Option<PathBuf> {
    let path = real_data().map(|folder| folder.join(file)).filter(|path| path.is_file());
    if path.is_none() {
        eprintln!("skipped: no {file} in ../shared/data");
    }
    path
}

#[track_caller]
fn assert_sample_copies(name: &str, variables: &[(&str, &str)]) {
    let Some(file) = sample(&format!("{name}.sql")) else { return };
    let (source, target) = empty_pair(name);
    source.load_file(&file, variables).expect("the sample loads");
    assert_copies(&source, &target);
}

#[test]
fn pagila() {
    assert_sample_copies("pagila", &[]);
}

#[test]
fn chinook() {
    assert_sample_copies("chinook", &[]);
}

#[test]
fn northwind() {
    assert_sample_copies("northwind", &[]);
}

#[test]
fn engagement() {
    assert_sample_copies("engagement", &[("rows", "20000")]);
}

#[test]
fn learning() {
    assert_sample_copies("learning", &[("n", "10000")]);
}

#[test]
fn pgbench() {
    let Some(program) = pgbench_program() else {
        eprintln!("skipped: no pgbench beside the server nor on the PATH");
        return;
    };
    for (name, options) in
        [("plain", ["--foreign-keys"].as_slice()), ("parts", &["--partitions=5", "-F", "90"])]
    {
        let (source, target) = empty_pair(&format!("pgbench_{name}"));
        let mut command = Command::new(&program);
        command.args(["-i", "-q", "-s", "1"]).args(options).arg(source.url());
        let output = command.stdin(Stdio::null()).output().expect("pgbench starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_copies(&source, &target);
        assert_eq!(target.count("pgbench_accounts").expect("accounts"), 100_000);
    }
}

fn pgbench_program() -> Option<PathBuf> {
    let installed = Installation::all().into_iter().rev().map(|server| server.bin_dir().to_owned());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = installed.chain(std::env::split_paths(&path));
    folders.map(|folder| folder.join("pgbench")).find(|program| program.is_file())
}

/// Contrib modules that change what a database can hold; `fidelity` has more of the usual ones.
#[test]
fn contrib() {
    let (source, target) = empty_pair("contrib");
    source.execute(include_str!("real_databases/contrib.sql")).expect("the fixture loads");
    let created = "select count(*) from pg_extension where extname <> 'plpgsql'";
    let created: u32 = source.psql(created).expect("extensions").parse().expect("a number");
    if created == 0 {
        eprintln!("skipped: this server has no contrib modules");
        return;
    }
    assert_copies(&source, &target);
    let used = source.schema().expect("source").iter().any(|line| line.contains("of_"));
    assert!(used, "no module left a table");
}
