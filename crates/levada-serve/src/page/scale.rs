//! The vertical scale of a chart: round numbers that hold all values, and where they stand. Pure.

use super::decimal::Decimal;
use crate::config::Unit;

/// From `bottom` to `top`, in steps of a round number.
pub(crate) struct Scale {
    pub(crate) ticks: Vec<Decimal>,
    bottom: f64,
    top: f64,
}

impl Scale {
    /// Holds all values. It begins at zero, unless `may_begin_above` and the values are close to
    /// each other.
    pub(crate) fn new(
        values: impl Iterator<Item = Decimal>,
        unit: Unit,
        may_begin_above: bool,
    ) -> Self {
        let values: Vec<f64> = values.map(Decimal::to_f64).collect();
        let top = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let bottom = values.iter().copied().fold(f64::INFINITY, f64::min);
        let (top, bottom) = if values.is_empty() { (1.0, 0.0) } else { (top, bottom) };
        // What hardly changes has no scale of its own, and would be drawn as if it did.
        let is_close = (1e-6 * top..0.4 * top).contains(&(top - bottom));
        let is_close = may_begin_above && bottom > 0.0 && is_close;
        let low = if is_close { bottom } else { bottom.min(0.0) };
        let high = if low < 0.0 { top.max(0.0) } else { top };
        let least = if unit == Unit::Count { 1.0 } else { 1e-6 };
        let (mantissa, exponent) = step((high - low).max(least * 2.0) / 4.0, least);
        let size = f64::from(mantissa) * 10_f64.powi(exponent);
        // A hair of tolerance, so that 0.3 / 0.1 is 3 steps and not 2.
        let first = (low / size + 1e-9).floor() as i64;
        let mut last = ((high / size) - 1e-9).ceil() as i64;
        last = last.max(first.saturating_add(1));
        if unit == Unit::Percent && top <= 1.0 {
            last = last.min((1.0 / size + 1e-9).floor() as i64).max(first.saturating_add(1));
        }
        let tick = |n: i64| {
            let digits = n.saturating_mul(i64::from(mantissa));
            Decimal::parse(&format!("{digits}e{exponent}"))
        };
        Self {
            ticks: (first..=last).filter_map(tick).collect(),
            bottom: first as f64 * size,
            top: last as f64 * size,
        }
    }

    /// 0 at the bottom, 1 at the top.
    pub(crate) fn share(&self, value: Decimal) -> f64 {
        (value.to_f64() - self.bottom) / (self.top - self.bottom)
    }

    pub(crate) fn begins_at_zero(&self) -> bool {
        self.bottom <= 0.0
    }
}

/// 1, 2 or 5 times a power of ten, not below `rough`.
fn step(rough: f64, least: f64) -> (i32, i32) {
    let rough = rough.max(least);
    let exponent = rough.log10().floor() as i32;
    let power = 10_f64.powi(exponent);
    let mantissa = [1, 2, 5].into_iter().find(|m| f64::from(*m) * power >= rough * 0.999_999);
    mantissa.map_or((1, exponent + 1), |mantissa| (mantissa, exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(values: &[&str], unit: Unit, may_begin_above: bool) -> Vec<f64> {
        let values = values.iter().map(|value| Decimal::parse(value).unwrap());
        Scale::new(values, unit, may_begin_above).ticks.iter().map(|tick| tick.to_f64()).collect()
    }

    #[test]
    fn ticks_are_round_and_hold_everything() {
        assert_eq!(ticks(&["57", "12"], Unit::Count, true), [0.0, 20.0, 40.0, 60.0]);
        assert_eq!(ticks(&["0"], Unit::Count, true), [0.0, 1.0]);
        assert_eq!(ticks(&[], Unit::Count, true), [0.0, 1.0]);
        assert_eq!(ticks(&["2"], Unit::Count, false), [0.0, 1.0, 2.0]);
        assert_eq!(ticks(&["0.91", "0.97"], Unit::Percent, true), [0.9, 0.92, 0.94, 0.96, 0.98]);
        assert_eq!(ticks(&["0.2", "1"], Unit::Percent, true), [0.0, 0.5, 1.0]);
        assert_eq!(ticks(&["-3", "5"], Unit::Count, false), [-4.0, -2.0, 0.0, 2.0, 4.0, 6.0]);
    }

    #[test]
    fn what_does_not_change_begins_at_zero() {
        assert_eq!(ticks(&["42", "42"], Unit::Number, true), [0.0, 20.0, 40.0, 60.0]);
        assert_eq!(ticks(&["1"], Unit::Percent, true), [0.0, 0.5, 1.0]);
        let large = ticks(&["9300000000000", "9300000000000"], Unit::Number, true);
        assert_eq!((large[0], large.len()), (0.0, 3));
        assert_eq!(ticks(&["-42"], Unit::Number, true), [-60.0, -40.0, -20.0, 0.0]);
        let most = "9".repeat(37);
        assert_eq!(ticks(&[&most], Unit::Number, true)[0], 0.0);
    }
}
