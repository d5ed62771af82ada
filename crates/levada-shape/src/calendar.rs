//! Business calendars: local hours, days, weeks and months as instants of UTC.

use serde::{Deserialize, Serialize};

/// One `[[calendar]]` section.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// What rollups and windows call it.
    pub name: String,
    /// The IANA time zone of its days, such as "Europe/London".
    pub zone: String,
    /// The first day of its weeks: "monday" to "sunday".
    #[serde(default)]
    pub week_starts: Weekday,
}

/// The first day of a week.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weekday {
    #[default]
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// How long a bucket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Grain {
    Hour,
    Day,
    Week,
    Month,
}
