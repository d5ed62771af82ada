//! Which tables a person means: exact names and globs, matched by us and never by a shell.

use std::collections::{BTreeMap, BTreeSet};

use crate::Name;
use report::Problem;

/// Whether `pattern` names `name`: `table`, `schema.table`, or either as a glob of `*` and `?`.
pub fn matches(pattern: &str, name: &Name) -> bool {
    let qualified = format!("{}.{}", name.schema, name.name);
    if pattern == qualified || pattern == name.name {
        return true;
    }
    if !pattern.contains(['*', '?']) {
        return false;
    }
    let subject = if pattern.contains('.') { &qualified } else { &name.name };
    glob(&pattern.chars().collect::<Vec<_>>(), &subject.chars().collect::<Vec<_>>())
}

fn glob(pattern: &[char], text: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some(('*', rest)), _) => (0..=text.len()).any(|taken| glob(rest, &text[taken..])),
        (Some(('?', rest)), Some((_, text))) => glob(rest, text),
        (Some((expected, rest)), Some((found, text))) => expected == found && glob(rest, text),
        _ => false,
    }
}

/// The names that any of `patterns` matches; a pattern that matches none is an error.
pub fn select<'a>(
    option: &str,
    patterns: &[String],
    names: impl Iterator<Item = &'a Name> + Clone,
) -> Result<BTreeSet<Name>, Problem> {
    let mut selected = BTreeSet::new();
    for pattern in patterns {
        let before = selected.len();
        let found: Vec<_> = names.clone().filter(|name| matches(pattern, name)).collect();
        selected.extend(found.iter().map(|name| (*name).clone()));
        if found.is_empty() && selected.len() == before {
            let mut problem =
                Problem::new(format!("{option} pattern \"{pattern}\" matches no table"));
            if let Some(close) = closest(pattern, names.clone()) {
                problem = problem.detail(format!("the closest table is {close}"));
            }
            let hint = "correct the pattern or remove it: a list that silently stops matching \
                        lets tables escape it";
            return Err(problem.hint(hint));
        }
    }
    Ok(selected)
}

/// Resolves `[tables."…"]` keys to tables; two keys that name one table are an error.
pub fn resolve<'a, V: Clone>(
    entries: &BTreeMap<String, V>,
    names: impl Iterator<Item = &'a Name> + Clone,
) -> Result<BTreeMap<Name, V>, Problem> {
    let mut resolved = BTreeMap::new();
    for (pattern, value) in entries {
        for name in select("[tables]", std::slice::from_ref(pattern), names.clone())? {
            if resolved.insert(name.clone(), value.clone()).is_some() {
                let problem = Problem::new(format!("two [tables] entries name {name}"));
                return Err(problem.hint("keep one of them"));
            }
        }
    }
    Ok(resolved)
}

fn closest<'a>(pattern: &str, names: impl Iterator<Item = &'a Name>) -> Option<&'a Name> {
    let distance = |name: &Name| {
        let qualified = format!("{}.{}", name.schema, name.name);
        edit_distance(pattern, &qualified).min(edit_distance(pattern, &name.name))
    };
    let (name, distance) = names.map(|name| (name, distance(name))).min_by_key(|(_, d)| *d)?;
    (distance <= pattern.len() / 2).then_some(name)
}

/// Levenshtein's distance.
fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut previous: Vec<usize> = (0..=right.len()).collect();
    for (row, l) in left.chars().enumerate() {
        let mut current = vec![row + 1];
        for (column, r) in right.iter().enumerate() {
            let change = previous[column] + usize::from(l != *r);
            current.push(change.min(previous[column + 1] + 1).min(current[column] + 1));
        }
        previous = current;
    }
    previous[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<Name> {
        ["answers", "knowledge-elements", "a.b", "users"].map(|t| Name::new("public", t)).to_vec()
    }

    fn selected(patterns: &[&str]) -> Result<Vec<String>, Problem> {
        let patterns: Vec<_> = patterns.iter().map(|p| (*p).to_owned()).collect();
        let names = names();
        let found = select("exclude", &patterns, names.iter())?;
        Ok(found.into_iter().map(|name| name.name).collect())
    }

    #[test]
    fn exact_names_and_globs_select() {
        assert_eq!(selected(&["users"]).unwrap(), ["users"]);
        assert_eq!(selected(&["public.users"]).unwrap(), ["users"]);
        assert_eq!(selected(&["a.b"]).unwrap(), ["a.b"]);
        assert_eq!(selected(&["*-elements", "use?s"]).unwrap(), ["knowledge-elements", "users"]);
        assert_eq!(selected(&["public.*"]).unwrap().len(), 4);
    }

    #[test]
    fn a_pattern_without_match_is_an_error_and_shows_the_closest_name() {
        let problem = selected(&["user"]).unwrap_err();
        assert_eq!(problem.detail.as_deref(), Some("the closest table is public.users"));
        assert!(selected(&["other.*"]).is_err());
    }
}
