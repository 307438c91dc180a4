//! Signing in to pages that are not open to everybody, and who may open them.

use axum::{
    Json,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use base64::Engine as _;
use ox_app::{Error, Services, page_access};
use ox_types::AppId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::{App, code};
use crate::{
    ApiResult,
    console::{cookie, set_cookie},
    error::ErrorBody,
    extract::{Body, Query},
    service::{ResultBody, success},
};

/// Where a browser keeps its sign-in.
const COOKIE: &str = "webapp_access_token";

/// The sign-in of a request: its own header, or the browser's cookie.
pub(super) fn login_of(headers: &HeaderMap) -> Option<String> {
    let bearer = headers.get("authorization").and_then(|value| value.to_str().ok());
    let bearer = bearer.and_then(|value| value.split_once(' ')).filter(|(kind, _)| kind.eq_ignore_ascii_case("bearer"));
    let token = bearer.map(|(_, token)| token.trim()).or_else(|| cookie(headers, COOKIE));
    token.filter(|token| !token.is_empty()).map(str::to_owned)
}

/// Which page: by its code, or its app.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(rename_all = "camelCase")]
pub struct PageQuery {
    pub app_code: Option<String>,
    #[param(value_type = Option<uuid::Uuid>)]
    pub app_id: Option<AppId>,
}

/// Who may see a page.
#[derive(Serialize, ToSchema)]
pub struct AccessModeBody {
    /// `public`, `private_all`: the members of its workspace, `private`: some of them.
    #[serde(rename = "accessMode")]
    pub access_mode: String,
}

/// Who may see a page.
#[utoipa::path(get, path = "/webapp/access-mode", tag = "Web app", params(PageQuery),
    responses((status = 200, body = AccessModeBody), (status = 400, body = ErrorBody)))]
pub async fn access_mode(State(services): App, Query(query): Query<PageQuery>) -> ApiResult<Json<AccessModeBody>> {
    if query.app_code.as_deref().unwrap_or_default().is_empty() && query.app_id.is_none() {
        return Err(Error::bad_request("appId or appCode must be provided").into());
    }
    let mode = page_access::mode_of(&services, query.app_code.as_deref(), query.app_id).await?;
    Ok(Json(AccessModeBody { access_mode: mode.to_owned() }))
}

/// Whether the caller may open a page.
#[derive(Serialize, ToSchema)]
pub struct PermissionBody {
    pub result: bool,
}

/// Whether who signed in may open a page, named by `appId` or `X-App-Code`.
#[utoipa::path(get, path = "/webapp/permission", tag = "Web app", params(PageQuery),
    responses((status = 200, body = PermissionBody), (status = 404, body = ErrorBody)))]
pub async fn permission(
    State(services): App,
    headers: HeaderMap,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<PermissionBody>> {
    let code = query.app_code.as_deref().or_else(|| code(&headers)).filter(|_| query.app_id.is_none());
    let login = login_of(&headers);
    let result = page_access::permitted(&services, code, query.app_id, login.as_deref()).await?;
    Ok(Json(PermissionBody { result }))
}

/// Address and password.
#[derive(Deserialize, ToSchema)]
pub struct LoginBody {
    pub email: String,
    /// Base64 of the UTF-8 password.
    pub password: String,
}

/// Sign in to pages that are not open to everybody.
#[utoipa::path(post, path = "/login", tag = "Web app", request_body = LoginBody,
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub async fn login(State(services): App, headers: HeaderMap, Body(body): Body<LoginBody>) -> ApiResult<Response> {
    let wrong = || Error::new(401, "authentication_failed", "Invalid email or password.");
    let bytes = base64::engine::general_purpose::STANDARD.decode(body.password.as_bytes()).map_err(|_| wrong())?;
    let password = String::from_utf8(bytes).map_err(|_| wrong())?;
    let token = page_access::login(&services, &body.email, &password).await?;
    Ok(signed_in(&services, &headers, &token))
}

/// The answer to whoever has signed in.
pub(super) fn signed_in(services: &Services, headers: &HeaderMap, token: &str) -> Response {
    let mut response = Json(json!({"result": "success", "data": {"access_token": token}})).into_response();
    set_cookie(services, headers, &mut response, COOKIE, token, page_access::life(services).as_secs());
    response
}

/// Sign out of pages; passports that were given stay with their page.
#[utoipa::path(post, path = "/logout", tag = "Web app", responses((status = 200, body = ResultBody)))]
pub async fn logout(State(services): App, headers: HeaderMap) -> Response {
    let mut response = success().into_response();
    set_cookie(&services, &headers, &mut response, COOKIE, "", 0);
    std::future::ready(response).await
}
