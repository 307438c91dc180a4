//! Labels of knowledge bases.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use ox_app::{
    Error, Services,
    apps::{self, TagView},
    knowledge::datasets,
};
use ox_types::DatasetId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json_};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{App, Fields, KeyHolder};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path},
    openapi::routes,
};

const KIND: &str = "knowledge";

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(list, create, rename, delete))
        .routes(routes!(bind))
        .routes(routes!(unbind))
        .routes(routes!(of_dataset))
}

/// A label with the number of knowledge bases that carry it.
#[derive(Serialize, ToSchema)]
pub struct KnowledgeTag {
    id: Uuid,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    /// Compat: a number as text.
    binding_count: String,
}

impl From<TagView> for KnowledgeTag {
    fn from(view: TagView) -> Self {
        Self { id: view.tag.id, name: view.tag.name, kind: view.tag.kind, binding_count: view.bindings.to_string() }
    }
}

/// A new label.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct TagNameBody {
    /// 1 to 50 characters.
    name: String,
}

/// Another name of a label.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct TagRenameBody {
    tag_id: String,
    name: String,
}

/// A label.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct TagIdBody {
    tag_id: String,
}

/// Labels for a knowledge base.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct TagBindBody {
    tag_ids: Vec<String>,
    target_id: String,
}

/// Labels to take off a knowledge base.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct TagUnbindBody {
    tag_ids: Option<Vec<String>>,
    tag_id: Option<String>,
    target_id: String,
}

/// The labels of knowledge bases.
#[utoipa::path(get, path = "/datasets/tags", tag = "Knowledge tags", security(("app_key" = [])),
    responses((status = 200, body = Vec<KnowledgeTag>)))]
async fn list(State(services): App, KeyHolder(caller): KeyHolder) -> ApiResult<Json<Vec<KnowledgeTag>>> {
    let all = apps::list_tags(&services, &caller, KIND, None).await?;
    Ok(Json(all.into_iter().map(KnowledgeTag::from).collect()))
}

/// Make a label.
#[utoipa::path(post, path = "/datasets/tags", tag = "Knowledge tags", security(("app_key" = [])), request_body = TagNameBody,
    responses((status = 200, body = KnowledgeTag), (status = 400, body = ErrorBody)))]
async fn create(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Body(map): Body<Map<String, Json_>>,
) -> ApiResult<Json<KnowledgeTag>> {
    let mut fields = Fields::new("TagCreatePayload", map);
    let name = fields.text("name");
    fields.finish()?;
    let tag = apps::create_tag(&services, &caller, KIND, &name).await?;
    Ok(Json(TagView { tag, bindings: 0 }.into()))
}

fn id_of(fields: &mut Fields, name: &str) -> Uuid {
    match fields.text(name).parse() {
        Ok(id) => id,
        Err(_) => {
            fields.problem(name, "Value error, must be a valid UUID [type=value_error]");
            Uuid::nil()
        }
    }
}

/// Give a label another name.
#[utoipa::path(patch, path = "/datasets/tags", tag = "Knowledge tags", security(("app_key" = [])), request_body = TagRenameBody,
    responses((status = 200, body = KnowledgeTag), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn rename(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Body(map): Body<Map<String, Json_>>,
) -> ApiResult<Json<KnowledgeTag>> {
    let mut fields = Fields::new("TagUpdatePayload", map);
    let (id, name) = (id_of(&mut fields, "tag_id"), fields.text("name"));
    fields.finish()?;
    Ok(Json(apps::rename_tag(&services, &caller, id, &name).await?.into()))
}

/// Delete a label.
#[utoipa::path(delete, path = "/datasets/tags", tag = "Knowledge tags", security(("app_key" = [])), request_body = TagIdBody,
    responses((status = 204), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Body(map): Body<Map<String, Json_>>,
) -> ApiResult<StatusCode> {
    let mut fields = Fields::new("TagDeletePayload", map);
    let id = id_of(&mut fields, "tag_id");
    fields.finish()?;
    apps::delete_tag(&services, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn ids_of(fields: &mut Fields) -> Result<Vec<Uuid>, Error> {
    let wrong = || Error::invalid_field("tag_ids", "tag_ids: Input should be a list of UUIDs");
    let Some(json) = super::given(fields, "tag_ids") else { return Ok(Vec::new()) };
    let texts: Vec<String> = serde_json::from_value(json).map_err(|_| wrong())?;
    texts.iter().map(|text| text.parse().map_err(|_| wrong())).collect()
}

fn none_given() -> Error {
    Error::invalid_field("tag_ids", "Tag IDs is required.")
}

/// Put labels on a knowledge base.
#[utoipa::path(post, path = "/datasets/tags/binding", tag = "Knowledge tags", security(("app_key" = [])), request_body = TagBindBody,
    responses((status = 204), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn bind(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Body(map): Body<Map<String, Json_>>,
) -> ApiResult<StatusCode> {
    let mut fields = Fields::new("TagBindingPayload", map);
    let (tags, target) = (ids_of(&mut fields)?, id_of(&mut fields, "target_id"));
    fields.finish()?;
    if tags.is_empty() {
        return Err(none_given().into());
    }
    datasets::find(&services, &caller, DatasetId(target)).await?;
    apps::bind_tags(&services, &caller, &tags, target).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take labels off a knowledge base.
#[utoipa::path(post, path = "/datasets/tags/unbinding", tag = "Knowledge tags", security(("app_key" = [])), request_body = TagUnbindBody,
    responses((status = 204), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn unbind(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Body(map): Body<Map<String, Json_>>,
) -> ApiResult<StatusCode> {
    let mut fields = Fields::new("TagUnbindingPayload", map);
    let mut tags = ids_of(&mut fields)?;
    tags.extend(fields.optional_uuid("tag_id"));
    let target = id_of(&mut fields, "target_id");
    fields.finish()?;
    if tags.is_empty() {
        return Err(none_given().into());
    }
    datasets::find(&services, &caller, DatasetId(target)).await?;
    for tag in tags {
        apps::unbind_tag(&services, &caller, tag, target).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// A label on a knowledge base.
#[derive(Serialize, ToSchema)]
pub struct BoundTag {
    id: Uuid,
    name: String,
}

/// The labels on a knowledge base.
#[derive(Serialize, ToSchema)]
pub struct BoundTags {
    data: Vec<BoundTag>,
    total: usize,
}

/// The labels on a knowledge base.
#[utoipa::path(get, path = "/datasets/{dataset_id}/tags", tag = "Knowledge tags", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path)),
    responses((status = 200, body = BoundTags), (status = 404, body = ErrorBody)))]
async fn of_dataset(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path(id): Path<DatasetId>,
) -> ApiResult<Json<BoundTags>> {
    let found = datasets::tags(&services, &caller, id).await?;
    let data: Vec<BoundTag> = found.into_iter().map(|tag| BoundTag { id: tag.id, name: tag.name }).collect();
    Ok(Json(BoundTags { total: data.len(), data }))
}
