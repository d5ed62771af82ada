//! Reads the outline of a Rust file: fields and variants with their doc comments.
//!
//! It knows rustfmt's layout, in which each item stands on a line of its own, and no more.

/// A field of a struct.
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) kind: String,
    /// Its doc comment on one line.
    pub(crate) about: String,
}

/// The fields of `name` in the order of the source.
pub(crate) fn fields(text: &str, name: &str) -> Vec<Field> {
    let items = items(text, &format!("struct {name} {{"));
    let fields = items.into_iter().map(|(about, line)| {
        let line = line.trim_start_matches("pub(crate) ").trim_start_matches("pub ");
        let (name, kind) = line.split_once(": ").expect("a field has a type");
        Field { name: name.to_owned(), kind: kind.to_owned(), about }
    });
    fields.collect()
}

/// The variants of the enum `name` with their doc comments.
pub(crate) fn variants(text: &str, name: &str) -> Vec<(String, String)> {
    let items = items(text, &format!("enum {name} {{"));
    items.into_iter().map(|(about, line)| (line, about)).collect()
}

/// The items in the braces after `opening`: doc comment, and the line without its comma.
fn items(text: &str, opening: &str) -> Vec<(String, String)> {
    let body = text.split_once(opening).unwrap_or_else(|| panic!("no {opening} is found")).1;
    let mut about: Vec<&str> = Vec::new();
    let mut renamed: Option<&str> = None;
    let mut is_skipped = false;
    let mut items = Vec::new();
    for line in body.lines().skip(1).take_while(|line| *line != "}").map(str::trim) {
        if let Some(comment) = line.strip_prefix("///") {
            about.push(comment.trim());
        } else if let Some(name) = line.strip_prefix("#[serde(rename = \"") {
            renamed = name.split('"').next();
        } else if line == "#[serde(skip)]" {
            is_skipped = true;
        } else if !line.starts_with("#[") && !line.is_empty() {
            assert!(!about.is_empty(), "{line} is not documented");
            let line = line.trim_end_matches(',');
            if std::mem::take(&mut is_skipped) {
                about.clear();
                continue;
            }
            let line = match (renamed.take(), line.split_once(": ")) {
                (Some(name), Some((_, kind))) => format!("{name}: {kind}"),
                _ => line.to_owned(),
            };
            items.push((about.join(" "), line));
            about.clear();
        }
    }
    items
}

#[test]
fn reads_fields_with_their_comments() {
    let text = "struct A {\n    /// One\n    /// two.\n    #[serde(rename = \"a\")]\n    \
                pub(crate) b: Vec<u8>,\n}\n";
    let fields = fields(text, "A");
    assert_eq!(fields.len(), 1);
    let Field { name, kind, about } = &fields[0];
    assert_eq!([name, kind, about], ["a", "Vec<u8>", "One two."]);
}
