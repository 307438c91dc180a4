//! The ports of knowledge pipelines: where documents come from, and where their chunks go.

use async_trait::async_trait;
use ox_engine::RunInfo;
use ox_types::{Json, NodeRunId};
use serde_json::Map;

use super::message::{CallError, CallStream};

/// Something to fetch from a datasource.
#[derive(Clone, Debug)]
pub struct DatasourceCall {
    pub plugin_id: String,
    pub plugin_unique_identifier: String,
    pub provider_name: String,
    /// `online_document`, `online_drive`, `website_crawl`, `local_file`.
    pub provider_type: String,
    pub datasource: String,
    pub credential_id: Option<String>,
    pub parameters: Map<String, Json>,
    /// What the user chose (`sys.datasource_info`).
    pub info: Json,
    pub node_run_id: NodeRunId,
}

/// Datasources of the run's workspace.
#[async_trait]
pub trait DatasourcePort: Send + Sync {
    /// Fetches the content of an online document (as variables), or a file of an online drive.
    ///
    /// # Errors
    /// When there is no such datasource here or it refuses.
    async fn fetch(&self, run: &RunInfo, call: DatasourceCall) -> Result<CallStream, CallError>;
}

/// Chunks to be put into a knowledge base.
#[derive(Clone, Debug)]
pub struct IndexRequest {
    pub dataset_id: String,
    /// The document to fill; a new one when absent.
    pub document_id: Option<String>,
    /// The document it replaces.
    pub original_document_id: Option<String>,
    pub batch: Option<String>,
    /// `text_model`, `hierarchical_model`, `qa_model`.
    pub chunk_structure: String,
    pub chunks: Json,
    /// The node's other settings: `indexing_technique`, `embedding_model`, `retrieval_model`, …
    pub settings: Map<String, Json>,
    pub node_run_id: NodeRunId,
}

/// Knowledge bases that pipelines fill.
#[async_trait]
pub trait IndexPort: Send + Sync {
    /// Writes chunks. Gives `dataset_id`, `dataset_name`, `batch`, `document_id`, `document_name`, `created_at` and
    /// `display_status`.
    ///
    /// # Errors
    /// When the knowledge base is gone, or the chunks are not of its structure.
    async fn index(&self, run: &RunInfo, request: IndexRequest) -> Result<Map<String, Json>, CallError>;

    /// What the chunks would look like, without writing any.
    ///
    /// # Errors
    /// When the chunks are not of the structure.
    async fn preview(&self, run: &RunInfo, request: IndexRequest) -> Result<Map<String, Json>, CallError>;
}
