//! Reading what `main` returned.

use ox_types::Json;

use crate::{CodeError, CodeOutput};

/// Reads the JSON text of a result.
///
/// Compat: texts in scientific notation (`1e+5`) become floats, at any depth.
///
/// # Errors
/// When it is not a JSON object.
pub fn parse_result(text: &str) -> Result<CodeOutput, CodeError> {
    let mut json: Json = serde_json::from_str(text)
        .map_err(|error| CodeError::BadResult(format!("Failed to parse JSON from the result of main: {error}")))?;
    numbers_from_text(&mut json);
    match json {
        Json::Object(result) => Ok(CodeOutput { result }),
        other => Err(not_an_object(json_type(&other))),
    }
}

pub(crate) fn not_an_object(got: &str) -> CodeError {
    CodeError::BadResult(format!("The result of main must be an object, got {got} instead."))
}

fn json_type(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    }
}

fn numbers_from_text(json: &mut Json) {
    match json {
        Json::String(text) => {
            if is_scientific(text)
                && let Some(number) = text.parse().ok().and_then(serde_json::Number::from_f64)
            {
                *json = Json::Number(number);
            }
        }
        Json::Array(items) => items.iter_mut().for_each(numbers_from_text),
        Json::Object(fields) => fields.values_mut().for_each(numbers_from_text),
        _ => {}
    }
}

/// `-?\d+\.?\d*[eE][+-]\d+`, the whole text.
fn is_scientific(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return false };
    let mantissa = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let Some(exponent) = exponent.strip_prefix(['+', '-']) else { return false };
    digits(whole) && (fraction.is_empty() || digits(fraction)) && digits(exponent)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scientific_texts_become_numbers() {
        for (text, expected) in [
            (r#"{"a":"1e+5"}"#, json!({"a": 100_000.0})),
            (r#"{"a":["-1.5E-3",{"b":"2.e+1"}]}"#, json!({"a": [-0.0015, {"b": 20.0}]})),
            (
                r#"{"a":"1e5","b":"e+5","c":"x1e+5","d":"1e+","e":"--1e+5"}"#,
                json!({"a":"1e5","b":"e+5","c":"x1e+5","d":"1e+","e":"--1e+5"}),
            ),
            (r#"{"a":"1e+999"}"#, json!({"a": "1e+999"})),
        ] {
            assert_eq!(Json::Object(parse_result(text).unwrap().result), expected, "{text}");
        }
    }

    #[test]
    fn only_objects_are_results() {
        for (text, why) in [
            ("[1]", "The result of main must be an object, got an array instead."),
            ("null", "The result of main must be an object, got null instead."),
            ("\"x\"", "The result of main must be an object, got a string instead."),
        ] {
            assert_eq!(parse_result(text).unwrap_err().to_string(), why);
        }
        assert!(parse_result("undefined").unwrap_err().to_string().starts_with("Failed to parse JSON"));
    }
}
