//! Sums of tokens and money.

use serde_json::json;

use crate::{Usage, event::NodeResult};

impl Usage {
    /// Adds another usage to this one. The currency is the first one given.
    pub fn add(&mut self, other: &Self) {
        self.prompt_tokens += other.prompt_tokens;
        self.completion_tokens += other.completion_tokens;
        self.total_tokens += other.total_tokens;
        if !other.total_price.is_empty() {
            self.total_price = add_decimals(&self.total_price, &other.total_price);
        }
        if self.currency.is_empty() {
            self.currency.clone_from(&other.currency);
        }
    }

    /// Whether nothing was used.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl NodeResult {
    /// Puts the usage into the metadata, where the trace reads it, unless the node did.
    pub(crate) fn tell_usage(&mut self) {
        let Some(usage) = &self.usage else { return };
        let price = if usage.total_price.is_empty() { "0.0" } else { &usage.total_price };
        let currency = if usage.currency.is_empty() { "USD" } else { &usage.currency };
        let entries =
            [("total_tokens", json!(usage.total_tokens)), ("total_price", json!(price)), ("currency", json!(currency))];
        for (key, value) in entries {
            self.metadata.entry(key.to_owned()).or_insert(value);
        }
    }
}

/// Sum of two decimal texts, with as many places as the longer one. What is no decimal counts as 0.
fn add_decimals(a: &str, b: &str) -> String {
    match (parse(a), parse(b)) {
        (Some((a, a_scale)), Some((b, b_scale))) => {
            let scale = a_scale.max(b_scale);
            let sum = rescale(a, scale - a_scale).and_then(|a| a.checked_add(rescale(b, scale - b_scale)?));
            sum.map_or_else(|| b.to_string(), |sum| format(sum, scale))
        }
        (None, Some((b, scale))) => format(b, scale),
        (Some((a, scale)), None) => format(a, scale),
        (None, None) => String::new(),
    }
}

/// Digits and number of decimal places; reads exponents (`0E-7`).
fn parse(text: &str) -> Option<(i128, u32)> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (text.get(..at)?, text.get(at + 1..)?.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) || whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    if scale > 30 {
        return None;
    }
    match u32::try_from(scale) {
        Ok(scale) => Some((digits, scale)),
        Err(_) => Some((rescale(digits, scale.unsigned_abs())?, 0)),
    }
}

fn rescale(digits: i128, places: u32) -> Option<i128> {
    10_i128.checked_pow(places).and_then(|factor| digits.checked_mul(factor))
}

fn format(digits: i128, scale: u32) -> String {
    if scale == 0 {
        return digits.to_string();
    }
    let width = scale as usize + 1;
    let text = format!("{:0width$}", digits.unsigned_abs());
    let (whole, fraction) = text.split_at(text.len() - scale as usize);
    let sign = if digits < 0 { "-" } else { "" };
    format!("{sign}{whole}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::add_decimals;

    #[test]
    fn decimals_are_added_exactly() {
        let cases = [
            ("", "0.0010", "0.0010"),
            ("0.1", "0.2", "0.3"),
            ("0.0010", "0.002", "0.0030"),
            ("0.99", "0.01", "1.00"),
            ("0E-7", "0.0000002", "0.0000002"),
            ("1E2", "1", "101"),
            ("-0.5", "0.25", "-0.25"),
            ("5", "7", "12"),
            ("what", "1.5", "1.5"),
            ("1.5", "", "1.5"),
        ];
        for (a, b, expected) in cases {
            assert_eq!(add_decimals(a, b), expected, "{a} + {b}");
        }
    }
}
