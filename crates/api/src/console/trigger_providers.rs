//! Providers of events and subscriptions to them. Plugins bring both, and this version runs none: the list of
//! providers is empty, and whatever names a provider or a subscription finds nothing.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use ox_app::{Error, Services};
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;

use super::Caller;
use crate::{ApiResult, error::ErrorBody, extract::Path, openapi::routes};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(providers))
        .routes(routes!(info))
        .routes(routes!(icon))
        .routes(routes!(create_builder))
        .routes(routes!(builder))
        .routes(routes!(verify_builder))
        .routes(routes!(update_builder))
        .routes(routes!(builder_logs))
        .routes(routes!(build))
        .routes(routes!(update))
        .routes(routes!(delete))
        .routes(routes!(verify))
        .routes(routes!(authorize))
        .routes(routes!(client, set_client, delete_client))
        .routes(routes!(subscriptions))
}

fn missing(provider: &str) -> String {
    format!("The trigger provider {provider} comes with a plugin that is not installed.")
}

fn no_provider(provider: &str) -> ApiResult<Json<Value>> {
    Err(Error::not_found(missing(provider)).into())
}

fn no_subscription(id: &str) -> ApiResult<Json<Value>> {
    Err(Error::not_found(format!("There is no subscription {id}: plugins bring them, and none is installed.")).into())
}

/// Providers of events.
#[utoipa::path(get, path = "/workspaces/current/triggers", tag = "triggers",
    responses((status = 200, body = Vec<Object>), (status = 401, body = ErrorBody)))]
async fn providers(_caller: Caller) -> Json<Value> {
    Json(json!([]))
}

/// Compat: this error has a shape of its own.
#[utoipa::path(get, path = "/workspaces/current/trigger-provider/{provider}/subscriptions/list", tag = "triggers", params(("provider" = String, Path)),
    responses((status = 404, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn subscriptions(_caller: Caller, Path(provider): Path<String>) -> Response {
    (StatusCode::NOT_FOUND, Json(json!({"error": missing(&provider)}))).into_response()
}

#[utoipa::path(get, path = "/workspaces/current/trigger-provider/{provider}/info", tag = "triggers", params(("provider" = String, Path)),
    responses((status = 404, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn info(_caller: Caller, Path(provider): Path<String>) -> ApiResult<Json<Value>> {
    no_provider(&provider)
}

#[utoipa::path(get, path = "/workspaces/current/trigger-provider/{provider}/icon", tag = "triggers", params(("provider" = String, Path)),
    responses((status = 404, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn icon(_caller: Caller, Path(provider): Path<String>) -> ApiResult<Json<Value>> {
    no_provider(&provider)
}

#[utoipa::path(post, path = "/workspaces/current/trigger-provider/{provider}/subscriptions/builder/create", tag = "triggers", params(("provider" = String, Path)),
    responses((status = 404, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn create_builder(_caller: Caller, Path(provider): Path<String>) -> ApiResult<Json<Value>> {
    no_provider(&provider)
}

#[utoipa::path(get, path = "/workspaces/current/trigger-provider/{provider}/subscriptions/builder/{subscription_builder_id}", tag = "triggers", params(("provider" = String, Path), ("subscription_builder_id" = String, Path)),
    responses((status = 404, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn builder(_caller: Caller, Path(ids): Path<(String, String)>) -> ApiResult<Json<Value>> {
    no_provider(&ids.0)
}

#[utoipa::path(post, path = "/workspaces/current/trigger-provider/{provider}/subscriptions/builder/verify-and-update/{subscription_builder_id}", tag = "triggers", params(("provider" = String, Path), ("subscription_builder_id" = String, Path)),
    responses((status = 404, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn verify_builder(_caller: Caller, Path(ids): Path<(String, String)>) -> ApiResult<Json<Value>> {
    no_provider(&ids.0)
}

#[utoipa::path(post, path = "/workspaces/current/trigger-provider/{provider}/subscriptions/builder/update/{subscription_builder_id}", tag = "triggers", params(("provider" = String, Path), ("subscription_builder_id" = String, Path)),
    responses((status = 404, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn update_builder(_caller: Caller, Path(ids): Path<(String, String)>) -> ApiResult<Json<Value>> {
    no_provider(&ids.0)
}

#[utoipa::path(get, path = "/workspaces/current/trigger-provider/{provider}/subscriptions/builder/logs/{subscription_builder_id}", tag = "triggers", params(("provider" = String, Path), ("subscription_builder_id" = String, Path)),
    responses((status = 404, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn builder_logs(_caller: Caller, Path(ids): Path<(String, String)>) -> ApiResult<Json<Value>> {
    no_provider(&ids.0)
}

#[utoipa::path(post, path = "/workspaces/current/trigger-provider/{provider}/subscriptions/builder/build/{subscription_builder_id}", tag = "triggers", params(("provider" = String, Path), ("subscription_builder_id" = String, Path)),
    responses((status = 404, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn build(_caller: Caller, Path(ids): Path<(String, String)>) -> ApiResult<Json<Value>> {
    no_provider(&ids.0)
}

#[utoipa::path(post, path = "/workspaces/current/trigger-provider/{subscription_id}/subscriptions/update", tag = "triggers", params(("subscription_id" = String, Path)),
    responses((status = 404, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn update(_caller: Caller, Path(subscription_id): Path<String>) -> ApiResult<Json<Value>> {
    no_subscription(&subscription_id)
}

#[utoipa::path(post, path = "/workspaces/current/trigger-provider/{subscription_id}/subscriptions/delete", tag = "triggers", params(("subscription_id" = String, Path)),
    responses((status = 404, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn delete(_caller: Caller, Path(subscription_id): Path<String>) -> ApiResult<Json<Value>> {
    no_subscription(&subscription_id)
}

#[utoipa::path(post, path = "/workspaces/current/trigger-provider/{provider}/subscriptions/verify/{subscription_id}", tag = "triggers", params(("provider" = String, Path), ("subscription_id" = String, Path)),
    responses((status = 404, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn verify(_caller: Caller, Path(ids): Path<(String, String)>) -> ApiResult<Json<Value>> {
    no_provider(&ids.0)
}

#[utoipa::path(get, path = "/workspaces/current/trigger-provider/{provider}/subscriptions/oauth/authorize", tag = "triggers", params(("provider" = String, Path)),
    responses((status = 404, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn authorize(_caller: Caller, Path(provider): Path<String>) -> ApiResult<Json<Value>> {
    no_provider(&provider)
}

#[utoipa::path(get, path = "/workspaces/current/trigger-provider/{provider}/oauth/client", tag = "triggers", params(("provider" = String, Path)),
    responses((status = 404, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn client(_caller: Caller, Path(provider): Path<String>) -> ApiResult<Json<Value>> {
    no_provider(&provider)
}

#[utoipa::path(post, path = "/workspaces/current/trigger-provider/{provider}/oauth/client", tag = "triggers", params(("provider" = String, Path)),
    responses((status = 404, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn set_client(_caller: Caller, Path(provider): Path<String>) -> ApiResult<Json<Value>> {
    no_provider(&provider)
}

#[utoipa::path(delete, path = "/workspaces/current/trigger-provider/{provider}/oauth/client", tag = "triggers", params(("provider" = String, Path)),
    responses((status = 404, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn delete_client(_caller: Caller, Path(provider): Path<String>) -> ApiResult<Json<Value>> {
    no_provider(&provider)
}
