//! Finds POSIX time zones in SQL: `AT TIME ZONE 'UTC+1'` is one hour west of Greenwich, the
//! opposite of what it seems to say.

/// The first literal used as a time zone that has its sign reversed.
pub(super) fn reversed(sql: &str) -> Option<String> {
    let lower = sql.to_ascii_lowercase();
    let mut from = 0;
    while let Some(start) = lower[from..].find('\'').map(|at| from + at) {
        let end = lower[start + 1..].find('\'').map(|at| start + 1 + at)?;
        let (before, literal) = (lower[..start].trim_end(), &sql[start + 1..end]);
        let before = before.strip_suffix('e').filter(|rest| rest.ends_with(' ')).unwrap_or(before);
        if is_zone_of(before.trim_end()) && is_reversed(literal) {
            return Some(literal.to_owned());
        }
        // An apostrophe in a comment is no quote: every one may begin a literal.
        from = start + 1;
    }
    None
}

fn is_zone_of(before: &str) -> bool {
    let words = before.strip_suffix("interval").unwrap_or(before).trim_end();
    if words.len() != before.len() {
        return false;
    }
    let call = words.strip_suffix('(').map(str::trim_end);
    let is_call = call.is_some_and(|before| before.ends_with("timezone"));
    let mut last = words.rsplit(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    is_call || words.ends_with("zone") && last.next() == Some("zone") && last.next() == Some("time")
}

fn is_reversed(literal: &str) -> bool {
    let literal = literal.trim();
    let has_sign = |text: &str| {
        text.strip_prefix(['+', '-'])
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let offset = literal.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    has_sign(offset) || literal.to_ascii_lowercase().strip_prefix("etc/gmt").is_some_and(has_sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_with_a_reversed_sign_are_found() {
        for sql in [
            "(at AT TIME ZONE 'UTC+1')::date",
            "at at  time\nzone 'Etc/GMT-2'",
            "timezone('GMT+3', at)",
            "at AT TIME ZONE 'UTC' AT TIME ZONE '+01:00'",
            "-- it's a trap\nat AT TIME ZONE 'UTC-5'",
        ] {
            assert!(reversed(sql).is_some(), "{sql}");
        }
    }

    #[test]
    fn other_zones_and_other_texts_are_left_alone() {
        for sql in [
            "at AT TIME ZONE 'Europe/Paris'",
            "at AT TIME ZONE 'America/Port-au-Prince'",
            "CASE v WHEN 'UTC+1' THEN 'it''s' END",
            "at AT TIME ZONE INTERVAL '+01:00'",
            "date_trunc('week', at AT TIME ZONE 'Etc/UTC')",
        ] {
            assert_eq!(reversed(sql), None, "{sql}");
        }
    }
}
