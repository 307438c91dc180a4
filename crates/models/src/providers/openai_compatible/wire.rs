//! Requests in the words of the OpenAI protocol.

use ox_types::Json;
use serde_json::{Map, json};

use super::vendors::Quirks;
use crate::{
    ChatRequest, CompletionRequest, ContentPart, Media, MediaSource, Message, ResponseFormat, Role, ToolChoice, format,
};

/// The body of a chat call.
pub fn chat_body(request: &ChatRequest, model: &str, quirks: Quirks) -> Map<String, Json> {
    let mut body = Map::new();
    body.insert("model".into(), model.into());
    let messages: Vec<Json> = request.messages.iter().map(|message| wire_message(message, quirks)).collect();
    body.insert("messages".into(), Json::Array(messages));
    add_parameters(&mut body, &request.parameters, model, quirks);
    if let Some(format) = &request.response_format {
        body.shift_remove("response_format");
        body.extend(response_format(format, quirks).map(|format| ("response_format".to_owned(), format)));
    }
    add_tools(&mut body, request);
    add_common(&mut body, &request.stop, request.user.as_deref(), request.stream, quirks);
    if !takes_stop(model, quirks) {
        body.shift_remove("stop");
    }
    body
}

/// The body of a completion call.
pub fn completion_body(request: &CompletionRequest, model: &str, quirks: Quirks) -> Map<String, Json> {
    let mut body = Map::new();
    body.insert("model".into(), model.into());
    body.insert("prompt".into(), request.prompt.as_str().into());
    add_parameters(&mut body, &request.parameters, model, quirks);
    body.shift_remove("response_format");
    add_common(&mut body, &request.stop, request.user.as_deref(), request.stream, quirks);
    body
}

fn add_common(body: &mut Map<String, Json>, stop: &[String], user: Option<&str>, stream: bool, quirks: Quirks) {
    let stop: Vec<&String> = stop.iter().filter(|word| !word.is_empty()).collect();
    if !stop.is_empty() {
        body.insert("stop".into(), json!(stop));
    }
    if let Some(user) = user.filter(|_| quirks.user) {
        body.insert("user".into(), user.into());
    }
    body.insert("stream".into(), stream.into());
    if stream && quirks.stream_options {
        body.insert("stream_options".into(), json!({"include_usage": true}));
    }
}

fn add_tools(body: &mut Map<String, Json>, request: &ChatRequest) {
    if request.tools.is_empty() {
        return;
    }
    let tools: Vec<Json> = request
        .tools
        .iter()
        .map(|tool| {
            json!({"type": "function", "function": {
                "name": tool.name, "description": tool.description, "parameters": tool.parameters,
            }})
        })
        .collect();
    body.insert("tools".into(), Json::Array(tools));
    let choice = match &request.tool_choice {
        ToolChoice::Auto => return,
        ToolChoice::None => json!("none"),
        ToolChoice::Required => json!("required"),
        ToolChoice::Named(name) => json!({"type": "function", "function": {"name": name}}),
    };
    body.insert("tool_choice".into(), choice);
}

/// Configured parameters, with those the platform names differently put into the protocol's words.
fn add_parameters(body: &mut Map<String, Json>, parameters: &Map<String, Json>, model: &str, quirks: Quirks) {
    for (name, value) in parameters {
        match name.as_str() {
            // Summaries of thoughts are told by the newer protocol only.
            "reasoning_summary" if quirks.responses => {}
            "json_schema" | "stream" | "model" | "messages" | "prompt" | "tools" | "tool_choice" => {}
            "stop" => {
                body.insert("stop".into(), value.clone());
            }
            "max_tokens" if quirks.openai_reasoning && is_reasoning(model) => {
                body.insert("max_completion_tokens".into(), value.clone());
            }
            "response_format" => {
                let schema = parameters.get("json_schema");
                let format = format::named(value, schema).and_then(|format| response_format(&format, quirks));
                body.extend(format.map(|format| ("response_format".to_owned(), format)));
            }
            _ if value.is_null() => {}
            _ => {
                body.insert(name.clone(), value.clone());
            }
        }
    }
}

/// Whether a model thinks before it answers, by its name.
pub fn is_reasoning(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    let numbered =
        |prefix: &str| name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    numbered("o") || (numbered("gpt-") && !name.starts_with("gpt-3") && !name.starts_with("gpt-4"))
}

/// Whether a model takes stop words: those that think refuse them with some vendors.
fn takes_stop(model: &str, quirks: Quirks) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    let of_openai = quirks.openai_reasoning && is_reasoning(model) && !name.contains("-chat");
    let of_others = quirks.stopless.iter().any(|beginning| name.starts_with(beginning));
    !of_openai && (!of_others || name.contains("non-reasoning"))
}

fn response_format(format: &ResponseFormat, quirks: Quirks) -> Option<Json> {
    match format {
        ResponseFormat::Text => None,
        ResponseFormat::JsonSchema { name, schema, strict } if !quirks.no_json_schema => {
            let mut inner = Map::new();
            inner.insert("name".into(), name.as_str().into());
            inner.insert("schema".into(), schema.clone());
            inner.extend(strict.map(|strict| ("strict".to_owned(), strict.into())));
            Some(json!({"type": "json_schema", "json_schema": inner}))
        }
        ResponseFormat::JsonObject | ResponseFormat::JsonSchema { .. } => Some(json!({"type": "json_object"})),
    }
}

fn wire_message(message: &Message, quirks: Quirks) -> Json {
    let mut wire = Map::new();
    wire.insert("role".into(), message.role.as_str().into());
    let content = wire_content(message);
    let silent = content.as_str() == Some("") && !message.tool_calls.is_empty();
    wire.insert("content".into(), if silent { Json::Null } else { content });
    if let Some(name) = &message.name {
        wire.insert("name".into(), name.as_str().into());
    }
    if message.role == Role::Assistant {
        if !message.tool_calls.is_empty() {
            let calls: Vec<Json> = message
                .tool_calls
                .iter()
                .map(|call| {
                    json!({"id": call.id, "type": "function",
                           "function": {"name": call.name, "arguments": call.arguments}})
                })
                .collect();
            wire.insert("tool_calls".into(), Json::Array(calls));
        }
        if let Some(reasoning) = message.reasoning.as_deref().filter(|_| quirks.reasoning_back) {
            wire.insert("reasoning_content".into(), reasoning.into());
        }
    }
    if message.role == Role::Tool {
        wire.insert("tool_call_id".into(), message.tool_call_id.as_deref().unwrap_or_default().into());
    }
    Json::Object(wire)
}

/// Text alone as a string, which every server takes; with media as parts.
fn wire_content(message: &Message) -> Json {
    if message.content.iter().all(|part| matches!(part, ContentPart::Text { .. })) {
        return message.plain_text().into();
    }
    Json::Array(message.content.iter().map(wire_part).collect())
}

fn wire_part(part: &ContentPart) -> Json {
    match part {
        ContentPart::Text { text } => json!({"type": "text", "text": text}),
        ContentPart::Image(media) => {
            let mut image = Map::new();
            image.insert("url".into(), media.as_url().into());
            image.extend(media.detail.clone().map(|detail| ("detail".to_owned(), detail.into())));
            json!({"type": "image_url", "image_url": image})
        }
        ContentPart::Audio(media) => match &media.source {
            MediaSource::Base64(data) => {
                json!({"type": "input_audio", "input_audio": {"data": data, "format": audio_format(media)}})
            }
            MediaSource::Url(url) => json!({"type": "audio_url", "audio_url": {"url": url}}),
        },
        ContentPart::Video(media) => json!({"type": "video_url", "video_url": {"url": media.as_url()}}),
        ContentPart::Document(media) => {
            let mut file = Map::new();
            let name = media.filename.as_deref().unwrap_or("document.pdf");
            file.insert("filename".into(), name.into());
            file.insert("file_data".into(), media.as_url().into());
            json!({"type": "file", "file": file})
        }
    }
}

/// The protocol's name of a format of sound.
pub fn audio_format(media: &Media) -> &str {
    match media.mime.as_str() {
        "audio/mpeg" | "audio/mp3" => "mp3",
        "audio/wav" | "audio/x-wav" | "audio/wave" => "wav",
        other => other.strip_prefix("audio/").unwrap_or("wav"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ToolCall, ToolSpec};

    const QUIRKS: Quirks = super::super::vendors::VENDORS[0].quirks;

    fn object(value: &Json) -> Map<String, Json> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn parameters_in_the_words_of_the_protocol() {
        for (model, parameters, expected) in [
            ("gpt-4o", json!({"temperature": 0.2, "max_tokens": 9}), json!({"temperature": 0.2, "max_tokens": 9})),
            ("gpt-5-mini", json!({"max_tokens": 9}), json!({"max_completion_tokens": 9})),
            ("o3", json!({"max_tokens": 9}), json!({"max_completion_tokens": 9})),
            ("gpt-4o", json!({"response_format": "json_object"}), json!({"response_format": {"type": "json_object"}})),
            ("gpt-4o", json!({"response_format": "JSON"}), json!({"response_format": {"type": "json_object"}})),
            ("gpt-4o", json!({"response_format": "text", "seed": null}), json!({})),
            (
                "gpt-4o",
                json!({"response_format": "json_schema", "json_schema": "{\"name\":\"n\",\"strict\":true,\"schema\":{\"type\":\"object\"}}"}),
                json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": true}}}),
            ),
            (
                "gpt-4o",
                json!({"response_format": "json_schema", "json_schema": {"type": "object"}}),
                json!({"response_format": {"type": "json_schema", "json_schema": {"name": "llm_response", "schema": {"type": "object"}}}}),
            ),
        ] {
            let request = ChatRequest { parameters: object(&parameters), ..ChatRequest::default() };
            let mut body = chat_body(&request, model, QUIRKS);
            for name in ["model", "messages", "stream"] {
                body.shift_remove(name);
            }
            assert_eq!(Json::Object(body), expected, "{model} {parameters}");
        }
    }

    #[test]
    fn stop_words_go_to_models_that_take_them() {
        let grok = Quirks { stopless: &["grok-4", "grok-3-mini"], ..QUIRKS };
        let plain = Quirks { openai_reasoning: false, ..QUIRKS };
        for (model, quirks, is_sent) in [
            ("gpt-4o", QUIRKS, true),
            ("o4-mini", QUIRKS, false),
            ("gpt-5-mini", QUIRKS, false),
            ("gpt-5-chat-latest", QUIRKS, true),
            ("gpt-5-mini", plain, true),
            ("grok-3", grok, true),
            ("grok-3-mini-fast", grok, false),
            ("grok-4-fast-reasoning", grok, false),
            ("grok-4-fast-non-reasoning", grok, true),
        ] {
            for request in [
                ChatRequest { stop: vec!["END".into()], ..ChatRequest::default() },
                ChatRequest { parameters: object(&json!({"stop": ["END"]})), ..ChatRequest::default() },
            ] {
                assert_eq!(chat_body(&request, model, quirks).contains_key("stop"), is_sent, "{model}");
            }
        }
    }

    #[test]
    fn messages_tools_and_media() {
        let mut call = Message::assistant("");
        call.tool_calls = vec![ToolCall { id: "c1".into(), name: "f".into(), arguments: "{}".into() }];
        let image = ContentPart::Image(Media {
            source: MediaSource::Base64("QUJD".into()),
            mime: "image/png".into(),
            filename: None,
            detail: Some("low".into()),
        });
        let request = ChatRequest {
            messages: vec![
                Message::system("be brief"),
                Message::new(Role::User, vec![ContentPart::text("what?"), image]),
                call,
                Message::tool("c1", "42"),
            ],
            tools: vec![ToolSpec { name: "f".into(), description: "d".into(), parameters: json!({"type": "object"}) }],
            tool_choice: ToolChoice::Named("f".into()),
            stop: vec!["END".into(), String::new()],
            user: Some("u1".into()),
            stream: true,
            ..ChatRequest::default()
        };
        insta::assert_json_snapshot!(chat_body(&request, "gpt-4o", QUIRKS), @r#"
        {
          "model": "gpt-4o",
          "messages": [
            {
              "role": "system",
              "content": "be brief"
            },
            {
              "role": "user",
              "content": [
                {
                  "type": "text",
                  "text": "what?"
                },
                {
                  "type": "image_url",
                  "image_url": {
                    "url": "data:image/png;base64,QUJD",
                    "detail": "low"
                  }
                }
              ]
            },
            {
              "role": "assistant",
              "content": null,
              "tool_calls": [
                {
                  "id": "c1",
                  "type": "function",
                  "function": {
                    "name": "f",
                    "arguments": "{}"
                  }
                }
              ]
            },
            {
              "role": "tool",
              "content": "42",
              "tool_call_id": "c1"
            }
          ],
          "tools": [
            {
              "type": "function",
              "function": {
                "name": "f",
                "description": "d",
                "parameters": {
                  "type": "object"
                }
              }
            }
          ],
          "tool_choice": {
            "type": "function",
            "function": {
              "name": "f"
            }
          },
          "stop": [
            "END"
          ],
          "user": "u1",
          "stream": true,
          "stream_options": {
            "include_usage": true
          }
        }
        "#);
    }
}
