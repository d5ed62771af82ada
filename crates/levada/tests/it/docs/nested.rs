//! Structs and enums that stand inside the sections of a feature's crate, found in its source. What
//! is not documented there is not shown.

use std::path::{Path, PathBuf};

use super::outline::{Field, fields};

/// The source of the crate, with the folder of each file.
pub(crate) struct Source {
    files: Vec<(PathBuf, String)>,
}

impl Source {
    pub(crate) fn read(folder: &Path) -> Self {
        let mut files = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).expect("a folder of the source") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    files.push((folder.clone(), std::fs::read_to_string(&path).expect("a file")));
                }
            }
        }
        files.sort();
        Self { files }
    }

    /// The fields of a section.
    pub(crate) fn fields(&self, name: &str) -> Vec<Field> {
        let opening = format!("pub struct {name} {{");
        let file = self.files.iter().find(|(_, text)| text.contains(&opening));
        fields(&file.unwrap_or_else(|| panic!("no {opening} is found in the crate")).1, name)
    }

    /// What is written in a field of this kind, as tables of Markdown under the path of the option.
    pub(crate) fn describe(&self, section: &str, path: &str, option: &Field) -> String {
        let folder = self.folder_of(section);
        let mut seen = vec![section.to_owned()];
        let mut text = String::new();
        for name in names(&option.kind) {
            text += &self.table(&folder, path, &name, &mut seen);
        }
        text
    }

    fn folder_of(&self, section: &str) -> PathBuf {
        let opening = format!("pub struct {section} {{");
        let file = self.files.iter().find(|(_, text)| text.contains(&opening));
        file.map(|(folder, _)| folder.clone()).unwrap_or_default()
    }

    fn table(&self, folder: &Path, option: &str, name: &str, seen: &mut Vec<String>) -> String {
        let Some(body) = self.body(folder, name).filter(|_| !seen.iter().any(|seen| seen == name))
        else {
            return String::new();
        };
        seen.push(name.to_owned());
        let rows: Vec<Row> = rows(&body);
        let mut text = String::new();
        if rows.iter().any(|row| !row.about.is_empty()) {
            text += &format!("\n### {option}\n\n| entry | meaning |\n|---|---|\n");
            for row in rows.iter().filter(|row| !row.about.is_empty()) {
                text += &format!("| `{}` | {} |\n", row.name, row.about);
            }
        }
        for row in &rows {
            // A variant that is not documented is a spelling, and has no name in the file.
            let within = match row.is_variant && row.about.is_empty() {
                true => option.to_owned(),
                false => format!("{option}.{}", row.name),
            };
            for kind in names(&row.kind) {
                text += &self.table(folder, &within, &kind, seen);
            }
        }
        text
    }

    /// The attributes and the text within the braces of what a configuration is read into.
    fn body(&self, folder: &Path, name: &str) -> Option<(String, String)> {
        let near = self.files.iter().filter(|(place, _)| place == folder);
        let far = self.files.iter().filter(|(place, _)| place != folder);
        near.chain(far).find_map(|(_, text)| {
            let openings = [format!("pub struct {name} {{\n"), format!("pub enum {name} {{\n")];
            let (before, after) = openings.iter().find_map(|opening| text.split_once(opening))?;
            let attributes = before.rsplit("\n\n").next().unwrap_or_default();
            let body = after.split("\n}").next().unwrap_or_default();
            let is_read = attributes.contains("Deserialize");
            is_read.then(|| (attributes.to_owned(), body.to_owned()))
        })
    }
}

/// An entry of a nested table, or a variant.
struct Row {
    name: String,
    kind: String,
    about: String,
    is_variant: bool,
}

/// Fields and variants by the layout of rustfmt: what belongs to a variant stands deeper.
fn rows((attributes, body): &(String, String)) -> Vec<Row> {
    let mut rows = Vec::new();
    let (mut about, mut renamed) = (Vec::new(), None);
    for line in body.lines() {
        let text = line.trim().trim_end_matches(',');
        if let Some(comment) = text.strip_prefix("///") {
            about.push(comment.trim().to_owned());
        } else if let Some(name) = text.strip_prefix("#[serde(rename = \"") {
            renamed = name.split('"').next().map(str::to_owned);
        } else if text == "#[serde(flatten)]" {
            renamed = Some("NAME".to_owned());
        } else if text.starts_with("#[") || text == "}" || text.is_empty() {
            continue;
        } else {
            let text = text.trim_start_matches("pub(crate) ").trim_start_matches("pub ");
            let field = text.split_once(": ").filter(|(name, _)| is_word(name));
            let variant = text.split([' ', '(', '{']).next().unwrap_or(text);
            // Even where a struct has the name of the variant.
            let content = &text[variant.len()..];
            let (name, kind) = field
                .map_or((cased(attributes, variant), content), |(name, kind)| {
                    (name.to_owned(), kind)
                });
            rows.push(Row {
                name: renamed.take().unwrap_or(name),
                kind: kind.to_owned(),
                about: about.join(" "),
                is_variant: field.is_none(),
            });
            about.clear();
        }
    }
    rows
}

fn is_word(text: &str) -> bool {
    text.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
}

/// A variant as the configuration spells it.
fn cased(attributes: &str, variant: &str) -> String {
    let divider = if attributes.contains("rename_all = \"snake_case\"") { "_" } else { "" };
    let mut text = String::new();
    for letter in variant.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text += divider;
        }
        text.extend(letter.to_lowercase());
    }
    text
}

/// The names of types in a type.
fn names(kind: &str) -> Vec<String> {
    let words = kind.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    let types = words.filter(|word| word.starts_with(char::is_uppercase));
    let known = ["Option", "Vec", "BTreeMap", "String", "PathBuf", "Box"];
    types.filter(|word| !known.contains(word)).map(str::to_owned).collect()
}
