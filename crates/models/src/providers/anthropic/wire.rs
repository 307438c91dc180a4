//! Questions in the words of the Messages API.

use base64::Engine as _;
use ox_types::Json;
use serde_json::{Map, json};

use crate::{
    ChatRequest, ContentPart, Media, MediaSource, Message, ModelSpec, ResponseFormat, Role, ToolChoice,
    catalog::{self, ADAPTIVE, NO_SAMPLING},
    format,
};

/// The tool that takes an answer of a certain form.
pub const ANSWER: &str = "answer_in_this_form";
/// Answers of models whose limit is not known.
const USUAL_LIMIT: u64 = 4096;
/// The least the vendor takes.
const LEAST_THINKING: u64 = 1024;

/// A question but for its model and whether it is to be streamed.
pub struct Asked {
    pub body: Map<String, Json>,
    /// The answer comes as the input of [`ANSWER`].
    pub by_tool: bool,
}

/// The body of a question, or what the protocol cannot say.
pub fn body(request: &ChatRequest, spec: Option<&ModelSpec>) -> Result<Asked, String> {
    let parameters = &request.parameters;
    let limit = number(parameters, &["max_tokens", "max_tokens_to_sample"]);
    let max_tokens = limit.or_else(|| catalog::longest_answer(spec)).unwrap_or(USUAL_LIMIT).max(1);
    let thinking = thinking(request, spec, max_tokens);
    let thinks = thinking.as_ref().is_some_and(|thinking| thinking["type"] != "disabled");
    let (mut system, messages) = conversation(&request.messages, thinks)?;
    let mut body = Map::from_iter([("max_tokens".to_owned(), max_tokens.into())]);
    let mut config = Map::new();
    let effort = parameters.get("effort").or_else(|| parameters.get("reasoning_effort")).and_then(Json::as_str);
    if let Some(effort) = effort.filter(|_| catalog::has_quirk(spec, ADAPTIVE)) {
        config.insert("effort".into(), effort.into());
    }
    let mut tools: Vec<Json> = request
        .tools
        .iter()
        .map(|tool| json!({"name": tool.name, "description": tool.description, "input_schema": object(&tool.parameters)}))
        .collect();
    let mut choice = match &request.tool_choice {
        ToolChoice::Auto => None,
        ToolChoice::None => Some(json!({"type": "none"})),
        // A model that thinks cannot be forced.
        ToolChoice::Required | ToolChoice::Named(_) if thinks => None,
        ToolChoice::Required => Some(json!({"type": "any"})),
        ToolChoice::Named(name) => Some(json!({"type": "tool", "name": name})),
    };
    let mut by_tool = false;
    match format::asked(request) {
        None | Some(ResponseFormat::Text) => {}
        Some(ResponseFormat::JsonObject) => {
            add(&mut system, "Answer with one JSON object and nothing else: no words around it, no code fence.");
        }
        Some(ResponseFormat::JsonSchema { schema, .. })
            if catalog::has_quirk(spec, "native-schema") && is_closed(&schema) =>
        {
            config.insert("format".into(), json!({"type": "json_schema", "schema": strict(&schema)}));
        }
        Some(ResponseFormat::JsonSchema { schema, .. }) if thinks => {
            let text =
                format!("Answer with one JSON document and nothing else. It must be valid by this schema: {schema}");
            add(&mut system, &text);
        }
        Some(ResponseFormat::JsonSchema { schema, .. }) => {
            by_tool = true;
            choice = Some(match tools.is_empty() {
                true => json!({"type": "tool", "name": ANSWER}),
                false => json!({"type": "any"}),
            });
            tools.push(
                json!({"name": ANSWER, "description": "Gives the final answer.", "input_schema": object(&schema)}),
            );
        }
    }
    let is_on = |name: &str| parameters.get(name).and_then(Json::as_bool).unwrap_or(false);
    if !system.is_empty() {
        let mut block = json!({"type": "text", "text": system});
        if is_on("prompt_caching_system_message") {
            block["cache_control"] = json!({"type": "ephemeral"});
        }
        body.insert("system".into(), json!([block]));
    }
    body.insert("messages".into(), Json::Array(messages));
    if let Some(last) = tools.last_mut() {
        if is_on("prompt_caching_tool_definitions") {
            last["cache_control"] = json!({"type": "ephemeral"});
        }
        if parameters.get("parallel_tool_calls") == Some(&json!(false)) {
            choice.get_or_insert_with(|| json!({"type": "auto"}))["disable_parallel_tool_use"] = true.into();
        }
        body.insert("tools".into(), Json::Array(tools));
        body.extend(choice.map(|choice| ("tool_choice".to_owned(), choice)));
    }
    add_rest(&mut body, request, thinks || catalog::has_quirk(spec, NO_SAMPLING));
    body.extend(thinking.map(|thinking| ("thinking".to_owned(), thinking)));
    if !config.is_empty() {
        body.insert("output_config".into(), Json::Object(config));
    }
    Ok(Asked { body, by_tool })
}

fn add(system: &mut String, text: &str) {
    if !system.is_empty() {
        system.push_str("\n\n");
    }
    system.push_str(text);
}

fn number(parameters: &Map<String, Json>, names: &[&str]) -> Option<u64> {
    names.iter().find_map(|name| parameters.get(*name)).and_then(Json::as_u64)
}

fn add_rest(body: &mut Map<String, Json>, request: &ChatRequest, no_sampling: bool) {
    let given = |name: &str| request.parameters.get(name).filter(|value| !value.is_null());
    if !no_sampling {
        for name in ["temperature", "top_p", "top_k"] {
            // The vendor refuses both; temperature is what people mean.
            if name == "top_p" && given("temperature").is_some() {
                continue;
            }
            body.extend(given(name).map(|value| (name.to_owned(), value.clone())));
        }
    }
    body.extend(given("service_tier").map(|value| ("service_tier".to_owned(), value.clone())));
    let configured = given("stop").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
    let stop: Vec<&str> = request.stop.iter().map(String::as_str).chain(configured).collect();
    let stop: Vec<&str> = stop.into_iter().filter(|word| !word.trim().is_empty()).collect();
    if !stop.is_empty() {
        body.insert("stop_sequences".into(), json!(stop));
    }
    body.extend(request.user.as_ref().map(|user| ("metadata".to_owned(), json!({"user_id": user}))));
}

/// How the model is to think; nothing where it was not said.
fn thinking(request: &ChatRequest, spec: Option<&ModelSpec>, max_tokens: u64) -> Option<Json> {
    let parameters = &request.parameters;
    let wanted = parameters.get("thinking").and_then(Json::as_bool);
    if catalog::has_quirk(spec, ADAPTIVE) {
        return wanted.map(|on| match on && may_think(&request.messages) {
            true => json!({"type": "adaptive", "display": "summarized"}),
            false => json!({"type": "disabled"}),
        });
    }
    let takes = |spec: &ModelSpec| spec.parameter_rules.iter().any(|rule| rule.name == "thinking");
    let by_effort = match parameters.get("reasoning_effort").and_then(Json::as_str) {
        Some("low") => Some(LEAST_THINKING),
        Some("medium") => Some(2 * LEAST_THINKING),
        Some("high" | "xhigh" | "max") => Some(4 * LEAST_THINKING),
        _ => None,
    };
    let by_effort = by_effort.filter(|_| wanted.is_none() && spec.is_some_and(takes));
    if !wanted.unwrap_or(by_effort.is_some()) || !may_think(&request.messages) || max_tokens <= LEAST_THINKING {
        return None;
    }
    let budget = number(parameters, &["thinking_budget"]).or(by_effort).unwrap_or(LEAST_THINKING);
    Some(json!({"type": "enabled", "budget_tokens": budget.clamp(LEAST_THINKING, max_tokens - 1)}))
}

/// Whether what the vendor wants back is there: a round of tool calls that was thought about must come with the
/// thoughts.
fn may_think(messages: &[Message]) -> bool {
    let since_user = messages.iter().rev().take_while(|message| message.role != Role::User);
    since_user.filter(|message| !message.tool_calls.is_empty()).all(|message| !thoughts(message).is_empty())
}

fn thoughts(message: &Message) -> &[Json] {
    let blocks = message.opaque.as_ref().and_then(|opaque| opaque.get("anthropic")).and_then(Json::as_array);
    blocks.map(Vec::as_slice).unwrap_or_default()
}

/// The system text, and the messages with those of one speaker put together.
fn conversation(messages: &[Message], thinks: bool) -> Result<(String, Vec<Json>), String> {
    let mut system = String::new();
    let mut turns: Vec<(&str, Vec<Json>)> = Vec::new();
    for message in messages {
        if message.role == Role::System {
            let text = message.plain_text();
            if !text.trim().is_empty() {
                add(&mut system, &text);
            }
            continue;
        }
        let role = if message.role == Role::Assistant { "assistant" } else { "user" };
        let blocks = blocks(message, thinks)?;
        if blocks.is_empty() {
            continue;
        }
        match turns.last_mut() {
            Some((last, turn)) if *last == role => turn.extend(blocks),
            _ => turns.push((role, blocks)),
        }
    }
    if turns.is_empty() {
        // Compat: a prompt of a system message alone is asked as a question.
        let text = std::mem::take(&mut system);
        turns.push(("user", vec![json!({"type": "text", "text": if text.is_empty() { "…" } else { &text }})]));
    }
    if let Some(("assistant", blocks)) = turns.last_mut()
        && let Some(text) = blocks.last_mut().and_then(|block| block.get_mut("text"))
    {
        // The vendor refuses to go on after a space.
        *text = text.as_str().unwrap_or_default().trim_end().into();
    }
    let messages = turns.into_iter().map(|(role, content)| json!({"role": role, "content": content})).collect();
    Ok((system, messages))
}

fn blocks(message: &Message, thinks: bool) -> Result<Vec<Json>, String> {
    let mut content = Vec::new();
    if message.role == Role::Assistant && thinks {
        content.extend(thoughts(message).iter().cloned());
    }
    for part in &message.content {
        content.extend(block(part)?);
    }
    if message.role == Role::Tool {
        let id = wire_id(message.tool_call_id.as_deref().unwrap_or_default());
        return Ok(vec![json!({"type": "tool_result", "tool_use_id": id, "content": content})]);
    }
    for call in &message.tool_calls {
        let input = match serde_json::from_str(&call.arguments) {
            Ok(input @ Json::Object(_)) => input,
            _ if call.arguments.trim().is_empty() => json!({}),
            _ => json!({"arguments": call.arguments}),
        };
        content.push(json!({"type": "tool_use", "id": wire_id(&call.id), "name": call.name, "input": input}));
    }
    Ok(content)
}

/// Ids of other vendors may hold what this one refuses.
fn wire_id(id: &str) -> String {
    let clean = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' };
    if id.is_empty() { "call".to_owned() } else { id.chars().map(clean).collect() }
}

fn block(part: &ContentPart) -> Result<Option<Json>, String> {
    Ok(match part {
        // The vendor refuses empty texts.
        ContentPart::Text { text } if text.trim().is_empty() => None,
        ContentPart::Text { text } => Some(json!({"type": "text", "text": text})),
        ContentPart::Image(media) => Some(json!({"type": "image", "source": source(media)})),
        ContentPart::Document(media) => {
            let mut block = json!({"type": "document", "source": document(media)?});
            if let Some(name) = &media.filename {
                block["title"] = name.as_str().into();
            }
            Some(block)
        }
        ContentPart::Audio(_) => return Err("models of this provider do not listen: a message holds audio".into()),
        ContentPart::Video(_) => return Err("models of this provider do not watch films: a message holds one".into()),
    })
}

fn source(media: &Media) -> Json {
    match &media.source {
        MediaSource::Url(url) => json!({"type": "url", "url": url}),
        MediaSource::Base64(data) => {
            let mime = if media.mime == "image/jpg" { "image/jpeg" } else { &media.mime };
            json!({"type": "base64", "media_type": mime, "data": data})
        }
    }
}

/// PDF as it is, plain texts as text.
fn document(media: &Media) -> Result<Json, String> {
    match &media.source {
        MediaSource::Base64(data) if media.mime.starts_with("text/") || media.mime == "application/json" => {
            let bytes = base64::engine::general_purpose::STANDARD.decode(data);
            let text = bytes.map_err(|error| format!("a document of a message cannot be read: {error}"))?;
            Ok(json!({"type": "text", "media_type": "text/plain", "data": String::from_utf8_lossy(&text)}))
        }
        MediaSource::Base64(_) if media.mime != "application/pdf" => Err(format!(
            "models of this provider read PDF and plain text, a message holds a document of type {}",
            media.mime
        )),
        _ => Ok(source(media)),
    }
}

/// A schema that says it is one of objects.
fn object(schema: &Json) -> Json {
    let mut schema = schema.as_object().cloned().unwrap_or_default();
    schema.entry("type").or_insert_with(|| "object".into());
    Json::Object(schema)
}

/// Whether every object of a schema names its properties: the vendor's own schema answers know no others.
fn is_closed(schema: &Json) -> bool {
    match schema {
        Json::Object(fields) => {
            let open =
                fields.get("type").and_then(Json::as_str) == Some("object") && !fields.contains_key("properties");
            let more = fields.get("additionalProperties").is_some_and(|more| *more != json!(false));
            !open && !more && fields.values().all(is_closed)
        }
        Json::Array(items) => items.iter().all(is_closed),
        _ => true,
    }
}

/// Keywords of JSON schema that the vendor refuses; answers are checked against the whole schema here anyway.
const REFUSED: &[&str] = &[
    "$schema",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "uniqueItems",
];

/// The schema as the vendor takes it.
fn strict(schema: &Json) -> Json {
    match schema {
        Json::Object(fields) => {
            let mut out = Map::new();
            for (name, value) in fields {
                match name.as_str() {
                    // Names of properties are no keywords.
                    "properties" | "$defs" | "definitions" => {
                        let inner = value.as_object().into_iter().flatten();
                        let inner: Map<_, _> = inner.map(|(name, value)| (name.clone(), strict(value))).collect();
                        out.insert(name.clone(), Json::Object(inner));
                    }
                    "enum" | "const" | "default" | "examples" => _ = out.insert(name.clone(), value.clone()),
                    name if REFUSED.contains(&name) => {}
                    _ => _ = out.insert(name.clone(), strict(value)),
                }
            }
            if out.get("type").and_then(Json::as_str) == Some("object") {
                out.insert("additionalProperties".into(), false.into());
            }
            Json::Object(out)
        }
        Json::Array(items) => Json::Array(items.iter().map(strict).collect()),
        other => other.clone(),
    }
}
