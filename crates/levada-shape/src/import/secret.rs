//! `${NAME}` in a url or header stands for a variable of the environment.

use report::Problem;

/// Fills the variables in. `place` is where the text stands, for the error.
///
/// # Errors
/// A [`Problem`] that names a variable which is not set; never a value.
pub(crate) fn expand(import: &str, place: &str, text: &str) -> Result<String, Problem> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, after)) = after.split_once('}') else {
            return Err(Problem::new(format!("[[import]] {import}: {place} has a ${{ without }}")));
        };
        let value = std::env::var(name).map_err(|_| {
            Problem::new(format!("environment variable {name} is not set"))
                .detail(format!("[[import]] {import} needs it in {place}"))
                .hint(format!("export {name}=… where levada runs"))
        })?;
        expanded += before;
        expanded += &value;
        rest = after;
    }
    Ok(expanded + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_variable_is_named() {
        let problem = expand("skills", "Authorization", "Bearer ${LEVADA_NONE}").unwrap_err();
        assert_eq!(problem.message, "environment variable LEVADA_NONE is not set");
        assert_eq!(problem.detail.unwrap(), "[[import]] skills needs it in Authorization");
    }

    #[test]
    fn text_without_variables_stays() {
        assert_eq!(expand("skills", "url", "http://a/?b={c}$").unwrap(), "http://a/?b={c}$");
    }
}
