//! What models cost the workspace, and how much they may.

use std::sync::Arc;

use axum::{Json, extract::State, response::Response};
use ox_app::{
    Error, Services,
    exports::Format,
    spend::{
        budgets::{self, BudgetForm, BudgetView},
        report::{self, CallView, Group, NamedGroup, SpendQuery, SpendSum},
    },
};
use ox_types::{AppId, GatewayKeyId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{
    App,
    exports::file,
    guard::Caller,
    view::{Done, seconds},
};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path, Query},
    openapi::routes,
};

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(summary))
        .routes(routes!(groups))
        .routes(routes!(calls))
        .routes(routes!(export))
        .routes(routes!(list, create))
        .routes(routes!(update, remove))
}

#[derive(Deserialize, IntoParams)]
struct SpanQuery {
    /// `YYYY-MM-DD HH:MM` in the account's time zone; 30 days before the end when absent.
    start: Option<String>,
    /// The same; now when absent.
    end: Option<String>,
    provider: Option<String>,
    model: Option<String>,
    app_id: Option<Uuid>,
    /// An account, an end user, or whom a caller from outside names.
    user: Option<String>,
    key_id: Option<Uuid>,
    /// `ok` or `failed`.
    status: Option<String>,
    /// Of groups: `model`, `app`, `user` or `key`.
    by: Option<String>,
    /// Of calls: those after the one with this id.
    after: Option<Uuid>,
    /// Of calls: 1 to 100, 20 when absent.
    limit: Option<u64>,
    /// Of exports: `csv` (default) or `jsonl`.
    format: Option<String>,
}

impl SpanQuery {
    fn wanted(self) -> Result<SpendQuery, Error> {
        let ok = match self.status.as_deref() {
            None | Some("") => None,
            Some("ok") => Some(true),
            Some("failed") => Some(false),
            Some(_) => return Err(Error::invalid_field("status", "status must be ok or failed.")),
        };
        Ok(SpendQuery {
            start: self.start,
            end: self.end,
            provider: self.provider,
            model: self.model,
            app: self.app_id.map(AppId),
            user: self.user,
            key: self.key_id.map(GatewayKeyId),
            ok,
        })
    }
}

/// What some calls used together.
#[derive(Serialize, ToSchema)]
pub struct SpendSumView {
    currency: String,
    /// A decimal number.
    price: String,
    calls: i64,
    /// Of them, those that were not answered.
    failed: i64,
    prompt_tokens: i64,
    /// Of the prompt tokens, those that the provider had in its cache.
    cached_tokens: i64,
    completion_tokens: i64,
    total_tokens: i64,
    /// All calls together.
    latency_ms: i64,
    /// Of the calls, those that were answered from what is kept; their tokens are not in the sums above.
    hits: i64,
    saved_tokens: i64,
    /// What they would have cost; a decimal number.
    saved_price: String,
}

impl From<SpendSum> for SpendSumView {
    fn from(sum: SpendSum) -> Self {
        Self {
            price: report::money(sum.price),
            currency: sum.currency,
            calls: sum.calls,
            failed: sum.failed,
            prompt_tokens: sum.prompt_tokens,
            cached_tokens: sum.cached_tokens,
            completion_tokens: sum.completion_tokens,
            total_tokens: sum.prompt_tokens.saturating_add(sum.completion_tokens),
            latency_ms: sum.latency_ms,
            hits: sum.hits,
            saved_tokens: sum.saved_tokens,
            saved_price: report::money(sum.saved_price),
        }
    }
}

/// The sums of a day, one for each currency.
#[derive(Serialize, ToSchema)]
pub struct SpendDay {
    /// `YYYY-MM-DD` in the account's time zone.
    date: String,
    sums: Vec<SpendSumView>,
}

/// Sums of a time, one for each currency, and those of its days with calls.
#[derive(Serialize, ToSchema)]
pub struct SpendSummary {
    total: Vec<SpendSumView>,
    days: Vec<SpendDay>,
}

fn sums(found: Vec<SpendSum>) -> Vec<SpendSumView> {
    found.into_iter().map(SpendSumView::from).collect()
}

#[utoipa::path(get, path = "/workspaces/current/model-spend", tag = "models", params(SpanQuery),
    responses((status = 200, body = SpendSummary), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn summary(
    State(services): App,
    Caller(caller): Caller,
    Query(query): Query<SpanQuery>,
) -> ApiResult<Json<SpendSummary>> {
    let found = report::summary(&services, &caller, query.wanted()?).await?;
    let days = found.days.into_iter().map(|day| SpendDay { date: day.date.to_string(), sums: sums(day.figures) });
    Ok(Json(SpendSummary { total: sums(found.total), days: days.collect() }))
}

/// The sums of calls that have something in common.
#[derive(Serialize, ToSchema)]
pub struct SpendGroupView {
    /// The model's name, or the id of the app, user or key; none for calls without one.
    name: Option<String>,
    /// The name of the app, user or key, where it is known.
    label: Option<String>,
    /// Of a model.
    provider: Option<String>,
    #[serde(flatten)]
    sum: SpendSumView,
}

/// Groups, the most expensive first.
#[derive(Serialize, ToSchema)]
pub struct SpendGroups {
    data: Vec<SpendGroupView>,
}

#[utoipa::path(get, path = "/workspaces/current/model-spend/groups", tag = "models", params(SpanQuery),
    responses((status = 200, body = SpendGroups), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn groups(
    State(services): App,
    Caller(caller): Caller,
    Query(query): Query<SpanQuery>,
) -> ApiResult<Json<SpendGroups>> {
    let by = match query.by.as_deref() {
        None | Some("" | "model") => Group::Model,
        Some("app") => Group::App,
        Some("user") => Group::User,
        Some("key") => Group::Key,
        Some(_) => return Err(Error::invalid_field("by", "by must be model, app, user or key.").into()),
    };
    let found = report::groups(&services, &caller, query.wanted()?, by).await?;
    let view = |named: NamedGroup| SpendGroupView {
        name: named.group.name,
        label: named.label,
        provider: named.group.provider,
        sum: named.group.sum.into(),
    };
    Ok(Json(SpendGroups { data: found.into_iter().map(view).collect() }))
}

/// One call of a model.
#[derive(Serialize, ToSchema)]
pub struct ModelCallView {
    id: Uuid,
    app_id: Option<Uuid>,
    app_name: Option<String>,
    user_id: Option<String>,
    user_name: Option<String>,
    key_id: Option<Uuid>,
    key_name: Option<String>,
    run_id: Option<Uuid>,
    node_id: Option<String>,
    provider: String,
    model: String,
    kind: String,
    /// What was asked for, when another model answered.
    wanted_provider: Option<String>,
    wanted_model: Option<String>,
    prompt_tokens: i64,
    cached_tokens: i64,
    completion_tokens: i64,
    /// A decimal number.
    price: String,
    currency: String,
    /// Counted here, as the provider did not tell.
    estimated: bool,
    latency_ms: i64,
    first_token_ms: Option<i64>,
    /// `ok`, `cancelled`, or the class of the error.
    outcome: String,
    created_at: i64,
    /// `hit` or `semantic`: the answer was kept, and nobody was asked.
    cache: Option<String>,
    /// What it would have cost; a decimal number.
    saved_price: Option<String>,
    /// Why another model answered, or was asked as well: `fallback`, `tier` or `hedge`.
    route: Option<String>,
    /// The name of the rule.
    rule: Option<String>,
    /// What was used beside tokens, where it is known.
    units: Option<i64>,
    /// Of what: `searches`, `seconds` or `characters`.
    unit: Option<String>,
}

impl From<CallView> for ModelCallView {
    fn from(view: CallView) -> Self {
        let CallView { call, app_name, user_name, key_name } = view;
        Self {
            id: call.id,
            app_id: call.app_id.map(|id| id.0),
            app_name,
            user_id: call.user_id,
            user_name,
            key_id: call.key_id.map(|id| id.0),
            key_name,
            run_id: call.run_id.map(|id| id.0),
            node_id: call.node_id,
            provider: call.provider,
            model: call.model,
            kind: call.kind,
            wanted_provider: call.wanted_provider,
            wanted_model: call.wanted_model,
            prompt_tokens: call.prompt_tokens,
            cached_tokens: call.cached_tokens,
            completion_tokens: call.completion_tokens,
            price: call.price,
            currency: call.currency,
            estimated: call.estimated,
            latency_ms: call.latency_ms,
            first_token_ms: call.first_token_ms,
            outcome: call.outcome,
            created_at: seconds(call.created_at),
            cache: call.cache,
            saved_price: call.saved_price,
            route: call.route,
            rule: call.rule,
            units: call.units,
            unit: call.unit,
        }
    }
}

/// Calls, newest first.
#[derive(Serialize, ToSchema)]
pub struct ModelCalls {
    data: Vec<ModelCallView>,
    has_more: bool,
}

#[utoipa::path(get, path = "/workspaces/current/model-spend/calls", tag = "models", params(SpanQuery),
    responses((status = 200, body = ModelCalls), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn calls(
    State(services): App,
    Caller(caller): Caller,
    Query(query): Query<SpanQuery>,
) -> ApiResult<Json<ModelCalls>> {
    let (after, limit) = (query.after, query.limit.unwrap_or(20));
    let found = report::calls(&services, &caller, query.wanted()?, after, limit).await?;
    let data = found.items.into_iter().map(ModelCallView::from).collect();
    Ok(Json(ModelCalls { data, has_more: found.has_more }))
}

#[utoipa::path(get, path = "/workspaces/current/model-spend/export", tag = "models", params(SpanQuery),
    responses((status = 200, description = "The calls of models, newest first", content_type = "text/csv"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn export(State(services): App, Caller(caller): Caller, Query(query): Query<SpanQuery>) -> ApiResult<Response> {
    let format = Format::read(query.format.as_deref(), &["csv", "jsonl"])?;
    Ok(file(report::export(&services, &caller, query.wanted()?, format).await?))
}

/// A budget as it is set.
#[derive(Deserialize, ToSchema)]
pub struct ModelBudgetBody {
    name: String,
    /// `workspace`, `app`, `user` or `key`.
    scope: String,
    /// Whose; without one, each app, user or key has one of its own.
    #[serde(default)]
    subject: Option<String>,
    /// `day`, `month` or `total`, in UTC.
    period: String,
    /// `warn`, `throttle` or `stop`.
    action: String,
    #[serde(default)]
    token_limit: Option<i64>,
    /// A decimal number.
    #[serde(default)]
    money_limit: Option<String>,
    /// Money counts where prices are in this currency. `USD` when absent.
    #[serde(default)]
    currency: Option<String>,
    /// Calls that may begin in a minute, once a throttling budget is spent; 6 when absent.
    #[serde(default)]
    calls_per_minute: Option<i32>,
    #[serde(default)]
    enabled: Option<bool>,
    /// Whether owners and admins get a mail at 80 % and 100 %.
    #[serde(default)]
    mail: Option<bool>,
    /// Told at 80 % and 100 %.
    #[serde(default)]
    webhook_url: Option<String>,
    /// Signs what is sent; the stored one is kept when absent.
    #[serde(default)]
    webhook_secret: Option<String>,
}

impl From<ModelBudgetBody> for BudgetForm {
    fn from(body: ModelBudgetBody) -> Self {
        Self {
            name: body.name,
            scope: body.scope,
            subject: body.subject,
            period: body.period,
            action: body.action,
            token_limit: body.token_limit,
            money_limit: body.money_limit,
            currency: body.currency.unwrap_or_default(),
            calls_per_minute: body.calls_per_minute.unwrap_or(6),
            enabled: body.enabled.unwrap_or(true),
            mail: body.mail.unwrap_or(true),
            webhook_url: body.webhook_url,
            webhook_secret: body.webhook_secret,
        }
    }
}

/// A budget with what is used of it.
#[derive(Serialize, ToSchema)]
pub struct ModelBudgetView {
    id: Uuid,
    name: String,
    scope: String,
    subject: Option<String>,
    /// The name of the app or user that it is for, where it is known.
    subject_name: Option<String>,
    period: String,
    action: String,
    token_limit: Option<i64>,
    money_limit: Option<String>,
    currency: String,
    calls_per_minute: i32,
    enabled: bool,
    mail: bool,
    webhook_url: Option<String>,
    has_webhook_secret: bool,
    /// In the present window; where each has one of its own, the most that one has used.
    used_tokens: u64,
    used_money: String,
    /// The larger part of its limits: 1 is all.
    ratio: f64,
    created_at: i64,
    updated_at: i64,
}

impl From<BudgetView> for ModelBudgetView {
    fn from(view: BudgetView) -> Self {
        let BudgetView { budget, subject_name, used, ratio } = view;
        Self {
            id: budget.id,
            name: budget.name,
            scope: budget.scope,
            subject: budget.subject,
            subject_name,
            period: budget.period,
            action: budget.action,
            token_limit: budget.token_limit,
            money_limit: budget.money_limit,
            currency: budget.currency,
            calls_per_minute: budget.calls_per_minute,
            enabled: budget.enabled,
            mail: budget.mail,
            has_webhook_secret: budget.webhook_secret.is_some(),
            webhook_url: budget.webhook_url,
            used_tokens: used.tokens,
            used_money: report::money(i64::try_from(used.price).unwrap_or(i64::MAX)),
            ratio,
            created_at: seconds(budget.created_at),
            updated_at: seconds(budget.updated_at),
        }
    }
}

/// What was told about a budget.
#[derive(Serialize, ToSchema)]
pub struct BudgetAlertView {
    id: Uuid,
    budget_id: Uuid,
    subject: String,
    /// The first day of the window, or `total`.
    period_start: String,
    /// In percent.
    threshold: i32,
    used_tokens: i64,
    used_money: String,
    /// Of the webhook: `none`, `pending`, `delivered` or `failed`.
    status: String,
    last_error: Option<String>,
    created_at: i64,
}

/// The budgets of the workspace, oldest first, and the newest alerts.
#[derive(Serialize, ToSchema)]
pub struct ModelBudgets {
    data: Vec<ModelBudgetView>,
    alerts: Vec<BudgetAlertView>,
}

#[utoipa::path(get, path = "/workspaces/current/model-budgets", tag = "models",
    responses((status = 200, body = ModelBudgets), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn list(State(services): App, Caller(caller): Caller) -> ApiResult<Json<ModelBudgets>> {
    let data = budgets::list(&services, &caller).await?.into_iter().map(ModelBudgetView::from).collect();
    let alerts = budgets::alerts(&services, &caller).await?.into_iter().map(|alert| BudgetAlertView {
        id: alert.id,
        budget_id: alert.budget_id,
        subject: alert.subject,
        period_start: alert.period_start,
        threshold: alert.threshold,
        used_tokens: alert.used_tokens,
        used_money: report::money(alert.used_price),
        status: alert.status,
        last_error: alert.last_error,
        created_at: seconds(alert.created_at),
    });
    Ok(Json(ModelBudgets { data, alerts: alerts.collect() }))
}

#[utoipa::path(post, path = "/workspaces/current/model-budgets", tag = "models", request_body = ModelBudgetBody,
    responses((status = 200, body = ModelBudgetView), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn create(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<ModelBudgetBody>,
) -> ApiResult<Json<ModelBudgetView>> {
    Ok(Json(budgets::create(&services, &caller, body.into()).await?.into()))
}

#[utoipa::path(put, path = "/workspaces/current/model-budgets/{budget_id}", tag = "models", request_body = ModelBudgetBody, params(("budget_id" = Uuid, Path)),
    responses((status = 200, body = ModelBudgetView), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn update(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<Uuid>,
    Body(body): Body<ModelBudgetBody>,
) -> ApiResult<Json<ModelBudgetView>> {
    Ok(Json(budgets::update(&services, &caller, id, body.into()).await?.into()))
}

#[utoipa::path(delete, path = "/workspaces/current/model-budgets/{budget_id}", tag = "models", params(("budget_id" = Uuid, Path)),
    responses((status = 200, body = Done), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn remove(State(services): App, Caller(caller): Caller, Path(id): Path<Uuid>) -> ApiResult<Json<Done>> {
    budgets::delete(&services, &caller, id).await?;
    Ok(Json(Done::SUCCESS))
}
