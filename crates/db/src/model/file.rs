//! Uploaded and generated files.

use chrono::{DateTime, Utc};
use ox_types::{ConversationId, FileId, RunId, TenantId};
use uuid::Uuid;

use crate::entity;

/// An uploaded file; its bytes are in the object store.
#[derive(Clone, Debug, PartialEq)]
pub struct UploadFile {
    pub id: FileId,
    pub tenant_id: TenantId,
    pub storage_type: String,
    pub key: String,
    pub name: String,
    pub size: i64,
    /// Without the dot.
    pub extension: String,
    pub mime_type: Option<String>,
    pub created_by_role: String,
    pub created_by: Uuid,
    pub used: bool,
    pub used_by: Option<Uuid>,
    pub used_at: Option<DateTime<Utc>>,
    pub hash: Option<String>,
    pub source_url: String,
    pub created_at: DateTime<Utc>,
}

impl From<entity::upload_files::Model> for UploadFile {
    fn from(row: entity::upload_files::Model) -> Self {
        Self {
            id: FileId(row.id),
            tenant_id: TenantId(row.tenant_id),
            storage_type: row.storage_type,
            key: row.key,
            name: row.name,
            size: row.size,
            extension: row.extension,
            mime_type: row.mime_type,
            created_by_role: row.created_by_role,
            created_by: row.created_by,
            used: row.used,
            used_by: row.used_by,
            used_at: row.used_at,
            hash: row.hash,
            source_url: row.source_url,
            created_at: row.created_at,
        }
    }
}

impl From<UploadFile> for entity::upload_files::Model {
    fn from(item: UploadFile) -> Self {
        Self {
            id: item.id.0,
            tenant_id: item.tenant_id.0,
            storage_type: item.storage_type,
            key: item.key,
            name: item.name,
            size: item.size,
            extension: item.extension,
            mime_type: item.mime_type,
            created_by_role: item.created_by_role,
            created_by: item.created_by,
            used: item.used,
            used_by: item.used_by,
            used_at: item.used_at,
            hash: item.hash,
            source_url: item.source_url,
            created_at: item.created_at,
        }
    }
}

/// A file made by a tool or a model.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolFile {
    pub id: FileId,
    pub user_id: Uuid,
    pub tenant_id: TenantId,
    pub conversation_id: Option<ConversationId>,
    pub file_key: String,
    pub mimetype: String,
    pub original_url: Option<String>,
    pub name: String,
    pub size: i64,
    pub created_at: DateTime<Utc>,
}

impl From<entity::tool_files::Model> for ToolFile {
    fn from(row: entity::tool_files::Model) -> Self {
        Self {
            id: FileId(row.id),
            user_id: row.user_id,
            tenant_id: TenantId(row.tenant_id),
            conversation_id: row.conversation_id.map(ConversationId),
            file_key: row.file_key,
            mimetype: row.mimetype,
            original_url: row.original_url,
            name: row.name,
            size: row.size,
            created_at: row.created_at,
        }
    }
}

impl From<ToolFile> for entity::tool_files::Model {
    fn from(item: ToolFile) -> Self {
        Self {
            id: item.id.0,
            user_id: item.user_id,
            tenant_id: item.tenant_id.0,
            conversation_id: item.conversation_id.map(|id| id.0),
            file_key: item.file_key,
            mimetype: item.mimetype,
            original_url: item.original_url,
            name: item.name,
            size: item.size,
            created_at: item.created_at,
        }
    }
}

/// A file that a tool of a run has written for the run's other tools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFile {
    pub id: Uuid,
    pub tenant_id: TenantId,
    /// Of a run, or of the message that an agent answers.
    pub run_id: RunId,
    pub name: String,
    pub key: String,
    pub size: i64,
    pub created_at: DateTime<Utc>,
}

impl From<entity::run_files::Model> for RunFile {
    fn from(row: entity::run_files::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            run_id: RunId(row.run_id),
            name: row.name,
            key: row.object_key,
            size: row.size,
            created_at: row.created_at,
        }
    }
}

impl From<RunFile> for entity::run_files::Model {
    fn from(item: RunFile) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            run_id: item.run_id.0,
            name: item.name,
            object_key: item.key,
            size: item.size,
            created_at: item.created_at,
        }
    }
}
