//! Ours: what a visitor ran before.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use ox_app::{
    page_runs::{self, PastRun},
    runs::AppMode,
};
use ox_types::{MessageId, RunId};
use serde::Serialize;
use serde_json::{Map, Value as Json_};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{App, Visitor, generate::require};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::Path,
    service::{MessagePage, from_query, message_item},
};

/// A node that ran.
#[derive(Serialize, ToSchema)]
pub struct StepBody {
    pub id: Uuid,
    pub title: String,
    pub node_type: String,
    pub status: String,
    pub elapsed_time: f64,
}

/// A run of the visitor.
#[derive(Serialize, ToSchema)]
pub struct PastRunBody {
    pub id: Uuid,
    pub status: String,
    /// The values of the form.
    #[schema(value_type = Object)]
    pub inputs: Map<String, Json_>,
    /// Null in lists.
    pub outputs: Json_,
    pub error: Option<String>,
    pub elapsed_time: f64,
    pub created_at: i64,
    pub finished_at: Option<i64>,
    /// Empty in lists, and where the site does not show them.
    pub steps: Vec<StepBody>,
}

impl From<PastRun> for PastRunBody {
    fn from(past: PastRun) -> Self {
        let PastRun { run, inputs, outputs, steps } = past;
        let steps = steps.into_iter().filter(|step| step.status.as_str() != "retry").map(|step| StepBody {
            id: step.id.0,
            title: step.title,
            node_type: step.node_type,
            status: step.status.as_str().to_owned(),
            elapsed_time: step.elapsed_time,
        });
        Self {
            id: run.id.0,
            status: run.status.as_str().to_owned(),
            inputs,
            outputs,
            error: run.error,
            elapsed_time: run.elapsed_time,
            created_at: run.created_at.timestamp(),
            finished_at: run.finished_at.map(|at| at.timestamp()),
            steps: steps.collect(),
        }
    }
}

/// A page of a visitor's runs.
#[derive(Serialize, ToSchema)]
pub struct PastRunPage {
    pub limit: u64,
    pub has_more: bool,
    pub data: Vec<PastRunBody>,
}

/// The visitor's runs of a workflow, newest first.
#[utoipa::path(get, path = "/workflows/runs", tag = "Web app", security(("passport" = [])),
    params(("last_id" = Option<Uuid>, Query), ("limit" = Option<u64>, Query)),
    responses((status = 200, body = PastRunPage), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn list(
    State(services): App,
    Visitor(caller): Visitor,
    RawQuery(query): RawQuery,
) -> ApiResult<Json<PastRunPage>> {
    require(caller.app.mode, AppMode::Workflow)?;
    let mut fields = from_query("WorkflowRunListQuery", query.as_deref());
    let last = fields.optional_uuid("last_id").map(RunId);
    let limit = fields.number("limit", 20, 1, 100);
    fields.finish()?;
    let page = page_runs::list(&services, &caller, last, limit).await?;
    let data = page.items.into_iter().map(Into::into).collect();
    Ok(Json(PastRunPage { limit, has_more: page.has_more, data }))
}

/// A run of the visitor with its result.
#[utoipa::path(get, path = "/workflows/runs/{run_id}", tag = "Web app", security(("passport" = [])),
    params(("run_id" = Uuid, Path)), responses((status = 200, body = PastRunBody), (status = 404, body = ErrorBody)))]
pub async fn detail(
    State(services): App,
    Visitor(caller): Visitor,
    Path(id): Path<Uuid>,
) -> ApiResult<Json<PastRunBody>> {
    require(caller.app.mode, AppMode::Workflow)?;
    Ok(Json(page_runs::find(&services, &caller, RunId(id)).await?.into()))
}

/// The visitor's answers of a completion app, newest first.
#[utoipa::path(get, path = "/completion-messages", tag = "Web app", security(("passport" = [])),
    params(("last_id" = Option<Uuid>, Query), ("limit" = Option<u64>, Query)),
    responses((status = 200, body = MessagePage), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn completions(
    State(services): App,
    Visitor(caller): Visitor,
    RawQuery(query): RawQuery,
) -> ApiResult<Json<MessagePage>> {
    require(caller.app.mode, AppMode::Completion)?;
    let mut fields = from_query("CompletionListQuery", query.as_deref());
    let last = fields.optional_uuid("last_id").map(MessageId);
    let limit = fields.number("limit", 20, 1, 100);
    fields.finish()?;
    let page = page_runs::completions(&services, &caller, last, limit).await?;
    const KEPT: [&str; 9] =
        ["id", "inputs", "query", "answer", "message_files", "feedback", "created_at", "status", "error"];
    let data = page.items.into_iter().map(|view| {
        let item = message_item(view, false);
        KEPT.iter().map(|key| ((*key).to_owned(), item.get(key).cloned().unwrap_or_default())).collect()
    });
    Ok(Json(MessagePage { limit, has_more: page.has_more, data: data.collect() }))
}
