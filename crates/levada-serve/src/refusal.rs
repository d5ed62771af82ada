//! Why there is no answer: the kinds of refusal, each with its HTTP status. RFC 9457 gives them
//! their form, in `http::problem`.

use std::time::Duration;

/// Why there is no answer. Texts name parameters and statistics, never a value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No statistic, page or file of this name.
    NotFound(String),
    /// A parameter that is missing, unknown, or out of its bounds.
    BadParameter { name: String, reason: String },
    /// A value that no edition has, such as an unknown id.
    UnknownValue { name: String },
    /// The edition that an address names is not held any more.
    Gone,
    /// The target has no published edition.
    NoEdition,
    /// One client asks for too much that is not known yet.
    TooManyQueries,
    /// More queries wait than may.
    Overloaded,
    /// The database does not answer, and nothing that may still be shown is known.
    Unavailable,
    /// The query took too long, or failed: the log has the reason.
    Failed,
}

impl Refusal {
    /// The status of the response.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::NotFound(_) | Self::UnknownValue { .. } => 404,
            Self::BadParameter { .. } => 400,
            Self::Gone => 410,
            Self::TooManyQueries => 429,
            Self::NoEdition | Self::Overloaded | Self::Unavailable | Self::Failed => 503,
        }
    }

    /// When to come again.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyQueries | Self::Overloaded => Some(Duration::from_secs(1)),
            Self::Failed => Some(Duration::from_secs(5)),
            Self::NoEdition | Self::Unavailable => Some(Duration::from_secs(10)),
            _ => None,
        }
    }

    /// Whether an answer of an earlier edition is better than none.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::TooManyQueries | Self::Overloaded | Self::Unavailable | Self::Failed)
    }
}
