//! What PostgreSQL can hold arrives as it was: every kind of object, name and value is copied by
//! the real binary, and judged by queries that are not levada's.
//!
//! Responsible for: fixtures beside this file, one per family. Must not: look into levada.

use std::fs;

use testkit::Database;

use crate::support::{Ran, assert_equal, assert_same_content, cluster, levada, pair};

/// Copies a database filled with `sql`, then again beside the first copy, and judges both.
#[track_caller]
fn assert_copies(name: &str, sql: &str) -> (Database, Database) {
    let (source, target) = pair(name, sql);
    copy(&source, &target, &[]).expect_code(0);
    assert_equal(&source, &target);
    levada(&["verify", source.url(), target.url()]).expect_code(0);
    copy(&source, &target, &["--replace"]).expect_code(0);
    assert_equal(&source, &target);
    (source, target)
}

fn copy(source: &Database, target: &Database, options: &[&str]) -> Ran {
    levada(&[&["copy", source.url(), target.url()], options].concat())
}

#[track_caller]
fn answer(database: &Database, query: &str) -> String {
    database.psql(query).expect("the query succeeds")
}

#[test]
fn partitions_and_inheritance() {
    let (_, target) = assert_copies("partitions", include_str!("fidelity/partitions.sql"));
    let own = "select count(*), count(*) filter (where tableoid = 'people'::regclass) from people";
    assert_eq!(answer(&target, own), "91|20");
}

#[test]
fn types_of_users_and_numbers_that_go_on() {
    let (source, target) = assert_copies("types", include_str!("fidelity/types.sql"));
    let next = "insert into numbered (a) values (1) returning always, by_default, serial; \
                select nextval('set_not_called'), nextval('downwards'), nextval('circle')";
    assert_eq!(answer(&source, next), answer(&target, next));
}

#[test]
fn casts_of_users() {
    let (_, target) = assert_copies("casts", include_str!("fidelity/casts.sql"));
    let casts = "select count(*) from pg_cast where oid >= 16384";
    assert_eq!(answer(&target, casts), "2");
}

#[test]
fn large_objects() {
    let (_, target) = assert_copies("large_objects", include_str!("fidelity/large_objects.sql"));
    let linked = "select count(*) from documents join pg_largeobject_metadata on oid = content";
    assert_eq!(answer(&target, linked), "6");
}

#[test]
fn tables_that_break_simple_statements() {
    assert_copies("odd_tables", include_str!("fidelity/odd_tables.sql"));
}

#[test]
fn values_at_the_edge() {
    let (source, target) = pair("values", include_str!("fidelity/values.sql"));
    copy(&source, &target, &[]).expect_code(0);
    assert_equal(&source, &target);
    levada(&["verify", source.url(), target.url()]).expect_code(0);
    // What names objects cannot stand beside other objects of these names.
    let refused = copy(&source, &target, &["--replace"]).expect_code(2);
    refused.expect_stderr("table public.system_types cannot be built beside");
    assert_equal(&source, &target);
    source.execute("drop table system_types").expect("drop");
    copy(&source, &target, &["--replace"]).expect_code(0);
    assert_equal(&source, &target);
}

#[test]
fn names_that_need_care() {
    assert_copies("names", include_str!("fidelity/names.sql"));
}

#[test]
fn indexes_constraints_and_statistics() {
    assert_copies("indexes", include_str!("fidelity/indexes.sql"));
}

#[test]
fn views_and_functions() {
    assert_copies("views", include_str!("fidelity/views.sql"));
}

#[test]
fn comments() {
    assert_copies("comments", include_str!("fidelity/comments.sql"));
}

#[test]
fn extensions() {
    let (source, target) = pair("extensions", include_str!("fidelity/extensions.sql"));
    copy(&source, &target, &[]).expect_code(0);
    copy(&source, &target, &["--replace"]).expect_code(0);
    // What serves the operation of a server stays there.
    source.execute("drop extension pg_stat_statements").expect("drop");
    let index = "select indexdef from pg_indexes where indexname = 'people_near'";
    assert_eq!(answer(&source, index), answer(&target, index));
    // Its function needs a search_path that the judging query does not have.
    for database in [&source, &target] {
        database.execute("drop index people_near").expect("drop");
    }
    assert_equal(&source, &target);
    levada(&["verify", source.url(), target.url()]).expect_code(0);
}

#[test]
fn what_serves_the_application_stays_in_production() {
    let (source, target) = pair("staying", include_str!("fidelity/staying.sql"));
    copy(&source, &target, &[]).expect_code(0);
    assert_same_content(&source, &target);
    let listed = "drop trigger audit on audited; drop policy nobody on guarded; \
                  drop rule keep on guarded";
    source.execute(listed).expect("drop");
    assert_equal(&source, &target);
    let carried = "select (select count(*) from pg_trigger where not tgisinternal), \
                   (select count(*) from pg_policy), (select count(*) from pg_event_trigger), \
                   (select count(*) from pg_publication), (select count(*) from pg_default_acl)";
    assert_eq!(answer(&target, carried), "0|0|0|0|0");
    let carried = "select (select count(*) from pg_rules where schemaname = 'public'), \
                   (select count(*) from pg_class where relrowsecurity or relforcerowsecurity), \
                   (select count(*) from pg_class where relname = 'guarded' and relacl is not null)";
    assert_eq!(answer(&target, carried), "0|0|0");
}

#[test]
fn another_encoding_and_another_currency() {
    let postgres = cluster().database("postgres");
    postgres.execute(include_str!("fidelity/latin_databases.sql")).expect("databases");
    let (source, target) = (cluster().database("latin_source"), cluster().database("latin_target"));
    source.execute(include_str!("fidelity/latin.sql")).expect("fixture");
    copy(&source, &target, &[]).expect_code(0);
    levada(&["verify", source.url(), target.url()]).expect_code(0);
    let text = "set timezone = 'UTC'; set intervalstyle = 'postgres'; set datestyle = 'ISO'; \
                set extra_float_digits = 1; select * from \"été\"; select * from as_text";
    assert_eq!(answer(&source, text), answer(&target, text));
}

#[test]
fn what_is_excluded_takes_its_views_and_keys_with_it() {
    let (_, target) = pair_of_selection("exclude", &["--exclude", "logs.*", "--exclude=orders"]);
    assert_eq!(
        tables(&target),
        "measurements measurements_2023 measurements_2024 order_lines special_things things \
         user_names users"
    );
    assert_eq!(answer(&target, KEYS), "");
    let sequences = "select string_agg(relname, ' ' order by relname) from pg_class \
                     where relkind = 'S' and relnamespace in ('public'::regnamespace)";
    assert_eq!(answer(&target, sequences), "users_id_seq");
}

#[test]
fn what_is_included_comes_alone() {
    let (_, target) = pair_of_selection("include", &["--include=user?", "--include=order_*"]);
    assert_eq!(tables(&target), "order_lines user_names users");
    assert_eq!(target.count("users").expect("users"), 20);
    assert_eq!(target.count("order_lines").expect("lines"), 300);
}

#[test]
fn a_parent_stands_for_its_partitions_and_children() {
    let options = ["--include=measurements", "--include=things"];
    let (source, target) = pair_of_selection("parents", &options);
    assert_eq!(
        tables(&target),
        "measurements measurements_2023 measurements_2024 special_things things"
    );
    for table in ["measurements", "things"] {
        assert_eq!(source.count(table).expect(table), target.count(table).expect(table));
    }
    let options = ["--exclude=measurements", "--exclude=things"];
    let (_, target) = pair_of_selection("orphans", &options);
    assert_eq!(
        tables(&target),
        "best errors order_lines order_totals orders request_counts requests user_names users"
    );
}

#[test]
fn a_pattern_without_match_is_refused() {
    let (source, target) = pair("no_match", "create table answers (id int)");
    let refused = copy(&source, &target, &["--exclude", "answer"]).expect_code(2);
    let refused = refused.expect_stderr("exclude pattern \"answer\" matches no table");
    refused.expect_stderr("public.answers");
    copy(&source, &target, &["--include", "other.*"]).expect_code(2);
    assert_eq!(tables(&target), "");
}

/// A copy of the selection's fixture.
fn pair_of_selection(name: &str, options: &[&str]) -> (Database, Database) {
    let sql = include_str!("fidelity/selection.sql");
    let (source, target) = pair(&format!("selection_{name}"), sql);
    copy(&source, &target, options).expect_code(0);
    (source, target)
}

/// Tables and views, by name.
fn tables(database: &Database) -> String {
    let query = "select string_agg(relname, ' ' order by relname) from pg_class c \
                 join pg_namespace n on n.oid = relnamespace where relkind in ('r', 'p', 'v', 'm') \
                 and nspname !~ '^pg_' and nspname not in ('information_schema', 'levada')";
    answer(database, query)
}

const KEYS: &str = "select string_agg(distinct convalidated::text, ',') from pg_constraint \
                    where contype = 'f' and conparentid = 0 \
                    and connamespace <> 'levada'::regnamespace";

#[test]
fn trusted_keys_are_enforced_though_not_checked_again() {
    let (_, target) = pair_of_selection("trusted", &["--foreign-keys=trusted"]);
    assert_eq!(answer(&target, KEYS), "false");
    let bad = target.execute("insert into order_lines values (-1, -1)").expect_err("bad row");
    assert!(format!("{bad:#}").contains("lines_of"), "{bad:#}");
    let bad = target.execute("delete from orders where id = 1").expect_err("referenced row");
    assert!(format!("{bad:#}").contains("lines_of"), "{bad:#}");
}

#[test]
fn validated_keys_are_checked_and_omitted_ones_left_out() {
    let (source, target) = pair_of_selection("validate", &["--foreign-keys=validate"]);
    assert_eq!(answer(&target, KEYS), "true");
    assert_eq!(source.schema().expect("source"), target.schema().expect("target"));
    let (_, target) = pair_of_selection("omit", &["--foreign-keys=omit"]);
    assert_eq!(answer(&target, KEYS), "");
}

#[test]
fn keys_of_partitioned_tables_are_validated_too() {
    let (source, target) = pair("validate_parts", include_str!("fidelity/partitions.sql"));
    copy(&source, &target, &["--foreign-keys=validate"]).expect_code(0);
    assert_equal(&source, &target);
    assert_eq!(answer(&target, KEYS), "true");
}

/// `levada run` with a configuration file that continues with `rest`.
fn run(source: &Database, target: &Database, rest: &str) -> Ran {
    let (source, target) = (source.url(), target.url());
    let name = target.rsplit('/').next().unwrap_or_default();
    let file = std::env::temp_dir().join(format!("levada-{name}-{}.toml", std::process::id()));
    let text = format!("[source]\nurl = \"{source}\"\n[target]\nurl = \"{target}\"\n{rest}");
    fs::write(&file, text).expect("configuration");
    let ran = levada(&["run", "--config", &file.to_string_lossy()]);
    fs::remove_file(&file).expect("configuration");
    ran
}

#[test]
fn definitions_without_rows_are_referenced_by_nobody() {
    let sql = include_str!("fidelity/selection.sql");
    let (source, target) = pair("schema_mode", sql);
    let modes = "[copy]\nforeign_keys = \"validate\"\n[tables.orders]\nmode = \"schema\"\n\
                 [tables.measurements]\nmode = \"schema\"\n[tables.\"logs.*\"]\nmode = \"skip\"\n";
    run(&source, &target, modes).expect_code(0);
    for (table, rows) in [("orders", 0), ("order_lines", 300), ("measurements", 0), ("users", 20)] {
        assert_eq!(target.count(table).expect(table), rows, "{table}");
    }
    let keys = "select string_agg(conname, ' ' order by conname) from pg_constraint \
                where contype = 'f' and connamespace = 'public'::regnamespace";
    assert_eq!(answer(&target, keys), "orders_user_fkey");
}

#[test]
fn ranges_of_a_heap_with_gaps() {
    let (source, target) = pair("ranges", include_str!("fidelity/ranges.sql"));
    run(&source, &target, "[copy]\nrange_mib = 1\njobs = 3\n").expect_code(0);
    assert_equal(&source, &target);
    let chunks = "select count(*) > 8, count(distinct rows) > 1 from levada.chunk \
                  where table_name = 'wide'";
    assert_eq!(answer(&target, chunks), "t|t");
}

#[test]
fn errors_hold_no_value_of_a_row() {
    let fixture = include_str!("fidelity/violating.sql");
    let tables = ["checked", "raising", "converted", "duplicated", "dated", "too_long", "searched"];
    for table in tables {
        let (source, target) = pair(&format!("secret_{table}"), fixture);
        answer(&source, &format!("select violate('{table}')"));
        let failed = copy(&source, &target, &["--include", table]).expect_code(2);
        let failed = failed.expect_stderr(table);
        let said = format!("{}{}", failed.stdout, failed.stderr).to_lowercase();
        assert!(!said.contains("s3cret") && !said.contains("987654321"), "{said}");
        let recorded = answer(&target, "select message from levada.run");
        assert!(!recorded.to_lowercase().contains("s3cret"), "{recorded}");
    }
}

#[test]
fn a_hash_of_enums_finds_its_partitions() {
    let (source, target) = pair("enum_hash", include_str!("fidelity/enum_hash.sql"));
    copy(&source, &target, &[]).expect_code(0);
    let rows = "select id, feeling from felt order by id";
    assert_eq!(answer(&source, rows), answer(&target, rows));
    assert_eq!(source.schema().expect("source"), target.schema().expect("target"));
}
