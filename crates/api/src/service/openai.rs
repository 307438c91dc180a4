//! `/v1/openai/{app}`: an app as a model of OpenAI's chat completions (docs/calling-apps.md).
//!
//! The address names the app, the key opens it, the body's `model` is taken as it comes. The caller keeps the
//! dialogue; each call is a conversation of its own unless `conversation_id` continues one.

mod ask;
mod reply;
mod stops;

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use ox_app::{AppCaller, Error, Services, dialogue, runs::PublishedApp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use super::{App, GivenKey, KeyApp, once};
use crate::{extract::Path, sse};

/// A failed request in OpenAI's shape.
pub fn refusal(error: Error) -> Response {
    if error.status >= 500 {
        tracing::error!(%error, source = ?error.source, "an OpenAI-compatible request failed");
    }
    let (status, retry_after) = (error.status, error.retry_after);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Json(OpenAiError { error: problem(error) })).into_response();
    let headers = response.headers_mut();
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"api\""));
    }
    if let Some(seconds) = retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// What went wrong, in OpenAI's words.
pub fn problem(error: Error) -> OpenAiProblem {
    let kind = match error.status {
        401 => "authentication_error",
        403 => "permission_error",
        429 => "rate_limit_error",
        400..500 => "invalid_request_error",
        _ => "server_error",
    };
    let code = match error.status {
        401 => "invalid_api_key".into(),
        429 => "rate_limit_exceeded".into(),
        _ => error.code,
    };
    OpenAiProblem { message: error.message, kind: kind.to_owned(), param: error.field, code: Some(code.into_owned()) }
}

/// What went wrong.
#[derive(Serialize, ToSchema)]
pub struct OpenAiProblem {
    message: String,
    /// `invalid_request_error`, `authentication_error`, `permission_error`, `rate_limit_error` or `server_error`.
    #[serde(rename = "type")]
    kind: String,
    param: Option<String>,
    code: Option<String>,
}

/// An error as OpenAI's clients read it.
#[derive(Serialize, ToSchema)]
pub struct OpenAiError {
    error: OpenAiProblem,
}

/// One message of the dialogue.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct OpenAiMessage {
    /// `system`, `developer`, `user` or `assistant`.
    pub role: String,
    /// A text, or a list of parts: `text`, `image_url`, `input_audio`, `file`.
    pub content: Option<serde_json::Value>,
}

/// A chat completion; what is not named here is taken and has no effect: the app has its own model and settings.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct OpenAiRequest {
    /// Any; the address names the app.
    pub model: String,
    /// The last one is the question of the user.
    pub messages: Vec<OpenAiMessage>,
    pub stream: Option<bool>,
    /// `include_usage`: the last piece of a stream tells the usage.
    pub stream_options: Option<serde_json::Map<String, serde_json::Value>>,
    /// Up to four texts at which the answer ends.
    pub stop: Option<serde_json::Value>,
    /// Your own name for the end user.
    pub user: Option<String>,
    /// Inputs of the app by name.
    pub metadata: Option<serde_json::Map<String, serde_json::Value>>,
    /// Addition: inputs of any type; they go before `metadata`.
    pub inputs: Option<serde_json::Map<String, serde_json::Value>>,
    /// Addition: continues a conversation of the Service API; its own messages are the history then.
    pub conversation_id: Option<String>,
}

/// One answer.
#[derive(Serialize, ToSchema)]
pub struct OpenAiChoice {
    index: u32,
    message: OpenAiAnswer,
    /// `stop`, or `content_filter` when moderation replaced the answer.
    finish_reason: String,
}

/// What the app said.
#[derive(Serialize, ToSchema)]
pub struct OpenAiAnswer {
    /// Always `assistant`.
    role: String,
    content: String,
}

/// Tokens of the models that the app asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct OpenAiUsage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
}

/// A chat completion.
#[derive(Serialize, ToSchema)]
pub struct OpenAiCompletion {
    id: String,
    /// Always `chat.completion`; pieces of a stream are `chat.completion.chunk`.
    object: String,
    created: i64,
    model: String,
    choices: Vec<OpenAiChoice>,
    usage: OpenAiUsage,
}

/// An app as a model.
#[derive(Serialize, ToSchema)]
pub struct OpenAiModel {
    /// Id of the app.
    id: String,
    /// Always `model`.
    object: String,
    created: i64,
    owned_by: String,
    /// Addition: the name of the app.
    name: String,
}

/// The one model of an address.
#[derive(Serialize, ToSchema)]
pub struct OpenAiModels {
    /// Always `list`.
    object: String,
    data: Vec<OpenAiModel>,
}

/// The app of the address must be that of the key: by its id, or the code of its published page.
fn require(app: &PublishedApp, asked: &str) -> Result<(), Error> {
    let is_code = app.site.as_ref().and_then(|site| site.code.as_deref()) == Some(asked);
    if is_code || app.app.id.to_string().eq_ignore_ascii_case(asked) {
        return Ok(());
    }
    let text = format!("There is no app '{asked}' for this API key.");
    Err(Error::new(404, "app_not_found", text))
}

fn described(app: &PublishedApp) -> OpenAiModel {
    OpenAiModel {
        id: app.app.id.to_string(),
        object: "model".to_owned(),
        created: app.app.created_at.timestamp(),
        owned_by: "oxidify".to_owned(),
        name: app.app.name.clone(),
    }
}

/// The app as the only model of this address.
#[utoipa::path(get, path = "/openai/{app_id}/models", tag = "OpenAI", security(("app_key" = [])),
    params(("app_id" = String, Path, description = "Id of the app, or the code of its published page")),
    responses((status = 200, body = OpenAiModels), (status = 401, body = OpenAiError), (status = 404, body = OpenAiError)))]
pub async fn models(KeyApp(app): KeyApp, Path(asked): Path<String>) -> Response {
    let found = require(&app, &asked);
    std::future::ready(match found {
        Ok(()) => Json(OpenAiModels { object: "list".to_owned(), data: vec![described(&app)] }).into_response(),
        Err(error) => refusal(error),
    })
    .await
}

/// The app by the name of its model.
#[utoipa::path(get, path = "/openai/{app_id}/models/{model}", tag = "OpenAI", security(("app_key" = [])),
    params(("app_id" = String, Path, description = "Id of the app, or the code of its published page"), ("model" = String, Path)),
    responses((status = 200, body = OpenAiModel), (status = 401, body = OpenAiError), (status = 404, body = OpenAiError)))]
pub async fn model(KeyApp(app): KeyApp, Path((asked, model)): Path<(String, String)>) -> Response {
    let found = require(&app, &asked).and_then(|()| require(&app, &model));
    std::future::ready(match found {
        Ok(()) => Json(described(&app)).into_response(),
        Err(error) => refusal(error),
    })
    .await
}

/// Ask an app of any mode as if it were a model. `stream: true` answers with pieces and `[DONE]`.
#[utoipa::path(post, path = "/openai/{app_id}/chat/completions", tag = "OpenAI", security(("app_key" = [])),
    params(("app_id" = String, Path, description = "Id of the app, or the code of its published page")),
    request_body = OpenAiRequest,
    responses((status = 200, body = OpenAiCompletion), (status = 400, body = OpenAiError), (status = 401, body = OpenAiError),
        (status = 403, body = OpenAiError), (status = 404, body = OpenAiError), (status = 429, body = OpenAiError)))]
pub async fn chat(
    State(services): App,
    KeyApp(app): KeyApp,
    GivenKey(key): GivenKey,
    Path(asked): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let made = async {
        require(&app, &asked)?;
        let asked = ask::read(&body)?;
        let caller = AppCaller::service(&services, app, asked.user.as_deref()).await?;
        let name = once::key_of(&headers)?;
        let hash = hex::encode(Sha256::digest([b"openai\n".as_slice(), body.as_ref()].concat()));
        let mut mapped = dialogue::request(&services, &caller, asked.dialogue).await?;
        mapped.request.key = Some(key);
        mapped.request.blocking = !asked.stream;
        let reader = ox_app::runs::once::start_once(&services, &caller, mapped.request, name.as_deref(), &hash).await?;
        let leaving = reply::Leaving::new(&services, &reader, caller.app.app.id, name.is_none());
        let teller = reply::Teller::new(reader, asked.model, asked.stops, leaving);
        let notes = notes(&teller, &mapped.ignored);
        let mut response = if asked.stream {
            sse::response_with(teller.stream(asked.include_usage), sse::QUIET_PING)
        } else {
            Json(teller.whole().await?).into_response()
        };
        response.headers_mut().extend(notes);
        Ok::<_, Error>(response)
    };
    made.await.unwrap_or_else(refusal)
}

/// Where the answer is kept, and what of the request had no place in the app.
fn notes(teller: &reply::Teller, ignored: &[&str]) -> HeaderMap {
    let head = teller.head();
    let id = |id: Option<uuid::Uuid>| id.map(|id| id.to_string());
    let named = [
        ("x-task-id", Some(head.task_id.to_string())),
        ("x-conversation-id", id(head.conversation_id.map(Into::into))),
        ("x-message-id", id(head.message_id.map(Into::into))),
        ("x-workflow-run-id", id(head.run_id.map(Into::into))),
        ("x-oxidify-ignored", (!ignored.is_empty()).then(|| ignored.join(", "))),
    ];
    let mut headers = HeaderMap::new();
    for (name, value) in named {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    headers
}

/// Keeps `Services` out of the signatures of the parts.
type Shared = Arc<Services>;
