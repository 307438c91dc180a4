//! MCP servers whose tools the workspace uses.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use ox_app::{
    Services,
    tools::{
        api_sign_in::Begun,
        servers::{self, ServerForm},
        sign_in,
    },
};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::shown;
use crate::{
    ApiResult,
    console::{
        App,
        guard::{self, Caller},
        session,
        view::Done,
    },
    error::ErrorBody,
    extract::{Body, Path, Query},
    openapi::routes,
};

/// What the browser holds while it is away: the attempt ends only where it began.
const COOKIE: &str = "mcp_context_id";

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(create, update, delete))
        .routes(routes!(authorize))
        .routes(routes!(sign_in_own, sign_out_own))
        .routes(routes!(get))
        .routes(routes!(reload))
        .routes(routes!(callback))
        .routes(routes!(programs))
}

/// Times of a server, in seconds.
#[derive(Default, Deserialize, ToSchema)]
pub struct McpConfiguration {
    timeout: Option<f64>,
    sse_read_timeout: Option<f64>,
}

/// A client that the server's authority gave out beforehand.
#[derive(Default, Deserialize, ToSchema)]
pub struct McpAuthentication {
    client_id: Option<String>,
    client_secret: Option<String>,
}

/// What an MCP server is made of.
#[derive(Deserialize, ToSchema)]
pub struct McpServerBody {
    /// Only when changing.
    provider_id: Option<Uuid>,
    /// A masked one is kept. `stdio:name` is a program that the operator allows; the headers are its variables.
    server_url: String,
    name: String,
    /// Letters, digits, `_` and `-`.
    server_identifier: String,
    #[serde(default)]
    icon: String,
    #[serde(default)]
    icon_type: String,
    #[serde(default)]
    icon_background: Option<String>,
    #[serde(default)]
    configuration: Option<McpConfiguration>,
    /// Sent with every call; masked values are kept.
    #[serde(default)]
    headers: Option<BTreeMap<String, String>>,
    #[serde(default)]
    authentication: Option<McpAuthentication>,
    /// Each member signs in with an account of their own; not there: as it was, and no at first.
    #[serde(default)]
    personal: Option<bool>,
}

impl From<McpServerBody> for ServerForm {
    fn from(body: McpServerBody) -> Self {
        let times = body.configuration.unwrap_or_default();
        let client = body.authentication.unwrap_or_default();
        Self {
            server_url: body.server_url,
            name: body.name,
            server_identifier: body.server_identifier,
            icon: body.icon,
            icon_type: body.icon_type,
            icon_background: body.icon_background.unwrap_or_default(),
            timeout: times.timeout,
            sse_read_timeout: times.sse_read_timeout,
            headers: body.headers.unwrap_or_default(),
            client_id: client.client_id,
            client_secret: client.client_secret,
            personal: body.personal,
        }
    }
}

#[utoipa::path(post, path = "/workspaces/current/tool-provider/mcp", tag = "tools", request_body = McpServerBody,
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn create(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<McpServerBody>,
) -> ApiResult<Json<Value>> {
    shown(servers::create(&services, &caller, body.into()).await?)
}

#[utoipa::path(put, path = "/workspaces/current/tool-provider/mcp", tag = "tools", request_body = McpServerBody,
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn update(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<McpServerBody>,
) -> ApiResult<Json<Done>> {
    let needed = || ox_app::Error::invalid_field("provider_id", "provider_id: Field required");
    let id = body.provider_id.ok_or_else(needed)?;
    servers::update(&services, &caller, id, body.into()).await?;
    Ok(Json(Done::SUCCESS))
}

/// Names a server.
#[derive(Deserialize, ToSchema)]
pub struct McpServerId {
    provider_id: Uuid,
    /// Compat: a code that was brought by hand; sign-ins end at their own address.
    #[serde(rename = "authorization_code")]
    _authorization_code: Option<String>,
}

#[utoipa::path(delete, path = "/workspaces/current/tool-provider/mcp", tag = "tools", request_body = McpServerId,
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete(State(services): App, Caller(caller): Caller, Body(body): Body<McpServerId>) -> ApiResult<Json<Done>> {
    servers::delete(&services, &caller, body.provider_id).await?;
    Ok(Json(Done::SUCCESS))
}

#[utoipa::path(post, path = "/workspaces/current/tool-provider/mcp/auth", tag = "tools", request_body = McpServerId,
    responses((status = 200, body = Object, description = "`result`, or the `authorization_url` where somebody has to sign in"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn authorize(
    State(services): App,
    Caller(caller): Caller,
    headers: HeaderMap,
    Body(body): Body<McpServerId>,
) -> ApiResult<Response> {
    let begun = servers::authorize(&services, &caller, body.provider_id).await?;
    Ok(away(&services, &headers, begun))
}

/// Sends the browser to the authority, with what shows that it is the one when it is back.
fn away(services: &Services, headers: &HeaderMap, begun: Option<Begun>) -> Response {
    let Some(begun) = begun else { return Json(json!({"result": "success"})).into_response() };
    let mut response = Json(json!({"authorization_url": begun.authorization_url})).into_response();
    session::set_cookie(services, headers, &mut response, COOKIE, &begun.held, sign_in::LIFE.as_secs());
    response
}

/// Signs the caller in with an account of their own, where the server is `personal`.
#[utoipa::path(post, path = "/workspaces/current/tool-provider/mcp/sign-in/{provider_id}", tag = "tools", params(("provider_id" = Uuid, Path)),
    responses((status = 200, body = Object, description = "`result`, or the `authorization_url` where the caller has to sign in"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn sign_in_own(
    State(services): App,
    Caller(caller): Caller,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
) -> ApiResult<Response> {
    let begun = servers::authorize_own(&services, &caller, id).await?;
    Ok(away(&services, &headers, begun))
}

/// Forgets the caller's own sign-in.
#[utoipa::path(delete, path = "/workspaces/current/tool-provider/mcp/sign-in/{provider_id}", tag = "tools", params(("provider_id" = Uuid, Path)),
    responses((status = 200, body = Done), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn sign_out_own(State(services): App, Caller(caller): Caller, Path(id): Path<Uuid>) -> ApiResult<Json<Done>> {
    servers::leave_own(&services, &caller, id).await?;
    Ok(Json(Done::SUCCESS))
}

#[utoipa::path(get, path = "/workspaces/current/tool-provider/mcp/tools/{provider_id}", tag = "tools", params(("provider_id" = Uuid, Path)),
    responses((status = 200, body = Object), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn get(State(services): App, Caller(caller): Caller, Path(id): Path<Uuid>) -> ApiResult<Json<Value>> {
    shown(servers::get(&services, &caller, id).await?)
}

/// Programs that may be MCP servers (`stdio:name`); none unless the operator allows some.
#[utoipa::path(get, path = "/workspaces/current/tool-provider/mcp/programs", tag = "tools",
    responses((status = 200, body = Vec<Object>), (status = 401, body = ErrorBody)))]
async fn programs(State(services): App, Caller(_caller): Caller) -> ApiResult<Json<Value>> {
    shown(std::future::ready(services.tools.programs().offered()).await)
}

/// Compat: a GET that asks the server again.
#[utoipa::path(get, path = "/workspaces/current/tool-provider/mcp/update/{provider_id}", tag = "tools", params(("provider_id" = Uuid, Path)),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn reload(State(services): App, Caller(caller): Caller, Path(id): Path<Uuid>) -> ApiResult<Json<Value>> {
    shown(servers::reload(&services, &caller, id).await?)
}

#[derive(Deserialize, IntoParams)]
struct CallbackQuery {
    code: Option<String>,
    state: String,
    error: Option<String>,
    error_description: Option<String>,
}

#[utoipa::path(get, path = "/mcp/oauth/callback", tag = "tools", params(CallbackQuery),
    responses((status = 302, description = "To the Studio"), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn callback(State(services): App, headers: HeaderMap, Query(query): Query<CallbackQuery>) -> ApiResult<Response> {
    let Some(code) = query.code else {
        let why = query.error_description.or(query.error).unwrap_or_else(|| "no code".to_owned());
        let why: String = why.chars().take(300).collect();
        return Err(ox_app::Error::invalid_field("code", format!("The sign-in was not granted: {why}")).into());
    };
    let held = guard::cookie(&headers, COOKIE);
    let account = guard::account_in(&services, &headers).await;
    servers::signed_in(&services, &query.state, &code, held, account).await?;
    let to = format!("{}/oauth-callback", services.settings.console_web_url.trim_end_matches('/'));
    let mut response = (StatusCode::FOUND, [(header::LOCATION, to)]).into_response();
    session::set_cookie(&services, &headers, &mut response, COOKIE, "", 0);
    Ok(response)
}
