//! JSON without loss: numbers that a binary fraction cannot hold keep their digits.
//!
//! The parser reads numbers as integers of 64 bits or as binary fractions, which would round long
//! ones in silence. Such numbers are found before, and stand in the document as marked texts.

use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::error::Category;

use super::number::Decimal;
use super::value::Reason;

/// Begins the text of a number. PostgreSQL stores no zero character, so no text that matters begins
/// so; a document that has both is refused.
const MARK: &str = "\0levada number ";
const MARK_IN_JSON: &str = "\\u0000levada number ";
/// Integers up to here are exact as binary fractions, which is how a path compares.
const COMPARABLE_MAX: u64 = 1 << 53;

/// A document, and what is special about its numbers.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) value: Value,
    /// Some of its numbers would be compared inexactly by a filter of a path.
    pub(crate) has_long_numbers: bool,
}

/// Why a document cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It ends before it is complete.
    EndsEarly,
    /// It is no JSON; the line and column where.
    Syntax(usize, usize),
    /// An object names two members alike; the line and column where.
    Twice(usize, usize),
    /// Long numbers beside zero characters.
    Ambiguous,
}

/// Reads a whole document.
pub(crate) fn parse(bytes: &[u8]) -> Result<Document, Unreadable> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let spans = long_numbers(bytes);
    let has_long_numbers = spans.iter().any(|span| !is_comparable(&bytes[span.clone()]));
    let lossy: Vec<_> = spans.into_iter().filter(|span| !is_kept(&bytes[span.clone()])).collect();
    if lossy.is_empty() {
        return Ok(Document { value: read::<Strict>(bytes)?.0, has_long_numbers });
    }
    if bytes.windows(MARK_IN_JSON.len()).any(|window| window == MARK_IN_JSON.as_bytes()) {
        return Err(Unreadable::Ambiguous);
    }
    // The document itself comes first: a number with a typo inside is no number.
    read::<serde::de::IgnoredAny>(bytes)?;
    let mut marked = Vec::with_capacity(bytes.len() + lossy.len() * 24);
    let mut at = 0;
    for span in lossy {
        marked.extend_from_slice(&bytes[at..span.start]);
        marked.push(b'"');
        marked.extend_from_slice(MARK_IN_JSON.as_bytes());
        marked.extend_from_slice(&bytes[span.clone()]);
        marked.push(b'"');
        at = span.end;
    }
    marked.extend_from_slice(&bytes[at..]);
    Ok(Document { value: read::<Strict>(&marked)?.0, has_long_numbers })
}

fn read<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Unreadable> {
    serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        Category::Eof => Unreadable::EndsEarly,
        Category::Data => Unreadable::Twice(error.line(), error.column()),
        _ => Unreadable::Syntax(error.line(), error.column()),
    })
}

/// A value whose objects name no member twice: either of the two would be lost.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Strict(element)) = elements.next_element()? {
            all.push(element);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut all = serde_json::Map::new();
        while let Some((name, Strict(member))) = members.next_entry::<String, Strict>()? {
            if all.insert(name, member).is_some() {
                return Err(serde::de::Error::custom("a member twice"));
            }
        }
        Ok(Value::Object(all))
    }
}

/// The digits of a number, however it stands in the document.
pub(crate) fn number(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => text
            .strip_prefix(MARK)
            .and_then(|digits| Decimal::parse(digits).map(|_| digits.to_owned())),
        _ => None,
    }
}

/// A value as JSON text that `jsonb` takes.
pub(crate) fn render(value: &Value) -> Result<String, Reason> {
    let mut out = String::new();
    write(value, &mut out)?;
    Ok(out)
}

fn write(value: &Value, out: &mut String) -> Result<(), Reason> {
    if let Some(digits) = number(value) {
        *out += &digits;
        return Ok(());
    }
    match value {
        Value::String(text) => quote(text, out)?,
        Value::Array(elements) => {
            out.push('[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(element, out)?;
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (index, (name, member)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                quote(name, out)?;
                out.push(':');
                write(member, out)?;
            }
            out.push('}');
        }
        other => *out += &other.to_string(),
    }
    Ok(())
}

fn quote(text: &str, out: &mut String) -> Result<(), Reason> {
    if text.contains('\0') {
        let reason = "a text with a zero character, or a number beyond PostgreSQL's, in an object";
        return Err(reason.to_owned());
    }
    *out += &Value::from(text).to_string();
    Ok(())
}

/// Where numbers with a fraction, an exponent or many digits stand.
fn long_numbers(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at = after_string(bytes, at),
            b'-' | b'0'..=b'9' => {
                let is_number =
                    |byte: &u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
                let length = bytes[at..].iter().take_while(|byte| is_number(byte)).count();
                let text = &bytes[at..at + length];
                if length > 15 || text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
                    found.push(at..at + length);
                }
                at += length;
            }
            _ => at += 1,
        }
    }
    found
}

fn after_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Whether the parser reads it without loss.
fn is_kept(number: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(number) else { return true };
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        // Beyond any binary fraction, or no number at all, which the parser will say.
        return Decimal::parse(text).is_none() && !is_huge(text);
    };
    match (Decimal::parse(text), Decimal::parse(&value.to_string())) {
        (Some(meant), Some(read)) => meant == read,
        _ => false,
    }
}

/// `1e400` is JSON, and the parser refuses it.
fn is_huge(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_infinite)
}

fn is_comparable(number: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(number) else { return true };
    match text.parse::<i128>() {
        Ok(whole) => whole.unsigned_abs() <= u128::from(COMPARABLE_MAX),
        Err(_) => is_kept(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(text: &str) -> String {
        render(&parse(text.as_bytes()).unwrap().value).unwrap()
    }

    #[test]
    fn long_numbers_keep_their_digits() {
        let text = r#"{"a":12345678901234567890123.45,"b":[0.1,1e300,18446744073709551616]}"#;
        let expected = r#"{"a":12345678901234567890123.45,"b":[0.1,1e+300,18446744073709551616]}"#;
        assert_eq!(again(text), expected);
        assert_eq!(
            again(r#"["1.23456789012345678901", "\\\"1e9"]"#),
            r#"["1.23456789012345678901","\\\"1e9"]"#
        );
        assert_eq!(again("[1e400]"), "[1e400]");
    }

    #[test]
    fn numbers_that_a_filter_would_round_are_known() {
        let is_long = |text: &str| parse(text.as_bytes()).unwrap().has_long_numbers;
        assert!(is_long("[9007199254740993]") && is_long("[0.12345678901234567890]"));
        assert!(!is_long("[9007199254740991, 10.50, 1e3, \"9007199254740993\"]"));
    }

    #[test]
    fn a_document_that_ends_early_is_told_from_a_wrong_one() {
        for text in ["", "{\"a\": [1, 2", "{\"a\": \"x", "[1.5, 123456789012345678901"] {
            assert_eq!(parse(text.as_bytes()).unwrap_err(), Unreadable::EndsEarly, "{text}");
        }
        assert!(matches!(parse(b"<html>").unwrap_err(), Unreadable::Syntax(1, 1)));
        assert!(matches!(parse(b"[1] [2]").unwrap_err(), Unreadable::Syntax(..)));
        assert!(matches!(parse(b"[1.2.3]").unwrap_err(), Unreadable::Syntax(..)));
    }

    #[test]
    fn members_are_named_once() {
        let text = b"{\"a\": 1,\n \"a\": 2}";
        assert!(matches!(parse(text).unwrap_err(), Unreadable::Twice(2, _)));
    }

    #[test]
    fn a_text_cannot_pass_for_a_number() {
        let text = "[\"\\u0000levada number 1\", 12345678901234567890123.5]";
        assert_eq!(parse(text.as_bytes()).unwrap_err(), Unreadable::Ambiguous);
    }
}
