//! Enrichments that are refused, before a run or by it; the edition before stays.

use testkit::Database;

use super::{SECTIONS, assert_agrees, edition, stage};
use crate::refresh::Way;
use crate::support::levada;

/// A run with other sections fails, says so, and changes nothing.
#[track_caller]
fn refuse(source: &Database, way: &Way, sections: &str, says: &str) {
    let state = "SELECT (SELECT max(number) FROM levada.edition WHERE state = 'published'), \
                 (SELECT count(*) FROM event), (SELECT string_agg(relname, ' ' ORDER BY relname) \
                 FROM pg_class WHERE relnamespace = 'reports'::regnamespace)";
    let before = way.target.psql(state).unwrap();
    source.execute("INSERT INTO event SELECT max(id) + 1, now(), 1, 'calm' FROM event").unwrap();
    way.configure(&format!("{SECTIONS}\n{sections}"));
    let ran = way.run().expect_code(2);
    assert!(ran.stderr.contains(says), "no {says:?} in:\n{}", ran.stderr);
    assert_eq!(way.target.psql(state).unwrap(), before, "{sections}");
}

fn section(rest: &str) -> String {
    format!("[[enrich]]\nname = \"new\"\n{rest}\n")
}

#[test]
fn a_failing_enrichment_leaves_the_edition_before() {
    let (source, way) = stage("failing", SECTIONS);
    edition(&way);
    let refuse = |rest: &str, says: &str| refuse(&source, &way, &section(rest), says);
    refuse("view = \"SELECT nothing FROM event\"", "enrichment new (view) failed");
    refuse("view = \"SELECT 1 AS a; SELECT 2\"", "enrichment new (view) failed");
    refuse("view = \"SELECT * FROM new\"", "after = [");
    refuse("materialized = \"SELECT 1 / (id - id) AS x FROM event\"", "enrichment new (table)");
    refuse("materialized = \"SELECT adviser FROM event\"\nkey = [\"adviser\"]", "enrichment new");
    refuse("materialized = \"SELECT 1 AS a\"\nkey = [\"b\"]", "no column b");
    refuse("materialized = \"SELECT e FROM event AS e\"", "belongs to the edition");
    refuse(
        "index = { table = \"public.event\", columns = [\"adviser\"], unique = true }",
        "enrichment new (index) failed",
    );
    refuse(
        "[enrich.columns]\nof = \"event\"\na = { from = \"adviser\", match = { code = \"extra\" }, \
         value = \"agency\" }",
        "several rows of public.adviser may match",
    );
    refuse("[enrich.columns]\nof = \"event\"\nnote = \"1\"", "has a column note of its own");
    // What production allows and an index of ours does not.
    way.configure(SECTIONS);
    source.execute("UPDATE event SET note = 'same' WHERE id IN (1, 2)").unwrap();
    way.run().expect_code(2).expect_stderr("levada_note_index_");
    source.execute("UPDATE event SET note = 'other' WHERE id = 1").unwrap();
    edition(&way);
    assert_agrees(&way);
}

#[test]
fn a_script_cannot_publish_by_itself() {
    let (source, way) = stage("commit", SECTIONS);
    edition(&way);
    let refuse = |script: &str, says: &str| {
        way.folder.write("new.sql", script);
        refuse(&source, &way, &section("sql = \"new.sql\""), says);
    };
    let failed = "enrichment new (script) failed";
    for script in [
        "CREATE TABLE half (); COMMIT;",
        "CREATE TABLE half (); ROLLBACK; SELECT 1",
        "CREATE TABLE half (); DO 'BEGIN COMMIT; END'",
        "CREATE TABLE half (); $levada$; END; COMMIT; --",
        "CREATE PROCEDURE ends() LANGUAGE plpgsql AS 'BEGIN COMMIT; END'; CALL ends()",
        "SAVEPOINT s",
        "SELECT 1/0",
    ] {
        refuse(script, failed);
    }
    let says = "'secret of Bob'";
    way.folder.write("new.sql", &format!("DO $$ BEGIN RAISE EXCEPTION {says}; END $$"));
    way.configure(&format!("{SECTIONS}\n{}", section("sql = \"new.sql\"")));
    let ran = way.run().expect_code(2).expect_stderr(failed);
    assert!(!ran.stderr.contains("Bob"), "{}", ran.stderr);
}

#[test]
fn what_reads_something_made_later_is_refused() {
    let (source, way) = stage("later", SECTIONS);
    edition(&way);
    let early = "[[enrich]]\nname = \"early\"\nmaterialized = \"SELECT * FROM reports.days\"\n";
    way.configure(&format!("{early}{SECTIONS}"));
    way.run().expect_code(2).expect_stderr("reads reports.days, which is made after it");
    way.configure(&format!("{}{SECTIONS}", early.replace("\nmat", "\nafter = [\"days\"]\nmat")));
    edition(&way);
    assert_agrees(&way);
    // What somebody else made is never replaced.
    way.target.execute("CREATE VIEW reports.new AS SELECT 1 AS a").unwrap();
    refuse(&source, &way, &section("view = \"SELECT 2 AS a\""), "reports.new exists already");
    assert_eq!(way.target.psql("SELECT a FROM reports.new").unwrap(), "1");
}

#[test]
fn check_explains_and_executes_nothing() {
    let (_source, way) = stage("check", SECTIONS);
    let check = || levada(&["check", "--config", &way.config()]);
    // There is no edition yet: what reads other enrichments cannot be told.
    let ran = check().expect_code(0);
    assert!(ran.stdout.contains("enrichment totals: not checked"), "{}", ran.stdout);
    edition(&way);
    let ran = check().expect_code(0);
    assert!(!ran.stdout.contains("totals"), "{}", ran.stdout);
    let wrong = "[[enrich]]\nname = \"a\"\nview = \"SELECT nothing FROM event\"\n\
         [[enrich]]\nname = \"b\"\nindex = { table = \"event\", expression = \"lower(id)\" }\n\
         [[enrich]]\nname = \"c\"\nsql = \"c.sql\"\n[[enrich]]\nname = \"d\"\nsql = \"d.sql\"\n";
    way.folder.write("c.sql", "CREATE TABLE made (); DROP TABL made;");
    way.folder.write("d.sql", "CREATE TABLE made ()");
    way.configure(&format!("{SECTIONS}{wrong}"));
    let ran = check().expect_code(1);
    for name in ["a", "b", "c"] {
        let part = format!("enrichment {name}: the target refuses its SQL");
        assert!(ran.stdout.contains(&part), "no {part:?} in {}", ran.stdout);
    }
    assert!(ran.stdout.contains("enrichment d: the script was parsed"), "{}", ran.stdout);
    let made = "SELECT count(*) FROM pg_class WHERE relname IN ('made', 'a')";
    assert_eq!(way.target.psql(made).unwrap(), "0");
}

#[test]
fn sections_that_cannot_be_meant_are_refused() {
    let (_source, way) = stage("sections", "");
    let refused = |sections: &str, says: &str| {
        way.configure(sections);
        way.run().expect_code(2).expect_stderr(says);
    };
    refused("[[enrich]]\nname = \"a\"\n", "has to say one thing");
    refused("[[enrich]]\nname = \"a\"\nsql = \"no.sql\"\n", "cannot read no.sql");
    refused("[[enrich]]\nname = \"a\"\nview = \"SELECT 1\"\nafter = [\"b\"]\n", "after names b");
    refused("[[enrich]]\nname = \"a\"\nview = \"SELECT 1\"\nafter = [\"a\"]\n", "in a circle");
    refused(
        "[[enrich]]\nname = \"a\"\nview = \"SELECT at AT TIME ZONE 'UTC+1' FROM event\"\n",
        "time zone 'UTC+1' is refused",
    );
    let twice = "[[enrich]]\nname = \"a\"\nview = \"SELECT 1\"\n";
    refused(&format!("{twice}{twice}"), "the name is taken");
}
