//! Questions in the words of Ollama.

use ox_types::Json;
use serde_json::{Map, json};

use crate::{
    ChatRequest, CompletionRequest, ContentPart, MediaSource, Message, ResponseFormat, Role, ToolChoice, format,
};

/// Options of the model's runner, by their own names.
const OPTIONS: &[&str] = &[
    "frequency_penalty",
    "min_p",
    "mirostat",
    "mirostat_eta",
    "mirostat_tau",
    "num_ctx",
    "num_gpu",
    "num_predict",
    "num_thread",
    "presence_penalty",
    "repeat_last_n",
    "repeat_penalty",
    "seed",
    "temperature",
    "tfs_z",
    "top_k",
    "top_p",
    "typical_p",
];

/// The body of a chat, or what the protocol cannot say.
pub fn chat(request: &ChatRequest) -> Result<Json, String> {
    let mut messages = Vec::with_capacity(request.messages.len());
    for (position, one) in request.messages.iter().enumerate() {
        messages.push(message(one, request.messages.get(..position).unwrap_or_default())?);
    }
    let mut body = Map::from_iter([
        ("model".to_owned(), request.model.as_str().into()),
        ("messages".to_owned(), Json::Array(messages)),
    ]);
    add_common(&mut body, &request.parameters, &request.stop, request.stream);
    match format::asked(request) {
        Some(ResponseFormat::JsonSchema { schema, .. }) => _ = body.insert("format".into(), schema),
        Some(ResponseFormat::JsonObject) => _ = body.insert("format".into(), "json".into()),
        // Compat: the name of the platform's own definition of these models.
        _ if request.parameters.get("format").and_then(Json::as_str) == Some("json") => {
            body.insert("format".into(), "json".into());
        }
        _ => {}
    }
    if !request.tools.is_empty() && request.tool_choice != ToolChoice::None {
        let wanted = |tool: &&crate::ToolSpec| match &request.tool_choice {
            ToolChoice::Named(name) => tool.name == *name,
            _ => true,
        };
        let tool = |tool: &crate::ToolSpec| {
            json!({"type": "function", "function": {
                "name": tool.name, "description": tool.description, "parameters": tool.parameters}})
        };
        body.insert("tools".into(), request.tools.iter().filter(wanted).map(tool).collect());
    }
    Ok(Json::Object(body))
}

/// The body of a text to continue.
pub fn completion(request: &CompletionRequest) -> Json {
    let mut body = Map::from_iter([
        ("model".to_owned(), request.model.as_str().into()),
        ("prompt".to_owned(), request.prompt.as_str().into()),
    ]);
    add_common(&mut body, &request.parameters, &request.stop, request.stream);
    Json::Object(body)
}

fn add_common(body: &mut Map<String, Json>, parameters: &Map<String, Json>, stop: &[String], stream: bool) {
    body.insert("stream".into(), stream.into());
    let mut options = Map::new();
    for (name, value) in parameters.iter().filter(|(_, value)| !value.is_null()) {
        if OPTIONS.contains(&name.as_str()) {
            options.insert(name.clone(), value.clone());
        }
    }
    if let Some(limit) = parameters.get("max_tokens").filter(|limit| limit.is_u64()) {
        options.entry("num_predict").or_insert_with(|| limit.clone());
    }
    let stop: Vec<&String> = stop.iter().filter(|word| !word.is_empty()).collect();
    if !stop.is_empty() {
        options.insert("stop".into(), json!(stop));
    }
    if !options.is_empty() {
        body.insert("options".into(), Json::Object(options));
    }
    for name in ["think", "keep_alive"] {
        body.extend(
            parameters.get(name).filter(|value| !value.is_null()).map(|value| (name.to_owned(), value.clone())),
        );
    }
}

fn message(message: &Message, earlier: &[Message]) -> Result<Json, String> {
    let mut wire = json!({"role": message.role.as_str(), "content": message.plain_text()});
    let mut images = Vec::new();
    for part in &message.content {
        match part {
            ContentPart::Text { .. } => {}
            ContentPart::Image(media) => match &media.source {
                MediaSource::Base64(data) => images.push(data.as_str()),
                MediaSource::Url(_) => {
                    return Err(
                        "this provider takes images with the request only: set the files to be sent as base64".into()
                    );
                }
            },
            _ => return Err("models of this provider take texts and images: a message holds another file".into()),
        }
    }
    if !images.is_empty() {
        wire["images"] = json!(images);
    }
    if !message.tool_calls.is_empty() {
        let call = |call: &crate::ToolCall| {
            let arguments = serde_json::from_str(&call.arguments).ok().filter(Json::is_object);
            json!({"function": {"name": call.name, "arguments": arguments.unwrap_or_else(|| json!({}))}})
        };
        wire["tool_calls"] = message.tool_calls.iter().map(call).collect();
    }
    if let Some(reasoning) = message.reasoning.as_deref().filter(|_| message.role == Role::Assistant) {
        wire["thinking"] = reasoning.into();
    }
    if message.role == Role::Tool {
        let id = message.tool_call_id.as_deref().unwrap_or_default();
        let mut calls = earlier.iter().rev().flat_map(|earlier| &earlier.tool_calls);
        let name = calls.find(|call| call.id == id).map(|call| call.name.as_str()).or(message.name.as_deref());
        wire["tool_name"] = name.unwrap_or_default().into();
    }
    Ok(wire)
}
