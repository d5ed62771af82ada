//! Names of database objects, and the only place in the program where SQL is quoted.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An exact, schema-qualified name. `Display` is for people; [`Name::sql`] is for statements.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Name {
    pub schema: String,
    pub name: String,
}

impl Name {
    /// A name from its two exact parts, unquoted.
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self { schema: schema.into(), name: name.into() }
    }

    /// The name as SQL, always quoted: `"public"."answers"`.
    pub fn sql(&self) -> String {
        format!("{}.{}", quote_identifier(&self.schema), quote_identifier(&self.name))
    }

    /// The same name in another schema.
    pub fn in_schema(&self, schema: &str) -> Self {
        Self::new(schema, &self.name)
    }
}

/// `public.answers`; line breaks and control characters are shown escaped, so that a name stays on
/// its line.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_escaped(f, &self.schema)?;
        f.write_str(".")?;
        write_escaped(f, &self.name)
    }
}

fn write_escaped(f: &mut fmt::Formatter<'_>, part: &str) -> fmt::Result {
    part.chars().try_for_each(|c| {
        if c.is_control() { write!(f, "{}", c.escape_default()) } else { write!(f, "{c}") }
    })
}

/// `a"b` → `"a""b"`.
pub fn quote_identifier(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// `it's` → `'it''s'`; a backslash makes it an `E''` string, so that the setting of
/// `standard_conforming_strings` does not matter.
pub fn quote_literal(literal: &str) -> String {
    let quoted = literal.replace('\'', "''");
    if quoted.contains('\\') {
        format!(" E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_always_quoted_in_sql() {
        assert_eq!(Name::new("public", "a\"b").sql(), r#""public"."a""b""#);
        assert_eq!(Name::new("public", "two\nlines").to_string(), "public.two\\nlines");
    }

    #[test]
    fn literals_survive_quotes_and_backslashes() {
        assert_eq!(quote_literal("it's"), "'it''s'");
        assert_eq!(quote_literal(r"a\'b"), r" E'a\\''b'");
    }
}
