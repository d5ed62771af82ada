//! As much of Rust's grammar as the rules need.
//!
//! Responsible for: telling code from comments and literals, and finding brackets. Must not: know
//! a rule.

use super::Literal;

/// The code with comments and literals blanked, and the string literals.
pub(super) fn split(text: &str) -> (String, Vec<Literal>) {
    let mut code = String::with_capacity(text.len());
    let mut literals = Vec::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let glued = code.ends_with(|last: char| last.is_alphanumeric() || last == '_');
        let (length, string) = match letter {
            '/' if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), None),
            '/' if rest.starts_with("/*") => (block_comment(rest), None),
            '"' => quoted(rest),
            'r' if !glued || code.ends_with('b') => raw(rest),
            '\'' => (character(rest), None),
            _ => (0, None),
        };
        if length == 0 {
            code.push(letter);
            rest = &rest[letter.len_utf8()..];
            continue;
        }
        if let Some(string) = string {
            let line = code.matches('\n').count() + 1;
            literals.push(Literal { line, text: string.to_owned() });
        }
        let blank = |byte: u8| if byte == b'\n' { '\n' } else { ' ' };
        code.extend(rest[..length].bytes().map(blank));
        rest = &rest[length..];
    }
    (code, literals)
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    for index in 0..text.len() {
        let pair = text.as_bytes().get(index..index + 2).unwrap_or_default();
        match pair {
            b"/*" => depth += 1,
            b"*/" if depth == 1 => return index + 2,
            b"*/" => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

fn quoted(text: &str) -> (usize, Option<&str>) {
    let mut escaped = false;
    for (index, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return (index + 1, Some(&text[1..index])),
            _ => {}
        }
    }
    (text.len(), None)
}

fn raw(text: &str) -> (usize, Option<&str>) {
    let hashes = text[1..].bytes().take_while(|byte| *byte == b'#').count();
    let start = hashes + 2;
    if text.as_bytes().get(start - 1) != Some(&b'"') {
        return (0, None);
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let length = text[start..].find(&end).unwrap_or(text.len() - start);
    ((start + length + end.len()).min(text.len()), Some(&text[start..start + length]))
}

/// The length of a character literal; 0 for a lifetime.
fn character(text: &str) -> usize {
    let mut letters = text.char_indices().skip(1);
    match letters.next() {
        Some((_, '\\')) => text[3..].find('\'').map_or(0, |index| index + 4),
        Some((index, letter)) => {
            let end = index + letter.len_utf8();
            if text[end..].starts_with('\'') { end + 1 } else { 0 }
        }
        None => 0,
    }
}

/// The first of `wanted` from `start` on that is in no bracket opened after `start`.
pub(super) fn find_at_depth(code: &str, start: usize, wanted: &str) -> Option<usize> {
    let bytes = code.as_bytes();
    let mut depth = 0;
    for (index, &byte) in bytes.iter().enumerate().skip(start) {
        if depth == 0 && wanted.as_bytes().contains(&byte) {
            return Some(index);
        }
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// The parts between commas that are in no bracket. Angle brackets count, arrows do not.
pub(super) fn split_at_depth(code: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (index, byte) in code.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' | b'<' => depth += 1,
            b'>' if code[..index].ends_with(['-', '=']) => {}
            b')' | b']' | b'}' | b'>' => depth -= 1,
            b',' if depth == 0 => {
                parts.push(&code[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&code[start..]);
    parts
}

#[test]
fn blanks_what_is_no_code() {
    let text = "a(\"x // \\\"y\", r#\"z\"w\"#, b'\\'', 'q', &'life u); // c\n/* /* */ d */ e";
    let (code, literals) = split(text);
    assert_eq!(code.len(), text.len());
    let squeezed: Vec<&str> = code.split_whitespace().collect();
    assert_eq!(squeezed.join(" "), "a( , , b , , &'life u); e");
    let texts: Vec<&str> = literals.iter().map(|literal| literal.text.as_str()).collect();
    assert_eq!(texts, ["x // \\\"y", "z\"w"]);
}
