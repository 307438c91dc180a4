//! Annotations of an app.

use axum::{
    Json,
    extract::{DefaultBodyLimit, RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use ox_app::{
    Error, Services,
    annotations::{self, AnnotationForm, AnnotationHit, ImportJob},
    exports,
    model::Annotation,
};
use ox_types::{AppId, MessageId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{
    App,
    guard::Caller,
    view::{PageOf, seconds},
};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Form, Path, Query},
    openapi::routes,
    service::form,
};

/// Bytes of a file that is imported, and of the form around it.
const MAX_FILE: usize = 2 * 1024 * 1024;
const MAX_FORM: usize = MAX_FILE + 64 * 1024;

pub fn router() -> OpenApiRouter<std::sync::Arc<Services>> {
    let imports = OpenApiRouter::new().routes(routes!(import)).layer(DefaultBodyLimit::max(MAX_FORM));
    OpenApiRouter::new()
        .routes(routes!(count))
        .routes(routes!(list, create, delete_many))
        .routes(routes!(export))
        .routes(routes!(import_status))
        .routes(routes!(update, delete))
        .routes(routes!(hits))
        .merge(imports)
}

/// A question with the answer it should get.
#[derive(Serialize, ToSchema)]
pub struct AnnotationView {
    id: Uuid,
    question: String,
    answer: String,
    hit_count: i32,
    created_at: i64,
}

impl From<Annotation> for AnnotationView {
    fn from(item: Annotation) -> Self {
        Self {
            id: item.id,
            question: item.question,
            answer: item.content,
            hit_count: item.hit_count,
            created_at: seconds(item.created_at),
        }
    }
}

/// A question and its answer.
#[derive(Deserialize, ToSchema)]
pub struct AnnotationBody {
    question: Option<String>,
    answer: Option<String>,
    /// The same as `answer`.
    content: Option<String>,
    /// The message it is made from; a second one replaces the first.
    message_id: Option<Uuid>,
}

impl From<AnnotationBody> for AnnotationForm {
    fn from(body: AnnotationBody) -> Self {
        Self {
            question: body.question,
            answer: body.answer.or(body.content),
            message_id: body.message_id.map(MessageId),
        }
    }
}

/// A number of annotations.
#[derive(Serialize, ToSchema)]
pub struct AnnotationCount {
    count: u64,
}

#[utoipa::path(get, path = "/apps/{app_id}/annotations/count", tag = "annotations", params(("app_id" = Uuid, Path)),
    responses((status = 200, body = AnnotationCount), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn count(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
) -> ApiResult<Json<AnnotationCount>> {
    Ok(Json(AnnotationCount { count: annotations::count(&services, &caller, id).await? }))
}

#[derive(Deserialize, IntoParams)]
struct ListQuery {
    #[serde(default = "one")]
    page: u64,
    /// 1 to 100.
    #[serde(default = "twenty")]
    limit: u64,
    /// Part of a question or an answer.
    keyword: Option<String>,
}

fn one() -> u64 {
    1
}

fn twenty() -> u64 {
    20
}

impl ListQuery {
    fn check(&self) -> Result<(), Error> {
        if self.page == 0 || !(1..=100).contains(&self.limit) {
            return Err(Error::invalid("page must be at least 1, limit between 1 and 100."));
        }
        Ok(())
    }
}

#[utoipa::path(get, path = "/apps/{app_id}/annotations", tag = "annotations", params(("app_id" = Uuid, Path), ListQuery),
    responses((status = 200, body = PageOf<AnnotationView>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn list(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<PageOf<AnnotationView>>> {
    query.check()?;
    let ListQuery { page, limit, keyword } = query;
    let (found, total) = annotations::list(&services, &caller, id, keyword.as_deref(), page, limit).await?;
    let data = found.into_iter().map(AnnotationView::from).collect();
    Ok(Json(PageOf { page, limit, total, has_more: page.saturating_mul(limit) < total, data }))
}

#[utoipa::path(post, path = "/apps/{app_id}/annotations", tag = "annotations", params(("app_id" = Uuid, Path)),
    request_body = AnnotationBody, responses((status = 201, body = AnnotationView), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn create(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Body(body): Body<AnnotationBody>,
) -> ApiResult<(StatusCode, Json<AnnotationView>)> {
    let made = annotations::create(&services, &caller, id, body.into()).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

#[utoipa::path(delete, path = "/apps/{app_id}/annotations", tag = "annotations",
    params(("app_id" = Uuid, Path), ("annotation_id" = Option<Vec<Uuid>>, Query, description = "Those to delete; all when absent")),
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete_many(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    RawQuery(query): RawQuery,
) -> ApiResult<StatusCode> {
    let query = query.unwrap_or_default();
    let given = url::form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "annotation_id");
    let ids: Result<Vec<Uuid>, _> = given.map(|(_, value)| value.parse()).collect();
    let ids = ids.map_err(|_| Error::invalid_field("annotation_id", "annotation_id must be ids."))?;
    // A parameter that names nothing must not clear everything.
    if ids.is_empty() && query.contains("annotation_id") {
        return Err(Error::invalid_field("annotation_id", "annotation_id must be ids.").into());
    }
    annotations::delete_many(&services, &caller, id, (!ids.is_empty()).then_some(&ids)).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(post, path = "/apps/{app_id}/annotations/{annotation_id}", tag = "annotations", request_body = AnnotationBody,
    params(("app_id" = Uuid, Path), ("annotation_id" = Uuid, Path)), responses((status = 200, body = AnnotationView), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn update(
    State(services): App,
    Caller(caller): Caller,
    Path((id, annotation)): Path<(AppId, Uuid)>,
    Body(body): Body<AnnotationBody>,
) -> ApiResult<Json<AnnotationView>> {
    Ok(Json(annotations::update(&services, &caller, id, annotation, body.into()).await?.into()))
}

#[utoipa::path(delete, path = "/apps/{app_id}/annotations/{annotation_id}", tag = "annotations",
    params(("app_id" = Uuid, Path), ("annotation_id" = Uuid, Path)), responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete(
    State(services): App,
    Caller(caller): Caller,
    Path((id, annotation)): Path<(AppId, Uuid)>,
) -> ApiResult<StatusCode> {
    annotations::delete(&services, &caller, id, annotation).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, IntoParams)]
struct ExportQuery {
    /// `json` (default), `csv` or `jsonl`.
    format: Option<String>,
}

/// All annotations of an app.
#[derive(Serialize, ToSchema)]
pub struct AnnotationExport {
    data: Vec<AnnotationView>,
}

#[utoipa::path(get, path = "/apps/{app_id}/annotations/export", tag = "annotations", params(("app_id" = Uuid, Path), ExportQuery),
    responses((status = 200, body = AnnotationExport, description = "With `format=csv` a file that the import takes"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn export(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<ExportQuery>,
) -> ApiResult<Response> {
    if let Some(format) = query.format.as_deref().filter(|format| !matches!(*format, "" | "json")) {
        let format = exports::Format::read(Some(format), &["csv", "jsonl", "json"])?;
        return Ok(super::exports::file(exports::annotations(&services, &caller, id, format).await?));
    }
    let all = annotations::export(&services, &caller, id).await?;
    Ok(Json(AnnotationExport { data: all.into_iter().map(AnnotationView::from).collect() }).into_response())
}

/// State of an import.
#[derive(Serialize, ToSchema)]
pub struct ImportState {
    job_id: Uuid,
    /// `waiting`, `processing`, `completed` or `error`.
    job_status: String,
    error_msg: String,
    /// How many were added.
    record_count: usize,
}

impl From<ImportJob> for ImportState {
    fn from(job: ImportJob) -> Self {
        Self { job_id: job.id, job_status: job.status, error_msg: job.error, record_count: job.rows }
    }
}

#[utoipa::path(post, path = "/apps/{app_id}/annotations/batch-import", tag = "annotations", params(("app_id" = Uuid, Path)),
    request_body(content = Object, content_type = "multipart/form-data", description = "`file`: a CSV file with two columns"),
    responses((status = 200, body = ImportState), (status = 413, body = ErrorBody), (status = 429, body = ErrorBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn import(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Form(parts): Form,
) -> ApiResult<Json<ImportState>> {
    let form = form(parts).await?;
    if !form.name.to_lowercase().ends_with(".csv") {
        return Err(Error::invalid_field("file", "Invalid file type. Only CSV files are allowed.").into());
    }
    if form.bytes.len() > MAX_FILE {
        return Err(Error::new(413, "file_too_large", "File size exceeded.").into());
    }
    Ok(Json(annotations::import(&services, &caller, id, &form.bytes).await?.into()))
}

#[utoipa::path(get, path = "/apps/{app_id}/annotations/batch-import-status/{job_id}", tag = "annotations",
    params(("app_id" = Uuid, Path), ("job_id" = Uuid, Path)), responses((status = 200, body = ImportState), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn import_status(
    State(services): App,
    Caller(caller): Caller,
    Path((id, job)): Path<(AppId, Uuid)>,
) -> ApiResult<Json<ImportState>> {
    Ok(Json(annotations::import_state(&services, &caller, id, job).await?.into()))
}

/// A question that an annotation answered.
#[derive(Serialize, ToSchema)]
pub struct HitView {
    id: Uuid,
    source: String,
    score: f64,
    question: String,
    created_at: i64,
    /// The annotation's question and answer as they were then.
    #[serde(rename = "match")]
    matched: String,
    response: String,
}

impl From<AnnotationHit> for HitView {
    fn from(hit: AnnotationHit) -> Self {
        Self {
            id: hit.id,
            source: hit.source,
            score: hit.score,
            question: hit.question,
            created_at: seconds(hit.created_at),
            matched: hit.annotation_question,
            response: hit.annotation_content,
        }
    }
}

#[utoipa::path(get, path = "/apps/{app_id}/annotations/{annotation_id}/hit-histories", tag = "annotations",
    params(("app_id" = Uuid, Path), ("annotation_id" = Uuid, Path), ListQuery),
    responses((status = 200, body = PageOf<HitView>), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn hits(
    State(services): App,
    Caller(caller): Caller,
    Path((id, annotation)): Path<(AppId, Uuid)>,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<PageOf<HitView>>> {
    query.check()?;
    let ListQuery { page, limit, .. } = query;
    let (found, total) = annotations::hits(&services, &caller, id, annotation, page, limit).await?;
    let data = found.into_iter().map(HitView::from).collect();
    Ok(Json(PageOf { page, limit, total, has_more: page.saturating_mul(limit) < total, data }))
}
