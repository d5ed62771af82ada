//! Moments as people read them: in their own zone, to the second. Records stay in UTC.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// `2026-11-21T08:44:25.690977Z` in Paris → `2026-11-21 09:44:25 CET`.
///
/// What is not a timestamp is shown as it stands: a display must not stop a command.
pub(crate) fn shown(timestamp: &str, zone: &TimeZone) -> String {
    match timestamp.parse::<Timestamp>() {
        Ok(moment) => moment.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string(),
        Err(_) => timestamp.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_shown_in_the_zone_of_its_reader() {
        let paris = TimeZone::get("Europe/Paris").unwrap();
        assert_eq!(shown("2026-11-21T08:44:25.690977Z", &paris), "2026-11-21 09:44:25 CET");
        assert_eq!(shown("2026-07-01T22:30:00Z", &paris), "2026-07-02 00:30:00 CEST");
        assert_eq!(shown("2026-11-21T08:44:25Z", &TimeZone::UTC), "2026-11-21 08:44:25 UTC");
        assert_eq!(shown("soon", &paris), "soon");
    }
}
