//! How a visitor gets in.

use axum::{Json, extract::State, http::HeaderMap};
use ox_app::{page_access, visits};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{App, code, sign_in::login_of, token};
use crate::{ApiResult, error::ErrorBody, extract::Query};

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
        let logged_in = page_access::signed_in(&services, login_of(&headers).as_deref()).await?.is_some();
        return Ok(Json(StatusBody { logged_in, app_logged_in: false }));
    };
    // A page that is open to all asks nobody to sign in.
    let logged_in = page_access::mode_of(&services, Some(code), None).await? == "public"
        || page_access::signed_in(&services, login_of(&headers).as_deref()).await?.is_some();
    let mut headers = headers;
    if let Ok(value) = code.parse() {
        headers.insert("x-app-code", value);
    }
    let visitor = visits::visitor(&services, token(&headers).as_deref()).await.ok();
    let app_logged_in = visitor.is_some_and(|visitor| {
        let same_page = visitor.app.site.as_ref().and_then(|site| site.code.as_deref()) == Some(code);
        same_page && query.user_id.as_deref().is_none_or(|id| id.is_empty() || visitor.user.sys_user_id() == id)
    });
    Ok(Json(StatusBody { logged_in, app_logged_in }))
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
    let access_token =
        visits::passport(&services, code(&headers), query.user_id.as_deref(), login_of(&headers).as_deref()).await?;
    Ok(Json(PassportBody { access_token }))
}
