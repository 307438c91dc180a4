//! Drafts, versions, single steps, variables and runs of pipelines: as those of apps, under another prefix.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use ox_app::{
    Services, pipelines,
    workflows::{
        self, DraftChange, Owner, PIPELINE_MODE,
        inspector::{self, VariableChange},
        steps::{self, Container},
    },
};
use ox_types::{AppId, RunId, TaskId, WorkflowId};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use crate::{
    ApiResult,
    console::{
        App,
        drafts::{
            DraftVariableItem, DraftVariablePage, PageQuery, StepBody, VariableBody, VariableItems, page_of, shown,
        },
        guard::Caller,
        logs::{RunsQuery, executions_view, list_runs, run_view},
        view::Done,
        workflow::{self, LabelBody, Published, Saved, Versions, VersionsQuery, WorkflowView, versions_of},
    },
    error::ErrorBody,
    extract::{Body, Path, Query},
    openapi::routes,
    service::{answer, frames::Detail},
};

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(get_draft, save_draft))
        .routes(routes!(get_published, publish))
        .routes(routes!(versions))
        .routes(routes!(label, delete_version))
        .routes(routes!(restore))
        .routes(routes!(block_configs))
        .routes(routes!(block_config))
        .routes(routes!(run_node))
        .routes(routes!(last_run))
        .routes(routes!(run_iteration))
        .routes(routes!(run_loop))
        .routes(routes!(variables, delete_variables))
        .routes(routes!(node_variables, delete_node_variables))
        .routes(routes!(variable, change_variable, delete_variable))
        .routes(routes!(reset_variable))
        .routes(routes!(system_variables))
        .routes(routes!(environment_variables))
        .routes(routes!(runs))
        .routes(routes!(run))
        .routes(routes!(executions))
        .routes(routes!(stop))
}

#[utoipa::path(get, path = "/rag/pipelines/{pipeline_id}/workflows/draft", tag = "pipelines", params(("pipeline_id" = Uuid, Path)),
    responses((status = 200, body = WorkflowView), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn get_draft(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
) -> ApiResult<Json<WorkflowView>> {
    let draft = workflows::draft(&services, &caller, Owner::Pipeline(id)).await?;
    workflow::one(&services, draft).await
}

/// A draft of a pipeline to save.
#[derive(Deserialize, ToSchema)]
pub struct PipelineDraftBody {
    #[schema(value_type = Object)]
    graph: Value,
    /// Of the state the editor started from.
    hash: Option<String>,
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    environment_variables: Vec<Value>,
    /// What the users of the pipeline are asked.
    #[schema(value_type = Option<Vec<Object>>)]
    rag_pipeline_variables: Option<Vec<Value>>,
}

#[utoipa::path(post, path = "/rag/pipelines/{pipeline_id}/workflows/draft", tag = "pipelines", request_body = PipelineDraftBody, params(("pipeline_id" = Uuid, Path)),
    responses((status = 200, body = Saved), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 415, body = ErrorBody)))]
async fn save_draft(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    headers: HeaderMap,
    body: Bytes,
) -> ApiResult<Json<Saved>> {
    let body: PipelineDraftBody = workflow::sent(&headers, &body)?;
    let change = DraftChange {
        graph: body.graph,
        features: json!({}),
        hash: body.hash,
        environment_variables: body.environment_variables,
        conversation_variables: Vec::new(),
        rag_pipeline_variables: body.rag_pipeline_variables,
    };
    let draft = workflows::save_draft(&services, &caller, Owner::Pipeline(id), change).await?;
    Ok(Json(Saved::of(&draft)))
}

#[utoipa::path(get, path = "/rag/pipelines/{pipeline_id}/workflows/publish", tag = "pipelines", params(("pipeline_id" = Uuid, Path)),
    responses((status = 200, body = Option<WorkflowView>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn get_published(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
) -> ApiResult<Json<Option<WorkflowView>>> {
    Ok(Json(match workflows::published(&services, &caller, Owner::Pipeline(id)).await? {
        Some(found) => Some(workflow::one(&services, found).await?.0),
        None => None,
    }))
}

#[utoipa::path(post, path = "/rag/pipelines/{pipeline_id}/workflows/publish", tag = "pipelines", request_body = LabelBody, params(("pipeline_id" = Uuid, Path)),
    responses((status = 200, body = Published), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn publish(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Body(body): Body<LabelBody>,
) -> ApiResult<Json<Published>> {
    let version = pipelines::publish(&services, &caller, id, body.marked_name, body.marked_comment).await?;
    Ok(Json(Published::of(&version)))
}

#[utoipa::path(get, path = "/rag/pipelines/{pipeline_id}/workflows", tag = "pipelines", params(("pipeline_id" = Uuid, Path), VersionsQuery),
    responses((status = 200, body = Versions), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn versions(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<VersionsQuery>,
) -> ApiResult<Json<Versions>> {
    versions_of(&services, &caller, Owner::Pipeline(id), query).await
}

#[utoipa::path(patch, path = "/rag/pipelines/{pipeline_id}/workflows/{workflow_id}", tag = "pipelines", request_body = LabelBody, params(("pipeline_id" = Uuid, Path), ("workflow_id" = Uuid, Path)),
    responses((status = 200, body = WorkflowView), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn label(
    State(services): App,
    Caller(caller): Caller,
    Path((id, version)): Path<(AppId, WorkflowId)>,
    Body(body): Body<LabelBody>,
) -> ApiResult<Json<WorkflowView>> {
    let (name, comment) = (body.marked_name, body.marked_comment);
    let changed = workflows::label(&services, &caller, Owner::Pipeline(id), version, name, comment).await?;
    workflow::one(&services, changed).await
}

#[utoipa::path(delete, path = "/rag/pipelines/{pipeline_id}/workflows/{workflow_id}", tag = "pipelines", params(("pipeline_id" = Uuid, Path), ("workflow_id" = Uuid, Path)),
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete_version(
    State(services): App,
    Caller(caller): Caller,
    Path((id, version)): Path<(AppId, WorkflowId)>,
) -> ApiResult<StatusCode> {
    workflows::delete_version(&services, &caller, Owner::Pipeline(id), version).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(post, path = "/rag/pipelines/{pipeline_id}/workflows/{workflow_id}/restore", tag = "pipelines", params(("pipeline_id" = Uuid, Path), ("workflow_id" = Uuid, Path)),
    responses((status = 200, body = Saved), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn restore(
    State(services): App,
    Caller(caller): Caller,
    Path((id, version)): Path<(AppId, WorkflowId)>,
) -> ApiResult<Json<Saved>> {
    let draft = workflows::restore(&services, &caller, Owner::Pipeline(id), version).await?;
    Ok(Json(Saved::of(&draft)))
}

#[utoipa::path(get, path = "/rag/pipelines/{pipeline_id}/workflows/default-workflow-block-configs", tag = "pipelines", params(("pipeline_id" = Uuid, Path)),
    responses((status = 200, body = Vec<Object>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn block_configs(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
) -> ApiResult<Json<Vec<Value>>> {
    pipelines::find(&services, &caller, id).await?;
    Ok(Json(workflows::block_configs()))
}

#[utoipa::path(get, path = "/rag/pipelines/{pipeline_id}/workflows/default-workflow-block-configs/{block_type}", tag = "pipelines", params(("pipeline_id" = Uuid, Path), ("block_type" = String, Path)),
    responses((status = 200, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn block_config(
    State(services): App,
    Caller(caller): Caller,
    Path((id, kind)): Path<(AppId, String)>,
) -> ApiResult<Json<Value>> {
    pipelines::find(&services, &caller, id).await?;
    let is_it = |config: &Value| config.get("type").and_then(Value::as_str) == Some(&kind);
    Ok(Json(workflows::block_configs().into_iter().find(is_it).unwrap_or_else(|| json!({}))))
}

#[utoipa::path(post, path = "/rag/pipelines/{pipeline_id}/workflows/draft/nodes/{node_id}/run", tag = "pipelines", request_body = StepBody, params(("pipeline_id" = Uuid, Path), ("node_id" = String, Path)),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody)))]
async fn run_node(
    State(services): App,
    Caller(caller): Caller,
    Path((id, node)): Path<(AppId, String)>,
    Body(body): Body<StepBody>,
) -> ApiResult<Json<Value>> {
    let row = steps::run_node(&services, &caller, Owner::Pipeline(id), &node, body.into()).await?;
    shown(&services, &row).await
}

#[utoipa::path(get, path = "/rag/pipelines/{pipeline_id}/workflows/draft/nodes/{node_id}/last-run", tag = "pipelines", params(("pipeline_id" = Uuid, Path), ("node_id" = String, Path)),
    responses((status = 200, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn last_run(
    State(services): App,
    Caller(caller): Caller,
    Path((id, node)): Path<(AppId, String)>,
) -> ApiResult<Json<Value>> {
    let row = steps::last_run(&services, &caller, Owner::Pipeline(id), &node).await?;
    shown(&services, &row).await
}

macro_rules! container_route {
    ($name:ident, $path:literal, $kind:literal) => {
        #[utoipa::path(post, path = $path, tag = "pipelines", request_body = StepBody, params(("pipeline_id" = Uuid, Path), ("node_id" = String, Path)),
            responses((status = 200, content_type = "text/event-stream"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody)))]
        async fn $name(State(services): App, Caller(caller): Caller, Path((id, node)): Path<(AppId, String)>, Body(body): Body<StepBody>) -> ApiResult<Response> {
            let container = Container { mode: PIPELINE_MODE, kind: $kind, node_id: &node };
            let run = steps::run_container(&services, &caller, Owner::Pipeline(id), container, body.into()).await?;
            Ok(answer::streaming(run, Detail::Full, false))
        }
    };
}

container_route!(
    run_iteration,
    "/rag/pipelines/{pipeline_id}/workflows/draft/iteration/nodes/{node_id}/run",
    "iteration"
);
container_route!(run_loop, "/rag/pipelines/{pipeline_id}/workflows/draft/loop/nodes/{node_id}/run", "loop");

#[utoipa::path(get, path = "/rag/pipelines/{pipeline_id}/workflows/draft/variables", tag = "pipelines", params(("pipeline_id" = Uuid, Path), PageQuery),
    responses((status = 200, body = DraftVariablePage), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn variables(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<DraftVariablePage>> {
    page_of(&services, &caller, Owner::Pipeline(id), query).await
}

#[utoipa::path(delete, path = "/rag/pipelines/{pipeline_id}/workflows/draft/variables", tag = "pipelines", params(("pipeline_id" = Uuid, Path)),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete_variables(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
) -> ApiResult<StatusCode> {
    inspector::delete_all(&services, &caller, Owner::Pipeline(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(get, path = "/rag/pipelines/{pipeline_id}/workflows/draft/nodes/{node_id}/variables", tag = "pipelines", params(("pipeline_id" = Uuid, Path), ("node_id" = String, Path)),
    responses((status = 200, body = VariableItems), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn node_variables(
    State(services): App,
    Caller(caller): Caller,
    Path((id, node)): Path<(AppId, String)>,
) -> ApiResult<Json<VariableItems>> {
    Ok(Json(inspector::of_node(&services, &caller, Owner::Pipeline(id), &node).await?.into()))
}

#[utoipa::path(delete, path = "/rag/pipelines/{pipeline_id}/workflows/draft/nodes/{node_id}/variables", tag = "pipelines", params(("pipeline_id" = Uuid, Path), ("node_id" = String, Path)),
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete_node_variables(
    State(services): App,
    Caller(caller): Caller,
    Path((id, node)): Path<(AppId, String)>,
) -> ApiResult<StatusCode> {
    inspector::delete_node(&services, &caller, Owner::Pipeline(id), &node).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(get, path = "/rag/pipelines/{pipeline_id}/workflows/draft/variables/{variable_id}", tag = "pipelines", params(("pipeline_id" = Uuid, Path), ("variable_id" = Uuid, Path)),
    responses((status = 200, body = DraftVariableItem), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn variable(
    State(services): App,
    Caller(caller): Caller,
    Path((id, variable)): Path<(AppId, Uuid)>,
) -> ApiResult<Json<DraftVariableItem>> {
    let found = inspector::one(&services, &caller, Owner::Pipeline(id), variable).await?;
    Ok(Json(DraftVariableItem::whole(found)))
}

#[utoipa::path(patch, path = "/rag/pipelines/{pipeline_id}/workflows/draft/variables/{variable_id}", tag = "pipelines", request_body = VariableBody, params(("pipeline_id" = Uuid, Path), ("variable_id" = Uuid, Path)),
    responses((status = 200, body = DraftVariableItem), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn change_variable(
    State(services): App,
    Caller(caller): Caller,
    Path((id, variable)): Path<(AppId, Uuid)>,
    Body(body): Body<VariableBody>,
) -> ApiResult<Json<DraftVariableItem>> {
    let change = VariableChange { name: body.name, value: body.value };
    let changed = inspector::change(&services, &caller, Owner::Pipeline(id), variable, change).await?;
    Ok(Json(DraftVariableItem::whole(changed)))
}

#[utoipa::path(delete, path = "/rag/pipelines/{pipeline_id}/workflows/draft/variables/{variable_id}", tag = "pipelines", params(("pipeline_id" = Uuid, Path), ("variable_id" = Uuid, Path)),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete_variable(
    State(services): App,
    Caller(caller): Caller,
    Path((id, variable)): Path<(AppId, Uuid)>,
) -> ApiResult<StatusCode> {
    inspector::delete(&services, &caller, Owner::Pipeline(id), variable).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(put, path = "/rag/pipelines/{pipeline_id}/workflows/draft/variables/{variable_id}/reset", tag = "pipelines", params(("pipeline_id" = Uuid, Path), ("variable_id" = Uuid, Path)),
    responses((status = 200, body = DraftVariableItem), (status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn reset_variable(
    State(services): App,
    Caller(caller): Caller,
    Path((id, variable)): Path<(AppId, Uuid)>,
) -> ApiResult<Response> {
    Ok(match inspector::reset(&services, &caller, Owner::Pipeline(id), variable).await? {
        Some(view) => Json(DraftVariableItem::whole(view)).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

#[utoipa::path(get, path = "/rag/pipelines/{pipeline_id}/workflows/draft/system-variables", tag = "pipelines", params(("pipeline_id" = Uuid, Path)),
    responses((status = 200, body = VariableItems), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn system_variables(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
) -> ApiResult<Json<VariableItems>> {
    Ok(Json(inspector::system(&services, &caller, Owner::Pipeline(id)).await?.into()))
}

#[utoipa::path(get, path = "/rag/pipelines/{pipeline_id}/workflows/draft/environment-variables", tag = "pipelines", params(("pipeline_id" = Uuid, Path)),
    responses((status = 200, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn environment_variables(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
) -> ApiResult<Json<Value>> {
    Ok(Json(json!({"items": inspector::environment(&services, &caller, Owner::Pipeline(id)).await?})))
}

#[utoipa::path(get, path = "/rag/pipelines/{pipeline_id}/workflow-runs", tag = "pipelines", params(("pipeline_id" = Uuid, Path), RunsQuery),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn runs(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<RunsQuery>,
) -> ApiResult<Json<Value>> {
    list_runs(&services, &caller, Owner::Pipeline(id), query).await
}

#[utoipa::path(get, path = "/rag/pipelines/{pipeline_id}/workflow-runs/{run_id}", tag = "pipelines", params(("pipeline_id" = Uuid, Path), ("run_id" = Uuid, Path)),
    responses((status = 200, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn run(
    State(services): App,
    Caller(caller): Caller,
    Path((id, run)): Path<(AppId, RunId)>,
) -> ApiResult<Json<Value>> {
    run_view(&services, &caller, Owner::Pipeline(id), run).await
}

#[utoipa::path(get, path = "/rag/pipelines/{pipeline_id}/workflow-runs/{run_id}/node-executions", tag = "pipelines", params(("pipeline_id" = Uuid, Path), ("run_id" = Uuid, Path)),
    responses((status = 200, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn executions(
    State(services): App,
    Caller(caller): Caller,
    Path((id, run)): Path<(AppId, RunId)>,
) -> ApiResult<Json<Value>> {
    executions_view(&services, &caller, Owner::Pipeline(id), run).await
}

#[utoipa::path(post, path = "/rag/pipelines/{pipeline_id}/workflow-runs/tasks/{task_id}/stop", tag = "pipelines", params(("pipeline_id" = Uuid, Path), ("task_id" = Uuid, Path)),
    responses((status = 200, body = Done), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn stop(
    State(services): App,
    Caller(caller): Caller,
    Path((id, task)): Path<(AppId, TaskId)>,
) -> ApiResult<Json<Done>> {
    pipelines::running::stop(&services, &caller, id, task).await?;
    Ok(Json(Done::SUCCESS))
}
