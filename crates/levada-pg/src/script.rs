//! Splits the plain text of `pg_dump` into statements, each with the entry it belongs to.
//!
//! A lexer only: quotes, dollar quotes, comments and `BEGIN ATOMIC` bodies, as psql knows them.

/// One statement of a dump, without its final semicolon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub sql: String,
    /// Statements of one dump entry have the same number: names may read alike.
    pub entry: usize,
    /// The kind of the dump entry (`TABLE`, `INDEX`, `FK CONSTRAINT`, …); empty before the first.
    pub kind: String,
    /// The schema of the entry, `-` when it has none.
    pub schema: String,
    /// The name of the entry as pg_dump shows it: `table constraint` for a constraint.
    pub name: String,
}

/// Splits a script. Lines that begin with a backslash are meant for psql and are left out.
pub fn split(script: &str) -> Vec<Statement> {
    let mut lexer = Lexer { rest: script, entry: Entry::default(), statements: Vec::new() };
    lexer.run();
    lexer.statements
}

#[derive(Debug, Default, Clone)]
struct Entry {
    number: usize,
    kind: String,
    schema: String,
    name: String,
}

struct Lexer<'a> {
    rest: &'a str,
    entry: Entry,
    statements: Vec<Statement>,
}

impl Lexer<'_> {
    fn run(&mut self) {
        let mut current = String::new();
        let mut atomic = Atomic::default();
        while let Some(first) = self.rest.chars().next() {
            if current.is_empty() && self.skip_between_statements(first) {
                continue;
            }
            let length = token_length(self.rest, &current);
            let (token, rest) = self.rest.split_at(length);
            self.rest = rest;
            if token == ";" && atomic.is_closed() {
                self.finish(std::mem::take(&mut current));
                atomic = Atomic::default();
                continue;
            }
            if token.starts_with("--") {
                continue;
            }
            atomic.see(token);
            current.push_str(token);
        }
        self.finish(current);
    }

    /// White space, comments and psql commands before a statement; entry headers are read here.
    fn skip_between_statements(&mut self, first: char) -> bool {
        if first.is_whitespace() {
            self.rest = self.rest.trim_start();
        } else if first == '\\' || self.rest.starts_with("--") {
            let line = self.rest.lines().next().unwrap_or_default();
            if let Some(entry) = parse_header(line) {
                self.entry = Entry { number: self.entry.number + 1, ..entry };
            }
            self.rest = self.rest[line.len()..].trim_start_matches(['\r', '\n']);
        } else {
            return false;
        }
        true
    }

    fn finish(&mut self, sql: String) {
        let sql = sql.trim_end();
        if !sql.is_empty() {
            let Entry { number, kind, schema, name } = self.entry.clone();
            let sql = sql.to_owned();
            self.statements.push(Statement { sql, entry: number, kind, schema, name });
        }
    }
}

/// `-- Name: answers; Type: TABLE; Schema: public; Owner: -`
fn parse_header(line: &str) -> Option<Entry> {
    let line = line.strip_prefix("-- Name: ")?;
    let (line, _) = line.rsplit_once("; Owner: ")?;
    let (line, schema) = line.rsplit_once("; Schema: ")?;
    let (name, kind) = line.rsplit_once("; Type: ")?;
    let (kind, schema, name) = (kind.to_owned(), schema.to_owned(), name.to_owned());
    Some(Entry { number: 0, kind, schema, name })
}

/// Counts the blocks of a `BEGIN ATOMIC … END` body, in which semicolons do not end the statement.
#[derive(Debug, Default)]
struct Atomic {
    depth: usize,
    previous_was_begin: bool,
}

impl Atomic {
    fn is_closed(&self) -> bool {
        self.depth == 0
    }

    fn see(&mut self, token: &str) {
        if token.chars().all(char::is_whitespace) {
            return;
        }
        let word = token.to_ascii_lowercase();
        match word.as_str() {
            "atomic" if self.previous_was_begin => self.depth += 1,
            "case" if self.depth > 0 => self.depth += 1,
            "end" if self.depth > 0 => self.depth -= 1,
            _ => {}
        }
        self.previous_was_begin = word == "begin";
    }
}

/// The length of the token at the start of `text`, which is not empty; `before` tells whether a
/// quote follows an `E`.
fn token_length(text: &str, before: &str) -> usize {
    let first = text.chars().next().map_or(1, char::len_utf8);
    match text.as_bytes()[0] {
        b'\'' => quoted_length(text, '\'', is_escape_string(before)),
        b'"' => quoted_length(text, '"', false),
        b'$' => dollar_quoted_length(text).unwrap_or(first),
        b'-' if text.starts_with("--") => text.find('\n').unwrap_or(text.len()),
        b'/' if text.starts_with("/*") => comment_length(text),
        _ if is_word(text.chars().next()) => {
            text.find(|c| !is_word(Some(c)) && c != '$').unwrap_or(text.len())
        }
        _ => first,
    }
}

fn is_word(c: Option<char>) -> bool {
    c.is_some_and(|c| c.is_alphanumeric() || c == '_' || !c.is_ascii())
}

fn is_escape_string(before: &str) -> bool {
    let mut backwards = before.chars().rev();
    matches!(backwards.next(), Some('e' | 'E')) && !is_word(backwards.next())
}

fn quoted_length(text: &str, quote: char, escapes: bool) -> usize {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if escapes && c == '\\' {
            characters.next();
        } else if c == quote {
            match characters.peek() {
                Some((_, next)) if *next == quote => {
                    characters.next();
                }
                _ => return at + 1,
            }
        }
    }
    text.len()
}

fn dollar_quoted_length(text: &str) -> Option<usize> {
    let tag_end = text[1..].find('$')? + 2;
    let tag = &text[..tag_end];
    let inner = &tag[1..tag_end - 1];
    if inner.starts_with(|c: char| c.is_ascii_digit()) || !inner.chars().all(|c| is_word(Some(c))) {
        return None;
    }
    Some(text[tag_end..].find(tag).map_or(text.len(), |at| tag_end + at + tag.len()))
}

fn comment_length(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statements(script: &str) -> Vec<String> {
        split(script).into_iter().map(|statement| statement.sql).collect()
    }

    #[test]
    fn entries_are_named_by_their_headers() {
        let script = "\\restrict x\n--\n-- Name: a b; c; Type: FK CONSTRAINT; Schema: public; \
                      Owner: -\n--\n\nALTER TABLE a;\n\n\nCOMMENT ON x IS 'y';\n";
        let found = split(script);
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].kind, "FK CONSTRAINT");
        assert_eq!(found[1].name, "a b; c");
        assert_eq!(found[0].schema, "public");
    }

    #[test]
    fn semicolons_inside_quotes_do_not_split() {
        let script = r#"SELECT 'a;''b'; SELECT E'\';'; SELECT "x;""y";
            SELECT $a$ ; $$ $a$; /* ; /* */ ; */ SELECT $1;"#;
        assert_eq!(statements(script).len(), 5);
        assert_eq!(statements(r"SELECT 'a\'; SELECT 2").len(), 2);
    }

    #[test]
    fn a_header_inside_a_literal_is_text() {
        let script = "COMMENT ON TABLE t IS 'x\n--\n-- Name: evil; Type: TABLE; Schema: s; \
                      Owner: -\n--\n'; SELECT 1;";
        assert!(split(script).iter().all(|statement| statement.name.is_empty()));
    }

    #[test]
    fn atomic_bodies_stay_whole() {
        let script = "CREATE FUNCTION f() RETURNS int\n BEGIN ATOMIC\n \
                      SELECT CASE WHEN true THEN 1 END; SELECT 2;\nEND; SELECT 3;";
        assert_eq!(statements(script).len(), 2);
    }

    #[test]
    fn line_comments_inside_statements_are_left_out() {
        assert_eq!(statements("SELECT 1 -- ; no\n+ 2;"), ["SELECT 1 \n+ 2"]);
    }
}
