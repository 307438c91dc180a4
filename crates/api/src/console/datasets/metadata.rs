//! Metadata of a knowledge base.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use ox_app::{Services, knowledge::metadata};
use ox_types::{DatasetId, DocumentId};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::super::{App, guard::Caller, view::Done};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path},
    knowledge::{BuiltInFields, FieldBody, FieldList, MetadataOperations},
    openapi::routes,
    service::{FieldNameBody, NewFieldBody, fields_of, switched},
};

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(built_in))
        .routes(routes!(list, create))
        .routes(routes!(rename, delete))
        .routes(routes!(switch))
        .routes(routes!(assign))
        .routes(routes!(set_kind))
}

#[utoipa::path(get, path = "/datasets/metadata/built-in", tag = "knowledge",
    responses((status = 200, body = BuiltInFields), (status = 401, body = ErrorBody)))]
async fn built_in() -> Json<BuiltInFields> {
    Json(BuiltInFields::all())
}

#[utoipa::path(get, path = "/datasets/{dataset_id}/metadata", tag = "knowledge", params(("dataset_id" = Uuid, Path)),
    responses((status = 200, body = FieldList), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn list(State(services): App, Caller(caller): Caller, Path(id): Path<DatasetId>) -> ApiResult<Json<FieldList>> {
    Ok(Json(fields_of(&services, &caller, id).await?))
}

#[utoipa::path(post, path = "/datasets/{dataset_id}/metadata", tag = "knowledge", params(("dataset_id" = Uuid, Path)),
    request_body = NewFieldBody,
    responses((status = 201, body = FieldBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn create(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
    Body(body): Body<NewFieldBody>,
) -> ApiResult<(StatusCode, Json<FieldBody>)> {
    let made = metadata::create(&services, &caller, id, &body.kind, &body.name).await?;
    Ok((StatusCode::CREATED, Json(FieldBody { id: made.id, name: made.name, kind: made.kind })))
}

#[utoipa::path(patch, path = "/datasets/{dataset_id}/metadata/{metadata_id}", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("metadata_id" = Uuid, Path)), request_body = FieldNameBody,
    responses((status = 200, body = FieldBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn rename(
    State(services): App,
    Caller(caller): Caller,
    Path((id, field)): Path<(DatasetId, Uuid)>,
    Body(body): Body<FieldNameBody>,
) -> ApiResult<Json<FieldBody>> {
    let field = metadata::rename(&services, &caller, id, field, &body.name).await?;
    Ok(Json(FieldBody { id: field.id, name: field.name, kind: field.kind }))
}

#[utoipa::path(delete, path = "/datasets/{dataset_id}/metadata/{metadata_id}", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("metadata_id" = Uuid, Path)),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete(
    State(services): App,
    Caller(caller): Caller,
    Path((id, field)): Path<(DatasetId, Uuid)>,
) -> ApiResult<StatusCode> {
    metadata::delete(&services, &caller, id, field).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(post, path = "/datasets/{dataset_id}/metadata/built-in/{action}", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("action" = String, Path, description = "`enable` or `disable`")),
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn switch(
    State(services): App,
    Caller(caller): Caller,
    Path((id, action)): Path<(DatasetId, String)>,
) -> ApiResult<Json<Done>> {
    metadata::set_built_in(&services, &caller, id, switched(&action)?).await?;
    Ok(Json(Done::SUCCESS))
}

#[utoipa::path(post, path = "/datasets/{dataset_id}/documents/metadata", tag = "knowledge", params(("dataset_id" = Uuid, Path)),
    request_body = MetadataOperations,
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn assign(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
    Body(body): Body<MetadataOperations>,
) -> ApiResult<Json<Done>> {
    metadata::assign(&services, &caller, id, body.into_operations()).await?;
    Ok(Json(Done::SUCCESS))
}

/// What kind of document one is; from before fields were free.
#[derive(Deserialize, ToSchema)]
pub struct DocumentKind {
    /// `book`, `web_page`, `paper`, `social_media_post`, `wikipedia_entry`, `personal_document`, `business_document`,
    /// `im_chat_log`, `synced_from_notion`, `synced_from_github` or `others`.
    doc_type: String,
    /// Values by name; what is there already stays.
    #[schema(value_type = Object)]
    doc_metadata: Value,
}

#[utoipa::path(put, path = "/datasets/{dataset_id}/documents/{document_id}/metadata", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path)), request_body = DocumentKind,
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn set_kind(
    State(services): App,
    Caller(caller): Caller,
    Path(place): Path<(DatasetId, DocumentId)>,
    Body(body): Body<DocumentKind>,
) -> ApiResult<Json<Done>> {
    metadata::set_kind(&services, &caller, place, &body.doc_type, &body.doc_metadata).await?;
    Ok(Json(Done::SUCCESS))
}
