//! Questions in the words of the Responses API.

use ox_types::Json;
use serde_json::{Map, json};

use super::super::{
    vendors::Quirks,
    wire::{audio_format, is_reasoning},
};
use crate::{
    ChatRequest, ContentPart, Media, MediaSource, Message, ResponseFormat, Role, ToolChoice, ToolSpec, format,
};

/// Under which name an answer's thoughts are kept.
pub const OPAQUE: &str = "openai_responses";

/// Parameters of the older protocol that this one has no word for.
const UNKNOWN: &[&str] =
    &["stop", "seed", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "n", "stream_options"];

/// Which model is asked.
pub struct Asked<'a> {
    /// As the server knows it.
    pub model: &'a str,
    /// Whose properties it has.
    pub base: &'a str,
}

/// The body of a question, or what of it cannot be said.
pub fn body(request: &ChatRequest, asked: &Asked<'_>, quirks: Quirks) -> Result<Map<String, Json>, String> {
    let mut body = Map::new();
    body.insert("model".into(), asked.model.into());
    let mut input = Vec::with_capacity(request.messages.len());
    for message in &request.messages {
        add_message(&mut input, message, asked.model)?;
    }
    body.insert("input".into(), Json::Array(input));
    add_parameters(&mut body, &request.parameters);
    if let Some(format) = &request.response_format {
        set(&mut body, "text", "format", wire_format(format));
    }
    if !request.tools.is_empty() {
        body.insert("tools".into(), request.tools.iter().map(wire_tool).collect());
        body.extend(wire_choice(&request.tool_choice).map(|choice| ("tool_choice".to_owned(), choice)));
    }
    if let Some(user) = request.user.as_deref().filter(|_| quirks.user) {
        body.insert("user".into(), user.into());
    }
    // What the model thought comes back sealed, as nothing is stored; models that do not think refuse to be asked.
    if is_reasoning(asked.base) && !asked.base.contains("-chat") {
        body.insert("include".into(), json!(["reasoning.encrypted_content"]));
    }
    body.insert("store".into(), false.into());
    body.insert("stream".into(), request.stream.into());
    Ok(body)
}

/// A field of an object in the body; other fields of it stay.
fn set(body: &mut Map<String, Json>, object: &str, field: &str, value: Option<Json>) {
    let inner = body.entry(object).or_insert_with(|| json!({}));
    match (inner.as_object_mut(), value) {
        (Some(inner), Some(value)) => _ = inner.insert(field.to_owned(), value),
        (Some(inner), None) => _ = inner.shift_remove(field),
        (None, _) => {}
    }
    if inner.as_object().is_some_and(Map::is_empty) {
        body.shift_remove(object);
    }
}

/// Configured parameters in this protocol's words.
fn add_parameters(body: &mut Map<String, Json>, parameters: &Map<String, Json>) {
    for (name, value) in parameters.iter().filter(|(_, value)| !value.is_null()) {
        match name.as_str() {
            "json_schema" | "stream" | "store" | "model" | "messages" | "input" | "tools" | "tool_choice" => {}
            // Without state there is nothing to go on from.
            "previous_response_id" | "conversation" | "background" => {}
            name if UNKNOWN.contains(&name) => {}
            "max_tokens" | "max_completion_tokens" | "max_output_tokens" => {
                body.insert("max_output_tokens".into(), value.clone());
            }
            "reasoning_effort" => set(body, "reasoning", "effort", Some(value.clone())),
            "reasoning_summary" => set(body, "reasoning", "summary", Some(value.clone())),
            "verbosity" => set(body, "text", "verbosity", Some(value.clone())),
            "response_format" => {
                let format = format::named(value, parameters.get("json_schema"));
                set(body, "text", "format", format.as_ref().and_then(wire_format));
            }
            _ => {
                body.insert(name.clone(), value.clone());
            }
        }
    }
}

fn wire_format(format: &ResponseFormat) -> Option<Json> {
    match format {
        ResponseFormat::Text => None,
        ResponseFormat::JsonObject => Some(json!({"type": "json_object"})),
        ResponseFormat::JsonSchema { name, schema, strict } => {
            let mut wire = Map::new();
            wire.insert("type".into(), "json_schema".into());
            wire.insert("name".into(), name.as_str().into());
            wire.insert("schema".into(), schema.clone());
            wire.extend(strict.map(|strict| ("strict".to_owned(), strict.into())));
            Some(Json::Object(wire))
        }
    }
}

/// Functions are strict here unless they say otherwise, which few schemas bear.
fn wire_tool(tool: &ToolSpec) -> Json {
    json!({"type": "function", "name": tool.name, "description": tool.description, "parameters": tool.parameters,
           "strict": false})
}

fn wire_choice(choice: &ToolChoice) -> Option<Json> {
    Some(match choice {
        ToolChoice::Auto => return None,
        ToolChoice::None => json!("none"),
        ToolChoice::Required => json!("required"),
        ToolChoice::Named(name) => json!({"type": "function", "name": name}),
    })
}

fn add_message(input: &mut Vec<Json>, message: &Message, model: &str) -> Result<(), String> {
    match message.role {
        Role::Assistant => add_answer(input, message, model),
        Role::Tool => {
            let id = message.tool_call_id.as_deref().unwrap_or_default();
            input.push(json!({"type": "function_call_output", "call_id": id, "output": content(message)?}));
        }
        Role::System | Role::User => {
            input.push(json!({"role": message.role.as_str(), "content": content(message)?}));
        }
    }
    Ok(())
}

/// What the model said before: its thoughts, its text and its calls are items of their own.
fn add_answer(input: &mut Vec<Json>, message: &Message, model: &str) {
    let said = message.plain_text();
    let text = || json!({"role": "assistant", "content": said});
    let call = |at: usize| {
        message.tool_calls.get(at).map(|call| {
            let arguments = if call.arguments.trim().is_empty() { "{}" } else { call.arguments.as_str() };
            json!({"type": "function_call", "call_id": call.id, "name": call.name, "arguments": arguments})
        })
    };
    let (mut is_said, mut called) = (said.is_empty(), vec![false; message.tool_calls.len()]);
    // A thought must stand before what came of it.
    for item in thoughts(message, model).unwrap_or_default() {
        match item.get("type").and_then(Json::as_str) {
            Some("function_call") => {
                let at = message.tool_calls.iter().position(|call| is_call(item, &call.id));
                if let Some(at) = at
                    && let Some(done) = called.get_mut(at)
                {
                    *done = true;
                    input.extend(call(at));
                }
            }
            Some("message") if !is_said => {
                is_said = true;
                input.push(text());
            }
            Some("reasoning") => input.push(item.clone()),
            _ => {}
        }
    }
    if !is_said {
        input.push(text());
    }
    let rest = called.iter().enumerate().filter(|(_, done)| !**done).filter_map(|(at, _)| call(at));
    input.extend(rest.collect::<Vec<_>>());
}

fn is_call(item: &Json, id: &str) -> bool {
    item.get("call_id").and_then(Json::as_str) == Some(id)
}

/// The items of an answer of this model, if all that its thoughts led to is still there.
fn thoughts<'a>(message: &'a Message, model: &str) -> Option<&'a [Json]> {
    let kept = message.opaque.as_ref()?.get(OPAQUE)?;
    let items = kept.get("items")?.as_array()?;
    let is_there = |item: &Json| match item.get("type").and_then(Json::as_str) {
        Some("function_call") => message.tool_calls.iter().any(|call| is_call(item, &call.id)),
        Some("message") => !message.plain_text().is_empty(),
        _ => true,
    };
    let is_own = kept.get("model").and_then(Json::as_str) == Some(model);
    (is_own && items.iter().all(is_there)).then_some(items.as_slice())
}

/// Text alone as a string, with media as parts.
fn content(message: &Message) -> Result<Json, String> {
    if message.content.iter().all(|part| matches!(part, ContentPart::Text { .. })) {
        return Ok(message.plain_text().into());
    }
    message.content.iter().map(part).collect::<Result<Vec<Json>, String>>().map(Json::Array)
}

fn part(part: &ContentPart) -> Result<Json, String> {
    Ok(match part {
        ContentPart::Text { text } => json!({"type": "input_text", "text": text}),
        ContentPart::Image(media) => {
            let detail = media.detail.as_deref().unwrap_or("auto");
            json!({"type": "input_image", "image_url": media.as_url(), "detail": detail})
        }
        ContentPart::Document(media) => file(media),
        ContentPart::Audio(media) => match &media.source {
            MediaSource::Base64(data) => {
                json!({"type": "input_audio", "input_audio": {"data": data, "format": audio_format(media)}})
            }
            MediaSource::Url(_) => return Err("the Responses API takes no recordings by address".to_owned()),
        },
        ContentPart::Video(_) => return Err("the Responses API takes no films".to_owned()),
    })
}

fn file(media: &Media) -> Json {
    match &media.source {
        MediaSource::Url(url) => json!({"type": "input_file", "file_url": url}),
        MediaSource::Base64(_) => {
            let name = media.filename.as_deref().unwrap_or("document.pdf");
            json!({"type": "input_file", "filename": name, "file_data": media.as_url()})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ToolCall;

    const QUIRKS: Quirks = super::super::super::vendors::VENDORS[0].quirks;

    fn asked(request: &ChatRequest, model: &str) -> Json {
        Json::Object(body(request, &Asked { model, base: model }, QUIRKS).unwrap())
    }

    #[test]
    fn parameters_in_the_words_of_the_protocol() {
        for (model, parameters, expected) in [
            (
                "gpt-4o",
                json!({"temperature": 0.2, "max_tokens": 9}),
                json!({"temperature": 0.2, "max_output_tokens": 9}),
            ),
            ("gpt-4o", json!({"seed": 1, "presence_penalty": 1, "stop": ["x"], "top_p": 0.5}), json!({"top_p": 0.5})),
            ("gpt-4o", json!({"previous_response_id": "r", "store": true, "top_p": null}), json!({})),
            (
                "o3",
                json!({"max_completion_tokens": 9, "reasoning_effort": "low", "reasoning_summary": "auto"}),
                json!({"max_output_tokens": 9, "reasoning": {"effort": "low", "summary": "auto"},
                       "include": ["reasoning.encrypted_content"]}),
            ),
            (
                "gpt-5-chat-latest",
                json!({"verbosity": "low", "response_format": "json_object"}),
                json!({"text": {"verbosity": "low", "format": {"type": "json_object"}}}),
            ),
            ("gpt-4o", json!({"response_format": "text"}), json!({})),
            (
                "gpt-4o",
                json!({"response_format": "json_schema", "json_schema": {"name": "n", "strict": true, "schema": {"type": "object"}}}),
                json!({"text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": true}}}),
            ),
        ] {
            let parameters_of = parameters.as_object().unwrap().clone();
            let request = ChatRequest { parameters: parameters_of, ..ChatRequest::default() };
            let mut body = asked(&request, model);
            for name in ["model", "input", "store", "stream"] {
                body.as_object_mut().unwrap().shift_remove(name);
            }
            assert_eq!(body, expected, "{model} {parameters}");
        }
    }

    #[test]
    fn media_go_as_parts_and_what_cannot_is_refused() {
        let media = |source: MediaSource, mime: &str| Media {
            source,
            mime: mime.into(),
            filename: Some("a.pdf".into()),
            detail: None,
        };
        let inline = |mime: &str| media(MediaSource::Base64("QUJD".into()), mime);
        let linked = |mime: &str| media(MediaSource::Url("https://x/y".into()), mime);
        for (given, expected) in [
            (
                ContentPart::Image(linked("image/png")),
                Ok(json!({"type": "input_image", "image_url": "https://x/y", "detail": "auto"})),
            ),
            (
                ContentPart::Document(inline("application/pdf")),
                Ok(json!({"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,QUJD"})),
            ),
            (
                ContentPart::Document(linked("application/pdf")),
                Ok(json!({"type": "input_file", "file_url": "https://x/y"})),
            ),
            (
                ContentPart::Audio(inline("audio/mpeg")),
                Ok(json!({"type": "input_audio", "input_audio": {"data": "QUJD", "format": "mp3"}})),
            ),
            (ContentPart::Audio(linked("audio/mpeg")), Err("by address")),
            (ContentPart::Video(linked("video/mp4")), Err("no films")),
        ] {
            match (part(&given), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected),
                (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
                (found, expected) => panic!("{found:?} instead of {expected:?}"),
            }
        }
    }

    #[test]
    fn thoughts_stand_before_what_came_of_them() {
        let call = |id: &str| ToolCall { id: id.into(), name: "f".into(), arguments: String::new() };
        let thought = |id: &str| json!({"type": "reasoning", "id": id, "summary": [], "encrypted_content": "x"});
        let items = json!([thought("r1"), {"type": "function_call", "call_id": "a"}, {"type": "message"},
                           thought("r2"), {"type": "function_call", "call_id": "b"}]);
        let mut message = Message::assistant("said");
        message.tool_calls = vec![call("a"), call("b")];
        message.opaque = Some(json!({OPAQUE: {"model": "o3", "items": items}}));
        let short = |input: &[Json]| -> Vec<String> {
            let name = |item: &Json| {
                let named = ["id", "call_id", "content"].iter().find_map(|name| item.get(*name)?.as_str());
                named.unwrap_or_default().to_owned()
            };
            input.iter().map(name).collect()
        };
        let of = |message: &Message, model: &str| {
            let mut input = Vec::new();
            add_answer(&mut input, message, model);
            short(&input)
        };
        assert_eq!(of(&message, "o3"), ["r1", "a", "said", "r2", "b"]);
        assert_eq!(of(&message, "o4"), ["said", "a", "b"], "another model cannot read them");
        message.tool_calls.pop();
        assert_eq!(of(&message, "o3"), ["said", "a"], "a thought without what came of it is refused");
    }
}
