//! Knowledge as both surfaces show it: bases, documents, chunks and their parts.

pub mod hits;

use chrono::{DateTime, Utc};
use ox_app::{
    Services,
    apps::Page,
    knowledge::{
        SegmentCounts,
        datasets::{DatasetView, Standing},
        documents::{DocumentView, display_status},
        metadata::Value,
        segments::SegmentView,
        sources::pages::is_page,
        summaries::SummaryCounts,
    },
    model::{ChildChunk, Document, ProcessRuleRow, Segment, UploadFile},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json_, json};
use utoipa::ToSchema;
use uuid::Uuid;

fn at(time: Option<DateTime<Utc>>) -> Option<i64> {
    time.map(|time| time.timestamp())
}

/// A label of a knowledge base.
#[derive(Serialize, ToSchema)]
pub struct DatasetTag {
    pub id: Uuid,
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
}

/// A metadata field.
#[derive(Serialize, ToSchema)]
pub struct FieldBody {
    pub id: Uuid,
    pub name: String,
    /// `string`, `number` or `time`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// The rerank model of a knowledge base.
#[derive(Deserialize, Serialize, ToSchema, Default)]
#[serde(default)]
pub struct RerankingModelBody {
    pub reranking_provider_name: Option<String>,
    pub reranking_model_name: Option<String>,
}

/// Weight of the meaning.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct VectorSettingBody {
    pub vector_weight: f64,
    pub embedding_provider_name: Option<String>,
    pub embedding_model_name: Option<String>,
}

/// Weight of the words.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct KeywordSettingBody {
    pub keyword_weight: f64,
}

/// Weights of a hybrid search.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct WeightsBody {
    /// `semantic_first`, `keyword_first` or `customized`.
    pub weight_type: Option<String>,
    pub vector_setting: Option<VectorSettingBody>,
    pub keyword_setting: Option<KeywordSettingBody>,
}

/// A condition on metadata.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct MetadataConditionBody {
    pub name: String,
    pub comparison_operator: String,
    pub value: Option<Json_>,
}

/// Conditions on metadata.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct MetadataConditionsBody {
    /// `and` or `or`.
    pub logical_operator: Option<String>,
    pub conditions: Option<Vec<MetadataConditionBody>>,
}

/// How a knowledge base is searched.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct RetrievalModelBody {
    /// `semantic_search`, `full_text_search`, `hybrid_search` or `keyword_search`.
    pub search_method: String,
    pub reranking_enable: bool,
    pub reranking_mode: Option<String>,
    pub reranking_model: Option<RerankingModelBody>,
    pub weights: Option<WeightsBody>,
    pub top_k: i64,
    pub score_threshold_enabled: bool,
    pub score_threshold: Option<f64>,
    /// Chunks before and after each that is found, given to the model with it (0 to 5); ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neighbours: Option<u32>,
    /// All of a knowledge base is given to the model when it has no more characters than this; ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_context_limit: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata_filtering_conditions: Option<MetadataConditionsBody>,
}

/// How summaries are made.
#[derive(Deserialize, Serialize, ToSchema, Default)]
#[serde(default)]
pub struct SummarySettingBody {
    pub enable: Option<bool>,
    pub model_name: Option<String>,
    pub model_provider_name: Option<String>,
    pub summary_prompt: Option<String>,
}

/// Where an external knowledge base is.
#[derive(Serialize, ToSchema, Default)]
pub struct ExternalInfoBody {
    pub external_knowledge_id: Option<String>,
    pub external_knowledge_api_id: Option<Uuid>,
    pub external_knowledge_api_name: Option<String>,
    pub external_knowledge_api_endpoint: Option<String>,
}

impl From<Standing> for ExternalInfoBody {
    fn from(standing: Standing) -> Self {
        Self {
            external_knowledge_id: Some(standing.knowledge_id),
            external_knowledge_api_id: Some(standing.api_id),
            external_knowledge_api_name: Some(standing.api_name),
            external_knowledge_api_endpoint: Some(standing.endpoint),
        }
    }
}

/// How an external knowledge base is searched.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct ExternalRetrievalBody {
    pub top_k: Option<i64>,
    pub score_threshold: Option<f64>,
    pub score_threshold_enabled: Option<bool>,
}

/// The picture of a knowledge base.
#[derive(Deserialize, Serialize, ToSchema, Default)]
#[serde(default)]
pub struct IconInfoBody {
    pub icon_type: Option<String>,
    pub icon: Option<String>,
    pub icon_background: Option<String>,
    pub icon_url: Option<String>,
}

/// A knowledge base.
#[derive(Serialize, ToSchema)]
pub struct DatasetBody {
    pub id: Uuid,
    pub name: String,
    pub description: Option<String>,
    /// `vendor` or `external`.
    pub provider: String,
    /// `only_me`, `all_team_members` or `partial_members`.
    pub permission: String,
    pub data_source_type: Option<String>,
    /// `high_quality`, `economy`, or null while it is empty.
    pub indexing_technique: Option<String>,
    pub app_count: u64,
    pub document_count: u64,
    pub word_count: u64,
    pub created_by: Uuid,
    pub author_name: Option<String>,
    pub created_at: i64,
    pub updated_by: Option<Uuid>,
    pub updated_at: i64,
    pub embedding_model: Option<String>,
    pub embedding_model_provider: Option<String>,
    pub embedding_available: Option<bool>,
    pub retrieval_model_dict: RetrievalModelBody,
    pub summary_index_setting: SummarySettingBody,
    pub tags: Vec<DatasetTag>,
    pub doc_form: Option<String>,
    pub external_knowledge_info: ExternalInfoBody,
    pub external_retrieval_model: ExternalRetrievalBody,
    pub doc_metadata: Vec<FieldBody>,
    pub built_in_field_enabled: bool,
    pub pipeline_id: Option<Uuid>,
    pub runtime_mode: String,
    pub chunk_structure: Option<String>,
    pub icon_info: IconInfoBody,
    pub is_published: bool,
    pub total_documents: u64,
    pub total_available_documents: u64,
    pub enable_api: bool,
    pub is_multimodal: bool,
    pub maintainer: Option<String>,
    pub partial_member_list: Vec<Uuid>,
}

/// What a knowledge base without a setting shows.
fn retrieval_default() -> Json_ {
    json!({"search_method": "semantic_search", "reranking_enable": false, "reranking_mode": null, "reranking_model":
        {"reranking_provider_name": "", "reranking_model_name": ""}, "weights": null, "top_k": 2,
        "score_threshold_enabled": false, "score_threshold": null})
}

fn retrieval_of(json: Option<&Json_>, is_economy: bool) -> RetrievalModelBody {
    let default = || RetrievalModelBody {
        search_method: "semantic_search".into(),
        reranking_enable: false,
        reranking_mode: None,
        reranking_model: None,
        weights: None,
        top_k: 2,
        score_threshold_enabled: false,
        score_threshold: None,
        neighbours: None,
        full_context_limit: None,
        metadata_filtering_conditions: None,
    };
    let given = json.cloned().unwrap_or_else(retrieval_default);
    let mut found: RetrievalModelBody = serde_json::from_value(given).unwrap_or_else(|_| default());
    found.reranking_model.get_or_insert_with(|| RerankingModelBody {
        reranking_provider_name: Some(String::new()),
        reranking_model_name: Some(String::new()),
    });
    if is_economy {
        found.search_method = "keyword_search".into();
    }
    found
}

fn object<T: serde::de::DeserializeOwned + Default>(json: Option<Json_>) -> T {
    json.and_then(|json| serde_json::from_value(json).ok()).unwrap_or_default()
}

impl From<DatasetView> for DatasetBody {
    fn from(view: DatasetView) -> Self {
        let DatasetView {
            dataset,
            figures,
            tags,
            fields,
            author_name,
            embedding_available,
            members,
            external: standing,
            is_published,
        } = view;
        let is_economy = dataset.indexing_technique.as_deref() == Some("economy");
        let external = dataset.retrieval_model.as_ref().filter(|_| dataset.provider == "external");
        let number = |name: &str| external.and_then(|json| json.get(name)).and_then(Json_::as_f64);
        Self {
            id: dataset.id.0,
            name: dataset.name,
            description: dataset.description,
            app_count: figures.apps,
            document_count: figures.documents,
            word_count: figures.words,
            created_by: dataset.created_by.0,
            author_name: author_name.clone(),
            created_at: dataset.created_at.timestamp(),
            updated_by: dataset.updated_by.map(|id| id.0),
            updated_at: dataset.updated_at.timestamp(),
            embedding_model: dataset.embedding_model,
            embedding_model_provider: dataset.embedding_model_provider,
            embedding_available,
            retrieval_model_dict: retrieval_of(
                dataset.retrieval_model.as_ref().filter(|_| dataset.provider != "external"),
                is_economy,
            ),
            summary_index_setting: object(dataset.summary_index_setting),
            tags: tags.into_iter().map(|tag| DatasetTag { id: tag.id, name: tag.name, kind: tag.kind }).collect(),
            doc_form: dataset.chunk_structure.clone().or(figures.doc_form),
            external_knowledge_info: standing.map(ExternalInfoBody::from).unwrap_or_default(),
            external_retrieval_model: ExternalRetrievalBody {
                top_k: external.and_then(|json| json.get("top_k")).and_then(Json_::as_i64).or(Some(2)),
                score_threshold: number("score_threshold").or(Some(0.0)),
                score_threshold_enabled: external
                    .and_then(|json| json.get("score_threshold_enabled"))
                    .and_then(Json_::as_bool),
            },
            doc_metadata: fields
                .into_iter()
                .map(|field| FieldBody { id: field.id, name: field.name, kind: field.kind })
                .collect(),
            built_in_field_enabled: dataset.built_in_field_enabled,
            pipeline_id: dataset.pipeline_id,
            runtime_mode: dataset.runtime_mode,
            chunk_structure: dataset.chunk_structure,
            icon_info: object(dataset.icon_info),
            is_published,
            total_documents: figures.documents,
            total_available_documents: figures.available,
            enable_api: dataset.enable_api,
            is_multimodal: dataset.is_multimodal,
            maintainer: author_name,
            partial_member_list: members.into_iter().map(|id| id.0).collect(),
            provider: dataset.provider,
            permission: dataset.permission,
            data_source_type: dataset.data_source_type,
            indexing_technique: dataset.indexing_technique,
        }
    }
}

/// A numbered page of knowledge bases.
#[derive(Serialize, ToSchema)]
pub struct DatasetPage {
    pub data: Vec<DatasetBody>,
    pub has_more: bool,
    pub limit: u64,
    pub total: u64,
    pub page: u64,
}

impl From<Page<DatasetView>> for DatasetPage {
    fn from(page: Page<DatasetView>) -> Self {
        let has_more = page.has_more();
        let Page { page, limit, total, items } = page;
        Self { data: items.into_iter().map(DatasetBody::from).collect(), has_more, limit, total, page }
    }
}

/// A value of a metadata field.
#[derive(Serialize, ToSchema)]
pub struct MetadataValueBody {
    /// `built-in` for the built-in fields.
    pub id: String,
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub value: Option<String>,
}

impl From<Value> for MetadataValueBody {
    fn from(value: Value) -> Self {
        let id = value.id.map_or_else(|| "built-in".to_owned(), |id| id.to_string());
        Self { id, name: value.name, kind: value.kind, value: value.value }
    }
}

/// Where a document is from.
fn source_detail(document: &Document, file: Option<&UploadFile>) -> Json_ {
    match file {
        // The file of a page is only how its text is kept.
        _ if is_page(document) => document.data_source_info.clone().unwrap_or_else(|| json!({})),
        Some(file) => {
            #[expect(clippy::cast_precision_loss, reason = "milliseconds of our times are far below 2^53")]
            let created_at = file.created_at.timestamp_millis() as f64 / 1000.0;
            json!({"upload_file": {"id": file.id, "name": file.name, "size": file.size, "extension": file.extension,
                "mime_type": file.mime_type, "created_by": file.created_by, "created_at": created_at}})
        }
        None => json!({}),
    }
}

/// A document.
#[derive(Serialize, ToSchema)]
pub struct DocumentBody {
    pub id: Uuid,
    pub position: i32,
    pub data_source_type: String,
    #[schema(value_type = Object)]
    pub data_source_info: Json_,
    #[schema(value_type = Object)]
    pub data_source_detail_dict: Json_,
    pub dataset_process_rule_id: Option<Uuid>,
    pub name: String,
    pub created_from: String,
    pub created_by: Uuid,
    pub created_at: i64,
    pub tokens: i64,
    pub indexing_status: String,
    pub error: Option<String>,
    pub enabled: bool,
    pub disabled_at: Option<i64>,
    pub disabled_by: Option<Uuid>,
    pub archived: bool,
    pub display_status: String,
    pub word_count: i64,
    pub hit_count: u64,
    pub doc_form: String,
    pub doc_metadata: Option<Vec<MetadataValueBody>>,
    pub summary_index_status: Option<String>,
    pub need_summary: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_segments: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_segments: Option<u64>,
}

/// `SUMMARIZING` while some are to be made.
fn summary_status(counts: Option<SummaryCounts>) -> Option<String> {
    counts.filter(SummaryCounts::is_unfinished).map(|_| "SUMMARIZING".to_owned())
}

impl From<DocumentView> for DocumentBody {
    fn from(view: DocumentView) -> Self {
        let DocumentView { document, file, counts, metadata, summaries } = view;
        Self {
            display_status: display_status(&document).to_owned(),
            data_source_detail_dict: source_detail(&document, file.as_ref()),
            id: document.id.0,
            position: document.position,
            data_source_type: document.data_source_type,
            data_source_info: document.data_source_info.unwrap_or_else(|| json!({})),
            dataset_process_rule_id: document.dataset_process_rule_id,
            name: document.name,
            created_from: document.created_from,
            created_by: document.created_by.0,
            created_at: document.created_at.timestamp(),
            tokens: document.tokens.unwrap_or(0),
            indexing_status: document.indexing_status,
            error: document.error,
            enabled: document.enabled,
            disabled_at: at(document.disabled_at),
            disabled_by: document.disabled_by.map(|id| id.0),
            archived: document.archived,
            word_count: document.word_count.unwrap_or(0),
            hit_count: counts.hits,
            doc_form: document.doc_form,
            doc_metadata: metadata.map(|values| values.into_iter().map(MetadataValueBody::from).collect()),
            summary_index_status: summary_status(summaries),
            need_summary: document.need_summary,
            completed_segments: None,
            total_segments: None,
        }
    }
}

impl DocumentBody {
    /// With the progress of its chunks.
    pub fn with_counts(view: DocumentView) -> Self {
        let counts = view.counts;
        Self { completed_segments: Some(counts.completed), total_segments: Some(counts.total), ..Self::from(view) }
    }
}

/// A numbered page of documents.
#[derive(Serialize, ToSchema)]
pub struct DocumentPage {
    pub data: Vec<DocumentBody>,
    pub has_more: bool,
    pub limit: u64,
    pub total: u64,
    pub page: u64,
}

impl DocumentPage {
    pub fn new(page: Page<DocumentView>, fetch: bool) -> Self {
        let has_more = page.has_more();
        let Page { page, limit, total, items } = page;
        let body = if fetch { DocumentBody::with_counts } else { DocumentBody::from };
        Self { data: items.into_iter().map(body).collect(), has_more, limit, total, page }
    }
}

/// A document with everything known of it.
#[derive(Serialize, ToSchema)]
pub struct DocumentDetail {
    pub id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_source_type: Option<String>,
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_source_info: Option<Json_>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset_process_rule_id: Option<Uuid>,
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset_process_rule: Option<Json_>,
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_process_rule: Option<Json_>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indexing_status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_by: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub word_count: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hit_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doc_form: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doc_language: Option<String>,
    /// Absent when the metadata were not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doc_type: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doc_metadata: Option<Option<Vec<MetadataValueBody>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indexing_latency: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average_segment_length: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary_index_status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub need_summary: Option<bool>,
}

/// Which part of a document is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum MetadataPart {
    All,
    Only,
    Without,
}

impl MetadataPart {
    pub fn parse(text: Option<&str>) -> Result<Self, ox_app::Error> {
        Ok(match text.unwrap_or("all") {
            "all" => Self::All,
            "only" => Self::Only,
            "without" => Self::Without,
            other => {
                let text = format!("Invalid metadata value: {other}");
                return Err(ox_app::Error::new(400, "invalid_metadata", text));
            }
        })
    }
}

/// The rules a document and its knowledge base go by.
pub struct Rules {
    pub of_dataset: Option<ProcessRuleRow>,
    pub of_document: Option<ProcessRuleRow>,
}

impl DocumentDetail {
    pub fn new(view: DocumentView, part: MetadataPart, rules: &Rules) -> Self {
        let DocumentView { document, file, counts, metadata, summaries } = view;
        let values = metadata.map(|values| values.into_iter().map(MetadataValueBody::from).collect());
        let shows_metadata = part != MetadataPart::Without;
        let rest = part != MetadataPart::Only;
        let words = document.word_count.unwrap_or(0);
        #[expect(clippy::cast_precision_loss, reason = "an average for people")]
        let average = if counts.total == 0 { 0.0 } else { words as f64 / counts.total as f64 };
        let rule = |row: &ProcessRuleRow| json!({"mode": row.mode, "rules": row.rules});
        let own = |row: &ProcessRuleRow| json!({"id": row.id, "dataset_id": row.dataset_id, "mode": row.mode, "rules": row.rules});
        Self {
            id: document.id.0,
            position: rest.then_some(document.position),
            data_source_info: rest.then(|| source_detail(&document, file.as_ref())),
            dataset_process_rule_id: document.dataset_process_rule_id.filter(|_| rest),
            dataset_process_rule: rules.of_dataset.as_ref().map(rule).filter(|_| rest),
            document_process_rule: rules.of_document.as_ref().map(own).filter(|_| rest),
            display_status: rest.then(|| display_status(&document).to_owned()),
            data_source_type: Some(document.data_source_type).filter(|_| rest),
            name: Some(document.name).filter(|_| rest),
            created_from: Some(document.created_from).filter(|_| rest),
            created_by: rest.then_some(document.created_by.0),
            created_at: rest.then(|| document.created_at.timestamp()),
            tokens: rest.then(|| document.tokens.unwrap_or(0)),
            indexing_status: Some(document.indexing_status).filter(|_| rest),
            error: document.error.filter(|_| rest),
            enabled: rest.then_some(document.enabled),
            disabled_at: at(document.disabled_at).filter(|_| rest),
            disabled_by: document.disabled_by.map(|id| id.0).filter(|_| rest),
            archived: rest.then_some(document.archived),
            word_count: rest.then_some(words),
            hit_count: rest.then_some(counts.hits),
            doc_form: Some(document.doc_form).filter(|_| rest),
            doc_language: document.doc_language.filter(|_| rest),
            doc_type: shows_metadata.then_some(document.doc_type),
            doc_metadata: shows_metadata.then_some(values),
            completed_at: at(document.completed_at).filter(|_| rest),
            updated_at: rest.then(|| document.updated_at.timestamp()),
            indexing_latency: document.indexing_latency.filter(|_| rest),
            segment_count: rest.then_some(counts.total),
            average_segment_length: rest.then_some(average),
            summary_index_status: summary_status(summaries).filter(|_| rest),
            need_summary: rest.then_some(document.need_summary),
        }
    }
}

/// How far a document is.
#[derive(Serialize, ToSchema)]
pub struct DocStatusBody {
    pub id: Uuid,
    pub indexing_status: String,
    pub processing_started_at: Option<i64>,
    pub parsing_completed_at: Option<i64>,
    pub cleaning_completed_at: Option<i64>,
    pub splitting_completed_at: Option<i64>,
    pub completed_at: Option<i64>,
    pub paused_at: Option<i64>,
    pub error: Option<String>,
    pub stopped_at: Option<i64>,
    pub completed_segments: u64,
    pub total_segments: u64,
}

impl DocStatusBody {
    /// `names_pauses`: a paused document is told as such, not by its stage.
    pub fn new((document, counts): (Document, SegmentCounts), names_pauses: bool) -> Self {
        let status = if names_pauses && document.is_paused { "paused".to_owned() } else { document.indexing_status };
        Self {
            id: document.id.0,
            indexing_status: status,
            processing_started_at: at(document.processing_started_at),
            parsing_completed_at: at(document.parsing_completed_at),
            cleaning_completed_at: at(document.cleaning_completed_at),
            splitting_completed_at: at(document.splitting_completed_at),
            completed_at: at(document.completed_at),
            paused_at: at(document.paused_at),
            error: document.error,
            stopped_at: at(document.stopped_at),
            completed_segments: counts.completed,
            total_segments: counts.total,
        }
    }
}

/// How far several documents are.
#[derive(Serialize, ToSchema)]
pub struct DocStatusList {
    pub data: Vec<DocStatusBody>,
}

impl DocStatusList {
    pub fn new(found: Vec<(Document, SegmentCounts)>, names_pauses: bool) -> Self {
        Self { data: found.into_iter().map(|pair| DocStatusBody::new(pair, names_pauses)).collect() }
    }
}

/// A part of a chunk.
#[derive(Serialize, ToSchema)]
pub struct ChildChunkBody {
    pub id: Uuid,
    pub segment_id: Uuid,
    pub content: String,
    pub position: i32,
    pub word_count: i32,
    /// `automatic` or `customized`.
    #[serde(rename = "type")]
    pub kind: String,
    pub created_at: i64,
    pub updated_at: i64,
}

impl From<ChildChunk> for ChildChunkBody {
    fn from(child: ChildChunk) -> Self {
        Self {
            id: child.id.0,
            segment_id: child.segment_id.0,
            content: child.content,
            position: child.position,
            word_count: child.word_count,
            kind: child.kind,
            created_at: child.created_at.timestamp(),
            updated_at: child.updated_at.timestamp(),
        }
    }
}

/// A part of a chunk, alone.
#[derive(Serialize, ToSchema)]
pub struct ChildChunkAnswer {
    pub data: ChildChunkBody,
}

/// A numbered page of a chunk's parts.
#[derive(Serialize, ToSchema)]
pub struct ChildChunkPage {
    pub data: Vec<ChildChunkBody>,
    pub total: u64,
    pub total_pages: u64,
    pub page: u64,
    pub limit: u64,
}

impl From<Page<ChildChunk>> for ChildChunkPage {
    fn from(page: Page<ChildChunk>) -> Self {
        let Page { page, limit, total, items } = page;
        let data = items.into_iter().map(ChildChunkBody::from).collect();
        Self { data, total, total_pages: total.div_ceil(limit.max(1)), page, limit }
    }
}

/// A file of a chunk.
#[derive(Serialize, ToSchema)]
pub struct AttachmentBody {
    pub id: Uuid,
    pub name: String,
    pub size: i64,
    pub extension: String,
    pub mime_type: Option<String>,
    pub source_url: String,
}

impl AttachmentBody {
    /// With an address that can be opened for a while.
    pub fn new(services: &Services, file: UploadFile) -> Self {
        Self {
            source_url: services.files.preview_url(file.id),
            id: file.id.0,
            name: file.name,
            size: file.size,
            extension: file.extension,
            mime_type: file.mime_type,
        }
    }
}

/// A chunk.
#[derive(Serialize, ToSchema)]
pub struct SegmentBody {
    pub id: Uuid,
    pub position: i32,
    pub document_id: Uuid,
    pub content: String,
    /// With addresses of files that can be opened.
    pub sign_content: String,
    pub answer: Option<String>,
    pub word_count: i32,
    pub tokens: i32,
    pub keywords: Option<Vec<String>>,
    pub index_node_id: Option<Uuid>,
    pub index_node_hash: Option<String>,
    pub hit_count: i64,
    pub enabled: bool,
    pub disabled_at: Option<i64>,
    pub disabled_by: Option<Uuid>,
    pub status: String,
    pub created_by: Uuid,
    pub created_at: i64,
    pub updated_at: i64,
    pub updated_by: Option<Uuid>,
    pub indexing_at: Option<i64>,
    pub completed_at: Option<i64>,
    pub error: Option<String>,
    pub stopped_at: Option<i64>,
    pub child_chunks: Vec<ChildChunkBody>,
    pub attachments: Vec<AttachmentBody>,
    pub summary: Option<String>,
    /// `not_started`, `generating`, `completed`, `error` or `timeout`; ours.
    pub summary_status: Option<String>,
    /// Why there is no summary; ours.
    pub summary_error: Option<String>,
    /// The page it is from, from 0; ours.
    pub page: Option<i32>,
    /// The headings it stands under; ours.
    pub heading: Option<String>,
}

impl SegmentBody {
    pub fn new(services: &Services, view: SegmentView) -> Self {
        let SegmentView { segment, children, attachments, summary, signed } = view;
        let Segment { keywords, .. } = &segment;
        let keywords = keywords.clone().and_then(|json| serde_json::from_value(json).ok());
        Self {
            id: segment.id.0,
            position: segment.position,
            document_id: segment.document_id.0,
            content: segment.content,
            sign_content: signed,
            answer: segment.answer,
            word_count: segment.word_count,
            tokens: segment.tokens,
            keywords,
            index_node_id: segment.index_node_id,
            index_node_hash: segment.index_node_hash,
            hit_count: segment.hit_count,
            enabled: segment.enabled,
            disabled_at: at(segment.disabled_at),
            disabled_by: segment.disabled_by.map(|id| id.0),
            status: segment.status,
            created_by: segment.created_by.0,
            created_at: segment.created_at.timestamp(),
            updated_at: segment.updated_at.timestamp(),
            updated_by: segment.updated_by.map(|id| id.0),
            indexing_at: at(segment.indexing_at),
            completed_at: at(segment.completed_at),
            error: segment.error,
            stopped_at: at(segment.stopped_at),
            child_chunks: children.into_iter().map(ChildChunkBody::from).collect(),
            attachments: attachments.into_iter().map(|file| AttachmentBody::new(services, file)).collect(),
            summary_status: summary.as_ref().map(|summary| summary.status.clone()),
            summary_error: summary.as_ref().and_then(|summary| summary.error.clone()),
            summary: summary.and_then(|summary| summary.content),
            page: segment.page,
            heading: segment.heading,
        }
    }
}

/// A chunk, alone.
#[derive(Serialize, ToSchema)]
pub struct SegmentAnswer {
    pub data: SegmentBody,
    pub doc_form: String,
}

/// A field with the number of documents that have a value of it.
#[derive(Serialize, ToSchema)]
pub struct FieldCountBody {
    pub id: Uuid,
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub count: u64,
}

/// The fields of a knowledge base.
#[derive(Serialize, ToSchema)]
pub struct FieldList {
    pub doc_metadata: Vec<FieldCountBody>,
    pub built_in_field_enabled: bool,
}

/// A built-in field.
#[derive(Serialize, ToSchema)]
pub struct BuiltInField {
    pub name: &'static str,
    #[serde(rename = "type")]
    pub kind: &'static str,
}

/// The built-in fields.
#[derive(Serialize, ToSchema)]
pub struct BuiltInFields {
    pub fields: Vec<BuiltInField>,
}

impl BuiltInFields {
    pub fn all() -> Self {
        let all = ox_app::knowledge::metadata::BUILT_IN;
        Self { fields: all.into_iter().map(|(name, kind)| BuiltInField { name, kind }).collect() }
    }
}

/// A value for a document.
#[derive(Deserialize, ToSchema)]
pub struct MetadataItem {
    pub id: Uuid,
    #[expect(dead_code, reason = "callers send it; the id alone counts")]
    name: Option<String>,
    #[serde(default)]
    pub value: Json_,
}

/// Values for a document.
#[derive(Deserialize, ToSchema)]
pub struct MetadataOperation {
    pub document_id: Uuid,
    pub metadata_list: Vec<MetadataItem>,
    /// Keeps the values that are not named.
    #[serde(default)]
    #[schema(required = false)]
    pub partial_update: bool,
}

/// Values for several documents.
#[derive(Deserialize, ToSchema)]
pub struct MetadataOperations {
    pub operation_data: Vec<MetadataOperation>,
}

impl MetadataOperations {
    pub fn into_operations(self) -> Vec<ox_app::knowledge::metadata::Operation> {
        let values = |list: Vec<MetadataItem>| list.into_iter().map(|item| (item.id, item.value)).collect();
        self.operation_data
            .into_iter()
            .map(|one| ox_app::knowledge::metadata::Operation {
                document_id: one.document_id.into(),
                values: values(one.metadata_list),
                partial: one.partial_update,
            })
            .collect()
    }
}
