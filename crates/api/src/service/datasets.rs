//! Knowledge bases, with the key of a workspace's knowledge (service API reference §10).

mod documents;
mod metadata;
mod pipelines;
mod retrieve;
mod segments;
mod tags;

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRequestParts, RawQuery, State},
    http::{HeaderMap, StatusCode, request::Parts},
    response::Response,
};
use ox_app::{
    Error, Principal, Services,
    knowledge::datasets::{self, DatasetChange, DatasetQuery, Indexing, NewDataset},
    runs::once::Namer,
};
use ox_types::{AccountId, DatasetId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json_};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

pub(crate) use self::{
    documents::{DocumentIdsBody, DownloadBody, attachment_url, detail_of, zipped},
    metadata::{FieldNameBody, NewFieldBody, fields_of, switched},
    segments::{ChildContentBody, files as segment_files},
};
use super::{
    App, docs,
    fields::{Fields, from_query},
    once,
};
use crate::{
    ApiError, ApiResult,
    error::ErrorBody,
    extract::{Body, Path},
    knowledge::{DatasetBody, DatasetPage, ExternalRetrievalBody, RetrievalModelBody, SummarySettingBody},
    openapi::routes,
};

/// Every route of knowledge with its documentation.
pub fn router(services: &Arc<Services>) -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(detail, update, delete))
        .routes(routes!(models))
        .merge(tags::router())
        .merge(documents::router(services))
        .merge(segments::router())
        .merge(metadata::router())
        .merge(retrieve::router())
        .merge(pipelines::router(services))
}

/// Whoever carries the key of a workspace's knowledge, for handlers of guarded routes.
#[derive(Clone)]
pub struct KeyHolder(pub Principal);

impl<S: Send + Sync> FromRequestParts<S> for KeyHolder {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let found = parts.extensions.get::<Self>().cloned();
        found.ok_or_else(|| Error::unauthorized("Access token is invalid").into())
    }
}

/// The knowledge base in the path of a route that names one.
pub(super) fn named(route: &str, path: &str) -> Result<Option<DatasetId>, Error> {
    if !route.starts_with("/datasets/{dataset_id}") {
        return Ok(None);
    }
    let path = path.strip_prefix("/v1").unwrap_or(path);
    let text = path.split('/').nth(2).unwrap_or_default();
    let id = text.parse().map_err(|_| Error::not_found("The requested URL was not found on the server."))?;
    Ok(Some(id))
}

/// A new knowledge base.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct NewDatasetBody {
    /// 1 to 40 characters.
    name: String,
    description: Option<String>,
    /// `high_quality` or `economy`.
    indexing_technique: Option<String>,
    /// `only_me`, `all_team_members` or `partial_members`.
    permission: Option<String>,
    /// `vendor` or `external`.
    provider: Option<String>,
    embedding_model: Option<String>,
    embedding_model_provider: Option<String>,
    retrieval_model: Option<RetrievalModelBody>,
    external_knowledge_api_id: Option<String>,
    external_knowledge_id: Option<String>,
    summary_index_setting: Option<SummarySettingBody>,
}

/// A member.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct PartialMember {
    user_id: String,
}

/// What is to change of a knowledge base.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct DatasetChangeBody {
    name: Option<String>,
    description: Option<String>,
    indexing_technique: Option<String>,
    permission: Option<String>,
    embedding_model: Option<String>,
    embedding_model_provider: Option<String>,
    retrieval_model: Option<RetrievalModelBody>,
    partial_member_list: Option<Vec<PartialMember>>,
    external_retrieval_model: Option<ExternalRetrievalBody>,
    external_knowledge_id: Option<String>,
    external_knowledge_api_id: Option<String>,
}

const TECHNIQUES: [&str; 2] = ["high_quality", "economy"];
const PERMISSIONS: [&str; 3] = ["only_me", "all_team_members", "partial_members"];

/// How it is indexed, of a body.
pub(super) fn indexing(fields: &mut Fields) -> Indexing {
    Indexing {
        technique: fields.optional_word("indexing_technique", &TECHNIQUES),
        embedding_model: fields.optional_text("embedding_model"),
        embedding_model_provider: fields.optional_text("embedding_model_provider"),
        retrieval_model: given(fields, "retrieval_model"),
    }
}

/// A value that may be null.
pub(super) fn given(fields: &mut Fields, name: &str) -> Option<Json_> {
    if fields.has(name) { Some(fields.value(name)).filter(|json| !json.is_null()) } else { None }
}

fn name(fields: &mut Fields) -> String {
    let name = fields.text("name");
    if name.chars().count() > 40 {
        fields.problem("name", "String should have at most 40 characters [type=string_too_long]");
    }
    name
}

/// The workspace's knowledge bases, newest first.
#[utoipa::path(get, path = "/datasets", tag = "Knowledge", security(("app_key" = [])),
    params(("page" = Option<u64>, Query), ("limit" = Option<u64>, Query), ("keyword" = Option<String>, Query),
        ("tag_ids" = Option<Vec<String>>, Query), ("include_all" = Option<bool>, Query)),
    responses((status = 200, body = DatasetPage), (status = 400, body = ErrorBody)))]
async fn list(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    RawQuery(query): RawQuery,
) -> ApiResult<Json<DatasetPage>> {
    let tag_ids = repeated(query.as_deref(), "tag_ids")?;
    let mut fields = from_query("DatasetListQuery", query.as_deref());
    let query = DatasetQuery {
        page: fields.number("page", 1, 1, 99_999),
        limit: fields.number("limit", 20, 1, 100),
        keyword: fields.optional_text("keyword"),
        tag_ids,
        ids: Vec::new(),
        include_all: fields.flag("include_all", false),
    };
    fields.finish()?;
    Ok(Json(datasets::list(&services, &caller, &query).await?.into()))
}

/// Ids of a query parameter that may stand several times.
pub(crate) fn repeated<T: std::str::FromStr>(query: Option<&str>, name: &str) -> Result<Vec<T>, Error> {
    let list = format!("{name}[]");
    url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .filter(|(key, value)| (*key == name || *key == list) && !value.is_empty())
        .map(|(_, value)| value.parse().map_err(|_| Error::invalid_field(name, format!("{name} must be ids."))))
        .collect()
}

/// Make an empty knowledge base.
#[utoipa::path(post, path = "/datasets", tag = "Knowledge", security(("app_key" = [])), request_body = NewDatasetBody,
    responses((status = 200, body = DatasetBody), (status = 400, body = ErrorBody), (status = 409, body = ErrorBody)))]
async fn create(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    headers: HeaderMap,
    Body(map): Body<Map<String, Json_>>,
) -> ApiResult<Response> {
    let said = once::Said::new("datasets").json(&map);
    let mut fields = Fields::new("DatasetCreatePayload", map);
    let new = NewDataset {
        name: name(&mut fields),
        description: fields.optional_text("description"),
        permission: fields.optional_word("permission", &PERMISSIONS),
        indexing: indexing(&mut fields),
        summary_index_setting: given(&mut fields, "summary_index_setting"),
    };
    let provider = fields.optional_word("provider", &["vendor", "external"]);
    fields.finish()?;
    if provider.as_deref() == Some("external") {
        let text = "External knowledge bases are connected in the console.";
        return Err(Error::invalid_field("provider", text).into());
    }
    let make = async { Ok(DatasetBody::from(datasets::create(&services, &caller, new).await?)) };
    once::answer(&services, Namer::of_knowledge(&caller)?, &headers, StatusCode::OK, said, make).await
}

/// One knowledge base.
#[utoipa::path(get, path = "/datasets/{dataset_id}", tag = "Knowledge", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path)),
    responses((status = 200, body = DatasetBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn detail(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path(id): Path<DatasetId>,
) -> ApiResult<Json<DatasetBody>> {
    Ok(Json(datasets::view(&services, &caller, id).await?.into()))
}

/// Change a knowledge base.
#[utoipa::path(patch, path = "/datasets/{dataset_id}", tag = "Knowledge", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path)), request_body = DatasetChangeBody,
    responses((status = 200, body = DatasetBody), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn update(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path(id): Path<DatasetId>,
    Body(map): Body<Map<String, Json_>>,
) -> ApiResult<Json<DatasetBody>> {
    let mut fields = Fields::new("DatasetUpdatePayload", map);
    let change = DatasetChange {
        name: if fields.has("name") { Some(name(&mut fields)) } else { None },
        description: fields.optional_text("description"),
        permission: fields.optional_word("permission", &PERMISSIONS),
        members: members(given(&mut fields, "partial_member_list"))?,
        indexing: indexing(&mut fields),
        summary_index_setting: given(&mut fields, "summary_index_setting"),
        icon_info: None,
    };
    fields.finish()?;
    Ok(Json(datasets::update(&services, &caller, id, change).await?.into()))
}

/// `[{"user_id"}]`.
pub(crate) fn members(json: Option<Json_>) -> Result<Option<Vec<AccountId>>, Error> {
    let Some(json) = json else { return Ok(None) };
    let wrong = || Error::invalid_field("partial_member_list", "partial_member_list must be [{\"user_id\"}].");
    let list: Vec<PartialMember> = serde_json::from_value(json).map_err(|_| wrong())?;
    list.into_iter().map(|one| one.user_id.parse().map_err(|_| wrong())).collect::<Result<_, _>>().map(Some)
}

/// Delete a knowledge base with everything in it.
#[utoipa::path(delete, path = "/datasets/{dataset_id}", tag = "Knowledge", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path)),
    responses((status = 204), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
async fn delete(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path(id): Path<DatasetId>,
) -> ApiResult<StatusCode> {
    datasets::delete(&services, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The models of a kind that the workspace can use.
#[utoipa::path(get, path = "/workspaces/current/models/model-types/{model_type}", tag = "Models", security(("app_key" = [])),
    params(("model_type" = String, Path, description = "`text-embedding`, `rerank`, `llm`, …")),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody)))]
async fn models(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path(kind): Path<String>,
) -> ApiResult<Json<Json_>> {
    Ok(Json(crate::console::models::usable(&services, &caller, &kind, None).await?))
}
