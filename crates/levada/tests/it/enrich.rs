//! Enrichments through the real binary: made, kept up, left alone where nothing changed, and never
//! published half.

mod drift;
mod inputs;
mod readers;
mod refusals;

use testkit::Database;

use crate::refresh::Way;
use crate::support::levada;

const SOURCE: &str = include_str!("enrich/source.sql");
const SECTIONS: &str = include_str!("enrich/sections.toml");
const AGREE: &str = include_str!("enrich/agree.sql");

/// A source with events, and a target that is enriched as `sections` say.
fn stage(name: &str, sections: &str) -> (Database, Way) {
    let (source, target) = crate::support::pair(&format!("enrich_{name}"), SOURCE);
    let way = Way::new(&format!("enrich-{name}"), source.url(), &target);
    way.folder.write("ranking.sql", include_str!("enrich/ranking.sql"));
    way.configure(sections);
    (source, way)
}

#[track_caller]
fn assert_agrees(way: &Way) {
    assert_eq!(way.target.psql(AGREE).unwrap(), "t|t|t|t|t");
}

#[track_caller]
fn edition(way: &Way) {
    way.run().expect_code(0);
}

/// What tells whether a row, a view or an index was made again.
fn marks(way: &Way) -> Vec<String> {
    let queries = [
        "SELECT md5(string_agg(xmin::text, ',' ORDER BY day, mood)) FROM reports.totals",
        "SELECT max(ran) FROM reports.ranking",
        "SELECT 'reports.days'::regclass::oid",
        "SELECT 'reports.events'::regclass::oid",
        "SELECT string_agg(indexrelid::text, ',' ORDER BY 1) FROM pg_index \
         JOIN pg_class ON oid = indexrelid WHERE relname LIKE 'levada\\_%' \
         AND relnamespace = 'public'::regnamespace",
    ];
    queries.iter().map(|query| way.target.psql(query).unwrap()).collect()
}

#[test]
fn every_kind_is_made_and_follows_its_inputs_alone() {
    let (source, way) = stage("kinds", SECTIONS);
    edition(&way);
    assert_agrees(&way);
    let first = marks(&way);
    source.execute("INSERT INTO other VALUES (1)").unwrap();
    edition(&way);
    assert_eq!(marks(&way), first, "nothing that was read has changed");
    source.execute("UPDATE event SET mood = 'calm', at = at + interval '1 day' WHERE id < 20; \
                    DELETE FROM event WHERE id = 77; INSERT INTO event VALUES (900, now(), 3, 'loud')")
        .unwrap();
    edition(&way);
    assert_agrees(&way);
    let second = marks(&way);
    assert!(second[0] != first[0] && second[1] != first[1], "{first:?} {second:?}");
    assert_eq!(second[2..], first[2..], "views and indexes stay");
    // Values of a unique index of ours that rows exchange.
    source
        .execute(
            "UPDATE event SET note = CASE id WHEN 100 THEN 'note 101' ELSE 'note 100' END \
                  WHERE id IN (100, 101)",
        )
        .unwrap();
    edition(&way);
    let notes = "SELECT string_agg(note, ',' ORDER BY id) FROM event WHERE id IN (100, 101)";
    assert_eq!(way.target.psql(notes).unwrap(), "note 101,note 100");
    let second = [marks(&way)[0].clone(), second[1].clone()];
    way.folder.write("ranking.sql", "-- other\nINSERT INTO ranking SELECT 99, null, 4711");
    edition(&way);
    assert_eq!(marks(&way)[0], second[0]);
    assert_eq!(marks(&way)[1], "4711", "a script whose text is another one runs again");
}

#[test]
fn a_rebuilt_edition_has_them_all() {
    let (source, way) = stage("replace", SECTIONS);
    edition(&way);
    way.target
        .execute(
            "CREATE SCHEMA mine; CREATE VIEW mine.top AS SELECT * FROM reports.days; \
                        CREATE VIEW mine.sums AS SELECT sum(events) AS n FROM reports.totals; \
                        CREATE ROLE enrich_reader; GRANT SELECT ON reports.days TO enrich_reader",
        )
        .unwrap();
    source
        .execute(
            "DELETE FROM event WHERE id > 150; ALTER TABLE event DROP COLUMN note, \
                    ADD COLUMN note text; UPDATE event SET note = id",
        )
        .unwrap();
    levada(&["run", "--replace", "--config", &way.config()]).expect_code(0);
    assert_agrees(&way);
    let seen = "SELECT (SELECT count(*) FROM mine.top), (SELECT n FROM mine.sums), \
                has_table_privilege('enrich_reader', 'reports.days', 'SELECT')";
    assert_eq!(way.target.psql(seen).unwrap(), "150|150|t");
    let before = marks(&way);
    edition(&way);
    assert_eq!(marks(&way), before, "a night without changes does nothing");
}

#[test]
fn what_is_not_declared_any_more_is_named_or_dropped() {
    let (_source, way) = stage("left", SECTIONS);
    edition(&way);
    way.configure("[[enrich]]\nname = \"days\"\nview = \"SELECT 1 AS one\"\n");
    let ran = way.run().expect_code(1);
    for part in ["reports.totals is not declared", "DROP VIEW \"reports\".\"events\""] {
        assert!(ran.stdout.contains(part), "{}", ran.stdout);
    }
    let indexes = "SELECT count(*) FROM pg_class WHERE relname LIKE 'levada\\_%' \
                   AND relnamespace = 'public'::regnamespace";
    assert_eq!(way.target.psql(indexes).unwrap(), "0");
    assert_eq!(way.target.psql("SELECT * FROM reports.days").unwrap(), "1");
    way.target.execute("DROP TABLE reports.totals CASCADE; DROP VIEW reports.events").unwrap();
    way.run().expect_code(0);
}
