use chrono::{DateTime, Utc};
use ox_types::{AppId, ChildChunkId, DatasetId, DocumentId, Json, SegmentId, TenantId};
use uuid::Uuid;

/// A document of which something was found.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundDocument {
    pub id: DocumentId,
    pub dataset_id: DatasetId,
    pub name: String,
    pub data_source_type: String,
    pub doc_form: String,
    pub doc_type: Option<String>,
    pub doc_metadata: Option<Json>,
}

/// A segment that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundRow {
    pub id: SegmentId,
    pub dataset_id: DatasetId,
    pub document_id: DocumentId,
    pub position: i32,
    pub content: String,
    pub answer: Option<String>,
    pub word_count: i32,
    pub tokens: i32,
    pub keywords: Vec<String>,
    pub page: Option<i32>,
    pub heading: Option<String>,
    pub index_node_id: Option<Uuid>,
    pub index_node_hash: Option<String>,
    pub hit_count: i64,
    pub created_by: Uuid,
    pub created_at: DateTime<Utc>,
    pub indexing_at: Option<DateTime<Utc>>,
    pub completed_at: Option<DateTime<Utc>>,
}

/// A child chunk that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundChild {
    pub id: ChildChunkId,
    pub segment_id: SegmentId,
    pub index_node_id: Option<Uuid>,
    pub position: i32,
    pub content: String,
}

/// A question that was asked of a dataset.
#[derive(Clone, Debug, PartialEq)]
pub struct DatasetQuery {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub dataset_id: DatasetId,
    /// JSON list of what was asked, or plain text for knowledge of others.
    pub content: String,
    /// `app` or `hit_testing`.
    pub source: String,
    pub source_app_id: Option<AppId>,
    /// `account` or `end_user`.
    pub created_by_role: String,
    pub created_by: Uuid,
    pub created_at: DateTime<Utc>,
}
