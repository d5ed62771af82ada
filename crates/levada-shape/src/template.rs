//! Statements of more than a few lines, kept as files, with names and expressions filled in.

/// Puts each part in place of its `@name@`. What parts contain is left alone.
pub(crate) fn fill_in(template: &str, parts: &[(&str, &str)]) -> String {
    let mut pieces = template.split('@');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    while let Some(name) = pieces.next() {
        match (parts.iter().find(|(known, _)| *known == name), pieces.next()) {
            (Some((_, part)), Some(rest)) => {
                text += part;
                text += rest;
            }
            (_, rest) => {
                text += &format!("@{name}");
                text += &rest.map(|rest| format!("@{rest}")).unwrap_or_default();
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_put_in_once() {
        let parts = [("table", "\"a@table@\""), ("when", "true")];
        let filled = fill_in("SELECT FROM @table@ WHERE @when@", &parts);
        assert_eq!(filled, "SELECT FROM \"a@table@\" WHERE true");
        assert_eq!(fill_in("@other@ @when@", &parts), "@other@ true");
    }
}
