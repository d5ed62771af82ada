//! Numbers as PostgreSQL wrote them, exact: what is added up or divided here was never a float.
//! Pure.

use std::cmp::Ordering;

/// `digits` divided by ten so many times.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decimal {
    digits: i128,
    scale: u32,
}

/// More decimals than this are no number that a page shows.
const SCALE_MAX: u32 = 30;
/// Decimals of a quotient: of counts, what is not all of them is never rounded to that.
const QUOTIENTS: [u32; 2] = [18, 9];

impl Decimal {
    pub(crate) const ZERO: Self = Self { digits: 0, scale: 0 };

    /// Reads a number of JSON; `None` for what is none, or does not fit.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let fraction = fraction.trim_end_matches('0');
        let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
        let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        match u32::try_from(scale) {
            Ok(scale) if scale <= SCALE_MAX => Some(Self { digits, scale }),
            Ok(_) => None,
            Err(_) => {
                let more = 10_i128.checked_pow(scale.unsigned_abs())?;
                Some(Self { digits: digits.checked_mul(more)?, scale: 0 })
            }
        }
    }

    pub(crate) fn from(count: usize) -> Self {
        Self { digits: i128::try_from(count).unwrap_or(i128::MAX), scale: 0 }
    }

    /// The smallest number with so many decimals.
    pub(crate) fn unit(decimals: u32) -> Self {
        Self { digits: 1, scale: decimals }
    }

    pub(crate) fn negated(self) -> Self {
        Self { digits: -self.digits, ..self }
    }

    pub(crate) fn is_zero(self) -> bool {
        self.digits == 0
    }

    pub(crate) fn is_negative(self) -> bool {
        self.digits < 0
    }

    /// The sum; `None` where it does not fit.
    pub(crate) fn plus(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let digits = self.at(scale)?.checked_add(other.at(scale)?)?;
        Some(Self { digits, scale })
    }

    /// The quotient, rounded to eighteen decimals, or nine where these do not fit; `None` by zero.
    pub(crate) fn over(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let (of, by) = (self.at(scale)?, other.at(scale)?);
        if by == 0 {
            return None;
        }
        QUOTIENTS.into_iter().find_map(|scale| {
            let of = of.checked_mul(10_i128.pow(scale))?;
            Some(Self { digits: rounded(of, by), scale })
        })
    }

    /// With so many decimals, the last one rounded half away from zero; `None` where it does not
    /// fit.
    pub(crate) fn round(self, scale: u32) -> Option<Self> {
        if scale >= self.scale {
            return Some(Self { digits: self.at(scale)?, scale });
        }
        let by = 10_i128.checked_pow(self.scale - scale)?;
        Some(Self { digits: rounded(self.digits, by), scale })
    }

    /// A hundred times as much.
    pub(crate) fn percent(self) -> Option<Self> {
        match self.scale.checked_sub(2) {
            Some(scale) => Some(Self { scale, ..self }),
            None => Some(Self { digits: self.at(2)?, scale: 0 }),
        }
    }

    /// How many decimals it has, without zeros at the end.
    pub(crate) fn decimals(self) -> u32 {
        let (mut digits, mut scale) = (self.digits, self.scale);
        while scale > 0 && digits % 10 == 0 {
            (digits, scale) = (digits / 10, scale - 1);
        }
        scale
    }

    /// The digits before and after the point, without a sign.
    pub(crate) fn parts(self) -> (String, String) {
        let digits = self.digits.unsigned_abs().to_string();
        let width = self.scale as usize;
        let digits = format!("{digits:0>least$}", least = width + 1);
        let (whole, fraction) = digits.split_at(digits.len() - width);
        (whole.to_owned(), fraction.to_owned())
    }

    /// Close enough to draw.
    pub(crate) fn to_f64(self) -> f64 {
        self.digits as f64 / 10_f64.powi(self.scale as i32)
    }

    fn at(self, scale: u32) -> Option<i128> {
        self.digits.checked_mul(10_i128.checked_pow(scale - self.scale)?)
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let scale = self.scale.max(other.scale);
        match (self.at(scale), other.at(scale)) {
            (Some(own), Some(others)) => own.cmp(&others),
            _ => self.to_f64().total_cmp(&other.to_f64()),
        }
    }
}

/// Half away from zero; `by` is not 0.
fn rounded(of: i128, by: i128) -> i128 {
    let (quotient, rest) = (of / by, of % by);
    let sign = if (of < 0) == (by < 0) { 1 } else { -1 };
    if rest.unsigned_abs() >= by.unsigned_abs() - rest.unsigned_abs() {
        quotient + sign
    } else {
        quotient
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(decimal: Decimal) -> String {
        let (whole, fraction) = decimal.parts();
        let sign = if decimal.is_negative() { "-" } else { "" };
        format!("{sign}{whole}.{fraction}")
    }

    #[test]
    fn numbers_are_exact() {
        let sum = Decimal::parse("0.1").unwrap().plus(Decimal::parse("0.2").unwrap());
        assert_eq!(shown(sum.unwrap()), "0.3");
        let large = Decimal::parse("9007199254740993").unwrap().plus(Decimal::from(1)).unwrap();
        assert_eq!(shown(large), "9007199254740994.");
        assert_eq!(shown(Decimal::parse("1.5e3").unwrap()), "1500.");
        assert_eq!(shown(Decimal::parse("-2.50e-3").unwrap()), "-0.0025");
        assert_eq!(Decimal::parse("1.0"), Decimal::parse("1"));
        assert!(Decimal::parse("NaN").is_none() && Decimal::parse("1e99").is_none());
    }

    #[test]
    fn quotients_are_rounded_once() {
        let ratio = Decimal::from(2).over(Decimal::from(3)).unwrap();
        assert_eq!(shown(ratio.percent().unwrap().round(1).unwrap()), "66.7");
        assert!(Decimal::from(1).over(Decimal::ZERO).is_none());
        assert_eq!(shown(Decimal::parse("-0.25").unwrap().round(1).unwrap()), "-0.3");
    }
}
