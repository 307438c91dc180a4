//! Keys by which software outside asks the workspace's models (`/gateway/v1`).

use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use ox_app::{
    Error, Services,
    gateway_keys::{self, Draft},
    model::GatewayKey,
};
use ox_types::AccountId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{
    App,
    guard::Caller,
    view::{Done, People, SimpleAccount, person, seconds},
};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path},
    openapi::routes,
};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(update, delete))
}

/// What is decided of a key.
#[derive(Deserialize, ToSchema)]
pub struct GatewayKeyBody {
    name: String,
    /// `provider/model` of each that may be asked; `null` is all.
    #[serde(default)]
    allowed_models: Option<Vec<String>>,
    /// `null` or 0 is no limit.
    #[serde(default)]
    requests_per_minute: Option<u32>,
    /// Unix seconds; `null` is never.
    #[serde(default)]
    expires_at: Option<i64>,
    #[serde(default = "yes")]
    enabled: bool,
}

const fn yes() -> bool {
    true
}

impl GatewayKeyBody {
    fn draft(self) -> Result<Draft, Error> {
        let time = |at: i64| {
            let wrong = || Error::invalid_field("expires_at", "expires_at must be a time in Unix seconds.");
            DateTime::<Utc>::from_timestamp(at, 0).ok_or_else(wrong)
        };
        Ok(Draft {
            name: self.name,
            allowed_models: self.allowed_models,
            requests_per_minute: self.requests_per_minute,
            expires_at: self.expires_at.map(time).transpose()?,
            enabled: self.enabled,
        })
    }
}

/// A key, as it is shown.
#[derive(Serialize, ToSchema)]
pub struct GatewayKeyView {
    id: Uuid,
    name: String,
    /// The beginning of the key.
    prefix: String,
    allowed_models: Option<Vec<String>>,
    requests_per_minute: Option<i32>,
    expires_at: Option<i64>,
    enabled: bool,
    created_by: Option<SimpleAccount>,
    created_at: i64,
    last_used_at: Option<i64>,
}

/// A new key. Its text is told here and never again.
#[derive(Serialize, ToSchema)]
pub struct NewGatewayKey {
    #[serde(flatten)]
    key: GatewayKeyView,
    token: String,
}

/// The keys of the workspace, newest first.
#[derive(Serialize, ToSchema)]
pub struct GatewayKeyList {
    data: Vec<GatewayKeyView>,
}

fn shown(key: GatewayKey, people: &People) -> GatewayKeyView {
    GatewayKeyView {
        id: key.id.0,
        name: key.name,
        prefix: key.token_prefix,
        allowed_models: key.allowed_models,
        requests_per_minute: key.requests_per_minute,
        expires_at: key.expires_at.map(seconds),
        enabled: key.enabled,
        created_by: person(people, Some(key.created_by)),
        created_at: seconds(key.created_at),
        last_used_at: key.last_used_at.map(seconds),
    }
}

async fn people(services: &Services, keys: &[GatewayKey]) -> Result<People, Error> {
    let makers: Vec<AccountId> = keys.iter().map(|key| key.created_by).collect();
    services.people(&makers).await
}

#[utoipa::path(get, path = "/workspaces/current/gateway-keys", tag = "models",
    responses((status = 200, body = GatewayKeyList), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn list(State(services): App, Caller(caller): Caller) -> ApiResult<Json<GatewayKeyList>> {
    let keys = gateway_keys::list(&services, &caller).await?;
    let people = people(&services, &keys).await?;
    Ok(Json(GatewayKeyList { data: keys.into_iter().map(|key| shown(key, &people)).collect() }))
}

/// Make a key. The answer is the only one that tells its text.
#[utoipa::path(post, path = "/workspaces/current/gateway-keys", tag = "models", request_body = GatewayKeyBody,
    responses((status = 201, body = NewGatewayKey), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn create(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<GatewayKeyBody>,
) -> ApiResult<(StatusCode, Json<NewGatewayKey>)> {
    let (key, token) = gateway_keys::create(&services, &caller, body.draft()?).await?;
    let people = people(&services, std::slice::from_ref(&key)).await?;
    Ok((StatusCode::CREATED, Json(NewGatewayKey { key: shown(key, &people), token })))
}

#[utoipa::path(put, path = "/workspaces/current/gateway-keys/{gateway_key_id}", tag = "models", request_body = GatewayKeyBody,
    params(("gateway_key_id" = Uuid, Path)),
    responses((status = 200, body = GatewayKeyView), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn update(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<Uuid>,
    Body(body): Body<GatewayKeyBody>,
) -> ApiResult<Json<GatewayKeyView>> {
    let key = gateway_keys::update(&services, &caller, id.into(), body.draft()?).await?;
    let people = people(&services, std::slice::from_ref(&key)).await?;
    Ok(Json(shown(key, &people)))
}

#[utoipa::path(delete, path = "/workspaces/current/gateway-keys/{gateway_key_id}", tag = "models", params(("gateway_key_id" = Uuid, Path)),
    responses((status = 200, body = Done), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete(State(services): App, Caller(caller): Caller, Path(id): Path<Uuid>) -> ApiResult<Json<Done>> {
    gateway_keys::delete(&services, &caller, id.into()).await?;
    Ok(Json(Done::SUCCESS))
}
