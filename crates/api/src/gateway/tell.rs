//! From a model's stream to an answer in OpenAI's words: as one body, or piece by piece.

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use ox_app::{Error, providers::names::failure};
use ox_models::{ChatDelta, ChatResult, ChatStream, ModelError, ToolCallDelta, Usage};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{service::openai::problem, sse};

/// Tokens of the prompt, in parts.
#[derive(Serialize, ToSchema)]
pub struct PromptTokens {
    cached_tokens: u64,
}

/// Tokens of the answer, in parts.
#[derive(Serialize, ToSchema)]
pub struct CompletionTokens {
    reasoning_tokens: u64,
}

/// Tokens of a call, counted here where the provider does not tell.
#[derive(Serialize, ToSchema)]
pub struct GatewayUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptTokens,
    completion_tokens_details: CompletionTokens,
}

impl From<&Usage> for GatewayUsage {
    fn from(usage: &Usage) -> Self {
        Self {
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            total_tokens: usage.total_tokens,
            prompt_tokens_details: PromptTokens { cached_tokens: usage.cached_tokens },
            completion_tokens_details: CompletionTokens { reasoning_tokens: usage.reasoning_tokens },
        }
    }
}

/// A function that the model wants to be called.
#[derive(Serialize, ToSchema)]
pub struct GatewayFunction {
    name: String,
    /// JSON text as the model wrote it.
    arguments: String,
}

/// A call of a tool.
#[derive(Serialize, ToSchema)]
pub struct GatewayToolCall {
    id: String,
    /// Always `function`.
    #[serde(rename = "type")]
    kind: String,
    function: GatewayFunction,
}

/// What the model said.
#[derive(Serialize, ToSchema)]
pub struct GatewayAnswer {
    /// Always `assistant`.
    role: String,
    /// `null` where the model only calls tools.
    content: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<GatewayToolCall>,
}

/// One answer.
#[derive(Serialize, ToSchema)]
pub struct GatewayChoice {
    index: u32,
    message: GatewayAnswer,
    /// `stop`, `length`, `tool_calls` or `content_filter`.
    finish_reason: String,
}

/// A chat completion.
#[derive(Serialize, ToSchema)]
pub struct GatewayCompletion {
    id: String,
    /// Always `chat.completion`; pieces of a stream are `chat.completion.chunk`.
    object: String,
    created: i64,
    model: String,
    choices: Vec<GatewayChoice>,
    usage: GatewayUsage,
}

/// One continued text.
#[derive(Serialize, ToSchema)]
pub struct GatewayTextChoice {
    index: u32,
    text: String,
    finish_reason: String,
}

/// A completion of a text.
#[derive(Serialize, ToSchema)]
pub struct GatewayTextCompletion {
    id: String,
    /// Always `text_completion`.
    object: String,
    created: i64,
    model: String,
    choices: Vec<GatewayTextChoice>,
    usage: GatewayUsage,
}

/// What was asked for: an answer of a dialogue, or more of a text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Chat,
    Text,
}

/// Tells one answer.
pub struct Teller {
    id: String,
    created: i64,
    model: String,
    shape: Shape,
}

/// How an answer ended, in OpenAI's words.
fn finish(reason: Option<&str>, calls_tools: bool) -> &'static str {
    match reason.map(str::to_ascii_lowercase).as_deref() {
        Some("length" | "max_tokens" | "model_length" | "max_output_tokens") => "length",
        Some(
            "content_filter" | "safety" | "refusal" | "recitation" | "prohibited_content" | "guardrail_intervened",
        ) => "content_filter",
        Some("tool_calls" | "tool_use" | "tool_call" | "function_call") => "tool_calls",
        _ if calls_tools => "tool_calls",
        _ => "stop",
    }
}

impl Teller {
    /// For an answer of the model that was asked by this name.
    pub fn new(shape: Shape, model: String) -> Self {
        let prefix = if shape == Shape::Chat { "chatcmpl" } else { "cmpl" };
        let id = format!("{prefix}-{}", ox_types::new_uuid().simple());
        Self { id, created: chrono::Utc::now().timestamp(), model, shape }
    }

    /// A whole chat answer.
    pub fn whole(self, result: ChatResult) -> GatewayCompletion {
        let finish_reason = finish(result.finish_reason.as_deref(), !result.tool_calls.is_empty()).to_owned();
        let call = |(index, call): (usize, ox_models::ToolCall)| GatewayToolCall {
            id: if call.id.is_empty() { format!("call_{index}") } else { call.id },
            kind: "function".to_owned(),
            function: GatewayFunction { name: call.name, arguments: call.arguments },
        };
        let only_calls = result.text.is_empty() && !result.tool_calls.is_empty();
        let message = GatewayAnswer {
            role: "assistant".to_owned(),
            content: (!only_calls).then_some(result.text),
            reasoning_content: Some(result.reasoning).filter(|text| !text.is_empty()),
            tool_calls: result.tool_calls.into_iter().enumerate().map(call).collect(),
        };
        GatewayCompletion {
            id: self.id,
            object: "chat.completion".to_owned(),
            created: self.created,
            model: self.model,
            choices: vec![GatewayChoice { index: 0, message, finish_reason }],
            usage: (&result.usage).into(),
        }
    }

    /// A whole continued text.
    pub fn whole_text(self, result: ChatResult) -> GatewayTextCompletion {
        let finish_reason = finish(result.finish_reason.as_deref(), false).to_owned();
        GatewayTextCompletion {
            id: self.id,
            object: "text_completion".to_owned(),
            created: self.created,
            model: self.model,
            choices: vec![GatewayTextChoice { index: 0, text: result.text, finish_reason }],
            usage: (&result.usage).into(),
        }
    }

    /// The answer piece by piece. Dropping it ends the call.
    pub fn stream(self, mut pieces: ChatStream, include_usage: bool) -> impl Stream<Item = Bytes> + Send + 'static {
        async_stream::stream! {
            if self.shape == Shape::Chat {
                yield self.piece(&json!({"role": "assistant", "content": ""}), None, include_usage);
            }
            let mut state = Told::default();
            while let Some(piece) = pieces.next().await {
                let piece = match piece {
                    Ok(piece) => piece,
                    Err(error) => {
                        yield broken(error);
                        return;
                    }
                };
                for delta in self.deltas(piece, &mut state) {
                    yield self.piece(&delta, None, include_usage);
                }
            }
            let reason = finish(state.finish_reason.as_deref(), !state.calls.is_empty());
            let nothing = if self.shape == Shape::Chat { json!({}) } else { json!("") };
            yield self.piece(&nothing, Some(reason), include_usage);
            if include_usage {
                yield self.chunk(&[], Some(Some(GatewayUsage::from(&state.usage))));
            }
            yield Bytes::from_static(b"data: [DONE]\n\n");
        }
    }

    /// What a piece tells, each thing by itself.
    fn deltas(&self, piece: ChatDelta, state: &mut Told) -> Vec<Value> {
        let mut deltas = Vec::new();
        state.finish_reason = piece.finish_reason.or(state.finish_reason.take());
        state.usage = piece.usage.unwrap_or_else(|| std::mem::take(&mut state.usage));
        if self.shape == Shape::Text {
            deltas.extend((!piece.text.is_empty()).then(|| json!(piece.text)));
            return deltas;
        }
        if !piece.reasoning.is_empty() {
            deltas.push(json!({"reasoning_content": piece.reasoning}));
        }
        if !piece.text.is_empty() {
            deltas.push(json!({"content": piece.text}));
        }
        deltas.extend(piece.tool_calls.into_iter().map(|call| json!({"tool_calls": [state.call(call)]})));
        deltas
    }

    fn chunk<'a>(&'a self, choices: &'a [PieceChoice<'a>], usage: Option<Option<GatewayUsage>>) -> Bytes {
        let object = if self.shape == Shape::Chat { "chat.completion.chunk" } else { "text_completion" };
        let chunk = Piece { id: &self.id, object, created: self.created, model: &self.model, choices, usage };
        sse::frame(&serde_json::to_string(&chunk).unwrap_or_default(), None)
    }

    fn piece(&self, delta: &Value, finish_reason: Option<&str>, include_usage: bool) -> Bytes {
        let (delta, text) = if self.shape == Shape::Chat { (Some(delta), None) } else { (None, Some(delta)) };
        self.chunk(&[PieceChoice { index: 0, delta, text, finish_reason }], include_usage.then_some(None))
    }
}

/// A piece of a stream. There are many: they are written out without being put together as JSON first.
#[derive(Serialize)]
struct Piece<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    model: &'a str,
    choices: &'a [PieceChoice<'a>],
    /// Where it was asked for: `null` but in the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Option<GatewayUsage>>,
}

#[derive(Serialize)]
struct PieceChoice<'a> {
    index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a Value>,
    finish_reason: Option<&'a str>,
}

/// What of a stream was told.
#[derive(Default)]
struct Told {
    /// Indices of the calls that were begun.
    calls: Vec<usize>,
    finish_reason: Option<String>,
    usage: Usage,
}

impl Told {
    /// A piece of a call; its first has the id and the name.
    fn call(&mut self, piece: ToolCallDelta) -> Value {
        let mut call = json!({"index": piece.index, "function": {"arguments": piece.arguments}});
        let is_new = !self.calls.contains(&piece.index);
        if is_new {
            self.calls.push(piece.index);
            call["type"] = "function".into();
            call["id"] = piece.id.filter(|id| !id.is_empty()).unwrap_or_else(|| format!("call_{}", piece.index)).into();
        }
        if let Some(name) = piece.name.filter(|name| !name.is_empty()) {
            call["function"]["name"] = name.into();
        }
        call
    }
}

/// An answer that broke after its beginning: an error in place of the end.
fn broken(error: ModelError) -> Bytes {
    let error: Error = failure(error);
    tracing::info!(%error, "a stream of the gateway broke");
    sse::frame(&json!({"error": problem(error)}).to_string(), None)
}

#[cfg(test)]
mod tests {
    use ox_models::ErrorClass;

    use super::*;

    fn teller(shape: Shape) -> Teller {
        Teller { id: "id".into(), created: 1, model: "m".into(), shape }
    }

    async fn told(shape: Shape, pieces: Vec<Result<ChatDelta, ModelError>>, include_usage: bool) -> Vec<Value> {
        let stream: ChatStream = Box::pin(futures::stream::iter(pieces));
        let frames: Vec<Bytes> = teller(shape).stream(stream, include_usage).collect().await;
        let data = |frame: &Bytes| String::from_utf8_lossy(frame).trim().trim_start_matches("data: ").to_owned();
        frames.iter().map(data).map(|data| serde_json::from_str(&data).unwrap_or(Value::String(data))).collect()
    }

    fn text(text: &str) -> Result<ChatDelta, ModelError> {
        Ok(ChatDelta { text: text.into(), ..ChatDelta::default() })
    }

    fn call(index: usize, id: Option<&str>, name: Option<&str>, arguments: &str) -> Result<ChatDelta, ModelError> {
        let piece =
            ToolCallDelta { index, id: id.map(Into::into), name: name.map(Into::into), arguments: arguments.into() };
        Ok(ChatDelta { tool_calls: vec![piece], ..ChatDelta::default() })
    }

    fn last() -> Result<ChatDelta, ModelError> {
        let usage = Usage { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5, ..Usage::default() };
        Ok(ChatDelta { finish_reason: Some("end_turn".into()), usage: Some(usage), ..ChatDelta::default() })
    }

    #[tokio::test]
    async fn a_stream_ends_with_reason_usage_and_done() {
        let events = told(Shape::Chat, vec![text("a"), text("b"), last()], true).await;
        let deltas: Vec<_> = events[..4].iter().map(|event| event["choices"][0]["delta"].clone()).collect();
        assert_eq!(
            deltas,
            [json!({"role": "assistant", "content": ""}), json!({"content": "a"}), json!({"content": "b"}), json!({})]
        );
        assert_eq!(events[3]["choices"][0]["finish_reason"], "stop");
        assert!(events[1]["usage"].is_null() && events[1].get("usage").is_some());
        assert_eq!((&events[4]["choices"], &events[4]["usage"]["total_tokens"]), (&json!([]), &json!(5)));
        assert_eq!(events[5], json!("[DONE]"));
        let plain = told(Shape::Chat, vec![text("a"), last()], false).await;
        assert!(plain.len() == 4 && plain[1].get("usage").is_none());
    }

    #[tokio::test]
    async fn calls_of_tools_begin_with_their_id_and_name() {
        let pieces = vec![
            call(0, Some("c1"), Some("f"), ""),
            call(0, None, None, "{\"a\""),
            call(1, None, Some("g"), "{}"),
            call(0, Some("c1"), None, ":1}"),
        ];
        let events = told(Shape::Chat, pieces, false).await;
        let calls: Vec<_> =
            events[1..5].iter().map(|event| event["choices"][0]["delta"]["tool_calls"][0].clone()).collect();
        assert_eq!(
            calls,
            [
                json!({"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}),
                json!({"index": 0, "function": {"arguments": "{\"a\""}}),
                json!({"index": 1, "id": "call_1", "type": "function", "function": {"name": "g", "arguments": "{}"}}),
                json!({"index": 0, "function": {"arguments": ":1}"}}),
            ]
        );
        assert_eq!(events[5]["choices"][0]["finish_reason"], "tool_calls");
    }

    #[tokio::test]
    async fn a_broken_stream_ends_with_an_error() {
        let error = ModelError::new(ErrorClass::Connection, "p", "cut");
        let events = told(Shape::Text, vec![text("a"), Err(error)], true).await;
        assert_eq!(events[0]["choices"][0]["text"], "a");
        assert_eq!((events.len(), &events[1]["error"]["code"]), (2, &json!("provider_error")));
        let events = told(Shape::Text, vec![text("a"), last()], false).await;
        assert_eq!(
            (&events[1]["choices"][0]["text"], &events[1]["choices"][0]["finish_reason"]),
            (&json!(""), &json!("stop"))
        );
    }

    #[test]
    fn an_answer_of_calls_alone_has_no_content() {
        let calls = vec![ox_models::ToolCall { id: String::new(), name: "f".into(), arguments: "{}".into() }];
        let only = teller(Shape::Chat).whole(ChatResult { tool_calls: calls, ..ChatResult::default() });
        let json = serde_json::to_value(only).unwrap();
        let choice = &json["choices"][0];
        assert_eq!((&choice["message"]["content"], &choice["finish_reason"]), (&Value::Null, &json!("tool_calls")));
        assert_eq!(choice["message"]["tool_calls"][0]["id"], "call_0");
        let empty = serde_json::to_value(teller(Shape::Chat).whole(ChatResult::default())).unwrap();
        assert_eq!(empty["choices"][0]["message"], json!({"role": "assistant", "content": ""}));
    }

    #[test]
    fn ends_have_one_word_each() {
        for (reason, calls, expected) in [
            (Some("stop"), false, "stop"),
            (Some("STOP"), true, "tool_calls"),
            (Some("tool_use"), false, "tool_calls"),
            (Some("MAX_TOKENS"), false, "length"),
            (Some("SAFETY"), false, "content_filter"),
            (None, false, "stop"),
        ] {
            assert_eq!(finish(reason, calls), expected, "{reason:?}");
        }
    }
}
