//! What a visitor asks for, read and bounded. Parameters that nobody declared are refused, so that
//! no address can be made up that is not known already.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::{Compiled, Fitted};
use crate::config::{Kind, Parameter, Scalar};
use crate::range;
use crate::refusal::Refusal;

/// What is asked of a statistic, in one form for all that mean the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Every parameter with its value; `None` for a filter that is not asked for.
    pub(crate) values: BTreeMap<String, Option<String>>,
    /// `None` where the statistic has no range.
    pub(crate) range: Option<range::Asked>,
}

/// Reads the parameters of a request, decoded, in any order.
///
/// # Errors
/// [`Refusal::BadParameter`] for what is undeclared, given twice, or out of bounds;
/// [`Refusal::UnknownValue`] for a text that no edition knows.
pub(crate) fn read(
    stat: &Compiled,
    fitted: &Fitted,
    pairs: &[(String, String)],
) -> Result<Asked, Refusal> {
    let mut given: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, value) in pairs {
        if given.insert(name, value).is_some() {
            return Err(bad(name, "is given twice"));
        }
    }
    let range = read_range(stat, &mut given)?;
    let mut values = BTreeMap::new();
    for (name, parameter) in &stat.parameters {
        let value = match (given.remove(name.as_str()), &parameter.default) {
            (Some(text), _) => Some(checked(name, parameter, text, fitted)?),
            (None, Some(default)) => Some(default.to_string()),
            (None, None) if stat.config.filter.contains(name) => None,
            (None, None) => return Err(bad(name, "is missing")),
        };
        values.insert(name.clone(), value);
    }
    match given.keys().next() {
        Some(name) => Err(bad(name, "is no parameter of this statistic")),
        None => Ok(Asked { values, range }),
    }
}

fn bad(name: &str, reason: impl Into<String>) -> Refusal {
    Refusal::BadParameter { name: name.chars().take(64).collect(), reason: reason.into() }
}

fn read_range(
    stat: &Compiled,
    given: &mut BTreeMap<&str, &str>,
) -> Result<Option<range::Asked>, Refusal> {
    let Some(last) = &stat.config.last else { return Ok(None) };
    let count = given.remove(last.name.as_str());
    let (from, to) = (given.remove("from"), given.remove("to"));
    if let Some(count) = count {
        if from.is_some() || to.is_some() {
            return Err(bad(&last.name, "does not go with `from` and `to`"));
        }
        let count = count.parse().ok().filter(|count| (1..=last.max).contains(count));
        let count = count.ok_or_else(|| {
            bad(&last.name, format!("is not a whole number from 1 to {}", last.max))
        })?;
        return Ok(Some(range::Asked::Last(count)));
    }
    if from.is_none() && to.is_none() {
        return Ok(Some(range::Asked::Last(last.default)));
    }
    for (name, label) in [("from", from), ("to", to)] {
        if label.is_some_and(|label| !is_label(label)) {
            return Err(bad(name, "is no bucket: write a day as 2025-01-31"));
        }
    }
    Ok(Some(range::Asked::Between { from: from.map(str::to_owned), to: to.map(str::to_owned) }))
}

/// A day, or an instant as buckets of hours are called.
fn is_label(text: &str) -> bool {
    text.len() <= 32
        && text.is_ascii()
        && text.get(..10).is_some_and(|day| {
            day.parse::<Date>().is_ok() && day.starts_with(|c: char| c.is_ascii_digit())
        })
        && text[10..].chars().all(|c| c.is_ascii_digit() || "T:.+-Z ".contains(c))
}

fn checked(
    name: &str,
    parameter: &Parameter,
    text: &str,
    fitted: &Fitted,
) -> Result<String, Refusal> {
    match parameter.kind {
        Kind::Boolean => match text {
            "true" | "false" => Ok(text.to_owned()),
            _ => Err(bad(name, "is neither true nor false")),
        },
        Kind::Integer => {
            let bounds = (integer(&parameter.min), integer(&parameter.max));
            let (Some(min), Some(max)) = bounds else { return Err(bad(name, "has no bounds")) };
            let value = text.parse::<i64>().ok().filter(|value| (min..=max).contains(value));
            let value = value
                .ok_or_else(|| bad(name, format!("is not a whole number from {min} to {max}")))?;
            Ok(value.to_string())
        }
        Kind::Date => {
            let bounds = (date(&parameter.min), date(&parameter.max));
            let (Some(min), Some(max)) = bounds else { return Err(bad(name, "has no bounds")) };
            let value = text.parse::<Date>().ok().filter(|value| value.to_string() == text);
            let value = value.filter(|value| (min..=max).contains(value));
            let value =
                value.ok_or_else(|| bad(name, format!("is not a day from {min} to {max}")))?;
            Ok(value.to_string())
        }
        Kind::Text => {
            let known = fitted.values.get(name);
            let is_known = parameter.values.iter().any(|value| value == text)
                || known.is_some_and(|known| known.contains(text));
            match is_known {
                true => Ok(text.to_owned()),
                false => Err(Refusal::UnknownValue { name: name.to_owned() }),
            }
        }
    }
}

fn integer(scalar: &Option<Scalar>) -> Option<i64> {
    match scalar {
        Some(Scalar::Integer(value)) => Some(*value),
        _ => None,
    }
}

fn date(scalar: &Option<Scalar>) -> Option<Date> {
    match scalar {
        Some(Scalar::Text(text)) => text.parse().ok(),
        _ => None,
    }
}

impl Asked {
    /// As part of an address, with everything spelled out: the same for all that mean the same.
    pub(crate) fn canonical(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        for (name, value) in &self.values {
            if let Some(value) = value {
                parts.push(format!("{name}={}", escaped(value)));
            }
        }
        match &self.range {
            None => {}
            Some(range::Asked::Last(count)) => parts.push(format!("last={count}")),
            Some(range::Asked::Between { from, to }) => {
                parts.extend(from.as_ref().map(|from| format!("from={}", escaped(from))));
                parts.extend(to.as_ref().map(|to| format!("to={}", escaped(to))));
            }
        }
        parts.join("&")
    }
}

/// Percent-encoded, RFC 3986.
fn escaped(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let parts = text.bytes().map(|byte| match is_plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    parts.collect()
}
