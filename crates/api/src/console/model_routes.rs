//! How a model that does not answer is got round: keys that are tried out, and models that stand in.

use axum::{Json, extract::State};
use ox_app::{
    Services,
    providers::{self, ModelTarget},
};
use ox_models::Credentials;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{App, guard::Caller, view::Done};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path, Query},
    openapi::routes,
};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(fallbacks, set_fallbacks))
        .routes(routes!(try_key))
        .routes(routes!(try_kept_key))
}

/// Which model.
#[derive(Deserialize, IntoParams)]
struct FallbackQuery {
    model: String,
    model_type: String,
}

/// A model of a provider.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct FallbackModel {
    provider: String,
    model: String,
}

/// Who is asked when a model does not answer, in this order.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct Fallbacks {
    fallbacks: Vec<FallbackModel>,
}

#[utoipa::path(get, path = "/workspaces/current/model-providers/{provider}/models/fallbacks", tag = "models", params(("provider" = String, Path), FallbackQuery),
    responses((status = 200, body = Fallbacks), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn fallbacks(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
    Query(query): Query<FallbackQuery>,
) -> ApiResult<Json<Fallbacks>> {
    let target = ModelTarget::new(&query.model, &query.model_type)?;
    let chain = providers::fallbacks(&services, &caller, &provider, &target).await?;
    let fallbacks = chain.into_iter().map(|one| FallbackModel { provider: one.provider, model: one.name }).collect();
    Ok(Json(Fallbacks { fallbacks }))
}

#[utoipa::path(put, path = "/workspaces/current/model-providers/{provider}/models/fallbacks", tag = "models", request_body = Fallbacks, params(("provider" = String, Path), FallbackQuery),
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn set_fallbacks(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
    Query(query): Query<FallbackQuery>,
    Body(body): Body<Fallbacks>,
) -> ApiResult<Json<Done>> {
    let target = ModelTarget::new(&query.model, &query.model_type)?;
    let chain: Vec<_> = body.fallbacks.into_iter().map(|one| (one.provider, one.model)).collect();
    providers::set_fallbacks(&services, &caller, &provider, &target, &chain).await?;
    Ok(Json(Done::SUCCESS))
}

/// Values of a key that are tried out.
#[derive(Deserialize, ToSchema)]
pub struct KeyTrial {
    model: String,
    model_type: String,
    #[schema(value_type = Object)]
    #[serde(default)]
    credentials: Credentials,
}

async fn tried(
    services: &Services,
    caller: &ox_app::Principal,
    provider: &str,
    body: KeyTrial,
    kept: Option<Uuid>,
) -> ApiResult<Json<Value>> {
    let target = ModelTarget::new(&body.model, &body.model_type)?;
    let outcome = providers::try_key(services, caller, provider, &target, &body.credentials, kept).await?;
    Ok(super::models::verdict(outcome))
}

#[utoipa::path(post, path = "/workspaces/current/model-providers/{provider}/models/load-balancing-configs/credentials-validate", tag = "models", request_body = KeyTrial, params(("provider" = String, Path)),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn try_key(
    State(services): App,
    Caller(caller): Caller,
    Path(provider): Path<String>,
    Body(body): Body<KeyTrial>,
) -> ApiResult<Json<Value>> {
    tried(&services, &caller, &provider, body, None).await
}

#[utoipa::path(post, path = "/workspaces/current/model-providers/{provider}/models/load-balancing-configs/{config_id}/credentials-validate", tag = "models", request_body = KeyTrial, params(("provider" = String, Path), ("config_id" = Uuid, Path)),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn try_kept_key(
    State(services): App,
    Caller(caller): Caller,
    Path((provider, config)): Path<(String, Uuid)>,
    Body(body): Body<KeyTrial>,
) -> ApiResult<Json<Value>> {
    tried(&services, &caller, &provider, body, Some(config)).await
}
