//! Knowledge pipelines with a key of knowledge: files, datasources, runs.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Multipart, RawQuery, State, multipart::MultipartRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use ox_app::{
    Error, Services,
    files::Upload,
    pipelines::{
        self,
        datasources::{self, LookForm},
        running::{self, RunForm},
    },
};
use ox_types::DatasetId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json_};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::KeyHolder;
use crate::{
    ApiResult,
    console::pipelines::{PipelineBatch, told},
    error::ErrorBody,
    extract::{Body, Path},
    openapi::routes,
    service::{
        App, answer, docs,
        fields::{Fields, from_query},
        files::{body_limit, form, parts},
    },
};

pub fn router(services: &Arc<Services>) -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(plugins))
        .routes(routes!(look))
        .routes(routes!(run))
        .merge(OpenApiRouter::new().routes(routes!(upload)).layer(body_limit(services)))
}

/// A file for a pipeline.
#[derive(Serialize, ToSchema)]
pub struct PipelineUpload {
    id: Uuid,
    name: String,
    size: i64,
    extension: String,
    mime_type: Option<String>,
    created_by: Uuid,
    /// ISO 8601.
    created_at: String,
}

/// Upload a file to make a document of it.
#[utoipa::path(post, path = "/datasets/pipeline/file-upload", tag = "Knowledge", security(("app_key" = [])),
    request_body(content = docs::UploadBody, content_type = "multipart/form-data"),
    responses((status = 201, body = PipelineUpload), (status = 400, body = ErrorBody), (status = 413, body = ErrorBody), (status = 415, body = ErrorBody)))]
async fn upload(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    found: Result<Multipart, MultipartRejection>,
) -> ApiResult<(StatusCode, Json<PipelineUpload>)> {
    let sent = form(parts(found)?).await?;
    let upload = Upload {
        name: sent.name,
        mime: sent.mime,
        bytes: sent.bytes,
        created_by_role: "account",
        created_by: caller.account_id()?.0,
        source_url: String::new(),
    };
    let file = services.files.upload(caller.tenant_id(), upload).await?;
    let view = PipelineUpload {
        id: file.id.0,
        name: file.name,
        size: file.size,
        extension: file.extension,
        mime_type: file.mime_type,
        created_by: file.created_by,
        created_at: file.created_at.to_rfc3339(),
    };
    Ok((StatusCode::CREATED, Json(view)))
}

/// A credential for a datasource.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the answer")]
pub struct DatasourceNodeCredential {
    id: String,
    name: String,
    #[schema(rename = "type")]
    kind: String,
    is_default: bool,
}

/// A datasource of a pipeline.
#[derive(ToSchema)]
#[expect(dead_code, reason = "documents the answer")]
pub struct DatasourceNode {
    node_id: String,
    plugin_id: String,
    provider_name: String,
    datasource_type: String,
    title: String,
    user_input_variables: Vec<Map<String, Json_>>,
    credentials: Vec<DatasourceNodeCredential>,
}

/// The datasources of a knowledge base's pipeline, and what they ask.
#[utoipa::path(get, path = "/datasets/{dataset_id}/pipeline/datasource-plugins", tag = "Knowledge", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path), ("is_published" = Option<bool>, Query)),
    responses((status = 200, body = Vec<DatasourceNode>), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn plugins(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path(id): Path<DatasetId>,
    RawQuery(query): RawQuery,
) -> ApiResult<Json<Vec<Json_>>> {
    let mut fields = from_query("DatasourceNodesQuery", query.as_deref());
    let is_published = fields.flag("is_published", true);
    fields.finish()?;
    let pipeline = pipelines::of_dataset(&services, &caller, id).await?;
    Ok(Json(datasources::of_version(&services, &caller, pipeline.id, !is_published).await?))
}

/// What a datasource is to be looked into with.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct DatasourceNodeRun {
    inputs: Map<String, Json_>,
    /// `online_document`, `online_drive` or `website_crawl`.
    datasource_type: String,
    is_published: bool,
    credential_id: Option<String>,
}

/// Look into a datasource: the pages of a website, or online documents.
#[utoipa::path(post, path = "/datasets/{dataset_id}/pipeline/datasource/nodes/{node_id}/run", tag = "Knowledge", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path), ("node_id" = String, Path)), request_body = DatasourceNodeRun,
    responses((status = 200, body = String, content_type = "text/event-stream"), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn look(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path((id, node)): Path<(DatasetId, String)>,
    Body(map): Body<Map<String, Json_>>,
) -> ApiResult<Response> {
    let mut fields = Fields::new("DatasourceNodeRunPayload", map);
    let form = LookForm {
        inputs: fields.object("inputs"),
        datasource_type: fields.text("datasource_type"),
        is_draft: !fields.flag("is_published", true),
        credential: fields.optional_uuid("credential_id"),
        node,
    };
    fields.finish()?;
    let pipeline = pipelines::of_dataset(&services, &caller, id).await?;
    Ok(told(datasources::look(&services, &caller, pipeline.id, form).await?))
}

/// A run of a pipeline.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct PipelineRun {
    inputs: Map<String, Json_>,
    /// `local_file`, `online_document`, `online_drive` or `website_crawl`.
    datasource_type: String,
    datasource_info_list: Vec<Map<String, Json_>>,
    start_node_id: String,
    /// Else the draft is tried out, and nothing is written.
    is_published: bool,
    /// `streaming` or `blocking`.
    response_mode: String,
}

/// Compat: what goes wrong with a run has one code, whatever it is.
fn failed(error: Error) -> Error {
    if [401, 403, 404].contains(&error.status) {
        return error;
    }
    Error::new(500, "pipeline_run_error", error.message)
}

/// Run a pipeline: one document for each thing that was chosen.
#[utoipa::path(post, path = "/datasets/{dataset_id}/pipeline/run", tag = "Knowledge", security(("app_key" = [])),
    params(("dataset_id" = Uuid, Path)), request_body = PipelineRun,
    responses((status = 200, content((PipelineBatch = "application/json"), (String = "text/event-stream"))), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 500, body = ErrorBody)))]
async fn run(
    State(services): App,
    KeyHolder(caller): KeyHolder,
    Path(id): Path<DatasetId>,
    Body(map): Body<Map<String, Json_>>,
) -> ApiResult<Response> {
    let mut fields = Fields::new("PipelineRunApiEntity", map);
    if !fields.has("response_mode") {
        fields.problem("response_mode", "Field required [type=missing]");
    }
    let form = RunForm {
        inputs: fields.object("inputs"),
        datasource_type: fields.text("datasource_type"),
        items: fields.optional_list("datasource_info_list"),
        start_node_id: fields.text("start_node_id"),
        original_document_id: None,
    };
    let is_published = fields.flag("is_published", true);
    let mode = fields.optional_word("response_mode", &["streaming", "blocking"]);
    fields.finish()?;
    let pipeline = pipelines::of_dataset(&services, &caller, id).await?;
    if is_published {
        let made = running::run(&services, &caller, pipeline.id, form).await.map_err(failed)?;
        return Ok(Json(PipelineBatch::from(made)).into_response());
    }
    let run = running::run_draft(&services, &caller, pipeline.id, form).await.map_err(failed)?;
    answer::answer(run, mode.as_deref() == Some("blocking"), &HeaderMap::new()).await
}
