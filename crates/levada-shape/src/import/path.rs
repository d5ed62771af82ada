//! Paths into JSON documents (RFC 9535), with what a typo in one of them would hide.

use serde_json::Value;
use serde_json_path::JsonPath;

/// A path, and what it promises.
#[derive(Debug, Clone)]
pub(crate) struct Path {
    path: JsonPath,
    /// Leads to one value at most.
    is_singular: bool,
    /// What stands before the first `[*]` or `[?`: it has to exist, or the path is a wrong one.
    container: Option<JsonPath>,
    /// Each element of the container gives one value.
    is_one_each: bool,
    /// Compares values.
    pub(crate) has_filter: bool,
}

/// The container of a path is not there, or is none.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoContainer;

/// What a path found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    Nothing,
    One(&'a Value),
    /// Of a path that may lead to several values.
    All(Vec<&'a Value>),
    /// Some elements of the container have no value.
    Gaps,
}

impl Path {
    /// Reads a path; the error tells where it is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let path = JsonPath::parse(text).map_err(|error| error.to_string())?;
        let bare = without_quoted(text);
        let wild = ['*', '?', ':', ','];
        let is_wild = |text: &str| text.contains(wild) || text.contains("..");
        let first = [bare.find("[*]"), bare.find("[?")].into_iter().flatten().min();
        let container = first.filter(|at| !is_wild(&bare[..*at]));
        let after = container.and_then(|at| bare[at..].strip_prefix("[*]"));
        let is_one_each = after.is_some_and(|after| !is_wild(after));
        let container = container.and_then(|at| JsonPath::parse(&text[..at]).ok());
        Ok(Self {
            path,
            is_singular: !is_wild(&bare),
            container,
            is_one_each,
            has_filter: bare.contains('?'),
        })
    }

    /// All that it leads to.
    pub(crate) fn all<'a>(&self, value: &'a Value) -> Result<Vec<&'a Value>, NoContainer> {
        if self.container.is_some() && self.elements(value).is_none() {
            return Err(NoContainer);
        }
        Ok(self.path.query(value).all())
    }

    /// Whether it begins with a list.
    pub(crate) fn has_container(&self) -> bool {
        self.container.is_some()
    }

    /// How many elements the list has that it begins with, whatever is chosen of them.
    pub(crate) fn elements(&self, value: &Value) -> Option<u64> {
        match self.container.as_ref()?.query(value).first()? {
            Value::Array(elements) => Some(elements.len() as u64),
            Value::Object(members) => Some(members.len() as u64),
            _ => None,
        }
    }

    /// What it leads to in a record.
    pub(crate) fn look<'a>(&self, value: &'a Value) -> Found<'a> {
        let Ok(found) = self.all(value) else { return Found::Nothing };
        match (self.is_singular, found.as_slice()) {
            (true, []) => Found::Nothing,
            (true, [one, ..]) => Found::One(one),
            (false, _) => match self.elements(value).filter(|_| self.is_one_each) {
                Some(elements) if elements != found.len() as u64 => Found::Gaps,
                _ => Found::All(found),
            },
        }
    }
}

/// The text with quoted names blanked, of the same length.
fn without_quoted(text: &str) -> String {
    let mut quote = None;
    let mut is_escaped = false;
    let blank = |letter: char| " ".repeat(letter.len_utf8());
    let mut bare = String::with_capacity(text.len());
    for letter in text.chars() {
        match quote {
            Some(_) if is_escaped => is_escaped = false,
            Some(_) if letter == '\\' => is_escaped = true,
            Some(open) if letter == open => quote = None,
            Some(_) => {}
            None if matches!(letter, '"' | '\'') => quote = Some(letter),
            None => {
                bare.push(letter);
                continue;
            }
        }
        bare += &blank(letter);
    }
    bare
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_to_nowhere_is_told_from_an_empty_list() {
        let path = Path::parse("$.content.skills[*]").unwrap();
        assert_eq!(path.all(&json!({"content": {"skills": []}})), Ok(vec![]));
        assert_eq!(path.all(&json!({"content": {}})), Err(NoContainer));
        assert_eq!(path.all(&json!({"content": {"skills": "error"}})), Err(NoContainer));
        let path = Path::parse("$.skills[?@.level > 1]").unwrap();
        let found = json!({"skills": [{"level": 1}, {"level": 2}]});
        assert_eq!(path.all(&found), Ok(vec![&json!({"level": 2})]));
        assert_eq!(path.elements(&found), Some(2), "what is filtered away counts as given");
        assert_eq!(path.all(&json!({"skill": []})), Err(NoContainer));
    }

    #[test]
    fn elements_without_the_value_are_not_skipped() {
        let path = Path::parse("$.a[*].id").unwrap();
        let whole = json!({"a": [{"id": 1}, {"id": 2}]});
        assert_eq!(path.look(&whole), Found::All(vec![&json!(1), &json!(2)]));
        assert_eq!(path.look(&json!({"a": [{"id": 1}, {}]})), Found::Gaps);
        assert_eq!(path.look(&json!({"a": []})), Found::All(vec![]));
        assert_eq!(path.look(&json!({"b": []})), Found::Nothing);
    }

    #[test]
    fn quoted_names_are_no_wildcards() {
        let path = Path::parse(r#"$["a[*]?,:.."].b"#).unwrap();
        assert!(path.is_singular && !path.has_filter && path.container.is_none());
        assert!(Path::parse("$.a[?@.b > 1]").unwrap().has_filter);
        assert!(!Path::parse("$..b").unwrap().is_singular);
        assert!(Path::parse("content.skills").is_err());
    }
}
