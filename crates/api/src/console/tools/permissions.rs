//! Which roles may use which tools in the Studio.

use std::sync::Arc;

use axum::{Json, extract::State};
use ox_app::{
    Services,
    tools::permissions::{self, Target},
};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::shown;
use crate::{
    ApiResult,
    console::{App, guard::Caller},
    error::ErrorBody,
    extract::Body,
    openapi::routes,
};

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new().routes(routes!(list, set))
}

#[utoipa::path(get, path = "/workspaces/current/tool-permissions", tag = "tools",
    responses((status = 200, body = Vec<Object>, description = "`{provider_type, provider_id, tool_name, roles}`; tools without a rule are open to whoever builds"), (status = 401, body = ErrorBody)))]
async fn list(State(services): App, Caller(caller): Caller) -> ApiResult<Json<Value>> {
    shown(permissions::list(&services, &caller).await?)
}

/// Who may use a tool in the Studio. Published apps go on with it.
#[derive(Deserialize, ToSchema)]
pub struct ToolPermissionBody {
    /// `builtin`, `api`, `workflow`, `mcp`.
    provider_type: String,
    provider_id: String,
    /// Without it: every tool of the provider that has no rule of its own.
    tool_name: Option<String>,
    /// Of `owner`, `admin`, `editor`, `normal`; without it there is no rule any more.
    roles: Option<Vec<String>>,
}

#[utoipa::path(put, path = "/workspaces/current/tool-permissions", tag = "tools", request_body = ToolPermissionBody,
    responses((status = 200, body = Vec<Object>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn set(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<ToolPermissionBody>,
) -> ApiResult<Json<Value>> {
    let target = Target { provider_type: body.provider_type, provider_id: body.provider_id, tool_name: body.tool_name };
    shown(permissions::set(&services, &caller, target, body.roles).await?)
}
