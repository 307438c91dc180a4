//! Chat completions and completions of texts.

use axum::{
    Json,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use ox_app::providers::names;
use ox_models::{ChatRequest, ChatResult, Message, ModelKind, ModelScope};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{
    App, Door, Sent, answered, ask,
    kept::{marked, wish},
    object,
    tell::{GatewayCompletion, GatewayTextCompletion, Shape, Teller},
};
use crate::{service::openai::OpenAiError, sse};

/// A chat completion. What is not named here is taken as a setting of the model; models leave out what they do not know.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "what is read is described; the body is read field by field for its errors")]
pub struct GatewayChat {
    /// `provider/model`, or the model's name where only one provider has it.
    model: String,
    /// `{role, content, name, tool_calls, tool_call_id}`; content is a text or parts (`text`, `image_url`, `input_audio`,
    /// `video_url`, `file`).
    messages: Vec<Map<String, Value>>,
    stream: Option<bool>,
    /// `include_usage`: the last piece of a stream tells the usage.
    stream_options: Option<Map<String, Value>>,
    tools: Option<Vec<Map<String, Value>>>,
    /// `auto`, `none`, `required`, or one of the tools.
    tool_choice: Option<Value>,
    /// `text`, `json_object`, or `json_schema` with a schema.
    response_format: Option<Map<String, Value>>,
    /// Up to 16 texts at which the answer ends.
    stop: Option<Value>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    max_tokens: Option<u64>,
    max_completion_tokens: Option<u64>,
    presence_penalty: Option<f64>,
    frequency_penalty: Option<f64>,
    seed: Option<i64>,
    reasoning_effort: Option<String>,
    /// Your own name for the user.
    user: Option<String>,
}

/// A completion of a text.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "what is read is described; the body is read field by field for its errors")]
pub struct GatewayText {
    model: String,
    /// One text.
    prompt: String,
    stream: Option<bool>,
    stream_options: Option<Map<String, Value>>,
    stop: Option<Value>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    max_tokens: Option<u64>,
    user: Option<String>,
}

/// Ask a chat model. `stream: true` answers with pieces and `[DONE]`.
#[utoipa::path(post, path = "/chat/completions", tag = "Model gateway", security(("gateway_key" = [])), request_body = GatewayChat,
    responses((status = 200, body = GatewayCompletion), (status = 400, body = OpenAiError), (status = 401, body = OpenAiError),
        (status = 403, body = OpenAiError), (status = 404, body = OpenAiError), (status = 429, body = OpenAiError),
        (status = 502, body = OpenAiError), (status = 503, body = OpenAiError), (status = 504, body = OpenAiError)))]
pub async fn chat(State(services): App, Door(holder): Door, headers: HeaderMap, sent: Sent) -> Response {
    answered(async {
        let asked = ask::chat(object(sent)?)?;
        let model = names::named(&services, &holder, &asked.model, ModelKind::Llm).await?;
        let scope = ModelScope { cache: wish(&headers)?, ..names::scope(&holder, asked.request.user.clone()) };
        let streams = asked.request.stream;
        let (pieces, state) = services.models.chat_told(&scope, &model, asked.request).await.map_err(names::failure)?;
        let teller = Teller::new(Shape::Chat, asked.model);
        if streams {
            let response = sse::response_with(teller.stream(pieces, asked.include_usage), sse::QUIET_PING);
            return Ok(marked(response, state));
        }
        let result = ChatResult::collect(pieces).await.map_err(names::failure)?;
        Ok(marked(Json(teller.whole(result)).into_response(), state))
    })
    .await
}

/// Continue a text. Chat models get it as a question.
#[utoipa::path(post, path = "/completions", tag = "Model gateway", security(("gateway_key" = [])), request_body = GatewayText,
    responses((status = 200, body = GatewayTextCompletion), (status = 400, body = OpenAiError), (status = 401, body = OpenAiError),
        (status = 403, body = OpenAiError), (status = 404, body = OpenAiError), (status = 429, body = OpenAiError),
        (status = 502, body = OpenAiError), (status = 503, body = OpenAiError), (status = 504, body = OpenAiError)))]
pub async fn complete(State(services): App, Door(holder): Door, headers: HeaderMap, sent: Sent) -> Response {
    answered(async {
        let asked = ask::completion(object(sent)?)?;
        let model = names::named(&services, &holder, &asked.model, ModelKind::Llm).await?;
        let scope = ModelScope { cache: wish(&headers)?, ..names::scope(&holder, asked.request.user.clone()) };
        let (streams, request) = (asked.request.stream, asked.request);
        let pieces = if names::continues_text(&services, &scope, &model).await {
            services.models.completion_told(&scope, &model, request).await
        } else {
            let request = ChatRequest {
                messages: vec![Message::user(request.prompt)],
                parameters: request.parameters,
                stop: request.stop,
                user: request.user,
                stream: request.stream,
                ..ChatRequest::default()
            };
            services.models.chat_told(&scope, &model, request).await
        };
        let (pieces, state) = pieces.map_err(names::failure)?;
        let teller = Teller::new(Shape::Text, asked.model);
        if streams {
            let response = sse::response_with(teller.stream(pieces, asked.include_usage), sse::QUIET_PING);
            return Ok(marked(response, state));
        }
        let result = ChatResult::collect(pieces).await.map_err(names::failure)?;
        Ok(marked(Json(teller.whole_text(result)).into_response(), state))
    })
    .await
}
