//! Copies between servers of different major versions, in both directions.
//!
//! Responsible for: whatever second major this machine offers, which `LEVADA_TEST_PG_EXTRA` can
//! add to. Must not: install servers; without a second one it says that it is skipped.

use std::path::PathBuf;

use testkit::{Cluster, Database, Installation, difference};

use crate::support::{Ran, assert_equal, assert_same_content, command, levada};

/// What older and newer servers describe alike. Views and functions are written anew by each.
const ALIKE: [&str; 6] =
    ["column ", "constraint ", "sequence ", "type ", "statistics ", "comment "];

#[test]
fn upwards_everything_arrives() {
    let Some((old, new)) = two_majors() else { return };
    let (old, new) = (start(&old), start(&new));
    let fixtures = [
        ("types", include_str!("fidelity/types.sql")),
        ("values", include_str!("fidelity/values.sql")),
        ("indexes", include_str!("fidelity/indexes.sql")),
        ("partitions", include_str!("fidelity/partitions.sql")),
        ("views", include_str!("fidelity/views.sql")),
        ("odd_tables", include_str!("fidelity/odd_tables.sql")),
        ("large_objects", include_str!("fidelity/large_objects.sql")),
    ];
    for (name, sql) in fixtures {
        let source = old.create_database(name).expect("source");
        let target = new.create_database(name).expect("target");
        source.execute(sql).expect("the fixture loads");
        copy(&source, &target, new.installation()).expect_code(0);
        assert_same_content(&source, &target);
        levada(&["verify", source.url(), target.url()]).expect_code(0);
        let (left, right) = (alike(&source), alike(&target));
        let found = difference(&left, &right);
        // Since 17 partitions have the identity of their parent and other names for their keys.
        assert!(found.is_empty() || name == "partitions", "{name}: definitions differ:\n{found}");
        let formats = "select string_agg(distinct format, ',') from levada.table_state \
                       where schema_name <> 'levada'";
        assert_eq!(target.psql(formats).expect("formats"), "text");
    }
}

#[test]
fn downwards_simple_tables_arrive() {
    let Some((old, new)) = two_majors() else { return };
    if dump_folder(&new).is_none() {
        eprintln!("skipped: no pg_dump for PostgreSQL {}", new.major());
        return;
    }
    let (old, new) = (start(&old), start(&new));
    let source = new.create_database("down").expect("source");
    let target = old.create_database("down").expect("target");
    source.execute(include_str!("fidelity/selection.sql")).expect("the fixture loads");
    let said = copy(&source, &target, new.installation()).expect_code(0);
    said.expect_stderr(&format!("the source is PostgreSQL {}", new.installation().major()));
    assert_same_content(&source, &target);
}

/// A version is judged by itself as well, so that a difference above is one between versions.
#[test]
fn each_major_alone() {
    for server in Installation::all() {
        if dump_folder(&server).is_none() {
            eprintln!("skipped: no pg_dump for PostgreSQL {}", server.major());
            continue;
        }
        let server = start(&server);
        let source = server.create_database("alone_source").expect("source");
        let target = server.create_database("alone_target").expect("target");
        source.execute(include_str!("fidelity/views.sql")).expect("the fixture loads");
        copy(&source, &target, server.installation()).expect_code(0);
        assert_equal(&source, &target);
    }
}

/// The oldest and the newest server of this machine, when their majors differ.
fn two_majors() -> Option<(Installation, Installation)> {
    let mut servers = Installation::all();
    let newest = servers.pop()?;
    let oldest = servers.into_iter().find(|server| server.major() < newest.major());
    if oldest.is_none() {
        eprintln!("skipped: this machine has PostgreSQL {} only", newest.major());
    }
    Some((oldest?, newest))
}

fn start(server: &Installation) -> Cluster {
    Cluster::builder(server).start().expect("the server starts")
}

fn alike(database: &Database) -> Vec<String> {
    let lines = database.schema_trusting_keys().expect("schema").into_iter();
    lines.filter(|line| ALIKE.iter().any(|kind| line.starts_with(kind))).collect()
}

/// Where a pg_dump is that can read this server, or `None`.
fn dump_folder(server: &Installation) -> Option<PathBuf> {
    let named = std::env::var_os("LEVADA_PG_BIN").map(PathBuf::from);
    let own = server.bin_dir().to_owned();
    named.into_iter().chain([own]).find(|folder| folder.join("pg_dump").is_file())
}

/// Copies with a pg_dump that knows `newest`, where there is one.
fn copy(source: &Database, target: &Database, newest: &Installation) -> Ran {
    let mut command = command(&["copy", source.url(), target.url()]);
    if let Some(folder) = dump_folder(newest) {
        command.env("LEVADA_PG_BIN", folder);
    }
    command.output().expect("levada starts").into()
}
