//! Generation from a published page.

use axum::{Json, extract::State, http::HeaderMap, response::Response};
use ox_app::{
    Error,
    runs::{self, AppMode, RunRequest},
};
use ox_types::{ConversationId, MessageId, TaskId};
use serde_json::Map;
use uuid::Uuid;

use super::{App, Visitor};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path},
    service::{ChatRequest, Fields, ResultBody, RunRequestBody, answer, common, success},
};

type JsonMap = Map<String, serde_json::Value>;

const WRONG_MODE: &str = "Please check if your app mode matches the right API route.";

/// Ask the app.
#[utoipa::path(post, path = "/chat-messages", tag = "Web app", security(("passport" = [])),
    request_body = ChatRequest,
    responses((status = 200, description = "The answer, or a stream of events"), (status = 400, body = ErrorBody)))]
pub async fn chat(
    State(services): App,
    Visitor(caller): Visitor,
    headers: HeaderMap,
    Body(map): Body<JsonMap>,
) -> ApiResult<Response> {
    ox_app::require_chat(caller.app.mode)?;
    let mut fields = Fields::new("ChatMessagePayload", map);
    let mut request = common(&mut fields);
    request.query = Some(fields.text("query"));
    request.conversation_id = web_uuid(&mut fields, "conversation_id").map(ConversationId);
    request.parent_message_id = web_uuid(&mut fields, "parent_message_id").map(MessageId);
    fields.finish()?;
    answer_of(&services, &caller, request, &headers).await
}

/// The page's words for an id that is none.
fn web_uuid(fields: &mut Fields, name: &str) -> Option<Uuid> {
    let text = fields.optional_text(name).filter(|text| !text.trim().is_empty())?;
    let id = text.trim().parse().ok();
    if id.is_none() {
        fields.problem(name, &format!("Value error, {text} is not a valid uuid. [type=value_error]"));
    }
    id
}

/// Ask for a completion.
#[utoipa::path(post, path = "/completion-messages", tag = "Web app", security(("passport" = [])),
    request_body = RunRequestBody,
    responses((status = 200, description = "The answer, or a stream of events"), (status = 400, body = ErrorBody)))]
pub async fn completion(
    State(services): App,
    Visitor(caller): Visitor,
    headers: HeaderMap,
    Body(map): Body<JsonMap>,
) -> ApiResult<Response> {
    require(caller.app.mode, AppMode::Completion)?;
    let mut fields = Fields::new("CompletionMessagePayload", map);
    let mut request = common(&mut fields);
    request.query = fields.optional_text("query");
    fields.finish()?;
    answer_of(&services, &caller, request, &headers).await
}

/// Run the workflow; always a stream.
#[utoipa::path(post, path = "/workflows/run", tag = "Web app", security(("passport" = [])),
    request_body = RunRequestBody,
    responses((status = 200, description = "A stream of events"), (status = 400, body = ErrorBody)))]
pub async fn run(
    State(services): App,
    Visitor(caller): Visitor,
    headers: HeaderMap,
    Body(map): Body<JsonMap>,
) -> ApiResult<Response> {
    require(caller.app.mode, AppMode::Workflow)?;
    let mut fields = Fields::new("WorkflowRunPayload", map);
    let mut request = common(&mut fields);
    fields.finish()?;
    request.blocking = false;
    answer_of(&services, &caller, request, &headers).await
}

async fn answer_of(
    services: &std::sync::Arc<ox_app::Services>,
    caller: &ox_app::AppCaller,
    request: RunRequest,
    headers: &HeaderMap,
) -> ApiResult<Response> {
    let is_blocking = request.blocking;
    answer::answer(runs::start(services, caller, request).await?, is_blocking, headers).await
}

pub(super) fn require(mode: AppMode, wanted: AppMode) -> Result<(), Error> {
    if mode == wanted {
        return Ok(());
    }
    Err(match wanted {
        AppMode::Workflow => {
            Error::new(400, "not_workflow_app", "Please check if your Workflow app mode matches the right API route.")
        }
        AppMode::Completion => {
            let text = "Please check if your Completion app mode matches the right API route.";
            Error::new(400, "not_completion_app", text)
        }
        _ => Error::new(400, "not_chat_app", WRONG_MODE),
    })
}

/// Stop a chat generation.
#[utoipa::path(post, path = "/chat-messages/{task_id}/stop", tag = "Web app", security(("passport" = [])),
    params(("task_id" = String, Path)), responses((status = 200, body = ResultBody)))]
pub async fn stop_chat(
    State(services): App,
    Visitor(caller): Visitor,
    Path(task_id): Path<String>,
) -> ApiResult<Json<ResultBody>> {
    ox_app::require_chat(caller.app.mode)?;
    stop(&services, &caller, &task_id, Some(caller.user.id())).await
}

/// Stop a completion.
#[utoipa::path(post, path = "/completion-messages/{task_id}/stop", tag = "Web app", security(("passport" = [])),
    params(("task_id" = String, Path)), responses((status = 200, body = ResultBody)))]
pub async fn stop_completion(
    State(services): App,
    Visitor(caller): Visitor,
    Path(task_id): Path<String>,
) -> ApiResult<Json<ResultBody>> {
    require(caller.app.mode, AppMode::Completion)?;
    stop(&services, &caller, &task_id, Some(caller.user.id())).await
}

/// Stop a workflow run.
#[utoipa::path(post, path = "/workflows/tasks/{task_id}/stop", tag = "Web app", security(("passport" = [])),
    params(("task_id" = String, Path)), responses((status = 200, body = ResultBody)))]
pub async fn stop_workflow(
    State(services): App,
    Visitor(caller): Visitor,
    Path(task_id): Path<String>,
) -> ApiResult<Json<ResultBody>> {
    require(caller.app.mode, AppMode::Workflow)?;
    // A page's visitor stops its own runs only: unlike a key, its passport is anybody's.
    stop(&services, &caller, &task_id, Some(caller.user.id())).await
}

async fn stop(
    services: &ox_app::Services,
    caller: &ox_app::AppCaller,
    task_id: &str,
    user: Option<Uuid>,
) -> ApiResult<Json<ResultBody>> {
    if let Ok(task_id) = task_id.parse::<TaskId>() {
        runs::signals::stop(services, caller.app.app.id, task_id, user).await;
    }
    Ok(success())
}
