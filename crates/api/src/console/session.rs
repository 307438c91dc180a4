//! Set-up, sign-in, refresh, sign-out, invitations.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::Engine as _;
use ox_app::{Error, Services, accounts, mail, workspaces};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::{App, guard::Caller, view::Done};
use crate::{
    ApiError, ApiResult,
    error::ErrorBody,
    extract::{Body, Query},
    openapi::routes,
    origin,
};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(setup_state, set_up))
        .routes(routes!(init_state, init))
        .routes(routes!(login))
        .routes(routes!(logout))
        .routes(routes!(logout_all))
        .routes(routes!(refresh))
        .routes(routes!(check_activation))
        .routes(routes!(activate))
}

#[utoipa::path(get, path = "/ping", tag = "session", responses((status = 200, body = Object)))]
pub async fn ping() -> Json<serde_json::Value> {
    Json(json!({"result": "pong"}))
}

/// Whether set-up is finished.
#[derive(Serialize, ToSchema)]
pub struct SetupState {
    /// `not_started` or `finished`.
    step: &'static str,
    setup_at: Option<String>,
}

#[utoipa::path(get, path = "/setup", tag = "session", responses((status = 200, body = SetupState)))]
async fn setup_state(State(services): App) -> ApiResult<Json<SetupState>> {
    let at = accounts::setup_at(&services).await?;
    let step = if at.is_some() { "finished" } else { "not_started" };
    Ok(Json(SetupState { step, setup_at: at.map(|at| at.format("%Y-%m-%dT%H:%M:%S").to_string()) }))
}

/// The owner of a new installation.
#[derive(Deserialize, ToSchema)]
pub struct SetUp {
    email: String,
    /// At most 30 characters.
    name: String,
    /// At least 8 characters with a letter and a digit.
    password: String,
    language: Option<String>,
}

#[utoipa::path(post, path = "/setup", tag = "session", request_body = SetUp,
    responses((status = 201, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn set_up(
    State(services): App,
    headers: HeaderMap,
    Body(body): Body<SetUp>,
) -> ApiResult<(StatusCode, Json<Done>)> {
    if services.settings.init_password.is_some() && !init_confirmed(&services, &headers) {
        return Err(Error::new(
            401,
            "not_init_validated",
            "Init validation has not been completed yet. Please proceed with the init validation process first.",
        )
        .into());
    }
    let SetUp { email, name, password, language } = body;
    accounts::set_up(&services, accounts::Owner { email, name, password, language }).await?;
    Ok((StatusCode::CREATED, Json(Done::SUCCESS)))
}

const INIT_COOKIE: &str = "init_validated";

fn init_confirmed(services: &Services, headers: &HeaderMap) -> bool {
    super::guard::cookie(headers, INIT_COOKIE).is_some_and(|value| accounts::is_init_mark(services, value))
}

#[utoipa::path(get, path = "/init", tag = "session", responses((status = 200, body = Object)))]
async fn init_state(State(services): App, headers: HeaderMap) -> ApiResult<Json<serde_json::Value>> {
    let open = services.settings.init_password.is_some()
        && accounts::setup_at(&services).await?.is_none()
        && !init_confirmed(&services, &headers);
    Ok(Json(json!({"status": if open { "not_started" } else { "finished" }})))
}

/// The password of `INIT_PASSWORD`.
#[derive(Deserialize, ToSchema)]
pub struct Init {
    password: String,
}

#[utoipa::path(post, path = "/init", tag = "session", request_body = Init,
    responses((status = 201, body = Done), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn init(State(services): App, Body(body): Body<Init>) -> ApiResult<Response> {
    if accounts::setup_at(&services).await?.is_some() {
        return Err(Error::new(403, "already_setup", "Oxidify has been set up already. Sign in instead.").into());
    }
    if !services.settings.init_password.as_deref().is_some_and(|expected| ox_app::same_secret(expected, &body.password))
    {
        return Err(Error::new(
            401,
            "init_validate_failed",
            "Init validation failed. Please check the password and try again.",
        )
        .into());
    }
    let mut response = (StatusCode::CREATED, Json(Done::SUCCESS)).into_response();
    let value = accounts::init_mark(&services)?;
    append_cookie(&mut response, &format!("{INIT_COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax"));
    Ok(response)
}

/// Address and password.
#[derive(Deserialize, ToSchema)]
pub struct Login {
    email: String,
    /// Base64 of the UTF-8 password.
    password: String,
    /// Ignored: a session lasts as long as its refresh token.
    #[serde(default)]
    #[expect(dead_code, reason = "part of the wire form")]
    remember_me: bool,
}

#[utoipa::path(post, path = "/login", tag = "session", request_body = Login,
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 429, body = ErrorBody)))]
async fn login(State(services): App, headers: HeaderMap, Body(body): Body<Login>) -> ApiResult<Response> {
    let wrong = || Error::new(401, "authentication_failed", "Invalid email or password.");
    let bytes = base64::engine::general_purpose::STANDARD.decode(body.password.as_bytes()).map_err(|_| wrong())?;
    let password = String::from_utf8(bytes).map_err(|_| wrong())?;
    let ip = forwarded_ip(&services, &headers);
    let tokens = accounts::login(&services, &body.email, &password, ip.as_deref()).await?;
    note_origin(&services, &headers, &tokens).await;
    Ok(with_session(&services, &headers, &tokens))
}

/// Links in mails lead to where this server was reached.
async fn note_origin(services: &Services, headers: &HeaderMap, tokens: &accounts::SessionTokens) {
    let noted = async {
        let caller =
            accounts::authenticate(services, accounts::Presented { access: &tokens.access, csrf: None }).await?;
        mail::note_origin(services, &caller, &origin::of_request(services, headers)).await
    };
    if let Err(error) = noted.await {
        tracing::warn!(%error, "the address of this server is not remembered");
    }
}

pub(crate) fn forwarded_ip(services: &Services, headers: &HeaderMap) -> Option<String> {
    let header = headers.get("x-forwarded-for").filter(|_| services.settings.trust_forwarded_headers)?;
    header.to_str().ok()?.split(',').next().map(|ip| ip.trim().to_owned())
}

#[utoipa::path(post, path = "/logout", tag = "session", responses((status = 200, body = Done), (status = 401, body = ErrorBody)))]
async fn logout(State(services): App, headers: HeaderMap) -> ApiResult<Response> {
    if let Some(token) = super::guard::cookie(&headers, "refresh_token") {
        accounts::logout(&services, token).await?;
    }
    Ok(without_session(&services, &headers))
}

/// Ours: ends every session of the signed-in account, this one too.
#[utoipa::path(post, path = "/logout/all", tag = "session", responses((status = 200, body = Done), (status = 401, body = ErrorBody)))]
async fn logout_all(State(services): App, Caller(caller): Caller, headers: HeaderMap) -> ApiResult<Response> {
    accounts::sign_out_everywhere(&services, &caller).await?;
    Ok(without_session(&services, &headers))
}

/// The answer to a sign-out: the cookies are taken away.
fn without_session(services: &Services, headers: &HeaderMap) -> Response {
    let mut response = Json(Done::SUCCESS).into_response();
    for name in ["access_token", "refresh_token", "csrf_token"] {
        set_cookie(services, headers, &mut response, name, "", 0);
    }
    response
}

#[utoipa::path(post, path = "/refresh-token", tag = "session", responses((status = 200, body = Done), (status = 401, body = Object)))]
async fn refresh(State(services): App, headers: HeaderMap) -> Response {
    let fail =
        |message: &str| (StatusCode::UNAUTHORIZED, Json(json!({"result": "fail", "message": message}))).into_response();
    let Some(token) = super::guard::cookie(&headers, "refresh_token") else {
        return fail("No refresh token found");
    };
    match accounts::refresh(&services, token).await {
        Ok(tokens) => with_session(&services, &headers, &tokens),
        Err(error) if error.status == 401 => fail(&error.message),
        Err(error) => ApiError(error).into_response(),
    }
}

/// The answer to a sign-in: three cookies.
fn with_session(services: &Services, headers: &HeaderMap, tokens: &accounts::SessionTokens) -> Response {
    let mut response = Json(Done::SUCCESS).into_response();
    let (short, long) = (services.settings.access_token_life.as_secs(), services.settings.refresh_token_life.as_secs());
    set_cookie(services, headers, &mut response, "access_token", &tokens.access, short);
    set_cookie(services, headers, &mut response, "refresh_token", &tokens.refresh, long);
    set_cookie(services, headers, &mut response, "csrf_token", &tokens.csrf, short);
    response
}

pub(crate) fn set_cookie(
    services: &Services,
    headers: &HeaderMap,
    response: &mut Response,
    name: &str,
    value: &str,
    seconds: u64,
) {
    let settings = &services.settings;
    let https = |url: &str| url.starts_with("https://");
    let by_proxy = settings.trust_forwarded_headers
        && headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok()).is_some_and(|proto| proto == "https");
    let secure = (https(&settings.console_web_url) && https(&settings.console_api_url)) || by_proxy;
    let (prefix, domain) = match (secure, settings.cookie_domain.as_str()) {
        (true, "") => ("__Host-", String::new()),
        (_, "") => ("", String::new()),
        (_, domain) => ("", format!("; Domain={domain}")),
    };
    let http_only = if name == "csrf_token" { "" } else { "; HttpOnly" };
    let flag = if secure { "; Secure" } else { "" };
    append_cookie(
        response,
        &format!("{prefix}{name}={value}{http_only}{flag}; Path=/; SameSite=Lax; Max-Age={seconds}{domain}"),
    );
}

fn append_cookie(response: &mut Response, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// An invitation's token.
#[derive(Deserialize, IntoParams)]
struct ActivationQuery {
    token: String,
}

#[utoipa::path(get, path = "/activate/check", tag = "session", params(ActivationQuery), responses((status = 200, body = Object), (status = 400, body = ErrorBody)))]
async fn check_activation(
    State(services): App,
    Query(query): Query<ActivationQuery>,
) -> ApiResult<Json<serde_json::Value>> {
    Ok(Json(match workspaces::open_invitation(&services, &query.token).await? {
        Some(open) => json!({"is_valid": true, "data": {
            "workspace_name": open.workspace_name, "workspace_id": open.tenant_id, "email": open.email}}),
        None => json!({"is_valid": false}),
    }))
}

/// What a new member tells when taking an invitation.
#[derive(Deserialize, ToSchema)]
pub struct Activate {
    token: String,
    /// At most 30 characters.
    name: String,
    interface_language: String,
    /// IANA name.
    timezone: String,
    /// Ours: sets the password at once.
    password: Option<String>,
}

#[utoipa::path(post, path = "/activate", tag = "session", request_body = Activate,
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn activate(State(services): App, Body(body): Body<Activate>) -> ApiResult<Json<Done>> {
    let Activate { token, name, interface_language: language, timezone, password } = body;
    workspaces::activate(&services, workspaces::Activation { token, name, language, timezone, password }).await?;
    Ok(Json(Done::SUCCESS))
}
