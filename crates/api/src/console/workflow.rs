//! Drafts, publishing and versions of workflow apps.

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
};
use ox_app::{
    Error, Services,
    model::Workflow,
    workflows::{self, DraftChange, Owner},
};
use ox_types::{AccountId, AppId, WorkflowId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::{
    App,
    guard::Caller,
    view::{People, SimpleAccount, person, seconds},
};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path, Query},
    openapi::routes,
};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(get_draft, save_draft))
        .routes(routes!(get_published, publish))
        .routes(routes!(versions))
        .routes(routes!(label, delete_version))
        .routes(routes!(restore))
        .routes(routes!(block_configs))
        .routes(routes!(block_config))
        .routes(routes!(check))
}

/// A draft or version.
#[derive(Serialize, ToSchema)]
pub struct WorkflowView {
    #[schema(value_type = Uuid)]
    id: WorkflowId,
    #[schema(value_type = Object)]
    graph: Value,
    #[schema(value_type = Object)]
    features: Value,
    /// Opaque: send it back with the next save of the draft.
    hash: String,
    version: String,
    marked_name: String,
    marked_comment: String,
    created_by: Option<SimpleAccount>,
    created_at: i64,
    updated_by: Option<SimpleAccount>,
    updated_at: i64,
    tool_published: bool,
    /// Secrets are masked.
    #[schema(value_type = Vec<Object>)]
    environment_variables: Value,
    #[schema(value_type = Vec<Object>)]
    conversation_variables: Value,
    #[schema(value_type = Vec<Object>)]
    rag_pipeline_variables: Value,
}

fn view(people: &People, workflow: Workflow) -> WorkflowView {
    WorkflowView {
        id: workflow.id,
        hash: workflows::hash(&workflow),
        graph: workflow.graph,
        features: workflow.features,
        version: workflow.version,
        marked_name: workflow.marked_name,
        marked_comment: workflow.marked_comment,
        created_by: person(people, Some(workflow.created_by)),
        created_at: seconds(workflow.created_at),
        updated_by: person(people, workflow.updated_by),
        updated_at: seconds(workflow.updated_at),
        tool_published: false,
        environment_variables: workflows::masked_environment(&workflow.environment_variables),
        conversation_variables: workflow.conversation_variables,
        rag_pipeline_variables: workflow.rag_pipeline_variables,
    }
}

pub(super) async fn views(services: &Services, items: Vec<Workflow>) -> ApiResult<Vec<WorkflowView>> {
    let ids: Vec<AccountId> =
        items.iter().flat_map(|item| [Some(item.created_by), item.updated_by]).flatten().collect();
    let people = services.people(&ids).await?;
    Ok(items.into_iter().map(|item| view(&people, item)).collect())
}

pub(super) async fn one(services: &Services, item: Workflow) -> ApiResult<Json<WorkflowView>> {
    let tool_published = ox_app::tools::workflows::is_tool(services, item.tenant_id, item.app_id).await?;
    let mut all = views(services, vec![item]).await?;
    let one = all.pop().ok_or_else(|| Error::not_found("Workflow not found"))?;
    Ok(Json(WorkflowView { tool_published, ..one }))
}

#[utoipa::path(get, path = "/apps/{app_id}/workflows/draft", tag = "workflow", params(("app_id" = Uuid, Path)),
    responses((status = 200, body = WorkflowView), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn get_draft(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
) -> ApiResult<Json<WorkflowView>> {
    let draft = workflows::draft(&services, &caller, id.into()).await?;
    one(&services, draft).await
}

/// A draft to save.
#[derive(Deserialize, ToSchema)]
pub struct DraftBody {
    #[schema(value_type = Object)]
    graph: Value,
    #[schema(value_type = Object)]
    features: Value,
    /// Of the state the editor started from.
    hash: Option<String>,
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    environment_variables: Vec<Value>,
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    conversation_variables: Vec<Value>,
}

/// A saved draft.
#[derive(Serialize, ToSchema)]
pub struct Saved {
    result: &'static str,
    hash: String,
    updated_at: i64,
}

impl Saved {
    /// This draft was.
    pub(super) fn of(draft: &Workflow) -> Self {
        Self { result: "success", hash: workflows::hash(draft), updated_at: seconds(draft.updated_at) }
    }
}

/// A draft as it is sent: the page-unload beacon sends JSON as plain text.
pub(super) fn sent<T: serde::de::DeserializeOwned>(headers: &HeaderMap, body: &Bytes) -> Result<T, Error> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.contains("json") && !kind.starts_with("text/plain") {
        return Err(Error::new(415, "unsupported_media_type", "Send the draft as application/json or text/plain."));
    }
    serde_json::from_slice(body).map_err(|error| Error::invalid(format!("Invalid JSON data: {error}")))
}

#[utoipa::path(post, path = "/apps/{app_id}/workflows/draft", tag = "workflow", request_body = DraftBody, params(("app_id" = Uuid, Path)),
    responses((status = 200, body = Saved), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 415, body = ErrorBody)))]
async fn save_draft(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    headers: HeaderMap,
    body: Bytes,
) -> ApiResult<Json<Saved>> {
    let body: DraftBody = sent(&headers, &body)?;
    let DraftBody { graph, features, hash, environment_variables, conversation_variables } = body;
    let change = DraftChange {
        graph,
        features,
        hash,
        environment_variables,
        conversation_variables,
        rag_pipeline_variables: None,
    };
    let draft = workflows::save_draft(&services, &caller, id.into(), change).await?;
    Ok(Json(Saved::of(&draft)))
}

#[utoipa::path(get, path = "/apps/{app_id}/workflows/publish", tag = "workflow", params(("app_id" = Uuid, Path)),
    responses((status = 200, body = Option<WorkflowView>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn get_published(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
) -> ApiResult<Json<Option<WorkflowView>>> {
    Ok(Json(match workflows::published(&services, &caller, id.into()).await? {
        Some(workflow) => Some(one(&services, workflow).await?.0),
        None => None,
    }))
}

/// Label and notes of a version.
#[derive(Deserialize, ToSchema)]
pub struct LabelBody {
    /// At most 20 characters.
    pub(super) marked_name: Option<String>,
    /// At most 100 characters.
    pub(super) marked_comment: Option<String>,
}

/// A published version.
#[derive(Serialize, ToSchema)]
pub struct Published {
    result: &'static str,
    created_at: i64,
}

impl Published {
    /// This version was.
    pub(super) fn of(version: &Workflow) -> Self {
        Self { result: "success", created_at: seconds(version.created_at) }
    }
}

#[utoipa::path(post, path = "/apps/{app_id}/workflows/publish", tag = "workflow", request_body = LabelBody, params(("app_id" = Uuid, Path)),
    responses((status = 200, body = Published), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn publish(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Body(body): Body<LabelBody>,
) -> ApiResult<Json<Published>> {
    let version = workflows::publish(&services, &caller, id, body.marked_name, body.marked_comment).await?;
    Ok(Json(Published::of(&version)))
}

#[derive(Deserialize, IntoParams)]
pub(super) struct VersionsQuery {
    #[serde(default = "first_page")]
    page: u64,
    #[serde(default = "page_size")]
    limit: u64,
    /// The caller's own id: only versions they published.
    user_id: Option<String>,
    named_only: Option<String>,
}

fn first_page() -> u64 {
    1
}

fn page_size() -> u64 {
    10
}

/// Versions, the draft first.
#[derive(Serialize, ToSchema)]
pub struct Versions {
    items: Vec<WorkflowView>,
    page: u64,
    limit: u64,
    has_more: bool,
}

#[utoipa::path(get, path = "/apps/{app_id}/workflows", tag = "workflow", params(("app_id" = Uuid, Path), VersionsQuery),
    responses((status = 200, body = Versions), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn versions(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<VersionsQuery>,
) -> ApiResult<Json<Versions>> {
    versions_of(&services, &caller, id.into(), query).await
}

/// The versions of an app or pipeline.
pub(super) async fn versions_of(
    services: &Services,
    caller: &ox_app::Principal,
    owner: Owner,
    query: VersionsQuery,
) -> ApiResult<Json<Versions>> {
    let VersionsQuery { page, limit, user_id, named_only } = query;
    if page == 0 || !(1..=100).contains(&limit) {
        return Err(Error::invalid("page must be at least 1, limit between 1 and 100.").into());
    }
    let mine = user_id.filter(|id| !id.is_empty());
    if mine.as_ref().is_some_and(|id| caller.account_id().map(|own| own.to_string()).ok().as_ref() != Some(id)) {
        return Err(Error::forbidden("Only your own versions can be selected.").into());
    }
    let named = named_only.is_some_and(|text| text == "true" || text == "1");
    let (items, has_more) = workflows::versions(services, caller, owner, mine.is_some(), named, page, limit).await?;
    Ok(Json(Versions { items: views(services, items).await?, page, limit, has_more }))
}

#[utoipa::path(patch, path = "/apps/{app_id}/workflows/{workflow_id}", tag = "workflow", request_body = LabelBody, params(("app_id" = Uuid, Path), ("workflow_id" = Uuid, Path)),
    responses((status = 200, body = WorkflowView), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn label(
    State(services): App,
    Caller(caller): Caller,
    Path((id, workflow)): Path<(AppId, WorkflowId)>,
    Body(body): Body<LabelBody>,
) -> ApiResult<Json<WorkflowView>> {
    let changed =
        workflows::label(&services, &caller, id.into(), workflow, body.marked_name, body.marked_comment).await?;
    one(&services, changed).await
}

#[utoipa::path(delete, path = "/apps/{app_id}/workflows/{workflow_id}", tag = "workflow", params(("app_id" = Uuid, Path), ("workflow_id" = Uuid, Path)),
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete_version(
    State(services): App,
    Caller(caller): Caller,
    Path((id, workflow)): Path<(AppId, WorkflowId)>,
) -> ApiResult<StatusCode> {
    workflows::delete_version(&services, &caller, id.into(), workflow).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(post, path = "/apps/{app_id}/workflows/{workflow_id}/restore", tag = "workflow", params(("app_id" = Uuid, Path), ("workflow_id" = Uuid, Path)),
    responses((status = 200, body = Saved), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn restore(
    State(services): App,
    Caller(caller): Caller,
    Path((id, workflow)): Path<(AppId, WorkflowId)>,
) -> ApiResult<Json<Saved>> {
    let draft = workflows::restore(&services, &caller, id.into(), workflow).await?;
    Ok(Json(Saved::of(&draft)))
}

#[utoipa::path(get, path = "/apps/{app_id}/workflows/default-workflow-block-configs", tag = "workflow", params(("app_id" = Uuid, Path)),
    responses((status = 200, body = Vec<Object>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn block_configs(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
) -> ApiResult<Json<Vec<Value>>> {
    workflows::graph_app(&services, &caller, id.into()).await?;
    Ok(Json(ox_app::workflows::block_configs()))
}

#[utoipa::path(get, path = "/apps/{app_id}/workflows/default-workflow-block-configs/{block_type}", tag = "workflow", params(("app_id" = Uuid, Path), ("block_type" = String, Path)),
    responses((status = 200, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn block_config(
    State(services): App,
    Caller(caller): Caller,
    Path((id, kind)): Path<(AppId, String)>,
) -> ApiResult<Json<Value>> {
    workflows::graph_app(&services, &caller, id.into()).await?;
    let found = ox_app::workflows::block_configs()
        .into_iter()
        .find(|config| config.get("type").and_then(Value::as_str) == Some(&kind));
    Ok(Json(found.unwrap_or_else(|| json!({}))))
}

#[utoipa::path(get, path = "/apps/{app_id}/workflows/draft/problems", tag = "workflow", params(("app_id" = Uuid, Path)),
    responses((status = 200, body = Vec<Object>), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn check(State(services): App, Caller(caller): Caller, Path(id): Path<AppId>) -> ApiResult<Json<Value>> {
    Ok(Json(ox_app::workflows::problems(&services, &caller, id).await?))
}
