//! What chunks are about.

use chrono::{DateTime, Utc};
use ox_types::{DatasetId, DocumentId, SegmentId, TenantId};
use uuid::Uuid;

use crate::entity;

/// The summary of a chunk, there or to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentSummary {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub dataset_id: DatasetId,
    pub document_id: DocumentId,
    pub segment_id: SegmentId,
    /// None until there is one.
    pub content: Option<String>,
    pub index_node_id: Uuid,
    pub index_node_hash: Option<String>,
    pub tokens: i32,
    /// `not_started`, `generating`, `completed`, `error` or `timeout`.
    pub status: String,
    pub error: Option<String>,
    pub attempts: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::document_segment_summaries::Model> for SegmentSummary {
    fn from(row: entity::document_segment_summaries::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            dataset_id: DatasetId(row.dataset_id),
            document_id: DocumentId(row.document_id),
            segment_id: SegmentId(row.chunk_id),
            content: row.summary_content,
            index_node_id: row.summary_index_node_id,
            index_node_hash: row.summary_index_node_hash,
            tokens: row.tokens,
            status: row.status,
            error: row.error,
            attempts: row.attempts,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}
