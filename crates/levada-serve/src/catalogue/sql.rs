//! Parameters in SQL: `:name` becomes `$n`, outside of quotes and comments. Values are always
//! bound, as text that the server casts.

use std::collections::BTreeMap;

use crate::config::Kind;

/// What is bound to a place of a query.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Bind {
    /// A parameter of the section.
    Parameter(String),
    /// The first instant of the range, and the first after it.
    RangeStart,
    RangeEnd,
    /// Labels of the first and last bucket.
    FirstBucket,
    LastBucket,
    /// Up to where all is complete.
    ClosedThrough,
    /// The moment of the edition.
    AsOf,
}

impl Bind {
    fn of(name: &str, parameters: &BTreeMap<String, Kind>) -> Option<(Self, &'static str)> {
        Some(match name {
            "range_start" => (Self::RangeStart, "timestamptz"),
            "range_end" => (Self::RangeEnd, "timestamptz"),
            "first_bucket" => (Self::FirstBucket, "text"),
            "last_bucket" => (Self::LastBucket, "text"),
            "closed_through" => (Self::ClosedThrough, "timestamptz"),
            "as_of" => (Self::AsOf, "timestamptz"),
            _ => {
                let kind = match parameters.get(name)? {
                    Kind::Integer => "int8",
                    Kind::Text => "text",
                    Kind::Date => "date",
                    Kind::Boolean => "bool",
                };
                (Self::Parameter(name.to_owned()), kind)
            }
        })
    }
}

/// A query with numbered places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) sql: String,
    /// What belongs to `$1`, `$2`, …
    pub(crate) binds: Vec<Bind>,
}

/// Numbers the places of a query.
///
/// # Errors
/// The first name that nothing is known of.
pub(crate) fn bind(sql: &str, parameters: &BTreeMap<String, Kind>) -> Result<Bound, String> {
    let mut bound = Bound { sql: String::with_capacity(sql.len()), binds: Vec::new() };
    let mut rest = sql;
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        let plain = quoted(rest, before).unwrap_or(first.len_utf8());
        let name = match first {
            ':' if before != ':' => name_at(&rest[1..]),
            _ => None,
        };
        let Some(name) = name else {
            bound.sql += &rest[..plain];
            before = rest[..plain].chars().next_back().unwrap_or(first);
            rest = &rest[plain..];
            continue;
        };
        let (bind, kind) = Bind::of(name, parameters).ok_or_else(|| name.to_owned())?;
        let place = bound.binds.iter().position(|known| *known == bind).unwrap_or_else(|| {
            bound.binds.push(bind);
            bound.binds.len() - 1
        });
        bound.sql += &format!("(${}::text::{kind})", place + 1);
        before = ')';
        rest = &rest[1 + name.len()..];
    }
    Ok(bound)
}

/// A part of a text outside string literals and comments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Word(String),
    /// What stands in double quotes.
    Name(String),
    Mark(char),
}

/// Takes a query apart, as far as words and marks go.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let (mut pieces, mut rest, mut before) = (Vec::new(), text, ' ');
    while let Some(first) = rest.chars().next() {
        let length = match quoted(rest, before) {
            Some(length) => {
                match first {
                    '"' => {
                        let inside = rest[1..length].trim_end_matches('"').replace("\"\"", "\"");
                        pieces.push(Piece::Name(inside));
                    }
                    '\'' | '$' => pieces.push(Piece::Mark(first)),
                    _ => {}
                }
                length
            }
            None if first.is_alphabetic() || first == '_' => {
                let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
                pieces.push(Piece::Word(rest[..length].to_owned()));
                length
            }
            None => {
                if !first.is_whitespace() {
                    pieces.push(Piece::Mark(first));
                }
                first.len_utf8()
            }
        };
        before = rest[..length].chars().next_back().unwrap_or(' ');
        rest = &rest[length..];
    }
    pieces
}

fn name_at(text: &str) -> Option<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let name = &text[..end];
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_').then_some(name)
}

/// The length of what is quoted or commented out at the beginning of `text`, if anything is.
fn quoted(text: &str, before: char) -> Option<usize> {
    let bytes = text.as_bytes();
    match bytes.first()? {
        b'\'' => Some(quote(text, b'\'', matches!(before, 'e' | 'E'))),
        b'"' => Some(quote(text, b'"', false)),
        b'-' if bytes.get(1) == Some(&b'-') => Some(text.find('\n').unwrap_or(text.len())),
        b'/' if bytes.get(1) == Some(&b'*') => Some(comment(bytes)),
        b'$' if !before.is_alphanumeric() => {
            let tag_end = text[1..].find('$')? + 2;
            let tag = &text[..tag_end];
            let is_tag = |c: char| c.is_alphanumeric() || c == '_';
            if !tag[1..tag_end - 1].chars().all(is_tag) {
                return None;
            }
            Some(text[tag_end..].find(tag).map_or(text.len(), |end| tag_end + end + tag_end))
        }
        _ => None,
    }
}

fn quote(text: &str, mark: u8, escapes: bool) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if escapes => at += 1,
            byte if byte == mark && bytes.get(at + 1) == Some(&mark) => at += 1,
            byte if byte == mark => return at + 1,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// Comments nest.
fn comment(bytes: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0);
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (b'/', Some(b'*')) => (at, depth) = (at + 2, depth + 1),
            (b'*', Some(b'/')) => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(sql: &str) -> Bound {
        let parameters = [("days", Kind::Integer), ("kind", Kind::Text)];
        let parameters = parameters.map(|(name, kind)| (name.to_owned(), kind));
        bind(sql, &BTreeMap::from(parameters)).unwrap()
    }

    #[test]
    fn names_become_places() {
        let bound = bound("SELECT :days, :kind::text, :days + 1 WHERE at < :range_end");
        assert_eq!(
            bound.sql,
            "SELECT ($1::text::int8), ($2::text::text)::text, ($1::text::int8) + 1 \
             WHERE at < ($3::text::timestamptz)"
        );
        let parameter = |name: &str| Bind::Parameter(name.to_owned());
        assert_eq!(bound.binds, [parameter("days"), parameter("kind"), Bind::RangeEnd]);
    }

    #[test]
    fn what_is_quoted_stays() {
        for sql in [
            "SELECT ':days', 'it''s :days', E'\\':days'",
            "SELECT \":days\" -- :days",
            "SELECT /* :days /* :kind */ :days */ 1",
            "SELECT $$ :days $$, $a$ :days $$ $a$",
            "SELECT a::text, '12:30'::time, b[1:2]",
        ] {
            assert_eq!(bound(sql).sql, sql);
        }
    }

    #[test]
    fn unknown_names_are_refused() {
        assert_eq!(bind("SELECT :dyas", &BTreeMap::new()), Err("dyas".to_owned()));
    }
}
