//! Knowledge pipelines: made, imported, published, run.

mod drafts;
mod templates;

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use ox_app::{
    Error, Services,
    knowledge::datasets,
    model::Document,
    pipelines::{
        self,
        datasources::{self, LookForm, SourceEvent},
        running::{self, Made, RunForm},
        transfer::{self, ImportRequest, ImportResult},
        transform,
    },
};
use ox_types::{AppId, DatasetId, DocumentId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{App, guard::Caller};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path, Query},
    knowledge::DatasetBody,
    openapi::routes,
    service::{answer, frames::Detail},
    sse,
};

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(create_empty))
        .routes(routes!(create_of_file))
        .routes(routes!(import))
        .routes(routes!(confirm))
        .routes(routes!(check_dependencies))
        .routes(routes!(export))
        .routes(routes!(plugins))
        .routes(routes!(recommended))
        .routes(routes!(run_draft))
        .routes(routes!(run_published))
        .routes(routes!(look_draft))
        .routes(routes!(look_published))
        .routes(routes!(preview_document))
        .routes(routes!(inspect))
        .routes(routes!(before_draft))
        .routes(routes!(before_published))
        .routes(routes!(after_draft))
        .routes(routes!(after_published))
        .routes(routes!(transform_dataset))
        .routes(routes!(execution_log))
        .merge(drafts::router())
        .merge(templates::router())
}

#[utoipa::path(post, path = "/rag/pipeline/empty-dataset", tag = "pipelines",
    responses((status = 201, body = DatasetBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn create_empty(State(services): App, Caller(caller): Caller) -> ApiResult<(StatusCode, Json<DatasetBody>)> {
    Ok((StatusCode::CREATED, Json(pipelines::create_empty(&services, &caller).await?.into())))
}

/// A pipeline as a file.
#[derive(Deserialize, ToSchema)]
pub struct PipelineFileBody {
    yaml_content: String,
}

/// What became of an import of a pipeline.
#[derive(Serialize, ToSchema)]
pub struct PipelineImportView {
    id: Uuid,
    /// `completed`, `completed-with-warnings`, `pending` (confirm within ten minutes) or `failed`.
    status: &'static str,
    #[schema(value_type = Option<Uuid>)]
    pipeline_id: Option<AppId>,
    #[schema(value_type = Option<Uuid>)]
    dataset_id: Option<DatasetId>,
    current_dsl_version: &'static str,
    imported_dsl_version: String,
    error: String,
}

fn imported(result: ImportResult, done: StatusCode) -> Response {
    let status = match result.status.http_status() {
        200 => done,
        other => StatusCode::from_u16(other).unwrap_or(StatusCode::OK),
    };
    let view = PipelineImportView {
        id: result.id,
        status: result.status.as_str(),
        pipeline_id: result.pipeline_id,
        dataset_id: result.dataset_id,
        current_dsl_version: ImportResult::current_version(),
        imported_dsl_version: result.imported_dsl_version,
        error: result.error,
    };
    (status, Json(view)).into_response()
}

#[utoipa::path(post, path = "/rag/pipeline/dataset", tag = "pipelines", request_body = PipelineFileBody,
    responses((status = 201, body = PipelineImportView), (status = 202, body = PipelineImportView), (status = 400, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn create_of_file(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<PipelineFileBody>,
) -> ApiResult<Response> {
    let request = ImportRequest { yaml_content: body.yaml_content, pipeline_id: None };
    Ok(imported(transfer::import(&services, &caller, request).await?, StatusCode::CREATED))
}

/// A pipeline to import.
#[derive(Deserialize, ToSchema)]
pub struct PipelineImportBody {
    /// `yaml-content` or `yaml-url`.
    mode: String,
    yaml_content: Option<String>,
    yaml_url: Option<String>,
    /// Overwrite the draft of this pipeline.
    #[schema(value_type = Option<Uuid>)]
    pipeline_id: Option<AppId>,
}

#[utoipa::path(post, path = "/rag/pipelines/imports", tag = "pipelines", request_body = PipelineImportBody,
    responses((status = 200, body = PipelineImportView), (status = 202, body = PipelineImportView), (status = 400, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn import(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<PipelineImportBody>,
) -> ApiResult<Response> {
    let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let source = match body.mode.as_str() {
        "yaml-content" => filled(body.yaml_content)
            .ok_or_else(|| "yaml_content is required when import_mode is yaml-content".to_owned()),
        "yaml-url" => match filled(body.yaml_url) {
            Some(url) => ox_app::imports::fetch(&services, &caller, &url).await,
            None => Err("yaml_url is required when import_mode is yaml-url".to_owned()),
        },
        other => return Err(Error::invalid(format!("Invalid import_mode: {other}")).into()),
    };
    let done = match source {
        Ok(yaml_content) => {
            let request = ImportRequest { yaml_content, pipeline_id: body.pipeline_id };
            transfer::import(&services, &caller, request).await?
        }
        Err(text) => ImportResult::failed(text),
    };
    Ok(imported(done, StatusCode::OK))
}

#[utoipa::path(post, path = "/rag/pipelines/imports/{import_id}/confirm", tag = "pipelines", params(("import_id" = Uuid, Path)),
    responses((status = 200, body = PipelineImportView), (status = 400, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn confirm(State(services): App, Caller(caller): Caller, Path(id): Path<Uuid>) -> ApiResult<Response> {
    Ok(imported(transfer::confirm(&services, &caller, id).await?, StatusCode::OK))
}

#[utoipa::path(get, path = "/rag/pipelines/imports/{pipeline_id}/check-dependencies", tag = "pipelines", params(("pipeline_id" = Uuid, Path)),
    responses((status = 200, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn check_dependencies(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
) -> ApiResult<Json<Value>> {
    let missing = transfer::missing_dependencies(&services, &caller, id).await?;
    Ok(Json(json!({"leaked_dependencies": missing})))
}

#[derive(Deserialize, IntoParams)]
struct SecretsQuery {
    #[serde(default)]
    include_secret: Option<String>,
}

/// A pipeline as YAML text.
#[derive(Serialize, ToSchema)]
pub struct PipelineFile {
    data: String,
}

#[utoipa::path(get, path = "/rag/pipelines/{pipeline_id}/exports", tag = "pipelines", params(("pipeline_id" = Uuid, Path), SecretsQuery),
    responses((status = 200, body = PipelineFile), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn export(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Query(query): Query<SecretsQuery>,
) -> ApiResult<Json<PipelineFile>> {
    let secrets = query.include_secret.is_some_and(|text| matches!(text.as_str(), "true" | "1" | "yes"));
    Ok(Json(PipelineFile { data: transfer::export(&services, &caller, id, secrets).await? }))
}

#[utoipa::path(get, path = "/rag/pipelines/datasource-plugins", tag = "pipelines",
    responses((status = 200, body = Vec<Object>), (status = 401, body = ErrorBody)))]
async fn plugins(State(services): App, Caller(caller): Caller) -> ApiResult<Json<Vec<Value>>> {
    Ok(Json(datasources::plugins(&services, &caller).await?))
}

/// Everything that pipelines need is built in, so nothing is recommended.
#[utoipa::path(get, path = "/rag/pipelines/recommended-plugins", tag = "pipelines",
    responses((status = 200, body = Object), (status = 401, body = ErrorBody)))]
async fn recommended() -> Json<Value> {
    Json(json!({"installed_recommended_plugins": [], "uninstalled_recommended_plugins": []}))
}

/// A run of a pipeline.
#[derive(Deserialize, ToSchema)]
pub struct PipelineRunBody {
    #[serde(default)]
    #[schema(value_type = Object)]
    inputs: Map<String, Value>,
    /// `local_file`, `online_document`, `online_drive` or `website_crawl`.
    datasource_type: String,
    #[schema(value_type = Vec<Object>)]
    datasource_info_list: Vec<Value>,
    start_node_id: String,
    /// Only of a published version: the chunks are shown, and nothing is written.
    #[serde(default)]
    is_preview: bool,
    /// `streaming` (default) or `blocking`.
    response_mode: Option<String>,
    #[schema(value_type = Option<Uuid>)]
    original_document_id: Option<DocumentId>,
}

impl From<PipelineRunBody> for RunForm {
    fn from(body: PipelineRunBody) -> Self {
        Self {
            inputs: body.inputs,
            datasource_type: body.datasource_type,
            items: body.datasource_info_list,
            start_node_id: body.start_node_id,
            original_document_id: body.original_document_id,
        }
    }
}

#[utoipa::path(post, path = "/rag/pipelines/{pipeline_id}/workflows/draft/run", tag = "pipelines", request_body = PipelineRunBody, params(("pipeline_id" = Uuid, Path)),
    responses((status = 200, content_type = "text/event-stream"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody)))]
async fn run_draft(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Body(body): Body<PipelineRunBody>,
) -> ApiResult<Response> {
    let run = running::run_draft(&services, &caller, id, body.into()).await?;
    Ok(answer::streaming(run, Detail::Full, false))
}

/// A document that a run has begun.
#[derive(Serialize, ToSchema)]
pub struct PipelineDocument {
    #[schema(value_type = Uuid)]
    id: DocumentId,
    position: i32,
    data_source_type: String,
    #[schema(value_type = Object)]
    data_source_info: Value,
    name: String,
    indexing_status: String,
    error: Option<String>,
    enabled: bool,
}

impl From<Document> for PipelineDocument {
    fn from(document: Document) -> Self {
        Self {
            id: document.id,
            position: document.position,
            data_source_type: document.data_source_type,
            data_source_info: document.data_source_info.unwrap_or_default(),
            name: document.name,
            indexing_status: document.indexing_status,
            error: document.error,
            enabled: document.enabled,
        }
    }
}

/// The knowledge base that a run fills.
#[derive(Serialize, ToSchema)]
pub struct PipelineDataset {
    #[schema(value_type = Uuid)]
    id: DatasetId,
    name: String,
    description: String,
    chunk_structure: Option<String>,
}

/// Documents that a run has begun; their states are told by the routes of documents.
#[derive(Serialize, ToSchema)]
pub struct PipelineBatch {
    batch: String,
    dataset: PipelineDataset,
    documents: Vec<PipelineDocument>,
}

impl From<Made> for PipelineBatch {
    fn from(made: Made) -> Self {
        Self {
            batch: made.batch,
            dataset: PipelineDataset {
                id: made.dataset.id,
                name: made.dataset.name,
                description: made.dataset.description.unwrap_or_default(),
                chunk_structure: made.dataset.chunk_structure,
            },
            documents: made.documents.into_iter().map(PipelineDocument::from).collect(),
        }
    }
}

#[utoipa::path(post, path = "/rag/pipelines/{pipeline_id}/workflows/published/run", tag = "pipelines", request_body = PipelineRunBody, params(("pipeline_id" = Uuid, Path)),
    responses((status = 200, body = PipelineBatch), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody)))]
async fn run_published(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Body(body): Body<PipelineRunBody>,
) -> ApiResult<Response> {
    if !body.is_preview {
        let made = running::run(&services, &caller, id, body.into()).await?;
        return Ok(Json(PipelineBatch::from(made)).into_response());
    }
    let is_blocking = body.response_mode.as_deref() == Some("blocking");
    let run = running::preview(&services, &caller, id, body.into()).await?;
    answer::answer(run, is_blocking, &HeaderMap::new()).await
}

/// What a datasource is to be looked into with.
#[derive(Deserialize, ToSchema)]
pub struct DatasourceRunBody {
    #[serde(default)]
    #[schema(value_type = Object)]
    inputs: Map<String, Value>,
    #[serde(default)]
    datasource_type: String,
    credential_id: Option<String>,
}

impl DatasourceRunBody {
    pub(crate) fn form(self, is_draft: bool, node: String) -> Result<LookForm, Error> {
        let credential = self.credential_id.filter(|id| !id.is_empty()).map(|id| id.parse());
        let wrong = |_| Error::invalid_field("credential_id", "credential_id must be a valid UUID");
        Ok(LookForm {
            is_draft,
            node,
            inputs: self.inputs,
            datasource_type: self.datasource_type,
            credential: credential.transpose().map_err(wrong)?,
        })
    }
}

/// One frame for each event.
pub(crate) fn told(mut events: mpsc::Receiver<SourceEvent>) -> Response {
    sse::response(async_stream::stream! {
        while let Some(event) = events.recv().await {
            yield sse::frame(&event.to_json().to_string(), None);
        }
    })
}

#[utoipa::path(post, path = "/rag/pipelines/{pipeline_id}/workflows/draft/datasource/nodes/{node_id}/run", tag = "pipelines", request_body = DatasourceRunBody, params(("pipeline_id" = Uuid, Path), ("node_id" = String, Path)),
    responses((status = 200, content_type = "text/event-stream"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn look_draft(
    State(services): App,
    Caller(caller): Caller,
    Path((id, node)): Path<(AppId, String)>,
    Body(body): Body<DatasourceRunBody>,
) -> ApiResult<Response> {
    Ok(told(datasources::look(&services, &caller, id, body.form(true, node)?).await?))
}

#[utoipa::path(post, path = "/rag/pipelines/{pipeline_id}/workflows/published/datasource/nodes/{node_id}/run", tag = "pipelines", request_body = DatasourceRunBody, params(("pipeline_id" = Uuid, Path), ("node_id" = String, Path)),
    responses((status = 200, content_type = "text/event-stream"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn look_published(
    State(services): App,
    Caller(caller): Caller,
    Path((id, node)): Path<(AppId, String)>,
    Body(body): Body<DatasourceRunBody>,
) -> ApiResult<Response> {
    Ok(told(datasources::look(&services, &caller, id, body.form(false, node)?).await?))
}

/// The text of an online document.
#[derive(Serialize, ToSchema)]
pub struct OnlineDocumentPreview {
    content: String,
}

#[utoipa::path(post, path = "/rag/pipelines/{pipeline_id}/workflows/published/datasource/nodes/{node_id}/preview", tag = "pipelines", request_body = DatasourceRunBody, params(("pipeline_id" = Uuid, Path), ("node_id" = String, Path)),
    responses((status = 200, body = OnlineDocumentPreview), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn preview_document(
    State(services): App,
    Caller(caller): Caller,
    Path((id, node)): Path<(AppId, String)>,
    Body(body): Body<DatasourceRunBody>,
) -> ApiResult<Json<OnlineDocumentPreview>> {
    let content = datasources::preview(&services, &caller, id, body.form(false, node)?).await?;
    Ok(Json(OnlineDocumentPreview { content }))
}

/// What was chosen in a datasource of the draft.
#[derive(Deserialize, ToSchema)]
pub struct DatasourceChoice {
    datasource_type: String,
    #[schema(value_type = Object)]
    datasource_info: Value,
    start_node_id: String,
}

#[utoipa::path(post, path = "/rag/pipelines/{pipeline_id}/workflows/draft/datasource/variables-inspect", tag = "pipelines", request_body = DatasourceChoice, params(("pipeline_id" = Uuid, Path)),
    responses((status = 200, body = Object), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn inspect(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<AppId>,
    Body(body): Body<DatasourceChoice>,
) -> ApiResult<Json<Value>> {
    let (node, kind, item) = (&body.start_node_id, &body.datasource_type, &body.datasource_info);
    let row = running::inspect_datasource(&services, &caller, id, node, kind, item).await?;
    super::drafts::shown(&services, &row).await
}

#[derive(Deserialize, IntoParams)]
struct NodeQuery {
    /// The datasource.
    node_id: String,
}

/// Variables that a pipeline asks for.
#[derive(Serialize, ToSchema)]
pub struct PipelineVariables {
    #[schema(value_type = Vec<Object>)]
    variables: Vec<Value>,
}

macro_rules! parameters_route {
    ($name:ident, $path:literal, $is_draft:literal, $which:tt) => {
        #[utoipa::path(get, path = $path, tag = "pipelines", params(("pipeline_id" = Uuid, Path), NodeQuery),
            responses((status = 200, body = PipelineVariables), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
        async fn $name(State(services): App, Caller(caller): Caller, Path(id): Path<AppId>, Query(query): Query<NodeQuery>) -> ApiResult<Json<PipelineVariables>> {
            let asked = running::asked(&services, &caller, id, $is_draft, &query.node_id).await?;
            Ok(Json(PipelineVariables { variables: asked.$which }))
        }
    };
}

parameters_route!(before_draft, "/rag/pipelines/{pipeline_id}/workflows/draft/pre-processing/parameters", true, 0);
parameters_route!(
    before_published,
    "/rag/pipelines/{pipeline_id}/workflows/published/pre-processing/parameters",
    false,
    0
);
parameters_route!(after_draft, "/rag/pipelines/{pipeline_id}/workflows/draft/processing/parameters", true, 1);
parameters_route!(after_published, "/rag/pipelines/{pipeline_id}/workflows/published/processing/parameters", false, 1);

/// A knowledge base that has a pipeline now.
#[derive(Serialize, ToSchema)]
pub struct TransformedDataset {
    #[schema(value_type = Uuid)]
    pipeline_id: AppId,
    #[schema(value_type = Uuid)]
    dataset_id: DatasetId,
    /// `success`
    status: &'static str,
}

#[utoipa::path(post, path = "/rag/pipelines/transform/datasets/{dataset_id}", tag = "pipelines", params(("dataset_id" = Uuid, Path)),
    responses((status = 200, body = TransformedDataset), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn transform_dataset(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
) -> ApiResult<Json<TransformedDataset>> {
    datasets::find(&services, &caller, id).await?;
    let done = transform::dataset(&services, &caller, id).await?;
    let (pipeline_id, dataset_id) = (done.pipeline_id, done.dataset_id);
    Ok(Json(TransformedDataset { pipeline_id, dataset_id, status: "success" }))
}

#[utoipa::path(get, path = "/datasets/{dataset_id}/documents/{document_id}/pipeline-execution-log", tag = "pipelines", params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path)),
    responses((status = 200, body = Object), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn execution_log(
    State(services): App,
    Caller(caller): Caller,
    Path((dataset, id)): Path<(DatasetId, DocumentId)>,
) -> ApiResult<Json<Value>> {
    Ok(Json(running::execution_log(&services, &caller, dataset, id).await?))
}
