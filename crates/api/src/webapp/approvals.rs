//! Questions of agents to a visitor: may they call a tool?

use axum::{
    Json,
    extract::{RawQuery, State},
};
use ox_app::approvals::{self, Door};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{App, Visitor};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path},
    service::{ApprovalAnswer, ApprovalList, from_query, task_of, verdict_of},
};

/// The open questions of the visitor's agents.
#[utoipa::path(get, path = "/tool-approvals", tag = "Web app", params(("task_id" = Option<Uuid>, Query)),
    responses((status = 200, body = ApprovalList), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
pub async fn list(
    State(services): App,
    Visitor(caller): Visitor,
    RawQuery(query): RawQuery,
) -> ApiResult<Json<ApprovalList>> {
    let task = task_of(&from_query(query.as_deref()))?;
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
