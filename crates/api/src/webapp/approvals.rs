//! Questions of agents to a visitor: may they call a tool?

use axum::{Json, extract::State};
use ox_app::approvals::{self, Door};
use ox_types::TaskId;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::IntoParams;
use uuid::Uuid;

use super::{App, Visitor};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path, Query},
    service::{ApprovalAnswer, ApprovalList, verdict_of},
};

/// Of which task.
#[derive(Deserialize, IntoParams)]
pub struct ListQuery {
    task_id: Option<Uuid>,
}

/// The open questions of the visitor's agents.
#[utoipa::path(get, path = "/tool-approvals", tag = "Web app", params(ListQuery),
    responses((status = 200, body = ApprovalList), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
pub async fn list(
    State(services): App,
    Visitor(caller): Visitor,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<ApprovalList>> {
    let task = query.task_id.map(TaskId);
    Ok(Json(ApprovalList::new(&approvals::list(&services, Door::App(&caller), None, task).await?)))
}

/// Answer a question; the agent goes on.
#[utoipa::path(post, path = "/tool-approvals/{approval_id}", tag = "Web app", params(("approval_id" = Uuid, Path)),
    request_body = ApprovalAnswer,
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn answer(
    State(services): App,
    Visitor(caller): Visitor,
    Path(id): Path<Uuid>,
    Body(map): Body<Map<String, Value>>,
) -> ApiResult<Json<Value>> {
    let (action, reason) = verdict_of(&map)?;
    approvals::answer(&services, Door::App(&caller), id, &action, &reason).await?;
    Ok(Json(json!({"result": "success"})))
}
