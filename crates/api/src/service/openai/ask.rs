//! Reading a chat completion's body: from messages to a dialogue.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ox_app::{
    Error,
    dialogue::{Attachment, Dialogue},
    runs::Round,
};
use ox_types::ConversationId;
use serde_json::{Map, Value};

use super::stops::Stops;

/// Texts at which an answer may end.
const MOST_STOPS: usize = 4;
/// What an app does by itself; asking for it here would silently do nothing.
const NOT_HERE: &[&str] = &["tools", "functions", "audio", "web_search_options"];

/// A chat completion that was asked for.
pub struct Asked {
    pub model: String,
    pub stream: bool,
    pub include_usage: bool,
    pub stops: Stops,
    pub user: Option<String>,
    pub dialogue: Dialogue,
}

fn wrong(field: &str, text: impl Into<String>) -> Error {
    Error::invalid_field(field, text)
}

/// Reads a body.
///
/// # Errors
/// 400 naming the field that is wrong.
pub fn read(body: &[u8]) -> Result<Asked, Error> {
    let json: Value = serde_json::from_slice(body)
        .map_err(|error| Error::bad_request(format!("The request body is not valid JSON: {error}")))?;
    let Value::Object(mut map) = json else {
        return Err(Error::bad_request("The request body must be a JSON object."));
    };
    let text = |name: &str| map.get(name).and_then(Value::as_str).map(|text| text.replace('\0', ""));
    let is_set = |value: &Value| !(value.is_null() || value.as_array().is_some_and(Vec::is_empty));
    if let Some(name) = NOT_HERE.iter().find(|name| map.get(**name).is_some_and(is_set)) {
        return Err(wrong(name, format!("'{name}' is not supported: the app behind this address has its own.")));
    }
    if map.get("n").and_then(Value::as_u64).is_some_and(|n| n > 1) {
        return Err(wrong("n", "'n' must be 1: an app gives one answer."));
    }
    let format = map.get("response_format").and_then(|format| format.get("type")).and_then(Value::as_str);
    if format.is_some_and(|format| format != "text") {
        return Err(wrong("response_format", "'response_format' is not supported: the app decides how it answers."));
    }
    let model = text("model").ok_or_else(|| wrong("model", "you must provide a model parameter"))?;
    let user = text("user").or_else(|| text("safety_identifier")).filter(|user| !user.is_empty());
    let conversation_id = match text("conversation_id").filter(|id| !id.trim().is_empty()) {
        Some(id) => {
            let id = id.trim().parse().map_err(|_| wrong("conversation_id", "conversation_id must be a valid UUID"))?;
            Some(ConversationId(id))
        }
        None => None,
    };
    let stream = flag(map.get("stream"));
    let include_usage = flag(map.get("stream_options").and_then(|options| options.get("include_usage")));
    let stops = stops(map.get("stop"))?;
    let mut inputs = object(map.remove("inputs"), "inputs")?;
    for (name, value) in object(map.remove("metadata"), "metadata")? {
        inputs.entry(name).or_insert(value);
    }
    let dialogue = Dialogue { inputs, conversation_id, ..said(map.remove("messages"))? };
    Ok(Asked { model, stream, include_usage, stops, user, dialogue })
}

fn flag(value: Option<&Value>) -> bool {
    value.and_then(Value::as_bool).unwrap_or(false)
}

fn object(value: Option<Value>, name: &str) -> Result<Map<String, Value>, Error> {
    match value {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(map)) => Ok(map),
        Some(_) => Err(wrong(name, format!("'{name}' must be an object"))),
    }
}

fn stops(value: Option<&Value>) -> Result<Stops, Error> {
    let words = match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(word)) => vec![word.clone()],
        Some(Value::Array(words)) if words.len() <= MOST_STOPS && words.iter().all(Value::is_string) => {
            words.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        Some(_) => return Err(wrong("stop", format!("'stop' must be a text or up to {MOST_STOPS} texts"))),
    };
    Ok(Stops::new(words))
}

/// The messages as a dialogue; the last one that is no instruction must be the user's.
fn said(messages: Option<Value>) -> Result<Dialogue, Error> {
    let Some(Value::Array(messages)) = messages else {
        return Err(wrong("messages", "'messages' must be a list of messages"));
    };
    let mut system = Vec::new();
    let mut rounds: Vec<Round> = Vec::new();
    // The question that nobody has answered yet.
    let mut open: Option<(String, Vec<Attachment>)> = None;
    for (index, message) in messages.iter().enumerate() {
        let place = format!("messages[{index}]");
        let role = message.get("role").and_then(Value::as_str).unwrap_or_default();
        let content = message.get("content").unwrap_or(&Value::Null);
        match role {
            "system" | "developer" => system.push(content_of(content, &place)?.0),
            "user" => {
                let (text, attachments) = content_of(content, &place)?;
                open = Some(match open.take() {
                    // Questions in a row are one.
                    Some((before, mut earlier)) => {
                        earlier.extend(attachments);
                        (format!("{before}\n{text}"), earlier)
                    }
                    None => (text, attachments),
                });
            }
            "assistant" => {
                let answer = content_of(content, &place)?.0;
                if let Some((query, _)) = open.take() {
                    rounds.push(Round { query, answer });
                } else if let Some(last) = rounds.last_mut() {
                    last.answer.push_str(&format!("\n{answer}"));
                } else {
                    rounds.push(Round { query: String::new(), answer });
                }
            }
            "tool" | "function" => {
                return Err(wrong(
                    "messages",
                    format!("{place}: results of tools are not supported: an app calls its own."),
                ));
            }
            other => return Err(wrong("messages", format!("{place}: '{other}' is not a role"))),
        }
    }
    let (query, attachments) =
        open.ok_or_else(|| wrong("messages", "the last message must be a question of the user"))?;
    if query.trim().is_empty() && attachments.is_empty() {
        return Err(wrong("messages", "the last message of the user is empty"));
    }
    system.retain(|text| !text.trim().is_empty());
    Ok(Dialogue { system: system.join("\n\n"), rounds, query, attachments, ..Dialogue::default() })
}

/// The texts of a message, joined, and what comes with them.
fn content_of(content: &Value, place: &str) -> Result<(String, Vec<Attachment>), Error> {
    let parts = match content {
        Value::Null => return Ok((String::new(), Vec::new())),
        Value::String(text) => return Ok((text.replace('\0', ""), Vec::new())),
        Value::Array(parts) => parts,
        _ => return Err(wrong("messages", format!("{place}.content must be a text or a list of parts"))),
    };
    let (mut texts, mut attachments) = (Vec::new(), Vec::new());
    for (index, part) in parts.iter().enumerate() {
        let place = format!("{place}.content[{index}]");
        let text = |pointer: &str| part.pointer(pointer).and_then(Value::as_str);
        match text("/type").unwrap_or_default() {
            "text" | "input_text" => texts.push(text("/text").unwrap_or_default().replace('\0', "")),
            "image_url" => {
                let url = text("/image_url/url").or_else(|| text("/image_url"));
                let url = url.ok_or_else(|| wrong("messages", format!("{place}.image_url.url: Field required")))?;
                attachments.push(picture(url, &place)?);
            }
            "input_audio" => {
                let data = text("/input_audio/data").unwrap_or_default();
                let format = text("/input_audio/format").unwrap_or("wav");
                attachments.push(Attachment::Bytes {
                    kind: "audio",
                    name: format!("audio.{}", extension(format)),
                    mime: format!("audio/{format}"),
                    bytes: decoded(data, &place)?.into(),
                });
            }
            "file" => {
                let data = text("/file/file_data");
                let data = data.ok_or_else(|| wrong("messages", format!("{place}.file.file_data: Field required")))?;
                let (mime, bytes) = data_url(data, &place)?;
                let name = text("/file/filename").unwrap_or("file.pdf").to_owned();
                attachments.push(Attachment::Bytes { kind: "document", name, mime, bytes: bytes.into() });
            }
            "refusal" => texts.push(text("/refusal").unwrap_or_default().to_owned()),
            other => return Err(wrong("messages", format!("{place}: parts of type '{other}' are not supported"))),
        }
    }
    Ok((texts.join("\n"), attachments))
}

fn picture(url: &str, place: &str) -> Result<Attachment, Error> {
    if !url.starts_with("data:") {
        return Ok(Attachment::Url { kind: "image", url: url.to_owned() });
    }
    let (mime, bytes) = data_url(url, place)?;
    let kind = mime.strip_prefix("image/").unwrap_or("png");
    let name = format!("image.{}", extension(kind));
    Ok(Attachment::Bytes { kind: "image", name, mime, bytes: bytes.into() })
}

/// A short extension from the second half of a media type.
fn extension(kind: &str) -> &str {
    match kind {
        "jpeg" => "jpg",
        "svg+xml" => "svg",
        "mpeg" => "mp3",
        other if other.bytes().all(|byte| byte.is_ascii_alphanumeric()) && (1..=8).contains(&other.len()) => other,
        _ => "bin",
    }
}

/// `data:<type>;base64,<bytes>`.
fn data_url(url: &str, place: &str) -> Result<(String, Vec<u8>), Error> {
    let read = || {
        let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
        Some((head.strip_suffix(";base64")?.to_ascii_lowercase(), data))
    };
    let (mime, data) =
        read().ok_or_else(|| wrong("messages", format!("{place}: expected data:<type>;base64,<bytes>")))?;
    let mime = if mime.is_empty() { "application/octet-stream".to_owned() } else { mime };
    Ok((mime, decoded(data, place)?))
}

fn decoded(data: &str, place: &str) -> Result<Vec<u8>, Error> {
    STANDARD.decode(data.trim()).map_err(|_| wrong("messages", format!("{place}: this is not base64")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn dialogue(messages: impl Into<Value>) -> Result<Dialogue, Error> {
        read(json!({"model": "m", "messages": messages.into()}).to_string().as_bytes()).map(|asked| asked.dialogue)
    }

    fn message(role: &str, content: impl Into<Value>) -> Value {
        json!({"role": role, "content": content.into()})
    }

    #[test]
    fn the_last_question_is_the_query_and_the_rest_is_history() {
        let read = dialogue(json!([
            message("system", json!("Be kind.")),
            message("assistant", json!("Hello")),
            message("user", json!("q1")),
            message("user", json!("more")),
            message("assistant", json!([{"type": "text", "text": "a1"}])),
            message("assistant", json!("and a2")),
            message("developer", json!("Be brief.")),
            message(
                "user",
                json!([{"type": "text", "text": "now"}, {"type": "image_url", "image_url": {"url": "https://x/y.png"}}])
            ),
        ]))
        .unwrap();
        let rounds: Vec<(&str, &str)> = read.rounds.iter().map(|r| (r.query.as_str(), r.answer.as_str())).collect();
        assert_eq!(rounds, [("", "Hello"), ("q1\nmore", "a1\nand a2")]);
        assert_eq!((read.system.as_str(), read.query.as_str()), ("Be kind.\n\nBe brief.", "now"));
        assert!(matches!(&read.attachments[..], [Attachment::Url { kind: "image", url }] if url == "https://x/y.png"));
    }

    #[test]
    fn pictures_and_documents_in_the_message_are_files() {
        let parts = json!([
            {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,AAEC"}},
            {"type": "input_audio", "input_audio": {"data": "AAEC", "format": "mp3"}},
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAEC"}},
        ]);
        let read = dialogue(json!([message("user", parts)])).unwrap();
        let told: Vec<(&str, &str, &str, usize)> = read
            .attachments
            .iter()
            .map(|attachment| match attachment {
                Attachment::Bytes { kind, name, mime, bytes } => (*kind, name.as_str(), mime.as_str(), bytes.len()),
                Attachment::Url { .. } => panic!("no address was given"),
            })
            .collect();
        assert_eq!(
            told,
            [
                ("image", "image.jpg", "image/jpeg", 3),
                ("audio", "audio.mp3", "audio/mp3", 3),
                ("document", "a.pdf", "application/pdf", 3)
            ]
        );
    }

    #[test]
    fn what_cannot_be_done_is_told_by_its_field() {
        let body = |more: Value| {
            let mut body = json!({"model": "m", "messages": [message("user", json!("q"))]});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            read(body.to_string().as_bytes()).err().and_then(|error| error.field)
        };
        for (more, field) in [
            (json!({}), None),
            (json!({"tools": [], "n": 1, "temperature": 2, "response_format": {"type": "text"}}), None),
            (json!({"tools": [{}]}), Some("tools")),
            (json!({"n": 2}), Some("n")),
            (json!({"response_format": {"type": "json_object"}}), Some("response_format")),
            (json!({"stop": ["a", "b", "c", "d", "e"]}), Some("stop")),
            (json!({"stop": [1]}), Some("stop")),
            (json!({"inputs": []}), Some("inputs")),
            (json!({"conversation_id": "x"}), Some("conversation_id")),
            (json!({"model": null}), Some("model")),
            (json!({"messages": []}), Some("messages")),
            (json!({"messages": [message("assistant", json!("a"))]}), Some("messages")),
            (json!({"messages": [message("tool", json!("a"))]}), Some("messages")),
            (json!({"messages": [message("user", json!(5))]}), Some("messages")),
            (json!({"messages": [message("user", json!([{"type": "video"}]))]}), Some("messages")),
            (
                json!({"messages": [message("user", json!([{"type": "image_url", "image_url": {"url": "data:x"}}]))]}),
                Some("messages"),
            ),
            (json!({"messages": [message("user", json!(" "))]}), Some("messages")),
        ] {
            assert_eq!(body(more.clone()).as_deref(), field, "{more}");
        }
    }

    #[test]
    fn inputs_come_from_both_places() {
        let body = json!({"model": "m", "messages": [message("user", json!("q"))], "inputs": {"a": 1},
            "metadata": {"a": "2", "b": "3"}, "user": "ann", "stream": true, "stream_options": {"include_usage": true}});
        let asked = read(body.to_string().as_bytes()).unwrap();
        assert_eq!(Value::Object(asked.dialogue.inputs), json!({"a": 1, "b": "3"}));
        assert_eq!((asked.user.as_deref(), asked.stream, asked.include_usage), (Some("ann"), true, true));
    }
}
