//! What happened in an app, day by day in the time zone of the caller's account.

use axum::{Json, extract::State};
use ox_app::{
    Services,
    statistics::{self, Dated, MessageDay, Modes, NodeTimes, Range, RatedDay, RunDay, TimesDay},
};
use ox_types::AppId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::{App, guard::Caller};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Path, Query},
    openapi::routes,
};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(daily_messages))
        .routes(routes!(daily_conversations))
        .routes(routes!(daily_end_users))
        .routes(routes!(token_costs))
        .routes(routes!(tokens_per_second))
        .routes(routes!(average_response_time))
        .routes(routes!(user_satisfaction_rate))
        .routes(routes!(average_session_interactions))
        .routes(routes!(workflow_daily_conversations))
        .routes(routes!(workflow_daily_terminals))
        .routes(routes!(workflow_token_costs))
        .routes(routes!(workflow_average_app_interactions))
        .routes(routes!(response_times))
        .routes(routes!(workflow_response_times))
        .routes(routes!(workflow_slow_nodes))
}

#[derive(Deserialize, IntoParams)]
struct RangeQuery {
    /// `YYYY-MM-DD HH:MM` in the account's time zone; from the beginning when absent.
    start: Option<String>,
    /// The same; until now when absent.
    end: Option<String>,
}

impl From<RangeQuery> for Range {
    fn from(query: RangeQuery) -> Self {
        Self { start: query.start, end: query.end }
    }
}

#[derive(Deserialize, IntoParams)]
struct TimesQuery {
    /// `YYYY-MM-DD HH:MM` in the account's time zone; from the beginning when absent.
    start: Option<String>,
    /// The same; until now when absent.
    end: Option<String>,
    /// One row for the whole time, under its first day, instead of one for each day.
    #[serde(default)]
    whole: bool,
}

impl TimesQuery {
    fn read(self) -> (Range, bool) {
        (Range { start: self.start, end: self.end }, self.whole)
    }
}

/// Days with anything in them, the oldest first.
#[derive(Serialize, ToSchema)]
pub struct StatisticDays {
    /// `date` (`YYYY-MM-DD`) and the figures of the day.
    #[schema(value_type = Vec<Object>)]
    data: Vec<Value>,
}

fn days<T>(found: &[Dated<T>], view: impl Fn(&T) -> Value) -> Json<StatisticDays> {
    let day = |day: &Dated<T>| {
        let mut map = serde_json::Map::new();
        map.insert("date".into(), day.date.to_string().into());
        if let Value::Object(figures) = view(&day.figures) {
            map.extend(figures);
        }
        Value::Object(map)
    };
    Json(StatisticDays { data: found.iter().map(day).collect() })
}

/// Ten-millionths as a decimal text.
fn price(units: i64) -> String {
    format!("{}.{:07}", units / 10_000_000, units.unsigned_abs() % 10_000_000)
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
const fn count(count: i64) -> f64 {
    count as f64
}

/// Zero where there is nothing to divide by.
fn ratio(of: f64, by: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    if by > 0.0 { (of / by * scale).round() / scale } else { 0.0 }
}

#[utoipa::path(get, path = "/apps/{app_id}/statistics/daily-messages", tag = "statistics", params(("app_id" = Uuid, Path), RangeQuery),
    responses((status = 200, body = StatisticDays), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn daily_messages(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<RangeQuery>,
) -> ApiResult<Json<StatisticDays>> {
    let found = statistics::messages(&services, &caller, id, Modes::Messages, &query.into()).await?;
    Ok(days(&found, |f: &MessageDay| json!({"message_count": f.messages})))
}

#[utoipa::path(get, path = "/apps/{app_id}/statistics/daily-conversations", tag = "statistics", params(("app_id" = Uuid, Path), RangeQuery),
    responses((status = 200, body = StatisticDays), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn daily_conversations(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<RangeQuery>,
) -> ApiResult<Json<StatisticDays>> {
    let found = statistics::messages(&services, &caller, id, Modes::Messages, &query.into()).await?;
    Ok(days(&found, |f: &MessageDay| json!({"conversation_count": f.conversations})))
}

#[utoipa::path(get, path = "/apps/{app_id}/statistics/daily-end-users", tag = "statistics", params(("app_id" = Uuid, Path), RangeQuery),
    responses((status = 200, body = StatisticDays), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn daily_end_users(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<RangeQuery>,
) -> ApiResult<Json<StatisticDays>> {
    let found = statistics::messages(&services, &caller, id, Modes::Messages, &query.into()).await?;
    Ok(days(&found, |f: &MessageDay| json!({"terminal_count": f.end_users})))
}

#[utoipa::path(get, path = "/apps/{app_id}/statistics/token-costs", tag = "statistics", params(("app_id" = Uuid, Path), RangeQuery),
    responses((status = 200, body = StatisticDays), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn token_costs(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<RangeQuery>,
) -> ApiResult<Json<StatisticDays>> {
    let found = statistics::messages(&services, &caller, id, Modes::Messages, &query.into()).await?;
    Ok(days(
        &found,
        |f: &MessageDay| json!({"token_count": f.tokens, "total_price": price(f.price), "currency": "USD"}),
    ))
}

#[utoipa::path(get, path = "/apps/{app_id}/statistics/tokens-per-second", tag = "statistics", params(("app_id" = Uuid, Path), RangeQuery),
    responses((status = 200, body = StatisticDays), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn tokens_per_second(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<RangeQuery>,
) -> ApiResult<Json<StatisticDays>> {
    let found = statistics::messages(&services, &caller, id, Modes::Messages, &query.into()).await?;
    Ok(days(&found, |f: &MessageDay| json!({"tps": ratio(count(f.answer_tokens), f.seconds, 4)})))
}

#[utoipa::path(get, path = "/apps/{app_id}/statistics/average-response-time", tag = "statistics", params(("app_id" = Uuid, Path), RangeQuery),
    responses((status = 200, body = StatisticDays), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn average_response_time(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<RangeQuery>,
) -> ApiResult<Json<StatisticDays>> {
    let found = statistics::messages(&services, &caller, id, Modes::Completion, &query.into()).await?;
    Ok(days(&found, |f: &MessageDay| json!({"latency": ratio(f.seconds * 1000.0, count(f.messages), 4)})))
}

/// Compat: `rate` is likes per thousand messages, as Dify has it. `liked` is the share of likes among what was rated.
fn satisfied((messages, rated): &(i64, RatedDay)) -> Value {
    let all = rated.likes + rated.dislikes;
    json!({
        "rate": ratio(count(rated.likes) * 1000.0, count(*messages), 2),
        "liked": (all > 0).then(|| ratio(count(rated.likes), count(all), 4)),
        "rated": all,
    })
}

#[utoipa::path(get, path = "/apps/{app_id}/statistics/user-satisfaction-rate", tag = "statistics", params(("app_id" = Uuid, Path), RangeQuery),
    responses((status = 200, body = StatisticDays), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn user_satisfaction_rate(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<RangeQuery>,
) -> ApiResult<Json<StatisticDays>> {
    let found = statistics::satisfaction(&services, &caller, id, &query.into()).await?;
    Ok(days(&found, satisfied))
}

#[utoipa::path(get, path = "/apps/{app_id}/statistics/average-session-interactions", tag = "statistics", params(("app_id" = Uuid, Path), RangeQuery),
    responses((status = 200, body = StatisticDays), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn average_session_interactions(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<RangeQuery>,
) -> ApiResult<Json<StatisticDays>> {
    let found = statistics::sessions(&services, &caller, id, &query.into()).await?;
    Ok(days(
        &found,
        |(sessions, messages): &(i64, i64)| json!({"interactions": ratio(count(*messages), count(*sessions), 2)}),
    ))
}

#[utoipa::path(get, path = "/apps/{app_id}/workflow/statistics/daily-conversations", tag = "statistics", params(("app_id" = Uuid, Path), RangeQuery),
    responses((status = 200, body = StatisticDays), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn workflow_daily_conversations(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<RangeQuery>,
) -> ApiResult<Json<StatisticDays>> {
    let found = statistics::runs(&services, &caller, id, &query.into()).await?;
    Ok(days(&found, |f: &RunDay| json!({"runs": f.runs})))
}

#[utoipa::path(get, path = "/apps/{app_id}/workflow/statistics/daily-terminals", tag = "statistics", params(("app_id" = Uuid, Path), RangeQuery),
    responses((status = 200, body = StatisticDays), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn workflow_daily_terminals(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<RangeQuery>,
) -> ApiResult<Json<StatisticDays>> {
    let found = statistics::runs(&services, &caller, id, &query.into()).await?;
    Ok(days(&found, |f: &RunDay| json!({"terminal_count": f.users})))
}

#[utoipa::path(get, path = "/apps/{app_id}/workflow/statistics/token-costs", tag = "statistics", params(("app_id" = Uuid, Path), RangeQuery),
    responses((status = 200, body = StatisticDays), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn workflow_token_costs(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<RangeQuery>,
) -> ApiResult<Json<StatisticDays>> {
    let found = statistics::runs(&services, &caller, id, &query.into()).await?;
    Ok(days(&found, |f: &RunDay| json!({"token_count": f.tokens})))
}

#[utoipa::path(get, path = "/apps/{app_id}/workflow/statistics/average-app-interactions", tag = "statistics", params(("app_id" = Uuid, Path), RangeQuery),
    responses((status = 200, body = StatisticDays), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn workflow_average_app_interactions(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<RangeQuery>,
) -> ApiResult<Json<StatisticDays>> {
    let found = statistics::runs(&services, &caller, id, &query.into()).await?;
    Ok(days(&found, |f: &RunDay| json!({"interactions": ratio(count(f.runs), count(f.users), 2)})))
}

/// Seconds; `sampled` where a day, or the whole time, had more and only the newest were looked at.
fn times(day: &TimesDay) -> Value {
    let seconds = |seconds: f64| ratio(seconds, 1.0, 3);
    json!({
        "measured": day.measured,
        "p50": seconds(day.p50),
        "p95": seconds(day.p95),
        "p99": seconds(day.p99),
        "first_token_p50": day.first_token_p50.map(seconds),
        "first_token_p95": day.first_token_p95.map(seconds),
        "sampled": day.sampled,
    })
}

#[utoipa::path(get, path = "/apps/{app_id}/statistics/response-times", tag = "statistics", params(("app_id" = Uuid, Path), TimesQuery),
    responses((status = 200, body = StatisticDays), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn response_times(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<TimesQuery>,
) -> ApiResult<Json<StatisticDays>> {
    let (range, whole) = query.read();
    let found = statistics::times(&services, &caller, id, Modes::Messages, &range, whole).await?;
    Ok(days(&found, times))
}

#[utoipa::path(get, path = "/apps/{app_id}/workflow/statistics/response-times", tag = "statistics", params(("app_id" = Uuid, Path), TimesQuery),
    responses((status = 200, body = StatisticDays), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn workflow_response_times(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<TimesQuery>,
) -> ApiResult<Json<StatisticDays>> {
    let (range, whole) = query.read();
    let found = statistics::times(&services, &caller, id, Modes::Workflow, &range, whole).await?;
    Ok(days(&found, times))
}

/// A node of the app's workflow over its runs.
#[derive(Serialize, ToSchema)]
pub struct NodeTimesView {
    node_id: String,
    node_type: String,
    title: String,
    /// How often it ended.
    executions: i64,
    /// Of them, those that failed: also where the run went on.
    failed: i64,
    /// Seconds that half of the executions did not exceed.
    p50: f64,
    /// The same of 95 of 100.
    p95: f64,
}

impl From<NodeTimes> for NodeTimesView {
    fn from(node: NodeTimes) -> Self {
        Self {
            node_id: node.node_id,
            node_type: node.kind,
            title: node.title,
            executions: node.executions,
            failed: node.failed,
            p50: ratio(node.p50, 1.0, 3),
            p95: ratio(node.p95, 1.0, 3),
        }
    }
}

/// Nodes by their p95, the slowest first.
#[derive(Serialize, ToSchema)]
pub struct SlowNodesView {
    data: Vec<NodeTimesView>,
    /// There were more runs than were looked at: the newest.
    sampled: bool,
}

#[utoipa::path(get, path = "/apps/{app_id}/workflow/statistics/slow-nodes", tag = "statistics", params(("app_id" = Uuid, Path), RangeQuery),
    responses((status = 200, body = SlowNodesView), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn workflow_slow_nodes(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<RangeQuery>,
) -> ApiResult<Json<SlowNodesView>> {
    let found = statistics::slow_nodes(&services, &caller, id, &query.into()).await?;
    Ok(Json(SlowNodesView { data: found.nodes.into_iter().map(NodeTimesView::from).collect(), sampled: found.sampled }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_rounded_and_never_divided_by_nothing() {
        assert_eq!(price(123_400), "0.0123400");
        assert_eq!(price(20_000_001), "2.0000001");
        assert_eq!(ratio(13.0, 4.0, 2), 3.25);
        assert_eq!(ratio(1.0, 3.0, 4), 0.3333);
        assert_eq!(ratio(5.0, 0.0, 2), 0.0);
    }
}
