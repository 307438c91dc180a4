//! Documents of knowledge bases and their chunks.

use chrono::{DateTime, Utc};
use ox_types::{AccountId, ChildChunkId, DatasetId, DocumentId, FileId, Json, SegmentId, TenantId};
use uuid::Uuid;

use crate::entity::{self, JsonText};

/// A document of a knowledge base.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub id: DocumentId,
    pub tenant_id: TenantId,
    pub dataset_id: DatasetId,
    /// From 1, in its dataset.
    pub position: i32,
    pub data_source_type: String,
    pub data_source_info: Option<Json>,
    pub dataset_process_rule_id: Option<Uuid>,
    /// What was uploaded together.
    pub batch: String,
    pub name: String,
    pub created_from: String,
    pub created_by: AccountId,
    pub file_id: Option<FileId>,
    /// Characters.
    pub word_count: Option<i64>,
    pub tokens: Option<i64>,
    pub indexing_latency: Option<f64>,
    pub doc_type: Option<String>,
    pub doc_metadata: Option<Json>,
    /// `text_model`, `hierarchical_model` or `qa_model`.
    pub doc_form: String,
    pub doc_language: Option<String>,
    pub need_summary: bool,
    pub indexing_status: String,
    pub error: Option<String>,
    pub is_paused: bool,
    pub paused_by: Option<AccountId>,
    pub enabled: bool,
    pub disabled_by: Option<AccountId>,
    pub archived: bool,
    pub archived_by: Option<AccountId>,
    pub archived_reason: Option<String>,
    pub processing_started_at: Option<DateTime<Utc>>,
    pub parsing_completed_at: Option<DateTime<Utc>>,
    pub cleaning_completed_at: Option<DateTime<Utc>>,
    pub splitting_completed_at: Option<DateTime<Utc>>,
    pub completed_at: Option<DateTime<Utc>>,
    pub paused_at: Option<DateTime<Utc>>,
    pub stopped_at: Option<DateTime<Utc>>,
    pub disabled_at: Option<DateTime<Utc>>,
    pub archived_at: Option<DateTime<Utc>>,
    /// The process that works on it.
    pub leased_by: Option<Uuid>,
    pub leased_until: Option<DateTime<Utc>>,
    /// How often a process has begun to work on it.
    pub attempts: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::documents::Model> for Document {
    fn from(row: entity::documents::Model) -> Self {
        Self {
            id: DocumentId(row.id),
            tenant_id: TenantId(row.tenant_id),
            dataset_id: DatasetId(row.dataset_id),
            position: row.position,
            data_source_type: row.data_source_type,
            data_source_info: row.data_source_info.map(|JsonText(json)| json),
            dataset_process_rule_id: row.dataset_process_rule_id,
            batch: row.batch,
            name: row.name,
            created_from: row.created_from,
            created_by: AccountId(row.created_by),
            file_id: row.file_id.map(FileId),
            word_count: row.word_count,
            tokens: row.tokens,
            indexing_latency: row.indexing_latency,
            doc_type: row.doc_type,
            doc_metadata: row.doc_metadata.map(|JsonText(json)| json),
            doc_form: row.doc_form,
            doc_language: row.doc_language,
            need_summary: row.need_summary,
            indexing_status: row.indexing_status,
            error: row.error,
            is_paused: row.is_paused,
            paused_by: row.paused_by.map(AccountId),
            enabled: row.enabled,
            disabled_by: row.disabled_by.map(AccountId),
            archived: row.archived,
            archived_by: row.archived_by.map(AccountId),
            archived_reason: row.archived_reason,
            processing_started_at: row.processing_started_at,
            parsing_completed_at: row.parsing_completed_at,
            cleaning_completed_at: row.cleaning_completed_at,
            splitting_completed_at: row.splitting_completed_at,
            completed_at: row.completed_at,
            paused_at: row.paused_at,
            stopped_at: row.stopped_at,
            disabled_at: row.disabled_at,
            archived_at: row.archived_at,
            leased_by: row.leased_by,
            leased_until: row.leased_until,
            attempts: row.attempts,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<Document> for entity::documents::Model {
    fn from(item: Document) -> Self {
        Self {
            id: item.id.0,
            tenant_id: item.tenant_id.0,
            dataset_id: item.dataset_id.0,
            position: item.position,
            data_source_type: item.data_source_type,
            data_source_info: item.data_source_info.map(JsonText),
            dataset_process_rule_id: item.dataset_process_rule_id,
            batch: item.batch,
            name: item.name,
            created_from: item.created_from,
            created_by: item.created_by.0,
            file_id: item.file_id.map(|id| id.0),
            word_count: item.word_count,
            tokens: item.tokens,
            indexing_latency: item.indexing_latency,
            doc_type: item.doc_type,
            doc_metadata: item.doc_metadata.map(JsonText),
            doc_form: item.doc_form,
            doc_language: item.doc_language,
            need_summary: item.need_summary,
            indexing_status: item.indexing_status,
            error: item.error,
            is_paused: item.is_paused,
            paused_by: item.paused_by.map(|id| id.0),
            enabled: item.enabled,
            disabled_by: item.disabled_by.map(|id| id.0),
            archived: item.archived,
            archived_by: item.archived_by.map(|id| id.0),
            archived_reason: item.archived_reason,
            processing_started_at: item.processing_started_at,
            parsing_completed_at: item.parsing_completed_at,
            cleaning_completed_at: item.cleaning_completed_at,
            splitting_completed_at: item.splitting_completed_at,
            completed_at: item.completed_at,
            paused_at: item.paused_at,
            stopped_at: item.stopped_at,
            disabled_at: item.disabled_at,
            archived_at: item.archived_at,
            leased_by: item.leased_by,
            leased_until: item.leased_until,
            attempts: item.attempts,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// A chunk of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    pub id: SegmentId,
    pub tenant_id: TenantId,
    pub dataset_id: DatasetId,
    pub document_id: DocumentId,
    /// From 1, in its document.
    pub position: i32,
    pub content: String,
    pub answer: Option<String>,
    /// Characters.
    pub word_count: i32,
    pub tokens: i32,
    pub keywords: Option<Json>,
    /// From 0.
    pub page: Option<i32>,
    /// The headings it stands under.
    pub heading: Option<String>,
    pub index_node_id: Option<Uuid>,
    pub index_node_hash: Option<String>,
    pub hit_count: i64,
    pub enabled: bool,
    pub disabled_at: Option<DateTime<Utc>>,
    pub disabled_by: Option<AccountId>,
    pub status: String,
    pub error: Option<String>,
    pub created_by: AccountId,
    pub updated_by: Option<AccountId>,
    pub indexing_at: Option<DateTime<Utc>>,
    pub completed_at: Option<DateTime<Utc>>,
    pub stopped_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::document_segments::Model> for Segment {
    fn from(row: entity::document_segments::Model) -> Self {
        Self {
            id: SegmentId(row.id),
            tenant_id: TenantId(row.tenant_id),
            dataset_id: DatasetId(row.dataset_id),
            document_id: DocumentId(row.document_id),
            position: row.position,
            content: row.content,
            answer: row.answer,
            word_count: row.word_count,
            tokens: row.tokens,
            keywords: row.keywords.map(|JsonText(json)| json),
            page: row.page,
            heading: row.heading,
            index_node_id: row.index_node_id,
            index_node_hash: row.index_node_hash,
            hit_count: row.hit_count,
            enabled: row.enabled,
            disabled_at: row.disabled_at,
            disabled_by: row.disabled_by.map(AccountId),
            status: row.status,
            error: row.error,
            created_by: AccountId(row.created_by),
            updated_by: row.updated_by.map(AccountId),
            indexing_at: row.indexing_at,
            completed_at: row.completed_at,
            stopped_at: row.stopped_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<Segment> for entity::document_segments::Model {
    fn from(item: Segment) -> Self {
        Self {
            id: item.id.0,
            tenant_id: item.tenant_id.0,
            dataset_id: item.dataset_id.0,
            document_id: item.document_id.0,
            position: item.position,
            content: item.content,
            answer: item.answer,
            word_count: item.word_count,
            tokens: item.tokens,
            keywords: item.keywords.map(JsonText),
            page: item.page,
            heading: item.heading,
            index_node_id: item.index_node_id,
            index_node_hash: item.index_node_hash,
            hit_count: item.hit_count,
            enabled: item.enabled,
            disabled_at: item.disabled_at,
            disabled_by: item.disabled_by.map(|id| id.0),
            status: item.status,
            error: item.error,
            created_by: item.created_by.0,
            updated_by: item.updated_by.map(|id| id.0),
            indexing_at: item.indexing_at,
            completed_at: item.completed_at,
            stopped_at: item.stopped_at,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// A part of a chunk, found in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct ChildChunk {
    pub id: ChildChunkId,
    pub tenant_id: TenantId,
    pub dataset_id: DatasetId,
    pub document_id: DocumentId,
    pub segment_id: SegmentId,
    /// From 1, in its segment.
    pub position: i32,
    pub content: String,
    pub word_count: i32,
    pub index_node_id: Option<Uuid>,
    pub index_node_hash: Option<String>,
    /// `automatic` or `customized`.
    pub kind: String,
    pub created_by: AccountId,
    pub updated_by: Option<AccountId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::child_chunks::Model> for ChildChunk {
    fn from(row: entity::child_chunks::Model) -> Self {
        Self {
            id: ChildChunkId(row.id),
            tenant_id: TenantId(row.tenant_id),
            dataset_id: DatasetId(row.dataset_id),
            document_id: DocumentId(row.document_id),
            segment_id: SegmentId(row.segment_id),
            position: row.position,
            content: row.content,
            word_count: row.word_count,
            index_node_id: row.index_node_id,
            index_node_hash: row.index_node_hash,
            kind: row.kind,
            created_by: AccountId(row.created_by),
            updated_by: row.updated_by.map(AccountId),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<ChildChunk> for entity::child_chunks::Model {
    fn from(item: ChildChunk) -> Self {
        Self {
            id: item.id.0,
            tenant_id: item.tenant_id.0,
            dataset_id: item.dataset_id.0,
            document_id: item.document_id.0,
            segment_id: item.segment_id.0,
            position: item.position,
            content: item.content,
            word_count: item.word_count,
            index_node_id: item.index_node_id,
            index_node_hash: item.index_node_hash,
            kind: item.kind,
            created_by: item.created_by.0,
            updated_by: item.updated_by.map(|id| id.0),
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}
