//! From what the model wrote to values of the declared types (engine reference §10.6).

use indexmap::IndexMap;
use ox_types::{Json, Value, ValueType, python_repr};

use super::Parameter;
use crate::python;

/// Most beginnings of a JSON text that are tried in one answer.
const MAX_TRIES: usize = 1000;
/// Most bytes that are looked at for them.
const MAX_LOOKED_AT: usize = 4 * 1024 * 1024;
/// Deepest nesting that the JSON reader takes.
const MAX_DEPTH: usize = 128;
const NOTHING_FOUND: &str = "Failed to extract result from function call or text response, using empty result.";

/// The values and, when something was wrong, why.
#[derive(Debug, PartialEq)]
pub struct Extraction {
    pub values: IndexMap<String, Value>,
    pub reason: Option<String>,
}

/// The first balanced block of brackets that is JSON.
pub fn first_json(text: &str) -> Option<Json> {
    let mut left = MAX_LOOKED_AT;
    for (start, _) in text.match_indices(['{', '[']).take(MAX_TRIES) {
        let rest = text.get(start..)?;
        let block = balanced(rest);
        if let Some(json) = block.and_then(|block| serde_json::from_str(block).ok()) {
            return Some(json);
        }
        left = left.checked_sub(block.map_or(rest.len(), str::len))?;
    }
    None
}

/// The text up to the bracket that closes its first one. Brackets in texts do not count.
fn balanced(text: &str) -> Option<&str> {
    let mut open = Vec::new();
    let mut in_string = false;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' if open.len() >= MAX_DEPTH => return None,
            b'{' => open.push(b'}'),
            b'[' => open.push(b']'),
            b'}' | b']' => {
                if open.pop() != Some(byte) {
                    return None;
                }
                if open.is_empty() {
                    return text.get(..=at);
                }
            }
            _ => {}
        }
    }
    None
}

/// Checks and converts what was found.
pub fn read(parameters: &[Parameter], found: Option<Json>) -> Extraction {
    let usable = found.filter(|json| match json {
        Json::Object(fields) => !fields.is_empty() || !parameters.is_empty(),
        _ => true,
    });
    let Some(json) = usable else {
        let values = parameters.iter().map(|parameter| (parameter.name.clone(), default(parameter.kind))).collect();
        return Extraction { values, reason: Some(NOTHING_FOUND.into()) };
    };
    let fields = match json {
        Json::Object(fields) => fields,
        _ => serde_json::Map::new(),
    };
    let reason = validate(parameters, &fields).err();
    let value = |parameter: &Parameter| {
        let value = fields.get(&parameter.name).and_then(|value| converted(value, parameter.kind));
        (parameter.name.clone(), value.unwrap_or_else(|| default(parameter.kind)))
    };
    Extraction { values: parameters.iter().map(value).collect(), reason }
}

fn validate(parameters: &[Parameter], fields: &serde_json::Map<String, Json>) -> Result<(), String> {
    if fields.len() != parameters.len() {
        return Err("Invalid number of parameters".into());
    }
    for parameter in parameters {
        let name = &parameter.name;
        let Some(value) = fields.get(name) else {
            if parameter.required {
                return Err(format!("Parameter {name} is required"));
            }
            continue;
        };
        let chosen = value.as_str().is_none_or(|value| parameter.options.iter().any(|option| option == value));
        if parameter.kind == ValueType::String && !parameter.options.is_empty() && !chosen {
            return Err(format!("Invalid `select` value for parameter {name}"));
        }
        if !is_valid(value, parameter.kind) {
            let plain = Value::from_json_plain(value);
            return Err(format!(
                "Invalid value for parameter {name}, expected segment type: {}, actual_type: {}, python_type: {}, value: {}",
                parameter.kind,
                plain.value_type(),
                python::class(value),
                match &plain {
                    Value::String(text) => text.to_string(),
                    other => python_repr(other),
                }
            ));
        }
    }
    Ok(())
}

fn is_valid(value: &Json, kind: ValueType) -> bool {
    let all = |test: fn(&Json) -> bool| value.as_array().is_some_and(|items| items.iter().all(test));
    let number = |value: &Json| value.is_number() || value.is_boolean();
    match kind {
        ValueType::String => value.is_string(),
        ValueType::Number => number(value),
        ValueType::Boolean => value.is_boolean(),
        ValueType::ArrayString => all(Json::is_string),
        ValueType::ArrayNumber => all(number),
        ValueType::ArrayObject => all(Json::is_object),
        ValueType::ArrayBoolean => all(Json::is_boolean),
        _ => false,
    }
}

fn default(kind: ValueType) -> Value {
    kind.zero().unwrap_or_default()
}

fn converted(value: &Json, kind: ValueType) -> Option<Value> {
    let list = |element: fn(&Json) -> Option<Value>| {
        value.as_array().map(|items| Value::array_of(kind, items.iter().filter_map(element).collect()))
    };
    match kind {
        ValueType::String => value.as_str().map(Value::from),
        ValueType::Number => number(value),
        ValueType::Boolean => boolean(value),
        ValueType::ArrayString => list(|item| item.as_str().map(Value::from)),
        ValueType::ArrayNumber => list(number),
        ValueType::ArrayObject => list(|item| item.is_object().then(|| Value::from_json_plain(item))),
        ValueType::ArrayBoolean => list(boolean),
        _ => None,
    }
}

fn number(value: &Json) -> Option<Value> {
    match value {
        Json::Bool(value) => Some(Value::Int(i64::from(*value))),
        Json::Number(_) => Some(Value::from_json(value)),
        Json::String(text) if text.contains('.') => python::float(text).ok().map(Value::Float),
        Json::String(text) => python::int(text).ok().map(Value::Int),
        _ => None,
    }
}

fn boolean(value: &Json) -> Option<Value> {
    match value {
        Json::Bool(value) => Some(Value::Bool(*value)),
        Json::Number(number) => number.as_i64().map(|number| Value::Bool(number != 0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parameters() -> Vec<Parameter> {
        serde_json::from_value(json!([
            {"name": "city", "type": "string", "required": true},
            {"name": "kind", "type": "select", "options": ["a", "b"]},
            {"name": "days", "type": "number"},
            {"name": "flag", "type": "bool"},
            {"name": "tags", "type": "array[string]"},
        ]))
        .unwrap()
    }

    #[test]
    fn hostile_texts_end_in_bounded_time() {
        for piece in [
            "[", "{", "[[", "{\"a\":", "{\"", "\"", "[\"", "'", "{'a':'b'", "\\", "{\"a\\\"", "/*", "//\n", "[1,", "}",
            "]{", "<think>{",
        ] {
            let text = piece.repeat(2_000_000 / piece.len());
            let began = std::time::Instant::now();
            assert_eq!(first_json(&text), None, "{piece}");
            assert!(began.elapsed() < std::time::Duration::from_secs(5), "{piece}: {:?}", began.elapsed());
        }
        assert_eq!(first_json(&format!("{}[1] ", "[x] ".repeat(500))), Some(json!([1])));
    }

    #[test]
    fn finds_json_in_text() {
        for (text, expected) in [
            ("x {\"a\": 1} y", Some(json!({"a": 1}))),
            ("{broken} then {\"a\": \"}\"}", Some(json!({"a": "}"}))),
            ("[1, 2] {\"a\": 1}", Some(json!([1, 2]))),
            ("{\"a\": [1, {\"b\": 2}]}", Some(json!({"a": [1, {"b": 2}]}))),
            ("{\"a\": 1", None),
            ("none", None),
        ] {
            assert_eq!(first_json(text), expected, "{text}");
        }
        assert_eq!(first_json(&"{".repeat(100_000)), None);
    }

    #[test]
    fn values_are_checked_and_converted() {
        let whole = json!({"city": "Rome", "kind": "a", "days": 3, "flag": true, "tags": ["x"]});
        let with = |name: &str, value: Json| {
            let mut json = whole.clone();
            json[name] = value;
            json
        };
        let mut fewer = whole.clone();
        fewer.as_object_mut().unwrap().shift_remove("days");
        let mut other = fewer.clone();
        other["extra"] = json!(1);
        let mut no_city = whole.clone();
        no_city.as_object_mut().unwrap().shift_remove("city");
        no_city["extra"] = json!(1);
        for (found, reason, changed) in [
            (Some(whole.clone()), None, None),
            (Some(fewer), Some("Invalid number of parameters"), Some(("days", json!(0)))),
            (Some(other), None, Some(("days", json!(0)))),
            (Some(no_city), Some("Parameter city is required"), Some(("city", json!("")))),
            (
                Some(with("kind", json!("c"))),
                Some("Invalid `select` value for parameter kind"),
                Some(("kind", json!("c"))),
            ),
            (
                Some(with("days", json!("4.5"))),
                Some(
                    "Invalid value for parameter days, expected segment type: number, actual_type: string, python_type: <class 'str'>, value: 4.5",
                ),
                Some(("days", json!(4.5))),
            ),
            (
                Some(with("flag", json!("true"))),
                Some(
                    "Invalid value for parameter flag, expected segment type: boolean, actual_type: string, python_type: <class 'str'>, value: true",
                ),
                Some(("flag", json!(false))),
            ),
            (
                Some(with("tags", json!(["x", 1]))),
                Some(
                    "Invalid value for parameter tags, expected segment type: array[string], actual_type: array[any], python_type: <class 'list'>, value: ['x', 1]",
                ),
                Some(("tags", json!(["x"]))),
            ),
            (Some(json!([1])), Some("Invalid number of parameters"), None),
            (Some(json!({})), Some("Invalid number of parameters"), None),
            (None, Some(NOTHING_FOUND), None),
        ] {
            let shown = format!("{found:?}");
            let extraction = read(&parameters(), found);
            assert_eq!(extraction.reason.as_deref(), reason, "{shown}");
            assert_eq!(extraction.values.len(), 5);
            if let Some((name, value)) = changed {
                assert_eq!(extraction.values[name].to_json(), value, "{shown}");
            }
        }
    }
}
