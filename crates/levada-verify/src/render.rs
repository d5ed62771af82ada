//! How a value becomes something whose hash tells every difference. Pure text of SQL.
//!
//! PostgreSQL's own hashes follow its own equality, in which 1.10 is 1.1 and -0 is 0, and those of
//! 64-bit integers and timestamps fold the halves into one another: 1 and 4294967296 always hash
//! alike. Whatever is not hashed bit by bit is therefore turned into bytes or text first.

use pg::binary::Types;
use serde::Serialize;

/// Object ids below this belong to PostgreSQL itself (`FirstNormalObjectId`).
const FIRST_USER_OID: u32 = 16_384;

/// A column that both sides have, and the form in which its values are hashed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rendered {
    pub name: String,
    pub form: Form,
}

/// The form in which values are hashed: equal forms of two values mean equal values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Form {
    /// As they are, under this built-in type, whose hash sees every bit.
    Plain(&'static str),
    /// Text, by its bytes whatever its collation says.
    Text,
    /// The bytes that this function writes of the built-in type.
    Sent { cast: &'static str, function: &'static str },
    /// The same for floats, of which all NaN are one.
    Float { cast: &'static str, function: &'static str },
    /// The label of an enum, as its object id differs in every database.
    Label,
    /// The text of a built-in type.
    Spelled,
    /// The text that its output function writes; a cast of the users' may write something else.
    Quoted,
}

const INT8: Form = Form::Sent { cast: "int8", function: "int8send" };

impl Form {
    /// The form for a type; domains are looked through.
    pub(crate) fn of(types: &Types, oid: u32) -> Self {
        let Some(facts) = types.get(&oid) else { return Self::Quoted };
        let is_built_in = oid < FIRST_USER_OID;
        match (facts.kind, facts.base) {
            // The type below may have a schema that we do not know, so it is not cast to.
            ('d', Some(base)) => match Self::of(types, base) {
                Self::Label | Self::Spelled => Self::Quoted,
                other => other,
            },
            ('e', _) => Self::Label,
            ('b', _) if is_built_in => Self::of_built_in(&facts.name),
            ('r' | 'm', _) if is_built_in => Self::Spelled,
            _ => Self::Quoted,
        }
    }

    fn of_built_in(name: &str) -> Self {
        let sent = |cast, function| Self::Sent { cast, function };
        match name {
            "bool" => Self::Plain("bool"),
            "int2" | "int4" => Self::Plain("int4"),
            "oid" => Self::Plain("oid"),
            "date" => Self::Plain("date"),
            "uuid" => Self::Plain("uuid"),
            "bytea" => Self::Plain("bytea"),
            "char" => Self::Plain("\"char\""),
            "text" | "varchar" | "name" => Self::Text,
            "int8" => INT8,
            "time" => sent("time", "time_send"),
            "timetz" => sent("timetz", "timetz_send"),
            "timestamp" => sent("timestamp", "timestamp_send"),
            "timestamptz" => sent("timestamptz", "timestamptz_send"),
            "interval" => sent("interval", "interval_send"),
            "numeric" => sent("numeric", "numeric_send"),
            "money" => sent("money", "cash_send"),
            // The cast to text would lose trailing blanks.
            "bpchar" => sent("bpchar", "bpcharsend"),
            // The cast keeps the declaration of a document, which does not leave the database.
            "xml" => Self::Quoted,
            "float4" => Self::Float { cast: "float4", function: "float4send" },
            "float8" => Self::Float { cast: "float8", function: "float8send" },
            _ => Self::Spelled,
        }
    }

    /// The form for values of both, when they are of one family.
    pub(crate) fn shared(self, other: Self) -> Option<Self> {
        let is_integer = |form| form == INT8 || form == Self::Plain("int4");
        match (self, other) {
            _ if self == other => Some(self),
            _ if is_integer(self) && is_integer(other) => Some(INT8),
            _ => None,
        }
    }

    /// Whether values are integers of at most 64 bits.
    pub(crate) fn is_integer(self) -> bool {
        self == INT8 || self == Self::Plain("int4")
    }

    /// Whether the form alone says what the values mean, whatever their type is called.
    pub(crate) fn is_known(self) -> bool {
        !matches!(self, Self::Label | Self::Spelled | Self::Quoted)
    }

    /// What is hashed of the expression `value`. Where the encodings of the two databases differ,
    /// text is `transcoded`.
    pub(crate) fn sql(self, value: &str, transcoded: bool) -> String {
        let text = |text: String| match transcoded {
            true => format!("pg_catalog.convert_to({text}, 'UTF8')"),
            false => format!("({text}) COLLATE pg_catalog.\"C\""),
        };
        match self {
            Self::Plain(cast) => format!("{value}::pg_catalog.{cast}"),
            Self::Text | Self::Spelled => text(format!("{value}::pg_catalog.text")),
            Self::Quoted => text(spelled(value)),
            // Sent text is in the encoding of the session, which is one for both sides.
            Self::Sent { cast, function } => {
                format!("pg_catalog.{function}({value}::pg_catalog.{cast})")
            }
            Self::Float { cast, function } => format!(
                "pg_catalog.{function}(CASE {value}::pg_catalog.{cast} WHEN 'NaN' THEN 'NaN' \
                 ELSE {value}::pg_catalog.{cast} END)"
            ),
            Self::Label => format!("pg_catalog.enum_send({value})"),
        }
    }
}

/// A value as the text of a row of one: written by the output function of its type, and different
/// for NULL and the empty text.
pub(crate) fn spelled(value: &str) -> String {
    format!("ROW({value})::pg_catalog.text")
}

/// The value of [`spelled`], `None` for NULL.
pub(crate) fn unspelled(row: &str) -> Option<String> {
    let inner = row.strip_prefix('(').and_then(|row| row.strip_suffix(')')).unwrap_or(row);
    if inner.is_empty() {
        return None;
    }
    let Some(quoted) = inner.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else {
        return Some(inner.to_owned());
    };
    let mut text = String::with_capacity(quoted.len());
    let mut letters = quoted.chars();
    // Quotes and backslashes stand doubled.
    while let Some(letter) = letters.next() {
        text.push(letter);
        if matches!(letter, '"' | '\\') {
            letters.next();
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pg::binary::TypeFacts;

    fn form(oid: u32) -> Form {
        let rows = [
            (20, "int8", 'b', None),
            (21, "int2", 'b', None),
            (25, "text", 'b', None),
            (3802, "jsonb", 'b', None),
            (16_400, "mood", 'e', None),
            (16_401, "moody", 'd', Some(16_400)),
            (16_402, "label", 'd', Some(25)),
            (16_403, "text", 'b', None),
        ];
        let facts = rows.map(|(oid, name, kind, base)| {
            (oid, TypeFacts { oid, name: name.to_owned(), kind, element: None, base })
        });
        Form::of(&facts.into_iter().collect(), oid)
    }

    #[test]
    fn types_of_users_are_written_by_their_output_functions() {
        assert_eq!(form(16_402), Form::Text);
        assert_eq!(form(16_400), Form::Label);
        for oid in [16_401, 16_403, 99_999] {
            assert_eq!(form(oid), Form::Quoted, "{oid}");
        }
        assert_eq!(form(3802), Form::Spelled);
    }

    #[test]
    fn integers_are_one_family() {
        assert_eq!(form(20).shared(form(21)), Some(INT8));
        assert_eq!(form(21).shared(form(21)), Some(Form::Plain("int4")));
        assert_eq!(form(20).shared(form(25)), None);
    }

    #[test]
    fn rows_of_one_are_read_back() {
        let read = [r"()", r#"("")"#, r"(a)", r#"("a b")"#, r#"("say ""hi"" \\o")"#].map(unspelled);
        let value = |text: &str| Some(text.to_owned());
        assert_eq!(read, [None, value(""), value("a"), value("a b"), value(r#"say "hi" \o"#)]);
    }
}
