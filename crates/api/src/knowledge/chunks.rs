//! Chunks, their parts and their files.

use ox_app::{
    Services,
    apps::Page,
    knowledge::segments::SegmentView,
    model::{ChildChunk, Segment, UploadFile},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::at;

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
