//! Where the traces of an app go.

use axum::{Json, extract::State, http::StatusCode};
use ox_app::{
    Services,
    traces::{self, ConfigView, Tracing},
};
use ox_types::AppId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::{
    App,
    guard::Caller,
    view::{Done, seconds},
};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path, Query},
    openapi::routes,
};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    OpenApiRouter::new().routes(routes!(get, set)).routes(routes!(config, create, update, delete))
}

/// Whether an app is traced, and where.
#[derive(Deserialize, Serialize, ToSchema)]
struct TraceState {
    enabled: bool,
    /// `langfuse` or `otlp`.
    tracing_provider: Option<String>,
}

#[utoipa::path(get, path = "/apps/{app_id}/trace", tag = "traces", params(("app_id" = Uuid, Path)),
    responses((status = 200, body = TraceState), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn get(State(services): App, Caller(caller): Caller, Path(id): Path<AppId>) -> ApiResult<Json<TraceState>> {
    let Tracing { enabled, provider } = traces::tracing(&services, &caller, id).await?;
    Ok(Json(TraceState { enabled, tracing_provider: provider }))
}

#[utoipa::path(post, path = "/apps/{app_id}/trace", tag = "traces", params(("app_id" = Uuid, Path)), request_body = TraceState,
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn set(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Body(body): Body<TraceState>,
) -> ApiResult<Json<Done>> {
    let wanted = Tracing { enabled: body.enabled, provider: body.tracing_provider };
    traces::set_tracing(&services, &caller, id, wanted).await?;
    Ok(Json(Done::SUCCESS))
}

#[derive(Deserialize, IntoParams)]
struct ProviderQuery {
    /// `langfuse` or `otlp`.
    tracing_provider: String,
}

/// How a provider is reached.
#[derive(Deserialize, ToSchema)]
struct TraceConfigBody {
    /// `langfuse` or `otlp`.
    tracing_provider: String,
    /// Of Langfuse `public_key`, `secret_key`, `host`; of OTLP `endpoint`, `headers` (`name=value,…`), `service_name`,
    /// `protocol` (`http/protobuf`, the default, or `http/json`).
    #[schema(value_type = Object)]
    tracing_config: Map<String, Value>,
}

fn view(found: &ConfigView) -> Value {
    let row = &found.row;
    json!({
        "id": row.id, "app_id": row.app_id, "tracing_provider": row.provider, "tracing_config": found.masked,
        "is_active": row.is_active, "created_at": seconds(row.created_at), "updated_at": seconds(row.updated_at),
    })
}

#[utoipa::path(get, path = "/apps/{app_id}/trace-config", tag = "traces", params(("app_id" = Uuid, Path), ProviderQuery),
    responses((status = 200, body = Object, description = "Secrets are masked; `has_not_configured` where there is none"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn config(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<ProviderQuery>,
) -> ApiResult<Json<Value>> {
    let found = traces::config(&services, &caller, id, &query.tracing_provider).await?;
    Ok(Json(found.map_or_else(|| json!({"has_not_configured": true}), |found| view(&found))))
}

#[utoipa::path(post, path = "/apps/{app_id}/trace-config", tag = "traces", params(("app_id" = Uuid, Path)), request_body = TraceConfigBody,
    responses((status = 201, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn create(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Body(body): Body<TraceConfigBody>,
) -> ApiResult<(StatusCode, Json<Value>)> {
    let made = traces::create(&services, &caller, id, &body.tracing_provider, body.tracing_config).await?;
    Ok((StatusCode::CREATED, Json(view(&made))))
}

#[utoipa::path(patch, path = "/apps/{app_id}/trace-config", tag = "traces", params(("app_id" = Uuid, Path)), request_body = TraceConfigBody,
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn update(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Body(body): Body<TraceConfigBody>,
) -> ApiResult<Json<Done>> {
    traces::update(&services, &caller, id, &body.tracing_provider, body.tracing_config).await?;
    Ok(Json(Done::SUCCESS))
}

#[utoipa::path(delete, path = "/apps/{app_id}/trace-config", tag = "traces", params(("app_id" = Uuid, Path), ProviderQuery),
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<ProviderQuery>,
) -> ApiResult<StatusCode> {
    traces::delete(&services, &caller, id, &query.tracing_provider).await?;
    Ok(StatusCode::NO_CONTENT)
}
