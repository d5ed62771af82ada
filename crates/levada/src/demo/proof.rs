//! Whether two databases are equal, told by queries that share nothing with levada's own.
//!
//! It compares what the testkit read; it never looks into the records that levada keeps.

use std::collections::{BTreeMap, BTreeSet};

use report::text;
use serde::Serialize;
use testkit::{Database, TableDigest};

use crate::ui;

/// One object as both sides know it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Pair {
    pub(crate) object: String,
    pub(crate) source_rows: Option<u64>,
    pub(crate) target_rows: Option<u64>,
    pub(crate) source_digest: Option<String>,
    pub(crate) target_digest: Option<String>,
    pub(crate) is_equal: bool,
}

/// Everything in two databases, side by side.
#[derive(Debug, Clone)]
pub(crate) struct Comparison {
    pub(crate) pairs: Vec<Pair>,
}

/// Letters of a digest that are shown: enough to see that two differ.
const DIGEST_LETTERS: usize = 12;

impl Comparison {
    pub(crate) fn of(source: &Database, target: &Database) -> anyhow::Result<Self> {
        Ok(Self::between(&source.content()?, &target.content()?))
    }

    fn between(
        source: &BTreeMap<String, TableDigest>,
        target: &BTreeMap<String, TableDigest>,
    ) -> Self {
        let objects: BTreeSet<&String> = source.keys().chain(target.keys()).collect();
        let pairs = objects.into_iter().map(|object| {
            let (left, right) = (source.get(object), target.get(object));
            Pair {
                object: object.clone(),
                source_rows: left.map(|side| side.rows),
                target_rows: right.map(|side| side.rows),
                source_digest: left.map(|side| side.digest.clone()),
                target_digest: right.map(|side| side.digest.clone()),
                is_equal: left == right,
            }
        });
        Self { pairs: pairs.collect() }
    }

    /// Nothing compared proves nothing.
    pub(crate) fn is_equal(&self) -> bool {
        !self.pairs.is_empty() && self.pairs.iter().all(|pair| pair.is_equal)
    }

    pub(crate) fn verdict(&self) -> String {
        let differing: Vec<_> = self.pairs.iter().filter(|pair| !pair.is_equal).collect();
        match differing.as_slice() {
            [] => format!("all {} objects are equal", self.pairs.len()),
            [one] => format!("{} differs", one.object),
            [first, rest @ ..] => format!("{} and {} more differ", first.object, rest.len()),
        }
    }

    pub(crate) fn table(&self) -> String {
        let rows: Vec<Vec<String>> = self
            .pairs
            .iter()
            .map(|pair| {
                let count = |rows: Option<u64>| rows.map_or("missing".to_owned(), text::count);
                let verdict = if pair.is_equal { "equal" } else { "DIFFERS" };
                vec![
                    pair.object.clone(),
                    count(pair.source_rows),
                    count(pair.target_rows),
                    shown(pair.source_digest.as_deref()),
                    shown(pair.target_digest.as_deref()),
                    verdict.to_owned(),
                ]
            })
            .collect();
        ui::table(&["object", "production", "reports", "digest there", "digest here", ""], &rows)
    }
}

fn shown(digest: Option<&str>) -> String {
    digest.unwrap_or("missing").chars().take(DIGEST_LETTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(objects: &[(&str, &str)]) -> BTreeMap<String, TableDigest> {
        let digest = |digest: &str| TableDigest { rows: 1, digest: digest.to_owned() };
        objects.iter().map(|(name, value)| ((*name).to_owned(), digest(value))).collect()
    }

    #[test]
    fn what_differs_or_is_missing_is_named() {
        let verdict = |left, right| Comparison::between(&side(left), &side(right)).verdict();
        assert_eq!(verdict(&[("a", "1")], &[("a", "1")]), "all 1 objects are equal");
        assert_eq!(verdict(&[("a", "1")], &[("a", "2")]), "a differs");
        assert_eq!(verdict(&[("a", "1")], &[("b", "1")]), "a and 1 more differ");
    }

    #[test]
    fn two_empty_databases_prove_nothing() {
        assert!(!Comparison::between(&side(&[]), &side(&[])).is_equal());
    }
}
