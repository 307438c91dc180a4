//! Parts of a draft run by themselves, and the variable inspector.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use ox_app::{
    Error, Services,
    logs::Authors,
    model::{DraftVariable, NodeExecution},
    runs::StepRequest,
    workflows::{
        Owner,
        inspector::{self, VariableChange, VariableView},
        steps::{self, Container},
    },
};
use ox_types::AppId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{App, guard::Caller, logs::execution};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path, Query},
    openapi::routes,
    service::{answer, frames::Detail},
};

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(run_node))
        .routes(routes!(last_run))
        .routes(routes!(run_iteration))
        .routes(routes!(run_loop))
        .routes(routes!(run_chat_iteration))
        .routes(routes!(run_chat_loop))
        .routes(routes!(variables, delete_variables))
        .routes(routes!(node_variables, delete_node_variables))
        .routes(routes!(variable, change_variable, delete_variable))
        .routes(routes!(reset_variable))
        .routes(routes!(conversation_variables))
        .routes(routes!(system_variables))
        .routes(routes!(environment_variables))
}

/// What is given to a part of a draft.
#[derive(Deserialize, ToSchema)]
pub struct StepBody {
    /// By selector (`#node.name#`) or by the node's own names; what is missing is taken from the inspector.
    #[serde(default)]
    #[schema(value_type = Object)]
    inputs: Option<Map<String, Value>>,
    #[serde(default)]
    query: Option<String>,
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    files: Option<Vec<Value>>,
}

impl From<StepBody> for StepRequest {
    fn from(body: StepBody) -> Self {
        Self {
            inputs: body.inputs.unwrap_or_default(),
            query: body.query.unwrap_or_default(),
            files: body.files.unwrap_or_default(),
            ..Self::default()
        }
    }
}

#[utoipa::path(post, path = "/apps/{app_id}/workflows/draft/nodes/{node_id}/run", tag = "debug", request_body = StepBody, params(("app_id" = Uuid, Path), ("node_id" = String, Path)),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody)))]
async fn run_node(
    State(services): App,
    Caller(caller): Caller,
    Path((app, node)): Path<(AppId, String)>,
    Body(body): Body<StepBody>,
) -> ApiResult<Json<Value>> {
    let row = steps::run_node(&services, &caller, app.into(), &node, body.into()).await?;
    shown(&services, &row).await
}

/// An execution with whoever ran it.
pub(super) async fn shown(services: &Services, row: &NodeExecution) -> ApiResult<Json<Value>> {
    let authors = Authors::load(services, std::iter::once((row.created_by_role.as_str(), row.created_by))).await?;
    Ok(Json(execution(row, &authors)))
}

#[utoipa::path(get, path = "/apps/{app_id}/workflows/draft/nodes/{node_id}/last-run", tag = "debug", params(("app_id" = Uuid, Path), ("node_id" = String, Path)),
    responses((status = 200, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn last_run(
    State(services): App,
    Caller(caller): Caller,
    Path((app, node)): Path<(AppId, String)>,
) -> ApiResult<Json<Value>> {
    let row = steps::last_run(&services, &caller, app.into(), &node).await?;
    shown(&services, &row).await
}

macro_rules! container_route {
    ($name:ident, $path:literal, $mode:literal, $kind:literal) => {
        #[utoipa::path(post, path = $path, tag = "debug", request_body = StepBody, params(("app_id" = Uuid, Path), ("node_id" = String, Path)),
            responses((status = 200, content_type = "text/event-stream"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody)))]
        async fn $name(State(services): App, Caller(caller): Caller, Path((app, node)): Path<(AppId, String)>, Body(body): Body<StepBody>) -> ApiResult<Response> {
            let container = Container { mode: $mode, kind: $kind, node_id: &node };
            let run = steps::run_container(&services, &caller, app.into(), container, body.into()).await?;
            Ok(answer::streaming(run, Detail::Full, false))
        }
    };
}

container_route!(
    run_iteration,
    "/apps/{app_id}/workflows/draft/iteration/nodes/{node_id}/run",
    "workflow",
    "iteration"
);
container_route!(run_loop, "/apps/{app_id}/workflows/draft/loop/nodes/{node_id}/run", "workflow", "loop");
container_route!(
    run_chat_iteration,
    "/apps/{app_id}/advanced-chat/workflows/draft/iteration/nodes/{node_id}/run",
    "advanced-chat",
    "iteration"
);
container_route!(
    run_chat_loop,
    "/apps/{app_id}/advanced-chat/workflows/draft/loop/nodes/{node_id}/run",
    "advanced-chat",
    "loop"
);

/// Where the whole of a large value is.
#[derive(Serialize, ToSchema)]
pub struct FullContentView {
    size_bytes: i64,
    value_type: String,
    length: Option<i32>,
    download_url: String,
}

/// A variable of the inspector.
#[derive(Serialize, ToSchema)]
pub struct DraftVariableItem {
    id: Uuid,
    /// `node`, `sys` or `conversation`.
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    description: String,
    #[schema(value_type = Vec<String>)]
    selector: Value,
    value_type: &'static str,
    edited: bool,
    visible: bool,
    editable: bool,
    is_truncated: bool,
    node_execution_id: Option<Uuid>,
    /// Not in the list of all variables.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    value: Option<Value>,
    /// Not in the list of all variables; null for a value that is shown whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    full_content: Option<Option<FullContentView>>,
}

impl DraftVariableItem {
    pub(super) fn brief(row: DraftVariable) -> Self {
        Self {
            id: row.id,
            kind: match row.node_id.as_str() {
                "sys" => "sys",
                "conversation" => "conversation",
                _ => "node",
            },
            value_type: exposed_type(&row.value_type),
            name: row.name,
            description: row.description,
            selector: row.selector,
            edited: row.last_edited_at.is_some(),
            visible: row.visible,
            editable: row.editable,
            is_truncated: row.file_id.is_some(),
            node_execution_id: row.node_execution_id.map(Uuid::from),
            value: None,
            full_content: None,
        }
    }

    pub(super) fn whole(view: VariableView) -> Self {
        let VariableView { variable, full } = view;
        let value = variable.value.clone();
        let full = full.map(|full| FullContentView {
            size_bytes: full.size,
            value_type: exposed_type(&full.value_type).to_owned(),
            length: full.length,
            download_url: full.download_url,
        });
        Self { value: Some(value), full_content: Some(full), ..Self::brief(variable) }
    }
}

/// Whole numbers and fractions are both numbers to the editor.
fn exposed_type(name: &str) -> &'static str {
    match ox_types::ValueType::parse(name) {
        Some(ox_types::ValueType::Integer | ox_types::ValueType::Float) => "number",
        Some(other) => other.as_str(),
        None => "any",
    }
}

/// Variables.
#[derive(Serialize, ToSchema)]
pub struct VariableItems {
    items: Vec<DraftVariableItem>,
}

impl From<Vec<VariableView>> for VariableItems {
    fn from(views: Vec<VariableView>) -> Self {
        Self { items: views.into_iter().map(DraftVariableItem::whole).collect() }
    }
}

/// A page of variables, without their values.
#[derive(Serialize, ToSchema)]
pub struct DraftVariablePage {
    items: Vec<DraftVariableItem>,
    total: u64,
}

/// One page of the variables of an app or pipeline.
pub(super) async fn page_of(
    services: &Services,
    caller: &ox_app::Principal,
    owner: Owner,
    query: PageQuery,
) -> ApiResult<Json<DraftVariablePage>> {
    let PageQuery { page, limit } = query;
    if !(1..=100_000).contains(&page) || !(1..=100).contains(&limit) {
        return Err(Error::invalid("page must be between 1 and 100000, limit between 1 and 100.").into());
    }
    let (rows, total) = inspector::list(services, caller, owner, page, limit).await?;
    Ok(Json(DraftVariablePage { items: rows.into_iter().map(DraftVariableItem::brief).collect(), total }))
}

#[derive(Deserialize, IntoParams)]
pub(super) struct PageQuery {
    #[serde(default = "one")]
    page: u64,
    #[serde(default = "twenty")]
    limit: u64,
}

fn one() -> u64 {
    1
}

fn twenty() -> u64 {
    20
}

#[utoipa::path(get, path = "/apps/{app_id}/workflows/draft/variables", tag = "inspector", params(("app_id" = Uuid, Path), PageQuery),
    responses((status = 200, body = DraftVariablePage), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn variables(
    State(services): App,
    Caller(caller): Caller,
    Path(app): Path<AppId>,
    Query(query): Query<PageQuery>,
) -> ApiResult<Json<DraftVariablePage>> {
    page_of(&services, &caller, app.into(), query).await
}

#[utoipa::path(delete, path = "/apps/{app_id}/workflows/draft/variables", tag = "inspector", params(("app_id" = Uuid, Path)),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete_variables(
    State(services): App,
    Caller(caller): Caller,
    Path(app): Path<AppId>,
) -> ApiResult<StatusCode> {
    inspector::delete_all(&services, &caller, app.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(get, path = "/apps/{app_id}/workflows/draft/nodes/{node_id}/variables", tag = "inspector", params(("app_id" = Uuid, Path), ("node_id" = String, Path)),
    responses((status = 200, body = VariableItems), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn node_variables(
    State(services): App,
    Caller(caller): Caller,
    Path((app, node)): Path<(AppId, String)>,
) -> ApiResult<Json<VariableItems>> {
    Ok(Json(inspector::of_node(&services, &caller, app.into(), &node).await?.into()))
}

#[utoipa::path(delete, path = "/apps/{app_id}/workflows/draft/nodes/{node_id}/variables", tag = "inspector", params(("app_id" = Uuid, Path), ("node_id" = String, Path)),
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete_node_variables(
    State(services): App,
    Caller(caller): Caller,
    Path((app, node)): Path<(AppId, String)>,
) -> ApiResult<StatusCode> {
    inspector::delete_node(&services, &caller, app.into(), &node).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(get, path = "/apps/{app_id}/workflows/draft/variables/{variable_id}", tag = "inspector", params(("app_id" = Uuid, Path), ("variable_id" = Uuid, Path)),
    responses((status = 200, body = DraftVariableItem), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn variable(
    State(services): App,
    Caller(caller): Caller,
    Path((app, id)): Path<(AppId, Uuid)>,
) -> ApiResult<Json<DraftVariableItem>> {
    Ok(Json(DraftVariableItem::whole(inspector::one(&services, &caller, app.into(), id).await?)))
}

/// Another name or value of a variable.
#[derive(Deserialize, ToSchema)]
pub struct VariableBody {
    pub(super) name: Option<String>,
    /// Of the variable's type; files as mappings.
    #[schema(value_type = Object)]
    pub(super) value: Option<Value>,
}

#[utoipa::path(patch, path = "/apps/{app_id}/workflows/draft/variables/{variable_id}", tag = "inspector", request_body = VariableBody, params(("app_id" = Uuid, Path), ("variable_id" = Uuid, Path)),
    responses((status = 200, body = DraftVariableItem), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn change_variable(
    State(services): App,
    Caller(caller): Caller,
    Path((app, id)): Path<(AppId, Uuid)>,
    Body(body): Body<VariableBody>,
) -> ApiResult<Json<DraftVariableItem>> {
    let change = VariableChange { name: body.name, value: body.value };
    Ok(Json(DraftVariableItem::whole(inspector::change(&services, &caller, app.into(), id, change).await?)))
}

#[utoipa::path(delete, path = "/apps/{app_id}/workflows/draft/variables/{variable_id}", tag = "inspector", params(("app_id" = Uuid, Path), ("variable_id" = Uuid, Path)),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete_variable(
    State(services): App,
    Caller(caller): Caller,
    Path((app, id)): Path<(AppId, Uuid)>,
) -> ApiResult<StatusCode> {
    inspector::delete(&services, &caller, app.into(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(put, path = "/apps/{app_id}/workflows/draft/variables/{variable_id}/reset", tag = "inspector", params(("app_id" = Uuid, Path), ("variable_id" = Uuid, Path)),
    responses((status = 200, body = DraftVariableItem), (status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn reset_variable(
    State(services): App,
    Caller(caller): Caller,
    Path((app, id)): Path<(AppId, Uuid)>,
) -> ApiResult<Response> {
    Ok(match inspector::reset(&services, &caller, app.into(), id).await? {
        Some(view) => Json(DraftVariableItem::whole(view)).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

#[utoipa::path(get, path = "/apps/{app_id}/workflows/draft/conversation-variables", tag = "inspector", params(("app_id" = Uuid, Path)),
    responses((status = 200, body = VariableItems), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn conversation_variables(
    State(services): App,
    Caller(caller): Caller,
    Path(app): Path<AppId>,
) -> ApiResult<Json<VariableItems>> {
    Ok(Json(inspector::conversation(&services, &caller, app.into()).await?.into()))
}

#[utoipa::path(get, path = "/apps/{app_id}/workflows/draft/system-variables", tag = "inspector", params(("app_id" = Uuid, Path)),
    responses((status = 200, body = VariableItems), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn system_variables(
    State(services): App,
    Caller(caller): Caller,
    Path(app): Path<AppId>,
) -> ApiResult<Json<VariableItems>> {
    Ok(Json(inspector::system(&services, &caller, app.into()).await?.into()))
}

#[utoipa::path(get, path = "/apps/{app_id}/workflows/draft/environment-variables", tag = "inspector", params(("app_id" = Uuid, Path)),
    responses((status = 200, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn environment_variables(
    State(services): App,
    Caller(caller): Caller,
    Path(app): Path<AppId>,
) -> ApiResult<Json<Value>> {
    Ok(Json(json!({"items": inspector::environment(&services, &caller, app.into()).await?})))
}
