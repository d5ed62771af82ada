//! Numbers as a language writes them: exact as far as they are written, and never rounded to "all"
//! or "nothing" when it is not so. Pure.

use super::decimal::Decimal;
use super::words::{Writing, fill};
use crate::config::Unit;
use crate::http::Language;

/// Decimals of a number, and of a share in per cent.
const DECIMALS_MAX: u32 = 6;
const SHARE_DECIMALS_MAX: u32 = 4;

impl Writing<'_> {
    /// A number as its unit is written.
    pub(crate) fn number(self, value: Decimal, unit: Unit) -> String {
        match unit {
            Unit::Percent => self.percent(value),
            Unit::Count | Unit::Number => {
                let decimals = value.decimals().min(DECIMALS_MAX);
                match value.round(decimals).is_some_and(Decimal::is_zero) && !value.is_zero() {
                    true => self.beside(value, Decimal::ZERO, DECIMALS_MAX, &|edge| {
                        self.grouped(edge, DECIMALS_MAX)
                    }),
                    false => self.grouped(value, decimals),
                }
            }
        }
    }

    /// "less than 0.000001", "more than 99.9999%": what differs from an edge by less than one unit
    /// of the last decimal that is written.
    fn beside(
        self,
        value: Decimal,
        edge: Decimal,
        decimals: u32,
        write: &dyn Fn(Decimal) -> String,
    ) -> String {
        let words = self.words();
        let (unit, is_above) = (Decimal::unit(decimals), value > edge);
        // Towards the middle, it is known on which side of the next number it is.
        match (edge.is_zero(), is_above) {
            (true, true) => fill(words.less_than, &[&write(unit)]),
            (true, false) => fill(words.more_than, &[&write(unit.negated())]),
            (false, true) => fill(words.more_than, &[&write(edge)]),
            (false, false) => {
                let below = edge.plus(unit.negated()).unwrap_or(edge);
                fill(words.more_than, &[&write(below)])
            }
        }
    }

    /// A number beside an axis: no more decimals than it needs.
    pub(crate) fn tick(self, value: Decimal, unit: Unit) -> String {
        match (unit, value.percent()) {
            (Unit::Percent, Some(value)) => {
                self.with_percent(&self.grouped(value, value.decimals()))
            }
            _ => self.number(value, unit),
        }
    }

    /// One decimal, and more where one would say "all" or "none" and it is not so.
    fn percent(self, share: Decimal) -> String {
        let Some(value) = share.percent() else { return self.words().nothing.to_owned() };
        let hundred = Decimal::from(100);
        let is_edge = |shown: Decimal| {
            (shown.is_zero() && !value.is_zero()) || (shown == hundred && value != hundred)
        };
        let written = |value: Decimal, decimals| self.with_percent(&self.grouped(value, decimals));
        let is_fine = |decimals: &u32| value.round(*decimals).is_none_or(|shown| !is_edge(shown));
        match (1..=SHARE_DECIMALS_MAX).find(is_fine) {
            Some(decimals) => written(value, decimals),
            None => {
                let edge = if value.round(1) == Some(hundred) { hundred } else { Decimal::ZERO };
                self.beside(value, edge, SHARE_DECIMALS_MAX, &|beside| {
                    written(beside, beside.decimals().max(1))
                })
            }
        }
    }

    fn with_percent(self, text: &str) -> String {
        match self.language {
            Language::English => format!("{text}%"),
            Language::French => format!("{text}\u{202f}%"),
        }
    }

    /// "1,234.5", "1 234,5" with narrow spaces that do not break.
    fn grouped(self, value: Decimal, decimals: u32) -> String {
        let value = value.round(decimals).unwrap_or(value);
        let (point, group) = match self.language {
            Language::English => ('.', ','),
            Language::French => (',', '\u{202f}'),
        };
        let (whole, fraction) = value.parts();
        let mut text = if value.is_negative() { "−".to_owned() } else { String::new() };
        for (place, digit) in whole.chars().enumerate() {
            if place > 0 && (whole.len() - place).is_multiple_of(3) {
                text.push(group);
            }
            text.push(digit);
        }
        if !fraction.is_empty() {
            text.push(point);
            text += &fraction;
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn both(write: impl Fn(Writing<'_>) -> String) -> [String; 2] {
        let zone = TimeZone::get("Europe/London").unwrap();
        [Language::English, Language::French]
            .map(|language| write(Writing { language, zone: &zone }))
    }

    #[test]
    fn numbers_are_written_as_people_write_them() {
        let number = |text: &str, unit| {
            let value = Decimal::parse(text).unwrap();
            both(|writing| writing.number(value, unit))
        };
        assert_eq!(number("1234.5", Unit::Number), ["1,234.5", "1\u{202f}234,5"]);
        assert_eq!(number("-1234567", Unit::Count), ["−1,234,567", "−1\u{202f}234\u{202f}567"]);
        assert_eq!(number("999", Unit::Count), ["999", "999"]);
        assert_eq!(number("0.9931", Unit::Percent), ["99.3%", "99,3\u{202f}%"]);
        assert_eq!(number("0.99996", Unit::Percent)[0], "99.996%");
        assert_eq!(number("0.0002", Unit::Percent)[0], "0.02%");
        assert_eq!(number("1", Unit::Percent)[0], "100.0%");
        assert_eq!(number("0", Unit::Percent)[0], "0.0%");
    }

    #[test]
    fn almost_is_not_all_and_little_is_not_nothing() {
        for (text, unit, expected) in [
            ("0.999999999", Unit::Percent, ["more than 99.9999%", "plus de 99,9999\u{202f}%"]),
            ("0.000000001", Unit::Percent, ["less than 0.0001%", "moins de 0,0001\u{202f}%"]),
            ("1.000000001", Unit::Percent, ["more than 100.0%", "plus de 100,0\u{202f}%"]),
            ("-0.000000001", Unit::Percent, ["more than −0.0001%", "plus de −0,0001\u{202f}%"]),
            ("0.000001", Unit::Percent, ["0.0001%", "0,0001\u{202f}%"]),
            ("0.0000001", Unit::Number, ["less than 0.000001", "moins de 0,000001"]),
            ("-0.0000001", Unit::Number, ["more than −0.000001", "plus de −0,000001"]),
            ("0.000001", Unit::Number, ["0.000001", "0,000001"]),
        ] {
            let value = Decimal::parse(text).unwrap();
            assert_eq!(both(|writing| writing.number(value, unit)), expected, "{text}");
        }
        let all = Decimal::from(99_999_999_999).over(Decimal::from(100_000_000_000)).unwrap();
        assert_eq!(both(|w| w.number(all, Unit::Percent))[0], "more than 99.9999%");
    }
}
