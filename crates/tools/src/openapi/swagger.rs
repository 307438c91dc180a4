//! Swagger 2 documents, written anew as OpenAPI 3.

use ox_types::Json;
use serde_json::{Map, Value, json};

use super::Invalid;

const METHODS: &[&str] = &["get", "post", "put", "patch", "delete", "head", "options"];

/// The same document in the newer form.
///
/// # Errors
/// When it does not say where its server is.
pub fn to_openapi(old: &Json) -> Result<Json, Invalid> {
    let host = old["host"].as_str().filter(|host| !host.is_empty());
    let host = host.ok_or_else(|| Invalid("No server found in the swagger yaml: it has no host.".into()))?;
    let schemes: Vec<&str> = old["schemes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let scheme = if schemes.is_empty() || schemes.contains(&"https") { "https" } else { "http" };
    let base = old["basePath"].as_str().unwrap_or_default().trim_end_matches('/');
    let mut paths = Map::new();
    for (path, item) in old["paths"].as_object().into_iter().flatten() {
        let mut new = Map::new();
        let shared = item["parameters"].as_array().cloned().unwrap_or_default();
        for (method, operation) in
            item.as_object().into_iter().flatten().filter(|(name, _)| METHODS.contains(&name.as_str()))
        {
            new.insert(method.clone(), converted(old, operation, &shared));
        }
        paths.insert(path.clone(), Value::Object(new));
    }
    Ok(json!({
        "openapi": "3.0.0",
        "info": old["info"],
        "servers": [{"url": format!("{scheme}://{host}{base}")}],
        "paths": paths,
        // References into these are left as they are.
        "definitions": old["definitions"],
        "parameters": old["parameters"],
        "responses": old["responses"],
    }))
}

fn converted(document: &Json, operation: &Json, shared: &[Json]) -> Json {
    let mut new = operation.as_object().cloned().unwrap_or_default();
    let own = operation["parameters"].as_array().cloned().unwrap_or_default();
    let named = |parameter: &Json| (parameter["name"].clone(), parameter["in"].clone());
    let resolved = |parameter: &Json| match parameter["$ref"].as_str().and_then(|target| target.strip_prefix('#')) {
        Some(pointer) => document.pointer(pointer).cloned().unwrap_or_default(),
        None => parameter.clone(),
    };
    let own: Vec<Json> = own.iter().map(resolved).collect();
    let mut all: Vec<Json> =
        shared.iter().map(resolved).filter(|old| !own.iter().any(|new| named(new) == named(old))).collect();
    all.extend(own);
    let (mut parameters, mut fields, mut needed) = (Vec::new(), Map::new(), Vec::new());
    let mut has_file = false;
    let consumes = operation["consumes"].as_array().or_else(|| document["consumes"].as_array());
    let consumes: Vec<String> = consumes.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    for parameter in all {
        match parameter["in"].as_str() {
            Some("body") => {
                let kind = consumes.iter().find(|kind| kind.contains("json")).or(consumes.first());
                let kind = kind.cloned().unwrap_or_else(|| "application/json".to_owned());
                let body = json!({"required": parameter["required"], "description": parameter["description"],
                    "content": {kind: {"schema": parameter["schema"]}}});
                new.insert("requestBody".into(), body);
            }
            Some("formData") => {
                let name = parameter["name"].as_str().unwrap_or_default().to_owned();
                let mut schema = schema_of(&parameter);
                if parameter["type"] == "file" {
                    has_file = true;
                    schema = json!({"type": "string", "format": "binary"});
                }
                schema["description"] = parameter["description"].clone();
                if parameter["required"] == true {
                    needed.push(Value::from(name.as_str()));
                }
                fields.insert(name, schema);
            }
            _ => {
                let mut parameter = parameter;
                parameter["schema"] = schema_of(&parameter);
                if parameter["collectionFormat"].is_string() {
                    parameter["explode"] = (parameter["collectionFormat"] == "multi").into();
                }
                parameters.push(parameter);
            }
        }
    }
    if !fields.is_empty() {
        let multipart = has_file || consumes.iter().any(|kind| kind.starts_with("multipart/"));
        let kind = if multipart { "multipart/form-data" } else { "application/x-www-form-urlencoded" };
        let schema = json!({"type": "object", "properties": fields, "required": needed});
        new.insert("requestBody".into(), json!({"content": {kind: {"schema": schema}}}));
    }
    new.insert("parameters".into(), Value::Array(parameters));
    Value::Object(new)
}

/// What a parameter says of its values.
fn schema_of(parameter: &Json) -> Json {
    let mut schema = Map::new();
    for name in ["type", "format", "items", "default", "enum", "minimum", "maximum"] {
        if !parameter[name].is_null() {
            schema.insert(name.into(), parameter[name].clone());
        }
    }
    Value::Object(schema)
}
