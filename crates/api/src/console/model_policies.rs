//! What the workspace decides about its calls of models.

use axum::{Json, extract::State};
use ox_app::{
    Error, Services,
    providers::policies::{self, Policies},
    spend::refusals,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{App, guard::Caller};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Query},
    openapi::routes,
};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    OpenApiRouter::new().routes(routes!(read, write)).routes(routes!(purge)).routes(routes!(list_refusals))
}

/// What is decided. Models are named `provider/model`; everything is off until it is set.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct ModelPoliciesBody {
    cache: AnswerCachePolicy,
    /// The first that fits decides.
    #[serde(default)]
    tiers: Vec<TierPolicy>,
    hedging: HedgePolicy,
    #[serde(default)]
    rates: Vec<RatePolicy>,
    #[serde(default)]
    access: Vec<AccessPolicy>,
}

/// Answers that are given again.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct AnswerCachePolicy {
    enabled: bool,
    /// `null` is every model.
    models: Option<Vec<String>>,
    /// Also for questions that mean the same.
    semantic: bool,
    /// The least likeness of two such questions, 0.5 to 1.
    threshold: f64,
    max_age_seconds: u64,
    /// What the answers of the workspace may take in a process.
    max_megabytes: u32,
    /// Calls with a higher one are not answered from here; `null` is any.
    max_temperature: Option<f64>,
}

/// Another model for some calls. What is empty or `null` fits every call.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct TierPolicy {
    name: String,
    enabled: bool,
    /// The model asked for.
    models: Vec<String>,
    apps: Vec<Uuid>,
    /// Tags of apps; a call fits by its app or by one of its tags.
    tags: Vec<Uuid>,
    /// `en`, `zh`, …, or `other`.
    languages: Vec<String>,
    min_tokens: Option<u64>,
    max_tokens: Option<u64>,
    /// 0 to 100.
    min_complexity: Option<u8>,
    max_complexity: Option<u8>,
    /// Who is asked.
    to: String,
}

/// A second call where the first is slow.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct HedgePolicy {
    models: Vec<HedgedModel>,
    /// The most calls of a model that are made twice, in percent.
    max_percent: u8,
}

/// When a call of a model is made twice.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct HedgedModel {
    model: String,
    /// Without a first token; `null` is as long as 95 of 100 calls take.
    after_ms: Option<u64>,
}

/// How much may be asked of a model in a minute and at the same time.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct RatePolicy {
    /// Of one that is kept; a new one gets its own.
    #[serde(default)]
    id: Uuid,
    /// `null`: all models of the workspace together.
    model: Option<String>,
    requests_per_minute: Option<u32>,
    tokens_per_minute: Option<u64>,
    concurrent: Option<u32>,
    /// How long a call waits for its turn, 0 to 60.
    wait_seconds: u32,
}

/// What a role or an app may ask; one of `role` and `app` is set.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct AccessPolicy {
    /// `admin`, `editor`, `normal` or `dataset_operator`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    app: Option<Uuid>,
    /// `null` is every model.
    models: Option<Vec<String>>,
    /// `null` is every region.
    regions: Option<Vec<String>>,
}

/// What is kept of answers in the process that tells it.
#[derive(Serialize, ToSchema)]
pub struct KeptAnswers {
    answers: usize,
    bytes: usize,
    /// What all workspaces may keep; 0 keeps none.
    most_bytes: usize,
}

/// The policies with what is kept.
#[derive(Serialize, ToSchema)]
pub struct ModelPoliciesView {
    policies: ModelPoliciesBody,
    kept: KeptAnswers,
}

fn view(found: &Policies) -> ApiResult<Json<ModelPoliciesView>> {
    // Both sides are written in the same words.
    let policies = serde_json::to_value(&found.rules).and_then(serde_json::from_value).map_err(Error::internal)?;
    let kept = KeptAnswers { answers: found.held.answers, bytes: found.held.bytes, most_bytes: found.most };
    Ok(Json(ModelPoliciesView { policies, kept }))
}

#[utoipa::path(get, path = "/workspaces/current/model-policies", tag = "models",
    responses((status = 200, body = ModelPoliciesView), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn read(State(services): App, Caller(caller): Caller) -> ApiResult<Json<ModelPoliciesView>> {
    view(&policies::get(&services, &caller).await?)
}

#[utoipa::path(put, path = "/workspaces/current/model-policies", tag = "models", request_body = ModelPoliciesBody,
    responses((status = 200, body = ModelPoliciesView), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn write(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<ModelPoliciesBody>,
) -> ApiResult<Json<ModelPoliciesView>> {
    for rule in &body.access {
        if rule.role.is_some() == rule.app.is_some() {
            return Err(Error::invalid_field("access", "A list is for a role or for an app.").into());
        }
    }
    let rules = serde_json::to_value(&body).and_then(serde_json::from_value).map_err(Error::internal)?;
    view(&policies::set(&services, &caller, rules).await?)
}

/// What was dropped here; other processes drop theirs within seconds.
#[derive(Serialize, ToSchema)]
pub struct PurgedAnswers {
    answers: usize,
    bytes: usize,
}

#[utoipa::path(post, path = "/workspaces/current/model-policies/cache/purge", tag = "models",
    responses((status = 200, body = PurgedAnswers), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn purge(State(services): App, Caller(caller): Caller) -> ApiResult<Json<PurgedAnswers>> {
    let held = policies::purge(&services, &caller).await?;
    Ok(Json(PurgedAnswers { answers: held.answers, bytes: held.bytes }))
}

/// The days that are looked at.
#[derive(Deserialize, IntoParams)]
struct RefusalDays {
    /// 1 to 30; 7 where nothing is said.
    days: Option<u64>,
}

/// Calls of one model that were refused for one reason.
#[derive(Serialize, ToSchema)]
pub struct RefusedCalls {
    /// `rate`, `access` or `budget`.
    reason: String,
    /// `provider/model`, as it was asked for.
    model: String,
    count: i64,
    /// Unix seconds.
    last_at: i64,
    /// What the last caller was told.
    last_why: String,
    /// The app that asked last.
    last_app_id: Option<Uuid>,
}

/// What was refused, the latest first.
#[derive(Serialize, ToSchema)]
pub struct RefusedList {
    data: Vec<RefusedCalls>,
}

#[utoipa::path(get, path = "/workspaces/current/model-policies/refusals", tag = "models", params(RefusalDays),
    responses((status = 200, body = RefusedList), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn list_refusals(
    State(services): App,
    Caller(caller): Caller,
    Query(query): Query<RefusalDays>,
) -> ApiResult<Json<RefusedList>> {
    let found = refusals::list(&services, &caller, query.days.unwrap_or(7)).await?;
    let told = |one: refusals::Refused| RefusedCalls {
        reason: one.reason,
        model: one.model,
        count: one.count,
        last_at: one.last_at.timestamp(),
        last_why: one.last_why,
        last_app_id: one.last_app.map(|app| app.0),
    };
    Ok(Json(RefusedList { data: found.into_iter().map(told).collect() }))
}
