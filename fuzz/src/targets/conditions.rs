//! Conditions of if-else and loops.

use ox_engine::Pool;
use ox_nodes::condition::{Condition, Logic, compare, evaluate};
use ox_types::Value;
use serde_json::{Value as Json, json};

use super::{Run, Shape, Target, pieces, signature};

const OPERATORS: &[&str] = &[
    "contains",
    "not contains",
    "start with",
    "end with",
    "is",
    "is not",
    "empty",
    "not empty",
    "=",
    "≠",
    ">",
    "<",
    "≥",
    "≤",
    "null",
    "not null",
    "in",
    "not in",
    "all of",
    "exists",
    "not exists",
];

pub const TARGET: Target = Target {
    name: "conditions",
    shape: Shape::Json,
    seeds: || {
        let one = |name: &str, operator: &str, value: Json| {
            let condition = json!({"variable_selector": ["n", name], "comparison_operator": operator, "value": value});
            json!({"logic": "and", "conditions": [condition], "value": value}).to_string().into_bytes()
        };
        let mut seeds = Vec::new();
        for operator in OPERATORS {
            for (name, value) in [
                ("text", json!("1.5")),
                ("int", json!("3")),
                ("float", json!(2)),
                ("list", json!(["a"])),
                ("flag", json!(true)),
                ("none", json!(null)),
                ("object", json!({"a": 1})),
                ("file", json!("image")),
                ("files", json!(["image"])),
            ] {
                seeds.push(one(name, operator, value));
            }
        }
        let sub = json!({"logical_operator": "or", "conditions": [{"key": "extension", "comparison_operator": "in", "value": [".png"]},
            {"key": "size", "comparison_operator": ">", "value": "{{#n.int#}}"}]});
        let files = json!({"variable_selector": ["n", "files"], "comparison_operator": "contains", "sub_variable_condition": sub});
        seeds.push(json!({"logic": "or", "conditions": [files]}).to_string().into_bytes());
        seeds.extend(real());
        seeds
    },
    words: &[
        "\"contains\"",
        "\"not contains\"",
        "\"start with\"",
        "\"end with\"",
        "\"is\"",
        "\"is not\"",
        "\"empty\"",
        "\"not empty\"",
        "\"=\"",
        "\"≠\"",
        "\">\"",
        "\"<\"",
        "\"≥\"",
        "\"≤\"",
        "\"null\"",
        "\"not null\"",
        "\"in\"",
        "\"not in\"",
        "\"all of\"",
        "\"exists\"",
        "\"text\"",
        "\"int\"",
        "\"list\"",
        "\"file\"",
        "\"files\"",
        "\"object\"",
        "{{#n.text#}}",
        "{{#n.list#}}",
        "\"key\": \"size\"",
        "\"key\": \"name\"",
        "\"key\": \"type\"",
        "\"variable_selector\": [\"n\", \"files\"]",
    ],
    start: || Ok(run()),
};

/// The conditions of real workflows, about our variables.
fn real() -> Vec<Vec<u8>> {
    let lists = pieces(|json, found| {
        if let Some(list) = json["conditions"].as_array().filter(|list| !list.is_empty()) {
            found.push(Json::from(list.clone()));
        }
    });
    let mut names = NAMES.iter().cycle();
    let about_ours = |mut list: Json| {
        for condition in list.as_array_mut().into_iter().flatten() {
            if condition["variable_selector"].is_array() {
                condition["variable_selector"] = json!(["n", names.next()]);
            }
        }
        json!({"logic": "and", "conditions": list}).to_string().into_bytes()
    };
    lists.into_iter().map(about_ours).collect()
}

const NAMES: &[&str] = &["text", "int", "float", "list", "flag", "none", "object", "file", "files", "empty", "big"];

fn run() -> Run {
    let file = json!({"dify_model_identity": "__dify__file__", "type": "image", "transfer_method": "remote_url", "filename": "a.png",
        "extension": ".png", "mime_type": "image/png", "size": 7, "remote_url": "http://pub.test/a.png"});
    let mut pool = Pool::new();
    for (name, value) in [
        ("text", json!("Straße 1.5")),
        ("int", json!(3)),
        ("float", json!(2.5)),
        ("list", json!(["a", 1, null])),
        ("flag", json!(true)),
        ("none", json!(null)),
        ("object", json!({"a": {"b": [1]}})),
        ("file", file.clone()),
        ("files", json!([file])),
        ("empty", json!("")),
        ("big", json!(9_223_372_036_854_775_807_i64)),
    ] {
        pool.set("n", name, Value::from_json(&value));
    }
    Box::new(move |input| {
        let Ok(json) = serde_json::from_slice::<Json>(input) else { return 0 };
        let logic = if json["logic"] == "or" { Logic::Or } else { Logic::And };
        let mut parts = Vec::new();
        if let Ok(conditions) = serde_json::from_value::<Vec<Condition>>(json["conditions"].clone()) {
            for condition in &conditions {
                let expected = Value::from_json(&condition.value);
                for name in ["text", "int", "list", "none", "object"] {
                    let actual = pool.get(&["n", name]).unwrap_or(Value::None);
                    parts.push(said(
                        compare(&actual, &condition.comparison_operator, &expected).map(|is| is.to_string()),
                    ));
                    parts.push(said(
                        compare(&expected, &condition.comparison_operator, &actual).map(|is| is.to_string()),
                    ));
                }
            }
            parts.push(said(
                evaluate(&pool, &conditions, logic).map(|found| format!("{:?}{}", found.results, found.outcome)),
            ));
        }
        signature(&parts.iter().map(String::as_str).collect::<Vec<_>>())
    })
}

fn said(result: Result<String, String>) -> String {
    result.unwrap_or_else(|error| error)
}
