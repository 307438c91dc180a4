//! Decimal money: exact, as text on the wire.

use std::{
    fmt,
    ops::{Add, AddAssign},
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Scales past this are cut when read: no price needs them and products must fit.
const MAX_SCALE: u32 = 18;
/// Decimals of an amount, as the compatible system rounds them.
const AMOUNT_SCALE: u32 = 7;

/// A decimal number that keeps its number of decimals (`0.0010` stays `0.0010`).
#[derive(Clone, Copy, Debug, Default)]
pub struct Decimal {
    units: i128,
    scale: u32,
}

impl Decimal {
    /// `0.0`, which is how the compatible system writes an unknown price.
    pub const ZERO: Self = Self { units: 0, scale: 1 };

    /// `units / 10^scale`.
    #[must_use]
    pub const fn new(units: i64, scale: u32) -> Self {
        Self { units: units as i128, scale: if scale > MAX_SCALE { MAX_SCALE } else { scale } }
    }

    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.units == 0
    }

    /// As a float, for metrics and charts only.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "metrics need no exact value")]
    pub fn to_f64(self) -> f64 {
        self.units as f64 / 10f64.powi(i32::try_from(self.scale).unwrap_or(0))
    }

    /// `count × price × unit`, rounded half up to seven decimals.
    #[must_use]
    pub fn amount(count: u64, price: Self, unit: Self) -> Self {
        let product = i128::from(count).saturating_mul(price.units).saturating_mul(unit.units);
        Self { units: product, scale: price.scale + unit.scale }.rounded(AMOUNT_SCALE)
    }

    /// In units of the last of the decimals that amounts have, for adding up.
    #[must_use]
    pub fn ten_millionths(self) -> i64 {
        let units = self.rounded(AMOUNT_SCALE).units;
        i64::try_from(units).unwrap_or(if units < 0 { i64::MIN } else { i64::MAX })
    }

    /// An amount of so many ten-millionths.
    #[must_use]
    pub const fn of_ten_millionths(units: i64) -> Self {
        Self::new(units, AMOUNT_SCALE)
    }

    fn rounded(self, scale: u32) -> Self {
        if self.scale <= scale {
            return Self { units: self.units.saturating_mul(power(scale - self.scale)), scale };
        }
        let divisor = power(self.scale - scale);
        let half = divisor / 2;
        let units = if self.units < 0 { self.units - half } else { self.units.saturating_add(half) } / divisor;
        Self { units, scale }
    }
}

fn power(exponent: u32) -> i128 {
    10_i128.checked_pow(exponent).unwrap_or(i128::MAX)
}

impl Add for Decimal {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        let scale = self.scale.max(other.scale);
        let (a, b) = (self.rounded(scale), other.rounded(scale));
        Self { units: a.units.saturating_add(b.units), scale }
    }
}

impl AddAssign for Decimal {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        let scale = self.scale.max(other.scale);
        self.rounded(scale).units == other.rounded(scale).units
    }
}
impl Eq for Decimal {}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.units < 0 { "-" } else { "" };
        let digits = self.units.unsigned_abs().to_string();
        let scale = usize::try_from(self.scale).unwrap_or(0);
        if scale == 0 {
            return write!(f, "{sign}{digits}");
        }
        let digits = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

/// The text is not a decimal number.
#[derive(Clone, Debug, thiserror::Error)]
#[error("not a decimal number: {0}")]
pub struct NotDecimal(String);

impl FromStr for Decimal {
    type Err = NotDecimal;

    /// Reads `12`, `0.0010`, `-1.5`, `2.5E-7`.
    fn from_str(text: &str) -> Result<Self, NotDecimal> {
        let wrong = || NotDecimal(text.chars().take(40).collect());
        let trimmed = text.trim();
        let (mantissa, exponent) = match trimmed.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| wrong())?),
            None => (trimmed, 0),
        };
        let (negative, mantissa) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || digits.len() > 30 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        let units: i128 = digits.parse().map_err(|_| wrong())?;
        let units = if negative { -units } else { units };
        let scale = i32::try_from(fraction.len()).map_err(|_| wrong())?.checked_sub(exponent).ok_or_else(wrong)?;
        match u32::try_from(scale) {
            Ok(scale) if scale > 60 => Err(wrong()),
            Ok(scale) if scale > MAX_SCALE => Ok(Self { units, scale }.rounded(MAX_SCALE)),
            Ok(scale) => Ok(Self { units, scale }),
            Err(_) if scale < -18 => Err(wrong()),
            Err(_) => Ok(Self { units: units.checked_mul(power(scale.unsigned_abs())).ok_or_else(wrong)?, scale: 0 }),
        }
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => text.parse().map_err(D::Error::custom),
            serde_json::Value::Number(number) => number.to_string().parse().map_err(D::Error::custom),
            other => Err(D::Error::custom(format!("not a decimal number: {other}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        for (text, expected) in [
            ("0.001", "0.001"),
            ("0.0010", "0.0010"),
            ("15", "15"),
            ("2.5E-7", "0.00000025"),
            ("0E-7", "0.0000000"),
            ("1e3", "1000"),
            ("-1.50", "-1.50"),
            (".5", "0.5"),
        ] {
            assert_eq!(text.parse::<Decimal>().unwrap().to_string(), expected, "{text}");
        }
        for text in ["", "x", "1.2.3", "1e999", "-", "1e-999999", "99999999999999999999999999999999"] {
            assert!(text.parse::<Decimal>().is_err(), "{text}");
        }
    }

    #[test]
    fn amounts_round_half_up_to_seven_decimals() {
        let decimal = |text: &str| text.parse::<Decimal>().unwrap();
        for (count, price, unit, expected) in [
            (33, "0.001", "0.001", "0.0000330"),
            (1033, "0.001", "0.001", "0.0010330"),
            (1, "0.15", "0.000001", "0.0000002"),
            (1, "0.14", "0.000001", "0.0000001"),
            (1_000_000, "2.50", "0.000001", "2.5000000"),
            (0, "2.50", "0.000001", "0.0000000"),
        ] {
            assert_eq!(Decimal::amount(count, decimal(price), decimal(unit)).to_string(), expected);
        }
        assert_eq!((decimal("0.0000330") + decimal("0.0000240")).to_string(), "0.0000570");
        for (text, units) in [("0.0000570", 570), ("2.5", 25_000_000), ("-1", -10_000_000), ("0.00000005", 1)] {
            assert_eq!(decimal(text).ten_millionths(), units, "{text}");
        }
        assert_eq!(Decimal::of_ten_millionths(570).to_string(), "0.0000570");
    }
}
