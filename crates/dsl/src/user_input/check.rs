//! Checking what a caller gave against the form (Service API reference §6.3).

use indexmap::IndexMap;
use ox_types::{Json, Value, python_quote};

use super::{InputField, InputKind};

/// Inputs that passed, in the order of the form.
pub type Inputs = IndexMap<String, Input>;

/// A checked input. Files are still what the caller wrote: only a store can tell what they are.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    Value(Value),
    File(Json),
    Files(Vec<Json>),
}

/// An input does not fit; the text is exactly what the compatible API answers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InputError {
    pub variable: String,
    pub message: String,
}

/// Checks inputs against the form. Undeclared inputs are dropped; null or missing inputs as a whole
/// are taken for none.
///
/// # Errors
/// The first field that does not fit.
pub fn validate_inputs(fields: &[InputField], inputs: &Json) -> Result<Inputs, InputError> {
    let mut checked = Inputs::with_capacity(fields.len());
    for field in fields.iter().filter(|field| !is_filled_elsewhere(field)) {
        let given = inputs.get(&field.variable).unwrap_or(&Json::Null);
        let input = check(field, given).map_err(|message| InputError { variable: field.variable.clone(), message })?;
        checked.insert(field.variable.clone(), input);
    }
    Ok(checked)
}

fn is_filled_elsewhere(field: &InputField) -> bool {
    field.kind == InputKind::ExternalDataTool && field.raw.get("config").is_some_and(|config| !config.is_null())
}

fn check(field: &InputField, given: &Json) -> Result<Input, String> {
    let name = &field.variable;
    let value = if given.is_null() {
        if field.required {
            return Err(format!("{name} is required in input form"));
        }
        // Compat: an empty default of a select means "none chosen"; upstream fails on it.
        let empty = matches!(&field.default, Json::String(text) if text.is_empty()) && field.kind == InputKind::Select;
        if empty { &Json::Null } else { &field.default }
    } else {
        given
    };
    if value.is_null() {
        return Ok(Input::Value(Value::None));
    }
    match field.kind {
        InputKind::TextInput | InputKind::Paragraph | InputKind::Select => text(field, value),
        InputKind::Number => number(value).ok_or_else(|| format!("{name} in input form must be a valid number")),
        InputKind::Checkbox => plain(name, checkbox(value)),
        InputKind::JsonObject => {
            if is_empty(value) || value.is_object() {
                Ok(Input::Value(Value::from_json(&without_nul(value))))
            } else {
                Err(format!("{name} in input form must be a dict"))
            }
        }
        InputKind::File | InputKind::FileList if is_empty_text(value) && !field.required => {
            Ok(Input::Value(Value::None))
        }
        InputKind::File if value.is_object() => Ok(Input::File(value.clone())),
        InputKind::File => Err(format!("{name} in input form must be a file")),
        InputKind::FileList => files(field, value),
        InputKind::ExternalDataTool => plain(name, Value::from_json(&without_nul(value))),
    }
}

fn text(field: &InputField, value: &Json) -> Result<Input, String> {
    let (name, kind) = (&field.variable, field.kind.as_str());
    let Json::String(text) = value else {
        return Err(format!("(type '{kind}') {name} in input form must be a string"));
    };
    if field.kind == InputKind::Select {
        if !field.options.contains(text) {
            let options: Vec<_> = field.options.iter().map(|option| python_quote(option)).collect();
            return Err(format!("{name} in input form must be one of the following: [{}]", options.join(", ")));
        }
    } else if let Some(limit) = field.max_length.filter(|limit| text.chars().count() as u64 > *limit) {
        return Err(format!("{name} in input form must be less than {limit} characters"));
    }
    Ok(Input::Value(Value::from(text.replace('\0', ""))))
}

fn number(value: &Json) -> Option<Input> {
    let number = match value {
        Json::Number(_) => Value::from_json(value),
        Json::String(text) => {
            let text = text.trim();
            if text.is_empty() {
                Value::None
            } else if text.contains('.') {
                Value::Float(text.parse().ok().filter(|number: &f64| number.is_finite())?)
            } else {
                Value::Int(text.parse().ok()?)
            }
        }
        _ => return None,
    };
    Some(Input::Value(number))
}

fn checkbox(value: &Json) -> Value {
    match value {
        Json::String(text) => match text.trim().to_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Value::Bool(true),
            "false" | "0" | "no" | "off" => Value::Bool(false),
            _ => Value::from(text.replace('\0', "")),
        },
        Json::Number(number) if number.as_f64() == Some(1.0) => Value::Bool(true),
        Json::Number(number) if number.as_f64() == Some(0.0) => Value::Bool(false),
        other => Value::from_json(&without_nul(other)),
    }
}

/// Mappings, and lists that hold some, only fit fields made for them.
fn plain(name: &str, value: Value) -> Result<Input, String> {
    let mapping = |value: &Value| matches!(value, Value::Object(_) | Value::File(_));
    if mapping(&value) || value.as_array().is_some_and(|items| items.iter().any(mapping)) {
        return Err(format!("Invalid input type for [{}]", python_quote(name)));
    }
    Ok(Input::Value(value))
}

fn files(field: &InputField, value: &Json) -> Result<Input, String> {
    let name = &field.variable;
    let items = value.as_array().filter(|items| items.iter().all(Json::is_object));
    let items = items.ok_or_else(|| format!("{name} in input form must be a list of files"))?;
    match field.max_length {
        Some(limit) if items.len() as u64 > limit => {
            Err(format!("{name} in input form must be less than {limit} files"))
        }
        _ => Ok(Input::Files(items.clone())),
    }
}

fn is_empty_text(value: &Json) -> bool {
    value.as_str().is_some_and(str::is_empty)
}

/// Python's falsehood.
fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Bool(flag) => !flag,
        Json::Number(number) => number.as_f64() == Some(0.0),
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(fields) => fields.is_empty(),
    }
}

fn without_nul(value: &Json) -> Json {
    match value {
        Json::String(text) => Json::from(text.replace('\0', "")),
        Json::Array(items) => Json::Array(items.iter().map(without_nul).collect()),
        Json::Object(fields) => {
            Json::Object(fields.iter().map(|(key, value)| (key.clone(), without_nul(value))).collect())
        }
        other => other.clone(),
    }
}
