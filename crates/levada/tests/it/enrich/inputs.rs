//! What a filled table reads: it is computed again when that has changed or cannot be known, and
//! only then.

use testkit::Database;

use super::{edition, stage};
use crate::refresh::Way;

const MORE: &str = include_str!("more.sql");

/// Filled tables, by what they read.
const QUERIES: [(&str, &str); 12] = [
    ("of_event", "SELECT date_trunc('day', at) AS day, count(*) AS n FROM event GROUP BY 1"),
    ("of_views", "SELECT n FROM louder"),
    ("of_part", "SELECT count(*) AS n FROM part"),
    ("of_part_1", "SELECT count(*) AS n FROM part_1"),
    ("of_parent", "SELECT count(*) AS n FROM parent"),
    ("of_kept", "SELECT n FROM kept"),
    ("of_inner", "SELECT (SELECT max(id) FROM adviser) AS n, EXISTS (SELECT FROM loud) AS e"),
    ("of_clock", "SELECT count(*) AS n FROM adviser WHERE now() > '2020-01-01'"),
    ("of_date", "SELECT current_date AS day"),
    ("of_function", "SELECT outer_count() AS n"),
    ("of_catalogue", "SELECT count(*) AS n FROM pg_class"),
    ("of_theirs", "SELECT count(*) AS n FROM mine.notes"),
];

fn sections() -> String {
    let section = |(name, query): &(&str, &str)| {
        format!("[[enrich]]\nname = \"{name}\"\nmaterialized = \"{query}\"\n")
    };
    QUERIES.iter().map(section).collect()
}

/// The transactions that filled each.
fn filled(way: &Way) -> Vec<String> {
    let of = |name: &str| format!("SELECT min(xmin::text) FROM reports.{name}");
    QUERIES.iter().map(|(name, _)| way.target.psql(&of(name)).unwrap()).collect()
}

/// What is filled again by an edition after these statements.
#[track_caller]
fn filled_after(source: &Database, way: &Way, sql: &str) -> String {
    let before = filled(way);
    source.execute(sql).unwrap();
    edition(way);
    let after = filled(way);
    for (name, query) in QUERIES.iter().filter(|(name, _)| !name.contains("catalogue")) {
        let query = format!(
            "SET search_path = public; SELECT count(*) FROM (({query}) EXCEPT ALL \
             TABLE reports.{name}) AS d"
        );
        assert_eq!(way.target.psql(&query).unwrap(), "0", "{name} is not what its query says");
    }
    let both = QUERIES.iter().zip(before.iter().zip(&after));
    let again = both.filter(|(_, (before, after))| before != after).map(|((name, _), _)| *name);
    again.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_table_is_filled_again_when_what_it_reads_may_have_changed() {
    let always = "of_clock of_date of_function of_catalogue of_theirs";
    let (source, way) = stage("inputs", "");
    source.execute(MORE).unwrap();
    edition(&way);
    way.target.execute("CREATE SCHEMA mine; CREATE TABLE mine.notes (n int)").unwrap();
    way.configure(&sections());
    edition(&way);
    let after = |sql: &str, wanted: &str| {
        let wanted = format!("{wanted} {always}");
        assert_eq!(filled_after(&source, &way, sql), wanted.trim(), "{sql}");
    };
    after("SELECT 1", "");
    after("UPDATE event SET mood = 'calm' WHERE id = 7", "of_event of_views of_inner");
    after("INSERT INTO part VALUES (20, 2)", "of_part");
    after("INSERT INTO part VALUES (21, 1)", "of_part of_part_1");
    after("INSERT INTO child VALUES (2)", "of_parent");
    after("INSERT INTO other VALUES (1); REFRESH MATERIALIZED VIEW kept", "of_kept");
    after("DELETE FROM adviser WHERE id = 9", "of_inner");
    // With other definitions anything may mean something else.
    let all = "of_event of_views of_part of_part_1 of_parent of_kept of_inner";
    after("CREATE OR REPLACE VIEW loud AS SELECT id FROM event WHERE mood = 'calm'", all);
    after("ALTER TABLE part ALTER id TYPE int8", all);
    after("SELECT 1", "");
}

/// Nobody looked while it was not declared.
#[test]
fn a_table_that_is_declared_again_is_filled_again() {
    let one = "[[enrich]]\nname = \"n\"\nmaterialized = \"SELECT count(*) AS n FROM event\"\n";
    let (source, way) = stage("again", one);
    edition(&way);
    way.configure("");
    source.execute("DELETE FROM event WHERE id < 11").unwrap();
    let ran = way.run().expect_code(1);
    assert!(ran.stdout.contains("reports.n is not declared any more"), "{}", ran.stdout);
    way.configure(one);
    edition(&way);
    assert_eq!(way.target.psql("SELECT n FROM reports.n").unwrap(), "190");
    // A failed run in between is no edition.
    source.execute("DELETE FROM event WHERE id < 21").unwrap();
    way.configure(&format!("{one}[[enrich]]\nname = \"m\"\nview = \"SELECT nothing\"\n"));
    way.run().expect_code(2);
    assert_eq!(way.target.psql("SELECT n FROM reports.n").unwrap(), "190");
    way.configure(one);
    edition(&way);
    assert_eq!(way.target.psql("SELECT n FROM reports.n").unwrap(), "180");
}

#[test]
fn types_of_the_edition_do_not_stay_in_filled_tables() {
    let query = "SELECT id, mood, ARRAY[mood] AS moods, small, at FROM typed";
    let one = format!("[[enrich]]\nname = \"t\"\nmaterialized = \"{query}\"\nkey = [\"id\"]\n");
    let (source, way) = stage("types", "");
    source
        .execute(
            "CREATE DOMAIN small AS numeric(5,2); CREATE TABLE typed (id int, mood mood, \
             small small, at timestamptz(3)); INSERT INTO typed VALUES (1, 'loud', 1.25, now())",
        )
        .unwrap();
    way.configure(&one);
    edition(&way);
    let types = "SELECT string_agg(format_type(atttypid, atttypmod), ' ' ORDER BY attnum) \
                 FROM pg_attribute WHERE attrelid = 'reports.t'::regclass AND attnum > 0";
    let wanted = "integer text text[] numeric(5,2) timestamp(3) with time zone";
    assert_eq!(way.target.psql(types).unwrap(), wanted);
    let seen = way.target.psql("SELECT mood, moods, small FROM reports.t").unwrap();
    assert_eq!(seen, "loud|{loud}|1.25");
    // A view of readers stays when the table becomes another one.
    way.target
        .execute("CREATE SCHEMA mine; CREATE VIEW mine.t AS SELECT id FROM reports.t")
        .unwrap();
    way.configure(&one.replace("small, at", "small::text, id AS more"));
    edition(&way);
    assert_eq!(way.target.psql(types).unwrap(), "integer text text[] text integer");
    assert_eq!(way.target.psql("SELECT * FROM mine.t").unwrap(), "1");
}
