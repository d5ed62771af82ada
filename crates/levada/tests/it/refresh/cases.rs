//! What a history can contain: each script beside this file is one family, played against a target
//! of a superuser and against one whose owner has no right but to own it.

use super::{play, stage};
use crate::support::{assert_equal, assert_same_content};

#[test]
fn swapped_and_taken_over_unique_values() {
    play("unique", include_str!("unique_values.sql"), &[]);
}

#[test]
fn self_referencing_cyclic_and_cascading_foreign_keys() {
    play("foreign_keys", include_str!("foreign_keys.sql"), &[]);
}

#[test]
fn rows_that_move_between_partitions() {
    play("partitions", include_str!("partitions.sql"), &["public.part_detail_all"]);
}

/// An enum's value is hashed by its object id: the same row stands in another partition of the
/// target, so what is compared is the whole.
#[test]
fn partitions_by_the_hash_of_an_enum() {
    let (source, way) = stage("enum_hash", "SELECT 1");
    let whole = "SELECT string_agg(f::text, ' ' ORDER BY f::text) FROM felt AS f UNION ALL \
                 SELECT string_agg(f::text, ' ' ORDER BY f::text) FROM felt_keyless AS f";
    for part in include_str!("enum_hash.sql").split("-- edition\n") {
        source.execute(part).unwrap();
        way.edition();
        assert_eq!(way.target.psql(whole).unwrap(), source.psql(whole).unwrap(), "{part}");
    }
    assert_eq!(way.edition().changes(), [0, 0, 0]);
}

#[test]
fn keys_that_change_and_come_back_identity_generated_and_deferrable() {
    play("keys", include_str!("keys.sql"), &[]);
}

#[test]
fn tables_without_keys_rows_or_columns() {
    let by_digest = [
        "public.words",
        "public.empty_keyless",
        "public.no_columns",
        "public.no_columns_left",
        "public.no_columns_no_rows",
        "public.no_columns_child",
        "public.only_generated",
        "public.nullable_key",
        "public.wide_rows",
    ];
    play("keyless", include_str!("keyless.sql"), &by_digest);
}

#[test]
fn values_that_compare_as_equal_and_are_not() {
    play("spellings", include_str!("spellings.sql"), &["public.by_domain"]);
}

/// Buckets of respelled keys hold as many keys as before, and yet others.
#[test]
fn keys_change_their_spelling_while_others_go() {
    let (source, way) = stage("respelled", include_str!("respelled.sql"));
    way.edition();
    for digits in [2, 3] {
        let respelled = format!(
            "UPDATE price SET amount = to_jsonb((amount::text::numeric)::numeric(10, {digits}))"
        );
        source.execute(&respelled).unwrap();
        source.execute(&format!("DELETE FROM price WHERE id % 7 = {digits}")).unwrap();
        way.edition();
        assert_equal(&source, &way.target);
    }
}

#[test]
fn children_by_inheritance() {
    play("inheritance", include_str!("inheritance.sql"), &["public.guests"]);
}

#[test]
fn truncated_unlogged_and_wide_tables() {
    play("rewritten", include_str!("rewritten.sql"), &[]);
}

#[test]
fn a_rewritten_table_has_not_changed() {
    let (source, way) =
        stage("vacuum_full", include_str!("rewritten.sql").split("-- ed").next().unwrap());
    way.edition();
    source
        .execute(
            "VACUUM FULL; CLUSTER plain USING plain_pkey; \
                    ALTER TABLE plain SET WITHOUT CLUSTER; VACUUM FREEZE",
        )
        .unwrap();
    let report = way.edition();
    assert_eq!((report.changes(), report.exceptions().len()), ([0, 0, 0], 0), "{report:?}");
    source.execute("VACUUM FULL plain; UPDATE plain SET v = 'x' WHERE id = 7").unwrap();
    assert_eq!(way.edition().changes(), [0, 1, 0]);
    assert_equal(&source, &way.target);
}

#[test]
fn a_table_without_changes_is_not_written() {
    let (source, way) = stage("untouched", "SELECT 1");
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fixtures/library.sql");
    source.load_file(fixture.as_ref(), &[("n", "2000")]).unwrap();
    way.edition();
    let place = |table: &str| {
        format!("SELECT md5(string_agg(concat(ctid, xmin), ',' ORDER BY ctid)) FROM {table}")
    };
    let places = ["book", "visit_old", "keyless"].map(place).join(" UNION ALL ");
    let before = way.target.psql(&places).unwrap();
    source.execute("UPDATE loan SET note = NULL WHERE id % 100 = 1").unwrap();
    source.execute("DELETE FROM loan WHERE id % 100 = 2").unwrap();
    source.execute("UPDATE member SET state = 'closed' WHERE id = 2").unwrap();
    let report = way.edition();
    assert_eq!(report.changes(), [0, 21, 20], "{report:?}");
    assert_eq!(report.changes_of("public.loan"), [0, 20, 20]);
    assert_eq!(report.changes_of("public.member"), [0, 1, 0]);
    assert_eq!(way.target.psql(&places).unwrap(), before);
    assert_same_content(&source, &way.target);
    // Rows whose bytes are as they were are read again and not written.
    source.execute("UPDATE book SET pages = pages").unwrap();
    assert_eq!(way.edition().changes(), [0, 0, 0]);
    assert_eq!(way.target.psql(&places).unwrap(), before);
}

#[test]
fn large_objects_sequences_and_materialised_views() {
    let (source, way) = stage("objects", include_str!("objects.sql"));
    let step = |sql: &str| {
        source.execute(sql).unwrap();
        let report = way.edition();
        assert_equal(&source, &way.target);
        report
    };
    step("SELECT 1");
    step("SELECT lo_from_bytea(902, 'new'); SELECT lo_put(900, 5, 'changed')");
    step(
        "SELECT lo_unlink(901); SELECT lo_from_bytea(903, ''); SELECT lo_truncate(lo_open(900, \
          131072), 3)",
    );
    step("SELECT nextval('free') FROM generate_series(1, 5); SELECT setval('unused', 77, false)");
    step(
        "SELECT setval('free', 3); SELECT setval('downwards', -50); ALTER TABLE item ALTER id \
          RESTART WITH 5000",
    );
    step("INSERT INTO item (v) SELECT 'x' FROM generate_series(1, 9); SELECT refresh_all()");
    step("DELETE FROM item WHERE id % 3 = 0; SELECT refresh_all()");
    let before = way.target.psql("SELECT md5(string_agg(ctid::text, '')) FROM keyed").unwrap();
    step("UPDATE untouched SET v = v + 1");
    let after = way.target.psql("SELECT md5(string_agg(ctid::text, '')) FROM keyed").unwrap();
    assert_eq!(before, after);
    let ids = "SELECT lo_unlink(oid) FROM pg_largeobject_metadata";
    assert_eq!(step(ids).changes(), [0, 0, 0]);
}

#[test]
fn large_objects_of_readers_stay() {
    let (source, way) = stage("others_objects", include_str!("objects.sql"));
    way.edition();
    way.target.execute("SELECT lo_from_bytea(4242, 'mine')").unwrap();
    source.execute("SELECT lo_from_bytea(904, 'new')").unwrap();
    way.edition();
    assert_eq!(
        way.target.psql("SELECT lo_get(4242) = 'mine', lo_get(904) = 'new'").unwrap(),
        "t|t"
    );
    // Its place is taken: nothing of the reader's is overwritten.
    source.execute("SELECT lo_from_bytea(4242, 'theirs')").unwrap();
    way.run().expect_code(2);
    assert_eq!(
        way.target.psql("SELECT lo_get(4242) = 'mine', lo_get(904) = 'new'").unwrap(),
        "t|t"
    );
    way.target.execute("SELECT lo_unlink(4242)").unwrap();
    way.edition();
    assert_same_content(&source, &way.target);
}

#[test]
fn validated_foreign_keys_stay_validated() {
    let (source, way) =
        stage("validated", include_str!("foreign_keys.sql").split("-- ed").next().unwrap());
    let owned = super::Way::new("validated-owned", source.url(), &super::owned_target("validated"));
    for way in [&way, &owned] {
        way.configure("[copy]\nforeign_keys = \"validate\"\n");
        way.edition();
    }
    source.execute("UPDATE node SET label = label || '!'; DELETE FROM badge WHERE id = 7").unwrap();
    let valid = "SELECT string_agg(conname, ' ') FROM pg_constraint WHERE NOT convalidated";
    for way in [&way, &owned] {
        way.edition();
        assert_equal(&source, &way.target);
        assert_eq!(way.target.psql(valid).unwrap(), "", "{}", way.target.url());
    }
}
