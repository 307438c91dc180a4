//! Names and texts of Python that the compatible system's error messages carry.

use ox_types::{Json, Value, python_repr};

/// A selector as Python prints a list of texts.
pub fn list(selector: &[String]) -> String {
    let items: Vec<String> = selector.iter().map(|part| python_repr(&Value::from(part.as_str()))).collect();
    format!("[{}]", items.join(", "))
}

/// `type(value).__name__`.
pub fn type_name(json: &Json) -> &'static str {
    match json {
        Json::Null => "NoneType",
        Json::Bool(_) => "bool",
        Json::Number(number) => {
            if number.is_f64() {
                "float"
            } else {
                "int"
            }
        }
        Json::String(_) => "str",
        Json::Array(_) => "list",
        Json::Object(_) => "dict",
    }
}

/// `str(type(value))`.
pub fn class(json: &Json) -> String {
    format!("<class '{}'>", type_name(json))
}

/// `bool(value)`.
pub fn truthy(value: &Value) -> bool {
    match value {
        Value::None => false,
        Value::Bool(value) => *value,
        Value::Int(value) => *value != 0,
        Value::Float(value) => *value != 0.0,
        Value::String(text) | Value::Secret(text) => !text.is_empty(),
        Value::File(_) => true,
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(_, items) => !items.is_empty(),
    }
}

/// `int(text)`.
///
/// # Errors
/// Python's text.
pub fn int(text: &str) -> Result<i64, String> {
    let number = digits(text).and_then(|clean| clean.parse().ok());
    number.ok_or_else(|| format!("invalid literal for int() with base 10: {}", python_repr(&Value::from(text))))
}

/// `float(text)`.
///
/// # Errors
/// Python's text.
pub fn float(text: &str) -> Result<f64, String> {
    let number = digits(text).and_then(|clean| clean.parse().ok());
    number.ok_or_else(|| format!("could not convert string to float: {}", python_repr(&Value::from(text))))
}

/// The zeros of the scripts whose digits count as digits.
const ZEROS: [u32; 20] = [
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50, 0xed0, 0xf20,
    0x1040, 0x17e0, 0x1810, 0xff10,
];

/// The text with plain digits and without the marks between them; nothing when a mark stands elsewhere.
fn digits(text: &str) -> Option<String> {
    let plain = |character: char| {
        let code = character as u32;
        let digit = ZEROS.iter().find_map(|zero| code.checked_sub(*zero).filter(|digit| *digit < 10));
        digit.and_then(|digit| char::from_digit(digit, 10)).unwrap_or(character)
    };
    let all: Vec<char> = text.trim().chars().map(plain).collect();
    let is_digit = |at: Option<usize>| at.and_then(|at| all.get(at)).is_some_and(char::is_ascii_digit);
    let between = |at: usize| is_digit(at.checked_sub(1)) && is_digit(at.checked_add(1));
    if all.iter().enumerate().any(|(at, character)| *character == '_' && !between(at)) {
        return None;
    }
    Some(all.into_iter().filter(|character| *character != '_').collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Python 3.11 reads in texts, kept.
    #[test]
    fn numbers_in_texts() {
        for line in include_str!("python/numbers.jsonl").lines() {
            let row: Json = serde_json::from_str(line).unwrap();
            let text = row["text"].as_str().unwrap();
            let expected = |name: &str| match row[name].as_str() {
                Some(number) => Ok(number.to_owned()),
                None => Err(row[&format!("{name}_error")].as_str().unwrap().to_owned()),
            };
            assert_eq!(int(text).map(|number| number.to_string()), expected("int"), "{text:?}");
            assert_eq!(float(text).map(ox_types::python_float), expected("float"), "{text:?}");
        }
    }
}
