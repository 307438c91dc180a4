//! Types of scalars by the rules of YAML 1.1, as PyYAML applies them.

use granit_parser::{ScalarStyle, Tag};
use ox_types::Json;

use super::compose::unknown_tag;

/// The value of a scalar. Dates and non-finite numbers stay text.
pub fn value(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Json, String> {
    let Some(tag) = tag else {
        return Ok(if style == ScalarStyle::Plain { resolve(text) } else { Json::from(text) });
    };
    if tag.handle() == "!" && tag.suffix().is_empty() {
        return Ok(Json::from(text));
    }
    let core = |name: &str| tag.is_yaml_core_schema_tag(name);
    let wrong = |what: &str| format!("{text:?} is not {what}");
    if core("str")
        || tag.suffix_in_namespace("tag:yaml.org,2002:").is_some_and(|name| name == "timestamp" || name == "binary")
    {
        Ok(Json::from(text))
    } else if core("int") {
        integer(text).ok_or_else(|| wrong("an integer"))
    } else if core("float") {
        float(text).or_else(|| text.parse().ok().map(number)).ok_or_else(|| wrong("a number"))
    } else if core("bool") {
        boolean(text).map(Json::Bool).ok_or_else(|| wrong("a boolean"))
    } else if core("null") {
        Ok(Json::Null)
    } else {
        Err(unknown_tag(tag))
    }
}

/// The type of a plain scalar.
fn resolve(text: &str) -> Json {
    if matches!(text, "" | "~" | "null" | "Null" | "NULL") {
        return Json::Null;
    }
    if let Some(flag) = boolean(text) {
        return Json::Bool(flag);
    }
    if text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.')) {
        return integer(text).or_else(|| float(text)).unwrap_or_else(|| Json::from(text));
    }
    Json::from(text)
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Some(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn only(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte == b'_' || allowed(byte))
}

fn integer(text: &str) -> Option<Json> {
    let (negative, digits) = sign(text);
    let radix = |digits: &str, radix: u32| i128::from_str_radix(&digits.replace('_', ""), radix).ok();
    let magnitude = if let Some(binary) = digits.strip_prefix("0b") {
        only(binary, |byte| matches!(byte, b'0' | b'1')).then(|| radix(binary, 2)).flatten()
    } else if let Some(hexadecimal) = digits.strip_prefix("0x") {
        only(hexadecimal, |byte| byte.is_ascii_hexdigit()).then(|| radix(hexadecimal, 16)).flatten()
    } else if digits.starts_with('0') {
        only(digits, |byte| matches!(byte, b'0'..=b'7')).then(|| radix(digits, 8)).flatten()
    } else if !digits.starts_with(|first: char| first.is_ascii_digit()) {
        None
    } else if digits.contains(':') {
        base_60(digits)
    } else if only(digits, |byte| byte.is_ascii_digit()) {
        match radix(digits, 10) {
            Some(magnitude) => Some(magnitude),
            // Longer than any integer we have.
            None => {
                return digits
                    .replace('_', "")
                    .parse()
                    .ok()
                    .map(|value: f64| number(if negative { -value } else { value }));
            }
        }
    } else {
        None
    }?;
    let value = if negative { -magnitude } else { magnitude };
    Some(match (i64::try_from(value), u64::try_from(value)) {
        (Ok(value), _) => Json::from(value),
        (_, Ok(value)) => Json::from(value),
        #[expect(clippy::cast_precision_loss, reason = "JSON readers do the same with such integers")]
        _ => number(value as f64),
    })
}

/// `1:30` is ninety, as hours and minutes were once written.
fn base_60(digits: &str) -> Option<i128> {
    let mut parts = digits.split(':');
    let first = parts.next().filter(|part| only(part, |byte| byte.is_ascii_digit()))?;
    let mut value: i128 = first.replace('_', "").parse().ok()?;
    for part in parts {
        let part: i128 = part.parse().ok().filter(|_| (1..=2).contains(&part.len())).filter(|part| *part < 60)?;
        value = value.checked_mul(60)?.checked_add(part)?;
    }
    Some(value)
}

fn float(text: &str) -> Option<Json> {
    let (negative, rest) = sign(text);
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (rest.get(..at)?, Some(rest.get(at + 1..)?)),
        None => (rest, None),
    };
    if exponent.is_some_and(|exponent| {
        // Compat: without a sign it is text in YAML 1.1 as PyYAML reads it.
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or_default();
        digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit())
    }) {
        return None;
    }
    let (whole, fraction) = mantissa.split_once('.')?;
    let whole_fits = if whole.is_empty() {
        // `.5` has no sign and needs a digit.
        text.starts_with('.') && fraction.starts_with(|first: char| first.is_ascii_digit())
    } else {
        whole.starts_with(|first: char| first.is_ascii_digit()) && only(whole, |byte| byte.is_ascii_digit())
    };
    if !whole_fits || !(fraction.is_empty() || only(fraction, |byte| byte.is_ascii_digit())) {
        return None;
    }
    let value: f64 = rest.replace('_', "").parse().ok()?;
    Some(number(if negative { -value } else { value }))
}

fn number(value: f64) -> Json {
    serde_json::Number::from_f64(value).map_or_else(|| Json::from(value.to_string()), Json::Number)
}
