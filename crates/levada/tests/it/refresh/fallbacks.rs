//! Where transaction ids tell nothing, or less than they seem to: other servers, failovers, lagging
//! replicas, lost records, tables of the same name, hands in the target.

use std::time::Duration;

use testkit::{Cluster, Database, Installation, Proxy, wait_for};

use super::{Report, Way, stage};
use crate::support::{assert_equal, assert_same_content};

const PATIENCE: Duration = Duration::from_secs(60);

const TABLES: &str = "CREATE TABLE entry (id int PRIMARY KEY, v text, u int UNIQUE); \
     CREATE TABLE log (text text); INSERT INTO log SELECT 'l' FROM generate_series(1, 99); \
     INSERT INTO entry SELECT n, 'v' || n, n FROM generate_series(1, 500) n";

/// Changes after which no count has changed.
const UNSEEN: &str = "UPDATE entry SET v = 'unseen' WHERE id % 50 = 1; \
     DELETE FROM entry WHERE id = 2; INSERT INTO entry VALUES (1002, 'unseen', 2); \
     UPDATE log SET text = 'unseen' WHERE ctid = (SELECT max(ctid) FROM log)";

/// A server that is no copy of that of the target, and so cannot be taken for a standby of it.
fn server() -> Cluster {
    Cluster::builder(&Installation::find().unwrap()).apart().start().unwrap()
}

/// A server with the tables, a target elsewhere and its first edition.
fn served(name: &str) -> (Cluster, Database, Way) {
    let server = server();
    let source = server.create_database("source").unwrap();
    source.execute(TABLES).unwrap();
    let target = crate::support::cluster().create_database(&format!("refresh_{name}")).unwrap();
    let way = Way::new(name, source.url(), &target);
    way.edition();
    (server, source, way)
}

/// The way that goes on from another server.
fn redirected(way: &Way, name: &str, source_url: &str) -> Way {
    Way::new(name, source_url, &way.target)
}

#[track_caller]
fn assert_compared(report: &Report, reason: &str) {
    for table in ["public.entry", "public.log"] {
        let (method, why) = report.method_of(table);
        assert!(method == "digest" && why.contains(reason), "{table}: {method}, {why}");
    }
}

/// Waits until `standby` has replayed all that `primary` has committed.
fn await_replay(primary: &Database, standby: &Database) {
    let position = primary.psql("SELECT pg_current_wal_insert_lsn()").unwrap();
    // A commit that nobody waited for is written when the next one is.
    primary.execute("SET synchronous_commit = on; SELECT txid_current()").unwrap();
    let sql = format!("SELECT pg_last_wal_replay_lsn() >= '{position}'");
    wait_for("the standby to follow", PATIENCE, || Ok(standby.psql(&sql)? == "t")).unwrap();
}

#[test]
fn another_server_with_the_same_data_is_compared_row_by_row() {
    let (old, source, way) = served("another_server");
    let new = server();
    let copy = new.create_database("source").unwrap();
    let dump = std::process::Command::new(old.installation().program("pg_dump"))
        .args(["-d", source.url()])
        .output()
        .unwrap();
    copy.execute(&String::from_utf8(dump.stdout).unwrap()).unwrap();
    copy.execute(UNSEEN).unwrap();
    let moved = redirected(&way, "another_server_moved", copy.url());
    let report = moved.edition();
    assert_compared(&report, "another server");
    assert_same_content(&copy, &way.target);
    // From then on its own transaction ids tell.
    copy.execute("UPDATE entry SET v = 'seen' WHERE id = 7").unwrap();
    assert_eq!(moved.edition().method_of("public.entry").0, "changes");
    assert_same_content(&copy, &way.target);
}

#[test]
fn another_database_of_the_same_name_and_server_is_noticed() {
    let (server, source, way) = served("restored_database");
    source.execute("SELECT 1").unwrap();
    server.database("postgres").execute("ALTER DATABASE source RENAME TO old").unwrap();
    let restored = server.copy_database("source", "old").unwrap();
    restored.execute(UNSEEN).unwrap();
    assert_compared(&way.edition(), "another database");
    assert_same_content(&restored, &way.target);
}

#[test]
fn a_failover_that_lost_transactions_misses_nothing_and_leaves_no_phantoms() {
    let (primary, source, way) = served("failover");
    let network = Proxy::to(primary.port()).unwrap();
    let standby = primary.standby(network.port()).unwrap();
    let replica = standby.database("source");
    source.execute("UPDATE entry SET v = 'before' WHERE id % 9 = 0").unwrap();
    way.edition();
    await_replay(&source, &replica);
    // The standby loses sight; what is committed now will be lost, and an edition shows it.
    network.refuse(true);
    network.cut_all();
    let lost = "UPDATE entry SET v = 'lost' WHERE id % 10 = 3; DELETE FROM entry WHERE id = 4; \
                INSERT INTO entry VALUES (2001, 'lost', -1); INSERT INTO log VALUES ('lost')";
    source.execute(lost).unwrap();
    source.execute("UPDATE entry SET v = 'lost' WHERE id = 5").unwrap();
    way.edition();
    assert_same_content(&source, &way.target);
    primary.kill_hard().unwrap();
    replica.execute("SELECT pg_promote()").unwrap();
    // The ids of the lost transactions are given out again.
    let kept = "INSERT INTO entry VALUES (3001, 'kept', -3); UPDATE entry SET v = 'kept' \
                WHERE id % 10 = 6; DELETE FROM entry WHERE id = 8";
    replica.execute(kept).unwrap();
    let moved = redirected(&way, "failover_moved", replica.url());
    assert_compared(&moved.edition(), "timeline 1 to 2");
    assert_equal(&replica, &way.target);
    replica.execute("UPDATE entry SET v = 'after' WHERE id = 77").unwrap();
    let report = moved.edition();
    assert_eq!((report.changes(), report.exceptions().len()), ([0, 1, 0], 0), "{report:?}");
    assert_same_content(&replica, &way.target);
}

/// A replica of a promoted replica: its own control file tells the old timeline for a while.
#[test]
fn a_standby_that_follows_a_promoted_one_is_in_another_history() {
    let (primary, source, way) = served("cascade");
    let network = Proxy::to(primary.port()).unwrap();
    let (first, second) =
        (primary.standby(network.port()).unwrap(), primary.standby(network.port()).unwrap());
    let (promoted, follower) = (first.database("source"), second.database("source"));
    await_replay(&source, &promoted);
    await_replay(&source, &follower);
    network.refuse(true);
    network.cut_all();
    source.execute("UPDATE entry SET v = 'lost' WHERE id % 10 = 3").unwrap();
    way.edition();
    primary.kill_hard().unwrap();
    promoted.execute("SELECT pg_promote()").unwrap();
    let follow = format!(
        "ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port={} user=postgres'",
        first.port()
    );
    follower.execute(&follow).unwrap();
    follower.execute("SELECT pg_reload_conf()").unwrap();
    // Enough that neither ids nor write-ahead log tell the histories apart.
    for round in 0..20 {
        let write = format!("UPDATE log SET text = text || '{round}'; SELECT txid_current()");
        promoted.execute(&write).unwrap();
    }
    await_replay(&promoted, &follower);
    let far = redirected(&way, "cascade_far", follower.url());
    assert_compared(&far.edition(), "timeline 1 to 2");
    assert_same_content(&promoted, &way.target);
}

#[test]
fn a_standby_is_as_good_a_source_as_its_primary() {
    let (primary, source, way) = served("standby");
    let standby = primary.standby(primary.port()).unwrap();
    let replica = standby.database("source");
    let far = redirected(&way, "standby_far", replica.url());
    let mut open = source.session().unwrap();
    let writes = "BEGIN; UPDATE entry SET v = 'open' WHERE id < 4; SAVEPOINT s; \
                  INSERT INTO entry VALUES (900, 'open', 900); RELEASE s";
    open.run(writes).unwrap();
    // Editions come from the primary and from the standby in turn.
    for round in 0..3 {
        let changes = format!(
            "UPDATE entry SET v = 'round {round}' WHERE id % 7 = {round} AND id > 9; \
             DELETE FROM entry WHERE id = 100 + {round}; INSERT INTO log VALUES ('{round}')"
        );
        source.execute(&changes).unwrap();
        await_replay(&source, &replica);
        let report = far.edition();
        assert_eq!(report.method_of("public.entry").0, "changes", "{round}");
        assert_same_content(&source, &way.target);
        source.execute(&changes.replace("% 7", "% 11").replace("100", "200")).unwrap();
        assert_eq!(way.edition().method_of("public.entry").0, "changes", "{round}");
        assert_same_content(&source, &way.target);
    }
    source.execute("UPDATE entry SET v = 'on standby' WHERE id = 400").unwrap();
    await_replay(&source, &replica);
    far.edition();
    open.run("COMMIT").unwrap();
    await_replay(&source, &replica);
    let report = far.edition();
    assert_eq!(report.changes_of("public.entry"), [1, 3, 0]);
    assert_same_content(&source, &way.target);
}

#[test]
fn a_lagging_standby_is_waited_for_and_then_refused() {
    let (primary, source, way) = served("lagging");
    let standby = primary.standby(primary.port()).unwrap();
    let replica = standby.database("source");
    await_replay(&source, &replica);
    replica.execute("SELECT pg_wal_replay_pause()").unwrap();
    source.execute(UNSEEN).unwrap();
    way.edition();
    let before = way.target.content().unwrap();
    let far = redirected(&way, "lagging_far", replica.url());
    far.configure("[copy]\nsource_wait_seconds = 1\n");
    let ran = far.run().expect_code(2).expect_stderr("the source is behind the published edition");
    ran.expect_stderr("a standby that lags");
    assert_eq!(way.target.content().unwrap(), before);
    let edition = "SELECT max(number) FROM levada.edition";
    assert_eq!(way.target.psql(edition).unwrap(), "2");
    // One that catches up in time is taken.
    far.configure("[copy]\nsource_wait_seconds = 60\n");
    let mut child = far.start();
    let waiting =
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name LIKE 'levada %'";
    wait_for("the run to look", PATIENCE, || Ok(replica.psql(waiting)? == "t")).unwrap();
    replica.execute("SELECT pg_wal_replay_resume()").unwrap();
    assert!(child.wait().unwrap().success());
    assert_same_content(&source, &way.target);
    assert_eq!(way.target.psql(edition).unwrap(), "3");
}

/// A server brought back as it was some time ago: the same history, an earlier moment of it.
#[test]
fn a_server_set_back_in_time_is_refused() {
    let (server, source, way) = served("set_back");
    source.execute("CHECKPOINT").unwrap();
    let earlier = server.standby(server.port()).unwrap();
    let replica = earlier.database("source");
    source.execute(UNSEEN).unwrap();
    await_replay(&source, &replica);
    replica.execute("SELECT pg_wal_replay_pause()").unwrap();
    source.execute("UPDATE entry SET v = 'later' WHERE id < 50").unwrap();
    way.edition();
    let before = way.target.content().unwrap();
    let back = redirected(&way, "set_back_to", replica.url());
    back.configure("[copy]\nsource_wait_seconds = 1\n");
    back.run().expect_code(2).expect_stderr("the source is behind");
    assert_eq!(way.target.content().unwrap(), before);
}

#[test]
fn a_missing_row_count_is_made_up_for_by_comparing() {
    let (source, way) = stage("no_count", TABLES);
    way.edition();
    source.execute(UNSEEN).unwrap();
    way.target.execute("UPDATE levada.table_state SET rows = NULL").unwrap();
    assert_compared(&way.edition(), "did not record how many rows");
    assert_same_content(&source, &way.target);
    assert_eq!(way.edition().exceptions().len(), 0);
}

#[test]
fn a_missing_snapshot_is_made_up_for_by_comparing() {
    let (source, way) = stage("no_snapshot", TABLES);
    way.edition();
    source.execute(UNSEEN).unwrap();
    way.target.execute("UPDATE levada.edition SET snapshot = NULL").unwrap();
    assert_compared(&way.edition(), "no recorded position");
    assert_same_content(&source, &way.target);
}

#[test]
fn more_than_two_thousand_million_transactions_are_too_many() {
    let (server, source, way) = served("many_ids");
    // An id says whether it is older only within half of the circle, so they are moved on twice.
    server.skip_transactions(1_500_000_000).unwrap();
    source.execute(UNSEEN).unwrap();
    server.skip_transactions(3_000_000_000).unwrap();
    assert_compared(&way.edition(), "2^31");
    assert_same_content(&source, &way.target);
    source.execute("UPDATE entry SET v = 'after' WHERE id = 7").unwrap();
    let report = way.edition();
    assert_eq!((report.changes(), report.exceptions().len()), ([0, 1, 0], 0), "{report:?}");
    assert_same_content(&source, &way.target);
    // Around the circle: an id of today is a smaller number than one of yesterday.
    server.skip_transactions(4_200_000_000).unwrap();
    way.edition();
    server.skip_transactions((1 << 32) + 1_000_000).unwrap();
    source.execute("UPDATE entry SET v = 'next epoch' WHERE id = 8").unwrap();
    way.edition();
    assert_same_content(&source, &way.target);
}

#[test]
fn a_table_dropped_and_created_again_is_another_table() {
    let (source, way) = stage("recreated", TABLES);
    way.edition();
    source.execute("CREATE TABLE kept AS TABLE entry; DROP TABLE entry").unwrap();
    source
        .execute("ALTER TABLE kept RENAME TO entry; ALTER TABLE entry ADD PRIMARY KEY (id)")
        .unwrap();
    source
        .execute("ALTER TABLE entry ADD UNIQUE (u); UPDATE entry SET v = 'other' WHERE id = 5")
        .unwrap();
    let report = way.edition();
    assert_ne!(report.method_of("public.entry").0, "changes");
    assert_equal(&source, &way.target);
}

#[test]
fn hands_in_the_target_are_noticed_where_counts_show_them() {
    let (source, way) = stage("hands", TABLES);
    way.edition();
    let step = |by_hand: &str, in_source: &str| {
        way.target.execute(by_hand).unwrap();
        source.execute(in_source).unwrap();
        let ran = way.run_telling();
        let said = format!("{by_hand} | {in_source}: {} {}", ran.code, ran.stderr);
        // Either it is set right, or the run says that something is wrong; never in between.
        if ran.code == 0 {
            assert_eq!(source.content().unwrap(), way.target.content().unwrap(), "{said}");
        } else {
            assert_eq!(ran.code, 2, "{said}");
            panic!("the run cannot go on by itself: {said}");
        }
    };
    step("DELETE FROM entry WHERE id = 10", "UPDATE entry SET v = 'x' WHERE id = 10");
    step(
        "DELETE FROM entry WHERE id = 11",
        "UPDATE entry SET v = 'x' WHERE id = 12; DELETE FROM entry \
          WHERE id = 13",
    );
    step("INSERT INTO entry VALUES (600, 'mine')", "INSERT INTO entry VALUES (600, 'theirs')");
    step("INSERT INTO entry VALUES (601, 'mine')", "DELETE FROM entry WHERE id = 20");
    step("DELETE FROM entry WHERE id = 21", "DELETE FROM entry WHERE id = 21");
    step("DELETE FROM log", "INSERT INTO log VALUES ('x')");
    step("TRUNCATE entry", "UPDATE entry SET v = 'y' WHERE id < 30");
    step("UPDATE entry SET u = -u", "UPDATE entry SET v = 'z'; DELETE FROM log");
}

/// The moment of the newest edition, between two others.
#[track_caller]
fn assert_as_of(way: &Way, not_before: &str, not_after: &str) {
    let newest = "SELECT as_of FROM levada.edition ORDER BY number DESC LIMIT 1";
    let sql = format!(
        "SELECT e.as_of BETWEEN '{not_before}' AND '{not_after}', e.as_of FROM ({newest}) AS e"
    );
    let answer = way.target.psql(&sql).unwrap();
    assert!(answer.starts_with("t|"), "{answer} is not from {not_before} to {not_after}");
}

#[test]
fn a_standby_claims_no_moment_later_than_what_it_has_replayed() {
    let (primary, source, way) = served("moment");
    let network = Proxy::to(primary.port()).unwrap();
    let standby = primary.standby(network.port()).unwrap();
    let replica = standby.database("source");
    let far = redirected(&way, "moment_far", replica.url());
    let clock = || source.psql("SELECT clock_timestamp()").unwrap();
    let before = clock();
    source.execute("INSERT INTO log VALUES ('replayed')").unwrap();
    await_replay(&source, &replica);
    replica.execute("SELECT pg_wal_replay_pause()").unwrap();
    let paused = "SELECT pg_get_wal_replay_pause_state()";
    wait_for("replay to pause", PATIENCE, || Ok(replica.psql(paused)? == "paused")).unwrap();
    // All that is committed from here on is received, and not replayed.
    let waiting_since = clock();
    source.execute("INSERT INTO log VALUES ('received')").unwrap();
    let position = source.psql("SELECT pg_current_wal_flush_lsn()").unwrap();
    let received = format!("SELECT pg_last_wal_receive_lsn() >= '{position}'");
    wait_for("the rest to arrive", PATIENCE, || Ok(replica.psql(&received)? == "t")).unwrap();
    far.edition();
    assert_as_of(&way, &before, &waiting_since);
    let rows = "SELECT count(*) FROM log WHERE text = 'received'";
    assert_eq!(way.target.psql(rows).unwrap(), "0");
    replica.execute("SELECT pg_wal_replay_resume()").unwrap();
    await_replay(&source, &replica);
    far.edition();
    assert_as_of(&way, &waiting_since, &clock());
    assert_eq!(way.target.psql(rows).unwrap(), "1");
    // A sign of life on an idle primary is enough; it need not write a row.
    let idle = clock();
    source.execute("SELECT txid_current()").unwrap();
    await_replay(&source, &replica);
    far.edition();
    assert_as_of(&way, &idle, &clock());
}

#[test]
fn a_standby_that_has_replayed_no_commit_does_not_use_its_clock() {
    let (primary, source, way) = served("no_commit");
    let network = Proxy::to(primary.port()).unwrap();
    let standby = primary.standby(network.port()).unwrap();
    let replica = standby.database("source");
    let far = redirected(&way, "no_commit_far", replica.url());
    await_replay(&source, &replica);
    // A checkpoint tells its time in whole seconds.
    let clock = |sql: &str| source.psql(&format!("SELECT {sql}")).unwrap();
    let before = clock("date_trunc('second', clock_timestamp())");
    source.execute("CHECKPOINT").unwrap();
    await_replay(&source, &replica);
    let cut_off = clock("clock_timestamp()");
    network.refuse(true);
    network.cut_all();
    replica.execute("CHECKPOINT").unwrap();
    standby.stop().unwrap();
    standby.start_again().unwrap();
    let unknown = "SELECT pg_last_xact_replay_timestamp() IS NULL";
    assert_eq!(replica.psql(unknown).unwrap(), "t");
    far.edition();
    assert_as_of(&way, &before, &cut_off);
}
