//! Trying knowledge bases out, and what was asked of them.

use std::{collections::HashMap, sync::Arc};

use axum::{Json, extract::State};
use ox_app::{
    Services,
    knowledge::hit_testing::{self, Trial},
    model::{DatasetQuery, UploadFile},
};
use ox_types::DatasetId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{App, Caller, checked, one, twenty};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path, Query},
    knowledge::{
        AttachmentBody,
        hits::{ExplainedHits, ExternalHits, HitRequest},
    },
    openapi::routes,
};

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new().routes(routes!(test)).routes(routes!(test_external)).routes(routes!(queries))
}

#[utoipa::path(post, path = "/datasets/{dataset_id}/hit-testing", tag = "knowledge", request_body = HitRequest,
    params(("dataset_id" = Uuid, Path)),
    responses((status = 200, body = ExplainedHits), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn test(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
    Body(body): Body<HitRequest>,
) -> ApiResult<Json<ExplainedHits>> {
    let trial = Trial::from(body);
    let query = trial.question.clone();
    let found = hit_testing::find(&services, &caller, id, trial).await?;
    Ok(Json(ExplainedHits::new(&services, query, found)))
}

#[utoipa::path(post, path = "/datasets/{dataset_id}/external-hit-testing", tag = "knowledge", request_body = HitRequest,
    params(("dataset_id" = Uuid, Path)),
    responses((status = 200, body = ExternalHits), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn test_external(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
    Body(body): Body<HitRequest>,
) -> ApiResult<Json<ExternalHits>> {
    let trial = Trial::from(body);
    let query = trial.question.clone();
    let found = hit_testing::find(&services, &caller, id, trial).await?;
    Ok(Json(ExternalHits::new(query, found)))
}

#[derive(Deserialize, IntoParams)]
struct QueriesQuery {
    #[serde(default = "one")]
    page: u64,
    /// 1 to 100.
    #[serde(default = "twenty")]
    limit: u64,
}

/// Something that was asked.
#[derive(Serialize, ToSchema)]
pub struct AskedContent {
    /// `text_query` or `image_query`.
    content_type: String,
    content: String,
    /// Of a picture, while its file is there.
    file_info: Option<AttachmentBody>,
}

/// A question that was asked of a knowledge base.
#[derive(Serialize, ToSchema)]
pub struct AskedQuery {
    id: Uuid,
    queries: Vec<AskedContent>,
    /// `app` or `hit_testing`.
    source: String,
    source_app_id: Option<Uuid>,
    created_by_role: String,
    created_by: Uuid,
    created_at: i64,
}

impl AskedQuery {
    fn new(services: &Services, query: DatasetQuery, files: &HashMap<String, UploadFile>) -> Self {
        let parts: Vec<Value> = serde_json::from_str(&query.content)
            .unwrap_or_else(|_| vec![json!({"content_type": "text_query", "content": query.content})]);
        let text = |part: &Value, name: &str| part.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let queries = parts.iter().map(|part| {
            let (content_type, content) = (text(part, "content_type"), text(part, "content"));
            let file = files.get(&content).filter(|_| content_type == "image_query").cloned();
            AskedContent { content_type, content, file_info: file.map(|file| AttachmentBody::new(services, file)) }
        });
        Self {
            id: query.id,
            queries: queries.collect(),
            source: query.source,
            source_app_id: query.source_app_id.map(|id| id.0),
            created_by_role: query.created_by_role,
            created_by: query.created_by,
            created_at: query.created_at.timestamp(),
        }
    }
}

/// A page of questions, newest first.
#[derive(Serialize, ToSchema)]
pub struct AskedPage {
    data: Vec<AskedQuery>,
    has_more: bool,
    limit: u64,
    total: u64,
    page: u64,
}

#[utoipa::path(get, path = "/datasets/{dataset_id}/queries", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), QueriesQuery),
    responses((status = 200, body = AskedPage), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn queries(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
    Query(query): Query<QueriesQuery>,
) -> ApiResult<Json<AskedPage>> {
    checked(query.page, query.limit)?;
    let QueriesQuery { page, limit } = query;
    let (found, total) = hit_testing::queries(&services, &caller, id, page, limit).await?;
    let has_more = page.saturating_mul(limit) < total;
    let files = hit_testing::asked_files(&services, &caller, &found).await?;
    let data = found.into_iter().map(|query| AskedQuery::new(&services, query, &files)).collect();
    Ok(Json(AskedPage { data, has_more, limit, total, page }))
}
