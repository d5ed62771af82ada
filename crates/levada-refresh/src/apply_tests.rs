//! The statements of `apply`, as text.

use copy::{Deletes, Format, Mode};

use super::*;
use crate::unit::{Facts, Method};

fn unit(key: &[&str], fixed: &[&str]) -> Unit {
    let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    Unit {
        name: Name::new("public", "loan"),
        parts: Vec::new(),
        is_routed: false,
        columns: texts(&["id", "note"]),
        definitions: Vec::new(),
        mode: Mode::Refresh,
        filter: None,
        deletes: Deletes::Mirror,
        format: Format::Binary,
        bytes: 0,
        is_heap: true,
        method: Method::Changes,
        base_rows: Some(0),
        facts: Facts {
            key: texts(key),
            is_arbiter: !key.is_empty(),
            has_other_keys: false,
            fixed_columns: texts(fixed),
        },
        is_late: false,
        beside: None,
    }
}

fn staging() -> Name {
    Name::new("levada", "stage_rows_0")
}

#[test]
fn an_upsert_goes_in_key_order_and_writes_only_what_differs() {
    let sql = upsert(&unit(&["id"], &[]), &staging()).unwrap();
    let parts = [
        r#"INTO "public"."loan" AS t ("id", "note") OVERRIDING SYSTEM VALUE SELECT "id", "note""#,
        r#"FROM "levada"."stage_rows_0" AS s ORDER BY "id" ON CONFLICT ("id") DO UPDATE SET"#,
        r#""id" = excluded."id", "note" = excluded."note""#,
        "WHERE t.* OPERATOR(pg_catalog.*<>) excluded.*",
    ];
    for part in parts {
        assert!(sql.contains(part), "no {part} in {sql}");
    }
}

#[test]
fn identities_that_are_always_generated_are_never_set() {
    let sql = upsert(&unit(&["id"], &["id"]), &staging()).unwrap();
    assert!(sql.contains("DO UPDATE SET \"note\" = excluded.\"note\" WHERE"), "{sql}");
    assert_eq!(upsert(&unit(&["id"], &["note"]), &staging()), None);
    assert_eq!(upsert(&unit(&[], &[]), &staging()), None);
}
