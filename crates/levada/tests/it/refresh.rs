//! Editions after the first: whatever happens on the source between two of them, the target ends as
//! the source was.
//!
//! Responsible for: what the tests beside this file share, a source and targets that are refreshed
//! by the real binary. Must not: look into levada; what is equal is said by the testkit alone.

mod cases;
mod fallbacks;
mod faults;
mod histories;
mod modes;
mod open_transactions;
mod readers;

use std::process::Child;

use serde_json::Value;
use testkit::Database;

use crate::commands::Folder;
use crate::support::{Ran, assert_same_content, cluster, levada, start};

/// A target, and the configuration that refreshes it.
pub(crate) struct Way {
    pub(crate) target: Database,
    pub(crate) folder: Folder,
    urls: String,
}

impl Way {
    pub(crate) fn new(name: &str, source_url: &str, target: &Database) -> Self {
        let way = Self {
            target: target.clone(),
            folder: Folder::new(&format!("refresh-{name}")),
            urls: format!(
                "[source]\nurl = \"{source_url}\"\n[target]\nurl = \"{}\"\n",
                target.url()
            ),
        };
        way.configure("");
        way
    }

    /// Lets the configuration continue with `rest`.
    pub(crate) fn configure(&self, rest: &str) {
        self.folder.write("levada.toml", &format!("{}{rest}", self.urls));
    }

    pub(crate) fn config(&self) -> String {
        self.folder.path().join("levada.toml").display().to_string()
    }

    pub(crate) fn run(&self) -> Ran {
        levada(&["run", "--config", &self.config()])
    }

    pub(crate) fn run_telling(&self) -> Ran {
        levada(&["run", "--json", "--config", &self.config()])
    }

    pub(crate) fn start(&self) -> Child {
        start(&["run", "--json", "--config", &self.config()])
    }

    /// A run that must succeed, and what it reports.
    #[track_caller]
    pub(crate) fn edition(&self) -> Report {
        Report::of(&self.run_telling().expect_code(0))
    }
}

/// What a run has reported.
#[derive(Debug)]
pub(crate) struct Report(pub(crate) Value);

impl Report {
    #[track_caller]
    fn of(ran: &Ran) -> Self {
        let mut lines = ran.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let report = lines.rfind(|line| line["type"] == "report");
        Self(report.unwrap_or_else(|| panic!("no report in:\n{}\n{}", ran.stdout, ran.stderr)))
    }

    /// Rows inserted, updated and deleted in all tables.
    pub(crate) fn changes(&self) -> [i64; 3] {
        ["inserted", "updated", "deleted"].map(|kind| self.0[kind].as_i64().unwrap())
    }

    fn tables(&self) -> &[Value] {
        self.0["tables"].as_array().map_or(&[], Vec::as_slice)
    }

    #[track_caller]
    pub(crate) fn table(&self, name: &str) -> &Value {
        let found = self.tables().iter().find(|table| table["name"] == name);
        found.unwrap_or_else(|| panic!("no table {name} in {self:?}"))
    }

    /// Rows inserted, updated and deleted in one table.
    #[track_caller]
    fn changes_of(&self, name: &str) -> [i64; 3] {
        let table = self.table(name);
        ["inserted", "updated", "deleted"].map(|kind| table[kind].as_i64().unwrap())
    }

    /// How a table was refreshed, and why so.
    #[track_caller]
    fn method_of(&self, name: &str) -> (String, String) {
        let table = self.table(name);
        let text = |field: &str| table[field].as_str().unwrap_or_default().to_owned();
        (text("method"), text("reason"))
    }

    /// The tables that were not refreshed by their changes alone.
    fn exceptions(&self) -> Vec<String> {
        let others = self.tables().iter().filter(|table| table["method"] != "changes");
        others.map(|table| table["name"].as_str().unwrap().to_owned()).collect()
    }
}

/// A source filled with `sql`, and a target of the same server refreshed by a superuser.
pub(crate) fn stage(name: &str, sql: &str) -> (Database, Way) {
    let (source, target) = crate::support::pair(&format!("refresh_{name}"), sql);
    let way = Way::new(name, source.url(), &target);
    (source, way)
}

/// A database that belongs to a role which may not set `session_replication_role`.
fn owned_target(name: &str) -> Database {
    let admin = cluster().database("postgres");
    let role = format!("refresh_{name}_owner");
    admin.execute(&format!("CREATE ROLE {role} LOGIN")).unwrap();
    admin.execute(&format!("CREATE DATABASE refresh_{name}_owned OWNER {role}")).unwrap();
    let database = cluster().database(&format!("refresh_{name}_owned"));
    Database::at(database.url().replace("postgres@", &format!("{role}@")))
}

/// Plays a script whose parts are divided by lines `-- edition`, and makes an edition after each
/// part: in a target of a superuser, and in one whose owner may not switch foreign keys off. The
/// tables that may be compared by digests are named in `by_digest`.
#[track_caller]
fn play(name: &str, script: &str, by_digest: &[&str]) {
    let (source, way) = stage(name, "SELECT 1");
    let owned = Way::new(&format!("{name}-owned"), source.url(), &owned_target(name));
    for (number, part) in script.split("-- edition\n").enumerate() {
        source.execute(part).unwrap();
        for way in [&way, &owned] {
            let report = way.edition();
            if number > 0 {
                assert_eq!(report.0["kind"], "refreshed");
            }
            let mut exceptions = report.exceptions();
            exceptions.retain(|table| !by_digest.contains(&table.as_str()));
            assert!(exceptions.is_empty(), "part {number}: by digest: {exceptions:?} {report:?}");
            eprintln!("part {number}, {}", way.target.url());
            crate::support::assert_equal(&source, &way.target);
        }
    }
    // Nothing is written twice.
    for way in [&way, &owned] {
        assert_eq!(way.edition().changes(), [0, 0, 0], "{}", way.target.url());
        assert_same_content(&source, &way.target);
    }
}
