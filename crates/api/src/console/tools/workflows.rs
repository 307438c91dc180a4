//! Workflows that are offered as tools.

use std::sync::Arc;

use axum::{Json, extract::State};
use ox_app::{
    Services,
    tools::workflows::{self, WorkflowForm},
};
use ox_types::AppId;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use crate::{
    ApiResult,
    console::{App, guard::Caller, view::Done},
    error::ErrorBody,
    extract::{Body, Query},
    openapi::routes,
};

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(update))
        .routes(routes!(delete))
        .routes(routes!(get))
        .routes(routes!(tools))
}

/// What a tool is made of.
#[derive(Deserialize, ToSchema)]
pub struct WorkflowToolFields {
    /// Letters, digits and underscores.
    name: String,
    label: String,
    #[serde(default)]
    description: String,
    /// `{content, background}`
    #[schema(value_type = Object)]
    #[serde(default)]
    icon: Value,
    /// `[{name, description, form}]`; `form` is `llm` or `form`.
    #[schema(value_type = Vec<Object>)]
    #[serde(default)]
    parameters: Vec<Value>,
    privacy_policy: Option<String>,
    #[serde(default)]
    labels: Option<Vec<String>>,
}

impl From<WorkflowToolFields> for WorkflowForm {
    fn from(fields: WorkflowToolFields) -> Self {
        Self {
            name: fields.name,
            label: fields.label,
            description: fields.description,
            icon: fields.icon,
            parameters: fields.parameters,
            privacy_policy: fields.privacy_policy,
            labels: fields.labels.unwrap_or_default(),
        }
    }
}

/// A new tool.
#[derive(Deserialize, ToSchema)]
pub struct WorkflowToolCreate {
    #[schema(value_type = Uuid)]
    workflow_app_id: AppId,
    #[serde(flatten)]
    fields: WorkflowToolFields,
}

#[utoipa::path(post, path = "/workspaces/current/tool-provider/workflow/create", tag = "tools", request_body = WorkflowToolCreate,
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn create(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<WorkflowToolCreate>,
) -> ApiResult<Json<Done>> {
    workflows::create(&services, &caller, body.workflow_app_id, body.fields.into()).await?;
    Ok(Json(Done::SUCCESS))
}

/// A changed tool.
#[derive(Deserialize, ToSchema)]
pub struct WorkflowToolUpdate {
    workflow_tool_id: Uuid,
    #[serde(flatten)]
    fields: WorkflowToolFields,
}

#[utoipa::path(post, path = "/workspaces/current/tool-provider/workflow/update", tag = "tools", request_body = WorkflowToolUpdate,
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn update(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<WorkflowToolUpdate>,
) -> ApiResult<Json<Done>> {
    workflows::update(&services, &caller, body.workflow_tool_id, body.fields.into()).await?;
    Ok(Json(Done::SUCCESS))
}

/// Names a tool.
#[derive(Deserialize, IntoParams, ToSchema)]
pub struct WorkflowToolId {
    workflow_tool_id: Uuid,
}

#[utoipa::path(post, path = "/workspaces/current/tool-provider/workflow/delete", tag = "tools", request_body = WorkflowToolId,
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<WorkflowToolId>,
) -> ApiResult<Json<Done>> {
    workflows::delete(&services, &caller, body.workflow_tool_id).await?;
    Ok(Json(Done::SUCCESS))
}

#[derive(Deserialize, IntoParams)]
struct WorkflowToolQuery {
    workflow_tool_id: Option<Uuid>,
    #[param(value_type = Option<Uuid>)]
    workflow_app_id: Option<AppId>,
}

#[utoipa::path(get, path = "/workspaces/current/tool-provider/workflow/get", tag = "tools", params(WorkflowToolQuery),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn get(
    State(services): App,
    Caller(caller): Caller,
    Query(query): Query<WorkflowToolQuery>,
) -> ApiResult<Json<Value>> {
    let found = workflows::get(&services, &caller, query.workflow_tool_id, query.workflow_app_id).await?;
    let row = &found.row;
    Ok(Json(json!({
        "name": row.name, "label": row.label, "workflow_tool_id": row.id, "workflow_app_id": row.app_id, "icon": row.icon,
        "description": row.description, "parameters": row.parameter_configuration, "output_schema": found.tool.output_schema,
        "tool": found.tool, "synced": found.synced, "privacy_policy": row.privacy_policy,
    })))
}

#[utoipa::path(get, path = "/workspaces/current/tool-provider/workflow/tools", tag = "tools", params(WorkflowToolId),
    responses((status = 200, body = Vec<Object>), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn tools(
    State(services): App,
    Caller(caller): Caller,
    Query(query): Query<WorkflowToolId>,
) -> ApiResult<Json<Value>> {
    let found = workflows::get(&services, &caller, Some(query.workflow_tool_id), None).await?;
    Ok(Json(json!([found.tool])))
}
