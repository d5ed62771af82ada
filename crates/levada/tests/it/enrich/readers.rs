//! Who reads while enrichments are made, and who makes them.

use std::time::Duration;

use testkit::{Database, wait_for};

use super::{SECTIONS, SOURCE, assert_agrees, edition, stage};
use crate::refresh::Way;
use crate::support::{cluster, levada};

const PATIENCE: Duration = Duration::from_secs(60);
const TOTALS: &str = "SELECT md5(string_agg(t::text, ',' ORDER BY day, mood)) \
                      FROM reports.totals AS t";

#[test]
fn a_long_reader_sees_the_edition_that_it_began_with() {
    let (source, way) = stage("reader", SECTIONS);
    edition(&way);
    let mut reader = way.target.session().unwrap();
    reader.run("BEGIN ISOLATION LEVEL REPEATABLE READ").unwrap();
    let before = reader.run(TOTALS).unwrap();
    for day in 1..3 {
        source.execute(&format!("UPDATE event SET at = at + interval '{day} days'")).unwrap();
        edition(&way);
        assert_agrees(&way);
        assert_eq!(reader.run(TOTALS).unwrap(), before);
    }
    reader.run("COMMIT").unwrap();
    assert_ne!(reader.run(TOTALS).unwrap(), before);
}

#[test]
fn a_view_in_use_is_waited_for() {
    let (_source, way) = stage("waits", SECTIONS);
    edition(&way);
    let mut reader = way.target.session().unwrap();
    reader.run("BEGIN; SELECT count(*) FROM reports.events").unwrap();
    way.configure(&SECTIONS.replace("week = \"date_trunc('week'", "week = \"date_trunc('month'"));
    let run = way.start();
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                 AND application_name LIKE 'levada%' AND wait_event_type = 'Lock'";
    wait_for("levada to wait", PATIENCE, || Ok(way.target.psql(waits)? != "0")).unwrap();
    assert_eq!(reader.run("SELECT count(*) FROM reports.events").unwrap(), "200");
    reader.run("COMMIT").unwrap();
    assert!(run.wait_with_output().unwrap().status.success());
    let first = "SELECT bool_and(extract(day FROM week) = 1) FROM reports.events";
    assert_eq!(way.target.psql(first).unwrap(), "t");
}

#[test]
fn an_owner_without_other_rights_can_have_them_all() {
    let source = cluster().create_database("enrich_owner_source").unwrap();
    source.execute(SOURCE).unwrap();
    let admin = cluster().database("postgres");
    admin.execute("CREATE ROLE enrich_owner LOGIN").unwrap();
    admin.execute("CREATE DATABASE enrich_owned OWNER enrich_owner").unwrap();
    let url = cluster().database("enrich_owned").url().replace("postgres@", "enrich_owner@");
    let way = Way::new("enrich-owner", source.url(), &Database::at(url));
    way.folder.write("ranking.sql", include_str!("ranking.sql"));
    way.configure(SECTIONS);
    edition(&way);
    assert_agrees(&way);
    source.execute("ALTER TABLE event ALTER id TYPE int8; DELETE FROM event WHERE id < 5").unwrap();
    edition(&way);
    assert_agrees(&way);
    levada(&["run", "--replace", "--config", &way.config()]).expect_code(0);
    assert_agrees(&way);
}
