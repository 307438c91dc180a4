//! `json_process`: reading and changing JSON by paths.

use serde_json::{Map, Value};

use super::{
    path::{self, Key, Path},
    say,
};
use crate::{
    Parameter, Provider, Tool,
    call::Arguments,
    spec::{Run, Said, Text},
};

const CONTENT: Text = ("JSON content", "JSON 内容");
const QUERY: Text = ("Query", "查询");
const ASCII: Parameter = Parameter::flag("ensure_ascii", ("Ensure ASCII", "确保 ASCII"), "true");

const fn content() -> Parameter {
    Parameter::text("content", CONTENT, "JSON content to be processed").needed()
}

const fn query() -> Parameter {
    Parameter::text("query", QUERY, "JSONPath of the element, e.g. $.store.book[0].title").needed()
}

pub const PROVIDER: Provider = Provider {
    name: "json_process",
    label: ("JSON Process", "JSON 处理"),
    description: ("Reads and changes JSON by JSONPath.", "按 JSONPath 读取与修改 JSON。"),
    icon: concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#b45309"/>"##,
        r##"<path d="M10 6c-2.500 0-2.500 1-2.500 3s0 3-2 3c2 0 2 1 2 3s0 3 2.500 3M14 6c2.500 0 2.500 1 2.500 3s0 3 2 3c-2 0-2 1-2 3s0 3-2.500 3" stroke="#fff" stroke-width="1.800" fill="none" stroke-linecap="round"/></svg>"##
    ),
    labels: &["utilities", "productivity"],
    form: &[],
    trial: None,
    tools: &[
        Tool {
            name: "parse",
            label: ("JSON Parse", "JSON 解析"),
            description: ("The part of a JSON that a path leads to.", "提取 JSON 中的内容。"),
            for_model: "Extracts part of a JSON text by a JSONPath.",
            parameters: &[
                Parameter::text("content", ("JSON data", "JSON 数据"), "JSON data to be processed").needed(),
                Parameter::text(
                    "json_filter",
                    ("JSON filter", "JSON 解析对象"),
                    "JSONPath of the part, e.g. $.items[*].name; all when empty",
                ),
                ASCII,
            ],
            run: Run::Pure(parse),
        },
        Tool {
            name: "json_insert",
            label: ("JSON Insert", "JSON 插入"),
            description: ("A JSON with a new element.", "在 JSON 中插入内容。"),
            for_model: "Inserts a value into a JSON text at a JSONPath: appended to a list, set in an object.",
            parameters: &[
                content(),
                query(),
                Parameter::text("new_value", ("New value", "新值"), "Value to insert, as JSON or text").needed(),
                Parameter::flag("create_path", ("Create path", "创建路径"), "false"),
                ASCII,
            ],
            run: Run::Pure(insert),
        },
        Tool {
            name: "json_replace",
            label: ("JSON Replace", "JSON 替换"),
            description: ("A JSON with a key, value or text replaced.", "替换 JSON 中的键、值或文本。"),
            for_model: "Replaces a key, a value or part of a text in a JSON at a JSONPath.",
            parameters: &[
                content(),
                query(),
                Parameter::text(
                    "replace_pattern",
                    ("Text to be replaced", "待替换字符串"),
                    "Text to be replaced, where the way is pattern",
                ),
                Parameter::text("replace_value", ("Replace value", "替换值"), "New value").needed(),
                Parameter::select(
                    "replace_model",
                    ("Way to replace", "替换模式"),
                    "pattern",
                    &[
                        ("key", ("Replace key", "键替换")),
                        ("value", ("Replace value", "值替换")),
                        ("pattern", ("Replace text", "字符串替换")),
                    ],
                )
                .needed(),
                Parameter::flag("value_decode", ("Decode value", "解码值"), "false"),
                ASCII,
            ],
            run: Run::Pure(replace),
        },
        Tool {
            name: "json_delete",
            label: ("JSON Delete", "JSON 删除"),
            description: ("A JSON without the elements that a path leads to.", "删除 JSON 中的内容。"),
            for_model: "Deletes from a JSON text what a JSONPath leads to.",
            parameters: &[content(), query(), ASCII],
            run: Run::Pure(delete),
        },
    ],
};

/// A parameter that is JSON.
pub fn parsed(arguments: &Arguments, name: &str) -> Result<Value, String> {
    match arguments.value(name) {
        Some(Value::String(text)) if !text.trim().is_empty() => {
            serde_json::from_str(text).map_err(|error| format!("{name} is not JSON: {error}"))
        }
        None | Some(Value::String(_)) => Err(format!("tool parameter {name} not found in tool config")),
        Some(value) => Ok(value.clone()),
    }
}

/// Compat: texts beyond ASCII are escaped unless the caller says otherwise.
fn written(arguments: &Arguments, value: &Value) -> String {
    let text = value.to_string();
    if !arguments.flag("ensure_ascii", true) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii() {
            out.push(character);
            continue;
        }
        let mut units = [0; 2];
        for unit in character.encode_utf16(&mut units) {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    }
    out
}

/// A value that is given as JSON, or else the text itself.
fn value_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

fn parse(arguments: &Arguments) -> Said {
    let document = parsed(arguments, "content")?;
    let Some(filter) = arguments.get("json_filter") else { return say(written(arguments, &document)) };
    let places = Path::parse(&filter)?.places(&document)?;
    let mut found: Vec<Value> = places.iter().filter_map(|place| path::at(&document, place)).cloned().collect();
    let value = match found.len() {
        // Compat: a single text is told without its quotes.
        1 => found.remove(0),
        _ => Value::Array(found),
    };
    say(match &value {
        Value::String(text) => text.clone(),
        other => written(arguments, other),
    })
}

fn insert(arguments: &Arguments) -> Said {
    let mut document = parsed(arguments, "content")?;
    let (query, new) = (arguments.required("query")?, value_of(&arguments.required("new_value")?));
    let path = Path::parse(&query)?;
    let mut places = path.places(&document)?;
    if places.is_empty() {
        let created = path.exact().filter(|_| arguments.flag("create_path", false));
        let Some(place) = created else { return Err(format!("Nothing is at '{query}'.")) };
        create(&mut document, &place, new)?;
        return say(written(arguments, &document));
    }
    // From the end, so that what is inserted moves nothing that comes later.
    places.reverse();
    for place in &places {
        if let Some(Value::Array(items)) = path::at_mut(&mut document, place) {
            items.push(new.clone());
            continue;
        }
        match place.split_last() {
            Some((Key::Position(at), parent)) => {
                if let Some(Value::Array(items)) = path::at_mut(&mut document, parent) {
                    items.insert((*at).min(items.len()), new.clone());
                }
            }
            _ => {
                if let Some(value) = path::at_mut(&mut document, place) {
                    *value = new.clone();
                }
            }
        }
    }
    say(written(arguments, &document))
}

/// Makes what is missing on the way to a place, and sets it.
fn create(document: &mut Value, place: &[Key], new: Value) -> Result<(), String> {
    let mut value = document;
    for key in place {
        value = match key {
            Key::Name(name) => {
                if value.is_null() {
                    *value = Value::Object(Map::new());
                }
                let fields = value
                    .as_object_mut()
                    .ok_or_else(|| format!("'{name}' is asked of something that is no object."))?;
                fields.entry(name.clone()).or_insert(Value::Null)
            }
            Key::Position(at) => {
                if value.is_null() {
                    *value = Value::Array(Vec::new());
                }
                let items = value
                    .as_array_mut()
                    .ok_or_else(|| format!("Position {at} is asked of something that is no list."))?;
                if *at > items.len() {
                    return Err(format!("Position {at} is beyond the end of the list."));
                }
                if *at == items.len() {
                    items.push(Value::Null);
                }
                items.get_mut(*at).ok_or("unreachable position")?
            }
        };
    }
    *value = new;
    Ok(())
}

fn replace(arguments: &Arguments) -> Said {
    let mut document = parsed(arguments, "content")?;
    let (query, new) = (arguments.required("query")?, arguments.required("replace_value")?);
    let way = arguments.get("replace_model").unwrap_or_else(|| "pattern".into());
    let pattern = arguments.get("replace_pattern").unwrap_or_default();
    let decode = arguments.flag("value_decode", false);
    for place in Path::parse(&query)?.places(&document)?.iter().rev() {
        match way.as_str() {
            "key" => {
                if let Some((Key::Name(name), parent)) = place.split_last()
                    && let Some(Value::Object(fields)) = path::at_mut(&mut document, parent)
                {
                    let renamed = std::mem::take(fields).into_iter();
                    *fields =
                        renamed.map(|(key, value)| (if key == *name { new.clone() } else { key }, value)).collect();
                }
            }
            "value" => {
                if let Some(value) = path::at_mut(&mut document, place) {
                    *value = if decode { value_of(&new) } else { new.clone().into() };
                }
            }
            _ => {
                if let Some(Value::String(text)) = path::at_mut(&mut document, place)
                    && !pattern.is_empty()
                {
                    *text = text.replace(&pattern, &new);
                }
            }
        }
    }
    say(written(arguments, &document))
}

fn delete(arguments: &Arguments) -> Said {
    let mut document = parsed(arguments, "content")?;
    let mut places = Path::parse(&arguments.required("query")?)?.places(&document)?;
    places.sort();
    places.dedup();
    for place in places.iter().rev() {
        let Some((last, parent)) = place.split_last() else {
            return Err("The whole document cannot be deleted.".into());
        };
        match (last, path::at_mut(&mut document, parent)) {
            (Key::Name(name), Some(Value::Object(fields))) => {
                fields.shift_remove(name);
            }
            (Key::Position(at), Some(Value::Array(items))) if *at < items.len() => {
                items.remove(*at);
            }
            _ => {}
        }
    }
    say(written(arguments, &document))
}
