//! What can go wrong when talking to a server, without any row value.
//!
//! PostgreSQL puts row values into DETAIL, CONTEXT and some messages; none of those leave this
//! file.

use report::Problem;

/// The result of talking to a server.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of a session. Callers branch on its kind; people read its [`Problem`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No session could be opened.
    #[error("{0}")]
    Connect(Problem),
    /// The server answered with an error.
    #[error("{message} (SQLSTATE {sqlstate})")]
    Server { sqlstate: String, message: String, hint: Option<String> },
    /// The connection broke; the work may or may not have been done.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// The other side said something that this protocol does not allow.
    #[error("protocol violation: {0}")]
    Protocol(String),
    /// We refuse to go on, for a reason a person can act on.
    #[error("{0}")]
    Refused(Problem),
}

impl Error {
    /// Whether the same work may succeed on a new session.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Lost(_) => true,
            // Connection trouble, shutdown, crash recovery, lock time-out, deadlock, cancel.
            Self::Server { sqlstate, .. } => {
                sqlstate.starts_with("08")
                    || matches!(
                        sqlstate.as_str(),
                        "57P01" | "57P02" | "57P03" | "55P03" | "40P01" | "40001" | "57014"
                    )
            }
            Self::Connect(_) | Self::Protocol(_) | Self::Refused(_) => false,
        }
    }

    /// The SQLSTATE, when a server gave one.
    pub fn sqlstate(&self) -> Option<&str> {
        match self {
            Self::Server { sqlstate, .. } => Some(sqlstate),
            _ => None,
        }
    }

    /// The error for a person, with our hint where we know one.
    pub fn problem(&self) -> Problem {
        match self {
            Self::Connect(problem) | Self::Refused(problem) => problem.clone(),
            Self::Server { sqlstate, hint, .. } => {
                let problem = Problem::new(self.to_string());
                match hint.clone().or_else(|| hint_for(sqlstate).map(str::to_owned)) {
                    Some(hint) => problem.hint(hint),
                    None => problem,
                }
            }
            Self::Lost(_) | Self::Protocol(_) => Problem::new(self.to_string()),
        }
    }

    pub(crate) fn server(fields: ServerFields) -> Self {
        let message = safe_message(&fields);
        Self::Server { sqlstate: fields.sqlstate, message, hint: None }
    }
}

/// The fields of an error response that may be shown.
#[derive(Debug, Default)]
pub(crate) struct ServerFields {
    pub(crate) sqlstate: String,
    pub(crate) message: String,
    pub(crate) table: Option<String>,
    pub(crate) column: Option<String>,
    pub(crate) constraint: Option<String>,
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(db) => Self::server(ServerFields {
                sqlstate: db.code().code().to_owned(),
                message: db.message().to_owned(),
                table: db.table().map(str::to_owned),
                column: db.column().map(str::to_owned),
                constraint: db.constraint().map(str::to_owned),
            }),
            None if error.is_closed() => Self::Lost("closed by the other side".to_owned()),
            None => match std::error::Error::source(&error) {
                Some(source) if source.is::<std::io::Error>() => Self::Lost(source.to_string()),
                _ => Self::Protocol(error.to_string()),
            },
        }
    }
}

/// The message without values: data exceptions quote the offending input, functions raise anything.
fn safe_message(fields: &ServerFields) -> String {
    let is_grammar = fields.message.starts_with("syntax error at ");
    let mut message = match fields.sqlstate.get(..2) {
        // An invalid character is shown as its bytes.
        Some("22") if matches!(fields.sqlstate.as_str(), "22021" | "22P05") => {
            fields.message.split("0x").next().unwrap_or_default().trim_end().to_owned()
        }
        // Other languages have other quotes.
        Some("22") if !fields.message.is_ascii() => "the server refuses a value".to_owned(),
        Some("22") => redact_quoted(&fields.message),
        // PostgreSQL itself names what was violated; a RAISE of somebody's may say anything.
        Some("23") if fields.constraint.is_none() && fields.column.is_none() => {
            "a constraint is violated".to_owned()
        }
        // Types with a syntax of their own, such as tsquery, complain like the grammar does.
        Some("42") if fields.sqlstate == "42601" && !is_grammar => redact_quoted(&fields.message),
        Some(class) if !is_of_the_server(class) => {
            "a function of the database raised an exception".to_owned()
        }
        _ => fields.message.clone(),
    };
    let places = [("table", &fields.table), ("column", &fields.column)];
    for (what, name) in places.into_iter().chain([("constraint", &fields.constraint)]) {
        if let Some(name) = name
            && !message.contains(name.as_str())
        {
            message.push_str(&format!(", {what} {name}"));
        }
    }
    message
}

/// Classes of errors that PostgreSQL's own code raises, but for those whose texts users write.
fn is_of_the_server(class: &str) -> bool {
    const CLASSES: &[&str] = &[
        "08", "0A", "21", "22", "23", "25", "26", "28", "2B", "34", "39", "3B", "3D", "3F", "40",
        "42", "44", "53", "54", "55", "57", "58", "72", "F0", "XX",
    ];
    CLASSES.contains(&class)
}

fn redact_quoted(message: &str) -> String {
    match (message.find('"'), message.rfind('"')) {
        (Some(first), Some(last)) if last > first => {
            format!("{}\"…\"{}", &message[..first], &message[last + 1..])
        }
        _ => message.to_owned(),
    }
}

fn hint_for(sqlstate: &str) -> Option<&'static str> {
    Some(match sqlstate {
        // One backend prepared the statement, another was asked to execute it.
        "26000" | "42P05" => {
            "a transaction pooler seems to stand before the server: use the URL of the server \
             itself, or a pool in session mode"
        }
        "42501" => {
            "grant the missing right to the role of this connection, then run the command again"
        }
        "53100" => {
            "the server's disk is full: free or add space, then run the same command again; \
             finished tables are kept"
        }
        "53200" => {
            "with very many tables, raise max_locks_per_transaction on the target; otherwise lower \
             [copy] jobs"
        }
        "53300" => "no connection is free: lower [copy] jobs, or raise max_connections",
        "55P03" => "another session holds the lock: run again when it is done",
        "57P01" | "57P02" | "57P03" => {
            "the server was stopped or restarted: run the same command again"
        }
        "58030" => "the server could not read or write a file: look into the server's log",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(sqlstate: &str, message: &str) -> String {
        Error::server(ServerFields {
            sqlstate: sqlstate.into(),
            message: message.into(),
            ..Default::default()
        })
        .to_string()
    }

    #[test]
    fn values_never_reach_the_message() {
        let input = r#"invalid input syntax for type integer: "secret "quoted"""#;
        assert!(!shown("22P02", input).contains("secret"));
        assert!(!shown("P0001", "user bob@example.org is late").contains("bob"));
        assert!(!shown("42601", r#"syntax error in tsquery: "bob &""#).contains("bob"));
    }

    #[test]
    fn names_stay() {
        assert!(shown("42601", r#"syntax error at or near "frm""#).contains("frm"));
        let message = r#"relation "public.answers" does not exist"#;
        assert_eq!(shown("42P01", message), format!("{message} (SQLSTATE 42P01)"));
    }
}
