//! What is given by name: the variable that is meant, and its value.

use ox_dsl::graph::NodeSpec;
use ox_engine::Pool;
use ox_types::{FILE_IDENTITY_KEY, Json, Object, Value};

use crate::{Result, files::FileReader};

/// Keys of a node's settings under which a variable of its own stands, by the name that callers give.
const SUFFIXES: [&str; 3] = ["", "_selector", "_variable_selector"];

/// The variable that a key means: `#node.name#`, `node.name` of this node, or a name of the node's settings.
pub fn selector_of(key: &str, node: &NodeSpec) -> Option<Vec<String>> {
    let inner = key.strip_prefix('#').and_then(|key| key.strip_suffix('#'));
    match inner {
        Some("context") => return list(node.data.pointer("/context/variable_selector")?),
        Some("files") => return list(node.data.pointer("/vision/configs/variable_selector")?),
        Some(path) => return split(path),
        None => {}
    }
    // `<node id>.<name>`, where the name may be a selector again.
    let own = key.strip_prefix(node.id.as_str()).and_then(|rest| rest.strip_prefix('.'));
    match own {
        Some(name) => selector_of(name, node).or_else(|| Some(vec![node.id.clone(), name.to_owned()])),
        None => named(key, &node.data).or_else(|| split(key)),
    }
}

fn split(path: &str) -> Option<Vec<String>> {
    let parts: Vec<String> = path.split('.').map(str::to_owned).collect();
    (parts.len() >= 2 && parts.iter().all(|part| !part.is_empty())).then_some(parts)
}

/// A selector in the settings.
fn list(json: &Json) -> Option<Vec<String>> {
    let parts: Option<Vec<String>> = json.as_array()?.iter().map(|part| part.as_str().map(str::to_owned)).collect();
    parts.filter(|parts| parts.len() >= 2)
}

fn named(name: &str, data: &Json) -> Option<Vec<String>> {
    let name = if name == "input_selector" { "iterator_selector" } else { name };
    SUFFIXES
        .iter()
        .find_map(|suffix| list(data.get(format!("{name}{suffix}"))?))
        .or_else(|| {
            ["tool_parameters", "agent_parameters"].iter().find_map(|key| list(data.get(key)?.get(name)?.get("value")?))
        })
        .or_else(|| labelled(name, data))
}

/// `{variable: name, value_selector}` (or `{label: name, value}`) anywhere in the settings.
fn labelled(name: &str, json: &Json) -> Option<Vec<String>> {
    match json {
        Json::Array(items) => items.iter().find_map(|item| labelled(name, item)),
        Json::Object(fields) => {
            let is = |key: &str| fields.get(key).and_then(Json::as_str) == Some(name);
            let own = if is("variable") {
                fields.get("value_selector").and_then(list)
            } else if is("label") {
                fields.get("value").and_then(list)
            } else {
                None
            };
            own.or_else(|| {
                fields
                    .values()
                    .filter(|field| field.is_object() || field.is_array())
                    .find_map(|field| labelled(name, field))
            })
        }
        _ => None,
    }
}

/// A value as it was given; what describes a file becomes one.
pub async fn value_of(reader: &FileReader<'_>, json: &Json) -> Result<Value> {
    if describes_file(json) {
        return Ok(Value::from(reader.one(json, None).await?));
    }
    match json {
        Json::Array(items) if !items.is_empty() && items.iter().all(describes_file) => {
            let mut files = Vec::with_capacity(items.len());
            for item in items {
                files.push(Value::from(reader.one(item, None).await?));
            }
            Ok(Value::array(files))
        }
        other => Ok(Value::from_json(other)),
    }
}

fn describes_file(json: &Json) -> bool {
    json.get("transfer_method").is_some_and(Json::is_string)
        && json.get("type").is_some_and(Json::is_string)
        && json.get(FILE_IDENTITY_KEY).is_none()
}

/// Sets a variable, or a field inside of it.
pub fn put(pool: &mut Pool, selector: &[String], value: Value) {
    let [node, name, path @ ..] = selector else { return };
    let value = if path.is_empty() { value } else { with(pool.get(&[node, name]).as_ref(), path, value) };
    pool.set(node, name, value);
}

/// An object with one field changed, in the objects inside of it.
fn with(object: Option<&Value>, path: &[String], value: Value) -> Value {
    let Some((key, rest)) = path.split_first() else { return value };
    let mut fields: Object = object.and_then(Value::as_object).cloned().unwrap_or_default();
    let inner = with(fields.get(key), rest, value);
    fields.insert(key.clone(), inner);
    Value::object(fields)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_name_variables() {
        let data = json!({
            "variables": [{"variable": "arg1", "value_selector": ["start", "topic"]}],
            "query_variable_selector": ["sys", "query"],
            "context": {"enabled": true, "variable_selector": ["kb", "result"]},
            "iterator_selector": ["start", "list"],
            "loop_variables": [{"label": "count", "value_type": "variable", "value": ["start", "n"]}],
            "tool_parameters": {"city": {"type": "variable", "value": ["start", "city"]}},
        });
        let node = NodeSpec { id: "n.1".into(), data, ..NodeSpec::default() };
        for (key, expected) in [
            ("#a.b#", Some("a/b")),
            ("#a.b.c#", Some("a/b/c")),
            ("n.1.arg1", Some("start/topic")),
            ("n.1.#a.b#", Some("a/b")),
            ("n.1.item", Some("n.1/item")),
            ("arg1", Some("start/topic")),
            ("query", Some("sys/query")),
            ("#context#", Some("kb/result")),
            ("input_selector", Some("start/list")),
            ("iterator_selector", Some("start/list")),
            ("count", Some("start/n")),
            ("city", Some("start/city")),
            ("a.b", Some("a/b")),
            ("nothing", None),
            ("#x#", None),
        ] {
            assert_eq!(selector_of(key, &node).map(|parts| parts.join("/")).as_deref(), expected, "{key}");
        }
    }

    #[test]
    fn fields_inside_of_variables_are_set() {
        let mut pool = Pool::new();
        pool.set("llm", "structured", Value::from_json(&json!({"a": 1})));
        put(&mut pool, &["llm".into(), "structured".into(), "b".into(), "c".into()], Value::Int(2));
        put(&mut pool, &["x".into(), "y".into()], Value::Int(3));
        assert_eq!(pool.get(&["llm", "structured"]).unwrap().to_json(), json!({"a": 1, "b": {"c": 2}}));
        assert_eq!(pool.get(&["x", "y"]), Some(Value::Int(3)));
    }
}
