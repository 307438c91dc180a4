//! Signing in by OAuth to the services of API tool providers.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use ox_app::{
    Services,
    tools::{
        api_sign_in::{self, Back},
        sign_in,
    },
};
use serde::Deserialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

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
const COOKIE: &str = "context_id";

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new().routes(routes!(begin)).routes(routes!(callback)).routes(routes!(disconnect))
}

#[utoipa::path(get, path = "/oauth/plugin/{provider}/tool/authorization-url", tag = "tools", params(("provider" = String, Path)),
    responses((status = 200, body = Object, description = "`authorization_url`: where the browser has to go"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn begin(
    State(services): App,
    Caller(caller): Caller,
    headers: HeaderMap,
    Path(provider): Path<String>,
) -> ApiResult<Response> {
    let begun = api_sign_in::begin(&services, &caller, &provider).await?;
    let mut response = Json(json!({"authorization_url": begun.authorization_url})).into_response();
    session::set_cookie(&services, &headers, &mut response, COOKIE, &begun.held, sign_in::LIFE.as_secs());
    Ok(response)
}

#[derive(Deserialize, IntoParams)]
struct CallbackQuery {
    code: Option<String>,
    state: String,
    error: Option<String>,
    error_description: Option<String>,
}

#[utoipa::path(get, path = "/oauth/plugin/{provider}/tool/callback", tag = "tools", params(("provider" = String, Path), CallbackQuery),
    responses((status = 302, description = "To the Studio"), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn callback(
    State(services): App,
    headers: HeaderMap,
    Path(provider): Path<String>,
    Query(query): Query<CallbackQuery>,
) -> ApiResult<Response> {
    let Some(code) = query.code else {
        let why = query.error_description.or(query.error).unwrap_or_else(|| "no code".to_owned());
        let why: String = why.chars().take(300).collect();
        return Err(ox_app::Error::invalid_field("code", format!("The sign-in was not granted: {why}")).into());
    };
    let held = guard::cookie(&headers, COOKIE);
    let back = Back { provider: &provider, state: &query.state, code: &code, held };
    api_sign_in::finish(&services, back).await?;
    let to = format!("{}/oauth-callback", services.settings.console_web_url.trim_end_matches('/'));
    let mut response = (StatusCode::FOUND, [(header::LOCATION, to)]).into_response();
    session::set_cookie(&services, &headers, &mut response, COOKIE, "", 0);
    Ok(response)
}

/// Names an API tool provider by its id.
#[derive(Deserialize, ToSchema)]
pub struct ApiToolId {
    provider_id: String,
}

/// Forgets the tokens; somebody has to sign in before its tools can be called again.
#[utoipa::path(post, path = "/workspaces/current/tool-provider/api/disconnect", tag = "tools", request_body = ApiToolId,
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn disconnect(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<ApiToolId>,
) -> ApiResult<Json<Done>> {
    api_sign_in::disconnect(&services, &caller, &body.provider_id).await?;
    Ok(Json(Done::SUCCESS))
}
