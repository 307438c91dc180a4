//! A deterministic instance of a JSON schema.

use ox_types::Json;
use serde_json::{Map, json};

const MAX_DEPTH: usize = 12;

/// An instance of the schema: its own constants, defaults and examples where it has any.
pub fn of(schema: &Json) -> Json {
    instance(schema, schema, "text", 0)
}

fn instance(schema: &Json, root: &Json, name: &str, depth: usize) -> Json {
    if depth > MAX_DEPTH {
        return Json::Null;
    }
    if let Some(target) = schema.get("$ref").and_then(Json::as_str).and_then(|reference| resolve(reference, root)) {
        return instance(target, root, name, depth + 1);
    }
    let list = |key: &str| schema.get(key).and_then(Json::as_array).and_then(|items| items.first());
    if let Some(value) =
        schema.get("const").or_else(|| schema.get("default")).or_else(|| list("enum")).or_else(|| list("examples"))
    {
        return value.clone();
    }
    if let Some(first) = list("anyOf").or_else(|| list("oneOf")) {
        return instance(first, root, name, depth + 1);
    }
    if let Some(parts) = schema.get("allOf").and_then(Json::as_array) {
        let mut all = Map::new();
        for part in parts {
            if let Json::Object(fields) = instance(part, root, name, depth + 1) {
                all.extend(fields);
            }
        }
        return Json::Object(all);
    }
    match kind(schema) {
        "object" => object(schema, root, depth),
        "array" => {
            let count = schema.get("minItems").and_then(Json::as_u64).unwrap_or(1).clamp(0, 16);
            let items = schema.get("items").cloned().unwrap_or(json!({"type": "string"}));
            Json::Array((0..count).map(|_| instance(&items, root, name, depth + 1)).collect())
        }
        "integer" => bound(schema).map_or(json!(1), |least| json!(least.ceil() as i64)),
        "number" => bound(schema).map_or(json!(1.0), |least| json!(least)),
        "boolean" => json!(true),
        "null" => Json::Null,
        _ => string(schema, name),
    }
}

fn kind(schema: &Json) -> &str {
    match schema.get("type") {
        Some(Json::String(kind)) => kind,
        Some(Json::Array(kinds)) => {
            kinds.iter().filter_map(Json::as_str).find(|kind| *kind != "null").unwrap_or("null")
        }
        _ if schema.get("properties").is_some() => "object",
        _ if schema.get("items").is_some() => "array",
        _ => "string",
    }
}

fn object(schema: &Json, root: &Json, depth: usize) -> Json {
    let fields = schema.get("properties").and_then(Json::as_object).into_iter().flatten();
    Json::Object(fields.map(|(name, field)| (name.clone(), instance(field, root, name, depth + 1))).collect())
}

fn bound(schema: &Json) -> Option<f64> {
    let number = |key: &str| schema.get(key).and_then(Json::as_f64);
    number("minimum").or_else(|| number("exclusiveMinimum").map(|least| least + 1.0)).or_else(|| number("maximum"))
}

fn string(schema: &Json, name: &str) -> Json {
    let text = match schema.get("format").and_then(Json::as_str) {
        Some("date-time") => "2026-01-01T00:00:00Z",
        Some("date") => "2026-01-01",
        Some("time") => "00:00:00Z",
        Some("email") => "someone@example.com",
        Some("uri" | "url") => "https://example.com/",
        Some("uuid") => "00000000-0000-4000-8000-000000000000",
        _ => name,
    };
    let least = schema.get("minLength").and_then(Json::as_u64).unwrap_or(0).min(1000);
    let most = schema.get("maxLength").and_then(Json::as_u64).unwrap_or(1000).min(1000);
    let mut text = text.to_owned();
    while (text.chars().count() as u64) < least {
        text.push('x');
    }
    text.chars().take(usize::try_from(most).unwrap_or(1000)).collect::<String>().into()
}

fn resolve<'a>(reference: &str, root: &'a Json) -> Option<&'a Json> {
    root.pointer(reference.strip_prefix('#')?)
}
