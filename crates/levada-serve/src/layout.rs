//! The columns of a rollup as levada has recorded them: what its dimensions are, and what each
//! measure becomes when dimensions are put together. Columns that are not named here are internal.

use std::collections::BTreeMap;

use pg::quote_identifier;
use serde::Deserialize;

/// Dimensions and measures of a rollup.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Layout {
    pub(crate) dimensions: Vec<String>,
    pub(crate) measures: BTreeMap<String, Measure>,
}

/// What a measure is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Measure {
    Count,
    Sum,
    Min,
    Max,
    Distinct,
    Estimate,
    /// One measure divided by another.
    Ratio(String, String),
    /// Of a later levada.
    #[serde(other)]
    Unknown,
}

impl Measure {
    /// The column over rows of several dimensions; `None` where these cannot tell.
    pub(crate) fn put_together(&self, column: &str) -> Option<String> {
        let column = quote_identifier(column);
        match self {
            Self::Count | Self::Sum => Some(format!("sum({column})")),
            Self::Min => Some(format!("min({column})")),
            Self::Max => Some(format!("max({column})")),
            Self::Ratio(of, over) => Some(format!(
                "sum({})::numeric / nullif(sum({}), 0)::numeric",
                quote_identifier(of),
                quote_identifier(over)
            )),
            Self::Distinct | Self::Estimate | Self::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_also_those_of_a_later_levada() {
        let text = r#"{"dimensions": ["kind"], "measures": {"n": "count", "people": "distinct",
            "rate": {"ratio": ["bad", "n"]}, "median": "quantile"}}"#;
        let layout: Layout = serde_json::from_str(text).unwrap();
        assert_eq!(layout.measures["rate"], Measure::Ratio("bad".to_owned(), "n".to_owned()));
        assert_eq!(layout.measures["median"].put_together("median"), None);
        assert_eq!(layout.measures["people"].put_together("people"), None);
        assert_eq!(layout.measures["n"].put_together("n").unwrap(), "sum(\"n\")");
    }
}
