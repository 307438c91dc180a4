//! Labels.

use axum::{Json, extract::State, http::StatusCode};
use ox_app::{Services, apps, apps::TagView};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{App, guard::Caller, view::Done};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path, Query},
    openapi::routes,
};

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(rename, delete))
        .routes(routes!(bind))
        .routes(routes!(unbind))
}

/// A label.
#[derive(Serialize, ToSchema)]
pub struct Label {
    id: Uuid,
    name: String,
    /// `app` or `knowledge`.
    #[serde(rename = "type")]
    kind: String,
    /// Compat: a number as text.
    binding_count: String,
}

impl From<TagView> for Label {
    fn from(view: TagView) -> Self {
        Self { id: view.tag.id, name: view.tag.name, kind: view.tag.kind, binding_count: view.bindings.to_string() }
    }
}

#[derive(Deserialize, IntoParams)]
struct ListQuery {
    #[serde(rename = "type")]
    kind: String,
    keyword: Option<String>,
}

#[utoipa::path(get, path = "/tags", tag = "tags", params(ListQuery), responses((status = 200, body = Vec<Label>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
async fn list(
    State(services): App,
    Caller(caller): Caller,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<Vec<Label>>> {
    let all = apps::list_tags(&services, &caller, &query.kind, query.keyword.as_deref()).await?;
    Ok(Json(all.into_iter().map(Label::from).collect()))
}

/// A new label.
#[derive(Deserialize, ToSchema)]
pub struct NewLabel {
    /// 1 to 50 characters.
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

#[utoipa::path(post, path = "/tags", tag = "tags", request_body = NewLabel, responses((status = 200, body = Label), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn create(State(services): App, Caller(caller): Caller, Body(body): Body<NewLabel>) -> ApiResult<Json<Label>> {
    let tag = apps::create_tag(&services, &caller, &body.kind, &body.name).await?;
    Ok(Json(TagView { tag, bindings: 0 }.into()))
}

/// Another name.
#[derive(Deserialize, ToSchema)]
pub struct LabelName {
    name: String,
}

#[utoipa::path(patch, path = "/tags/{tag_id}", tag = "tags", request_body = LabelName, params(("tag_id" = Uuid, Path)),
    responses((status = 200, body = Label), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn rename(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<Uuid>,
    Body(body): Body<LabelName>,
) -> ApiResult<Json<Label>> {
    Ok(Json(apps::rename_tag(&services, &caller, id, &body.name).await?.into()))
}

#[utoipa::path(delete, path = "/tags/{tag_id}", tag = "tags", params(("tag_id" = Uuid, Path)),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete(State(services): App, Caller(caller): Caller, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
    apps::delete_tag(&services, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Labels for one thing.
#[derive(Deserialize, ToSchema)]
pub struct Bind {
    tag_ids: Vec<Uuid>,
    target_id: Uuid,
}

#[utoipa::path(post, path = "/tag-bindings/create", tag = "tags", request_body = Bind,
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn bind(State(services): App, Caller(caller): Caller, Body(body): Body<Bind>) -> ApiResult<Json<Done>> {
    apps::bind_tags(&services, &caller, &body.tag_ids, body.target_id).await?;
    Ok(Json(Done::SUCCESS))
}

/// One label to take off.
#[derive(Deserialize, ToSchema)]
pub struct Unbind {
    tag_id: Uuid,
    target_id: Uuid,
}

#[utoipa::path(post, path = "/tag-bindings/remove", tag = "tags", request_body = Unbind,
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn unbind(State(services): App, Caller(caller): Caller, Body(body): Body<Unbind>) -> ApiResult<Json<Done>> {
    apps::unbind_tag(&services, &caller, body.tag_id, body.target_id).await?;
    Ok(Json(Done::SUCCESS))
}
