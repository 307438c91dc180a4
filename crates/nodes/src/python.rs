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
    let clean = text.trim().replace('_', "");
    clean.parse().map_err(|_| format!("invalid literal for int() with base 10: {}", python_repr(&Value::from(text))))
}

/// `float(text)`.
///
/// # Errors
/// Python's text.
pub fn float(text: &str) -> Result<f64, String> {
    let clean = text.trim().replace('_', "");
    clean.parse().map_err(|_| format!("could not convert string to float: {}", python_repr(&Value::from(text))))
}
