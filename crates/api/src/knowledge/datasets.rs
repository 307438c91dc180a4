//! Knowledge bases and how they are searched.

use ox_app::{
    apps::Page,
    knowledge::datasets::{DatasetView, Standing},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json_, json};
use utoipa::ToSchema;
use uuid::Uuid;

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
