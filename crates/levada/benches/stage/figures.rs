//! Medians, and how figures are spelled in tables. Pure.

use super::database::Subject;

pub(crate) const MIB: f64 = 1024.0 * 1024.0;
/// What levada itself may take at most.
pub(crate) const MEMORY_MIB_AIM: f64 = 64.0;

pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (sorted.len().checked_sub(1)? / 2, sorted.len() / 2);
    Some(f64::midpoint(*sorted.get(low)?, *sorted.get(high)?))
}

pub(crate) fn list(values: &[f64], digits: usize) -> String {
    let shown: Vec<String> = values.iter().map(|value| format!("{value:.digits$}")).collect();
    shown.join(" ")
}

pub(crate) fn shown(value: Option<f64>, spell: impl Fn(f64) -> String) -> String {
    value.map_or(String::new(), spell)
}

/// How large a database is, for its heading.
pub(crate) fn scale(subject: Subject, scale: u64) -> String {
    let millions = scale as f64 / 1e6;
    match subject {
        Subject::Engagement => format!("{millions} million events, six indexes"),
        Subject::Learning => format!("{millions} million answers, nine foreign keys"),
    }
}
