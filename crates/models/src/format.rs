//! The form an answer must have, as applications configure it.

use ox_types::Json;

use crate::{ChatRequest, ResponseFormat};

/// The form a request asks for: its own, else that of its parameters.
pub fn asked(request: &ChatRequest) -> Option<ResponseFormat> {
    let configured = || named(request.parameters.get("response_format")?, request.parameters.get("json_schema"));
    // Some models have only the schema among their parameters.
    let schema_alone = || schema(request.parameters.get("json_schema")?);
    let format = request.response_format.clone().or_else(configured).or_else(schema_alone);
    format.filter(|format| *format != ResponseFormat::Text)
}

/// `response_format` as the platform stores it: a name, with the schema as text beside it.
pub fn named(value: &Json, beside: Option<&Json>) -> Option<ResponseFormat> {
    let Json::String(name) = value else {
        // Already the protocol's object.
        return match value.get("type").and_then(Json::as_str)? {
            "json_schema" => Some(unwrapped(value.get("json_schema")?)),
            other => named(&other.into(), beside),
        };
    };
    match name.to_ascii_lowercase().as_str() {
        "json_schema" => schema(beside?),
        "json" | "json_object" => Some(ResponseFormat::JsonObject),
        "text" => Some(ResponseFormat::Text),
        _ => None,
    }
}

fn schema(value: &Json) -> Option<ResponseFormat> {
    let schema = match value {
        Json::String(text) => serde_json::from_str(text).ok()?,
        other => other.clone(),
    };
    schema.is_object().then(|| unwrapped(&schema))
}

/// A schema with its name around it, or a bare schema.
fn unwrapped(schema: &Json) -> ResponseFormat {
    let named = schema.get("schema").filter(|inner| inner.is_object());
    ResponseFormat::JsonSchema {
        name: schema
            .get("name")
            .and_then(Json::as_str)
            .filter(|_| named.is_some())
            .unwrap_or("llm_response")
            .to_owned(),
        schema: named.unwrap_or(schema).clone(),
        strict: schema.get("strict").and_then(Json::as_bool).filter(|_| named.is_some()),
    }
}
