//! What the server's parsed form of a query tells of the tables in it: which stand in different
//! arms of a UNION ALL, and whether it has outer joins. Pure; the fields are those of PostgreSQL 14
//! to 18.

use std::collections::BTreeSet;

use crate::bindings::Bindings;

/// How the tables of a query are combined.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arms {
    /// Pairs of names of which no row of the result takes part in both.
    apart: BTreeSet<(String, String)>,
    /// A row may then come and go because of rows that it does not contain.
    pub(crate) has_outer_joins: bool,
}

/// How the server writes joins that keep rows without a match.
const OUTER_JOINS: [&str; 3] = [":jointype 1 ", ":jointype 2 ", ":jointype 3 "];

impl Arms {
    /// Looks into a parsed query in which each name is used once at most.
    pub(crate) fn of(tree: &str, bindings: &Bindings) -> Self {
        let (nesting, divided) = scan(tree);
        let used = bindings.0.keys().filter_map(|alias| {
            let at = tree.find(&format!(":ctename {} :ctelevelsup", escaped(alias)))?;
            let around = nesting.iter().filter(|query| query.start < at && at < query.end);
            Some((alias, around.map(|query| query.start).collect::<Vec<_>>()))
        });
        let used: Vec<_> = used.collect();
        let mut apart = BTreeSet::new();
        for (one, around) in &used {
            for (other, around_other) in used.iter().filter(|(other, _)| other != one) {
                let shared = around.iter().rev().find(|query| around_other.contains(query));
                if shared.is_some_and(|query| divided.contains(query)) {
                    apart.insert(((*one).clone(), (*other).clone()));
                }
            }
        }
        let has_outer_joins = OUTER_JOINS.iter().any(|join| tree.contains(join));
        Self { apart, has_outer_joins }
    }

    /// Whether no row of the result is made of rows of both.
    pub(crate) fn are_apart(&self, one: &str, other: &str) -> bool {
        self.apart.contains(&(one.to_owned(), other.to_owned()))
    }
}

/// Where a query stands in the text.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
}

/// All queries, outer ones before those inside; and the starts of those that consist of arms.
fn scan(tree: &str) -> (Vec<Span>, BTreeSet<usize>) {
    let (mut queries, mut divided) = (Vec::new(), BTreeSet::new());
    let mut open: Vec<usize> = Vec::new();
    let mut is_escaped = false;
    for (at, c) in tree.bytes().enumerate() {
        match c {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'{' => {
                let parent = open.last().copied();
                if let Some(parent) = parent.filter(|_| tree[..at].ends_with(":setOperations ")) {
                    divided.insert(parent);
                }
                open.push(at);
            }
            b'}' => {
                let start = open.pop().unwrap_or(at);
                if tree[start..].starts_with("{QUERY ") {
                    queries.push(Span { start, end: at });
                }
            }
            _ => {}
        }
    }
    queries.sort_by_key(|query| query.start);
    (queries, divided)
}

/// As PostgreSQL's node trees write a name.
pub(crate) fn escaped(name: &str) -> String {
    let mut text = String::new();
    for (at, c) in name.chars().enumerate() {
        let is_special = matches!(c, ' ' | '\n' | '\t' | '(' | ')' | '{' | '}' | '\\');
        let starts_other =
            at == 0 && (c == '<' || c == '"' || c.is_ascii_digit() || "+-".contains(c));
        if is_special || starts_other {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

#[cfg(test)]
mod tests {
    use pg::Name;

    use super::*;

    fn arms(tree: &str) -> Arms {
        let name = |alias: &str| (alias.to_owned(), Name::new("public", alias));
        Arms::of(tree, &Bindings([name("a"), name("b"), name("c")].into()))
    }

    fn table(alias: &str) -> String {
        format!("{{RTE :rtekind 6 :ctename {alias} :ctelevelsup 1}}")
    }

    #[test]
    fn tables_of_one_join_are_together_and_arms_are_apart() {
        let (a, b, c) = (table("a"), table("b"), table("c"));
        let tree = format!(
            "({{QUERY :cteList ({{COMMONTABLEEXPR :ctename a :ctequery {{QUERY }}}}) :rtable \
             ({{RTE :subquery {{QUERY :rtable ({a} {b}) :x \\{{\\}} :setOperations <>}}}} \
             {{RTE :subquery {{QUERY :rtable ({c}) :setOperations <>}}}}) \
             :setOperations {{SETOPERATIONSTMT :op 1 :all true}}}})"
        );
        let arms = arms(&tree);
        assert!(!arms.are_apart("a", "b"), "{arms:?}");
        assert!(arms.are_apart("a", "c") && arms.are_apart("c", "b"), "{arms:?}");
        assert!(!arms.has_outer_joins);
    }
}
