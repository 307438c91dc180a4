//! Recorded runs run again: replay, fork, compare.

use std::sync::Arc;

use axum::{Json, extract::State, http::HeaderMap, response::Response};
use ox_app::{
    Services,
    model::{NodeExecution, RunOrigin, WorkflowRun},
    runs::{
        compare::{Change, Comparison, NodePair},
        fork::{ForkRequest, TAKEN_FROM},
    },
    time_machine::{self, Family},
};
use ox_types::{AppId, NodeRunId, RunId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{App, guard::Caller, logs::document, view::seconds};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path},
    openapi::routes,
    service::{answer, frames::Detail},
};

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new().routes(routes!(replay)).routes(routes!(fork)).routes(routes!(compare))
}

/// A value, field or element that is not what it was.
#[derive(Serialize, ToSchema)]
pub struct ChangeView {
    /// JSON pointer.
    path: String,
    /// `changed`, `added` or `removed`.
    kind: &'static str,
    #[schema(value_type = Object)]
    base: Value,
    #[schema(value_type = Object)]
    other: Value,
}

impl From<Change> for ChangeView {
    fn from(change: Change) -> Self {
        let Change { path, kind, base, other } = change;
        Self { path, kind, base, other }
    }
}

fn changes(found: Vec<Change>) -> Vec<ChangeView> {
    found.into_iter().map(ChangeView::from).collect()
}

/// A run in a comparison.
#[derive(Serialize, ToSchema)]
pub struct RunBrief {
    #[schema(value_type = Uuid)]
    id: RunId,
    status: &'static str,
    error: Option<String>,
    elapsed_time: f64,
    total_tokens: i64,
    total_price: Option<String>,
    currency: Option<String>,
    total_steps: i32,
    created_at: i64,
    #[schema(value_type = Option<Uuid>)]
    parent_run_id: Option<RunId>,
    /// `replay`, `fork` or null.
    origin: Option<String>,
}

impl RunBrief {
    fn new(run: WorkflowRun, origin: Option<RunOrigin>) -> Self {
        Self {
            id: run.id,
            status: run.status.as_str(),
            error: run.error,
            elapsed_time: run.elapsed_time,
            total_tokens: run.total_tokens,
            total_price: run.total_price,
            currency: run.currency,
            total_steps: run.total_steps,
            created_at: seconds(run.created_at),
            parent_run_id: origin.as_ref().map(|origin| origin.parent_run_id),
            origin: origin.map(|origin| origin.kind),
        }
    }
}

/// A node execution in a comparison.
#[derive(Serialize, ToSchema)]
pub struct NodeBrief {
    #[schema(value_type = Uuid)]
    id: NodeRunId,
    status: &'static str,
    error: Option<String>,
    elapsed_time: f64,
    total_tokens: Option<u64>,
    /// It was not run: its result is that of the parent.
    taken_from_parent: bool,
}

impl From<&NodeExecution> for NodeBrief {
    fn from(node: &NodeExecution) -> Self {
        let metadata = document(node.execution_metadata.as_ref());
        Self {
            id: node.id,
            status: node.status.as_str(),
            error: node.error.clone(),
            elapsed_time: node.elapsed_time,
            total_tokens: metadata.get("total_tokens").and_then(Value::as_u64),
            taken_from_parent: metadata.get(TAKEN_FROM).is_some(),
        }
    }
}

/// One node of both runs.
#[derive(Serialize, ToSchema)]
pub struct NodePairView {
    node_id: String,
    title: String,
    node_type: String,
    /// Container node ids with the number of the item or round, outermost first.
    #[schema(value_type = Vec<Object>)]
    frame: Value,
    /// `same`, `changed`, `new` or `removed`.
    change: &'static str,
    base: Option<NodeBrief>,
    other: Option<NodeBrief>,
    outputs: Vec<ChangeView>,
}

impl NodePairView {
    fn new(pair: NodePair) -> Option<Self> {
        let known = pair.other.as_ref().or(pair.base.as_ref())?;
        Some(Self {
            node_id: known.node_id.clone(),
            title: known.title.clone(),
            node_type: known.node_type.clone(),
            frame: known.frame.as_ref().map_or_else(|| json!([]), |frame| document(Some(frame))),
            change: pair.change,
            base: pair.base.as_ref().map(NodeBrief::from),
            other: pair.other.as_ref().map(NodeBrief::from),
            outputs: changes(pair.outputs),
        })
    }
}

/// Two runs side by side.
#[derive(Serialize, ToSchema)]
pub struct ComparisonView {
    base: RunBrief,
    other: RunBrief,
    /// Outputs, ends and all nodes are the same, byte for byte.
    identical: bool,
    outputs_identical: bool,
    outputs: Vec<ChangeView>,
    inputs: Vec<ChangeView>,
    nodes: Vec<NodePairView>,
}

async fn view(services: &Services, found: Comparison) -> ApiResult<ComparisonView> {
    let Comparison { base, other, outputs, inputs, nodes, outputs_identical, identical } = found;
    let Family { origin: base_origin, .. } = time_machine::family(services, &base).await?;
    let Family { origin: other_origin, .. } = time_machine::family(services, &other).await?;
    Ok(ComparisonView {
        base: RunBrief::new(base, base_origin),
        other: RunBrief::new(other, other_origin),
        identical,
        outputs_identical,
        outputs: changes(outputs),
        inputs: changes(inputs),
        nodes: nodes.into_iter().filter_map(NodePairView::new).collect(),
    })
}

/// A replay beside what it replayed.
#[derive(Serialize, ToSchema)]
pub struct Replayed {
    /// The new run.
    #[schema(value_type = Uuid)]
    run_id: RunId,
    #[serde(flatten)]
    comparison: ComparisonView,
}

#[utoipa::path(post, path = "/apps/{app_id}/workflow-runs/{run_id}/replay", tag = "time machine", params(("app_id" = Uuid, Path), ("run_id" = Uuid, Path)),
    responses((status = 200, body = Replayed), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody)))]
async fn replay(
    State(services): App,
    Caller(caller): Caller,
    Path((app, run)): Path<(AppId, RunId)>,
) -> ApiResult<Json<Replayed>> {
    let found = time_machine::replay(&services, &caller, app, run).await?;
    let run_id = found.other.id;
    Ok(Json(Replayed { run_id, comparison: view(&services, found).await? }))
}

/// Where and how a fork leaves its parent.
#[derive(Deserialize, ToSchema)]
pub struct ForkBody {
    /// A node; in a container, all of its executions.
    node_id: Option<String>,
    /// Instead: one execution of a node.
    node_execution_id: Option<Uuid>,
    /// Values that are other than in the parent, by selector (`#node.name#`) or by the names of the start form.
    #[serde(default)]
    #[schema(value_type = Object)]
    inputs: Option<Map<String, Value>>,
    /// Run the present draft instead of what the parent ran.
    #[serde(default)]
    use_draft: bool,
    /// `streaming` (default) or `blocking`.
    response_mode: Option<String>,
}

#[utoipa::path(post, path = "/apps/{app_id}/workflow-runs/{run_id}/fork", tag = "time machine", request_body = ForkBody, params(("app_id" = Uuid, Path), ("run_id" = Uuid, Path)),
    responses((status = 200, content_type = "text/event-stream"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody)))]
async fn fork(
    State(services): App,
    Caller(caller): Caller,
    Path((app, run)): Path<(AppId, RunId)>,
    Body(body): Body<ForkBody>,
) -> ApiResult<Response> {
    let request = ForkRequest {
        node_id: body.node_id,
        node_execution_id: body.node_execution_id.map(NodeRunId),
        inputs: body.inputs.unwrap_or_default(),
        use_draft: body.use_draft,
    };
    let reader = time_machine::fork(&services, &caller, app, run, &request).await?;
    if body.response_mode.as_deref() == Some("blocking") {
        return answer::answer(reader, true, &HeaderMap::new()).await;
    }
    Ok(answer::streaming(reader, Detail::Full, false))
}

#[utoipa::path(get, path = "/apps/{app_id}/workflow-runs/{run_id}/compare/{other_id}", tag = "time machine", params(("app_id" = Uuid, Path), ("run_id" = Uuid, Path), ("other_id" = Uuid, Path)),
    responses((status = 200, body = ComparisonView), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn compare(
    State(services): App,
    Caller(caller): Caller,
    Path((app, run, other)): Path<(AppId, RunId, RunId)>,
) -> ApiResult<Json<ComparisonView>> {
    let found = time_machine::compare(&services, &caller, app, run, other).await?;
    Ok(Json(view(&services, found).await?))
}

/// What a run's detail says of where it comes from.
pub(super) fn family_fields(family: &Family) -> [(&'static str, Value); 4] {
    let origin = family.origin.as_ref();
    let child = |child: &RunOrigin| json!({"id": child.run_id, "origin": child.kind, "node_id": child.node_id, "created_at": seconds(child.created_at)});
    [
        ("parent_run_id", json!(origin.map(|origin| origin.parent_run_id))),
        ("origin", json!(origin.map(|origin| &origin.kind))),
        ("fork_node_id", json!(origin.and_then(|origin| origin.node_id.as_ref()))),
        ("children", family.children.iter().map(child).collect()),
    ]
}
