//! What becomes of enrichments when production changes its definitions.

use super::{SECTIONS, assert_agrees, edition, stage};

const READERS: &str = include_str!("readers.sql");
/// How the view of the readers does, and which columns ours has.
const SEEN: &str = include_str!("seen.sql");
const ADDS_COLUMNS: &str = include_str!("adds_columns.sql");

#[test]
fn views_follow_the_columns_of_their_table() {
    let (source, way) = stage("drift", SECTIONS);
    edition(&way);
    way.target.execute(READERS).unwrap();
    let seen = |columns: &str| {
        assert_agrees(&way);
        let wanted = format!("200|all of them|t|{columns}");
        assert_eq!(way.target.psql(SEEN).unwrap(), wanted);
    };
    seen("id at adviser mood note extra agency week");
    source.execute("ALTER TABLE event ADD COLUMN more int").unwrap();
    edition(&way);
    seen("id at adviser mood note extra more agency week");
    // The table is loaded anew, and its indexes with it.
    source.execute("ALTER TABLE event ALTER id TYPE int8, ALTER adviser TYPE int8").unwrap();
    edition(&way);
    seen("id at adviser mood note extra more agency week");
    let wide = "SELECT format_type(atttypid, -1) FROM pg_attribute \
                WHERE attrelid = 'reports.events'::regclass AND attname = 'id'";
    assert_eq!(way.target.psql(wide).unwrap(), "bigint");
    source
        .execute(
            "ALTER TABLE event DROP COLUMN more; ALTER TABLE event RENAME COLUMN note \
                    TO remark; ALTER TABLE event ADD COLUMN note text; UPDATE event SET note = id",
        )
        .unwrap();
    edition(&way);
    seen("id at adviser mood remark extra note agency week");
}

#[test]
fn a_column_that_is_needed_and_gone_stops_the_edition() {
    let (source, way) = stage("gone", SECTIONS);
    edition(&way);
    let state = "SELECT (SELECT max(number) FROM levada.edition WHERE state = 'published'), \
                 (SELECT count(*) FROM event), (SELECT count(*) FROM reports.events)";
    let before = way.target.psql(state).unwrap();
    source.execute("ALTER TABLE event DROP COLUMN mood; DELETE FROM event WHERE id < 9").unwrap();
    way.run().expect_code(2).expect_stderr("enrichment days (view) failed");
    assert_eq!(way.target.psql(state).unwrap(), before);
    assert_agrees(&way);
    // Whoever corrects the configuration has the edition, and the column is gone.
    way.configure(&SECTIONS.replace(", mood FROM event", ", 'calm'::text AS mood FROM event"));
    edition(&way);
    assert_eq!(way.target.psql("SELECT sum(events) FROM reports.totals").unwrap(), "192");
}

#[test]
fn a_script_that_adds_a_column_may_run_every_night() {
    let section = "[[enrich]]\nname = \"flags\"\nsql = \"flags.sql\"\n";
    let (source, way) = stage("flags", section);
    way.folder.write("flags.sql", ADDS_COLUMNS);
    let columns = "SELECT string_agg(attrelid::regclass || '.' || attname, ' ' ORDER BY attrelid, \
                   attnum) FROM pg_attribute WHERE attname LIKE 'is\\_%' AND attrelid IN \
                   ('event'::regclass, 'reports.flags'::regclass)";
    for night in 0..5 {
        source.execute(&format!("UPDATE event SET note = 'night {night}' WHERE id = 5")).unwrap();
        edition(&way);
        assert_eq!(way.target.psql(columns).unwrap(), "event.is_seen reports.flags.is_loud");
        let note = way.target.psql("SELECT note, is_seen FROM event WHERE id = 5").unwrap();
        assert_eq!(note, format!("night {night}|t"));
    }
}
