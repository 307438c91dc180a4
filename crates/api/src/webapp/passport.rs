//! How a visitor gets in.

use axum::{Json, extract::State, http::HeaderMap};
use ox_app::visits;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{App, code, token};
use crate::{ApiResult, error::ErrorBody, extract::Query};

/// Who may see a page.
#[derive(Serialize, ToSchema)]
pub struct AccessModeBody {
    #[serde(rename = "accessMode")]
    pub access_mode: String,
}

/// Who may see a page: everybody.
#[utoipa::path(get, path = "/webapp/access-mode", tag = "Web app",
    params(("appCode" = Option<String>, Query), ("appId" = Option<String>, Query)),
    responses((status = 200, body = AccessModeBody)))]
pub async fn access_mode() -> Json<AccessModeBody> {
    std::future::ready(Json(AccessModeBody { access_mode: "public".to_owned() })).await
}

/// Which page and visitor are meant.
#[derive(Deserialize, IntoParams)]
pub struct StatusQuery {
    pub app_code: Option<String>,
    pub user_id: Option<String>,
}

/// Whether a visitor is in.
#[derive(Serialize, ToSchema)]
pub struct StatusBody {
    pub logged_in: bool,
    pub app_logged_in: bool,
}

/// Whether a valid passport was sent.
#[utoipa::path(get, path = "/login/status", tag = "Web app", params(StatusQuery),
    responses((status = 200, body = StatusBody)))]
pub async fn login_status(
    State(services): App,
    headers: HeaderMap,
    Query(query): Query<StatusQuery>,
) -> ApiResult<Json<StatusBody>> {
    let Some(code) = query.app_code.as_deref().filter(|code| !code.is_empty()) else {
        return Ok(Json(StatusBody { logged_in: false, app_logged_in: false }));
    };
    let mut headers = headers;
    if let Ok(value) = code.parse() {
        headers.insert("x-app-code", value);
    }
    let visitor = visits::visitor(&services, token(&headers).as_deref()).await.ok();
    let app_logged_in = visitor.is_some_and(|visitor| {
        let same_page = visitor.app.site.as_ref().and_then(|site| site.code.as_deref()) == Some(code);
        same_page && query.user_id.as_deref().is_none_or(|id| id.is_empty() || visitor.user.sys_user_id() == id)
    });
    Ok(Json(StatusBody { logged_in: true, app_logged_in }))
}

/// The caller's own name for the visitor.
#[derive(Deserialize, IntoParams)]
pub struct PassportQuery {
    pub user_id: Option<String>,
}

/// A visitor's passport.
#[derive(Serialize, ToSchema)]
pub struct PassportBody {
    pub access_token: String,
}

/// Get a passport for the page in `X-App-Code`.
#[utoipa::path(get, path = "/passport", tag = "Web app", params(PassportQuery),
    responses((status = 200, body = PassportBody), (status = 404, body = ErrorBody)))]
pub async fn passport(
    State(services): App,
    headers: HeaderMap,
    Query(query): Query<PassportQuery>,
) -> ApiResult<Json<PassportBody>> {
    let access_token = visits::passport(&services, code(&headers), query.user_id.as_deref()).await?;
    Ok(Json(PassportBody { access_token }))
}
