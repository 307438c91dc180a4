//! Values and the paths into them.

use ox_engine::Pool;
use ox_text::template::Template;
use ox_types::{Value, ValueType};
use serde_json::{Value as Json, json};

use super::{Run, Shape, Target, signature};

const TYPES: &[&str] = &[
    "string",
    "number",
    "integer",
    "float",
    "object",
    "secret",
    "file",
    "boolean",
    "array[any]",
    "array[string]",
    "array[number]",
    "array[object]",
    "array[file]",
    "array[boolean]",
    "any",
    "none",
];

pub const TARGET: Target = Target {
    name: "paths",
    shape: Shape::Json,
    seeds: || {
        let file = json!({"dify_model_identity": "__dify__file__", "type": "document", "transfer_method": "local_file", "related_id": "x",
            "filename": "a.pdf", "extension": ".pdf", "mime_type": "application/pdf", "size": -1});
        [
            json!({"path": ["n", "v", "a", "b"], "value": {"a": {"b": [1, 2.5, "x", null, true]}}}),
            json!({"path": ["n", "v", "size"], "value": file}),
            json!({"path": ["n", "v", "0", "name"], "value": [file]}),
            json!({"path": ["n", "v", "-1"], "value": [[1], ["a"], {"a": 1}]}),
            json!({"path": ["sys", "files"], "value": 1e300}),
            json!({"path": ["n", "v"], "value": "Ünï\u{0}code"}),
            json!({"path": [], "value": -9_223_372_036_854_775_808_i64}),
        ]
        .iter()
        .map(|seed| seed.to_string().into_bytes())
        .collect()
    },
    words: &[
        "\"n\"",
        "\"v\"",
        "\"a\"",
        "\"0\"",
        "\"-1\"",
        "\"size\"",
        "\"url\"",
        "\"name\"",
        "\"related_id\"",
        "\"dify_model_identity\": \"__dify__file__\"",
        "\"__dify__file__\"",
        "\"type\": \"image\"",
        "\"transfer_method\": \"tool_file\"",
        "null",
        "[[]]",
        "{\"\": 1}",
        "1e309",
        "\\ud800",
        "\\u0000",
    ],
    start: || {
        Ok(Box::new(|input: &[u8]| {
            let Ok(json) = serde_json::from_slice::<Json>(input) else { return 0 };
            look(&json)
        }) as Run)
    },
};

fn look(json: &Json) -> u64 {
    let path: Vec<String> =
        json["path"].as_array().into_iter().flatten().map(|part| part.as_str().unwrap_or("0").to_owned()).collect();
    let value = Value::from_json(&json["value"]);
    let mut pool = Pool::new();
    pool.set("n", "v", value.clone());
    let found = pool.get(&path);
    let walked = value.walk(path.get(2..).unwrap_or_default());
    let text = format!("{{{{#{}#}}}}", path.join("."));
    let template = Template::parse(&text);
    let shown = template.text(|selector| pool.get(selector));
    let _ = (template.markdown(|selector| pool.get(selector)), template.log(|selector| pool.get(selector)));
    let again = Value::from_json(&value.to_json());
    assert_eq!(again.to_json(), value.to_json(), "a value changes on its way through JSON");
    let kinds: String = TYPES
        .iter()
        .filter_map(|name| ValueType::parse(name))
        .map(|kind| if Value::typed(&json["value"], kind).is_ok() { 'y' } else { 'n' })
        .collect();
    let seen = format!("{:?} {:?}", found.map(|value| value.value_type()), walked.map(|value| value.value_type()));
    signature(&[&kinds, &seen, &shown.chars().take(4).collect::<String>()])
}
