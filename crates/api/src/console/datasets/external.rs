//! Knowledge bases of others.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use ox_app::{
    Error, Services,
    knowledge::{
        datasets,
        external_apis::{self, ApiForm, ApiView, NewExternal},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{App, Caller, checked, one, twenty};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path, Query},
    knowledge::DatasetBody,
    openapi::routes,
};

/// Shown instead of a key, and sent back to keep it.
const HIDDEN: &str = "[__HIDDEN__]";

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(detail, update, delete))
        .routes(routes!(use_check))
        .routes(routes!(add_dataset))
}

#[derive(Deserialize, IntoParams)]
struct ListQuery {
    #[serde(default = "one")]
    page: u64,
    /// 1 to 100.
    #[serde(default = "twenty")]
    limit: u64,
    keyword: Option<String>,
}

/// Where a service is.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct ExternalApiSettings {
    endpoint: Option<String>,
    /// `[__HIDDEN__]` keeps the stored one.
    api_key: Option<String>,
}

/// A knowledge base that stands for knowledge of a service.
#[derive(Serialize, ToSchema)]
pub struct BoundDataset {
    id: Uuid,
    name: String,
}

/// A service of somebody else that searches.
#[derive(Serialize, ToSchema)]
pub struct ExternalApiBody {
    id: Uuid,
    tenant_id: Uuid,
    name: String,
    description: String,
    settings: ExternalApiSettings,
    dataset_bindings: Vec<BoundDataset>,
    created_by: Uuid,
    created_at: String,
}

impl From<ApiView> for ExternalApiBody {
    fn from(view: ApiView) -> Self {
        let ApiView { api, bound } = view;
        Self {
            id: api.id,
            tenant_id: api.tenant_id.0,
            name: api.name,
            description: api.description,
            settings: ExternalApiSettings { endpoint: Some(api.endpoint), api_key: Some(HIDDEN.into()) },
            dataset_bindings: bound.into_iter().map(|(id, name)| BoundDataset { id: id.0, name }).collect(),
            created_by: api.created_by.0,
            created_at: api.created_at.to_rfc3339(),
        }
    }
}

/// A page of services, newest first.
#[derive(Serialize, ToSchema)]
pub struct ExternalApiPage {
    data: Vec<ExternalApiBody>,
    has_more: bool,
    limit: u64,
    total: u64,
    page: u64,
}

/// A service to be entered or changed.
#[derive(Deserialize, ToSchema)]
pub struct ExternalApiForm {
    /// 1 to 40 characters.
    name: Option<String>,
    settings: Option<ExternalApiSettings>,
}

impl From<ExternalApiForm> for ApiForm {
    fn from(body: ExternalApiForm) -> Self {
        let (endpoint, api_key) =
            body.settings.map(|settings| (settings.endpoint, settings.api_key)).unwrap_or_default();
        Self {
            name: body.name.unwrap_or_default(),
            endpoint: endpoint.unwrap_or_default(),
            api_key: api_key.unwrap_or_default(),
        }
    }
}

#[utoipa::path(get, path = "/datasets/external-knowledge-api", tag = "knowledge", params(ListQuery),
    responses((status = 200, body = ExternalApiPage), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn list(
    State(services): App,
    Caller(caller): Caller,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<ExternalApiPage>> {
    checked(query.page, query.limit)?;
    let ListQuery { page, limit, keyword } = query;
    let (found, total) = external_apis::page(&services, &caller, keyword.as_deref(), page, limit).await?;
    let has_more = page.saturating_mul(limit) < total;
    let data = found.into_iter().map(ExternalApiBody::from).collect();
    Ok(Json(ExternalApiPage { data, has_more, limit, total, page }))
}

#[utoipa::path(post, path = "/datasets/external-knowledge-api", tag = "knowledge", request_body = ExternalApiForm,
    responses((status = 201, body = ExternalApiBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn create(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<ExternalApiForm>,
) -> ApiResult<(StatusCode, Json<ExternalApiBody>)> {
    let made = external_apis::create(&services, &caller, body.into()).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

#[utoipa::path(get, path = "/datasets/external-knowledge-api/{external_knowledge_api_id}", tag = "knowledge",
    params(("external_knowledge_api_id" = Uuid, Path)),
    responses((status = 200, body = ExternalApiBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn detail(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<Uuid>,
) -> ApiResult<Json<ExternalApiBody>> {
    Ok(Json(external_apis::get(&services, &caller, id).await?.into()))
}

#[utoipa::path(patch, path = "/datasets/external-knowledge-api/{external_knowledge_api_id}", tag = "knowledge",
    params(("external_knowledge_api_id" = Uuid, Path)), request_body = ExternalApiForm,
    responses((status = 200, body = ExternalApiBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn update(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<Uuid>,
    Body(body): Body<ExternalApiForm>,
) -> ApiResult<Json<ExternalApiBody>> {
    Ok(Json(external_apis::update(&services, &caller, id, body.into()).await?.into()))
}

#[utoipa::path(delete, path = "/datasets/external-knowledge-api/{external_knowledge_api_id}", tag = "knowledge",
    params(("external_knowledge_api_id" = Uuid, Path)),
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
async fn delete(State(services): App, Caller(caller): Caller, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
    external_apis::delete(&services, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether knowledge bases stand for knowledge of a service.
#[derive(Serialize, ToSchema)]
pub struct ExternalApiUse {
    is_using: bool,
    count: usize,
}

#[utoipa::path(get, path = "/datasets/external-knowledge-api/{external_knowledge_api_id}/use-check", tag = "knowledge",
    params(("external_knowledge_api_id" = Uuid, Path)),
    responses((status = 200, body = ExternalApiUse), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn use_check(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<Uuid>,
) -> ApiResult<Json<ExternalApiUse>> {
    let count = external_apis::get(&services, &caller, id).await?.bound.len();
    Ok(Json(ExternalApiUse { is_using: count > 0, count }))
}

/// A knowledge base that stands for one of somebody else.
#[derive(Deserialize, ToSchema)]
pub struct ExternalDatasetForm {
    external_knowledge_api_id: Option<String>,
    external_knowledge_id: Option<String>,
    /// 1 to 100 characters.
    name: Option<String>,
    description: Option<String>,
    #[schema(value_type = Option<Object>)]
    external_retrieval_model: Option<Value>,
}

#[utoipa::path(post, path = "/datasets/external", tag = "knowledge", request_body = ExternalDatasetForm,
    responses((status = 201, body = DatasetBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
async fn add_dataset(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<ExternalDatasetForm>,
) -> ApiResult<(StatusCode, Json<DatasetBody>)> {
    let api_id = body.external_knowledge_api_id.filter(|text| !text.is_empty()).map(|text| text.parse());
    let api_id = api_id
        .transpose()
        .map_err(|_| Error::invalid_field("external_knowledge_api_id", "external_knowledge_api_id must be an id."))?;
    let new = NewExternal {
        api_id,
        knowledge_id: body.external_knowledge_id.unwrap_or_default(),
        name: body.name.unwrap_or_default(),
        description: body.description,
        retrieval_model: body.external_retrieval_model,
    };
    let id = external_apis::add_dataset(&services, &caller, new).await?;
    Ok((StatusCode::CREATED, Json(datasets::view(&services, &caller, id).await?.into())))
}
