//! Numbers as people read them: bytes, counts, durations. Pure text, no locale.

use std::time::Duration;

/// `1536` → `1.5 KiB`. Binary units, one decimal below 10.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 || value >= 10.0 {
        format!("{value:.0} {}", UNITS[unit])
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

/// `1234567` → `1,234,567`.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 row`, `2 rows`: a count with its noun, plural in `s`.
pub fn counted(value: u64, noun: &str) -> String {
    let plural = if value == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(value))
}

/// `0.42 s`, `8.1 s`, `2 min 05 s`, `3 h 07 min`.
pub fn duration(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0 => format!("{:.2} s", span.as_secs_f64()),
        1..60 => format!("{:.1} s", span.as_secs_f64()),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_grow_through_the_units() {
        let shown: Vec<_> = [0, 1023, 1536, 10_240, 5 << 30].into_iter().map(bytes).collect();
        assert_eq!(shown, ["0 B", "1023 B", "1.5 KiB", "10 KiB", "5.0 GiB"]);
    }

    #[test]
    fn counts_are_grouped_by_thousands() {
        assert_eq!([0, 999, 1000, 13_065_000].map(count), ["0", "999", "1,000", "13,065,000"]);
        assert_eq!([counted(1, "row"), counted(2, "row")], ["1 row", "2 rows"]);
    }

    #[test]
    fn durations_lose_detail_as_they_grow() {
        let shown = [0.421, 8.13, 125.0, 11_220.0].map(|s| duration(Duration::from_secs_f64(s)));
        assert_eq!(shown, ["0.42 s", "8.1 s", "2 min 05 s", "3 h 07 min"]);
    }
}
