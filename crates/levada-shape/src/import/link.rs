//! The header `Link` (RFC 8288): where the next page is.

/// The targets with the relation `next` of one header value; `None` when it cannot be read.
pub(crate) fn next(value: &str) -> Option<Vec<&str>> {
    let mut found = Vec::new();
    let mut rest = value.trim_start_matches([' ', '\t', ',']);
    while !rest.is_empty() {
        let (target, after) = rest.strip_prefix('<')?.split_once('>')?;
        let end = end_of_parameters(after)?;
        if after[..end].split(';').any(is_next) {
            found.push(target);
        }
        rest = after[end..].trim_start_matches([' ', '\t', ',']);
    }
    Some(found)
}

/// Where the next link begins: at a comma outside quotes.
fn end_of_parameters(text: &str) -> Option<usize> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (index, letter) in text.char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => return Some(index),
            _ => {}
        }
    }
    (!is_quoted).then_some(text.len())
}

fn is_next(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return false };
    let relations = value.trim().trim_matches('"');
    name.trim().eq_ignore_ascii_case("rel")
        && relations.split_whitespace().any(|relation| relation.eq_ignore_ascii_case("next"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_among_others() {
        let value =
            r#"<https://a/?page=1>; rel="prev first", </b,c?page=3>; title="a, b"; REL=next"#;
        assert_eq!(next(value), Some(vec!["/b,c?page=3"]));
        assert_eq!(next(r#"<https://a/>; rel="last""#), Some(vec![]));
        assert_eq!(next(""), Some(vec![]));
    }

    #[test]
    fn what_is_no_link_is_not_guessed() {
        for value in ["https://a/; rel=next", "<https://a/", r#"<a>; rel="next"#] {
            assert_eq!(next(value), None, "{value}");
        }
    }
}
