//! Recorded workflow runs.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::HeaderMap,
    response::Response,
};
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use ox_app::{
    AppCaller, Error,
    runs::{
        AppMode,
        follow::{self, Wanted, Whose},
        logs::{self, AskLogs, LogFilter, LogView},
    },
};
use ox_types::RunId;
use serde::Serialize;
use serde_json::{Value as Json_, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    App, KeyApp, answer,
    fields::{Fields, from_query, user_missing},
    frames::Detail,
};
use crate::{ApiResult, error::ErrorBody, extract::Path};

/// A recorded run.
#[derive(Serialize, ToSchema)]
pub struct RunBody {
    pub id: Uuid,
    pub workflow_id: Uuid,
    pub status: String,
    /// JSON text.
    pub inputs: Option<String>,
    pub outputs: Json_,
    pub error: Option<String>,
    pub total_steps: i32,
    pub total_tokens: i64,
    pub created_at: i64,
    pub finished_at: Option<i64>,
    pub elapsed_time: f64,
}

/// State and result of a run.
#[utoipa::path(get, path = "/workflows/run/{run_id}", tag = "Workflow", security(("app_key" = [])),
    params(("run_id" = Uuid, Path)),
    responses((status = 200, body = RunBody), (status = 404, body = ErrorBody)))]
pub async fn detail(State(services): App, KeyApp(app): KeyApp, Path(id): Path<Uuid>) -> ApiResult<Json<RunBody>> {
    if !app.mode.is_graph() {
        let text = "Please check if your app mode matches the right API route.";
        return Err(Error::new(400, "not_workflow_app", text).into());
    }
    let run = logs::find(&services, &app, RunId(id)).await?;
    let outputs = run.outputs.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| json!({}));
    Ok(Json(RunBody {
        id: run.id.0,
        workflow_id: run.workflow_id.0,
        status: run.status.as_str().to_owned(),
        inputs: run.inputs,
        outputs,
        error: run.error,
        total_steps: run.total_steps,
        total_tokens: run.total_tokens,
        created_at: run.created_at.timestamp(),
        finished_at: run.finished_at.map(|at| at.timestamp()),
        elapsed_time: run.elapsed_time,
    }))
}

/// A numbered page of the run log.
#[derive(Serialize, ToSchema)]
pub struct LogPage {
    pub page: u64,
    pub limit: u64,
    pub total: u64,
    pub has_more: bool,
    pub data: Vec<Json_>,
}

/// The app's run log, newest first.
#[utoipa::path(get, path = "/workflows/logs", tag = "Workflow", security(("app_key" = [])),
    params(("keyword" = Option<String>, Query), ("status" = Option<String>, Query),
        ("created_at__before" = Option<String>, Query), ("created_at__after" = Option<String>, Query),
        ("created_by_end_user_session_id" = Option<String>, Query), ("created_by_account" = Option<String>, Query),
        ("page" = Option<u64>, Query), ("limit" = Option<u64>, Query)),
    responses((status = 200, body = LogPage), (status = 400, body = ErrorBody)))]
pub async fn logs(State(services): App, KeyApp(app): KeyApp, RawQuery(query): RawQuery) -> ApiResult<Json<LogPage>> {
    let mut fields = from_query("WorkflowLogQuery", query.as_deref());
    let filter = LogFilter {
        keyword: fields.optional_text("keyword").map(|keyword| keyword.chars().take(30).collect()),
        status: fields.optional_word("status", &["succeeded", "failed", "stopped"]),
        before: time(&mut fields, "created_at__before"),
        after: time(&mut fields, "created_at__after"),
        end_user_session: fields.optional_text("created_by_end_user_session_id"),
        account: None,
    };
    let account_email = fields.optional_text("created_by_account");
    let page = fields.number("page", 1, 1, 99_999);
    let limit = fields.number("limit", 20, 1, 100);
    fields.finish()?;
    let (views, total) = logs::list(&services, &app, AskLogs { filter, account_email, page, limit }).await?;
    let data: Vec<Json_> = views.into_iter().map(log).collect();
    Ok(Json(LogPage { page, limit, total, has_more: total > page * limit, data }))
}

fn log(view: LogView) -> Json_ {
    let LogView { entry, end_user, account } = view;
    let run = entry.run;
    json!({
        "id": entry.log.id,
        "workflow_run": {
            "id": run.id,
            "version": run.version,
            "status": run.status.as_str(),
            "triggered_from": run.triggered_from,
            "error": run.error,
            "elapsed_time": run.elapsed_time,
            "total_tokens": run.total_tokens,
            "total_steps": run.total_steps,
            "created_at": run.created_at.timestamp(),
            "finished_at": run.finished_at.map(|at| at.timestamp()),
            "exceptions_count": run.exceptions_count,
        },
        "details": null,
        "created_from": entry.log.created_from,
        "created_by_role": entry.log.created_by_role,
        "created_by_account": account.map(|account| json!({"id": account.id, "name": account.name, "email": account.email})),
        "created_by_end_user": end_user.map(|user| json!({
            "id": user.id, "type": user.kind, "is_anonymous": user.is_anonymous, "session_id": user.session_id,
        })),
        "created_at": entry.log.created_at.timestamp(),
    })
}

/// An ISO-8601 time; one without an offset is UTC.
fn time(fields: &mut Fields, name: &str) -> Option<DateTime<Utc>> {
    let text = fields.optional_text(name).filter(|text| !text.is_empty())?;
    // A plus sign in a query reads as a space.
    let text = text.replace(' ', "+");
    let found = DateTime::parse_from_rfc3339(&text)
        .map(|at| at.to_utc())
        .ok()
        .or_else(|| NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f").ok().map(|at| at.and_utc()))
        .or_else(|| NaiveDateTime::parse_from_str(&text, "%Y-%m-%d+%H:%M:%S%.f").ok().map(|at| at.and_utc()))
        .or_else(|| {
            NaiveDate::parse_from_str(&text, "%Y-%m-%d")
                .ok()
                .and_then(|day| day.and_hms_opt(0, 0, 0))
                .map(|at| at.and_utc())
        });
    if found.is_none() {
        fields.problem(name, "Input should be a valid datetime [type=datetime_parsing]");
    }
    found
}

/// Events of a run: those of one under way from where the caller left off, also over pauses; one event for a finished
/// run.
#[utoipa::path(get, path = "/workflow/{run_id}/events", tag = "Workflow", security(("app_key" = [])),
    params(("run_id" = Uuid, Path), ("user" = String, Query),
        ("include_state_snapshot" = Option<bool>, Query, description = "First what has happened so far"),
        ("continue_on_pause" = Option<bool>, Query, description = "The stream stays open while the run waits")),
    responses((status = 200, description = "A stream of events", body = String, content_type = "text/event-stream"), (status = 404, body = ErrorBody)))]
pub async fn events(
    State(services): App,
    KeyApp(app): KeyApp,
    Path(id): Path<Uuid>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let mut fields = from_query("WorkflowEventsQuery", query.as_deref());
    let user = fields.optional_text("user").filter(|user| !user.is_empty()).ok_or_else(user_missing)?;
    if !app.mode.is_graph() {
        let text = "Please check if your app mode matches the right API route.";
        return Err(Error::new(400, "not_workflow_app", text).into());
    }
    let wanted = wanted(&mut fields, &headers);
    let caller = AppCaller::service(&services, app, Some(&user)).await?;
    let whose = Whose { tenant: caller.tenant_id(), app: caller.app.app.id, user: caller.user.id() };
    let reader = follow::events(&services, whose, RunId(id), wanted).await?;
    let detail = if reader.head().mode == AppMode::Workflow { Detail::Full } else { Detail::of(caller.invoke_from) };
    Ok(answer::streaming(reader, detail, true))
}

/// What a caller wants to see of a run: query and `Last-Event-ID`.
pub(crate) fn wanted(fields: &mut Fields, headers: &HeaderMap) -> Wanted {
    let seen = headers.get("last-event-id").and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    let mut flag = |name: &str| {
        fields
            .optional_text(name)
            .is_some_and(|text| ["true", "1", "yes", "on"].contains(&text.to_lowercase().as_str()))
    };
    Wanted {
        after: seen,
        snapshot: flag("include_state_snapshot"),
        over_pauses: flag("continue_on_pause"),
        text: seen.is_some_and(|seen: u64| seen > 0),
    }
}
