//! Addresses: path and query, read strictly. Pure.

use crate::refusal::Refusal;

/// What an address leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    Index,
    /// `/stats/NAME`, `.json`, `.csv`; with `/editions/TAG` in front, of that edition only.
    Stat {
        name: String,
        format: Option<Format>,
        edition: Option<String>,
    },
    /// `/pages/NAME`.
    Page {
        name: String,
    },
    /// `/assets/NAME`.
    Asset {
        name: String,
    },
    OpenApi,
    Health,
    Readiness,
    Metrics,
}

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Format {
    Html,
    Json,
    Csv,
}

impl Format {
    /// As in addresses.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Html => "text/html; charset=utf-8",
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }
}

impl Address {
    /// Reads path and query; the parameters come decoded, in their order.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for what leads nowhere, [`Refusal::BadParameter`] for a query that
    /// is not UTF-8 in percent encoding.
    pub(crate) fn parse(target: &str) -> Result<(Self, Vec<(String, String)>), Refusal> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let nowhere = || Refusal::NotFound("nothing is at this address".to_owned());
        let segments: Vec<&str> = path.strip_prefix('/').ok_or_else(nowhere)?.split('/').collect();
        let address = match segments.as_slice() {
            [""] => Self::Index,
            ["stats", file] => stat(file, None).ok_or_else(nowhere)?,
            ["editions", tag, "stats", file] => stat(file, Some(tag)).ok_or_else(nowhere)?,
            ["pages", name] if is_name(name) => Self::Page { name: (*name).to_owned() },
            ["assets", name] if is_file(name) => Self::Asset { name: (*name).to_owned() },
            ["openapi.json"] => Self::OpenApi,
            ["healthz"] => Self::Health,
            ["readyz"] => Self::Readiness,
            ["metrics"] => Self::Metrics,
            _ => return Err(nowhere()),
        };
        Ok((address, pairs(query)?))
    }
}

fn stat(file: &str, edition: Option<&str>) -> Option<Address> {
    let (name, format) = match file.rsplit_once('.') {
        None => (file, None),
        Some((name, "json")) => (name, Some(Format::Json)),
        Some((name, "csv")) => (name, Some(Format::Csv)),
        Some((name, "html")) => (name, Some(Format::Html)),
        Some(_) => return None,
    };
    let edition = edition.map(str::to_owned);
    is_name(name).then(|| Address::Stat { name: name.to_owned(), format, edition })
}

fn is_name(text: &str) -> bool {
    let is_fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    !text.is_empty() && text.len() <= 64 && text.chars().all(is_fine)
}

fn is_file(text: &str) -> bool {
    let (name, extension) = text.rsplit_once('.').unwrap_or((text, ""));
    is_name(name) && is_name(extension)
}

/// `application/x-www-form-urlencoded`, as the URL standard of the WHATWG reads it, but refused
/// where it is no UTF-8.
fn pairs(query: &str) -> Result<Vec<(String, String)>, Refusal> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    let decode = |text: &str| {
        decoded(text).ok_or_else(|| Refusal::BadParameter {
            name: "query".to_owned(),
            reason: "is not percent-encoded UTF-8".to_owned(),
        })
    };
    let read = parts.map(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        Ok((decode(name)?, decode(value)?))
    });
    read.collect()
}

/// Percent-encoded text; `None` where it is no UTF-8.
pub(crate) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        bytes.push(match first {
            b'+' => b' ',
            b'%' => {
                let digits = std::str::from_utf8(after.get(..2)?).ok()?;
                if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    return None;
                }
                rest = &after[2..];
                u8::from_str_radix(digits, 16).ok()?
            }
            byte => *byte,
        });
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}
