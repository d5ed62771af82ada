//! The types that columns may have, and how a value of a document becomes one of them.
//!
//! All is checked here, so that an error can name the record; PostgreSQL is given nothing that it
//! could refuse. No reason given here holds a value.

use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, Unit};
use serde_json::Value;

use super::exact;
use super::number::Decimal;

/// Years that PostgreSQL and we both know how to write.
const YEARS: std::ops::RangeInclusive<i16> = 1..=9999;

/// A type by PostgreSQL's name, and whether the column holds arrays of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) scalar: Scalar,
    pub(crate) is_array: bool,
}

/// A type without its brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scalar {
    Text,
    Integer,
    Bigint,
    Numeric,
    Double,
    Boolean,
    Date,
    Timestamptz,
    Timestamp,
    Uuid,
    Jsonb,
}

/// Why a value does not fit, without the value.
pub(crate) type Reason = String;

const NAMES: [(&str, Scalar); 12] = [
    ("text", Scalar::Text),
    ("integer", Scalar::Integer),
    ("int", Scalar::Integer),
    ("bigint", Scalar::Bigint),
    ("numeric", Scalar::Numeric),
    ("double precision", Scalar::Double),
    ("boolean", Scalar::Boolean),
    ("date", Scalar::Date),
    ("timestamptz", Scalar::Timestamptz),
    ("timestamp", Scalar::Timestamp),
    ("uuid", Scalar::Uuid),
    ("jsonb", Scalar::Jsonb),
];

impl Kind {
    /// The type of this name; `None` when it is not among [`Kind::names`].
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (scalar, is_array) = match name.strip_suffix("[]") {
            Some(scalar) => (scalar, true),
            None => (name, false),
        };
        let (_, scalar) = NAMES.iter().find(|(known, _)| *known == scalar)?;
        Some(Self { scalar: *scalar, is_array })
    }

    /// All names, for a person.
    pub(crate) fn names() -> String {
        let names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
        format!("{}; each also as an array, such as text[]", names.join(", "))
    }

    /// The name in SQL.
    pub(crate) fn sql(self) -> String {
        let brackets = if self.is_array { "[]" } else { "" };
        format!("{}{brackets}", self.scalar.name())
    }

    /// The value in PostgreSQL's text form.
    pub(crate) fn of_json(self, value: &Value) -> Result<String, Reason> {
        match (self.is_array, value) {
            (false, value) => self.scalar.of_json(value),
            (true, Value::Array(elements)) => {
                array(self.scalar, &elements.iter().collect::<Vec<_>>())
            }
            (true, other) => Err(format!("{} where {} is declared", kind_of(other), self.sql())),
        }
    }

    /// The value of a CSV field in PostgreSQL's text form.
    pub(crate) fn of_text(self, text: &str) -> Result<String, Reason> {
        self.scalar.of_text(text)
    }
}

/// An array in PostgreSQL's text form.
pub(crate) fn array(scalar: Scalar, elements: &[&Value]) -> Result<String, Reason> {
    let mut literal = String::from("{");
    for (index, element) in elements.iter().enumerate() {
        if index > 0 {
            literal.push(',');
        }
        let text = scalar.of_json(element);
        let text = text.map_err(|reason| format!("element {}: {reason}", index + 1))?;
        literal.push('"');
        for letter in text.chars() {
            if matches!(letter, '"' | '\\') {
                literal.push('\\');
            }
            literal.push(letter);
        }
        literal.push('"');
    }
    literal.push('}');
    Ok(literal)
}

impl Scalar {
    fn name(self) -> &'static str {
        NAMES.iter().find(|(_, scalar)| *scalar == self).map_or("text", |(name, _)| name)
    }

    fn of_json(self, value: &Value) -> Result<String, Reason> {
        let mismatch = || Err(format!("{} where {} is declared", kind_of(value), self.name()));
        if self == Self::Jsonb {
            return exact::render(value);
        }
        if let Some(number) = exact::number(value) {
            return match self {
                Self::Integer | Self::Bigint | Self::Numeric | Self::Double => {
                    self.of_number(&number)
                }
                _ => mismatch(),
            };
        }
        match (self, value) {
            (Self::Boolean, Value::Bool(value)) => Ok(value.to_string()),
            (Self::Integer | Self::Bigint | Self::Double | Self::Boolean, _) => mismatch(),
            (_, Value::String(text)) => self.of_text(text),
            _ => mismatch(),
        }
    }

    fn of_text(self, text: &str) -> Result<String, Reason> {
        let unfit = || format!("a text that is no {}", self.name());
        match self {
            Self::Text => storable(text),
            Self::Integer | Self::Bigint | Self::Numeric | Self::Double => {
                self.of_number(text).map_err(|reason| match Decimal::parse(text) {
                    Some(_) => reason,
                    None => unfit(),
                })
            }
            Self::Boolean => match text.to_ascii_lowercase().as_str() {
                "true" | "t" | "1" => Ok("true".to_owned()),
                "false" | "f" | "0" => Ok("false".to_owned()),
                _ => Err(unfit()),
            },
            Self::Date => date(text).ok_or_else(unfit),
            Self::Timestamptz => match instant(text) {
                Some(instant) => Ok(instant),
                None if local(text).is_some() => {
                    Err("a time without its offset from UTC".to_owned())
                }
                None => Err(unfit()),
            },
            Self::Timestamp => match local(text) {
                _ if text.parse::<Timestamp>().is_ok() => {
                    Err("a time with an offset from UTC: declare timestamptz".to_owned())
                }
                Some(local) => Ok(local),
                None => Err(unfit()),
            },
            Self::Uuid => uuid(text).ok_or_else(unfit),
            Self::Jsonb => match exact::parse(text.as_bytes()) {
                Ok(document) => exact::render(&document.value),
                Err(_) => Err(unfit()),
            },
        }
    }

    fn of_number(self, text: &str) -> Result<String, Reason> {
        let Some(decimal) = Decimal::parse(text) else {
            return Err(format!("a number that is beyond {}", self.name()));
        };
        let whole = decimal.text();
        let beyond = || format!("a number that is beyond {}", self.name());
        match self {
            Self::Integer | Self::Bigint if !decimal.is_whole() => {
                Err(format!("a number with a fraction where {} is declared", self.name()))
            }
            Self::Integer => whole.parse::<i32>().map(|n| n.to_string()).map_err(|_| beyond()),
            Self::Bigint => whole.parse::<i64>().map(|n| n.to_string()).map_err(|_| beyond()),
            Self::Double => match whole.parse::<f64>() {
                Ok(number) if number == 0.0 && whole != "0" => Err(beyond()),
                Ok(number) if number.is_finite() => Ok(format!("{number:e}")),
                _ => Err(beyond()),
            },
            _ => Ok(whole),
        }
    }
}

/// A text that PostgreSQL can store.
fn storable(text: &str) -> Result<String, Reason> {
    match text.contains('\0') {
        true => Err("a text with a zero character, which PostgreSQL does not store".to_owned()),
        false => Ok(text.to_owned()),
    }
}

fn date(text: &str) -> Option<String> {
    let is_plain =
        text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let date: Date = is_plain.then(|| text.parse().ok())??;
    YEARS.contains(&date.year()).then(|| date.to_string())
}

fn instant(text: &str) -> Option<String> {
    let instant: Timestamp = text.parse().ok()?;
    let instant = instant.round(Unit::Microsecond).ok()?;
    let year = instant.to_zoned(jiff::tz::TimeZone::UTC).year();
    YEARS.contains(&year).then(|| instant.to_string())
}

/// Date and time of day: a date alone is none.
fn local(text: &str) -> Option<String> {
    let has_time = text.get(10..11).is_some_and(|letter| matches!(letter, "T" | "t" | " "));
    let local: DateTime = has_time.then(|| text.parse().ok())??;
    let local = local.round(Unit::Microsecond).ok()?;
    YEARS.contains(&local.year()).then(|| local.to_string())
}

fn uuid(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let is_hex = parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()));
    (is_hex && lengths == [8, 4, 4, 4, 12]).then(|| text.to_ascii_lowercase())
}

/// What a value is, for a person.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        _ if exact::number(value).is_some() => "a number",
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(kind: &str, value: &Value) -> Result<String, Reason> {
        Kind::parse(kind).unwrap().of_json(value)
    }

    #[test]
    fn values_of_their_type_are_taken() {
        let cases = [
            ("text", json!("a\"b"), "a\"b"),
            ("integer", json!(-7), "-7"),
            ("bigint", json!(9_007_199_254_740_993_i64), "9007199254740993"),
            ("numeric", json!("12.50"), "12.5"),
            ("double precision", json!(0.1), "1e-1"),
            ("boolean", json!(false), "false"),
            ("date", json!("2024-02-29"), "2024-02-29"),
            ("timestamptz", json!("2024-03-31T03:00:00+02:00"), "2024-03-31T01:00:00Z"),
            ("timestamp", json!("2024-03-31T02:30:00"), "2024-03-31T02:30:00"),
            (
                "uuid",
                json!("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"),
                "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            ),
            ("jsonb", json!({"a": [1, null]}), r#"{"a":[1,null]}"#),
            ("text[]", json!(["a,b", "c\"d\\", ""]), r#"{"a,b","c\"d\\",""}"#),
            ("integer[]", json!([]), "{}"),
        ];
        for (kind, value, expected) in cases {
            assert_eq!(text(kind, &value).as_deref(), Ok(expected), "{kind}");
        }
    }

    #[test]
    fn values_of_another_type_are_refused_and_not_shown() {
        let cases = [
            ("text", json!(7)),
            ("integer", json!("7 secrets")),
            ("integer", json!(1.5)),
            ("integer", json!(3_000_000_000_i64)),
            ("boolean", json!("secret")),
            ("boolean", json!(1)),
            ("date", json!("2023-02-29 secret")),
            ("date", json!("2023-02-29")),
            ("date", json!("2023-02-28T00:00:00Z")),
            ("timestamptz", json!("2024-03-31T03:00:00")),
            ("timestamp", json!("2024-03-31T03:00:00Z")),
            ("timestamp", json!("2024-03-31T03:00:00+02:00")),
            ("timestamp", json!("2024-03-31")),
            ("uuid", json!("secret")),
            ("text", json!("secret\0")),
            ("jsonb", json!({"secret": "\0"})),
            ("text[]", json!("secret")),
            ("text[]", json!(["secret", 1])),
            ("text[]", json!([null])),
        ];
        for (kind, value) in cases {
            let reason = text(kind, &value).unwrap_err();
            assert!(!reason.contains("secret") && !reason.contains("2023"), "{kind}: {reason}");
        }
    }

    #[test]
    fn unknown_types_are_not_guessed() {
        for name in ["string", "varchar(3)", "text[][]", "Text", "serial"] {
            assert_eq!(Kind::parse(name), None, "{name}");
        }
    }
}
