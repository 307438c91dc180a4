//! Forms under their own address: who has the token may answer; and the events of a visitor's run.

use axum::{
    Json,
    extract::{Multipart, RawQuery, State, multipart::MultipartRejection},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use ox_app::{
    human_input::{self, Door},
    runs::follow::{self, Whose},
};
use ox_types::RunId;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{App, Visitor};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path},
    service::{
        Detail, FileBody, FormAnswer, FormBody, UploadBody, answer_of, form, from_query, parts, site_of, streaming,
        wanted,
    },
};

/// A form with the look of its app.
#[utoipa::path(get, path = "/form/human_input/{form_token}", tag = "Web app", params(("form_token" = String, Path)),
    responses((status = 200, body = FormBody), (status = 404, body = ErrorBody), (status = 412, body = ErrorBody)))]
pub async fn read(State(services): App, Path(token): Path<String>) -> ApiResult<Json<Value>> {
    let found = human_input::find(&services, Door::Public, &token).await?;
    let app = services.runs.published.app(found.app_id).await?;
    let mut body = serde_json::to_value(FormBody::new(&found)).unwrap_or_default();
    if let Value::Object(fields) = &mut body {
        fields.insert("site".to_owned(), app.map(|app| site_of(&services, &app)).unwrap_or_default());
    }
    Ok(Json(body))
}

/// Answer a form; its run goes on.
#[utoipa::path(post, path = "/form/human_input/{form_token}", tag = "Web app", params(("form_token" = String, Path)),
    request_body = FormAnswer,
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 412, body = ErrorBody)))]
pub async fn submit(
    State(services): App,
    Path(token): Path<String>,
    Body(map): Body<Map<String, Value>>,
) -> ApiResult<Json<Value>> {
    let (inputs, action) = answer_of(map)?;
    human_input::submit(&services, Door::Public, &token, &inputs, &action, None).await?;
    Ok(Json(json!({})))
}

/// Upload a file for a form, to name it in the answer.
#[utoipa::path(post, path = "/form/human_input/{form_token}/files", tag = "Web app",
    params(("form_token" = String, Path)), request_body(content = UploadBody, content_type = "multipart/form-data"),
    responses((status = 201, body = FileBody), (status = 404, body = ErrorBody), (status = 413, body = ErrorBody)))]
pub async fn upload(
    State(services): App,
    Path(token): Path<String>,
    found: Result<Multipart, MultipartRejection>,
) -> ApiResult<(StatusCode, Json<FileBody>)> {
    // The token is checked before the file is read.
    human_input::find(&services, Door::Public, &token).await?;
    let form = form(parts(found)?).await?;
    let file = human_input::upload(&services, &token, &form.name, &form.mime, form.bytes).await?;
    Ok((StatusCode::CREATED, Json(FileBody::new(&services, file))))
}

/// Events of a run of the visitor, from where the page left off.
#[utoipa::path(get, path = "/workflow/{run_id}/events", tag = "Web app", security(("passport" = [])),
    params(("run_id" = Uuid, Path), ("include_state_snapshot" = Option<bool>, Query),
        ("continue_on_pause" = Option<bool>, Query)),
    responses((status = 200, description = "A stream of events"), (status = 404, body = ErrorBody)))]
pub async fn events(
    State(services): App,
    Visitor(caller): Visitor,
    Path(id): Path<Uuid>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let mut fields = from_query("WorkflowEventsQuery", query.as_deref());
    let wanted = wanted(&mut fields, &headers);
    let whose = Whose { tenant: caller.tenant_id(), app: caller.app.app.id, user: caller.user.id() };
    let reader = follow::events(&services, whose, RunId(id), wanted).await?;
    Ok(streaming(reader, Detail::Reduced, true))
}
