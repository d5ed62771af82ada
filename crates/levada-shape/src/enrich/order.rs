//! The order in which enrichments are made: that of the configuration, but each after those that it
//! names.

use report::Problem;

use super::kind::Enriched;

/// Sorts by `after`, otherwise as declared.
///
/// # Errors
/// A [`Problem`] that names an unknown enrichment or a circle.
pub(super) fn sorted(declared: Vec<Enriched>) -> Result<Vec<Enriched>, Problem> {
    let names: Vec<String> = declared.iter().map(|one| one.name.clone()).collect();
    for one in &declared {
        if let Some(unknown) = one.after.iter().find(|name| !names.contains(name)) {
            let name = &one.name;
            return Err(Problem::new(format!("[[enrich]] {name}: after names {unknown}"))
                .detail(format!("no enrichment is called {unknown}"))
                .hint(format!("one of: {}", names.join(", "))));
        }
    }
    let mut open = declared;
    let mut done: Vec<Enriched> = Vec::with_capacity(open.len());
    while !open.is_empty() {
        let is_ready = |one: &Enriched| {
            one.after.iter().all(|name| done.iter().any(|before| before.name == *name))
        };
        let Some(place) = open.iter().position(is_ready) else {
            let circle: Vec<&str> = open.iter().map(|one| one.name.as_str()).collect();
            return Err(Problem::new("[[enrich]] sections wait for each other in a circle")
                .detail(circle.join(", "))
                .hint("take one name out of an after = [...] among them"));
        };
        done.push(open.remove(place));
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::super::kind::Kind;
    use super::*;

    fn order(declared: &[(&str, &[&str])]) -> Result<Vec<String>, Problem> {
        let enriched = declared.iter().map(|(name, after)| Enriched {
            name: (*name).to_owned(),
            kind: Kind::View(String::new()),
            after: after.iter().map(|name| (*name).to_owned()).collect(),
            reads: None,
        });
        Ok(sorted(enriched.collect())?.into_iter().map(|one| one.name).collect())
    }

    #[test]
    fn the_order_is_that_of_the_file_unless_after_says_otherwise() {
        assert_eq!(order(&[("b", &[]), ("a", &[])]).unwrap(), ["b", "a"]);
        let declared: [(&str, &[&str]); 3] = [("c", &["b"]), ("b", &["a"]), ("a", &[])];
        assert_eq!(order(&declared).unwrap(), ["a", "b", "c"]);
    }

    #[test]
    fn circles_and_unknown_names_are_refused() {
        assert!(order(&[("a", &["b"]), ("b", &["a"])]).is_err());
        assert!(order(&[("a", &["a"])]).is_err());
        assert!(order(&[("a", &["z"])]).unwrap_err().message.contains("after names z"));
    }
}
