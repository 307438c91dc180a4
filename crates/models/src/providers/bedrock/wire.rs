//! Questions in the words of the Converse API.

use ox_types::Json;
use serde_json::{Map, json};

use crate::{
    ChatRequest, ContentPart, Media, MediaSource, Message, ModelFeature, ModelSpec, ResponseFormat, Role, ToolChoice,
    catalog::{self, ADAPTIVE, NO_SAMPLING},
    format,
};

/// The tool that takes an answer of a certain form.
pub const ANSWER: &str = "answer_in_this_form";
const LEAST_THINKING: u64 = 1024;

/// A question.
pub struct Asked {
    pub body: Json,
    /// The answer comes as the input of [`ANSWER`].
    pub by_tool: bool,
}

/// The body of a question, or what the protocol cannot say.
pub fn body(request: &ChatRequest, spec: Option<&ModelSpec>) -> Result<Asked, String> {
    let given = |name: &str| request.parameters.get(name).filter(|value| !value.is_null());
    let limit = given("max_tokens").and_then(Json::as_u64).or_else(|| catalog::longest_answer(spec));
    let thinking = thinking(request, spec, limit);
    let thinks = thinking.is_some();
    let (mut system, messages) = conversation(&request.messages, thinks)?;
    let mut tools: Vec<Json> =
        request.tools.iter().map(|tool| tool_spec(&tool.name, &tool.description, &tool.parameters)).collect();
    if tools.is_empty() {
        // What was called in the conversation must be declared, even if it is not offered any more.
        let mut names: Vec<&str> =
            request.messages.iter().flat_map(|one| &one.tool_calls).map(|call| call.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        tools = names.into_iter().map(|name| tool_spec(name, "", &json!({"type": "object"}))).collect();
    }
    let mut choice = match &request.tool_choice {
        ToolChoice::Required if !thinks => Some(json!({"any": {}})),
        ToolChoice::Named(name) if !thinks => Some(json!({"tool": {"name": name}})),
        _ => None,
    };
    let takes_tools = spec.is_none_or(|spec| spec.has(ModelFeature::ToolCall));
    let mut by_tool = false;
    match format::asked(request) {
        None | Some(ResponseFormat::Text) => {}
        Some(ResponseFormat::JsonSchema { schema, .. }) if takes_tools && !thinks => {
            by_tool = true;
            choice = Some(match tools.is_empty() {
                true => json!({"tool": {"name": ANSWER}}),
                false => json!({"any": {}}),
            });
            tools.push(tool_spec(ANSWER, "Gives the final answer.", &schema));
        }
        Some(format) => {
            let by = match format {
                ResponseFormat::JsonSchema { schema, .. } => format!(" It must be valid by this schema: {schema}"),
                _ => String::new(),
            };
            system.push(format!("Answer with one JSON document and nothing else.{by}"));
        }
    }
    let mut body = json!({"messages": messages});
    if !system.is_empty() {
        body["system"] = system.iter().map(|text| json!({"text": text})).collect();
    }
    let config = config(request, limit, thinks || catalog::has_quirk(spec, NO_SAMPLING));
    if !config.is_empty() {
        body["inferenceConfig"] = Json::Object(config);
    }
    if !tools.is_empty() {
        body["toolConfig"] = json!({"tools": tools});
        if let Some(choice) = choice {
            body["toolConfig"]["toolChoice"] = choice;
        }
    }
    if let Some(thinking) = thinking {
        body["additionalModelRequestFields"] = json!({"thinking": thinking});
    }
    Ok(Asked { body, by_tool })
}

fn tool_spec(name: &str, description: &str, schema: &Json) -> Json {
    let mut schema = schema.as_object().cloned().unwrap_or_default();
    schema.entry("type").or_insert_with(|| "object".into());
    let mut spec = json!({"name": name, "inputSchema": {"json": schema}});
    if !description.is_empty() {
        spec["description"] = description.into();
    }
    json!({"toolSpec": spec})
}

fn config(request: &ChatRequest, limit: Option<u64>, no_sampling: bool) -> Map<String, Json> {
    let mut config = Map::new();
    config.extend(limit.map(|limit| ("maxTokens".to_owned(), limit.into())));
    if !no_sampling {
        let given = |name: &str| request.parameters.get(name).filter(|value| !value.is_null());
        for (name, wire) in [("temperature", "temperature"), ("top_p", "topP")] {
            // Some of the models refuse both.
            if name == "top_p" && given("temperature").is_some() {
                continue;
            }
            config.extend(given(name).map(|value| (wire.to_owned(), value.clone())));
        }
    }
    let stop: Vec<&String> = request.stop.iter().filter(|word| !word.trim().is_empty()).collect();
    if !stop.is_empty() {
        config.insert("stopSequences".into(), json!(stop));
    }
    config
}

/// Claude's thinking; the other models here have no common words for it.
fn thinking(request: &ChatRequest, spec: Option<&ModelSpec>, limit: Option<u64>) -> Option<Json> {
    let wanted = request.parameters.get("thinking").and_then(Json::as_bool).unwrap_or(false);
    if !wanted || !request.model.contains("anthropic.") || !may_think(&request.messages) {
        return None;
    }
    if catalog::has_quirk(spec, ADAPTIVE) {
        return Some(json!({"type": "adaptive"}));
    }
    let budget = request.parameters.get("thinking_budget").and_then(Json::as_u64).unwrap_or(LEAST_THINKING);
    let most = limit.unwrap_or(budget.saturating_add(LEAST_THINKING)).saturating_sub(1);
    (most >= LEAST_THINKING).then(|| json!({"type": "enabled", "budget_tokens": budget.clamp(LEAST_THINKING, most)}))
}

/// A round of calls that was thought about must come with the thoughts.
fn may_think(messages: &[Message]) -> bool {
    let since_user = messages.iter().rev().take_while(|message| message.role != Role::User);
    since_user.filter(|message| !message.tool_calls.is_empty()).all(|message| !thoughts(message).is_empty())
}

fn thoughts(message: &Message) -> &[Json] {
    let blocks = message.opaque.as_ref().and_then(|opaque| opaque.get("bedrock")).and_then(Json::as_array);
    blocks.map(Vec::as_slice).unwrap_or_default()
}

/// System texts, and the messages with those of one speaker put together.
fn conversation(messages: &[Message], thinks: bool) -> Result<(Vec<String>, Vec<Json>), String> {
    let mut system = Vec::new();
    let mut turns: Vec<(&str, Vec<Json>)> = Vec::new();
    let mut documents = 0;
    for message in messages {
        if message.role == Role::System {
            system.push(message.plain_text());
            continue;
        }
        let role = if message.role == Role::Assistant { "assistant" } else { "user" };
        let blocks = blocks(message, thinks, &mut documents)?;
        if blocks.is_empty() {
            continue;
        }
        match turns.last_mut() {
            Some((last, turn)) if *last == role => turn.extend(blocks),
            _ => turns.push((role, blocks)),
        }
    }
    system.retain(|text| !text.trim().is_empty());
    if turns.is_empty() {
        // Compat: a prompt of a system message alone is asked as a question.
        let text = std::mem::take(&mut system).join("\n\n");
        turns.push(("user", vec![json!({"text": if text.is_empty() { "…" } else { &text }})]));
    }
    let messages = turns.into_iter().map(|(role, content)| json!({"role": role, "content": content})).collect();
    Ok((system, messages))
}

fn blocks(message: &Message, thinks: bool, documents: &mut usize) -> Result<Vec<Json>, String> {
    if message.role == Role::Tool {
        let mut content: Vec<Json> = Vec::new();
        for part in &message.content {
            content.extend(block(part, documents)?);
        }
        if content.is_empty() {
            content.push(json!({"text": "(nothing)"}));
        }
        let id = message.tool_call_id.as_deref().unwrap_or_default();
        return Ok(vec![json!({"toolResult": {"toolUseId": id, "content": content}})]);
    }
    let mut content: Vec<Json> = Vec::new();
    if message.role == Role::Assistant && thinks {
        content.extend(thoughts(message).iter().cloned());
    }
    for part in &message.content {
        content.extend(block(part, documents)?);
    }
    let has_document = content.iter().any(|block| block.get("document").is_some());
    if has_document && content.iter().all(|block| block.get("text").is_none()) {
        // A document alone is refused.
        content.push(json!({"text": "See the document."}));
    }
    for call in &message.tool_calls {
        let input = serde_json::from_str(&call.arguments).ok().filter(Json::is_object).unwrap_or_else(|| json!({}));
        content.push(json!({"toolUse": {"toolUseId": call.id, "name": call.name, "input": input}}));
    }
    Ok(content)
}

fn block(part: &ContentPart, documents: &mut usize) -> Result<Option<Json>, String> {
    Ok(match part {
        ContentPart::Text { text } if text.trim().is_empty() => None,
        ContentPart::Text { text } => Some(json!({"text": text})),
        ContentPart::Image(media) => {
            let format = match media.mime.as_str() {
                "image/jpg" => "jpeg",
                other => other.strip_prefix("image/").unwrap_or("png"),
            };
            Some(json!({"image": {"format": format, "source": {"bytes": bytes(media)?}}}))
        }
        ContentPart::Video(media) => {
            let format = media.mime.strip_prefix("video/").unwrap_or("mp4");
            Some(json!({"video": {"format": format, "source": {"bytes": bytes(media)?}}}))
        }
        ContentPart::Document(media) => {
            *documents += 1;
            let document = json!({"format": document_format(media)?, "name": format!("document {documents}"),
                                  "source": {"bytes": bytes(media)?}});
            Some(json!({"document": document}))
        }
        ContentPart::Audio(_) => return Err("models of this provider do not listen: a message holds audio".into()),
    })
}

fn bytes(media: &Media) -> Result<&str, String> {
    match &media.source {
        MediaSource::Base64(data) => Ok(data),
        MediaSource::Url(_) => {
            Err("this provider takes files with the request only: set the files to be sent as base64".into())
        }
    }
}

fn document_format(media: &Media) -> Result<&'static str, String> {
    let name = media.filename.as_deref().unwrap_or_default().to_ascii_lowercase();
    let ending = name.rsplit('.').next().unwrap_or_default();
    Ok(match (media.mime.as_str(), ending) {
        ("application/pdf", _) | (_, "pdf") => "pdf",
        ("text/csv", _) | (_, "csv") => "csv",
        ("application/msword", _) | (_, "doc") => "doc",
        (_, "docx") => "docx",
        ("application/vnd.ms-excel", _) | (_, "xls") => "xls",
        (_, "xlsx") => "xlsx",
        ("text/html", _) | (_, "html" | "htm") => "html",
        ("text/markdown", _) | (_, "md") => "md",
        (mime, _) if mime.starts_with("text/") => "txt",
        (mime, _) if mime.ends_with("wordprocessingml.document") => "docx",
        (mime, _) if mime.ends_with("spreadsheetml.sheet") => "xlsx",
        (mime, _) => return Err(format!("this provider does not read documents of type {mime}")),
    })
}
