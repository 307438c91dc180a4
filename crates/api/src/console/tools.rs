//! Tools of the workspace: lists for pages and palettes, labels, and one module for each kind of provider.

mod apis;
mod builtin;
mod permissions;
mod servers;
mod sign_ins;
mod workflows;

use std::sync::Arc;

use axum::{Json, extract::State};
use ox_app::{Services, tools};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;

use super::{App, guard::Caller};
use crate::{ApiResult, error::ErrorBody, extract::Query, openapi::routes};

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(providers))
        .routes(routes!(builtin_tools))
        .routes(routes!(api_tools))
        .routes(routes!(workflow_tools))
        .routes(routes!(mcp_tools))
        .routes(routes!(app_tools))
        .routes(routes!(labels))
        .merge(builtin::router())
        .merge(apis::router())
        .merge(permissions::router())
        .merge(servers::router())
        .merge(sign_ins::router())
        .merge(workflows::router())
}

/// Every part of a result as JSON.
fn shown(value: impl serde::Serialize) -> ApiResult<Json<Value>> {
    Ok(Json(serde_json::to_value(value).map_err(ox_app::Error::internal)?))
}

#[derive(Deserialize, IntoParams)]
struct KindQuery {
    /// `builtin`, `api`, `workflow`, `mcp`, `app`; all but the last without it.
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[utoipa::path(get, path = "/workspaces/current/tool-providers", tag = "tools", params(KindQuery),
    responses((status = 200, body = Vec<Object>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
async fn providers(
    State(services): App,
    Caller(caller): Caller,
    Query(query): Query<KindQuery>,
) -> ApiResult<Json<Value>> {
    shown(tools::list(&services, &caller, query.kind.as_deref().filter(|kind| !kind.is_empty())).await?)
}

macro_rules! lists {
    ($($name:ident, $kind:literal, $path:literal;)+) => {$(
        #[utoipa::path(get, path = $path, tag = "tools",
            responses((status = 200, body = Vec<Object>), (status = 401, body = ErrorBody)))]
        async fn $name(State(services): App, Caller(caller): Caller) -> ApiResult<Json<Value>> {
            shown(tools::list(&services, &caller, Some($kind)).await?)
        }
    )+};
}

lists! {
    builtin_tools, "builtin", "/workspaces/current/tools/builtin";
    api_tools, "api", "/workspaces/current/tools/api";
    workflow_tools, "workflow", "/workspaces/current/tools/workflow";
    mcp_tools, "mcp", "/workspaces/current/tools/mcp";
    app_tools, "app", "/workspaces/current/tools/app";
}

#[utoipa::path(get, path = "/workspaces/current/tool-labels", tag = "tools",
    responses((status = 200, body = Vec<Object>), (status = 401, body = ErrorBody)))]
async fn labels() -> ApiResult<Json<Value>> {
    std::future::ready(Ok(Json(json!(tools::labels::all())))).await
}
