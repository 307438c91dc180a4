//! Triggers of apps in the console: their list, addresses, events, and trying them out.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use ox_app::{
    Error, Principal, Services,
    model::{AppTrigger, TriggerLog},
    triggers::{self, debug},
};
use ox_types::AppId;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{App, Caller};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path, Query},
    openapi::routes,
    origin,
    service::{Detail, streaming},
};

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(enable))
        .routes(routes!(logs))
        .routes(routes!(webhook))
        .routes(routes!(run))
        .routes(routes!(run_all))
        .routes(routes!(run_node))
        .routes(routes!(schedule))
}

/// Compat: times of triggers are ISO 8601.
fn iso(at: chrono::DateTime<chrono::Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

fn view(trigger: &AppTrigger) -> Value {
    json!({
        "id": trigger.id,
        "trigger_type": trigger.trigger_type,
        "title": trigger.title,
        "node_id": trigger.node_id,
        "provider_name": trigger.provider_name,
        "icon": "",
        "status": trigger.status,
        "created_at": iso(trigger.created_at),
        "updated_at": iso(trigger.updated_at),
    })
}

#[utoipa::path(get, path = "/apps/{app_id}/triggers", tag = "triggers", params(("app_id" = Uuid, Path)),
    responses((status = 200, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn list(State(services): App, Caller(caller): Caller, Path(app): Path<AppId>) -> ApiResult<Json<Value>> {
    let data: Vec<Value> = triggers::list(&services, &caller, app).await?.iter().map(view).collect();
    Ok(Json(json!({"data": data})))
}

/// Switches a trigger.
#[derive(Deserialize, ToSchema)]
pub struct TriggerSwitch {
    trigger_id: Uuid,
    enable_trigger: bool,
}

#[utoipa::path(post, path = "/apps/{app_id}/trigger-enable", tag = "triggers", params(("app_id" = Uuid, Path)), request_body = TriggerSwitch,
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn enable(
    State(services): App,
    Caller(caller): Caller,
    Path(app): Path<AppId>,
    Body(body): Body<TriggerSwitch>,
) -> ApiResult<Json<Value>> {
    let trigger = triggers::enable(&services, &caller, app, body.trigger_id, body.enable_trigger).await?;
    Ok(Json(view(&trigger)))
}

/// Which events are listed.
#[derive(Deserialize)]
pub struct LogQuery {
    node_id: Option<String>,
    page: Option<u64>,
    limit: Option<u64>,
}

#[utoipa::path(get, path = "/apps/{app_id}/trigger-logs", tag = "triggers",
    params(("app_id" = Uuid, Path), ("node_id" = Option<String>, Query), ("page" = Option<u64>, Query), ("limit" = Option<u64>, Query)),
    responses((status = 200, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn logs(
    State(services): App,
    Caller(caller): Caller,
    Path(app): Path<AppId>,
    Query(query): Query<LogQuery>,
) -> ApiResult<Json<Value>> {
    let (page, limit) = (query.page.unwrap_or(1).max(1), query.limit.unwrap_or(20).clamp(1, 100));
    let (rows, more) = triggers::logs(&services, &caller, app, query.node_id, page, limit).await?;
    let data: Vec<Value> = rows.iter().map(|(log, run)| entry(log, run.as_ref())).collect();
    Ok(Json(json!({"page": page, "limit": limit, "has_more": more, "data": data})))
}

fn entry(log: &TriggerLog, run: Option<&ox_app::model::WorkflowRun>) -> Value {
    let json =
        |text: Option<&String>| text.and_then(|text| serde_json::from_str::<Value>(text).ok()).unwrap_or_default();
    // The run tells better than the event how far it has come.
    let status = run.map_or(log.status.as_str(), |run| run.status.as_str());
    json!({
        "id": log.id,
        "trigger_type": log.trigger_type,
        "node_id": log.root_node_id,
        "status": status,
        "error": run.and_then(|run| run.error.clone()).or_else(|| log.error.clone()),
        "workflow_id": log.workflow_id,
        "workflow_run_id": run.map(|run| run.id),
        "trigger_metadata": log.trigger_metadata,
        "trigger_data": log.trigger_data,
        "inputs": log.inputs,
        "outputs": run.map(|run| json(run.outputs.as_ref())),
        "elapsed_time": run.map(|run| run.elapsed_time),
        "total_tokens": run.map(|run| run.total_tokens),
        "retry_count": log.retry_count,
        "triggered_at": log.triggered_at.timestamp(),
        "finished_at": run.and_then(|run| run.finished_at).or(log.finished_at).map(|at| at.timestamp()),
    })
}

/// The node whose address is asked for.
#[derive(Deserialize)]
pub struct WebhookQuery {
    node_id: String,
}

/// Where webhooks reach this server.
pub(super) fn base(services: &Services, headers: &HeaderMap) -> String {
    let set = services.settings.trigger_url.trim_end_matches('/');
    if set.is_empty() { origin::of_request(services, headers) } else { set.to_owned() }
}

#[utoipa::path(get, path = "/apps/{app_id}/workflows/triggers/webhook", tag = "triggers", params(("app_id" = Uuid, Path), ("node_id" = String, Query)),
    responses((status = 200, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn webhook(
    State(services): App,
    Caller(caller): Caller,
    Path(app): Path<AppId>,
    Query(query): Query<WebhookQuery>,
    headers: HeaderMap,
) -> ApiResult<Json<Value>> {
    let found = triggers::webhook_of(&services, &caller, app, &query.node_id).await?;
    let base = base(&services, &headers);
    Ok(Json(json!({
        "id": found.id,
        "webhook_id": found.webhook_id,
        "webhook_url": format!("{base}/triggers/webhook/{}", found.webhook_id),
        "webhook_debug_url": format!("{base}/triggers/webhook-debug/{}", found.webhook_id),
        "node_id": found.node_id,
        "created_at": iso(found.created_at),
    })))
}

/// A trigger of the draft to be tried out.
#[derive(Deserialize, ToSchema)]
pub struct TriggerRun {
    node_id: String,
}

/// Triggers of the draft to be tried out: the first that fires wins.
#[derive(Deserialize, ToSchema)]
pub struct TriggerRunAll {
    node_ids: Vec<String>,
}

fn waiting() -> Response {
    Json(json!({"status": "waiting", "retry_in": debug::RETRY_MS})).into_response()
}

/// Compat: errors of trying out have a shape of their own.
fn refusal(error: Error) -> ApiResult<Response> {
    if error.status != 400 {
        return Err(error.into());
    }
    Ok((StatusCode::BAD_REQUEST, Json(json!({"status": "error", "error": error.message}))).into_response())
}

async fn listen(services: &Arc<Services>, caller: &Principal, app: AppId, nodes: &[String]) -> ApiResult<Response> {
    match debug::ask(services, caller, app, nodes).await {
        Ok(debug::Asked::Waiting) => Ok(waiting()),
        Ok(debug::Asked::Fired { node, outputs }) => {
            let run = debug::run(services, caller, app, &node, outputs).await?;
            Ok(streaming(run, Detail::Full, false))
        }
        Err(error) => refusal(error),
    }
}

#[utoipa::path(post, path = "/apps/{app_id}/workflows/draft/trigger/run", tag = "triggers", params(("app_id" = Uuid, Path)), request_body = TriggerRun,
    responses((status = 200, body = Object), (status = 400, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn run(
    State(services): App,
    Caller(caller): Caller,
    Path(app): Path<AppId>,
    Body(body): Body<TriggerRun>,
) -> ApiResult<Response> {
    listen(&services, &caller, app, &[body.node_id]).await
}

#[utoipa::path(post, path = "/apps/{app_id}/workflows/draft/trigger/run-all", tag = "triggers", params(("app_id" = Uuid, Path)), request_body = TriggerRunAll,
    responses((status = 200, body = Object), (status = 400, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn run_all(
    State(services): App,
    Caller(caller): Caller,
    Path(app): Path<AppId>,
    Body(body): Body<TriggerRunAll>,
) -> ApiResult<Response> {
    listen(&services, &caller, app, &body.node_ids).await
}

#[utoipa::path(post, path = "/apps/{app_id}/workflows/draft/nodes/{node_id}/trigger/run", tag = "triggers", params(("app_id" = Uuid, Path), ("node_id" = String, Path)),
    responses((status = 200, body = Object), (status = 400, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn run_node(
    State(services): App,
    Caller(caller): Caller,
    Path((app, node)): Path<(AppId, String)>,
) -> ApiResult<Response> {
    let at = chrono::Utc::now().timestamp();
    match debug::ask(&services, &caller, app, std::slice::from_ref(&node)).await {
        Ok(debug::Asked::Waiting) => Ok(waiting()),
        Ok(debug::Asked::Fired { node, outputs }) => Ok(Json(json!({
            "id": ox_types::new_uuid(), "node_id": node, "status": "succeeded", "inputs": outputs, "process_data": {},
            "outputs": outputs, "error": null, "elapsed_time": 0.0, "execution_metadata": {}, "index": 1,
            "predecessor_node_id": null, "created_at": at, "finished_at": at,
        }))
        .into_response()),
        Err(error) => refusal(error),
    }
}

/// A schedule as its node is set.
#[derive(Deserialize, ToSchema)]
pub struct ScheduleBody {
    #[schema(value_type = Object)]
    config: Value,
    count: Option<usize>,
}

/// The next times of a schedule.
#[utoipa::path(post, path = "/apps/{app_id}/workflows/draft/trigger/schedule/preview", tag = "triggers", params(("app_id" = Uuid, Path)), request_body = ScheduleBody,
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn schedule(
    State(services): App,
    Caller(caller): Caller,
    Path(app): Path<AppId>,
    Body(body): Body<ScheduleBody>,
) -> ApiResult<Json<Value>> {
    ox_app::apps::find(&services, &caller, app).await?;
    Ok(Json(debug::preview(&body.config, body.count.unwrap_or(5))?))
}
