//! A new password by mail.

use std::sync::Arc;

use axum::{Json, extract::State, http::HeaderMap};
use ox_app::{Services, accounts::reset};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::{App, session::forwarded_ip, view::Done};
use crate::{ApiResult, error::ErrorBody, extract::Body, openapi::routes};

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(forgot))
        .routes(routes!(reset_password))
        .routes(routes!(validity))
        .routes(routes!(resets))
}

/// Whose password was forgotten.
#[derive(Deserialize, ToSchema)]
pub struct Forgotten {
    email: String,
    /// The mail is in Chinese for `zh-Hans`.
    language: Option<String>,
}

/// Mails a code to the address, if it has an account; the answer is the same when it has none.
#[utoipa::path(post, path = "/forgot-password", tag = "session", request_body = Forgotten,
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub(crate) async fn forgot(
    State(services): App,
    headers: HeaderMap,
    Body(body): Body<Forgotten>,
) -> ApiResult<Json<Value>> {
    let ip = forwarded_ip(&services, &headers);
    let token = reset::request(&services, &body.email, body.language.as_deref(), ip.as_deref()).await?;
    Ok(Json(json!({"result": "success", "data": token})))
}

/// The older name of `/forgot-password`.
#[utoipa::path(post, path = "/reset-password", tag = "session", request_body = Forgotten,
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 429, body = ErrorBody)))]
async fn reset_password(app: App, headers: HeaderMap, body: Body<Forgotten>) -> ApiResult<Json<Value>> {
    forgot(app, headers, body).await
}

/// The code that was mailed.
#[derive(Deserialize, ToSchema)]
pub struct ResetCode {
    email: String,
    code: String,
    token: String,
}

#[utoipa::path(post, path = "/forgot-password/validity", tag = "session", request_body = ResetCode,
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub(crate) async fn validity(State(services): App, Body(body): Body<ResetCode>) -> ApiResult<Json<Value>> {
    let (email, token) = reset::check(&services, &body.email, &body.code, &body.token).await?;
    Ok(Json(json!({"is_valid": true, "email": email, "token": token})))
}

/// The new password.
#[derive(Deserialize, ToSchema)]
pub struct ResetPassword {
    token: String,
    new_password: String,
    password_confirm: String,
}

#[utoipa::path(post, path = "/forgot-password/resets", tag = "session", request_body = ResetPassword,
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
pub(crate) async fn resets(State(services): App, Body(body): Body<ResetPassword>) -> ApiResult<Json<Done>> {
    reset::set(&services, &body.token, &body.new_password, &body.password_confirm).await?;
    Ok(Json(Done::SUCCESS))
}
