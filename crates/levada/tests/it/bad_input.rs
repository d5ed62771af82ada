//! Wrong configurations, wrong databases, missing rights: each ends with 2, says what is wrong and
//! what to do, loses nothing, and never shows a password.

mod balancer;

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use expect_test::{Expect, expect};
use testkit::{Bouncer, Cluster, Database, Installation, Proxy};

use crate::commands::Folder;
use crate::filters::filtered;
use crate::support::{Ran, assert_same_content, cluster, command, levada, pair};
use balancer::Balancer;

const PASSWORD: &str = "s3cret-hunter2";
const ONE_TABLE: &str = "create table public.answer (id int primary key, text text); \
    insert into public.answer select n, 'answer ' || n from generate_series(1, 100) as n";

/// Fails unless the command failed with 2, said exactly this, and kept the password to itself.
#[track_caller]
fn assert_refused(ran: Ran, expected: Expect) {
    let ran = ran.expect_code(2);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(!said.contains(PASSWORD), "the password is shown:\n{said}");
    assert!(said.contains("hint: "), "no hint in:\n{said}");
    expected.assert_eq(&filtered(&said));
}

fn copy(source: &str, target: &str) -> Ran {
    levada(&["copy", source, target])
}

/// A URL of the shared cluster with a password in it.
fn with_password(url: &str, user: &str) -> String {
    url.replace("postgres@", &format!("{user}:{PASSWORD}@"))
}

/// A role that may only log in, and the source's URL for it.
fn reader(source: &Database, name: &str, grants: &str) -> String {
    source.execute(&format!("create role {name} login; {grants}")).expect("a role");
    with_password(source.url(), name)
}

#[test]
fn url_of_another_database_system() {
    let ran = copy(&format!("mysql://joe:{PASSWORD}@db/shop"), "postgresql://db/shop");
    assert_refused(
        ran,
        expect![[r#"
        error: the database URL cannot be understood
          detail: it starts with mysql://
          hint: write postgresql://user:password@host:5432/database; special characters in the password are percent-encoded
    "#]],
    );
    let ran = copy("postgresql://db/shop", &format!("joe:{PASSWORD}@db/shop"));
    assert_refused(
        ran,
        expect![[r#"
        error: the database URL cannot be understood
          detail: it is not a URL
          hint: write postgresql://user:password@host:5432/database; special characters in the password are percent-encoded
    "#]],
    );
}

#[test]
fn wrong_database() {
    let (source, _target) = pair("bad_database", ONE_TABLE);
    let url = with_password(&cluster().url("no such database"), "postgres");
    assert_refused(
        copy(source.url(), &url),
        expect![[r#"
            error: postgres@[HOST]/no such database refuses the connection
              detail: database "no such database" does not exist (SQLSTATE 3D000)
              hint: check the database's name at the end of the URL
        "#]],
    );
}

#[test]
fn wrong_role() {
    let (source, target) = pair("bad_role", ONE_TABLE);
    let url = with_password(source.url(), "nobody_of_that_name");
    assert_refused(
        copy(&url, target.url()),
        expect![[r#"
            error: nobody_of_that_name@[HOST]/bad_role_source refuses the connection
              detail: role "nobody_of_that_name" does not exist (SQLSTATE 28000)
              hint: check user, password and pg_hba.conf of the server
        "#]],
    );
}

#[test]
fn server_that_is_down() {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let port = port.expect("a free port").port();
    let url = format!("postgresql://joe:{PASSWORD}@127.0.0.1:{port}/shop");
    assert_refused(
        copy(&url, &cluster().url("postgres")),
        expect![[r#"
            error: cannot connect to joe@[HOST]/shop
              detail: Connection refused (os error 111)
              hint: check host, port and firewall, and that the server runs
        "#]],
    );
    let nowhere = format!("postgresql://joe:{PASSWORD}@%2Fnowhere/shop");
    assert_refused(
        copy(&cluster().url("postgres"), &nowhere),
        expect![[r#"
            error: cannot connect to joe@/nowhere:5432/shop
              detail: No such file or directory (os error 2)
              hint: check host, port and firewall, and that the server runs
        "#]],
    );
    let no_host = format!("postgresql://joe:{PASSWORD}@no-such-host.invalid/shop");
    let ran = copy(&no_host, &cluster().url("postgres")).expect_code(2);
    assert!(ran.stderr.contains("cannot connect to joe@no-such-host.invalid:5432/shop"));
}

#[test]
fn connection_that_ends_at_once() {
    let (source, target) = pair("bad_proxy", ONE_TABLE);
    let proxy = Proxy::to(cluster().port()).expect("a proxy");
    proxy.refuse(true);
    assert_refused(
        copy(&proxy.url("bad_proxy_source"), target.url()),
        expect![[r#"
            error: cannot connect to postgres@[HOST]/bad_proxy_source
              detail: closed by the other side before it answered
              hint: check host, port and firewall, and that the server runs
        "#]],
    );
    drop(source);
}

/// A cluster in `folder` that asks everybody but `postgres` for a password.
fn cluster_with_passwords(folder: &Path) -> Cluster {
    let installation = Installation::find().expect("PostgreSQL");
    let cluster = Cluster::builder(&installation).dir(folder).start().expect("a cluster");
    let rules = "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
    std::fs::write(folder.join("data/pg_hba.conf"), rules).expect("pg_hba.conf");
    cluster.restart().expect("a restart");
    cluster
}

#[test]
fn wrong_password_is_refused_and_the_right_one_works_everywhere() {
    let folder = Folder::new("bad_password");
    let cluster = cluster_with_passwords(&folder.path().join("cluster"));
    let source = cluster.create_database("source").expect("source");
    let target = cluster.create_database("target").expect("target");
    let roles = format!(
        "create role joe login password '{PASSWORD}'; grant all on database target to joe; \
         {ONE_TABLE}; alter table public.answer owner to joe"
    );
    source.execute(&roles).expect("roles");
    target.execute("alter schema public owner to joe").expect("a right");
    let joe = |database: &Database, password: &str| {
        database.url().replace("postgres@", &format!("joe:{password}@"))
    };
    let wrong = joe(&source, &format!("{PASSWORD}-not"));
    assert_refused(
        copy(&wrong, target.url()),
        expect![[r#"
            error: joe@[HOST]/source refuses the connection
              detail: password authentication failed for user "joe" (SQLSTATE 28P01)
              hint: check user, password and pg_hba.conf of the server
        "#]],
    );
    let none = source.url().replace("postgres@", "joe@");
    assert_refused(
        copy(&none, target.url()),
        expect![[r#"
            error: joe@[HOST]/source asks for a password
              hint: put it into the URL or into PGPASSWORD
        "#]],
    );
    copy(&joe(&source, PASSWORD), &joe(&target, PASSWORD)).expect_code(0);
    assert_same_content(&source, &target);
    // The variable serves where the URL has no password.
    let mut plan = command(&["plan"]);
    folder.write("levada.toml", "[source]\nurl = \"${S}\"\n[target]\nurl = \"${T}\"\n");
    plan.env("S", &none).env("T", target.url()).env("PGPASSWORD", PASSWORD);
    let plan: Ran = plan.current_dir(folder.path()).output().expect("levada starts").into();
    plan.expect_code(0);
    assert!(!cluster.log().expect("the log").contains(PASSWORD));
}

#[test]
fn missing_rights_name_the_table() {
    let more = format!("{ONE_TABLE}; create table public.secret (id int)");
    let (source, target) = pair("bad_rights", &more);
    let url =
        reader(&source, "bad_rights_reader", "grant select on public.answer to bad_rights_reader");
    assert_refused(
        copy(&url, target.url()),
        expect![[r#"
            error: no right to read table public.secret
              hint: GRANT USAGE ON SCHEMA "public" TO "bad_rights_reader"; GRANT SELECT ON "public"."secret" TO "bad_rights_reader"
        "#]],
    );
    // Excluded tables need no rights.
    levada(&["copy", &url, target.url(), "--exclude", "secret"]).expect_code(0);
}

#[test]
fn missing_rights_on_a_schema() {
    let more = "create schema hidden; create table hidden.answer (id int)";
    let (source, target) = pair("bad_schema_rights", more);
    let grant = "grant select on all tables in schema hidden to bad_schema_reader";
    let url = reader(&source, "bad_schema_reader", grant);
    assert_refused(
        copy(&url, target.url()),
        expect![[r#"
            error: no right to read table hidden.answer
              hint: GRANT USAGE ON SCHEMA "hidden" TO "bad_schema_reader"; GRANT SELECT ON "hidden"."answer" TO "bad_schema_reader"
        "#]],
    );
}

#[test]
fn missing_rights_on_a_sequence() {
    let more = "create table public.answer (id serial primary key)";
    let (source, target) = pair("bad_sequence_rights", more);
    let grant = "grant select on public.answer to bad_sequence_reader";
    let url = reader(&source, "bad_sequence_reader", grant);
    assert_refused(
        copy(&url, target.url()),
        expect![[r#"
            error: no right to read sequence public.answer_id_seq
              hint: GRANT USAGE ON SCHEMA "public" TO "bad_sequence_reader"; GRANT SELECT ON SEQUENCE "public"."answer_id_seq" TO "bad_sequence_reader"
        "#]],
    );
}

#[test]
fn missing_rights_on_the_target() {
    let (source, target) = pair("bad_target_rights", ONE_TABLE);
    target.execute("create role bad_target_writer login").expect("a role");
    let url = with_password(target.url(), "bad_target_writer");
    assert_refused(
        copy(source.url(), &url),
        expect![[r#"
            error: no right to create schemas in the target database
              hint: GRANT CREATE ON DATABASE "bad_target_rights_target" TO "bad_target_writer"
        "#]],
    );
}

#[test]
fn row_security_that_would_hide_rows() {
    let more = format!(
        "{ONE_TABLE}; alter table public.answer enable row level security; \
         create policy half on public.answer using (id > 50)"
    );
    let (source, target) = pair("bad_policy", &more);
    let url =
        reader(&source, "bad_policy_reader", "grant select on public.answer to bad_policy_reader");
    assert_refused(
        copy(&url, target.url()),
        expect![[r#"
            error: row-level security would hide rows of public.answer
              hint: use a role with BYPASSRLS, or the owner without FORCE ROW LEVEL SECURITY
        "#]],
    );
    source.execute("alter role bad_policy_reader bypassrls").expect("a right");
    copy(&url, target.url()).expect_code(0);
    assert_same_content(&source, &target);
}

#[test]
fn target_that_is_not_empty_stays_as_it_is() {
    let (source, target) = pair("bad_full", ONE_TABLE);
    target
        .execute("create table public.mine (id int); insert into public.mine values (7)")
        .expect("a table");
    let before = target.content().expect("content");
    assert_refused(
        copy(source.url(), target.url()),
        expect![[r#"
            reading definitions
            error: the target is not empty
              detail: it holds public.mine
              hint: use an empty database, or add --replace: the new edition is then built beside, and the old one stays readable until it is complete
        "#]],
    );
    let ran = levada(&["copy", source.url(), target.url(), "--replace"]);
    assert_refused(
        ran,
        expect![[r#"
            reading definitions
            error: the target holds objects that the source does not have
              detail: public.mine
              hint: --replace would drop them: move them to another schema, or drop them yourself
        "#]],
    );
    assert_eq!(target.content().expect("content"), before);
    target.execute("drop table public.mine").expect("a drop");
    copy(source.url(), target.url()).expect_code(0);
    let before = target.content().expect("content");
    assert_refused(
        copy(source.url(), target.url()),
        expect![[r#"
            reading definitions
            error: the target already holds edition 1, as of [WHEN]
              hint: use an empty database, or add --replace: the new edition is then built beside, and the old one stays readable until it is complete
        "#]],
    );
    assert_eq!(target.content().expect("content"), before);
}

#[test]
fn source_and_target_are_one_database() {
    let (source, _target) = pair("bad_same", ONE_TABLE);
    let before = source.content().expect("content");
    let ran = levada(&["copy", source.url(), source.url(), "--replace"]);
    assert_refused(
        ran,
        expect![[r#"
        error: source and target are the same database
          detail: both are database bad_same_source of one server
          hint: the target must be another database: correct one of the two URLs
    "#]],
    );
    // However it is spelled.
    let by_socket = cluster().socket_url("bad_same_source");
    let ran = levada(&["copy", source.url(), &by_socket, "--replace"]).expect_code(2);
    ran.expect_stderr("source and target are the same database");
    assert_eq!(source.content().expect("content"), before);
}

#[test]
fn extension_that_nobody_knows() {
    let mysterious = "set allow_system_table_mods = on; \
                      update pg_extension set extname = 'mystery' where extname = 'plpgsql'";
    let (source, target) = pair("bad_extension", &format!("{ONE_TABLE}; {mysterious}"));
    assert_refused(
        copy(source.url(), target.url()),
        expect![[r#"
            error: extension mystery of the source is not supported
              detail: levada does not know whether it keeps data or means the same elsewhere
              hint: add it to [copy] extensions to create it on the target, or to omit_extensions to do without (--extension mystery, --omit-extension mystery)
        "#]],
    );
    let ran = levada(&["copy", source.url(), target.url(), "--extension", "mystery"]);
    assert_refused(
        ran,
        expect![[r#"
            reading definitions
            error: the target cannot offer extension mystery
              hint: install its package on the target's server, or name it in [copy] omit_extensions
        "#]],
    );
    let omit = ["copy", source.url(), target.url(), "--omit-extension", "mystery"];
    levada(&omit).expect_code(0);
}

/// levada with its client programs taken from `folder`.
fn copy_with_programs(folder: &Path, source: &Database, target: &Database) -> Ran {
    let mut copy = command(&["copy", source.url(), target.url()]);
    copy.env("LEVADA_PG_BIN", folder).output().expect("levada starts").into()
}

#[test]
fn pg_dump_that_is_missing_or_too_old() {
    let (source, target) = pair("bad_pg_dump", ONE_TABLE);
    let folder = Folder::new("bad_pg_dump");
    let ran = copy_with_programs(folder.path(), &source, &target);
    let major = Installation::find().expect("PostgreSQL").major().to_string();
    let without_major = |ran: Ran| Ran { stderr: ran.stderr.replace(&major, "NN"), ..ran };
    assert_refused(
        without_major(ran),
        expect![[r#"
            reading definitions
            error: no pg_dump of version NN or newer
              detail: none was found
              hint: install postgresql-client-NN or newer, or set LEVADA_PG_BIN
        "#]],
    );
    folder.write("pg_dump", "#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.24'\n");
    let program = folder.path().join("pg_dump");
    std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let ran = copy_with_programs(folder.path(), &source, &target);
    assert_refused(
        without_major(ran),
        expect![[r#"
            reading definitions
            error: no pg_dump of version NN or newer
              detail: found only version 9
              hint: install postgresql-client-NN or newer, or set LEVADA_PG_BIN
        "#]],
    );
}

#[test]
fn transaction_pooler_before_either_side() {
    let Some(bouncer) = Bouncer::start(cluster()).expect("pgbouncer") else {
        return skipped("pgbouncer is not installed");
    };
    let (source, target) = pair("bad_pooler", ONE_TABLE);
    assert_refused(
        copy(&bouncer.url("bad_pooler_source"), target.url()),
        expect![[r#"
            error: the source is behind a transaction pooler
              detail: two of our sessions share a backend, so settings, snapshots and locks get lost
              hint: use the URL of the server itself, or a pool in session mode
        "#]],
    );
    assert_refused(
        copy(source.url(), &bouncer.url("bad_pooler_target")),
        expect![[r#"
        error: the target is behind a transaction pooler
          detail: two of our sessions share a backend, so settings, snapshots and locks get lost
          hint: use the URL of the server itself, or a pool in session mode
    "#]],
    );
    assert!(target.content().expect("content").is_empty());
}

#[test]
fn load_balancer_before_the_source() {
    let (_source, target) = pair("bad_balancer", ONE_TABLE);
    let other = Cluster::start().expect("another server");
    other
        .create_database("bad_balancer_source")
        .expect("a database")
        .execute(ONE_TABLE)
        .expect("rows");
    let balancer = Balancer::between([cluster().port(), other.port()]);
    let ran = copy(&balancer.url("bad_balancer_source"), target.url());
    assert_refused(
        ran,
        expect![[r#"
            error: two connections to the source reached two different servers
              detail: a load balancer stands between us and the source
              hint: use the URL of one server: snapshots and locks exist on one server only
        "#]],
    );
}

#[test]
fn disk_that_is_full_on_the_target() {
    let folder = Folder::new("bad_disk");
    let Some(disk) = SmallDisk::mount(&folder.path().join("disk")) else {
        return skipped("mounting a small file system needs root");
    };
    let rows = "create table public.answer as select n, repeat('levada', 200) as text \
                from generate_series(1, 30000) as n; create table public.small as select 1 as id";
    // A server of its own: one with a full disk cannot write checkpoints, for any database.
    let cluster = Cluster::start().expect("a server");
    let source = cluster.create_database("source").expect("source");
    let target = cluster.create_database("target").expect("target");
    source.execute(rows).expect("rows");
    disk.hand_to_server_of(&target);
    let admin = cluster.database("postgres");
    admin.execute(&format!("create tablespace small location '{}'", disk.path)).expect("a place");
    admin.execute("alter database target set tablespace small").expect("a move");
    let ran = copy(source.url(), target.url()).expect_code(2);
    let ran = ran.expect_stderr("error: loading public.answer: could not ");
    let ran = ran.expect_stderr("No space left on device (SQLSTATE 53100)");
    let ran = ran.expect_stderr("hint: the server's disk is full: free or add space, then run ");
    ran.expect_stderr("To continue: levada copy ");
    disk.grow();
    copy(source.url(), target.url()).expect_code(0);
    assert_same_content(&source, &target);
}

/// A file system in memory with a limit.
pub(crate) struct SmallDisk {
    path: String,
}

impl SmallDisk {
    pub(crate) fn mount(path: &Path) -> Option<Self> {
        std::fs::create_dir_all(path).expect("a folder");
        let disk = Self { path: path.display().to_string() };
        disk.run("mount", &["-t", "tmpfs", "-o", "size=24m", "tmpfs", &disk.path]).then_some(disk)
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn grow(&self) {
        assert!(self.run("mount", &["-o", "remount,size=400m", &self.path]), "cannot grow");
    }

    /// The server, which runs as another account when we are root, must be able to write here.
    pub(crate) fn hand_to_server_of(&self, database: &Database) {
        let data = database.psql("show data_directory").expect("psql");
        assert!(self.run("chown", &[&format!("--reference={data}"), &self.path]), "cannot chown");
    }

    fn run(&self, program: &str, arguments: &[&str]) -> bool {
        let output = Command::new(program).args(arguments).output();
        output.is_ok_and(|output| output.status.success())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        self.run("umount", &["-l", &self.path]);
    }
}

/// Says on the test's output that nothing was tested.
pub(crate) fn skipped(reason: &str) {
    eprintln!("SKIPPED: {reason}");
}

/// `levada run` with this configuration.
fn run(name: &str, configuration: &str) -> Ran {
    let (source, target) = pair(name, ONE_TABLE);
    let folder = Folder::new(name);
    let urls =
        "[source]\nurl = \"${SOURCE_DATABASE_URL}\"\n[target]\nurl = \"${TARGET_DATABASE_URL}\"\n";
    folder.write("levada.toml", &format!("{urls}{configuration}"));
    folder.levada(source.url(), target.url(), &["run"])
}

#[test]
fn configuration_with_a_typo() {
    assert_refused(
        run("bad_typo_1", "[copy]\njobs = two\n"),
        expect![[r#"
        error: levada.toml, line 6: invalid boolean, expected `true`
          hint: levada.example.toml shows every option with its default
    "#]],
    );
    assert_refused(
        run("bad_typo_2", "[copy]\nforeign_key = \"omit\"\n"),
        expect![[r#"
            error: levada.toml, line 6: unknown field `foreign_key`, expected one of `jobs`, `foreign_keys`, `include`, `exclude`, `extensions`, `omit_extensions`, `large_objects`, `range_mib`, `heartbeat_seconds`, `publish_wait_seconds`, `source_wait_seconds`
              hint: levada.example.toml shows every option with its default
        "#]],
    );
    assert_refused(
        run("bad_typo_3", "[copy]\nforeign_keys = \"sometimes\"\n"),
        expect![[r#"
        error: levada.toml, line 6: unknown variant `sometimes`, expected one of `trusted`, `validate`, `omit`
          hint: levada.example.toml shows every option with its default
    "#]],
    );
    assert_refused(
        run("bad_typo_4", "[copie]\n"),
        expect![[r#"
            error: levada.toml, line 5: unknown field `copie`, expected one of `source`, `target`, `copy`, `tables`, `import`, `enrich`, `calendar`, `window`, `rollup`, `serve`, `brand`, `stat`, `page`, `display`
              hint: levada.example.toml shows every option with its default
        "#]],
    );
    assert_refused(
        run("bad_typo_5", "[tables.\"answer\"]\nmode = \"reloaded\"\n"),
        expect![[r#"
        error: levada.toml, line 6: unknown variant `reloaded`, expected one of `refresh`, `append`, `reload`, `schema`, `skip`
          hint: levada.example.toml shows every option with its default
    "#]],
    );
    assert_refused(
        run("bad_typo_6", "[tables.\"answer\"]\nfillfactor = 5\n"),
        expect![[r#"
            error: [tables."answer"] fillfactor = 5 is refused
              hint: PostgreSQL takes 10 to 100; 90 leaves room to change rows in place
        "#]],
    );
}

#[test]
fn configuration_that_is_not_there() {
    assert_refused(
        levada(&["run", "--config", "/nowhere/levada.toml"]),
        expect![[r#"
        error: cannot read /nowhere/levada.toml
          detail: No such file or directory (os error 2)
          hint: write one with `levada init --source URL`, or name it with --config FILE
    "#]],
    );
    let folder = Folder::new("bad_url_missing");
    folder.write("levada.toml", "[target]\nurl = \"x\"\n");
    assert_refused(
        folder.levada("", "", &["run"]),
        expect![[r#"
        error: [source] url is missing
          hint: add url = "${SOURCE_DATABASE_URL}" to [source]
    "#]],
    );
    folder.write("levada.toml", "[source]\nurl = \"${LEVADA_IT_UNSET}\"\n");
    assert_refused(
        folder.levada("", "", &["run"]),
        expect![[r#"
        error: environment variable LEVADA_IT_UNSET is not set
          detail: [source] url needs it
          hint: export LEVADA_IT_UNSET=postgresql://user:password@host:5432/database
    "#]],
    );
    folder.write("levada.toml", "[source]\nurl = \"${SOURCE_DATABASE_URL}\"\n");
    assert_refused(
        folder.levada("", "", &["run"]),
        expect![[r#"
        error: [target] url is missing
          hint: add url = "${TARGET_DATABASE_URL}" to [target]
    "#]],
    );
}

#[test]
fn patterns_and_schemas_without_match() {
    assert_refused(
        run("bad_pattern_1", "[copy]\nexclude = [\"answers\"]\n"),
        expect![[r#"
            error: exclude pattern "answers" matches no table
              detail: the closest table is public.answer
              hint: correct the pattern or remove it: a list that silently stops matching lets tables escape it
        "#]],
    );
    assert_refused(
        run("bad_pattern_2", "[copy]\ninclude = [\"log_*\"]\n"),
        expect![[r#"
            error: include pattern "log_*" matches no table
              hint: correct the pattern or remove it: a list that silently stops matching lets tables escape it
        "#]],
    );
    assert_refused(
        run("bad_pattern_3", "[tables.\"public.anwser\"]\nmode = \"skip\"\n"),
        expect![[r#"
            error: [tables] pattern "public.anwser" matches no table
              detail: the closest table is public.answer
              hint: correct the pattern or remove it: a list that silently stops matching lets tables escape it
        "#]],
    );
    let (source, target) = pair("bad_pattern_4", ONE_TABLE);
    let ran = levada(&["copy", source.url(), target.url(), "--schema", "Public"]);
    assert_refused(
        ran,
        expect![[r#"
            error: the source has no schema "Public"
              detail: it has: public
              hint: correct [source] schemas
        "#]],
    );
}

#[test]
fn posix_zone() {
    assert_refused(
        run("bad_zone_1", "[display]\nzone = \"UTC+1\"\n"),
        expect![[r#"
        error: [display] zone "UTC+1" is refused
          detail: POSIX offsets have the sign reversed: UTC+1 is one hour west
          hint: use an IANA name such as "Europe/Paris" or "UTC"
    "#]],
    );
    assert_refused(
        run("bad_zone_2", "[display]\nzone = \"Europe/Atlantis\"\n"),
        expect![[r#"
        error: [display] zone "Europe/Atlantis" is refused
          detail: no such IANA time zone
          hint: use an IANA name such as "Europe/Paris" or "UTC"
    "#]],
    );
}
