//! Values that a type may call equal and that are not, and values that are equal however they came
//! to be.

use crate::support::pair;

use super::{comparison, told, verify};

/// Type, and two values of it that differ in what is stored.
const DIFFERENT: &[(&str, &str, &str)] = &[
    ("int", "1", "2"),
    ("smallint", "1", "-1"),
    // 64-bit integers whose halves fold into the same hash.
    ("bigint", "1", "4294967296"),
    ("bigint", "-1", "4294967295"),
    ("timestamp", "'2000-01-01 00:00:00.000001'", "'2000-01-01 01:11:34.967296'"),
    ("timestamptz", "'2000-01-01 00:00:00.000001+00'", "'2000-01-01 01:11:34.967296+00'"),
    ("time", "'00:00:00.000001'", "'01:11:34.967296'"),
    ("numeric", "1.10", "1.1"),
    ("numeric", "0", "0.00"),
    ("numeric", "'NaN'", "null"),
    ("float8", "'0'", "'-0'"),
    ("float4", "'0'", "'-0'"),
    ("float8", "0.1::float8 + 0.2::float8", "0.3::float8"),
    ("float8", "'NaN'", "'Infinity'"),
    ("interval", "'1 day'", "'24 hours'"),
    ("interval", "'1 month'", "'30 days'"),
    ("timetz", "'12:00+00'", "'13:00+01'"),
    ("date", "'infinity'", "'2024-01-01'"),
    ("bool", "true", "false"),
    ("text", "''", "null"),
    ("text", "'a'", "'a '"),
    ("text", "'é'", "E'e\\u0301'"),
    ("varchar(9)", "'a'", "'A'"),
    ("bpchar", "'a'", "'a '"),
    ("char(4)", "'a'", "'b'"),
    ("\"char\"", "'a'", "'b'"),
    ("name", "'a'", "'b'"),
    ("bytea", "'\\x00'", "'\\x0000'"),
    ("uuid", "'00000000-0000-0000-0000-000000000001'", "null"),
    ("json", "'{\"a\":1}'", "'{\"a\": 1}'"),
    ("jsonb", "'1.0'", "'1'"),
    ("jsonb", "'{\"a\": [1.0]}'", "'{\"a\": [1.00]}'"),
    ("jsonb", "'null'", "null"),
    ("xml", "'<a/>'", "'<a></a>'"),
    ("inet", "'10.0.0.1/8'", "'10.0.0.1'"),
    ("cidr", "'10.0.0.0/8'", "'10.0.0.0/9'"),
    ("bit varying", "'01'", "'010'"),
    ("money", "'1.00'", "'1.01'"),
    ("point", "'(0,0)'", "'(-0,0)'"),
    ("tsvector", "'a:1'", "'a'"),
    ("int[]", "'{1}'", "'[0:0]={1}'"),
    ("int[]", "'{}'", "'{null}'"),
    ("text[]", "'{\"\"}'", "'{null}'"),
    ("text[]", "'{a,b}'", "'{\"a,b\"}'"),
    ("numeric[]", "'{1.10}'", "'{1.1}'"),
    ("float8[]", "'{0}'", "'{-0}'"),
    ("bpchar[]", "'{a}'", "'{\"a \"}'"),
    ("numrange", "'[1.0,2)'", "'[1,2)'"),
    ("int4multirange", "'{[1,2)}'", "'{}'"),
    ("mood", "'sad'", "'happy'"),
    ("mood[]", "'{sad}'", "'{happy}'"),
    ("moody", "'sad'", "'happy'"),
    ("amount", "1.10", "1.1"),
    ("label", "'a'", "'a '"),
    ("place", "row('a', 1.10, '{0}')", "row('a', 1.1, '{0}')"),
    ("place", "row('a', 1, '{0}')", "row('a', 1, '{-0}')"),
    ("place", "row('', null, null)", "row(null, null, null)"),
    ("place[]", "array[row('a', 1.10, null)::place]", "array[row('a', 1.1, null)::place]"),
    ("citext", "'a'", "'A'"),
    ("hstore", "'a=>1'", "'a=>NULL'"),
    ("regclass", "'pg_class'", "'pg_type'"),
    ("oid", "1", "2"),
    ("vague", "row(1)", "row(2)"),
];

/// Type, and two spellings of one value.
const EQUAL: &[(&str, &str, &str)] = &[
    ("float8", "'NaN'", "'-Infinity'::float8 + 'Infinity'"),
    ("float4", "'NaN'", "'-Infinity'::float4 + 'Infinity'::float4"),
    ("numeric", "1.10", "1.1 + 0.00"),
    ("numeric(9,2)", "1.1", "1.10"),
    ("jsonb", "'{\"a\":1,\"b\":2}'", "'{\"b\":2, \"a\":1}'"),
    ("timestamptz", "'2024-07-01 12:00+02'", "'2024-07-01 10:00+00'"),
    ("interval", "'1 year 2 mons'", "'14 mons'"),
    ("char(4)", "'a'", "'a '"),
    ("mood", "'happy'", "'happy'"),
    ("mood[]", "'{happy,sad}'", "'{happy,sad}'"),
    ("regclass", "'t0'", "'t0'"),
    ("place", "row('happy', 1, '{}')", "row('happy', 1.0::int, '{}')"),
    ("hstore", "'a=>1, b=>2'", "'b=>2, a=>1'"),
];

/// What the types are made of, with an enum of these labels.
fn types(labels: &str) -> String {
    include_str!("types.sql").replace("@labels@", labels)
}

/// A table for each type; the row 2 has the value on this side.
fn tables<'a>(values: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let tables = values.enumerate().map(|(n, (kind, value))| {
        format!(
            "create table t{n} (id int primary key, v {kind}, w int); \
             insert into t{n} values (1, null, 1), (2, {value}, 2), (3, null, 3);\n"
        )
    });
    tables.collect()
}

#[test]
fn what_is_stored_differently_differs() {
    let left = DIFFERENT.iter().map(|(kind, left, _)| (*kind, *left));
    let right = DIFFERENT.iter().map(|(kind, _, right)| (*kind, *right));
    let sql = types("'sad', 'happy'") + &tables(left);
    let (source, target) = pair("verify_different", &sql);
    target.execute(&(types("'happy', 'sad'") + &tables(right))).unwrap();
    let ran = verify(&source, &target, &["--json"]).expect_code(1);
    let told = told(&ran);
    assert_eq!(told.len(), DIFFERENT.len());
    for (n, (kind, left, right)) in DIFFERENT.iter().enumerate() {
        let line = format!("t{n} differs 0 0 1 v");
        assert!(told.contains(&line), "{kind}: {left} and {right}: {told:#?}");
    }
    for table in comparison(&ran)["tables"].as_array().unwrap() {
        assert_eq!(table["changed_rows"][0]["key"][0], "2");
    }
    // Also in rows without a key.
    let keyless: String =
        (0..DIFFERENT.len()).map(|n| format!("alter table t{n} drop id, drop w; ")).collect();
    for database in [&source, &target] {
        database.execute(&keyless).unwrap();
    }
    let ran = verify(&source, &target, &["--json"]).expect_code(1);
    let missed: Vec<String> =
        super::told(&ran).into_iter().filter(|line| !line.ends_with(" differs 1 1 0")).collect();
    assert_eq!(missed, Vec::<String>::new());
}

#[test]
fn what_is_one_value_is_equal() {
    let left = EQUAL.iter().map(|(kind, left, _)| (*kind, *left));
    let right = EQUAL.iter().map(|(kind, _, right)| (*kind, *right));
    let (source, target) = pair("verify_equal", &(types("'sad', 'happy'") + &tables(left)));
    // Other object ids, labels in another order, and another zone.
    let target_sql = "create type earlier as enum ('x', 'y'); \
                      alter database verify_equal_target set timezone = 'Asia/Kathmandu'; ";
    let sql = target_sql.to_owned() + &types("'happy', 'other', 'sad'") + &tables(right);
    target.execute(&sql).unwrap();
    let ran = verify(&source, &target, &["--json"]);
    let different = told(&ran).into_iter().filter(|line| !line.contains("equal"));
    assert_eq!(different.collect::<Vec<_>>(), Vec::<String>::new());
    ran.expect_code(0);
}
