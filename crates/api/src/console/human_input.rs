//! Forms of waiting runs in the console: answered, listed, previewed; and the events of a member's run.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::HeaderMap,
    response::Response,
};
use ox_app::{
    Principal, Services,
    human_input::{self, Door},
    model::{FormRecipient, HumanInputForm},
    runs::follow,
};
use ox_types::{AppId, RunId};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::{App, Caller};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path},
    openapi::routes,
    service::{Detail, FormAnswer, FormBody, answer_of, from_query, streaming, wanted},
};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(read, submit))
        .routes(routes!(events))
        .routes(routes!(of_run))
        .routes(routes!(preview))
        .routes(routes!(preview_chat))
}

#[utoipa::path(get, path = "/form/human_input/{form_token}", tag = "human input", params(("form_token" = String, Path)),
    responses((status = 200, body = FormBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 412, body = ErrorBody)))]
async fn read(State(services): App, Caller(caller): Caller, Path(token): Path<String>) -> ApiResult<Json<Value>> {
    let form = human_input::find(&services, Door::Console(&caller), &token).await?;
    let mut body = serde_json::to_value(FormBody::new(&form)).unwrap_or_default();
    if let Value::Object(fields) = &mut body {
        fields.insert("form_id".into(), json!(form.id));
        fields.insert("node_id".into(), form.node_id.into());
        fields.insert("node_title".into(), form.node_title.into());
        fields.insert("app_id".into(), json!(form.app_id));
        fields.insert("workflow_run_id".into(), json!(form.workflow_run_id));
    }
    Ok(Json(body))
}

#[utoipa::path(post, path = "/form/human_input/{form_token}", tag = "human input", params(("form_token" = String, Path)), request_body = FormAnswer,
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 412, body = ErrorBody)))]
async fn submit(
    State(services): App,
    Caller(caller): Caller,
    Path(token): Path<String>,
    Body(map): Body<Map<String, Value>>,
) -> ApiResult<Json<Value>> {
    let (inputs, action) = answer_of(map)?;
    human_input::submit(&services, Door::Console(&caller), &token, &inputs, &action, None).await?;
    Ok(Json(json!({})))
}

#[utoipa::path(get, path = "/workflow/{workflow_run_id}/events", tag = "human input",
    params(("workflow_run_id" = Uuid, Path), ("include_state_snapshot" = Option<bool>, Query), ("continue_on_pause" = Option<bool>, Query)),
    responses((status = 200, content_type = "text/event-stream"), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn events(
    State(services): App,
    Caller(caller): Caller,
    Path(run): Path<RunId>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let mut fields = from_query("WorkflowEventsQuery", query.as_deref());
    let wanted = wanted(&mut fields, &headers);
    let reader = follow::events_of_member(&services, &caller, run, wanted).await?;
    Ok(streaming(reader, Detail::Full, true))
}

fn form(form: &HumanInputForm, recipients: &[FormRecipient]) -> Value {
    let part = |key: &str| form.definition.get(key).cloned().unwrap_or_default();
    let waits = form.status == "waiting";
    let token = recipients.iter().find(|recipient| recipient.kind == "console").filter(|_| waits);
    let deliveries: Vec<Value> = recipients
        .iter()
        .map(|to| json!({"type": to.kind, "target": to.address, "status": to.status, "error": to.error}))
        .collect();
    json!({
        "form_id": form.id,
        "node_id": form.node_id,
        "node_title": form.node_title,
        "status": form.status,
        "form_content": part("form_content"),
        "inputs": part("inputs"),
        "user_actions": part("actions"),
        "resolved_default_values": part("resolved_default_values"),
        "expiration_time": form.expires_at.timestamp(),
        "created_at": form.created_at.timestamp(),
        "submitted_at": form.submitted_at.map(|at| at.timestamp()),
        "action_id": form.action_id,
        "submitted_data": form.submitted_data,
        "form_token": token.map(|recipient| &recipient.token),
        "deliveries": deliveries,
    })
}

/// The forms of a run.
#[utoipa::path(get, path = "/apps/{app_id}/workflow-runs/{run_id}/forms", tag = "human input", params(("app_id" = Uuid, Path), ("run_id" = Uuid, Path)),
    responses((status = 200, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn of_run(
    State(services): App,
    Caller(caller): Caller,
    Path((app, run)): Path<(AppId, RunId)>,
) -> ApiResult<Json<Value>> {
    let forms = human_input::of_run(&services, &caller, app, run).await?;
    let data: Vec<Value> = forms.iter().map(|(found, recipients)| form(found, recipients)).collect();
    Ok(Json(json!({"data": data})))
}

/// Values of the variables that a form reads.
#[derive(Deserialize, ToSchema)]
pub struct PreviewForm {
    #[serde(default)]
    #[schema(value_type = Object)]
    inputs: Map<String, Value>,
}

async fn show(
    services: &Services,
    caller: &Principal,
    app: AppId,
    mode: &str,
    node: &str,
    body: &PreviewForm,
) -> ApiResult<Json<Value>> {
    Ok(Json(human_input::preview(services, caller, app, mode, node, &body.inputs).await?))
}

#[utoipa::path(post, path = "/apps/{app_id}/workflows/draft/human-input/nodes/{node_id}/form/preview", tag = "human input", params(("app_id" = Uuid, Path), ("node_id" = String, Path)), request_body = PreviewForm,
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn preview(
    State(services): App,
    Caller(caller): Caller,
    Path((app, node)): Path<(AppId, String)>,
    Body(body): Body<PreviewForm>,
) -> ApiResult<Json<Value>> {
    show(&services, &caller, app, "workflow", &node, &body).await
}

#[utoipa::path(post, path = "/apps/{app_id}/advanced-chat/workflows/draft/human-input/nodes/{node_id}/form/preview", tag = "human input", params(("app_id" = Uuid, Path), ("node_id" = String, Path)), request_body = PreviewForm,
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn preview_chat(
    State(services): App,
    Caller(caller): Caller,
    Path((app, node)): Path<(AppId, String)>,
    Body(body): Body<PreviewForm>,
) -> ApiResult<Json<Value>> {
    show(&services, &caller, app, "advanced-chat", &node, &body).await
}
