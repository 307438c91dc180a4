//! Chunks of a document and their parts.

use std::sync::Arc;

use axum::{
    Json,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use ox_app::{
    Error, Services,
    knowledge::{
        SegmentFilter,
        segments::{self, SegmentForm},
    },
    runs::once::Namer,
};
use ox_types::{ChildChunkId, DatasetId, DocumentId, FileId, SegmentId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json_, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::{App, Fields, KeyHolder, from_query};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path},
    knowledge::{ChildChunkAnswer, ChildChunkPage, SegmentAnswer, SegmentBody},
    openapi::routes,
    service::once,
};

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(detail, update, delete))
        .routes(routes!(children, create_child))
        .routes(routes!(update_child, delete_child))
}

/// A new chunk.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct NewSegmentBody {
    content: String,
    /// Needed for questions and answers.
    answer: Option<String>,
    keywords: Option<Vec<String>>,
    attachment_ids: Option<Vec<String>>,
}

/// New chunks.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct NewSegmentsBody {
    segments: Vec<NewSegmentBody>,
}

/// What is to change of a chunk.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct SegmentChange {
    content: Option<String>,
    answer: Option<String>,
    keywords: Option<Vec<String>>,
    enabled: Option<bool>,
    regenerate_child_chunks: Option<bool>,
    attachment_ids: Option<Vec<String>>,
    summary: Option<String>,
}

/// What is to change of a chunk.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct SegmentChangeBody {
    segment: SegmentChange,
}

/// Chunks that were made.
#[derive(Serialize, ToSchema)]
pub struct SegmentsMade {
    data: Vec<SegmentBody>,
    doc_form: String,
}

/// A numbered page of chunks.
#[derive(Serialize, ToSchema)]
pub struct SegmentList {
    data: Vec<SegmentBody>,
    doc_form: String,
    total: u64,
    has_more: bool,
    limit: u64,
    page: u64,
}

/// Files by their ids.
pub(crate) fn files(ids: Option<Vec<String>>) -> Result<Option<Vec<FileId>>, Error> {
    let wrong = || Error::invalid_field("attachment_ids", "attachment_ids must be ids.");
    ids.map(|ids| ids.iter().map(|id| id.parse().map_err(|_| wrong())).collect()).transpose()
}

impl SegmentChange {
    fn form(self) -> Result<SegmentForm, Error> {
        Ok(SegmentForm {
            content: self.content,
            answer: self.answer,
            keywords: self.keywords,
            attachments: files(self.attachment_ids)?,
            enabled: self.enabled,
            regenerate: self.regenerate_child_chunks.unwrap_or(false),
            summary: self.summary,
        })
    }
}

/// The chunks of a document, by position.
#[utoipa::path(get, path = "/datasets/{dataset_id}/documents/{document_id}/segments", tag = "Chunks", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path), ("page" = Option<u64>, Query), ("limit" = Option<u64>, Query),
        ("status" = Option<Vec<String>>, Query), ("keyword" = Option<String>, Query)),
    responses((status = 200, body = SegmentList), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn list(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path((id, document)): Path<(DatasetId, DocumentId)>,
    RawQuery(query): RawQuery,
) -> ApiResult<Json<SegmentList>> {
    let statuses = super::repeated(query.as_deref(), "status")?;
    let mut fields = from_query("SegmentListQuery", query.as_deref());
    let filter = SegmentFilter {
        keyword: fields.optional_text("keyword"),
        statuses,
        page: fields.number("page", 1, 1, 99_999),
        limit: fields.number("limit", 20, 1, u64::from(u32::MAX)).min(100),
        ..SegmentFilter::default()
    };
    fields.finish()?;
    let (place, page) = segments::list(&services, &caller, id, document, &filter).await?;
    Ok(Json(SegmentList {
        has_more: page.has_more(),
        doc_form: place.document.doc_form,
        total: page.total,
        limit: page.limit,
        page: page.page,
        data: page.items.into_iter().map(|view| SegmentBody::new(&services, view)).collect(),
    }))
}

/// Add chunks to a document.
#[utoipa::path(post, path = "/datasets/{dataset_id}/documents/{document_id}/segments", tag = "Chunks", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path)), request_body = NewSegmentsBody,
    responses((status = 200, body = SegmentsMade), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn create(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path((id, document)): Path<(DatasetId, DocumentId)>,
    headers: HeaderMap,
    Body(mut map): Body<Map<String, Json_>>,
) -> ApiResult<Response> {
    let said = once::Said::new("segments").text(&id.to_string()).text(&document.to_string()).json(&map);
    let given = map.remove("segments").filter(|json| !json.is_null());
    // Compat: this one answers in a form of its own.
    let Some(given) = given.filter(|json| json.as_array().is_none_or(|list| !list.is_empty())) else {
        return Ok((StatusCode::BAD_REQUEST, Json(json!({"error": "Segments is required"}))).into_response());
    };
    let changes: Vec<SegmentChange> = serde_json::from_value(given)
        .map_err(|error| Error::invalid_field("segments", format!("segments: {error}")))?;
    let forms = changes.into_iter().map(SegmentChange::form).collect::<Result<Vec<_>, _>>()?;
    let make = async {
        let (place, made) = segments::create(&services, &caller, id, document, forms).await?;
        let data = made.into_iter().map(|view| SegmentBody::new(&services, view)).collect();
        Ok(SegmentsMade { data, doc_form: place.document.doc_form })
    };
    once::answer(&services, Namer::of_knowledge(&caller)?, &headers, StatusCode::OK, said, make).await
}

/// One chunk.
#[utoipa::path(get, path = "/datasets/{dataset_id}/documents/{document_id}/segments/{segment_id}", tag = "Chunks", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path), ("segment_id" = Uuid, Path)),
    responses((status = 200, body = SegmentAnswer), (status = 404, body = ErrorBody)))]
async fn detail(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path((id, document, segment)): Path<(DatasetId, DocumentId, SegmentId)>,
) -> ApiResult<Json<SegmentAnswer>> {
    let (place, view) = segments::view(&services, &caller, id, document, segment).await?;
    Ok(Json(SegmentAnswer { data: SegmentBody::new(&services, view), doc_form: place.document.doc_form }))
}

/// Change a chunk.
#[utoipa::path(post, path = "/datasets/{dataset_id}/documents/{document_id}/segments/{segment_id}", tag = "Chunks", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path), ("segment_id" = Uuid, Path)), request_body = SegmentChangeBody,
    responses((status = 200, body = SegmentAnswer), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn update(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path((id, document, segment)): Path<(DatasetId, DocumentId, SegmentId)>,
    Body(body): Body<SegmentChangeBody>,
) -> ApiResult<Json<SegmentAnswer>> {
    let form = body.segment.form()?;
    let (place, view) = segments::update(&services, &caller, id, document, segment, form).await?;
    Ok(Json(SegmentAnswer { data: SegmentBody::new(&services, view), doc_form: place.document.doc_form }))
}

/// Delete a chunk.
#[utoipa::path(delete, path = "/datasets/{dataset_id}/documents/{document_id}/segments/{segment_id}", tag = "Chunks", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path), ("segment_id" = Uuid, Path)),
    responses((status = 204), (status = 404, body = ErrorBody)))]
async fn delete(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path((id, document, segment)): Path<(DatasetId, DocumentId, SegmentId)>,
) -> ApiResult<StatusCode> {
    segments::delete_one(&services, &caller, id, document, segment).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The text of a part.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct ChildContentBody {
    pub content: String,
}

/// The parts of a chunk, by position.
#[utoipa::path(get, path = "/datasets/{dataset_id}/documents/{document_id}/segments/{segment_id}/child_chunks", tag = "Chunks", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path), ("segment_id" = Uuid, Path),
        ("page" = Option<u64>, Query), ("limit" = Option<u64>, Query), ("keyword" = Option<String>, Query)),
    responses((status = 200, body = ChildChunkPage), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn children(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path(place): Path<(DatasetId, DocumentId, SegmentId)>,
    RawQuery(query): RawQuery,
) -> ApiResult<Json<ChildChunkPage>> {
    let mut fields = from_query("ChildChunkListQuery", query.as_deref());
    let page = fields.number("page", 1, 1, 99_999);
    let limit = fields.number("limit", 20, 1, u64::from(u32::MAX)).min(100);
    let keyword = fields.optional_text("keyword");
    fields.finish()?;
    Ok(Json(segments::children(&services, &caller, place, keyword.as_deref(), page, limit).await?.into()))
}

fn content_of(map: Map<String, Json_>) -> Result<String, Error> {
    let mut fields = Fields::new("ChildChunkPayload", map);
    let content = fields.text("content");
    fields.finish()?;
    Ok(content)
}

/// Add a part to a chunk.
#[utoipa::path(post, path = "/datasets/{dataset_id}/documents/{document_id}/segments/{segment_id}/child_chunks", tag = "Chunks", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path), ("segment_id" = Uuid, Path)), request_body = ChildContentBody,
    responses((status = 200, body = ChildChunkAnswer), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn create_child(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path(place): Path<(DatasetId, DocumentId, SegmentId)>,
    Body(map): Body<Map<String, Json_>>,
) -> ApiResult<Json<ChildChunkAnswer>> {
    let made = segments::create_child(&services, &caller, place, &content_of(map)?).await?;
    Ok(Json(ChildChunkAnswer { data: made.into() }))
}

/// Change a part of a chunk.
#[utoipa::path(patch, path = "/datasets/{dataset_id}/documents/{document_id}/segments/{segment_id}/child_chunks/{child_chunk_id}", tag = "Chunks", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path), ("segment_id" = Uuid, Path), ("child_chunk_id" = Uuid, Path)),
    request_body = ChildContentBody,
    responses((status = 200, body = ChildChunkAnswer), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn update_child(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path((dataset, document, segment, child)): Path<(DatasetId, DocumentId, SegmentId, ChildChunkId)>,
    Body(map): Body<Map<String, Json_>>,
) -> ApiResult<Json<ChildChunkAnswer>> {
    let place = (dataset, document, segment);
    let made = segments::update_child(&services, &caller, place, child, &content_of(map)?).await?;
    Ok(Json(ChildChunkAnswer { data: made.into() }))
}

/// Remove a part of a chunk.
#[utoipa::path(delete, path = "/datasets/{dataset_id}/documents/{document_id}/segments/{segment_id}/child_chunks/{child_chunk_id}", tag = "Chunks", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path), ("segment_id" = Uuid, Path), ("child_chunk_id" = Uuid, Path)),
    responses((status = 204), (status = 404, body = ErrorBody)))]
async fn delete_child(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path((dataset, document, segment, child)): Path<(DatasetId, DocumentId, SegmentId, ChildChunkId)>,
) -> ApiResult<StatusCode> {
    segments::delete_child(&services, &caller, (dataset, document, segment), child).await?;
    Ok(StatusCode::NO_CONTENT)
}
