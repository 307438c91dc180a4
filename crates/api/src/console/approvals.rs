//! Questions of agents to members: may they call a tool?

use std::sync::Arc;

use axum::{Json, extract::State};
use ox_app::{
    Services,
    approvals::{self, Door},
};
use ox_types::AppId;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{App, guard::Caller};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path, Query},
    openapi::routes,
    service::{ApprovalAnswer, ApprovalList, verdict_of},
};

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(answer))
}

#[derive(Deserialize, IntoParams)]
struct ListQuery {
    /// Only of this app.
    app_id: Option<Uuid>,
}

#[utoipa::path(get, path = "/workspaces/current/tool-approvals", tag = "tools", params(ListQuery),
    responses((status = 200, body = ApprovalList), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
async fn list(
    State(services): App,
    Caller(caller): Caller,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<ApprovalList>> {
    let app = query.app_id.map(AppId);
    Ok(Json(ApprovalList::new(&approvals::list(&services, Door::Console(&caller), app, None).await?)))
}

#[utoipa::path(post, path = "/workspaces/current/tool-approvals/{approval_id}", tag = "tools", params(("approval_id" = Uuid, Path)), request_body = ApprovalAnswer,
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn answer(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<Uuid>,
    Body(map): Body<Map<String, Value>>,
) -> ApiResult<Json<Value>> {
    let (action, reason) = verdict_of(&map)?;
    approvals::answer(&services, Door::Console(&caller), id, &action, &reason).await?;
    Ok(Json(json!({"result": "success"})))
}
