//! Chunks of a document and their parts.

use std::sync::Arc;

use axum::{
    Json,
    extract::{RawQuery, State},
    http::StatusCode,
};
use ox_app::{
    Error, Services,
    knowledge::{
        SegmentFilter,
        segments::{self, ChildForm, SegmentForm},
    },
};
use ox_types::{ChildChunkId, DatasetId, DocumentId, FileId, SegmentId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{
    super::{App, guard::Caller, view::Done},
    checked, one, twenty,
};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path, Query},
    knowledge::{ChildChunkAnswer, ChildChunkBody, ChildChunkPage, SegmentAnswer, SegmentBody},
    openapi::routes,
    service::{ChildContentBody, repeated, segment_files, switched},
};

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(list, delete_many))
        .routes(routes!(create))
        .routes(routes!(update, delete))
        .routes(routes!(switch))
        .routes(routes!(import))
        .routes(routes!(import_state))
        .routes(routes!(children, create_child, set_children))
        .routes(routes!(update_child, delete_child))
}

#[derive(Deserialize, IntoParams)]
struct ChunkQuery {
    #[serde(default = "one")]
    page: u64,
    /// 1 to 100.
    #[serde(default = "twenty")]
    limit: u64,
    keyword: Option<String>,
    /// `all`, `true` or `false`.
    enabled: Option<String>,
    hit_count_gte: Option<i64>,
}

/// A numbered page of chunks.
#[derive(Serialize, ToSchema)]
pub struct SegmentPage {
    data: Vec<SegmentBody>,
    limit: u64,
    total: u64,
    total_pages: u64,
    page: u64,
}

#[utoipa::path(get, path = "/datasets/{dataset_id}/documents/{document_id}/segments", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path), ChunkQuery, ("status" = Option<Vec<String>>, Query)),
    responses((status = 200, body = SegmentPage), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn list(
    State(services): App,
    Caller(caller): Caller,
    Path((id, document)): Path<(DatasetId, DocumentId)>,
    RawQuery(raw): RawQuery,
    Query(query): Query<ChunkQuery>,
) -> ApiResult<Json<SegmentPage>> {
    checked(query.page, query.limit.min(100))?;
    let filter = SegmentFilter {
        keyword: query.keyword,
        statuses: repeated(raw.as_deref(), "status")?,
        enabled: query.enabled.as_deref().and_then(|flag| flag.to_ascii_lowercase().parse().ok()),
        least_hits: query.hit_count_gte,
        page: query.page,
        limit: query.limit.min(100),
    };
    let (_, page) = segments::list(&services, &caller, id, document, &filter).await?;
    Ok(Json(SegmentPage {
        total_pages: page.total.div_ceil(page.limit.max(1)),
        limit: page.limit,
        total: page.total,
        page: page.page,
        data: page.items.into_iter().map(|view| SegmentBody::new(&services, view)).collect(),
    }))
}

#[utoipa::path(delete, path = "/datasets/{dataset_id}/documents/{document_id}/segments", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path), ("segment_id" = Vec<Uuid>, Query)),
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete_many(
    State(services): App,
    Caller(caller): Caller,
    Path((id, document)): Path<(DatasetId, DocumentId)>,
    RawQuery(query): RawQuery,
) -> ApiResult<StatusCode> {
    let ids: Vec<SegmentId> = repeated(query.as_deref(), "segment_id")?;
    segments::delete(&services, &caller, id, document, &ids).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A chunk as it is to be.
#[derive(Deserialize, ToSchema)]
pub struct ChunkBody {
    content: Option<String>,
    /// Needed for questions and answers.
    answer: Option<String>,
    keywords: Option<Vec<String>>,
    attachment_ids: Option<Vec<String>>,
    /// Makes the parts anew.
    #[serde(default)]
    #[schema(required = false)]
    regenerate_child_chunks: bool,
    /// What it is about; an empty text removes it.
    summary: Option<String>,
}

impl ChunkBody {
    fn form(self) -> Result<SegmentForm, Error> {
        Ok(SegmentForm {
            content: self.content,
            answer: self.answer,
            keywords: self.keywords,
            attachments: segment_files(self.attachment_ids)?,
            enabled: None,
            regenerate: self.regenerate_child_chunks,
            summary: self.summary,
        })
    }
}

#[utoipa::path(post, path = "/datasets/{dataset_id}/documents/{document_id}/segment", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path)), request_body = ChunkBody,
    responses((status = 200, body = SegmentAnswer), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn create(
    State(services): App,
    Caller(caller): Caller,
    Path((id, document)): Path<(DatasetId, DocumentId)>,
    Body(body): Body<ChunkBody>,
) -> ApiResult<Json<SegmentAnswer>> {
    let (place, made) = segments::create(&services, &caller, id, document, vec![body.form()?]).await?;
    let view = made.into_iter().next().ok_or_else(|| Error::internal("no chunk was made"))?;
    Ok(Json(SegmentAnswer { data: SegmentBody::new(&services, view), doc_form: place.document.doc_form }))
}

#[utoipa::path(patch, path = "/datasets/{dataset_id}/documents/{document_id}/segments/{segment_id}", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path), ("segment_id" = Uuid, Path)), request_body = ChunkBody,
    responses((status = 200, body = SegmentAnswer), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn update(
    State(services): App,
    Caller(caller): Caller,
    Path((id, document, segment)): Path<(DatasetId, DocumentId, SegmentId)>,
    Body(body): Body<ChunkBody>,
) -> ApiResult<Json<SegmentAnswer>> {
    let (place, view) = segments::update(&services, &caller, id, document, segment, body.form()?).await?;
    Ok(Json(SegmentAnswer { data: SegmentBody::new(&services, view), doc_form: place.document.doc_form }))
}

#[utoipa::path(delete, path = "/datasets/{dataset_id}/documents/{document_id}/segments/{segment_id}", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path), ("segment_id" = Uuid, Path)),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete(
    State(services): App,
    Caller(caller): Caller,
    Path((id, document, segment)): Path<(DatasetId, DocumentId, SegmentId)>,
) -> ApiResult<StatusCode> {
    segments::delete_one(&services, &caller, id, document, segment).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(patch, path = "/datasets/{dataset_id}/documents/{document_id}/segment/{action}", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path), ("action" = String, Path, description = "`enable` or `disable`"), ("segment_id" = Vec<Uuid>, Query)),
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn switch(
    State(services): App,
    Caller(caller): Caller,
    Path((id, document, action)): Path<(DatasetId, DocumentId, String)>,
    RawQuery(query): RawQuery,
) -> ApiResult<Json<Done>> {
    let ids: Vec<SegmentId> = repeated(query.as_deref(), "segment_id")?;
    segments::set_enabled(&services, &caller, id, document, &ids, switched(&action)?).await?;
    Ok(Json(Done::SUCCESS))
}

/// An uploaded CSV file.
#[derive(Deserialize, ToSchema)]
pub struct ImportBody {
    upload_file_id: Uuid,
}

/// What became of an import.
#[derive(Serialize, ToSchema)]
pub struct ImportJobBody {
    job_id: Uuid,
    /// `waiting`, `processing`, `completed` or `error`.
    job_status: String,
}

impl From<segments::ImportJob> for ImportJobBody {
    fn from(job: segments::ImportJob) -> Self {
        Self { job_id: job.job_id, job_status: job.job_status }
    }
}

#[utoipa::path(post, path = "/datasets/{dataset_id}/documents/{document_id}/segments/batch_import", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path)), request_body = ImportBody,
    responses((status = 200, body = ImportJobBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn import(
    State(services): App,
    Caller(caller): Caller,
    Path((id, document)): Path<(DatasetId, DocumentId)>,
    Body(body): Body<ImportBody>,
) -> ApiResult<Json<ImportJobBody>> {
    let job = segments::import(&services, &caller, id, document, FileId(body.upload_file_id)).await?;
    Ok(Json(job.into()))
}

#[utoipa::path(get, path = "/datasets/batch_import_status/{job_id}", tag = "knowledge", params(("job_id" = Uuid, Path)),
    responses((status = 200, body = ImportJobBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
async fn import_state(
    State(services): App,
    Caller(caller): Caller,
    Path(job): Path<Uuid>,
) -> ApiResult<Json<ImportJobBody>> {
    Ok(Json(segments::import_state(&services, &caller, job).await?.into()))
}

#[derive(Deserialize, IntoParams)]
struct PartsQuery {
    #[serde(default = "one")]
    page: u64,
    /// 1 to 100.
    #[serde(default = "twenty")]
    limit: u64,
    keyword: Option<String>,
}

#[utoipa::path(get, path = "/datasets/{dataset_id}/documents/{document_id}/segments/{segment_id}/child_chunks", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path), ("segment_id" = Uuid, Path), PartsQuery),
    responses((status = 200, body = ChildChunkPage), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn children(
    State(services): App,
    Caller(caller): Caller,
    Path(place): Path<(DatasetId, DocumentId, SegmentId)>,
    Query(query): Query<PartsQuery>,
) -> ApiResult<Json<ChildChunkPage>> {
    let limit = query.limit.min(100);
    checked(query.page, limit)?;
    let keyword = query.keyword.as_deref();
    Ok(Json(segments::children(&services, &caller, place, keyword, query.page, limit).await?.into()))
}

#[utoipa::path(post, path = "/datasets/{dataset_id}/documents/{document_id}/segments/{segment_id}/child_chunks", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path), ("segment_id" = Uuid, Path)), request_body = ChildContentBody,
    responses((status = 200, body = ChildChunkAnswer), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn create_child(
    State(services): App,
    Caller(caller): Caller,
    Path(place): Path<(DatasetId, DocumentId, SegmentId)>,
    Body(body): Body<ChildContentBody>,
) -> ApiResult<Json<ChildChunkAnswer>> {
    let made = segments::create_child(&services, &caller, place, &body.content).await?;
    Ok(Json(ChildChunkAnswer { data: made.into() }))
}

/// A part as it is to be; without an id it is a new one.
#[derive(Deserialize, ToSchema)]
pub struct ChildItem {
    id: Option<Uuid>,
    content: String,
}

/// All parts of a chunk.
#[derive(Deserialize, ToSchema)]
pub struct ChildItems {
    chunks: Vec<ChildItem>,
}

/// Parts of a chunk.
#[derive(Serialize, ToSchema)]
pub struct ChildList {
    data: Vec<ChildChunkBody>,
}

#[utoipa::path(patch, path = "/datasets/{dataset_id}/documents/{document_id}/segments/{segment_id}/child_chunks", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path), ("segment_id" = Uuid, Path)), request_body = ChildItems,
    responses((status = 200, body = ChildList), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn set_children(
    State(services): App,
    Caller(caller): Caller,
    Path(place): Path<(DatasetId, DocumentId, SegmentId)>,
    Body(body): Body<ChildItems>,
) -> ApiResult<Json<ChildList>> {
    let form = |item: ChildItem| ChildForm { id: item.id.map(ChildChunkId), content: item.content };
    let forms = body.chunks.into_iter().map(form).collect();
    let made = segments::set_children(&services, &caller, place, forms).await?;
    Ok(Json(ChildList { data: made.into_iter().map(ChildChunkBody::from).collect() }))
}

#[utoipa::path(patch, path = "/datasets/{dataset_id}/documents/{document_id}/segments/{segment_id}/child_chunks/{child_chunk_id}", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path), ("segment_id" = Uuid, Path), ("child_chunk_id" = Uuid, Path)),
    request_body = ChildContentBody,
    responses((status = 200, body = ChildChunkAnswer), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn update_child(
    State(services): App,
    Caller(caller): Caller,
    Path((dataset, document, segment, child)): Path<(DatasetId, DocumentId, SegmentId, ChildChunkId)>,
    Body(body): Body<ChildContentBody>,
) -> ApiResult<Json<ChildChunkAnswer>> {
    let place = (dataset, document, segment);
    let made = segments::update_child(&services, &caller, place, child, &body.content).await?;
    Ok(Json(ChildChunkAnswer { data: made.into() }))
}

#[utoipa::path(delete, path = "/datasets/{dataset_id}/documents/{document_id}/segments/{segment_id}/child_chunks/{child_chunk_id}", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path), ("segment_id" = Uuid, Path), ("child_chunk_id" = Uuid, Path)),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete_child(
    State(services): App,
    Caller(caller): Caller,
    Path((dataset, document, segment, child)): Path<(DatasetId, DocumentId, SegmentId, ChildChunkId)>,
) -> ApiResult<StatusCode> {
    segments::delete_child(&services, &caller, (dataset, document, segment), child).await?;
    Ok(StatusCode::NO_CONTENT)
}
