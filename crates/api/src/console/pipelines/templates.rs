//! Pipelines to begin with.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use ox_app::{
    Services,
    pipelines::templates::{self, TemplateForm, TemplateView},
};
use ox_types::AppId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::PipelineFile;
use crate::{
    ApiResult,
    console::{App, guard::Caller, view::Done},
    error::ErrorBody,
    extract::{Body, Path, Query},
    knowledge::IconInfoBody,
    openapi::routes,
};

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(one))
        .routes(routes!(change, delete, export))
        .routes(routes!(keep))
}

#[derive(Deserialize, IntoParams)]
struct TemplateQuery {
    /// `built-in` (default) or `customized`.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// `en-US` (default) or `zh-Hans`.
    language: Option<String>,
}

impl TemplateQuery {
    fn parts(&self) -> (&str, &str) {
        (self.kind.as_deref().unwrap_or("built-in"), self.language.as_deref().unwrap_or("en-US"))
    }
}

/// A template.
#[derive(Serialize, ToSchema)]
pub struct PipelineTemplateItem {
    /// A name of a built-in one, a UUID otherwise.
    id: String,
    name: String,
    description: String,
    #[schema(value_type = Object)]
    icon: Value,
    position: i32,
    /// `text_model`, `hierarchical_model` or `qa_model`.
    chunk_structure: String,
    copyright: Option<String>,
    privacy_policy: Option<String>,
}

impl From<&TemplateView> for PipelineTemplateItem {
    fn from(view: &TemplateView) -> Self {
        Self {
            id: view.id.clone(),
            name: view.name.clone(),
            description: view.description.clone(),
            icon: view.icon.clone(),
            position: view.position,
            chunk_structure: view.chunk_structure.clone(),
            copyright: None,
            privacy_policy: None,
        }
    }
}

/// Templates.
#[derive(Serialize, ToSchema)]
pub struct PipelineTemplates {
    pipeline_templates: Vec<PipelineTemplateItem>,
}

#[utoipa::path(get, path = "/rag/pipeline/templates", tag = "pipelines", params(TemplateQuery),
    responses((status = 200, body = PipelineTemplates), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
async fn list(
    State(services): App,
    Caller(caller): Caller,
    Query(query): Query<TemplateQuery>,
) -> ApiResult<Json<PipelineTemplates>> {
    let (kind, language) = query.parts();
    let found = templates::list(&services, &caller, kind, language).await?;
    let pipeline_templates = found.iter().map(PipelineTemplateItem::from).collect();
    Ok(Json(PipelineTemplates { pipeline_templates }))
}

/// A template with its graph and file.
#[derive(Serialize, ToSchema)]
pub struct PipelineTemplateDetail {
    #[serde(flatten)]
    item: PipelineTemplateItem,
    #[schema(value_type = Object)]
    graph: Value,
    /// YAML text.
    export_data: String,
    created_by: Option<String>,
}

#[utoipa::path(get, path = "/rag/pipeline/templates/{template_id}", tag = "pipelines", params(("template_id" = String, Path), TemplateQuery),
    responses((status = 200, body = PipelineTemplateDetail), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn one(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<String>,
    Query(query): Query<TemplateQuery>,
) -> ApiResult<Json<PipelineTemplateDetail>> {
    let (kind, language) = query.parts();
    let found = templates::find_one(&services, &caller, &id, kind, language).await?;
    Ok(Json(PipelineTemplateDetail {
        item: PipelineTemplateItem::from(&found),
        graph: found.graph()?,
        export_data: found.export_data.unwrap_or_default(),
        created_by: found.created_by,
    }))
}

/// What a template is called.
#[derive(Deserialize, ToSchema)]
pub struct PipelineTemplateBody {
    /// 1 to 40 characters.
    name: String,
    #[serde(default)]
    description: Option<String>,
    icon_info: Option<IconInfoBody>,
}

impl From<PipelineTemplateBody> for TemplateForm {
    fn from(body: PipelineTemplateBody) -> Self {
        Self {
            name: body.name,
            description: body.description.unwrap_or_default(),
            icon: body.icon_info.map(|icon| json!(icon)),
        }
    }
}

#[utoipa::path(patch, path = "/rag/pipeline/customized/templates/{template_id}", tag = "pipelines", request_body = PipelineTemplateBody, params(("template_id" = String, Path)),
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn change(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<String>,
    Body(body): Body<PipelineTemplateBody>,
) -> ApiResult<Json<Done>> {
    templates::change(&services, &caller, &id, body.into()).await?;
    Ok(Json(Done::SUCCESS))
}

#[utoipa::path(delete, path = "/rag/pipeline/customized/templates/{template_id}", tag = "pipelines", params(("template_id" = String, Path)),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete(State(services): App, Caller(caller): Caller, Path(id): Path<String>) -> ApiResult<StatusCode> {
    templates::delete(&services, &caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(post, path = "/rag/pipeline/customized/templates/{template_id}", tag = "pipelines", params(("template_id" = String, Path)),
    responses((status = 200, body = PipelineFile), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn export(State(services): App, Caller(caller): Caller, Path(id): Path<String>) -> ApiResult<Json<PipelineFile>> {
    Ok(Json(PipelineFile { data: templates::export(&services, &caller, &id).await? }))
}

#[utoipa::path(post, path = "/rag/pipelines/{pipeline_id}/customized/publish", tag = "pipelines", request_body = PipelineTemplateBody, params(("pipeline_id" = Uuid, Path)),
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn keep(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Body(body): Body<PipelineTemplateBody>,
) -> ApiResult<Json<Done>> {
    templates::keep(&services, &caller, id, body.into()).await?;
    Ok(Json(Done::SUCCESS))
}
