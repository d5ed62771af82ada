//! Windows: whatever happens on the source between two editions, a window holds exactly the rows
//! that its definition names at the moment of the edition.
//!
//! Responsible for: what the tests beside this file share, a source, a target and the configuration
//! of windows, and the recount that judges them. Must not: look into levada; which rows belong into
//! a window is said by SQL of the tests, asked of the source.

mod cases;
mod lives;
mod model;

use testkit::Database;

use crate::commands::Folder;
use crate::support::{Ran, levada};

/// A source, its target, and windows that are judged after each edition.
struct Stage {
    source: Database,
    target: Database,
    folder: Folder,
    windows: Vec<Window>,
}

/// A window, and what it is to hold, by SQL: `$now` is the moment of the edition.
#[derive(Clone)]
struct Window {
    name: &'static str,
    section: String,
    /// A query of the source.
    expected: String,
}

const PARIS: &str = "[[calendar]]\nname = \"paris\"\nzone = \"Europe/Paris\"\n";

impl Window {
    fn new(name: &'static str, section: &str, expected: &str) -> Self {
        Self { name, section: section.to_owned(), expected: expected.to_owned() }
    }
}

impl Stage {
    fn new(name: &str, sql: &str, windows: &[Window]) -> Self {
        let (source, target) = crate::support::pair(&format!("windows_{name}"), sql);
        let folder = Folder::new(&format!("windows-{name}"));
        let stage = Self { source, target, folder, windows: windows.to_vec() };
        stage.configure();
        stage
    }

    fn configure(&self) {
        let sections = self
            .windows
            .iter()
            .map(|window| format!("[[window]]\nname = \"{}\"\n{}\n", window.name, window.section));
        let text = format!(
            "[source]\nurl = \"{}\"\n[target]\nurl = \"{}\"\n{PARIS}{}",
            self.source.url(),
            self.target.url(),
            sections.collect::<String>()
        );
        self.folder.write("levada.toml", &text);
    }

    /// Other windows from now on.
    fn declare(&mut self, windows: &[Window]) {
        self.windows = windows.to_vec();
        self.configure();
    }

    fn arguments(&self) -> [String; 3] {
        let config = self.folder.path().join("levada.toml").display().to_string();
        ["run".to_owned(), "--config".to_owned(), config]
    }

    fn run(&self) -> Ran {
        levada(&self.arguments().each_ref().map(String::as_str))
    }

    /// A run that must succeed, after which every window is judged.
    #[track_caller]
    fn edition(&self) {
        self.run().expect_code(0);
        self.judge();
    }

    /// Every window holds what the source had at the moment of the published edition.
    #[track_caller]
    fn judge(&self) {
        let as_of = "SELECT to_char(as_of AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00' \
                     FROM levada.edition WHERE state = 'published'";
        let as_of = format!("'{}'::timestamptz", self.target.psql(as_of).unwrap());
        for window in &self.windows {
            let expected = lines(&self.source, &window.expected.replace("$now", &as_of));
            let found = lines(&self.target, &format!("SELECT * FROM reports.{}", window.name));
            let missing: Vec<_> = expected.iter().filter(|row| !found.contains(row)).collect();
            let extra: Vec<_> = found.iter().filter(|row| !expected.contains(row)).collect();
            assert_eq!(
                expected, found,
                "{} as of {as_of}: missing {missing:?}, extra {extra:?}",
                window.name
            );
            let counted = format!(
                "SELECT rows = {} FROM levada.report_window WHERE name = '{}'",
                found.len(),
                window.name
            );
            assert_eq!(self.target.psql(&counted).unwrap(), "t", "{}: rows recorded", window.name);
        }
    }

    /// The number that counts the changes of a window, and the edition of the last.
    fn version(&self, name: &str) -> String {
        let sql =
            format!("SELECT version, changed_in FROM levada.report_window WHERE name = '{name}'");
        self.target.psql(&sql).unwrap()
    }
}

/// All rows of a query, sorted.
fn lines(database: &Database, query: &str) -> Vec<String> {
    let sql = format!(
        "SET TimeZone = 'UTC'; SELECT row::text FROM ({query}) AS row \
         ORDER BY row::text COLLATE \"C\""
    );
    let text = database.psql(&sql).unwrap();
    text.lines().filter(|line| *line != "SET").map(str::to_owned).collect()
}
