//! The testkit against real servers.
//!
//! Responsible for: showing that clusters start, die, come back and leave nothing behind, and that
//! the outsider's digests see every difference. Must not: test levada.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use levada_testkit::{Bouncer, Cluster, Database, Installation, Proxy, difference, wait_for};

const SOON: Duration = Duration::from_secs(10);
const WEIRD: &str = "We\"ird -- 'na\nme' \\ é";

fn sample(database: &Database) -> Result<()> {
    database.load_file(Path::new("tests/sample.sql"), &[("weird", WEIRD), ("rows", "50")])?;
    Ok(())
}

#[test]
fn answers_over_tcp_and_socket() -> Result<()> {
    let database = Cluster::shared()?.create_database(WEIRD)?;
    assert_eq!(database.psql("select 1, null, 'a' union all select 2, 3, 'b'")?, "1||a\n2|3|b");
    let over_socket = Database::at(Cluster::shared()?.socket_url(WEIRD));
    assert_eq!(over_socket.psql("select current_database()")?, WEIRD);
    assert_eq!(over_socket.psql("select inet_server_addr() is null")?, "t");
    let rows = database.query_rows("values (1, null), (2, E'a\nb')")?;
    assert_eq!(rows, [["1", "\\N"], ["2", "a\nb"]]);
    assert!(database.query_rows("select 1 where false")?.is_empty());
    Ok(())
}

#[test]
fn errors_tell_what_the_server_said() -> Result<()> {
    let error = Cluster::shared()?.database("postgres").psql("select 1;\nselect 1/0").unwrap_err();
    let text = error.to_string();
    assert!(text.contains("division by zero"), "{text}");
    assert!(text.contains("begins: select 1;"), "{text}");
    Ok(())
}

#[test]
fn equal_databases_have_equal_digests() -> Result<()> {
    let left = Cluster::shared()?.create_database("equal_left")?;
    let right = Cluster::shared()?.create_database("equal_right")?;
    sample(&left)?;
    sample(&right)?;
    assert_eq!(difference(&left.schema()?, &right.schema()?), "");
    assert_eq!(left.content()?, right.content()?);
    Ok(())
}

#[test]
fn content_sees_each_change() -> Result<()> {
    let database = Cluster::shared()?.create_database("content_changes")?;
    sample(&database)?;
    let before = database.content()?;
    let names: Vec<String> =
        before.iter().map(|(name, is)| format!("{name} {}", is.rows)).collect();
    let weird = WEIRD.replace('"', "\"\"");
    let expected = [
        "large object 4711 1".to_owned(),
        "materialized view public.later 0".to_owned(),
        "materialized view public.totals 2".to_owned(),
        format!("sequence public.\"{weird}_id_seq\" 1"),
        "sequence public.counter 1".to_owned(),
        format!("table public.\"{weird}\" 50"),
        "table public.events_1 3".to_owned(),
        "table public.events_2 2".to_owned(),
        "table public.nothing 2".to_owned(),
    ];
    assert_eq!(names, expected);
    let changes = [
        ("update events_1 set note = 'x' where at = 1", "table public.events_1"),
        ("select nextval('counter')", "sequence public.counter"),
        ("refresh materialized view later", "materialized view public.later"),
        ("select lo_put(4711, 0, 'y')", "large object 4711"),
        ("insert into nothing default values", "table public.nothing"),
    ];
    let mut last = before;
    for (statement, touched) in changes {
        database.execute(statement)?;
        let now = database.content()?;
        let differing: Vec<&String> =
            now.keys().filter(|name| now.get(*name) != last.get(*name)).collect();
        assert_eq!(differing, [touched], "after {statement}");
        last = now;
    }
    Ok(())
}

#[test]
fn schema_sees_each_change() -> Result<()> {
    let database = Cluster::shared()?.create_database("schema_changes")?;
    sample(&database)?;
    let changes = [
        "alter table events alter note set default 'x'",
        "alter table events alter at set not null",
        "alter table events alter note set statistics 500",
        "alter table nothing set (fillfactor = 50)",
        "create index on events_1 (note)",
        "comment on column events_1.note is 'said'",
        "comment on table nothing is E'two\nlines'",
        "comment on function twice(int) is 'doubles'",
        "alter type mood add value 'grim' before 'sad'",
        "create or replace view seen as select at from events where at > 1",
        "create or replace function twice(n int) returns int language sql as 'select n + n'",
        "alter sequence counter increment 5",
        "create statistics two (dependencies) on at, note from events",
        "alter domain positive add check (value < 1000)",
        "alter table events_1 replica identity full",
        "create schema \"Other one\"",
        "create table \"Other one\".t (id int primary key)",
    ];
    for statement in changes {
        let before = database.schema()?;
        database.execute(statement)?;
        assert_ne!(before, database.schema()?, "not seen: {statement}");
    }
    Ok(())
}

#[test]
fn trusting_keys_hides_validation_only() -> Result<()> {
    let database = Cluster::shared()?.create_database("trusted_keys")?;
    database.execute("create table a (id int primary key); create table b (a int);")?;
    database.execute("alter table b add constraint k foreign key (a) references a not valid")?;
    let (unvalidated, trusted) = (database.schema()?, database.schema_trusting_keys()?);
    database.execute("alter table b validate constraint k")?;
    assert_ne!(unvalidated, database.schema()?);
    assert_eq!(trusted, database.schema_trusting_keys()?);
    Ok(())
}

#[test]
fn sessions_hold_transactions_open() -> Result<()> {
    let database = Cluster::shared()?.create_database("sessions")?;
    database.execute("create table t (id int)")?;
    let mut writer = database.session()?;
    writer.run("begin; insert into t values (1), (2)")?;
    assert_eq!(database.count("t")?, 0);
    let mut waiter = database.session()?;
    let waiter_pid = waiter.backend_pid()?;
    waiter.send("begin; lock table t; select count(*) from t")?;
    wait_for("the waiter to wait", SOON, || {
        let question = format!("select cardinality(pg_blocking_pids({waiter_pid}))");
        Ok(database.psql(&question)? == "1")
    })?;
    writer.run("commit")?;
    assert_eq!(waiter.finish()?, "2");
    let refusal = waiter.run("select 1/0").unwrap_err().to_string();
    assert!(refusal.contains("division by zero"), "{refusal}");
    assert!(waiter.run("select 1").is_err());
    Ok(())
}

#[test]
fn survives_being_killed() -> Result<()> {
    let cluster = Cluster::builder(&Installation::find()?)
        .setting("wal_level", "logical")
        .setting("application_name", "it's \"quoted\"")
        .start()?;
    let database = cluster.create_database("d")?;
    assert_eq!(database.psql("show wal_level")?, "logical");
    database.execute("create table t as select generate_series(1, 1000)")?;
    database.execute("checkpoint")?;
    let port = cluster.port();
    cluster.kill_hard()?;
    assert!(!cluster.is_running()?);
    assert!(database.psql("select 1").is_err());
    cluster.start_again()?;
    assert_eq!((database.count("t")?, cluster.port()), (1000, port));
    assert!(cluster.log()?.contains("automatic recovery in progress"));
    cluster.restart()?;
    assert_eq!(database.count("t")?, 1000);
    Ok(())
}

#[test]
fn a_kept_cluster_comes_back() -> Result<()> {
    let dir = std::env::temp_dir().join(format!("levada-kept-{}", std::process::id()));
    let deep = dir.join("a-directory-with-a-name-that-is-much-too-long-for-the-path-of-a-socket");
    let first = Cluster::builder(&Installation::find()?).durable(true).dir(&deep).start()?;
    let second_url = first.create_database("d")?.url().to_owned();
    first.database("d").execute("create table t (id int)")?;
    assert_eq!(Database::at(first.socket_url("d")).psql("show fsync")?, "on");
    drop(first);
    let second = Cluster::builder(&Installation::find()?).dir(&deep).start()?;
    assert_eq!(second.database("d").psql("show fsync")?, "off");
    assert_eq!(second.database("d").count("t")?, 0);
    assert!(second_url.ends_with("/d"));
    drop(second);
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}

#[test]
fn leaves_nothing_behind() -> Result<()> {
    let cluster = Cluster::start()?;
    let dir = cluster.database("postgres").psql("show data_directory")?;
    assert!(Path::new(&dir).exists());
    drop(cluster);
    assert!(!Path::new(&dir).exists());
    Ok(())
}

#[test]
fn the_proxy_cuts() -> Result<()> {
    let proxy = Proxy::to(Cluster::shared()?.port())?;
    let database = Database::at(proxy.url("postgres"));
    assert_eq!(database.psql("select 1")?, "1");
    let mut session = database.session()?;
    wait_for("one open connection", SOON, || Ok(proxy.open() == 1))?;
    proxy.cut_all();
    assert!(session.run("select 1").is_err());
    proxy.cut_after(100_000);
    assert!(database.psql("select repeat('x', 1000) from generate_series(1, 1000)").is_err());
    assert_eq!(database.psql("select 2")?, "2");
    proxy.refuse(true);
    assert!(database.psql("select 3").is_err());
    proxy.refuse(false);
    assert_eq!(database.psql("select 4")?, "4");
    assert_eq!(proxy.accepted(), 5);
    assert!(proxy.bytes() > 100_000);
    Ok(())
}

#[test]
fn the_proxy_cuts_what_is_idle() -> Result<()> {
    let proxy = Proxy::cutting_idle(Cluster::shared()?.port(), Duration::from_millis(400))?;
    let mut session = Database::at(proxy.url("postgres")).session()?;
    assert_eq!(session.run("select 1")?, "1");
    wait_for("the idle connection to be cut", SOON, || Ok(proxy.open() == 0))?;
    assert!(session.run("select 1").is_err());
    Ok(())
}

#[test]
#[allow(clippy::print_stderr)]
fn the_bouncer_pools_transactions() -> Result<()> {
    let Some(bouncer) = Bouncer::start(Cluster::shared()?)? else {
        eprintln!("skipped: pgbouncer is not installed");
        return Ok(());
    };
    let database = Database::at(bouncer.url("postgres"));
    let mut one = database.session()?;
    let mut two = database.session()?;
    let first = one.backend_pid()?;
    assert_eq!(two.backend_pid()?, first, "both sessions meet the same idle backend");
    Ok(())
}

#[test]
fn every_version_runs() -> Result<()> {
    let mut contents = BTreeMap::new();
    for installation in Installation::all() {
        let cluster = Cluster::builder(&installation).start()?;
        let database = cluster.create_database("d")?;
        sample(&database)?;
        database.schema()?;
        contents.insert(installation.major(), database.content()?);
    }
    let first = contents.values().next().cloned();
    for (major, content) in &contents {
        assert_eq!(Some(content), first.as_ref(), "on {major}");
    }
    Ok(())
}
