//! Random tables and random single changes: each is found under its key and column, and what was
//! not changed is equal.

use testkit::{Database, Dice};

use crate::support::pair;

use super::{comparison, verify};

/// Types, and an expression that makes another value of each number.
const KINDS: &[(&str, &str)] = &[
    ("int", "n"),
    ("bigint", "n::bigint << 32"),
    ("smallint", "n % 30000"),
    ("text", "'text ' || n"),
    ("varchar(20)", "'word ' || n"),
    ("char(12)", "'c' || n"),
    ("numeric", "n / 8.0"),
    ("float8", "n / 3.0::float8"),
    ("float4", "(n % 100000)::float4"),
    ("timestamptz", "timestamptz '2024-01-01 00:00+00' + n * interval '1 second'"),
    ("date", "date '2024-01-01' + n % 100000"),
    ("interval", "n * interval '1 minute'"),
    ("uuid", "md5(n::text)::uuid"),
    ("bytea", "decode(md5(n::text), 'hex')"),
    ("jsonb", "jsonb_build_object('n', n)"),
    ("int[]", "array[n, 1]"),
    ("inet", "inet '10.0.0.0' + n % 100000"),
];

/// A table of random shape.
struct Shape {
    name: String,
    /// Names and kinds; the first ones are the key.
    columns: Vec<(String, usize)>,
    keys: usize,
    rows: u64,
}

impl Shape {
    fn throw(number: usize, dice: &mut Dice) -> Self {
        let count = dice.between(1, 6) as usize;
        let columns = (0..count).map(|at| {
            // Keys are made of what is different for each number.
            let kind = if at == 0 { dice.below(4) as usize % 2 } else { dice.below(17) as usize };
            (format!("c{at}"), kind)
        });
        let columns: Vec<_> = columns.collect();
        let keys = dice.below(1 + count.min(3) as u64) as usize;
        Self { name: format!("t{number}"), columns, keys, rows: dice.between(1, 400) }
    }

    fn create(&self) -> String {
        let columns = self.columns.iter().map(|(name, kind)| format!("{name} {}", KINDS[*kind].0));
        let mut parts: Vec<String> = columns.collect();
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| name.as_str()).collect();
        if self.keys > 0 {
            parts.push(format!("primary key ({})", names[..self.keys].join(", ")));
        }
        let values = self.columns.iter().map(|(_, kind)| KINDS[*kind].1);
        let values: Vec<&str> = values.collect();
        let (name, rows) = (&self.name, self.rows);
        format!(
            "create table {name} ({}); \
             insert into {name} select {} from generate_series(1, {rows}) n; ",
            parts.join(", "),
            values.join(", ")
        )
    }

    /// Changes one cell; returns what `verify` is to say of the table.
    fn change(&self, dice: &mut Dice, target: &Database) -> String {
        let row = dice.between(1, self.rows);
        let at = dice.below(self.columns.len() as u64) as usize;
        let (column, kind) = &self.columns[at];
        let (first, first_kind) = &self.columns[0];
        let value = |kind: usize, n: u64| {
            format!("(select {} from (values ({n}::int)) v(n))", KINDS[kind].1)
        };
        let other = dice.between(1000, 9000);
        let name = &self.name;
        let changed = if at >= self.keys && at > 0 && dice.chance(30) {
            "null".to_owned()
        } else {
            value(*kind, other)
        };
        let place = value(*first_kind, row);
        target
            .execute(&format!("update {name} set {column} = {changed} where {first} = {place}"))
            .unwrap();
        match (self.keys, at) {
            (0, _) => format!("{name} 1 1 0"),
            (keys, at) if at < keys => format!("{name} 1 1 0"),
            _ => format!("{name} 0 0 1 {column}"),
        }
    }
}

#[test]
fn every_change_is_found() {
    let mut dice = Dice::from_env_or(20_261_121);
    let shapes: Vec<Shape> = (0..60).map(|number| Shape::throw(number, &mut dice)).collect();
    let sql: String = shapes.iter().map(Shape::create).collect();
    let (source, target) = pair("verify_random", &sql);
    target.execute(&sql).unwrap();
    verify(&source, &target, &[]).expect_code(0);
    for _ in 0..3 {
        let mut expected = Vec::new();
        for shape in &shapes {
            expected.push(match dice.chance(70) {
                true => shape.change(&mut dice, &target),
                false => format!("{} 0 0 0", shape.name),
            });
        }
        expected.sort();
        let ran = verify(&source, &target, &["--json"]).expect_code(1);
        let tables = comparison(&ran)["tables"].as_array().unwrap().clone();
        let mut found: Vec<String> = tables
            .iter()
            .map(|table| {
                let word = |name: &str| table[name].to_string().replace('"', "");
                let counts = ["name", "missing", "extra", "changed"].map(word).join(" ");
                let columns = table["columns"].as_object().unwrap().keys();
                columns.fold(counts, |line, column| format!("{line} {column}"))
            })
            .collect();
        found.sort();
        assert_eq!(found, expected, "seed {}", dice.seed());
        let drop: String =
            shapes.iter().map(|shape| format!("drop table {}; ", shape.name)).collect();
        target.execute(&(drop + &sql)).unwrap();
    }
}
