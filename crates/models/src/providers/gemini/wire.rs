//! Questions in the words of `generateContent`.

use ox_types::Json;
use serde_json::{Map, json};

use crate::{
    ChatRequest, ContentPart, Media, MediaSource, Message, ModelSpec, ResponseFormat, Role, ToolChoice,
    catalog::{self, LEVELS},
    format,
};

/// What the vendor takes for a signature where there is none: calls that another model made.
const NO_SIGNATURE: &str = "skip_thought_signature_validator";
/// The most the vendor takes.
const MAX_STOPS: usize = 5;

/// The body of a question.
pub fn body(request: &ChatRequest, spec: Option<&ModelSpec>) -> Json {
    let has_levels = catalog::has_quirk(spec, LEVELS);
    let (mut system, contents) = conversation(&request.messages, has_levels);
    let mut config = config(request, has_levels);
    match format::asked(request) {
        None | Some(ResponseFormat::Text) => {}
        // Only newer models take a form beside functions.
        Some(format) if !request.tools.is_empty() && !has_levels => {
            let schema = match format {
                ResponseFormat::JsonSchema { schema, .. } => format!(" that is valid by this schema: {schema}"),
                _ => String::new(),
            };
            let text = format!("Answer with one JSON document and nothing else{schema}");
            system = if system.is_empty() { text } else { format!("{system}\n\n{text}") };
        }
        Some(format) => {
            config.insert("responseMimeType".into(), "application/json".into());
            if let ResponseFormat::JsonSchema { schema, .. } = format {
                config.insert("responseJsonSchema".into(), plain(&schema));
            }
        }
    }
    let mut body = json!({"contents": contents});
    if !system.is_empty() {
        body["systemInstruction"] = json!({"parts": [{"text": system}]});
    }
    if !request.tools.is_empty() {
        let tool = |tool: &crate::ToolSpec| {
            let mut declared = json!({"name": tool.name, "description": tool.description});
            let has_any =
                tool.parameters.get("properties").and_then(Json::as_object).is_some_and(|all| !all.is_empty());
            if has_any {
                declared["parametersJsonSchema"] = plain(&tool.parameters);
            }
            declared
        };
        body["tools"] = json!([{"functionDeclarations": request.tools.iter().map(tool).collect::<Vec<_>>()}]);
        let mode = match &request.tool_choice {
            ToolChoice::Auto => None,
            ToolChoice::None => Some(json!({"mode": "NONE"})),
            ToolChoice::Required => Some(json!({"mode": "ANY"})),
            ToolChoice::Named(name) => Some(json!({"mode": "ANY", "allowedFunctionNames": [name]})),
        };
        if let Some(mode) = mode {
            body["toolConfig"] = json!({"functionCallingConfig": mode});
        }
    }
    if !config.is_empty() {
        body["generationConfig"] = Json::Object(config);
    }
    body
}

fn plain(schema: &Json) -> Json {
    let mut schema = schema.clone();
    if let Some(fields) = schema.as_object_mut() {
        fields.shift_remove("$schema");
    }
    schema
}

fn config(request: &ChatRequest, has_levels: bool) -> Map<String, Json> {
    let given = |name: &str| request.parameters.get(name).filter(|value| !value.is_null()).cloned();
    let mut config = Map::new();
    for (names, wire) in [
        (&["temperature"][..], "temperature"),
        (&["top_p"], "topP"),
        (&["top_k"], "topK"),
        (&["max_output_tokens", "max_tokens", "max_tokens_to_sample"], "maxOutputTokens"),
        (&["presence_penalty"], "presencePenalty"),
        (&["frequency_penalty"], "frequencyPenalty"),
        (&["seed"], "seed"),
    ] {
        config.extend(names.iter().find_map(|name| given(name)).map(|value| (wire.to_owned(), value)));
    }
    let configured = given("stop");
    let configured = configured.as_ref().and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
    let stop = request.stop.iter().map(String::as_str).chain(configured).filter(|word| !word.is_empty());
    let stop: Vec<&str> = stop.take(MAX_STOPS).collect();
    if !stop.is_empty() {
        config.insert("stopSequences".into(), json!(stop));
    }
    let mut thinking = Map::new();
    let effort = given("reasoning_effort");
    let effort = effort.as_ref().and_then(Json::as_str);
    if has_levels {
        let level = given("thinking_level").or_else(|| effort.filter(|effort| *effort != "none").map(Json::from));
        thinking.extend(level.map(|level| ("thinkingLevel".to_owned(), level)));
    } else {
        // The vendor's own table of efforts.
        let by_effort = effort.and_then(|effort| match effort {
            "none" => Some(0),
            "minimal" | "low" => Some(1024),
            "medium" => Some(8192),
            "high" => Some(24_576),
            _ => None,
        });
        let budget = given("thinking_budget").or_else(|| by_effort.map(Json::from));
        thinking.extend(budget.map(|budget| ("thinkingBudget".to_owned(), budget)));
    }
    thinking.extend(given("include_thoughts").map(|on| ("includeThoughts".to_owned(), on)));
    if !thinking.is_empty() {
        config.insert("thinkingConfig".into(), Json::Object(thinking));
    }
    config
}

/// The system text, and the messages with those of one speaker put together.
fn conversation(messages: &[Message], needs_signatures: bool) -> (String, Vec<Json>) {
    let mut system = Vec::new();
    let mut turns: Vec<(&str, Vec<Json>)> = Vec::new();
    for (position, message) in messages.iter().enumerate() {
        let parts = match message.role {
            Role::System => {
                system.push(message.plain_text());
                continue;
            }
            Role::Tool => vec![function_response(message, messages.get(..position).unwrap_or_default())],
            Role::Assistant => spoken(message, needs_signatures),
            Role::User => message.content.iter().filter_map(part).collect(),
        };
        if parts.is_empty() {
            continue;
        }
        let role = if message.role == Role::Assistant { "model" } else { "user" };
        match turns.last_mut() {
            Some((last, turn)) if *last == role => turn.extend(parts),
            _ => turns.push((role, parts)),
        }
    }
    system.retain(|text| !text.trim().is_empty());
    let mut system = system.join("\n\n");
    if turns.is_empty() {
        // Compat: a prompt of a system message alone is asked as a question.
        turns.push(("user", vec![json!({"text": std::mem::take(&mut system)})]));
    }
    let contents = turns.into_iter().map(|(role, parts)| json!({"role": role, "parts": parts})).collect();
    (system, contents)
}

/// What the model said, with the signatures it gave.
fn spoken(message: &Message, needs_signatures: bool) -> Vec<Json> {
    let opaque = message.opaque.as_ref().and_then(|opaque| opaque.get("gemini"));
    let signature = |position: usize| opaque?.get("calls")?.get(position)?.as_str().map(str::to_owned);
    let mut parts: Vec<Json> = message.content.iter().filter_map(part).collect();
    let text = opaque.and_then(|opaque| opaque.get("text")).and_then(Json::as_str);
    if let (Some(signature), Some(last)) = (text, parts.last_mut()) {
        last["thoughtSignature"] = signature.into();
    }
    for (position, call) in message.tool_calls.iter().enumerate() {
        let args = match serde_json::from_str(&call.arguments) {
            Ok(args @ Json::Object(_)) => args,
            _ if call.arguments.trim().is_empty() => json!({}),
            _ => json!({"arguments": call.arguments}),
        };
        let mut part = json!({"functionCall": {"name": call.name, "args": args}});
        let missing = || (position == 0 && needs_signatures && opaque.is_none()).then(|| NO_SIGNATURE.to_owned());
        if let Some(signature) = signature(position).or_else(missing) {
            part["thoughtSignature"] = signature.into();
        }
        parts.push(part);
    }
    parts
}

/// A tool's result under the name of the function that was called.
fn function_response(message: &Message, earlier: &[Message]) -> Json {
    let id = message.tool_call_id.as_deref().unwrap_or_default();
    let calls = earlier.iter().rev().flat_map(|earlier| &earlier.tool_calls);
    let name = calls.into_iter().find(|call| call.id == id).map(|call| call.name.as_str());
    let name = name.or(message.name.as_deref()).unwrap_or("function");
    let text = message.plain_text();
    let response = match serde_json::from_str(&text) {
        Ok(object @ Json::Object(_)) => object,
        _ => json!({"result": text}),
    };
    json!({"functionResponse": {"name": name, "response": response}})
}

fn part(part: &ContentPart) -> Option<Json> {
    match part {
        ContentPart::Text { text } => (!text.is_empty()).then(|| json!({"text": text})),
        ContentPart::Image(media)
        | ContentPart::Audio(media)
        | ContentPart::Video(media)
        | ContentPart::Document(media) => Some(data(media)),
    }
}

fn data(media: &Media) -> Json {
    let mime = match media.mime.as_str() {
        "image/jpg" => "image/jpeg",
        "audio/mpeg" => "audio/mp3",
        "audio/x-wav" | "audio/wave" => "audio/wav",
        other => other,
    };
    match &media.source {
        MediaSource::Base64(data) => json!({"inlineData": {"mimeType": mime, "data": data}}),
        MediaSource::Url(url) => json!({"fileData": {"mimeType": mime, "fileUri": url}}),
    }
}
