//! The port to knowledge bases.

use async_trait::async_trait;
use ox_engine::RunInfo;
use ox_models::{ModelRef, Usage};
use ox_types::{File, Json};
use serde::Deserialize;
use serde_json::Map;

use super::message::CallError;

/// What is looked for, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct RetrievalQuery {
    pub text: Option<String>,
    /// Pictures to look for.
    pub files: Vec<File>,
    pub dataset_ids: Vec<String>,
    pub mode: RetrievalMode,
    pub filter: MetadataFilter,
}

/// How knowledge bases are chosen and their findings put together.
#[derive(Clone, Debug, PartialEq)]
pub enum RetrievalMode {
    /// A model picks one knowledge base.
    Single { model: RetrievalModel },
    /// All are asked.
    Multiple(MultipleRetrieval),
}

/// A model with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct RetrievalModel {
    pub model: ModelRef,
    pub parameters: Map<String, Json>,
    pub stop: Vec<String>,
}

/// Settings for asking all knowledge bases (`multiple_retrieval_config`).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct MultipleRetrieval {
    pub top_k: u32,
    #[serde(default)]
    pub score_threshold: Option<f64>,
    #[serde(default = "by_model", deserialize_with = "mode_or_model")]
    pub reranking_mode: String,
    #[serde(default = "yes", deserialize_with = "yes_or")]
    pub reranking_enable: bool,
    #[serde(default)]
    pub reranking_model: Option<RerankingModel>,
    #[serde(default)]
    pub weights: Option<Weights>,
}

fn by_model() -> String {
    "reranking_model".into()
}

fn mode_or_model<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|mode| !mode.is_empty()).unwrap_or_else(by_model))
}

const fn yes() -> bool {
    true
}

fn yes_or<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::<bool>::deserialize(deserializer)?.unwrap_or(true))
}

/// The model that orders what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct RerankingModel {
    #[serde(default, alias = "reranking_provider_name", deserialize_with = "crate::config::nullable")]
    pub provider: String,
    #[serde(default, alias = "reranking_model_name", deserialize_with = "crate::config::nullable")]
    pub model: String,
}

/// How much meaning and words count where no model orders.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Weights {
    pub vector_setting: VectorWeight,
    pub keyword_setting: KeywordWeight,
}

/// The share of meaning.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct VectorWeight {
    pub vector_weight: f64,
    #[serde(default, deserialize_with = "crate::config::nullable")]
    pub embedding_provider_name: String,
    #[serde(default, deserialize_with = "crate::config::nullable")]
    pub embedding_model_name: String,
}

/// The share of words.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct KeywordWeight {
    pub keyword_weight: f64,
}

/// Which documents count.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum MetadataFilter {
    #[default]
    All,
    /// A model reads conditions out of the query.
    Automatic {
        model: RetrievalModel,
    },
    Manual {
        all: bool,
        conditions: Vec<MetadataCondition>,
    },
}

/// A condition on a document's metadata, its value resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataCondition {
    pub name: String,
    pub operator: String,
    pub value: Json,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Retrieved {
    /// Best first or not: the node orders them.
    pub segments: Vec<FoundSegment>,
    /// What models asked on the way cost.
    pub usage: Option<Usage>,
}

/// A piece of a document, with where it comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FoundSegment {
    pub dataset_id: String,
    pub dataset_name: String,
    pub document_id: String,
    pub document_name: String,
    pub data_source_type: String,
    pub score: f64,
    pub title: String,
    /// What is shown; of question-and-answer segments the question.
    pub content: String,
    /// The answer of a question-and-answer segment.
    pub answer: Option<String>,
    pub summary: Option<String>,
    pub files: Vec<File>,
    pub doc_metadata: Json,
    /// Absent for outside knowledge bases, which have no segments of ours.
    pub segment: Option<SegmentPlace>,
}

/// The segment inside our own index.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SegmentPlace {
    pub id: String,
    pub hit_count: u64,
    pub word_count: u64,
    pub position: u64,
    pub index_node_hash: Option<String>,
    /// The page it is from, from 0.
    pub page: Option<i32>,
    pub child_chunks: Vec<Json>,
}

/// Knowledge bases of the run's workspace. The ones that do not exist or are not accessible are left out silently.
#[async_trait]
pub trait RetrievalPort: Send + Sync {
    /// Looks something up.
    ///
    /// # Errors
    /// When a model on the way fails or a limit is reached.
    async fn retrieve(&self, run: &RunInfo, query: RetrievalQuery) -> Result<Retrieved, CallError>;
}
