//! Decimal numbers as text, exactly: what they are equal to, and whether they fit.
//!
//! No floating point here: it would round amounts in silence.

/// Digits that a number may have, and places that its exponent may move them: beyond that
/// PostgreSQL's `numeric` ends, or somebody wants to fill the disk.
const DIGITS_MAX: usize = 1000;

/// A decimal number: its digits without leading and trailing zeros, times a power of ten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decimal {
    is_negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// `-12.50`, `1e3`: sign, digits, point, exponent; nothing else, as `NaN` or spaces.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (is_negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{part}");
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number || digits.len() > DIGITS_MAX || exponent.unsigned_abs() > DIGITS_MAX as u64 {
            return None;
        }
        let exponent = exponent - i64::try_from(part.len()).ok()?;
        let kept = digits.trim_end_matches('0');
        let dropped = i64::try_from(digits.len() - kept.len()).ok()?;
        let kept = kept.trim_start_matches('0');
        if kept.is_empty() {
            return Some(Self { is_negative: false, digits: String::new(), exponent: 0 });
        }
        Some(Self { is_negative, digits: kept.to_owned(), exponent: exponent + dropped })
    }

    /// The one text of it and of all that equal it: `12.5`, `1000`, `0`.
    pub(crate) fn text(&self) -> String {
        if self.digits.is_empty() {
            return "0".to_owned();
        }
        let sign = if self.is_negative { "-" } else { "" };
        let length = self.digits.len();
        if self.exponent >= 0 {
            let zeros = usize::try_from(self.exponent).unwrap_or_default();
            return format!("{sign}{}{}", self.digits, "0".repeat(zeros));
        }
        let places = usize::try_from(-self.exponent).unwrap_or_default();
        if places < length {
            let (whole, part) = self.digits.split_at(length - places);
            return format!("{sign}{whole}.{part}");
        }
        format!("{sign}0.{}{}", "0".repeat(places - length), self.digits)
    }

    /// Whether it is a whole number.
    pub(crate) fn is_whole(&self) -> bool {
        self.exponent >= 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(number: &str) -> Option<String> {
        Decimal::parse(number).map(|decimal| decimal.text())
    }

    #[test]
    fn equal_numbers_have_one_text() {
        let numbers = [("1.10", "1.1"), ("-0", "0"), ("1e3", "1000"), ("12.50E-3", "0.0125")];
        for (number, expected) in numbers {
            assert_eq!(text(number).as_deref(), Some(expected), "{number}");
        }
        assert_eq!(text("0012345678901234567890.50").unwrap(), "12345678901234567890.5");
    }

    #[test]
    fn what_is_no_plain_number_is_refused() {
        for number in ["", ".", "NaN", "1,5", " 1", "1 ", "0x10", "1e", "--1", "1e999999999", "1_0"]
        {
            assert_eq!(text(number), None, "{number}");
        }
    }

    #[test]
    fn whole_numbers_are_known() {
        assert!(Decimal::parse("10.0").is_some_and(|number| number.is_whole()));
        assert!(!Decimal::parse("10.5").is_some_and(|number| number.is_whole()));
    }
}
