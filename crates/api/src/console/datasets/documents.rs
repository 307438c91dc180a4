//! Documents of a knowledge base.

use std::sync::Arc;

use axum::{
    Json,
    extract::{RawQuery, State},
    http::StatusCode,
    response::Response,
};
use ox_app::{
    Error, Services,
    knowledge::{
        DisplayStatus, DocumentFilter, DocumentOrder,
        datasets::Indexing,
        documents::{self, Made, NewDocuments, Switch},
        preview::{self, Preview, PreviewForm},
        sources::pages::{self, SourcePage},
    },
};
use ox_types::{DatasetId, DocumentId, FileId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use super::{
    super::{
        App,
        guard::Caller,
        view::{Done, seconds},
    },
    checked, one, twenty,
};
use crate::{
    ApiResult,
    error::ErrorBody,
    extract::{Body, Path, Query},
    knowledge::{
        DocStatusBody, DocStatusList, DocumentBody, DocumentDetail, DocumentPage, MetadataPart, SummarySettingBody,
    },
    openapi::routes,
    service::{DocumentIdsBody, DownloadBody, attachment_url, detail_of, repeated, zipped},
};

pub fn router() -> OpenApiRouter<Arc<Services>> {
    OpenApiRouter::new()
        .routes(routes!(init))
        .routes(routes!(estimate))
        .routes(routes!(process_rule))
        .routes(routes!(list, create, delete_many))
        .routes(routes!(detail, delete))
        .routes(routes!(progress_of))
        .routes(routes!(estimate_of))
        .routes(routes!(estimate_of_batch))
        .routes(routes!(batch_progress))
        .routes(routes!(set_processing))
        .routes(routes!(switch))
        .routes(routes!(retry))
        .routes(routes!(rename))
        .routes(routes!(download))
        .routes(routes!(download_zip))
        .routes(routes!(sync_website))
        .routes(routes!(sync_notion_page))
        .routes(routes!(sync_notion))
}

/// Files by their ids.
#[derive(Deserialize, ToSchema)]
pub struct FileInfoList {
    file_ids: Vec<Uuid>,
}

/// What documents are made of.
#[derive(Deserialize, ToSchema)]
pub struct InfoList {
    /// `upload_file`, `website_crawl` or `notion_import`.
    data_source_type: String,
    file_info_list: Option<FileInfoList>,
    /// `{"provider", "job_id", "urls", "only_main_content"}`
    #[schema(value_type = Option<Object>)]
    website_info_list: Option<Value>,
    /// `[{"credential_id", "workspace_id", "pages": [{"page_id", "page_name", "page_icon", "type"}]}]`
    #[schema(value_type = Option<Vec<Object>>)]
    notion_info_list: Option<Value>,
}

/// What documents are made of.
#[derive(Deserialize, ToSchema)]
pub struct DataSource {
    info_list: InfoList,
}

/// Documents that are to be made.
#[derive(Deserialize, ToSchema)]
pub struct KnowledgeConfig {
    data_source: Option<DataSource>,
    original_document_id: Option<Uuid>,
    #[serde(default)]
    #[schema(required = false)]
    duplicate: bool,
    indexing_technique: Option<String>,
    /// `{"mode", "rules"}`
    #[schema(value_type = Option<Object>)]
    process_rule: Option<Value>,
    /// `text_model`, `hierarchical_model` or `qa_model`.
    doc_form: Option<String>,
    doc_language: Option<String>,
    #[schema(value_type = Option<Object>)]
    retrieval_model: Option<Value>,
    embedding_model: Option<String>,
    embedding_model_provider: Option<String>,
    #[schema(value_type = Option<Object>)]
    summary_index_setting: Option<Value>,
    name: Option<String>,
}

/// Files, or pages.
fn sources_of(list: InfoList) -> Result<(Vec<FileId>, Vec<SourcePage>), Error> {
    match list.data_source_type.as_str() {
        "upload_file" => {
            let ids = list.file_info_list.map(|list| list.file_ids).unwrap_or_default();
            Ok((ids.into_iter().map(FileId).collect(), Vec::new()))
        }
        "website_crawl" => Ok((Vec::new(), pages::website_pages(&list.website_info_list.unwrap_or_default())?)),
        "notion_import" => Ok((Vec::new(), pages::notion_pages(&list.notion_info_list.unwrap_or_default())?)),
        other => {
            let text = format!("The data source {other} cannot be read here.");
            Err(Error::invalid_field("data_source_type", text))
        }
    }
}

impl KnowledgeConfig {
    fn read(self) -> Result<(Option<DocumentId>, NewDocuments), Error> {
        let sources = self.data_source.map(|source| sources_of(source.info_list)).transpose()?;
        let (files, pages) = sources.unwrap_or_default();
        let new = NewDocuments {
            files,
            pages,
            name: self.name,
            process_rule: self.process_rule,
            doc_form: self.doc_form,
            doc_language: self.doc_language,
            indexing: Indexing {
                technique: self.indexing_technique,
                embedding_model: self.embedding_model,
                embedding_model_provider: self.embedding_model_provider,
                retrieval_model: self.retrieval_model,
            },
            duplicate: self.duplicate,
            created_from: "web",
            needs_rule: false,
            summary_index_setting: self.summary_index_setting,
        };
        Ok((self.original_document_id.map(DocumentId), new))
    }
}

/// The knowledge base that documents were added to.
#[derive(Serialize, ToSchema)]
pub struct InitialDataset {
    id: Uuid,
    name: String,
    description: Option<String>,
    permission: String,
    data_source_type: Option<String>,
    indexing_technique: Option<String>,
    created_by: Uuid,
    created_at: i64,
}

/// Documents that were made, and their batch.
#[derive(Serialize, ToSchema)]
pub struct DocumentsMade {
    dataset: InitialDataset,
    documents: Vec<DocumentBody>,
    batch: String,
}

async fn told(services: &Services, made: Made) -> Result<Json<DocumentsMade>, Error> {
    let Made { dataset, documents, batch } = made;
    let views = documents::views(services, &dataset, documents).await?;
    let dataset = InitialDataset {
        id: dataset.id.0,
        name: dataset.name,
        description: dataset.description,
        permission: dataset.permission,
        data_source_type: dataset.data_source_type,
        indexing_technique: dataset.indexing_technique,
        created_by: dataset.created_by.0,
        created_at: seconds(dataset.created_at),
    };
    Ok(Json(DocumentsMade { dataset, documents: views.into_iter().map(DocumentBody::from).collect(), batch }))
}

/// Make a knowledge base of files.
#[utoipa::path(post, path = "/datasets/init", tag = "knowledge", request_body = KnowledgeConfig,
    responses((status = 200, body = DocumentsMade), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn init(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<KnowledgeConfig>,
) -> ApiResult<Json<DocumentsMade>> {
    let (_, new) = body.read()?;
    Ok(told(&services, documents::init(&services, &caller, new).await?).await?)
}

#[utoipa::path(post, path = "/datasets/{dataset_id}/documents", tag = "knowledge", params(("dataset_id" = Uuid, Path)),
    request_body = KnowledgeConfig,
    responses((status = 200, body = DocumentsMade), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn create(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
    Body(body): Body<KnowledgeConfig>,
) -> ApiResult<Json<DocumentsMade>> {
    let (original, new) = body.read()?;
    let made = match original {
        Some(original) => documents::change(&services, &caller, id, original, new).await?,
        None => documents::create(&services, &caller, id, new).await?,
    };
    Ok(told(&services, made).await?)
}

/// What is to be shown before it is made.
#[derive(Deserialize, ToSchema)]
pub struct EstimateBody {
    info_list: InfoList,
    /// `{"mode", "rules"}`
    #[schema(value_type = Object)]
    process_rule: Value,
    doc_form: Option<String>,
    doc_language: Option<String>,
    dataset_id: Option<Uuid>,
    /// Where summaries are to be shown; ours.
    summary_index_setting: Option<SummarySettingBody>,
}

/// A chunk that would be made.
#[derive(Serialize, ToSchema)]
pub struct ChunkPreview {
    content: String,
    summary: Option<String>,
    child_chunks: Option<Vec<String>>,
    /// Characters; ours.
    word_count: usize,
    /// From 0; ours.
    page: Option<u32>,
    /// Ours.
    heading: Option<String>,
}

/// A question with its answer that would be made.
#[derive(Serialize, ToSchema)]
pub struct PairPreview {
    question: String,
    answer: String,
}

/// What would be made.
#[derive(Serialize, ToSchema)]
pub struct EstimateAnswer {
    total_segments: usize,
    /// Ours.
    total_characters: usize,
    /// About how many tokens are embedded; null where that cannot be known before. Ours.
    total_tokens: Option<u64>,
    preview: Vec<ChunkPreview>,
    qa_preview: Option<Vec<PairPreview>>,
}

impl From<Preview> for EstimateAnswer {
    fn from(found: Preview) -> Self {
        let pair = |(question, answer)| PairPreview { question, answer };
        let mut summaries = found.summaries.into_iter();
        Self {
            total_segments: found.total_segments,
            total_characters: found.total_characters,
            total_tokens: found.total_tokens,
            preview: found
                .chunks
                .into_iter()
                .map(|chunk| ChunkPreview {
                    word_count: chunk.content.chars().count(),
                    content: chunk.content,
                    summary: summaries.next(),
                    child_chunks: (!chunk.children.is_empty()).then_some(chunk.children),
                    page: chunk.page,
                    heading: chunk.heading,
                })
                .collect(),
            qa_preview: found.pairs.map(|pairs| pairs.into_iter().map(pair).collect()),
        }
    }
}

/// What the chunks of files would be.
#[utoipa::path(post, path = "/datasets/indexing-estimate", tag = "knowledge", request_body = EstimateBody,
    responses((status = 200, body = EstimateAnswer), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 500, body = ErrorBody)))]
async fn estimate(
    State(services): App,
    Caller(caller): Caller,
    Body(body): Body<EstimateBody>,
) -> ApiResult<Json<EstimateAnswer>> {
    let (files, pages) = sources_of(body.info_list)?;
    let form = PreviewForm {
        files,
        pages,
        process_rule: Some(body.process_rule),
        doc_form: body.doc_form,
        doc_language: body.doc_language,
        dataset: body.dataset_id.map(DatasetId),
        summary_index_setting: body.summary_index_setting.map(|setting| json!(setting)),
    };
    Ok(Json(preview::estimate(&services, &caller, form).await?.into()))
}

#[utoipa::path(get, path = "/datasets/{dataset_id}/documents/{document_id}/indexing-estimate", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path)),
    responses((status = 200, body = EstimateAnswer), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn estimate_of(
    State(services): App,
    Caller(caller): Caller,
    Path((id, document)): Path<(DatasetId, DocumentId)>,
) -> ApiResult<Json<EstimateAnswer>> {
    Ok(Json(preview::of_document(&services, &caller, id, document).await?.into()))
}

/// What the chunks of a batch that is under way will be.
#[utoipa::path(get, path = "/datasets/{dataset_id}/batch/{batch}/indexing-estimate", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("batch" = String, Path)),
    responses((status = 200, body = EstimateAnswer), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn estimate_of_batch(
    State(services): App,
    Caller(caller): Caller,
    Path((id, batch)): Path<(DatasetId, String)>,
) -> ApiResult<Json<EstimateAnswer>> {
    Ok(Json(preview::of_batch(&services, &caller, id, &batch).await?.into()))
}

#[derive(Deserialize, IntoParams)]
struct RuleQuery {
    document_id: Option<Uuid>,
}

/// Bounds of a rule.
#[derive(Serialize, ToSchema)]
pub struct RuleLimits {
    indexing_max_segmentation_tokens_length: usize,
}

/// A rule to begin with.
#[derive(Serialize, ToSchema)]
pub struct ProcessRuleAnswer {
    mode: String,
    #[schema(value_type = Option<Object>)]
    rules: Option<Value>,
    limits: RuleLimits,
}

#[utoipa::path(get, path = "/datasets/process-rule", tag = "knowledge", params(RuleQuery),
    responses((status = 200, body = ProcessRuleAnswer), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn process_rule(
    State(services): App,
    Caller(caller): Caller,
    Query(query): Query<RuleQuery>,
) -> ApiResult<Json<ProcessRuleAnswer>> {
    let found = match query.document_id {
        Some(id) => documents::rule_of_document(&services, &caller, DocumentId(id)).await?,
        None => None,
    };
    let (mode, rules) = match found {
        Some(rule) => (rule.mode, rule.rules),
        None => ("custom".to_owned(), Some(documents::wizard_rules())),
    };
    let limits = RuleLimits { indexing_max_segmentation_tokens_length: documents::MAX_SEGMENT_LENGTH };
    Ok(Json(ProcessRuleAnswer { mode, rules, limits }))
}

#[derive(Deserialize, IntoParams)]
struct DocumentListQuery {
    #[serde(default = "one")]
    page: u64,
    /// 1 to 100.
    #[serde(default = "twenty")]
    limit: u64,
    keyword: Option<String>,
    /// `created_at` or `hit_count`, with `-` for the other way round.
    sort: Option<String>,
    status: Option<String>,
    /// With the progress of the chunks.
    fetch: Option<String>,
}

#[utoipa::path(get, path = "/datasets/{dataset_id}/documents", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), DocumentListQuery),
    responses((status = 200, body = DocumentPage), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn list(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
    Query(query): Query<DocumentListQuery>,
) -> ApiResult<Json<DocumentPage>> {
    checked(query.page, query.limit.min(100))?;
    let filter = DocumentFilter {
        keyword: query.keyword,
        status: query.status.as_deref().and_then(DisplayStatus::parse),
        order: match query.sort.as_deref() {
            Some("created_at") => DocumentOrder::Oldest,
            Some("hit_count") => DocumentOrder::FewestHits,
            Some("-hit_count") => DocumentOrder::MostHits,
            _ => DocumentOrder::Newest,
        },
        page: query.page,
        limit: query.limit.min(100),
    };
    let fetch = query.fetch.is_some_and(|flag| matches!(flag.to_ascii_lowercase().as_str(), "true" | "1" | "yes"));
    Ok(Json(DocumentPage::new(documents::list(&services, &caller, id, &filter).await?, fetch)))
}

#[utoipa::path(delete, path = "/datasets/{dataset_id}/documents", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("document_id" = Vec<Uuid>, Query)),
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete_many(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
    RawQuery(query): RawQuery,
) -> ApiResult<StatusCode> {
    documents::delete(&services, &caller, id, &repeated(query.as_deref(), "document_id")?).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, IntoParams)]
struct PartQuery {
    /// `all`, `only` or `without`.
    metadata: Option<String>,
}

#[utoipa::path(get, path = "/datasets/{dataset_id}/documents/{document_id}", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path), PartQuery),
    responses((status = 200, body = DocumentDetail), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn detail(
    State(services): App,
    Caller(caller): Caller,
    Path((id, document)): Path<(DatasetId, DocumentId)>,
    Query(query): Query<PartQuery>,
) -> ApiResult<Json<DocumentDetail>> {
    let part = MetadataPart::parse(query.metadata.as_deref())?;
    Ok(Json(detail_of(&services, &caller, id, document, part).await?))
}

#[utoipa::path(delete, path = "/datasets/{dataset_id}/documents/{document_id}", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path)),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete(
    State(services): App,
    Caller(caller): Caller,
    Path((id, document)): Path<(DatasetId, DocumentId)>,
) -> ApiResult<StatusCode> {
    documents::find_to_edit(&services, &caller, id, document).await?;
    documents::delete(&services, &caller, id, &[document]).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(get, path = "/datasets/{dataset_id}/documents/{document_id}/indexing-status", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path)),
    responses((status = 200, body = DocStatusBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn progress_of(
    State(services): App,
    Caller(caller): Caller,
    Path((id, document)): Path<(DatasetId, DocumentId)>,
) -> ApiResult<Json<DocStatusBody>> {
    Ok(Json(DocStatusBody::new(documents::progress_of(&services, &caller, id, document).await?, true)))
}

#[utoipa::path(get, path = "/datasets/{dataset_id}/batch/{batch}/indexing-status", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("batch" = String, Path)),
    responses((status = 200, body = DocStatusList), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn batch_progress(
    State(services): App,
    Caller(caller): Caller,
    Path((id, batch)): Path<(DatasetId, String)>,
) -> ApiResult<Json<DocStatusList>> {
    let found = documents::progress(&services, &caller, id, Some(&batch)).await?;
    Ok(Json(DocStatusList::new(found, true)))
}

#[utoipa::path(patch, path = "/datasets/{dataset_id}/documents/{document_id}/processing/{action}", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path), ("action" = String, Path, description = "`pause` or `resume`")),
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn set_processing(
    State(services): App,
    Caller(caller): Caller,
    Path((id, document, action)): Path<(DatasetId, DocumentId, String)>,
) -> ApiResult<StatusCode> {
    let paused = match action.as_str() {
        "pause" => true,
        "resume" => false,
        _ => return Err(Error::new(400, "invalid_action", "Invalid action. Must be pause or resume.").into()),
    };
    documents::set_paused(&services, &caller, id, document, paused).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(patch, path = "/datasets/{dataset_id}/documents/status/{action}/batch", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("action" = String, Path, description = "`enable`, `disable`, `archive` or `un_archive`"), ("document_id" = Vec<Uuid>, Query)),
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn switch(
    State(services): App,
    Caller(caller): Caller,
    Path((id, action)): Path<(DatasetId, String)>,
    RawQuery(query): RawQuery,
) -> ApiResult<Json<Done>> {
    let ids = repeated(query.as_deref(), "document_id")?;
    documents::switch(&services, &caller, id, &ids, Switch::parse(&action)?).await?;
    Ok(Json(Done::SUCCESS))
}

#[utoipa::path(post, path = "/datasets/{dataset_id}/retry", tag = "knowledge", params(("dataset_id" = Uuid, Path)),
    request_body = DocumentIdsBody,
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn retry(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
    Body(body): Body<DocumentIdsBody>,
) -> ApiResult<StatusCode> {
    documents::retry(&services, &caller, id, &body.ids()?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Another name of a document.
#[derive(Deserialize, ToSchema)]
pub struct DocumentName {
    name: String,
}

#[utoipa::path(post, path = "/datasets/{dataset_id}/documents/{document_id}/rename", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path)), request_body = DocumentName,
    responses((status = 200, body = DocumentBody), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn rename(
    State(services): App,
    Caller(caller): Caller,
    Path((id, document)): Path<(DatasetId, DocumentId)>,
    Body(body): Body<DocumentName>,
) -> ApiResult<Json<DocumentBody>> {
    Ok(Json(documents::rename(&services, &caller, id, document, &body.name).await?.into()))
}

#[utoipa::path(get, path = "/datasets/{dataset_id}/documents/{document_id}/download", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path)),
    responses((status = 200, body = DownloadBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn download(
    State(services): App,
    Caller(caller): Caller,
    Path((id, document)): Path<(DatasetId, DocumentId)>,
) -> ApiResult<Json<DownloadBody>> {
    let file = documents::file(&services, &caller, id, document).await?;
    Ok(Json(DownloadBody { url: attachment_url(&services, file.id) }))
}

#[utoipa::path(post, path = "/datasets/{dataset_id}/documents/download-zip", tag = "knowledge",
    params(("dataset_id" = Uuid, Path)), request_body = DocumentIdsBody,
    responses((status = 200, description = "An archive", body = String, content_type = "application/zip"), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn download_zip(
    State(services): App,
    Caller(caller): Caller,
    Path(id): Path<DatasetId>,
    Body(body): Body<DocumentIdsBody>,
) -> ApiResult<Response> {
    Ok(zipped(&services, &caller, id, &body.some()?).await?)
}

/// Take the page of a website anew.
#[utoipa::path(get, path = "/datasets/{dataset_id}/documents/{document_id}/website-sync", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path)),
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn sync_website(
    State(services): App,
    Caller(caller): Caller,
    Path((id, document)): Path<(DatasetId, DocumentId)>,
) -> ApiResult<Json<Done>> {
    pages::sync(&services, &caller, id, document, "website_crawl").await?;
    Ok(Json(Done::SUCCESS))
}

/// Take a page of Notion anew, if somebody has changed it.
#[utoipa::path(get, path = "/datasets/{dataset_id}/documents/{document_id}/notion/sync", tag = "knowledge",
    params(("dataset_id" = Uuid, Path), ("document_id" = Uuid, Path)),
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn sync_notion_page(
    State(services): App,
    Caller(caller): Caller,
    Path((id, document)): Path<(DatasetId, DocumentId)>,
) -> ApiResult<Json<Done>> {
    pages::sync(&services, &caller, id, document, "notion_import").await?;
    Ok(Json(Done::SUCCESS))
}

/// Take all pages of Notion anew that somebody has changed.
#[utoipa::path(get, path = "/datasets/{dataset_id}/notion/sync", tag = "knowledge",
    params(("dataset_id" = Uuid, Path)),
    responses((status = 200, body = Done), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn sync_notion(State(services): App, Caller(caller): Caller, Path(id): Path<DatasetId>) -> ApiResult<Json<Done>> {
    pages::sync_notion(&services, &caller, id).await?;
    Ok(Json(Done::SUCCESS))
}
