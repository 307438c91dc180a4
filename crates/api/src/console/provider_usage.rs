//! How the providers of the workspace were used during the last day.

use std::sync::Arc;

use axum::{Json, extract::State};
use ox_app::{
    Services,
    spend::usage::{self, KeyUse, ModelUse, Used},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{App, guard::Caller, view::seconds};
use crate::{ApiResult, error::ErrorBody, openapi::routes};

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new().routes(routes!(providers))
}

/// What a model was asked.
#[derive(Serialize, ToSchema)]
pub struct ModelUseView {
    model: String,
    calls: i64,
    /// Of them, those that were not answered.
    failed: i64,
    /// Apps that called.
    apps: i64,
}

impl From<ModelUse> for ModelUseView {
    fn from(used: ModelUse) -> Self {
        Self { model: used.model, calls: used.calls, failed: used.failed, apps: used.apps }
    }
}

/// What was asked by a stored key.
#[derive(Serialize, ToSchema)]
pub struct KeyUseView {
    credential_id: Uuid,
    calls: i64,
    /// Of them, those that were not answered.
    failed: i64,
    /// Null for a key that was not asked.
    last_call_at: Option<i64>,
    /// It failed, and is left alone for a while.
    in_cooldown: bool,
    /// Seconds for which it still is.
    ttl: u64,
}

impl From<KeyUse> for KeyUseView {
    fn from(used: KeyUse) -> Self {
        Self {
            credential_id: used.credential,
            calls: used.calls,
            failed: used.failed,
            last_call_at: used.last.map(seconds),
            in_cooldown: used.rests.is_some(),
            ttl: used.rests.map_or(0, |rest| rest.as_secs()),
        }
    }
}

/// What a provider was asked.
#[derive(Serialize, ToSchema)]
pub struct ProviderUseView {
    provider: String,
    calls: i64,
    /// Of them, those that were not answered.
    failed: i64,
    /// Apps that called.
    apps: i64,
    last_call_at: i64,
    /// What half of the answered calls did not exceed.
    latency_p50_ms: Option<i64>,
    /// The same of those whose first token was timed.
    first_token_p50_ms: Option<i64>,
    /// Calls in equal parts of the time, the oldest first.
    steps: Vec<i64>,
    /// The most used first.
    models: Vec<ModelUseView>,
    /// The most used first; a call of which no stored key is known counts for none.
    keys: Vec<KeyUseView>,
}

impl From<Used> for ProviderUseView {
    fn from(used: Used) -> Self {
        let Used { provider, steps, models, keys } = used;
        Self {
            provider: provider.provider,
            calls: provider.calls,
            failed: provider.failed,
            apps: provider.apps,
            last_call_at: seconds(provider.last),
            latency_p50_ms: provider.latency_p50_ms,
            first_token_p50_ms: provider.first_token_p50_ms,
            steps,
            models: models.into_iter().map(ModelUseView::from).collect(),
            keys: keys.into_iter().map(KeyUseView::from).collect(),
        }
    }
}

/// Providers with calls in a time: the last day, or less where there were very many.
#[derive(Serialize, ToSchema)]
pub struct ProviderUsage {
    since: i64,
    until: i64,
    data: Vec<ProviderUseView>,
}

#[utoipa::path(get, path = "/workspaces/current/model-spend/providers", tag = "models",
    responses((status = 200, body = ProviderUsage), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn providers(State(services): App, Caller(caller): Caller) -> ApiResult<Json<ProviderUsage>> {
    let found = usage::providers(&services, &caller).await?;
    let data = found.providers.into_iter().map(ProviderUseView::from).collect();
    Ok(Json(ProviderUsage { since: seconds(found.since), until: seconds(found.until), data }))
}
