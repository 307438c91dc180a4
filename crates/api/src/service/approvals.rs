//! Questions of agents whether they may call a tool.

use axum::{Json, extract::State};
use ox_app::{
    AppCaller, Error,
    approvals::{self, Approval, Door},
};
use ox_types::TaskId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    App, KeyApp,
    fields::{required_user, user_missing},
};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path, Query},
};

/// Open questions.
#[derive(Serialize, ToSchema)]
pub struct ApprovalList {
    #[schema(value_type = Vec<Object>)]
    pub data: Vec<Value>,
}

impl ApprovalList {
    /// As they are shown.
    pub fn new(questions: &[Approval]) -> Self {
        Self { data: questions.iter().map(Approval::to_json).collect() }
    }
}

/// An answer to a question.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the body")]
pub struct ApprovalAnswer {
    /// `approve` or `deny`.
    action: String,
    /// What the model is told of a call that is denied.
    reason: Option<String>,
    /// The user of the run; Service API only.
    user: Option<String>,
}

/// The action and the reason of an answer.
///
/// # Errors
/// 400 when there is no action.
pub fn verdict_of(map: &Map<String, Value>) -> Result<(String, String), Error> {
    let text = |name: &str| map.get(name).and_then(Value::as_str).map(str::to_owned);
    let action = text("action").ok_or_else(|| Error::invalid_field("action", "action: Field required"))?;
    Ok((action, text("reason").unwrap_or_default()))
}

/// Whose questions, and of which task.
#[derive(Deserialize, IntoParams)]
pub struct ListQuery {
    user: Option<String>,
    /// Only of this task.
    task_id: Option<Uuid>,
}

/// The open questions of a user's agents.
#[utoipa::path(get, path = "/tool-approvals", tag = "Tool approvals", security(("app_key" = [])),
    params(ListQuery),
    responses((status = 200, body = ApprovalList), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
pub async fn list(
    State(services): App,
    KeyApp(app): KeyApp,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<ApprovalList>> {
    let user = query.user.filter(|user| !user.is_empty()).ok_or_else(user_missing)?;
    let task = query.task_id.map(TaskId);
    let caller = AppCaller::service(&services, app, Some(&user)).await?;
    Ok(Json(ApprovalList::new(&approvals::list(&services, Door::App(&caller), None, task).await?)))
}

/// Answer a question of a user's agent; the agent goes on.
#[utoipa::path(post, path = "/tool-approvals/{approval_id}", tag = "Tool approvals", security(("app_key" = [])),
    params(("approval_id" = Uuid, Path)), request_body = ApprovalAnswer,
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn answer(
    State(services): App,
    KeyApp(app): KeyApp,
    Path(id): Path<Uuid>,
    Body(map): Body<Map<String, Value>>,
) -> ApiResult<Json<Value>> {
    let user = required_user(&map)?;
    let (action, reason) = verdict_of(&map)?;
    let caller = AppCaller::service(&services, app, Some(&user)).await?;
    approvals::answer(&services, Door::App(&caller), id, &action, &reason).await?;
    Ok(Json(json!({"result": "success"})))
}
