//! The MCP server of an app.

use axum::{Json, extract::State};
use ox_app::{
    Services,
    mcp::{self, ServerChange},
    model::McpServer,
};
use ox_types::AppId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{App, guard::Caller, view::seconds};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path},
    openapi::routes,
};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    OpenApiRouter::new().routes(routes!(read, create, update)).routes(routes!(refresh))
}

/// The MCP server of an app; every field is null where there is none.
#[derive(Default, Serialize, ToSchema)]
pub struct McpServerView {
    id: Option<Uuid>,
    name: Option<String>,
    /// Part of the address `/mcp/server/{server_code}/mcp`: who knows it may call.
    server_code: Option<String>,
    description: Option<String>,
    /// `active` or `inactive`.
    status: Option<String>,
    /// Name of an input to its description.
    #[schema(value_type = Option<Object>)]
    parameters: Option<Value>,
    created_at: Option<i64>,
    updated_at: Option<i64>,
}

impl From<McpServer> for McpServerView {
    fn from(server: McpServer) -> Self {
        Self {
            id: Some(server.id),
            name: Some(server.name),
            server_code: Some(server.server_code),
            description: Some(server.description),
            status: Some(server.status),
            parameters: Some(server.parameters),
            created_at: Some(seconds(server.created_at)),
            updated_at: Some(seconds(server.updated_at)),
        }
    }
}

/// A new server.
#[derive(Deserialize, ToSchema)]
pub struct McpServerBody {
    /// What the tool does; the app's own description where it is empty.
    description: Option<String>,
    /// Name of an input to its description.
    #[schema(value_type = Object)]
    parameters: Value,
}

/// Other settings of a server; absent texts stay.
#[derive(Deserialize, ToSchema)]
pub struct McpServerChange {
    id: Uuid,
    description: Option<String>,
    #[schema(value_type = Object)]
    parameters: Value,
    /// `active` or `inactive`.
    status: Option<String>,
}

#[utoipa::path(get, path = "/apps/{app_id}/server", tag = "mcp", params(("app_id" = Uuid, Path)),
    responses((status = 200, body = McpServerView), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn read(State(services): App, Caller(caller): Caller, Path(id): Path<AppId>) -> ApiResult<Json<McpServerView>> {
    let found = mcp::of_app(&services, &caller, id).await?;
    Ok(Json(found.map(McpServerView::from).unwrap_or_default()))
}

#[utoipa::path(post, path = "/apps/{app_id}/server", tag = "mcp", request_body = McpServerBody, params(("app_id" = Uuid, Path)),
    responses((status = 200, body = McpServerView), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
async fn create(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Body(body): Body<McpServerBody>,
) -> ApiResult<Json<McpServerView>> {
    let change = ServerChange { description: body.description, parameters: body.parameters, status: None };
    Ok(Json(mcp::create(&services, &caller, id, change).await?.into()))
}

#[utoipa::path(put, path = "/apps/{app_id}/server", tag = "mcp", request_body = McpServerChange, params(("app_id" = Uuid, Path)),
    responses((status = 200, body = McpServerView), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn update(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Body(body): Body<McpServerChange>,
) -> ApiResult<Json<McpServerView>> {
    let McpServerChange { id: server, description, parameters, status } = body;
    let change = ServerChange { description, parameters, status };
    Ok(Json(mcp::update(&services, &caller, id, server, change).await?.into()))
}

/// Compat: a GET that changes something; the path names the server, not the app.
#[utoipa::path(get, path = "/apps/{server_id}/server/refresh", tag = "mcp", params(("server_id" = Uuid, Path)),
    responses((status = 200, body = McpServerView), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn refresh(State(services): App, Caller(caller): Caller, Path(id): Path<Uuid>) -> ApiResult<Json<McpServerView>> {
    Ok(Json(mcp::refresh(&services, &caller, id).await?.into()))
}
