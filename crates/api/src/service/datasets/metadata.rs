//! Metadata of a knowledge base.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use ox_app::{Services, knowledge::metadata};
use ox_types::DatasetId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json_};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{App, Fields, KeyHolder, docs};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path},
    knowledge::{BuiltInFields, FieldBody, FieldCountBody, FieldList, MetadataOperations},
    openapi::routes,
};

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(built_in))
        .routes(routes!(rename, delete))
        .routes(routes!(switch))
        .routes(routes!(assign))
}

/// A new field.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct NewFieldBody {
    /// `string`, `number` or `time`.
    #[serde(rename = "type")]
    pub kind: String,
    pub name: String,
}

/// Another name of a field.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct FieldNameBody {
    pub name: String,
}

/// The fields of a knowledge base.
#[utoipa::path(get, path = "/datasets/{dataset_id}/metadata", tag = "Metadata", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path)), responses((status = 200, body = FieldList), (status = 404, body = ErrorBody)))]
async fn list(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path(id): Path<DatasetId>,
) -> ApiResult<Json<FieldList>> {
    Ok(Json(fields_of(&services, &caller, id).await?))
}

/// The fields of a knowledge base as they are shown.
pub(crate) async fn fields_of(
    services: &Services,
    caller: &ox_app::Principal,
    id: DatasetId,
) -> Result<FieldList, ox_app::Error> {
    let (dataset, fields) = metadata::list(services, caller, id).await?;
    let field = |view: metadata::FieldView| FieldCountBody {
        id: view.field.id,
        name: view.field.name,
        kind: view.field.kind,
        count: view.count,
    };
    Ok(FieldList {
        doc_metadata: fields.into_iter().map(field).collect(),
        built_in_field_enabled: dataset.built_in_field_enabled,
    })
}

/// Make a field.
#[utoipa::path(post, path = "/datasets/{dataset_id}/metadata", tag = "Metadata", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path)), request_body = NewFieldBody,
    responses((status = 201, body = FieldBody), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn create(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path(id): Path<DatasetId>,
    Body(map): Body<Map<String, Json_>>,
) -> ApiResult<(StatusCode, Json<FieldBody>)> {
    let mut fields = Fields::new("MetadataArgs", map);
    let (kind, name) = (fields.text("type"), fields.text("name"));
    fields.finish()?;
    let made = metadata::create(&services, &caller, id, &kind, &name).await?;
    Ok((StatusCode::CREATED, Json(FieldBody { id: made.id, name: made.name, kind: made.kind })))
}

/// The built-in fields.
#[utoipa::path(get, path = "/datasets/{dataset_id}/metadata/built-in", tag = "Metadata", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path)), responses((status = 200, body = BuiltInFields), (status = 404, body = ErrorBody)))]
async fn built_in(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path(id): Path<DatasetId>,
) -> ApiResult<Json<BuiltInFields>> {
    ox_app::knowledge::datasets::find(&services, &caller, id).await?;
    Ok(Json(BuiltInFields::all()))
}

/// Give a field another name.
#[utoipa::path(patch, path = "/datasets/{dataset_id}/metadata/{metadata_id}", tag = "Metadata", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path), ("metadata_id" = Uuid, Path)), request_body = FieldNameBody,
    responses((status = 200, body = FieldBody), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn rename(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path((id, field)): Path<(DatasetId, Uuid)>,
    Body(map): Body<Map<String, Json_>>,
) -> ApiResult<Json<FieldBody>> {
    let mut fields = Fields::new("MetadataUpdatePayload", map);
    let name = fields.text("name");
    fields.finish()?;
    let field = metadata::rename(&services, &caller, id, field, &name).await?;
    Ok(Json(FieldBody { id: field.id, name: field.name, kind: field.kind }))
}

/// Remove a field with its values.
#[utoipa::path(delete, path = "/datasets/{dataset_id}/metadata/{metadata_id}", tag = "Metadata", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path), ("metadata_id" = Uuid, Path)),
    responses((status = 204), (status = 404, body = ErrorBody)))]
async fn delete(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path((id, field)): Path<(DatasetId, Uuid)>,
) -> ApiResult<StatusCode> {
    metadata::delete(&services, &caller, id, field).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `enable` or `disable` of a path.
pub(crate) fn switched(action: &str) -> Result<bool, ox_app::Error> {
    match action {
        "enable" => Ok(true),
        "disable" => Ok(false),
        _ => Err(ox_app::Error::new(
            400,
            "invalid_action",
            format!("Invalid action: {action}. Must be one of ['enable', 'disable']"),
        )),
    }
}

/// Show the built-in fields, or not.
#[utoipa::path(post, path = "/datasets/{dataset_id}/metadata/built-in/{action}", tag = "Metadata", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path), ("action" = String, Path, description = "`enable` or `disable`")),
    responses((status = 200, body = docs::ResultBody), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn switch(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path((id, action)): Path<(DatasetId, String)>,
) -> ApiResult<Json<docs::ResultBody>> {
    metadata::set_built_in(&services, &caller, id, switched(&action)?).await?;
    Ok(super::super::success())
}

/// Store values of documents.
#[utoipa::path(post, path = "/datasets/{dataset_id}/documents/metadata", tag = "Metadata", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path)), request_body = MetadataOperations,
    responses((status = 200, body = docs::ResultBody), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn assign(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path(id): Path<DatasetId>,
    Body(body): Body<MetadataOperations>,
) -> ApiResult<Json<docs::ResultBody>> {
    metadata::assign(&services, &caller, id, body.into_operations()).await?;
    Ok(super::super::success())
}
