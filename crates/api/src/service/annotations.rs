//! Annotations of an app, with its key.

use axum::{
    Json,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use ox_app::{
    AppCaller,
    annotations::{AnnotationForm, keyed},
    model::Annotation,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json_};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    App, KeyApp,
    fields::{Fields, from_query},
    once,
};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path},
};

/// A question with the answer it should get.
#[derive(Serialize, ToSchema)]
pub struct AnnotationItem {
    pub id: Uuid,
    pub question: String,
    pub answer: String,
    pub hit_count: i32,
    pub created_at: i64,
}

impl From<Annotation> for AnnotationItem {
    fn from(item: Annotation) -> Self {
        Self {
            id: item.id,
            question: item.question,
            answer: item.content,
            hit_count: item.hit_count,
            created_at: item.created_at.timestamp(),
        }
    }
}

/// A numbered page of annotations.
#[derive(Serialize, ToSchema)]
pub struct AnnotationPage {
    pub data: Vec<AnnotationItem>,
    pub has_more: bool,
    pub limit: u64,
    pub total: u64,
    pub page: u64,
}

/// A new annotation, or another text for one.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct AnnotationRequest {
    pub question: String,
    pub answer: String,
}

fn read(map: Map<String, Json_>) -> Result<AnnotationForm, ox_app::Error> {
    let mut fields = Fields::new("AnnotationCreatePayload", map);
    let (question, answer) = (fields.text("question"), fields.text("answer"));
    fields.finish()?;
    Ok(AnnotationForm { question: Some(question), answer: Some(answer), message_id: None })
}

/// The app's annotations, newest first.
#[utoipa::path(get, path = "/apps/annotations", tag = "Annotations", security(("app_key" = [])),
    params(("page" = Option<u64>, Query), ("limit" = Option<u64>, Query), ("keyword" = Option<String>, Query)),
    responses((status = 200, body = AnnotationPage), (status = 400, body = ErrorBody)))]
pub async fn list(
    State(services): App,
    KeyApp(app): KeyApp,
    RawQuery(query): RawQuery,
) -> ApiResult<Json<AnnotationPage>> {
    let mut fields = from_query("AnnotationListQuery", query.as_deref());
    let page = fields.number("page", 1, 1, 99_999);
    let limit = fields.number("limit", 20, 1, 100);
    let keyword = fields.optional_text("keyword");
    fields.finish()?;
    let (found, total) = keyed::list(&services, &app, keyword.as_deref(), page, limit).await?;
    // Compat: a full page claims that there is another.
    let has_more = u64::try_from(found.len()).unwrap_or(u64::MAX) == limit;
    Ok(Json(AnnotationPage {
        data: found.into_iter().map(AnnotationItem::from).collect(),
        has_more,
        limit,
        total,
        page,
    }))
}

/// Add an annotation.
#[utoipa::path(post, path = "/apps/annotations", tag = "Annotations", security(("app_key" = [])),
    request_body = AnnotationRequest,
    responses((status = 201, body = AnnotationItem), (status = 400, body = ErrorBody)))]
pub async fn create(
    State(services): App,
    KeyApp(app): KeyApp,
    headers: HeaderMap,
    Body(map): Body<Map<String, Json_>>,
) -> ApiResult<Response> {
    let said = once::Said::new("annotations").json(&map);
    let form = read(map)?;
    if !headers.contains_key(once::HEADER) {
        let made = AnnotationItem::from(keyed::create(&services, &app, form).await?);
        return Ok((StatusCode::CREATED, Json(made)).into_response());
    }
    let caller = AppCaller::service(&services, app, None).await?;
    let make = async { Ok(AnnotationItem::from(keyed::create(&services, &caller.app, form).await?)) };
    once::answer(&services, &caller, &headers, StatusCode::CREATED, said, make).await
}

/// Change an annotation.
#[utoipa::path(put, path = "/apps/annotations/{annotation_id}", tag = "Annotations", security(("app_key" = [])),
    params(("annotation_id" = Uuid, Path)), request_body = AnnotationRequest,
    responses((status = 200, body = AnnotationItem), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn update(
    State(services): App,
    KeyApp(app): KeyApp,
    Path(id): Path<Uuid>,
    Body(map): Body<Map<String, Json_>>,
) -> ApiResult<Json<AnnotationItem>> {
    Ok(Json(keyed::update(&services, &app, id, read(map)?).await?.into()))
}

/// Delete an annotation.
#[utoipa::path(delete, path = "/apps/annotations/{annotation_id}", tag = "Annotations", security(("app_key" = [])),
    params(("annotation_id" = Uuid, Path)), responses((status = 204), (status = 404, body = ErrorBody)))]
pub async fn delete(State(services): App, KeyApp(app): KeyApp, Path(id): Path<Uuid>) -> ApiResult<StatusCode> {
    keyed::delete(&services, &app, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
