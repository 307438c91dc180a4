//! Knowledge bases.

mod documents;
mod evaluation;
mod external;
mod hit_testing;
mod metadata;
mod rebuilds;
mod segments;
mod summaries;
mod whereabouts;

use std::sync::Arc;

use axum::{
    Json,
    extract::{RawQuery, State},
    http::StatusCode,
};
use ox_app::{
    Error, Services,
    knowledge::{
        datasets::{self, DatasetChange, DatasetQuery, Indexing, NewDataset},
        documents as docs_of,
        external_apis::{self, NewExternal},
        keys,
    },
    model::ApiToken,
};
use ox_types::{AccountId, DatasetId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{App, guard::Caller, view::Done};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path, Query},
    knowledge::{DatasetBody, DatasetPage, DocStatusList, IconInfoBody, SummarySettingBody},
    openapi::routes,
    service::{members, repeated, switched},
};

pub use documents::EstimateAnswer;

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(list_keys, create_key))
        .routes(routes!(delete_key))
        .routes(routes!(base_info))
        .routes(routes!(retrieval_setting))
        .routes(routes!(retrieval_setting_of))
        .routes(routes!(auto_disabled))
        .routes(routes!(detail, update, delete))
        .routes(routes!(use_check))
        .routes(routes!(related_apps))
        .routes(routes!(members_of))
        .routes(routes!(set_api, delete_own_key))
        .routes(routes!(list_own_keys, create_own_key))
        .routes(routes!(progress))
        .routes(routes!(failed))
        .merge(documents::router())
        .merge(evaluation::router())
        .merge(external::router())
        .merge(hit_testing::router())
        .merge(segments::router())
        .merge(summaries::router())
        .merge(rebuilds::router())
        .merge(whereabouts::router())
        .merge(metadata::router())
}

#[derive(Deserialize, IntoParams)]
struct ListQuery {
    #[serde(default = "one")]
    page: u64,
    /// 1 to 100.
    #[serde(default = "twenty")]
    limit: u64,
    keyword: Option<String>,
    /// Everything there is; for owners.
    #[serde(default)]
    include_all: bool,
}

fn one() -> u64 {
    1
}

fn twenty() -> u64 {
    20
}

fn checked(page: u64, limit: u64) -> Result<(), Error> {
    if page == 0 || !(1..=100).contains(&limit) {
        return Err(Error::invalid("page must be at least 1, limit between 1 and 100."));
    }
    Ok(())
}

#[utoipa::path(get, path = "/datasets", tag = "knowledge",
    params(ListQuery, ("tag_ids" = Option<Vec<Uuid>>, Query), ("ids" = Option<Vec<Uuid>>, Query)),
    responses((status = 200, body = DatasetPage), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
async fn list(
    State(services): App,
    Caller(caller): Caller,
    RawQuery(raw): RawQuery,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<DatasetPage>> {
    checked(query.page, query.limit)?;
    let ListQuery { page, limit, keyword, include_all } = query;
    let (tag_ids, ids) = (repeated(raw.as_deref(), "tag_ids")?, repeated(raw.as_deref(), "ids")?);
    let query = DatasetQuery { page, limit, keyword, tag_ids, ids, include_all };
    Ok(Json(datasets::list(&services, &caller, &query).await?.into()))
}

/// A new knowledge base.
#[derive(Deserialize, ToSchema)]
pub struct NewKnowledge {
    /// 1 to 40 characters.
    name: String,
    description: Option<String>,
    indexing_technique: Option<String>,
    permission: Option<String>,
    /// `vendor` or `external`.
    provider: Option<String>,
    external_knowledge_api_id: Option<Uuid>,
    external_knowledge_id: Option<String>,
    embedding_model: Option<String>,
    embedding_model_provider: Option<String>,
    #[schema(value_type = Option<Object>)]
    retrieval_model: Option<Value>,
}

#[utoipa::path(post, path = "/datasets", tag = "knowledge", request_body = NewKnowledge,
    responses((status = 201, body = DatasetBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody)))]
async fn create(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<NewKnowledge>,
) -> ApiResult<(StatusCode, Json<DatasetBody>)> {
    if body.provider.as_deref() == Some("external") {
        let new = NewExternal {
            api_id: body.external_knowledge_api_id,
            knowledge_id: body.external_knowledge_id.unwrap_or_default(),
            name: body.name,
            description: body.description,
            retrieval_model: None,
        };
        let id = external_apis::add_dataset(&services, &caller, new).await?;
        return Ok((StatusCode::CREATED, Json(datasets::view(&services, &caller, id).await?.into())));
    }
    let new = NewDataset {
        name: body.name,
        description: body.description,
        permission: body.permission,
        indexing: Indexing {
            technique: body.indexing_technique,
            embedding_model: body.embedding_model,
            embedding_model_provider: body.embedding_model_provider,
            retrieval_model: body.retrieval_model,
        },
        summary_index_setting: None,
    };
    let made = datasets::create(&services, &caller, new).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

#[utoipa::path(get, path = "/datasets/{dataset_id}", tag = "knowledge", params(("dataset_id" = Uuid, Path)),
    responses((status = 200, body = DatasetBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn detail(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
) -> ApiResult<Json<DatasetBody>> {
    Ok(Json(datasets::view(&services, &caller, id).await?.into()))
}

/// What is to change of a knowledge base.
#[derive(Deserialize, ToSchema)]
pub struct KnowledgeChange {
    name: Option<String>,
    description: Option<String>,
    permission: Option<String>,
    /// `[{"user_id"}]`
    #[schema(value_type = Option<Vec<Object>>)]
    partial_member_list: Option<Value>,
    indexing_technique: Option<String>,
    embedding_model: Option<String>,
    embedding_model_provider: Option<String>,
    #[schema(value_type = Option<Object>)]
    retrieval_model: Option<Value>,
    summary_index_setting: Option<SummarySettingBody>,
    icon_info: Option<IconInfoBody>,
}

#[utoipa::path(patch, path = "/datasets/{dataset_id}", tag = "knowledge", params(("dataset_id" = Uuid, Path)),
    request_body = KnowledgeChange,
    responses((status = 200, body = DatasetBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn update(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
    Body(body): Body<KnowledgeChange>,
) -> ApiResult<Json<DatasetBody>> {
    let change = DatasetChange {
        name: body.name,
        description: body.description,
        permission: body.permission,
        members: members(body.partial_member_list)?,
        indexing: Indexing {
            technique: body.indexing_technique,
            embedding_model: body.embedding_model,
            embedding_model_provider: body.embedding_model_provider,
            retrieval_model: body.retrieval_model,
        },
        summary_index_setting: body.summary_index_setting.map(|setting| json!(setting)),
        icon_info: body.icon_info.map(|icon| json!(icon)),
    };
    Ok(Json(datasets::update(&services, &caller, id, change).await?.into()))
}

#[utoipa::path(delete, path = "/datasets/{dataset_id}", tag = "knowledge", params(("dataset_id" = Uuid, Path)),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
async fn delete(State(services): App, Caller(caller): Caller, Path(id): Path<DatasetId>) -> ApiResult<StatusCode> {
    datasets::delete(&services, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether an app uses it.
#[derive(Serialize, ToSchema)]
pub struct UseCheck {
    is_using: bool,
}

#[utoipa::path(get, path = "/datasets/{dataset_id}/use-check", tag = "knowledge", params(("dataset_id" = Uuid, Path)),
    responses((status = 200, body = UseCheck), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn use_check(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
) -> ApiResult<Json<UseCheck>> {
    Ok(Json(UseCheck { is_using: datasets::use_check(&services, &caller, id).await? }))
}

/// An app that uses a knowledge base.
#[derive(Serialize, ToSchema)]
pub struct RelatedApp {
    id: Uuid,
    name: String,
    description: String,
    mode: String,
    icon_type: Option<String>,
    icon: Option<String>,
    icon_background: Option<String>,
    icon_url: Option<String>,
}

/// The apps that use a knowledge base.
#[derive(Serialize, ToSchema)]
pub struct RelatedApps {
    data: Vec<RelatedApp>,
    total: usize,
}

#[utoipa::path(get, path = "/datasets/{dataset_id}/related-apps", tag = "knowledge", params(("dataset_id" = Uuid, Path)),
    responses((status = 200, body = RelatedApps), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn related_apps(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
) -> ApiResult<Json<RelatedApps>> {
    let found = datasets::related_apps(&services, &caller, id).await?;
    let app = |app: ox_app::model::App| RelatedApp {
        id: app.id.0,
        name: app.name,
        description: app.description,
        mode: app.mode,
        icon_type: app.icon_type,
        icon: app.icon,
        icon_background: app.icon_background,
        icon_url: None,
    };
    let data: Vec<RelatedApp> = found.into_iter().map(app).collect();
    Ok(Json(RelatedApps { total: data.len(), data }))
}

/// Members of a knowledge base.
#[derive(Serialize, ToSchema)]
pub struct PartUsers {
    #[schema(value_type = Vec<Uuid>)]
    data: Vec<AccountId>,
}

#[utoipa::path(get, path = "/datasets/{dataset_id}/permission-part-users", tag = "knowledge", params(("dataset_id" = Uuid, Path)),
    responses((status = 200, body = PartUsers), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn members_of(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
) -> ApiResult<Json<PartUsers>> {
    Ok(Json(PartUsers { data: datasets::members(&services, &caller, id).await? }))
}

#[utoipa::path(post, path = "/datasets/{dataset_id}/api-keys/{status}", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("status" = String, Path, description = "`enable` or `disable`")),
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn set_api(
    State(services): App,
    Caller(caller): Caller,
    Path((id, status)): Path<(DatasetId, String)>,
) -> ApiResult<Json<Done>> {
    datasets::set_api(&services, &caller, id, switched(&status)?).await?;
    Ok(Json(Done::SUCCESS))
}

/// How far all documents are.
#[utoipa::path(get, path = "/datasets/{dataset_id}/indexing-status", tag = "knowledge", params(("dataset_id" = Uuid, Path)),
    responses((status = 200, body = DocStatusList), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn progress(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
) -> ApiResult<Json<DocStatusList>> {
    Ok(Json(DocStatusList::new(docs_of::progress(&services, &caller, id, None).await?, true)))
}

/// Documents that failed.
#[derive(Serialize, ToSchema)]
pub struct FailedDocuments {
    data: Vec<crate::knowledge::DocStatusBody>,
    total: usize,
}

#[utoipa::path(get, path = "/datasets/{dataset_id}/error-docs", tag = "knowledge", params(("dataset_id" = Uuid, Path)),
    responses((status = 200, body = FailedDocuments), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn failed(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
) -> ApiResult<Json<FailedDocuments>> {
    let data = DocStatusList::new(docs_of::failed(&services, &caller, id).await?, true).data;
    Ok(Json(FailedDocuments { total: data.len(), data }))
}

/// A key of the workspace's knowledge.
#[derive(Serialize, ToSchema)]
pub struct KnowledgeKey {
    id: Uuid,
    #[serde(rename = "type")]
    kind: String,
    token: String,
    last_used_at: Option<i64>,
    created_at: i64,
}

impl From<ApiToken> for KnowledgeKey {
    fn from(key: ApiToken) -> Self {
        Self {
            id: key.id,
            kind: key.kind,
            token: key.token,
            last_used_at: key.last_used_at.map(|at| at.timestamp()),
            created_at: key.created_at.timestamp(),
        }
    }
}

/// The keys of the workspace's knowledge.
#[derive(Serialize, ToSchema)]
pub struct KnowledgeKeys {
    data: Vec<KnowledgeKey>,
}

#[utoipa::path(get, path = "/datasets/api-keys", tag = "knowledge",
    responses((status = 200, body = KnowledgeKeys), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn list_keys(State(services): App, Caller(caller): Caller) -> ApiResult<Json<KnowledgeKeys>> {
    let found = keys::list_keys(&services, &caller).await?;
    Ok(Json(KnowledgeKeys { data: found.into_iter().map(KnowledgeKey::from).collect() }))
}

#[utoipa::path(post, path = "/datasets/api-keys", tag = "knowledge",
    responses((status = 200, body = KnowledgeKey), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn create_key(State(services): App, Caller(caller): Caller) -> ApiResult<Json<KnowledgeKey>> {
    Ok(Json(keys::create_key(&services, &caller).await?.into()))
}

#[utoipa::path(delete, path = "/datasets/api-keys/{api_key_id}", tag = "knowledge", params(("api_key_id" = Uuid, Path)),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete_key(State(services): App, Caller(caller): Caller, Path(key): Path<Uuid>) -> ApiResult<StatusCode> {
    keys::delete_key(&services, &caller, key).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(get, path = "/datasets/{dataset_id}/api-keys", tag = "knowledge", params(("dataset_id" = Uuid, Path)),
    responses((status = 200, body = KnowledgeKeys), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn list_own_keys(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
) -> ApiResult<Json<KnowledgeKeys>> {
    let found = keys::list_own_keys(&services, &caller, id).await?;
    Ok(Json(KnowledgeKeys { data: found.into_iter().map(KnowledgeKey::from).collect() }))
}

#[utoipa::path(post, path = "/datasets/{dataset_id}/api-keys", tag = "knowledge", params(("dataset_id" = Uuid, Path)),
    responses((status = 201, body = KnowledgeKey), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn create_own_key(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
) -> ApiResult<(StatusCode, Json<KnowledgeKey>)> {
    Ok((StatusCode::CREATED, Json(keys::create_own_key(&services, &caller, id).await?.into())))
}

#[utoipa::path(delete, path = "/datasets/{dataset_id}/api-keys/{status}", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("status" = Uuid, Path, description = "The id of the key")),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete_own_key(
    State(services): App,
    Caller(caller): Caller,
    Path((id, key)): Path<(DatasetId, Uuid)>,
) -> ApiResult<StatusCode> {
    keys::delete_own_key(&services, &caller, id, key).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Where the Service API is.
#[derive(Serialize, ToSchema)]
pub struct ApiBaseInfo {
    api_base_url: String,
}

#[utoipa::path(get, path = "/datasets/api-base-info", tag = "knowledge",
    responses((status = 200, body = ApiBaseInfo), (status = 401, body = ErrorBody)))]
async fn base_info(State(services): App) -> Json<ApiBaseInfo> {
    Json(ApiBaseInfo { api_base_url: format!("{}/v1", services.settings.service_api_url) })
}

/// How knowledge bases can be searched.
#[derive(Serialize, ToSchema)]
pub struct RetrievalMethods {
    retrieval_method: [&'static str; 3],
}

/// The same for every store: words are always searched in our own index.
#[utoipa::path(get, path = "/datasets/retrieval-setting", tag = "knowledge",
    responses((status = 200, body = RetrievalMethods), (status = 401, body = ErrorBody)))]
async fn retrieval_setting() -> Json<RetrievalMethods> {
    Json(RetrievalMethods { retrieval_method: ["semantic_search", "full_text_search", "hybrid_search"] })
}

#[utoipa::path(get, path = "/datasets/retrieval-setting/{vector_type}", tag = "knowledge",
    params(("vector_type" = String, Path, description = "A value of `VECTOR_STORE`; all can do the same")),
    responses((status = 200, body = RetrievalMethods), (status = 401, body = ErrorBody)))]
async fn retrieval_setting_of() -> Json<RetrievalMethods> {
    retrieval_setting().await
}

/// Documents that were switched off because nobody asked for long.
#[derive(Serialize, ToSchema)]
pub struct AutoDisabled {
    document_ids: Vec<Uuid>,
    count: usize,
}

/// Compat: no document is ever switched off by itself here, so there are none.
#[utoipa::path(get, path = "/datasets/{dataset_id}/auto-disable-logs", tag = "knowledge", params(("dataset_id" = Uuid, Path)),
    responses((status = 200, body = AutoDisabled), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn auto_disabled(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
) -> ApiResult<Json<AutoDisabled>> {
    datasets::find(&services, &caller, id).await?;
    Ok(Json(AutoDisabled { document_ids: Vec::new(), count: 0 }))
}
