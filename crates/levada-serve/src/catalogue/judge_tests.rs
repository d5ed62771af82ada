//! What sections are refused for, and that a question has one key.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use testkit::Dice;

use crate::catalogue::{Compiled, Fitted, read};
use crate::config::Stat;

fn compiled(text: &str) -> Result<Compiled, String> {
    let stat: Stat = toml::from_str(&format!("name = \"s\"\ntitle = \"S\"\n{text}")).unwrap();
    Compiled::new(&stat, Path::new("."), "reports").map_err(|problem| {
        assert!(problem.hint.is_some(), "no hint: {problem:?}");
        problem.message
    })
}

#[test]
fn sections_that_cannot_be_right_are_refused() {
    let range = "rollups = [\"r\"]\nlast = { default = 7, max = 30 }";
    for (text, expected) in [
        ("rollup = \"r\"\nwindow = \"w\"", "wants one of rollup, window and sql"),
        ("title = \"again\"", "wants one of rollup, window and sql"),
        ("window = \"w\"\nby = [\"a\"]", "by goes with a rollup alone"),
        ("sql = \"SELECT 1\"\nfilter = [\"a\"]", "filter goes with a rollup alone"),
        ("rollup = \"r\"\nrollups = [\"q\"]", "rollups goes with sql alone"),
        ("sql = \"SELECT :n\"", "its query names :n, which is no parameter"),
        ("window = \"w\"\nlast = { default = 7, max = 30 }", "no rollup that says which days"),
        ("rollup = \"r\"\nlast = { default = 31, max = 30 }", "last wants 1 ≤ default ≤ max"),
        ("rollup = \"r\"\nlast = { default = 0, max = 30 }", "last wants 1 ≤ default ≤ max"),
        ("rollup = \"r\"\nlast = { default = 1, max = 3, name = \"to\" }", "cannot be called"),
        ("rollup = \"r\"\nfilter = [\"last\"]\nlast = { default = 1, max = 3 }", "\"last\""),
        ("rollup = \"r\"\nfilter = [\"from\"]", "no parameter can be called \"from\""),
        ("rollup = \"r\"\nfilter = [\"a\", \"a\"]", "parameter a is there twice"),
        (&format!("sql = \"SELECT 1\"\n{range}"), "does not end where the range ends"),
        (&format!("sql = \"SELECT :range_start\"\n{range}"), "does not end where the range ends"),
        (
            &format!("sql = \"SELECT :first_bucket, :range_start, :closed_through\"\n{range}"),
            "does not end where the range ends",
        ),
        ("sql = \"SELECT :range_start\"", "names a range that is not declared"),
        ("sql = \"SELECT :as_of\"\nrollups = [\"r\"]", "buckets that are not complete"),
        ("sql = \"SELECT 1\"\nrollups = [\"r\"]", "buckets that are not complete"),
    ] {
        // Twice the same key is an error of the file, which is not looked at here.
        let text = text.replace("title = \"again\"", "");
        let message = compiled(&text).err().unwrap_or_else(|| panic!("accepted: {text}"));
        assert!(message.contains(expected), "{text}: {message}");
    }
}

#[test]
fn queries_that_end_where_they_should_are_accepted() {
    let range = "rollups = [\"r\"]\nlast = { default = 7, max = 30 }";
    for text in [
        &format!("sql = \"SELECT :range_start, :range_end\"\n{range}"),
        &format!("sql = \"SELECT :last_bucket\"\n{range}"),
        "sql = \"SELECT :closed_through\"\nrollups = [\"r\"]",
        "sql = \"SELECT 1\"",
    ] {
        assert!(compiled(text).is_ok(), "{text}: {:?}", compiled(text).err());
    }
}

/// An answer out of another schema is another answer.
#[test]
fn fingerprints_tell_definitions_and_schemas_apart() {
    let of = |title: &str, reports: &str| {
        let text = format!("name = \"s\"\ntitle = \"{title}\"\nsql = \"SELECT 1\"");
        let stat: Stat = toml::from_str(&text).unwrap();
        Compiled::new(&stat, Path::new("."), reports).unwrap().fingerprint
    };
    assert_eq!(of("S", "reports"), of("S", "reports"));
    assert_ne!(of("S", "reports"), of("S", "other"));
    assert_ne!(of("S", "reports"), of("T", "reports"));
}

#[test]
fn parameters_without_bounds_or_with_wrong_defaults_are_refused() {
    for (parameter, expected) in [
        ("type = \"integer\", min = 1", "has no bounds"),
        ("type = \"integer\", min = 5, max = 1", "has a min above its max"),
        ("type = \"integer\", min = 1, max = 5, default = 6", "a default that is not"),
        ("type = \"integer\", min = 1, max = 5, default = \"3\"", "a default that is not"),
        ("type = \"integer\", min = 1, max = 5, values = [\"1\"]", "has values"),
        ("type = \"date\", min = \"2025-01-01\", max = \"soon\"", "bounds that are not a day"),
        ("type = \"date\", min = \"20250101\", max = \"2025-01-31\"", "bounds that are not a day"),
        ("type = \"text\"", "has no bounds"),
        ("type = \"text\", values = [\"a\"], default = \"b\"", "none of its values"),
        ("type = \"text\", values = [\"a\"], max = 3", "has no bounds"),
        ("type = \"boolean\", default = \"yes\"", "neither true nor false"),
        ("type = \"boolean\", min = 0", "has min or max"),
    ] {
        let text = format!("sql = \"SELECT :p\"\nparams = {{ p = {{ {parameter} }} }}");
        let message = compiled(&text).err().unwrap_or_else(|| panic!("accepted: {text}"));
        assert!(message.contains(expected), "{text}: {message}");
    }
    let unused = "sql = \"SELECT 1\"\nparams = { p = { type = \"boolean\", default = true } }";
    assert!(compiled(unused).unwrap_err().contains("does not use parameter p"));
}

const ASKED: &str = r#"
sql = "SELECT :n, :kind, :day, :flag, :range_end"
rollups = ["r"]
last = { default = 7, max = 9, name = "days" }
[params]
n = { type = "integer", min = -2, max = 2, default = 0 }
kind = { type = "text", values = ["", "a", "b&c=d", "é\ne"], default = "a" }
day = { type = "date", min = "2025-02-27", max = "2025-03-01", default = "2025-02-28" }
flag = { type = "boolean", default = false }
"#;

fn asked(stat: &Compiled, pairs: &[(&str, &str)]) -> Result<super::super::Asked, ()> {
    let fitted = Fitted {
        query: super::super::sql::bind("", &BTreeMap::new()).unwrap(),
        values: BTreeMap::new(),
    };
    let pairs: Vec<(String, String)> =
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    read(stat, &fitted, &pairs).map_err(drop)
}

/// Parameters in any order and spelling, with what they mean.
#[test]
fn equal_questions_have_equal_addresses_and_others_have_not() {
    let stat = compiled(ASKED).unwrap();
    let mut dice = Dice::from_env_or(5);
    let mut meanings: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for _ in 0..4000 {
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        let mut meaning = ["0", "a", "2025-02-28", "false", "7"].map(str::to_owned);
        let spelled: [(&str, &[(&str, &str)]); 5] = [
            ("n", &[("-2", "-2"), ("0", "0"), ("+2", "2"), ("02", "2"), ("2", "2")]),
            ("kind", &[("", ""), ("a", "a"), ("b&c=d", "b&c=d"), ("é\ne", "é\ne")]),
            ("day", &[("2025-02-27", "2025-02-27"), ("2025-03-01", "2025-03-01")]),
            ("flag", &[("true", "true"), ("false", "false")]),
            ("days", &[("1", "1"), ("7", "7"), ("07", "7"), ("9", "9")]),
        ];
        for (place, (name, spellings)) in spelled.iter().enumerate() {
            if dice.chance(60) {
                let (text, means) = dice.pick(spellings).unwrap();
                pairs.push((name, text));
                meaning[place] = (*means).to_owned();
            }
        }
        for at in (1..pairs.len()).rev() {
            pairs.swap(at, dice.below(at as u64 + 1) as usize);
        }
        let canonical = asked(&stat, &pairs).unwrap().canonical();
        let known = meanings.entry(canonical).or_insert_with(|| meaning.to_vec());
        assert_eq!(*known, meaning, "seed {}: {pairs:?}", dice.seed());
    }
    let different: BTreeSet<&Vec<String>> = meanings.values().collect();
    assert_eq!(different.len(), meanings.len(), "two addresses: seed {}", dice.seed());
    assert!(meanings.len() <= 3 * 4 * 3 * 2 * 3, "{} addresses", meanings.len());
    assert!(meanings.len() > 100, "the dice have tried little: {}", meanings.len());
}

#[test]
fn what_nobody_declared_is_refused() {
    let stat = compiled(ASKED).unwrap();
    for pairs in [
        &[("n", "3")][..],
        &[("n", "-3")],
        &[("n", "1e0")],
        &[("n", " 1")],
        &[("n", "99999999999999999999")],
        &[("kind", "c")],
        &[("kind", "A")],
        &[("day", "2025-02-26")],
        &[("day", "2025-02-29")],
        &[("day", "+002025-02-28")],
        &[("day", "2025-02-28T00:00")],
        &[("flag", "1")],
        &[("days", "0")],
        &[("days", "10")],
        &[("days", "-1")],
        &[("days", "2"), ("from", "2025-02-28")],
        &[("from", "2025-02-30")],
        &[("from", "yesterday")],
        &[("to", "2025-02-28'")],
        &[("last", "7")],
        &[("nn", "1")],
        &[("n", "1"), ("n", "1")],
    ] {
        assert!(asked(&stat, pairs).is_err(), "{pairs:?}");
    }
    assert!(asked(&stat, &[]).is_ok());
}
