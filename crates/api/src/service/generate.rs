//! Generation: chat, completion and workflow runs, and stopping them.

use axum::{Json, extract::State, http::HeaderMap, response::Response};
use ox_app::{
    AppCaller, Error,
    runs::{self, AppMode, Key, PublishedApp, RunRequest, result_webhook::Target},
};
use ox_types::{ConversationId, TaskId};
use serde_json::Map;
use sha2::{Digest as _, Sha256};

use super::{
    App, GivenKey, KeyApp, answer, docs,
    fields::{Fields, required_user},
    once,
};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path},
};

type JsonMap = Map<String, serde_json::Value>;

/// Ask a chat app.
#[utoipa::path(post, path = "/chat-messages", tag = "Chat", security(("app_key" = [])),
    request_body = docs::ChatRequest,
    responses((status = 200, description = "The answer, or a stream of events",
            content((docs::ChatAnswer = "application/json"), (String = "text/event-stream"))),
        (status = 400, body = ErrorBody), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub async fn chat(
    State(services): App,
    KeyApp(app): KeyApp,
    GivenKey(key): GivenKey,
    headers: HeaderMap,
    Body(map): Body<JsonMap>,
) -> ApiResult<Response> {
    let user = required_user(&map)?;
    if !app.mode.is_chat() {
        return Err(
            Error::new(400, "not_chat_app", "Please check if your app mode matches the right API route.").into()
        );
    }
    let trace_id = trace_id(&headers, &map);
    let (map, way) = way_of(&headers, map, "")?;
    let mut fields = Fields::new("ChatRequestPayload", map);
    let mut request = common(&mut fields);
    request.key = Some(key);
    request.query = Some(fields.text("query"));
    request.conversation_id = fields.optional_uuid("conversation_id").map(ConversationId);
    request.auto_generate_name = fields.flag("auto_generate_name", true);
    request.workflow_id = fields.optional_text("workflow_id");
    request.trace_id = trace_id;
    fields.finish()?;
    let caller = AppCaller::service(&services, app, Some(&user)).await?;
    start(&services, &caller, request, way, &headers).await
}

/// Ask a completion app.
#[utoipa::path(post, path = "/completion-messages", tag = "Completion", security(("app_key" = [])),
    request_body = docs::CompletionRequest,
    responses((status = 200, description = "The answer, or a stream of events",
            content((docs::CompletionAnswer = "application/json"), (String = "text/event-stream"))),
        (status = 400, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub async fn completion(
    State(services): App,
    KeyApp(app): KeyApp,
    GivenKey(key): GivenKey,
    headers: HeaderMap,
    Body(map): Body<JsonMap>,
) -> ApiResult<Response> {
    let user = required_user(&map)?;
    if app.mode != AppMode::Completion {
        let text = "App unavailable, please check your app configurations.";
        return Err(Error::new(400, "app_unavailable", text).into());
    }
    let trace_id = trace_id(&headers, &map);
    let (map, way) = way_of(&headers, map, "")?;
    let mut fields = Fields::new("CompletionRequestPayload", map);
    let mut request = common(&mut fields);
    request.key = Some(key);
    request.query = fields.optional_text("query");
    request.trace_id = trace_id;
    fields.finish()?;
    let caller = AppCaller::service(&services, app, Some(&user)).await?;
    start(&services, &caller, request, way, &headers).await
}

/// Run the published workflow.
#[utoipa::path(post, path = "/workflows/run", tag = "Workflow", security(("app_key" = [])),
    request_body = docs::RunRequestBody,
    responses((status = 200, description = "The result, or a stream of events",
            content((docs::RunAnswer = "application/json"), (String = "text/event-stream"))),
        (status = 400, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub async fn run(
    State(services): App,
    KeyApp(app): KeyApp,
    GivenKey(key): GivenKey,
    headers: HeaderMap,
    Body(map): Body<JsonMap>,
) -> ApiResult<Response> {
    run_workflow(&services, (app, key), None, &headers, map).await
}

/// Run a published version of the workflow.
#[utoipa::path(post, path = "/workflows/{workflow_id}/run", tag = "Workflow", security(("app_key" = [])),
    params(("workflow_id" = String, Path, description = "Id of a published version")),
    request_body = docs::RunRequestBody,
    responses((status = 200, description = "The result, or a stream of events",
            content((docs::RunAnswer = "application/json"), (String = "text/event-stream"))),
        (status = 400, body = ErrorBody), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub async fn run_version(
    State(services): App,
    KeyApp(app): KeyApp,
    GivenKey(key): GivenKey,
    Path(workflow_id): Path<String>,
    headers: HeaderMap,
    Body(map): Body<JsonMap>,
) -> ApiResult<Response> {
    run_workflow(&services, (app, key), Some(workflow_id), &headers, map).await
}

async fn run_workflow(
    services: &std::sync::Arc<ox_app::Services>,
    (app, key): (std::sync::Arc<PublishedApp>, Key),
    workflow_id: Option<String>,
    headers: &HeaderMap,
    map: JsonMap,
) -> ApiResult<Response> {
    let user = required_user(&map)?;
    require_workflow(&app)?;
    let trace_id = trace_id(headers, &map);
    let (map, way) = way_of(headers, map, workflow_id.as_deref().unwrap_or_default())?;
    let mut fields = Fields::new("WorkflowRunPayload", map);
    let mut request = common(&mut fields);
    fields.finish()?;
    request.workflow_id = workflow_id;
    request.key = Some(key);
    request.trace_id = trace_id;
    let caller = AppCaller::service(services, app, Some(&user)).await?;
    start(services, &caller, request, way, headers).await
}

/// How a caller wants a run to be begun and answered, beside what it runs.
struct Way {
    /// The caller's own name for the request, and a digest of what it asks for.
    key: Option<String>,
    hash: String,
    /// The caller does not wait: the answer is the run's id.
    is_async: bool,
    result_to: Option<Target>,
}

/// Reads `Idempotency-Key`, `response_mode: async` and `result_webhook`; what is left of the body is compatible.
fn way_of(headers: &HeaderMap, mut map: JsonMap, version: &str) -> Result<(JsonMap, Way), Error> {
    let key = once::key_of(headers)?;
    let text = serde_json::to_string(&map).unwrap_or_default();
    let hash = hex::encode(Sha256::digest(format!("{version}\n{text}")));
    let is_async = map.get("response_mode").and_then(|mode| mode.as_str()) == Some("async");
    if !is_async {
        return Ok((map, Way { key, hash, is_async, result_to: None }));
    }
    map.remove("response_mode");
    let result_to = match map.remove("result_webhook") {
        None | Some(serde_json::Value::Null) => None,
        Some(target) => {
            let text = |name: &str| target.get(name).and_then(|value| value.as_str()).map(str::to_owned);
            let url = text("url")
                .ok_or_else(|| Error::invalid_field("result_webhook", "result_webhook.url: Field required"))?;
            // Without a secret of its own the caller knows the app's key.
            let own =
                || super::bearer(headers).and_then(|value| value.split_once(' ')).map(|(_, key)| key.trim().to_owned());
            Some(Target { url, secret: text("secret").or_else(own).unwrap_or_default() })
        }
    };
    Ok((map, Way { key, hash, is_async, result_to }))
}

/// Starts a run and answers in the asked way.
async fn start(
    services: &std::sync::Arc<ox_app::Services>,
    caller: &AppCaller,
    mut request: RunRequest,
    way: Way,
    headers: &HeaderMap,
) -> ApiResult<Response> {
    if way.is_async && !caller.app.mode.is_graph() {
        let text = "response_mode: async is for workflow and chatflow apps.";
        return Err(Error::invalid_field("response_mode", text).into());
    }
    request.result_to = way.result_to;
    let is_blocking = request.blocking && !way.is_async;
    let reader = runs::once::start_once(services, caller, request, way.key.as_deref(), &way.hash).await?;
    if way.is_async { answer::accepted(reader).await } else { answer::answer(reader, is_blocking, headers).await }
}

fn require_workflow(app: &PublishedApp) -> Result<(), Error> {
    if app.mode == AppMode::Workflow {
        return Ok(());
    }
    Err(Error::new(400, "not_workflow_app", "Please check if your app mode matches the right API route."))
}

/// Fields that every generation request has.
pub(crate) fn common(fields: &mut Fields) -> RunRequest {
    RunRequest {
        inputs: fields.object("inputs"),
        files: fields.optional_list("files"),
        // Compat: without a mode the answer is one body.
        blocking: fields.optional_word("response_mode", &["blocking", "streaming"]).as_deref() != Some("streaming"),
        ..RunRequest::default()
    }
}

/// The caller's own name for this call: header, query (not read here), body, W3C trace.
fn trace_id(headers: &HeaderMap, map: &JsonMap) -> Option<String> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = || map.get("trace_id").and_then(|value| value.as_str()).map(str::to_owned);
    let parent = || header("traceparent").and_then(|text| text.split('-').nth(1).map(str::to_owned));
    let found = header("x-trace-id").or_else(body).or_else(parent)?;
    let is_valid = (1..=128).contains(&found.len())
        && found.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    is_valid.then_some(found)
}

/// Stop a chat generation.
#[utoipa::path(post, path = "/chat-messages/{task_id}/stop", tag = "Chat", security(("app_key" = [])),
    params(("task_id" = String, Path, description = "From any event of the stream")),
    request_body = docs::UserBody, responses((status = 200, body = docs::ResultBody)))]
pub async fn stop_chat(
    State(services): App,
    KeyApp(app): KeyApp,
    Path(task_id): Path<String>,
    Body(map): Body<JsonMap>,
) -> ApiResult<Json<docs::ResultBody>> {
    let user = required_user(&map)?;
    if !app.mode.is_chat() {
        return Err(
            Error::new(400, "not_chat_app", "Please check if your app mode matches the right API route.").into()
        );
    }
    stop(&services, app, &task_id, Some(&user)).await
}

/// Stop a completion.
#[utoipa::path(post, path = "/completion-messages/{task_id}/stop", tag = "Completion", security(("app_key" = [])),
    params(("task_id" = String, Path, description = "From any event of the stream")),
    request_body = docs::UserBody, responses((status = 200, body = docs::ResultBody)))]
pub async fn stop_completion(
    State(services): App,
    KeyApp(app): KeyApp,
    Path(task_id): Path<String>,
    Body(map): Body<JsonMap>,
) -> ApiResult<Json<docs::ResultBody>> {
    let user = required_user(&map)?;
    if app.mode != AppMode::Completion {
        let text = "App unavailable, please check your app configurations.";
        return Err(Error::new(400, "app_unavailable", text).into());
    }
    stop(&services, app, &task_id, Some(&user)).await
}

/// Stop a workflow run.
#[utoipa::path(post, path = "/workflows/tasks/{task_id}/stop", tag = "Workflow", security(("app_key" = [])),
    params(("task_id" = String, Path, description = "From any event of the stream")),
    request_body = docs::UserBody, responses((status = 200, body = docs::ResultBody)))]
pub async fn stop_workflow(
    State(services): App,
    KeyApp(app): KeyApp,
    Path(task_id): Path<String>,
    Body(map): Body<JsonMap>,
) -> ApiResult<Json<docs::ResultBody>> {
    required_user(&map)?;
    require_workflow(&app)?;
    // Compat: anybody with the key may stop a workflow run.
    stop(&services, app, &task_id, None).await
}

async fn stop(
    services: &ox_app::Services,
    app: std::sync::Arc<PublishedApp>,
    task_id: &str,
    user: Option<&str>,
) -> ApiResult<Json<docs::ResultBody>> {
    let app_id = app.app.id;
    // An id that is none names no task, and unknown tasks are no error.
    if let Ok(task_id) = task_id.parse::<TaskId>() {
        let user_id = match user {
            Some(user) => Some(AppCaller::service(services, app, Some(user)).await?.user.id()),
            None => None,
        };
        runs::signals::stop(services, app_id, task_id, user_id).await;
    }
    Ok(success())
}

/// `{"result": "success"}`.
pub(crate) fn success() -> Json<docs::ResultBody> {
    Json(docs::ResultBody { result: "success".to_owned() })
}
