//! Ordinary roles are enough: one that may only read production, one that owns the target database.

use testkit::Database;

use crate::support::{assert_equal, cluster, levada};

/// A filled source with a read-only role, and a target owned by an ordinary role.
fn pair(name: &str) -> (Database, Database) {
    let admin = cluster().database("postgres");
    for role in ["reader", "writer"] {
        let create = format!(
            "DO 'BEGIN CREATE ROLE {name}_{role} LOGIN; EXCEPTION WHEN duplicate_object THEN END'"
        );
        admin.execute(&create).unwrap();
    }
    let source = cluster().create_database(&format!("{name}_source")).unwrap();
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fixtures/library.sql");
    source.load_file(fixture.as_ref(), &[("n", "400")]).unwrap();
    let grants = format!(
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}_reader; \
         GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {name}_reader; \
         GRANT SELECT ON LARGE OBJECT 4711 TO {name}_reader"
    );
    source.execute(&grants).unwrap();
    let create = format!("CREATE DATABASE {name}_target OWNER {name}_writer");
    admin.execute(&create).unwrap();
    (source, cluster().database(&format!("{name}_target")))
}

fn as_role(database: &Database, role: &str) -> String {
    database.url().replace("postgres@", &format!("{role}@"))
}

#[test]
fn no_superuser_is_needed_on_either_side() {
    let (source, target) = pair("rights");
    let (source_url, target_url) =
        (as_role(&source, "rights_reader"), as_role(&target, "rights_writer"));
    levada(&["copy", &source_url, &target_url]).expect_code(0);
    assert_equal(&source, &target);
    source.execute("DELETE FROM loan WHERE id < 50").unwrap();
    levada(&["copy", &source_url, &target_url, "--replace"]).expect_code(0);
    assert_equal(&source, &target);
    let owned = "SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner \
                 WHERE r.rolname = 'rights_writer' AND c.relname = 'loan'";
    assert_eq!(target.psql(owned).unwrap(), "1");
}

#[test]
fn a_table_that_may_not_be_read_is_named_before_anything_moves() {
    let (source, target) = pair("unreadable");
    source.execute("REVOKE SELECT ON loan FROM unreadable_reader").unwrap();
    let (source_url, target_url) =
        (as_role(&source, "unreadable_reader"), as_role(&target, "unreadable_writer"));
    levada(&["copy", &source_url, &target_url])
        .expect_code(2)
        .expect_stderr("no right to read table public.loan")
        .expect_stderr("GRANT SELECT ON \"public\".\"loan\"");
    assert_eq!(target.psql("SELECT to_regclass('public.book') IS NULL").unwrap(), "t");
}
