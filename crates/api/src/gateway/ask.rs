//! Reading what a model is asked: from OpenAI's words to ours.

use ox_app::Error;
use ox_models::{
    ChatRequest, CompletionRequest, ContentPart, Media, MediaSource, Message, ResponseFormat, Role, ToolCall,
    ToolChoice, ToolSpec,
};
use serde_json::{Map, Value, json};

use super::wrong;

/// Texts at which an answer may end.
const MOST_STOPS: usize = 16;
const MOST_TOOLS: usize = 512;
/// What no part of an answer here could carry; asking for it would silently do nothing.
const NOT_HERE: &[(&str, &str)] = &[
    ("audio", "answers are texts"),
    ("echo", "the prompt is not repeated"),
    ("function_call", "use 'tool_choice'"),
    ("functions", "use 'tools'"),
    ("logprobs", "probabilities are not carried over"),
    ("suffix", "texts are only continued"),
    ("top_logprobs", "probabilities are not carried over"),
    ("web_search_options", "give the model a tool"),
];
/// What is read here or means something only to OpenAI's own servers.
const NOT_PARAMETERS: &[&str] = &[
    "background",
    "best_of",
    "messages",
    "metadata",
    "modalities",
    "model",
    "n",
    "prediction",
    "prompt",
    "prompt_cache_key",
    "response_format",
    "safety_identifier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "tool_choice",
    "tools",
    "user",
];

/// A question to a model, and how its answer is wanted.
pub struct Asked<Request> {
    pub model: String,
    pub request: Request,
    pub include_usage: bool,
}

/// Reads a chat completion.
///
/// # Errors
/// 400 naming the field that is wrong.
pub fn chat(mut map: Map<String, Value>) -> Result<Asked<ChatRequest>, Error> {
    refuse_what_is_not_here(&map)?;
    let model = text(&map, "model")?;
    let Some(Value::Array(messages)) = map.remove("messages") else {
        return Err(wrong("messages", "'messages' must be a list of messages"));
    };
    if messages.is_empty() {
        return Err(wrong("messages", "'messages' must not be empty"));
    }
    let messages = messages.into_iter().enumerate().map(|(index, message)| read_message(message, index));
    let messages = messages.collect::<Result<Vec<_>, _>>()?;
    let tools = tools(map.remove("tools"))?;
    let tool_choice = tool_choice(map.get("tool_choice"), &tools)?;
    let request = ChatRequest {
        model: String::new(),
        messages,
        tools,
        tool_choice,
        response_format: response_format(map.remove("response_format"))?,
        stop: stops(map.get("stop"))?,
        user: user(&map),
        stream: flag(&map, "stream")?,
        parameters: Map::new(),
    };
    let include_usage = include_usage(&map);
    Ok(Asked { model, request: ChatRequest { parameters: parameters(map), ..request }, include_usage })
}

/// Reads a completion.
///
/// # Errors
/// 400 naming the field that is wrong.
pub fn completion(map: Map<String, Value>) -> Result<Asked<CompletionRequest>, Error> {
    refuse_what_is_not_here(&map)?;
    let prompt = match map.get("prompt") {
        Some(Value::String(prompt)) => prompt.clone(),
        Some(Value::Array(prompts)) => match prompts.as_slice() {
            [Value::String(prompt)] => prompt.clone(),
            _ => return Err(wrong("prompt", "'prompt' must be one text")),
        },
        _ => return Err(wrong("prompt", "'prompt' must be a text")),
    };
    let request = CompletionRequest {
        model: String::new(),
        prompt,
        stop: stops(map.get("stop"))?,
        user: user(&map),
        stream: flag(&map, "stream")?,
        parameters: Map::new(),
    };
    let (model, include_usage) = (text(&map, "model")?, include_usage(&map));
    Ok(Asked { model, request: CompletionRequest { parameters: parameters(map), ..request }, include_usage })
}

fn refuse_what_is_not_here(map: &Map<String, Value>) -> Result<(), Error> {
    let is_set = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(list) => !list.is_empty(),
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        _ => true,
    };
    if let Some((name, why)) = NOT_HERE.iter().find(|(name, _)| map.get(*name).is_some_and(is_set)) {
        return Err(wrong(name, format!("'{name}' is not supported here: {why}.")));
    }
    for name in ["n", "best_of"] {
        if map.get(name).and_then(Value::as_u64).is_some_and(|count| count > 1) {
            return Err(wrong(name, format!("'{name}' must be 1: one answer is given.")));
        }
    }
    let modalities = map.get("modalities").and_then(Value::as_array);
    if modalities.is_some_and(|list| list.iter().any(|one| one != "text")) {
        return Err(wrong("modalities", "'modalities' must be [\"text\"]: answers are texts."));
    }
    Ok(())
}

/// A text that must be there.
///
/// # Errors
/// 400 naming the field.
pub fn text(map: &Map<String, Value>, name: &str) -> Result<String, Error> {
    let found = map.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    found.map(str::to_owned).ok_or_else(|| wrong(name, format!("you must provide a {name} parameter")))
}

/// Whom the caller asks for, by the caller's own name.
pub fn user(map: &Map<String, Value>) -> Option<String> {
    let named = ["user", "safety_identifier"].iter().find_map(|name| map.get(*name).and_then(Value::as_str));
    named.filter(|user| !user.is_empty()).map(|user| user.chars().take(256).collect())
}

fn flag(map: &Map<String, Value>, name: &str) -> Result<bool, Error> {
    match map.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(on)) => Ok(*on),
        Some(_) => Err(wrong(name, format!("'{name}' must be true or false"))),
    }
}

fn include_usage(map: &Map<String, Value>) -> bool {
    map.get("stream_options").and_then(|options| options.get("include_usage")).and_then(Value::as_bool) == Some(true)
}

/// Settings of the model: all that is not read here. Models leave out what they do not know.
fn parameters(mut map: Map<String, Value>) -> Map<String, Value> {
    if let Some(most) = map.shift_remove("max_completion_tokens") {
        map.entry("max_tokens").or_insert(most);
    }
    let read = |name: &str| NOT_PARAMETERS.contains(&name) || NOT_HERE.iter().any(|(other, _)| *other == name);
    map.retain(|name, value| !value.is_null() && !read(name));
    map
}

fn stops(value: Option<&Value>) -> Result<Vec<String>, Error> {
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(word)) => Ok(vec![word.clone()]),
        Some(Value::Array(words)) if words.len() <= MOST_STOPS && words.iter().all(Value::is_string) => {
            Ok(words.iter().filter_map(Value::as_str).map(str::to_owned).collect())
        }
        Some(_) => Err(wrong("stop", format!("'stop' must be a text or up to {MOST_STOPS} texts"))),
    }
}

fn tools(value: Option<Value>) -> Result<Vec<ToolSpec>, Error> {
    let list = match value {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(list)) if list.len() <= MOST_TOOLS => list,
        Some(_) => return Err(wrong("tools", format!("'tools' must be a list of up to {MOST_TOOLS} tools"))),
    };
    let read = |(index, tool): (usize, Value)| {
        if tool.get("type").and_then(Value::as_str).is_some_and(|kind| kind != "function") {
            return Err(wrong("tools", format!("tools[{index}].type must be 'function'")));
        }
        let name = tool.pointer("/function/name").and_then(Value::as_str).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| wrong("tools", format!("tools[{index}].function.name: Field required")))?;
        let description = tool.pointer("/function/description").and_then(Value::as_str).unwrap_or_default();
        let parameters = match tool.pointer("/function/parameters") {
            None | Some(Value::Null) => json!({"type": "object", "properties": {}}),
            Some(schema @ Value::Object(_)) => schema.clone(),
            Some(_) => return Err(wrong("tools", format!("tools[{index}].function.parameters must be a schema"))),
        };
        Ok(ToolSpec { name: name.to_owned(), description: description.to_owned(), parameters })
    };
    list.into_iter().enumerate().map(read).collect()
}

fn tool_choice(value: Option<&Value>, tools: &[ToolSpec]) -> Result<ToolChoice, Error> {
    let named = |choice: &Value| choice.pointer("/function/name").and_then(Value::as_str).map(str::to_owned);
    match value {
        None | Some(Value::Null) => Ok(ToolChoice::Auto),
        Some(Value::String(choice)) => match choice.as_str() {
            "auto" => Ok(ToolChoice::Auto),
            "none" => Ok(ToolChoice::None),
            "required" | "any" => Ok(ToolChoice::Required),
            other => Err(wrong("tool_choice", format!("'{other}' is not a choice: auto, none, required or a tool"))),
        },
        Some(choice) => {
            let name =
                named(choice).ok_or_else(|| wrong("tool_choice", "'tool_choice' must be a text or name a function"))?;
            if !tools.iter().any(|tool| tool.name == name) {
                return Err(wrong("tool_choice", format!("there is no tool '{name}' among 'tools'")));
            }
            Ok(ToolChoice::Named(name))
        }
    }
}

fn response_format(value: Option<Value>) -> Result<Option<ResponseFormat>, Error> {
    let format = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(format) => format,
    };
    match format.get("type").and_then(Value::as_str) {
        Some("text") => Ok(None),
        Some("json_object") => Ok(Some(ResponseFormat::JsonObject)),
        Some("json_schema") => {
            let schema = format.pointer("/json_schema/schema").filter(|schema| schema.is_object());
            let schema = schema
                .ok_or_else(|| wrong("response_format", "response_format.json_schema.schema: Field required"))?
                .clone();
            let name = format.pointer("/json_schema/name").and_then(Value::as_str).unwrap_or("answer").to_owned();
            let strict = format.pointer("/json_schema/strict").and_then(Value::as_bool);
            Ok(Some(ResponseFormat::JsonSchema { name, schema, strict }))
        }
        _ => Err(wrong("response_format", "response_format.type must be text, json_object or json_schema")),
    }
}

fn read_message(message: Value, index: usize) -> Result<Message, Error> {
    let place = format!("messages[{index}]");
    let Value::Object(mut message) = message else {
        return Err(wrong("messages", format!("{place} must be an object")));
    };
    let role = match message.get("role").and_then(Value::as_str).unwrap_or_default() {
        "system" | "developer" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "tool" => Role::Tool,
        other => return Err(wrong("messages", format!("{place}: '{other}' is not a role"))),
    };
    let mut read = Message::new(role, content(message.remove("content"), &place)?);
    let text = |name: &str| message.get(name).and_then(Value::as_str).map(str::to_owned);
    read.name = text("name");
    if role == Role::Assistant {
        read.reasoning = text("reasoning_content");
        read.tool_calls = tool_calls(message.get("tool_calls"), &place)?;
    }
    if role == Role::Tool {
        let id = text("tool_call_id");
        read.tool_call_id = Some(id.ok_or_else(|| wrong("messages", format!("{place}.tool_call_id: Field required")))?);
    }
    Ok(read)
}

fn tool_calls(value: Option<&Value>, place: &str) -> Result<Vec<ToolCall>, Error> {
    let Some(Value::Array(calls)) = value else { return Ok(Vec::new()) };
    let read = |(index, call): (usize, &Value)| {
        let text = |pointer: &str| call.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let name = text("/function/name");
        let name = name
            .ok_or_else(|| wrong("messages", format!("{place}.tool_calls[{index}].function.name: Field required")))?;
        let arguments = text("/function/arguments").unwrap_or_default();
        Ok(ToolCall { id: text("/id").unwrap_or_default(), name, arguments })
    };
    calls.iter().enumerate().map(read).collect()
}

fn content(value: Option<Value>, place: &str) -> Result<Vec<ContentPart>, Error> {
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![ContentPart::Text { text }]),
        Some(Value::Array(parts)) => parts
            .iter()
            .enumerate()
            .map(|(index, part)| read_part(part, &format!("{place}.content[{index}]")))
            .collect(),
        Some(_) => Err(wrong("messages", format!("{place}.content must be a text or a list of parts"))),
    }
}

fn read_part(part: &Value, place: &str) -> Result<ContentPart, Error> {
    let text = |pointer: &str| part.pointer(pointer).and_then(Value::as_str);
    let missing = |name: &str| wrong("messages", format!("{place}.{name}: Field required"));
    match text("/type").unwrap_or_default() {
        "text" | "input_text" => Ok(ContentPart::text(text("/text").ok_or_else(|| missing("text"))?)),
        "refusal" => Ok(ContentPart::text(text("/refusal").unwrap_or_default())),
        "image_url" => {
            let url = text("/image_url/url").or_else(|| text("/image_url")).ok_or_else(|| missing("image_url.url"))?;
            let detail = text("/image_url/detail").map(str::to_owned);
            Ok(ContentPart::Image(Media { detail, ..media(url, "image/png", place)? }))
        }
        "input_audio" => {
            let data = text("/input_audio/data").ok_or_else(|| missing("input_audio.data"))?;
            let mime = match text("/input_audio/format").unwrap_or("wav") {
                "mp3" => "audio/mpeg".to_owned(),
                format => format!("audio/{format}"),
            };
            let source = MediaSource::Base64(data.to_owned());
            Ok(ContentPart::Audio(Media { source, mime, filename: None, detail: None }))
        }
        "video_url" => {
            let url = text("/video_url/url").ok_or_else(|| missing("video_url.url"))?;
            Ok(ContentPart::Video(media(url, "video/mp4", place)?))
        }
        "file" => {
            let data = text("/file/file_data").ok_or_else(|| missing("file.file_data"))?;
            let filename = text("/file/filename").map(str::to_owned);
            Ok(ContentPart::Document(Media { filename, ..media(data, "application/pdf", place)? }))
        }
        other => Err(wrong("messages", format!("{place}: parts of type '{other}' are not supported"))),
    }
}

/// An address that the provider fetches, or `data:<type>;base64,<bytes>`.
///
/// # Errors
/// 400 for anything else.
pub fn media(url: &str, otherwise: &str, place: &str) -> Result<Media, Error> {
    let of = |source, mime: &str| Media { source, mime: mime.to_owned(), filename: None, detail: None };
    if url.starts_with("https://") || url.starts_with("http://") {
        let path = url.split(['?', '#']).next().unwrap_or(url).to_ascii_lowercase();
        let ending = path.rsplit('.').next().unwrap_or_default();
        let mime = match ending {
            "jpg" | "jpeg" => "image/jpeg",
            "gif" => "image/gif",
            "webp" => "image/webp",
            _ => otherwise,
        };
        return Ok(of(MediaSource::Url(url.to_owned()), mime));
    }
    let read = || {
        let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
        let mime = head.strip_suffix(";base64")?.split(';').next()?.to_ascii_lowercase();
        Some((mime, data.trim()))
    };
    let (mime, data) = read().ok_or_else(|| {
        wrong("messages", format!("{place}: expected an http(s) address or data:<type>;base64,<bytes>"))
    })?;
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    if data.is_empty() || !data.bytes().all(is_base64) {
        return Err(wrong("messages", format!("{place}: this is not base64")));
    }
    Ok(of(MediaSource::Base64(data.to_owned()), if mime.is_empty() { otherwise } else { &mime }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "given as it is written")]
    fn read(body: Value) -> Result<Asked<ChatRequest>, Error> {
        chat(body.as_object().unwrap().clone())
    }

    #[expect(clippy::needless_pass_by_value, reason = "given as it is written")]
    fn with(more: Value) -> Value {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "q"}]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    }

    #[test]
    fn messages_of_every_role_and_part() {
        let asked = read(json!({"model": " openai/gpt ", "messages": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "name": "ann", "content": [
                {"type": "text", "text": "what?"},
                {"type": "image_url", "image_url": {"url": "data:image/JPEG;base64,AAEC", "detail": "low"}},
                {"type": "image_url", "image_url": {"url": "https://x.test/a.webp?b=1"}},
                {"type": "input_audio", "input_audio": {"data": "AAEC", "format": "mp3"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAEC"}}]},
            {"role": "assistant", "content": null, "reasoning_content": "hm",
             "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "42"},
        ]}))
        .unwrap();
        assert_eq!(asked.model, "openai/gpt");
        let messages = &asked.request.messages;
        let roles: Vec<&str> = messages.iter().map(|message| message.role.as_str()).collect();
        assert_eq!(roles, ["system", "user", "assistant", "tool"]);
        assert_eq!(messages[1].name.as_deref(), Some("ann"));
        let mimes: Vec<(String, Option<&str>)> = messages[1]
            .content
            .iter()
            .filter_map(|part| match part {
                ContentPart::Image(media) | ContentPart::Audio(media) | ContentPart::Document(media) => {
                    Some((media.mime.clone(), media.detail.as_deref().or(media.filename.as_deref())))
                }
                _ => None,
            })
            .collect();
        let expected = [
            ("image/jpeg", Some("low")),
            ("image/webp", None),
            ("audio/mpeg", None),
            ("application/pdf", Some("a.pdf")),
        ];
        assert_eq!(mimes, expected.map(|(mime, more)| (mime.to_owned(), more)));
        assert_eq!((messages[2].content.len(), messages[2].reasoning.as_deref()), (0, Some("hm")));
        assert_eq!(
            messages[2].tool_calls,
            [ToolCall { id: "c1".into(), name: "f".into(), arguments: "{\"a\":1}".into() }]
        );
        assert_eq!(messages[3].tool_call_id.as_deref(), Some("c1"));
    }

    #[test]
    fn settings_go_to_the_model_and_the_rest_is_read() {
        let asked = read(with(json!({
            "temperature": 0.5, "max_completion_tokens": 9, "seed": null, "reasoning_effort": "low", "user": "ann",
            "stop": "END", "stream": true, "stream_options": {"include_usage": true}, "store": false, "metadata": {"a": "b"},
            "tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": {"type": "function", "function": {"name": "f"}},
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "strict": true, "schema": {"type": "object"}}},
        })))
        .unwrap();
        let request = asked.request;
        let parameters = json!({"temperature": 0.5, "reasoning_effort": "low", "max_tokens": 9});
        assert_eq!(Value::Object(request.parameters), parameters);
        assert_eq!((request.stop, request.user.as_deref()), (vec!["END".to_owned()], Some("ann")));
        assert!(request.stream && asked.include_usage);
        assert_eq!(request.tools[0].parameters, json!({"type": "object", "properties": {}}));
        assert_eq!(request.tool_choice, ToolChoice::Named("f".into()));
        let schema = json!({"type": "object"});
        let format = ResponseFormat::JsonSchema { name: "n".into(), schema, strict: Some(true) };
        assert_eq!(request.response_format, Some(format));
    }

    #[test]
    fn what_cannot_be_done_is_told_by_its_field() {
        let message = |content: Value| json!({"messages": [{"role": "user", "content": content}]});
        for (more, field) in [
            (json!({}), None),
            (
                json!({"n": 1, "logprobs": false, "top_logprobs": 0, "functions": [], "modalities": ["text"], "tools": null}),
                None,
            ),
            (json!({"response_format": {"type": "text"}, "tool_choice": "required"}), None),
            (json!({"model": " "}), Some("model")),
            (json!({"model": null}), Some("model")),
            (json!({"messages": []}), Some("messages")),
            (json!({"messages": "q"}), Some("messages")),
            (json!({"messages": [{"role": "function", "content": "x"}]}), Some("messages")),
            (json!({"messages": [{"role": "tool", "content": "x"}]}), Some("messages")),
            (json!({"messages": ["x"]}), Some("messages")),
            (message(json!(5)), Some("messages")),
            (message(json!([{"type": "text"}])), Some("messages")),
            (message(json!([{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}])), Some("messages")),
            (
                message(json!([{"type": "image_url", "image_url": {"url": "data:image/png;base64,\u{1}"}}])),
                Some("messages"),
            ),
            (message(json!([{"type": "hologram"}])), Some("messages")),
            (json!({"n": 2}), Some("n")),
            (json!({"logprobs": true}), Some("logprobs")),
            (json!({"functions": [{}]}), Some("functions")),
            (json!({"modalities": ["audio"]}), Some("modalities")),
            (json!({"stream": "yes"}), Some("stream")),
            (json!({"stop": [1]}), Some("stop")),
            (json!({"tools": {}}), Some("tools")),
            (json!({"tools": [{"type": "web_search"}]}), Some("tools")),
            (json!({"tools": [{"type": "function", "function": {"parameters": {}}}]}), Some("tools")),
            (json!({"tool_choice": "maybe"}), Some("tool_choice")),
            (json!({"tool_choice": {"type": "function", "function": {"name": "g"}}}), Some("tool_choice")),
            (json!({"response_format": {"type": "json_schema"}}), Some("response_format")),
            (json!({"response_format": {"type": "xml"}}), Some("response_format")),
        ] {
            let found = read(with(more.clone())).err().and_then(|error| error.field);
            assert_eq!(found.as_deref(), field, "{more}");
        }
    }

    #[test]
    fn a_text_is_continued_one_at_a_time() {
        let prompt = |prompt: Value| completion(json!({"model": "m", "prompt": prompt}).as_object().unwrap().clone());
        for (given, expected) in
            [(json!("a"), Some("a")), (json!(["a"]), Some("a")), (json!(["a", "b"]), None), (json!([1]), None)]
        {
            let read = prompt(given.clone()).ok().map(|asked| asked.request.prompt);
            assert_eq!(read.as_deref(), expected, "{given}");
        }
    }
}
