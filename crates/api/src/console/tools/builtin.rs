//! Providers that come with this program, and their credentials.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use ox_app::{
    Services,
    tools::builtin::{self, NewCredential},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::shown;
use crate::{
    ApiResult,
    console::{App, guard::Caller, view::Done},
    error::ErrorBody,
    extract::{Body, Path},
    openapi::routes,
};

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(tools))
        .routes(routes!(info))
        .routes(routes!(icon))
        .routes(routes!(credential_info))
        .routes(routes!(credentials))
        .routes(routes!(schema))
        .routes(routes!(add))
        .routes(routes!(update))
        .routes(routes!(delete))
        .routes(routes!(set_default))
}

#[utoipa::path(get, path = "/workspaces/current/tool-provider/builtin/{provider}/tools", tag = "tools", params(("provider" = String, Path)),
    responses((status = 200, body = Vec<Object>), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn tools(Path(provider): Path<String>) -> ApiResult<Json<Value>> {
    std::future::ready(shown(builtin::tools(&provider)?)).await
}

#[utoipa::path(get, path = "/workspaces/current/tool-provider/builtin/{provider}/info", tag = "tools", params(("provider" = String, Path)),
    responses((status = 200, body = Object), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn info(State(services): App, Caller(caller): Caller, Path(provider): Path<String>) -> ApiResult<Json<Value>> {
    shown(builtin::info(&services, &caller, &provider).await?)
}

#[utoipa::path(get, path = "/workspaces/current/tool-provider/builtin/{provider}/icon", tag = "tools", params(("provider" = String, Path)),
    responses((status = 200, content_type = "image/svg+xml"), (status = 404, body = ErrorBody)))]
async fn icon(Path(provider): Path<String>) -> ApiResult<Response> {
    // The picture is ours and static; the policy keeps a script in it from running all the same.
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
    ];
    std::future::ready(Ok((headers, builtin::icon(&provider)?).into_response())).await
}

#[utoipa::path(get, path = "/workspaces/current/tool-provider/builtin/{provider}/credential/info", tag = "tools", params(("provider" = String, Path)),
    responses((status = 200, body = Object), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn credential_info(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
) -> ApiResult<Json<Value>> {
    let all = builtin::credentials(&services, &caller, &provider).await?;
    let supported = builtin::supported(builtin::find(&provider)?);
    Ok(Json(json!({
        "supported_credential_types": supported, "is_oauth_custom_client_enabled": false, "credentials": all,
    })))
}

#[utoipa::path(get, path = "/workspaces/current/tool-provider/builtin/{provider}/credentials", tag = "tools", params(("provider" = String, Path)),
    responses((status = 200, body = Vec<Object>), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn credentials(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
) -> ApiResult<Json<Value>> {
    shown(builtin::credentials(&services, &caller, &provider).await?)
}

#[utoipa::path(get, path = "/workspaces/current/tool-provider/builtin/{provider}/credential/schema/{credential_type}", tag = "tools",
    params(("provider" = String, Path), ("credential_type" = String, Path)),
    responses((status = 200, body = Vec<Object>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn schema(Path((provider, kind)): Path<(String, String)>) -> ApiResult<Json<Value>> {
    std::future::ready(shown(builtin::schema(&provider, &kind)?)).await
}

/// New credentials of a provider.
#[derive(Deserialize, ToSchema)]
pub struct ToolCredentialAdd {
    #[schema(value_type = Object)]
    credentials: Map<String, Value>,
    /// `api-key`
    #[serde(rename = "type")]
    kind: String,
    /// At most 30 characters; one is made up without it.
    name: Option<String>,
    /// `workspace`, for administrators to add, or `personal`: for what the caller runs in the Studio.
    visibility: Option<String>,
}

/// Whether credentials are for the caller alone.
fn personal(visibility: Option<&str>) -> Result<bool, ox_app::Error> {
    match visibility.unwrap_or("workspace") {
        "workspace" => Ok(false),
        "personal" => Ok(true),
        other => Err(ox_app::Error::invalid_field(
            "visibility",
            format!("visibility must be workspace or personal, not '{other}'."),
        )),
    }
}

#[utoipa::path(post, path = "/workspaces/current/tool-provider/builtin/{provider}/add", tag = "tools", request_body = ToolCredentialAdd, params(("provider" = String, Path)),
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn add(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
    Body(body): Body<ToolCredentialAdd>,
) -> ApiResult<Json<Done>> {
    let personal = personal(body.visibility.as_deref())?;
    let new = NewCredential { kind: body.kind, values: body.credentials, name: body.name, personal };
    builtin::add(&services, &caller, &provider, new).await?;
    Ok(Json(Done::SUCCESS))
}

/// A change of credentials.
#[derive(Deserialize, ToSchema)]
pub struct ToolCredentialUpdate {
    credential_id: Uuid,
    /// `[__HIDDEN__]` keeps a stored secret; everything stays without it.
    #[schema(value_type = Option<Object>)]
    credentials: Option<Map<String, Value>>,
    name: Option<String>,
}

#[utoipa::path(post, path = "/workspaces/current/tool-provider/builtin/{provider}/update", tag = "tools", request_body = ToolCredentialUpdate, params(("provider" = String, Path)),
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn update(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
    Body(body): Body<ToolCredentialUpdate>,
) -> ApiResult<Json<Done>> {
    builtin::update(&services, &caller, &provider, body.credential_id, body.credentials, body.name).await?;
    Ok(Json(Done::SUCCESS))
}

/// Names credentials.
#[derive(Deserialize, ToSchema)]
pub struct ToolCredentialId {
    credential_id: Uuid,
}

#[utoipa::path(post, path = "/workspaces/current/tool-provider/builtin/{provider}/delete", tag = "tools", request_body = ToolCredentialId, params(("provider" = String, Path)),
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
    Body(body): Body<ToolCredentialId>,
) -> ApiResult<Json<Done>> {
    builtin::delete(&services, &caller, &provider, body.credential_id).await?;
    Ok(Json(Done::SUCCESS))
}

/// Names credentials that shall be the default.
#[derive(Deserialize, ToSchema)]
pub struct ToolCredentialDefault {
    id: Uuid,
}

#[utoipa::path(post, path = "/workspaces/current/tool-provider/builtin/{provider}/default-credential", tag = "tools", request_body = ToolCredentialDefault, params(("provider" = String, Path)),
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn set_default(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
    Body(body): Body<ToolCredentialDefault>,
) -> ApiResult<Json<Done>> {
    builtin::set_default(&services, &caller, &provider, body.id).await?;
    Ok(Json(Done::SUCCESS))
}
