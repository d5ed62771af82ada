//! The examples of the documentation: each is run as its README says, by the real binary, and goes
//! on for some editions of a source that lives.
//!
//! Responsible for: what the tests beside this file share, an example with its databases. Must not:
//! look into levada; every number is counted again by SQL of the tests, in the source.

mod notify;
mod pass_emploi;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use testkit::Database;

use crate::commands::Folder;
use crate::serve::Serving;
use crate::support::{Ran, command, pair};

/// A folder of docs/examples, its source as its scripts make it, and an empty target.
struct Example {
    source: Database,
    target: Database,
    folder: PathBuf,
}

impl Example {
    fn new(name: &str, test: &str) -> Self {
        let (source, target) = pair(&format!("example_{test}"), "SELECT 1");
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples");
        let example = Self { source, target, folder: root.join(name) };
        for script in ["schema.sql", "data.sql"] {
            example.source.load_file(&example.folder.join(script), &[]).unwrap();
        }
        example
    }

    fn command(&self, config: &Path, arguments: &[&str]) -> Command {
        let mut command = command(arguments);
        command.arg("--config").arg(config);
        command.env("SOURCE_DATABASE_URL", self.source.url());
        command.env("TARGET_DATABASE_URL", self.target.url());
        command
    }

    fn levada(&self, arguments: &[&str]) -> Ran {
        self.command(&self.config(), arguments).output().expect("levada starts").into()
    }

    fn config(&self) -> PathBuf {
        self.folder.join("levada.toml")
    }

    /// A run that must succeed and find nothing.
    #[track_caller]
    fn edition(&self) {
        self.levada(&["run"]).expect_code(0);
    }

    fn start(&self) -> Child {
        let mut run = self.command(&self.config(), &["run", "--json"]);
        run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("levada starts")
    }

    /// Runs the example with more sections than it has.
    fn run_with(&self, sections: &str) -> Ran {
        let folder = Folder::new("example-more");
        let config = std::fs::read_to_string(self.config()).unwrap();
        // Files are named relative to the configuration.
        std::fs::create_dir_all(folder.path().join("sql")).unwrap();
        for file in std::fs::read_dir(self.folder.join("sql")).unwrap().flatten() {
            std::fs::copy(file.path(), folder.path().join("sql").join(file.file_name())).unwrap();
        }
        folder.write("levada.toml", &format!("{config}{sections}"));
        let config = folder.path().join("levada.toml");
        self.command(&config, &["run"]).output().expect("levada starts").into()
    }

    /// The same rows, whatever their order, of a query of the target and one of the source.
    #[track_caller]
    fn assert_same(&self, reported: &str, recounted: &str) {
        let mut reported_rows = self.target.query_rows(reported).unwrap();
        let mut recounted_rows = self.source.query_rows(recounted).unwrap();
        reported_rows.sort();
        recounted_rows.sort();
        assert!(!recounted_rows.is_empty(), "nothing is compared by {recounted}");
        let differing = |one: &[Vec<String>], other: &[Vec<String>]| {
            let lacking = one.iter().filter(|row| other.binary_search(row).is_err());
            lacking.take(5).cloned().collect::<Vec<_>>()
        };
        assert!(
            reported_rows == recounted_rows,
            "{reported}\nonly reported: {:?}\nonly recounted: {:?}\n{} and {} rows",
            differing(&reported_rows, &recounted_rows),
            differing(&recounted_rows, &reported_rows),
            reported_rows.len(),
            recounted_rows.len(),
        );
    }

    /// The SQL that its README shows gives rows.
    #[track_caller]
    fn assert_statements_work(&self, expected: usize) {
        let readme = std::fs::read_to_string(self.folder.join("README.md")).unwrap();
        let blocks = readme.split("```sql\n").skip(1).filter_map(|rest| rest.split("```").next());
        let rows = blocks.map(|sql| self.target.query_rows(sql).unwrap().len());
        let rows: Vec<usize> = rows.collect();
        assert!(rows.len() == expected && !rows.contains(&0), "{rows:?}");
    }

    /// The example's pages, on a port of their own.
    fn serve(&self) -> Serving {
        let folder = Folder::new("example-served");
        let config = std::fs::read_to_string(self.config()).unwrap();
        let served = config.replace("[serve]\n", "[serve]\nlisten = \"127.0.0.1:0\"\n");
        assert_ne!(config, served, "no [serve] section");
        std::fs::create_dir_all(folder.path().join("sql")).unwrap();
        for file in std::fs::read_dir(self.folder.join("sql")).unwrap().flatten() {
            std::fs::copy(file.path(), folder.path().join("sql").join(file.file_name())).unwrap();
        }
        folder.write("levada.toml", &served);
        let config = folder.path().join("levada.toml");
        let serving = Serving::start(self.command(&config, &["serve", "--json"]));
        serving.wait_until_ready();
        serving
    }

    /// One value of the target.
    #[track_caller]
    fn says(&self, sql: &str) -> String {
        self.target.psql(sql).unwrap()
    }
}
