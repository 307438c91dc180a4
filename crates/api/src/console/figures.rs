//! Numbers over many runs: counts by status, figures of the apps list, the histogram of the logs.

use std::sync::Arc;

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use ox_app::{
    Error, Services,
    figures::{self, AppSpan, Histogram, HistogramQuery},
    logs::{self, LogFilter},
};
use ox_types::AppId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{App, guard::Caller, logs::iso, view::seconds};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Path, Query},
    openapi::routes,
};

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(count))
        .routes(routes!(chat_count))
        .routes(routes!(of_apps))
        .routes(routes!(histogram))
}

#[derive(Deserialize, IntoParams)]
struct CountQuery {
    status: Option<String>,
    /// How far back: `7d`, `4h`, `30m` or `30s`.
    time_range: Option<String>,
    /// `debugging` (default) or `app-run`.
    triggered_from: Option<String>,
}

/// Runs by status.
#[derive(Serialize, ToSchema)]
pub struct RunCounts {
    total: i64,
    running: i64,
    succeeded: i64,
    failed: i64,
    stopped: i64,
    partial_succeeded: i64,
}

async fn counts(
    services: &Services,
    caller: &ox_app::Principal,
    app: AppId,
    query: CountQuery,
) -> ApiResult<Json<RunCounts>> {
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let since = filled(query.time_range).map(|text| figures::time_range(&text)).transpose()?;
    let triggered_from = filled(query.triggered_from).unwrap_or_else(|| "debugging".to_owned());
    let found = figures::count(services, caller, app, triggered_from, filled(query.status), since).await?;
    let of = |status: &str| found.get(status).copied().unwrap_or(0);
    Ok(Json(RunCounts {
        total: found.values().sum(),
        running: of("running"),
        succeeded: of("succeeded"),
        failed: of("failed"),
        stopped: of("stopped"),
        partial_succeeded: of("partial-succeeded"),
    }))
}

#[utoipa::path(get, path = "/apps/{app_id}/workflow-runs/count", tag = "runs", params(("app_id" = Uuid, Path), CountQuery),
    responses((status = 200, body = RunCounts), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn count(
    State(services): App,
    Caller(caller): Caller,
    Path(app): Path<AppId>,
    Query(query): Query<CountQuery>,
) -> ApiResult<Json<RunCounts>> {
    counts(&services, &caller, app, query).await
}

#[utoipa::path(get, path = "/apps/{app_id}/advanced-chat/workflow-runs/count", tag = "runs", params(("app_id" = Uuid, Path), CountQuery),
    responses((status = 200, body = RunCounts), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn chat_count(
    State(services): App,
    Caller(caller): Caller,
    Path(app): Path<AppId>,
    Query(query): Query<CountQuery>,
) -> ApiResult<Json<RunCounts>> {
    counts(&services, &caller, app, query).await
}

#[derive(Deserialize, IntoParams)]
struct FiguresQuery {
    /// App ids separated by commas, at most 100.
    #[serde(default)]
    ids: String,
    /// How far back, 1 to 168.
    #[serde(default = "day")]
    hours: u16,
    /// Adds what happened in as many hours right before.
    #[serde(default)]
    before: bool,
}

fn day() -> u16 {
    24
}

/// What happened in one app.
#[derive(Serialize, ToSchema)]
pub struct AppFigures {
    #[schema(value_type = Uuid)]
    app_id: AppId,
    runs: i64,
    succeeded: i64,
    failed: i64,
    /// Of the runs that have succeeded or failed; null without any.
    success_rate: Option<f64>,
    p95_seconds: Option<f64>,
    total_tokens: i64,
    /// Decimal text.
    total_price: String,
    currency: String,
    /// Runs in each hour, the oldest first.
    per_hour: Vec<i64>,
    /// As many hours right before; null unless asked for.
    before: Option<FiguresBefore>,
}

/// What happened in one app in the hours before.
#[derive(Serialize, ToSchema)]
pub struct FiguresBefore {
    runs: i64,
    succeeded: i64,
    failed: i64,
    /// Of the runs that have succeeded or failed; null without any.
    success_rate: Option<f64>,
    p95_seconds: Option<f64>,
    total_tokens: i64,
    /// Decimal text.
    total_price: String,
    currency: String,
}

/// Figures of several apps.
#[derive(Serialize, ToSchema)]
pub struct Figures {
    since: i64,
    until: i64,
    hours: u16,
    data: Vec<AppFigures>,
}

#[utoipa::path(get, path = "/apps/figures", tag = "apps", params(FiguresQuery),
    responses((status = 200, body = Figures), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn of_apps(
    State(services): App,
    Caller(caller): Caller,
    Query(query): Query<FiguresQuery>,
) -> ApiResult<Json<Figures>> {
    let FiguresQuery { ids, hours, before } = query;
    let ids: Result<Vec<AppId>, _> =
        ids.split(',').map(str::trim).filter(|id| !id.is_empty()).map(|id| id.parse::<Uuid>().map(AppId)).collect();
    let ids = ids.map_err(|_| Error::invalid_field("ids", "ids must be app ids separated by commas."))?;
    if ids.len() > 100 || !(1..=168).contains(&hours) {
        return Err(Error::invalid("At most 100 ids, hours between 1 and 168.").into());
    }
    let found = figures::of_apps(&services, &caller, &ids, hours, before).await?;
    let data = found.apps.into_iter().map(app_figures).collect();
    Ok(Json(Figures { since: seconds(found.since), until: seconds(found.until), hours, data }))
}

fn app_figures(app: AppSpan) -> AppFigures {
    let AppSpan { id, figures: found, before } = app;
    AppFigures {
        app_id: id,
        runs: found.runs,
        succeeded: found.succeeded,
        failed: found.failed,
        success_rate: rate(found.succeeded, found.failed),
        p95_seconds: found.p95_seconds,
        total_tokens: found.tokens,
        total_price: price(found.price),
        currency: currency(found.currency),
        per_hour: found.per_hour,
        before: before.map(|was| FiguresBefore {
            runs: was.runs,
            succeeded: was.succeeded,
            failed: was.failed,
            success_rate: rate(was.succeeded, was.failed),
            p95_seconds: was.p95_seconds,
            total_tokens: was.tokens,
            total_price: price(was.price),
            currency: currency(was.currency),
        }),
    }
}

fn currency(known: Option<String>) -> String {
    known.unwrap_or_else(|| "USD".to_owned())
}

#[expect(clippy::cast_precision_loss, reason = "a rate needs no more digits")]
fn rate(succeeded: i64, failed: i64) -> Option<f64> {
    let ended = succeeded + failed;
    (ended > 0).then(|| (succeeded as f64 / ended as f64 * 10_000.0).round() / 10_000.0)
}

fn price(price: f64) -> String {
    let text = format!("{price:.7}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[derive(Deserialize, IntoParams)]
struct BarsQuery {
    /// 1 to 240.
    #[serde(default = "sixty")]
    buckets: usize,
    /// ISO 8601; the end of the last bucket, now when absent.
    #[serde(rename = "created_at__before")]
    before: Option<String>,
    /// ISO 8601; the beginning of the first bucket, an hour earlier when absent.
    #[serde(rename = "created_at__after")]
    after: Option<String>,
    keyword: Option<String>,
    status: Option<String>,
    created_by_end_user_session_id: Option<String>,
    /// Id or e-mail address of a member.
    created_by_account: Option<String>,
}

fn sixty() -> usize {
    60
}

/// One bucket.
#[derive(Serialize, ToSchema)]
pub struct Bucket {
    /// Unix seconds of its beginning.
    at: i64,
    total: i64,
    succeeded: i64,
    failed: i64,
    /// Running, waiting and stopped.
    other: i64,
}

/// The runs of an app over time.
#[derive(Serialize, ToSchema)]
pub struct HistogramView {
    since: i64,
    until: i64,
    step_seconds: i64,
    total: i64,
    succeeded: i64,
    failed: i64,
    other: i64,
    buckets: Vec<Bucket>,
}

impl From<Histogram> for HistogramView {
    fn from(found: Histogram) -> Self {
        let begin = seconds(found.since);
        let buckets: Vec<Bucket> = (0..)
            .zip(&found.bars)
            .map(|(slot, bar)| Bucket {
                at: begin + slot * found.step_seconds,
                total: bar.total,
                succeeded: bar.succeeded,
                failed: bar.failed,
                other: bar.total - bar.succeeded - bar.failed,
            })
            .collect();
        let sum = |count: fn(&Bucket) -> i64| buckets.iter().map(count).sum();
        Self {
            since: begin,
            until: seconds(found.until),
            step_seconds: found.step_seconds,
            total: sum(|bucket| bucket.total),
            succeeded: sum(|bucket| bucket.succeeded),
            failed: sum(|bucket| bucket.failed),
            other: sum(|bucket| bucket.other),
            buckets,
        }
    }
}

#[utoipa::path(get, path = "/apps/{app_id}/workflow-app-logs/histogram", tag = "runs", params(("app_id" = Uuid, Path), BarsQuery),
    responses((status = 200, body = HistogramView), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn histogram(
    State(services): App,
    Caller(caller): Caller,
    Path(app): Path<AppId>,
    Query(query): Query<BarsQuery>,
) -> ApiResult<Json<HistogramView>> {
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let until: DateTime<Utc> = iso("created_at__before", query.before.as_ref())?.unwrap_or_else(Utc::now);
    let since = iso("created_at__after", query.after.as_ref())?.unwrap_or(until - chrono::Duration::hours(1));
    let filter = LogFilter {
        keyword: filled(query.keyword),
        status: filled(query.status),
        end_user_session: filled(query.created_by_end_user_session_id),
        account: logs::runner(&services, &caller, query.created_by_account.as_deref()).await?,
        ..LogFilter::default()
    };
    let query = HistogramQuery { since, until, buckets: query.buckets, filter };
    Ok(Json(figures::histogram(&services, &caller, app, query).await?.into()))
}
