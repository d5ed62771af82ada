//! What the integration tests share: running the real binary, and asserting on what it says.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use testkit::{Cluster, Database, difference};

/// What a finished `levada` left behind.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Fails with everything that was said unless the exit code is `code`.
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub(crate) fn expect_stderr(self, part: &str) -> Self {
        assert!(self.stderr.contains(part), "no {part:?} in:\n{}", self.stderr);
        self
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// The binary under test, cut off from the PostgreSQL settings of whoever runs the tests.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_levada"));
    command.args(arguments).stdin(Stdio::null());
    for name in ["PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGOPTIONS"] {
        command.env_remove(name);
    }
    command
}

pub(crate) fn levada(arguments: &[&str]) -> Ran {
    command(arguments).output().expect("levada starts").into()
}

/// Starts levada in the background; the caller waits for it or kills it.
pub(crate) fn start(arguments: &[&str]) -> Child {
    let mut command = command(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("levada starts")
}

/// The cluster that most tests share; each test has its own databases in it.
pub(crate) fn cluster() -> &'static Cluster {
    Cluster::shared().expect("a PostgreSQL server starts")
}

/// A source filled with `sql` and an empty target, named after the test.
pub(crate) fn pair(name: &str, sql: &str) -> (Database, Database) {
    let source = cluster().create_database(&format!("{name}_source")).expect("source");
    let target = cluster().create_database(&format!("{name}_target")).expect("target");
    source.execute(sql).expect("the fixture loads");
    (source, target)
}

/// Equal rows, sequences, large objects and definitions, by queries that are not levada's.
#[track_caller]
pub(crate) fn assert_equal(source: &Database, target: &Database) {
    assert_same_content(source, target);
    let (left, right) = (source.schema_trusting_keys(), target.schema_trusting_keys());
    let (left, right) = (left.expect("source schema"), right.expect("target schema"));
    let found = difference(&left, &right);
    assert!(found.is_empty(), "definitions differ:\n{found}");
}

/// Equal rows, sequences and large objects.
#[track_caller]
pub(crate) fn assert_same_content(source: &Database, target: &Database) {
    let left = source.content().expect("source content");
    let right = target.content().expect("target content");
    assert!(!left.is_empty(), "the source holds nothing: the comparison would prove nothing");
    for (object, digest) in &left {
        let other = right.get(object);
        if let (true, Some(table)) = (Some(digest) != other, object.strip_prefix("table ")) {
            for side in [source, target] {
                let rows = side.psql(&format!("select xmin, ctid, * from {table} limit 20"));
                eprintln!("{table} in {}:\n{}", side.url(), rows.unwrap_or_default());
            }
        }
        assert_eq!(Some(digest), other, "{object} differs");
    }
    let extra: Vec<_> = right.keys().filter(|object| !left.contains_key(*object)).collect();
    assert!(extra.is_empty(), "only in the target: {extra:?}");
}

/// The folder of real databases beside the project, when it is there.
pub(crate) fn real_data() -> Option<std::path::PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    path.is_dir().then_some(path)
}
