//! Debug runs from the editor: drafts, previews of basic apps, stop, uploads.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use ox_app::{
    Error, Principal, Services,
    debug::{self, PreviewRequest},
    files::Upload,
    runs::RunRequest,
};
use ox_types::{AppId, MessageId, TaskId};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::{
    App,
    guard::Caller,
    view::{Done, seconds},
};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Form, Path},
    openapi::routes,
    service::{answer, body_limit, frames::Detail, multipart_error},
};

pub fn router(services: &Arc<Services>) -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(run_draft))
        .routes(routes!(run_chat_draft))
        .routes(routes!(stop_run))
        .routes(routes!(super::logs::messages, preview_chat))
        .routes(routes!(preview_completion))
        .routes(routes!(stop_chat))
        .routes(routes!(stop_completion))
        .routes(routes!(suggested))
        .merge(OpenApiRouter::new().routes(routes!(super::system::upload_limits, upload)).layer(body_limit(services)))
}

/// Inputs of a draft run.
#[derive(Deserialize, ToSchema)]
pub struct DraftRunBody {
    #[serde(default)]
    #[schema(value_type = Object)]
    inputs: Map<String, Value>,
    #[serde(default)]
    query: String,
    conversation_id: Option<String>,
    parent_message_id: Option<String>,
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    files: Option<Vec<Value>>,
}

fn id<T: std::str::FromStr>(name: &str, text: Option<String>) -> Result<Option<T>, Error> {
    let text = text.filter(|text| !text.trim().is_empty());
    text.map(|text| text.trim().parse().map_err(|_| Error::invalid_field(name, format!("{name} must be a valid UUID"))))
        .transpose()
}

impl DraftRunBody {
    fn request(self) -> Result<RunRequest, Error> {
        Ok(RunRequest {
            inputs: self.inputs,
            query: Some(self.query),
            files: self.files.unwrap_or_default(),
            conversation_id: id("conversation_id", self.conversation_id)?,
            parent_message_id: id("parent_message_id", self.parent_message_id)?,
            ..RunRequest::default()
        })
    }
}

#[utoipa::path(post, path = "/apps/{app_id}/workflows/draft/run", tag = "debug", request_body = DraftRunBody, params(("app_id" = Uuid, Path)),
    responses((status = 200, content_type = "text/event-stream"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody)))]
async fn run_draft(
    State(services): App,
    Caller(caller): Caller,
    Path(app): Path<AppId>,
    Body(body): Body<DraftRunBody>,
) -> ApiResult<Response> {
    let run = debug::run_draft(&services, &caller, app, "workflow", body.request()?).await?;
    Ok(answer::streaming(run, Detail::Full, false))
}

#[utoipa::path(post, path = "/apps/{app_id}/advanced-chat/workflows/draft/run", tag = "debug", request_body = DraftRunBody, params(("app_id" = Uuid, Path)),
    responses((status = 200, content_type = "text/event-stream"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody)))]
async fn run_chat_draft(
    State(services): App,
    Caller(caller): Caller,
    Path(app): Path<AppId>,
    Body(body): Body<DraftRunBody>,
) -> ApiResult<Response> {
    let run = debug::run_draft(&services, &caller, app, "advanced-chat", body.request()?).await?;
    Ok(answer::streaming(run, Detail::Full, false))
}

async fn stop(services: &Services, caller: &Principal, app: AppId, task: TaskId) -> ApiResult<Json<Done>> {
    debug::stop(services, caller, app, task).await?;
    Ok(Json(Done::SUCCESS))
}

#[utoipa::path(post, path = "/apps/{app_id}/workflow-runs/tasks/{task_id}/stop", tag = "debug", params(("app_id" = Uuid, Path), ("task_id" = Uuid, Path)),
    responses((status = 200, body = Done), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn stop_run(
    State(services): App,
    Caller(caller): Caller,
    Path((app, task)): Path<(AppId, TaskId)>,
) -> ApiResult<Json<Done>> {
    stop(&services, &caller, app, task).await
}

#[utoipa::path(post, path = "/apps/{app_id}/chat-messages/{task_id}/stop", tag = "debug", params(("app_id" = Uuid, Path), ("task_id" = Uuid, Path)),
    responses((status = 200, body = Done), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn stop_chat(
    State(services): App,
    Caller(caller): Caller,
    Path((app, task)): Path<(AppId, TaskId)>,
) -> ApiResult<Json<Done>> {
    stop(&services, &caller, app, task).await
}

#[utoipa::path(post, path = "/apps/{app_id}/completion-messages/{task_id}/stop", tag = "debug", params(("app_id" = Uuid, Path), ("task_id" = Uuid, Path)),
    responses((status = 200, body = Done), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn stop_completion(
    State(services): App,
    Caller(caller): Caller,
    Path((app, task)): Path<(AppId, TaskId)>,
) -> ApiResult<Json<Done>> {
    stop(&services, &caller, app, task).await
}

/// A question to a basic app with a configuration that need not be saved.
#[derive(Deserialize, ToSchema)]
pub struct PreviewBody {
    #[serde(default)]
    #[schema(value_type = Object)]
    inputs: Map<String, Value>,
    #[serde(default)]
    query: String,
    #[schema(value_type = Object)]
    model_config: Value,
    conversation_id: Option<String>,
    parent_message_id: Option<String>,
    #[schema(value_type = Vec<Object>)]
    files: Option<Vec<Value>>,
    /// `streaming` or `blocking` (default).
    response_mode: Option<String>,
}

impl PreviewBody {
    fn split(self) -> Result<(PreviewRequest, bool), Error> {
        let blocking = self.response_mode.as_deref() != Some("streaming");
        let request = RunRequest {
            inputs: self.inputs,
            query: Some(self.query),
            files: self.files.unwrap_or_default(),
            blocking,
            conversation_id: id("conversation_id", self.conversation_id)?,
            parent_message_id: id("parent_message_id", self.parent_message_id)?,
            ..RunRequest::default()
        };
        Ok((PreviewRequest { request, model_config: self.model_config }, blocking))
    }
}

async fn preview(
    services: &Arc<Services>,
    caller: &Principal,
    app: AppId,
    modes: &[&str],
    body: PreviewBody,
) -> ApiResult<Response> {
    let (request, blocking) = body.split()?;
    let run = debug::preview(services, caller, app, modes, request).await?;
    answer::answer(run, blocking, &HeaderMap::new()).await
}

#[utoipa::path(post, path = "/apps/{app_id}/chat-messages", tag = "debug", request_body = PreviewBody, params(("app_id" = Uuid, Path)),
    responses((status = 200, content_type = "text/event-stream"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody)))]
async fn preview_chat(
    State(services): App,
    Caller(caller): Caller,
    Path(app): Path<AppId>,
    Body(body): Body<PreviewBody>,
) -> ApiResult<Response> {
    preview(&services, &caller, app, &["chat", "agent-chat"], body).await
}

#[utoipa::path(post, path = "/apps/{app_id}/completion-messages", tag = "debug", request_body = PreviewBody, params(("app_id" = Uuid, Path)),
    responses((status = 200, content_type = "text/event-stream"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody)))]
async fn preview_completion(
    State(services): App,
    Caller(caller): Caller,
    Path(app): Path<AppId>,
    Body(body): Body<PreviewBody>,
) -> ApiResult<Response> {
    preview(&services, &caller, app, &["completion"], body).await
}

#[utoipa::path(get, path = "/apps/{app_id}/chat-messages/{message_id}/suggested-questions", tag = "debug", params(("app_id" = Uuid, Path), ("message_id" = Uuid, Path)),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn suggested(
    State(services): App,
    Caller(caller): Caller,
    Path((app, message)): Path<(AppId, MessageId)>,
) -> ApiResult<Json<Value>> {
    Ok(Json(json!({"data": debug::suggested(&services, &caller, app, message).await?})))
}

/// A file.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the form")]
pub struct UploadForm {
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

#[utoipa::path(post, path = "/files/upload", tag = "files", request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 201, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 413, body = ErrorBody), (status = 415, body = ErrorBody)))]
async fn upload(
    State(services): App,
    Caller(caller): Caller,
    Form(mut form): Form,
) -> ApiResult<(StatusCode, Json<Value>)> {
    let missing = || Error::new(400, "no_file_uploaded", "Please upload your file.");
    let unreadable = |error: axum::extract::multipart::MultipartError| multipart_error(&error);
    let mut upload = None;
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        if field.name() != Some("file") {
            continue;
        }
        if upload.is_some() {
            return Err(Error::new(400, "too_many_files", "Only one file is allowed.").into());
        }
        let name = field.file_name().unwrap_or_default().to_owned();
        let mime = field.content_type().unwrap_or("application/octet-stream").to_owned();
        let bytes = field.bytes().await.map_err(unreadable)?;
        let created_by = caller.account_id()?.0;
        upload = Some(Upload { name, mime, bytes, created_by_role: "account", created_by, source_url: String::new() });
    }
    let file = services.files.upload(caller.tenant_id(), upload.ok_or_else(missing)?).await?;
    Ok((
        StatusCode::CREATED,
        Json(json!({
            "id": file.id, "name": file.name, "size": file.size, "extension": file.extension, "mime_type": file.mime_type,
            "created_by": file.created_by, "created_at": seconds(file.created_at), "source_url": services.files.preview_url(file.id),
        })),
    ))
}
