//! Signing in to pages by a mailed code.

use axum::{Json, extract::State, http::HeaderMap, response::Response};
use base64::Engine as _;
use ox_app::{Error, accounts::email_code, page_access};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{App, sign_in};
use crate::{ApiResult, console::session::forwarded_ip, error::ErrorBody, extract::Body};

/// Who wants a code.
#[derive(Deserialize, ToSchema)]
pub struct CodeAsked {
    email: String,
    /// The mail is in Chinese for `zh-Hans`.
    language: Option<String>,
}

/// Mails a code to the address, if it has an account; the answer is the same when it has none.
#[utoipa::path(post, path = "/email-code-login", tag = "Web app", request_body = CodeAsked,
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub async fn ask(State(services): App, headers: HeaderMap, Body(body): Body<CodeAsked>) -> ApiResult<Json<Value>> {
    let ip = forwarded_ip(&services, &headers);
    let token = email_code::request(&services, &body.email, body.language.as_deref(), ip.as_deref()).await?;
    Ok(Json(json!({"result": "success", "data": token})))
}

/// The code that was mailed.
#[derive(Deserialize, ToSchema)]
pub struct CodeGiven {
    email: String,
    /// Six digits, as they are or in base64.
    code: String,
    token: String,
}

/// Sign in with the code; it works once.
#[utoipa::path(post, path = "/email-code-login/validity", tag = "Web app", request_body = CodeGiven,
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub async fn validity(State(services): App, headers: HeaderMap, Body(body): Body<CodeGiven>) -> ApiResult<Response> {
    let code =
        digits(&body.code).ok_or_else(|| Error::new(400, "email_code_error", "Email code is invalid or expired."))?;
    let token = page_access::login_by_code(&services, &body.email, &code, &body.token).await?;
    Ok(sign_in::signed_in(&services, &headers, &token))
}

/// A code as typed, or packed in base64; six digits are never base64.
fn digits(text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text.to_owned());
    }
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
    String::from_utf8(bytes).ok()
}
