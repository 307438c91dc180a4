//! Workflow versions and draft variables.

use chrono::{DateTime, Utc};
use ox_types::{AccountId, AppId, FileId, Json, NodeRunId, TenantId, WorkflowId};
use uuid::Uuid;

use crate::entity::{self, JsonText};

/// The draft or one immutable published version of a workflow.
#[derive(Clone, Debug, PartialEq)]
pub struct Workflow {
    pub id: WorkflowId,
    pub tenant_id: TenantId,
    pub app_id: AppId,
    /// `workflow`, `chat`, `rag-pipeline`.
    pub kind: String,
    /// `draft` or the time of publishing.
    pub version: String,
    pub marked_name: String,
    pub marked_comment: String,
    pub graph: Json,
    pub features: Json,
    /// Secret values encrypted.
    pub environment_variables: Json,
    pub conversation_variables: Json,
    pub rag_pipeline_variables: Json,
    pub created_by: AccountId,
    pub created_at: DateTime<Utc>,
    pub updated_by: Option<AccountId>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::workflows::Model> for Workflow {
    fn from(row: entity::workflows::Model) -> Self {
        Self {
            id: WorkflowId(row.id),
            tenant_id: TenantId(row.tenant_id),
            app_id: AppId(row.app_id),
            kind: row.kind,
            version: row.version,
            marked_name: row.marked_name,
            marked_comment: row.marked_comment,
            graph: row.graph.0,
            features: row.features.0,
            environment_variables: row.environment_variables.0,
            conversation_variables: row.conversation_variables.0,
            rag_pipeline_variables: row.rag_pipeline_variables.0,
            created_by: AccountId(row.created_by),
            created_at: row.created_at,
            updated_by: row.updated_by.map(AccountId),
            updated_at: row.updated_at,
        }
    }
}

impl From<Workflow> for entity::workflows::Model {
    fn from(item: Workflow) -> Self {
        Self {
            id: item.id.0,
            tenant_id: item.tenant_id.0,
            app_id: item.app_id.0,
            kind: item.kind,
            version: item.version,
            marked_name: item.marked_name,
            marked_comment: item.marked_comment,
            graph: JsonText(item.graph),
            features: JsonText(item.features),
            environment_variables: JsonText(item.environment_variables),
            conversation_variables: JsonText(item.conversation_variables),
            rag_pipeline_variables: JsonText(item.rag_pipeline_variables),
            created_by: item.created_by.0,
            created_at: item.created_at,
            updated_by: item.updated_by.map(|id| id.0),
            updated_at: item.updated_at,
        }
    }
}

/// Last value of a variable in the editor.
#[derive(Clone, Debug, PartialEq)]
pub struct DraftVariable {
    pub id: Uuid,
    pub app_id: AppId,
    pub node_id: String,
    pub name: String,
    pub description: String,
    pub selector: Json,
    pub value_type: String,
    pub value: Json,
    pub visible: bool,
    pub editable: bool,
    pub node_execution_id: Option<NodeRunId>,
    pub file_id: Option<FileId>,
    pub is_default_value: bool,
    pub last_edited_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::workflow_draft_variables::Model> for DraftVariable {
    fn from(row: entity::workflow_draft_variables::Model) -> Self {
        Self {
            id: row.id,
            app_id: AppId(row.app_id),
            node_id: row.node_id,
            name: row.name,
            description: row.description,
            selector: row.selector.0,
            value_type: row.value_type,
            value: row.value.0,
            visible: row.visible,
            editable: row.editable,
            node_execution_id: row.node_execution_id.map(NodeRunId),
            file_id: row.file_id.map(FileId),
            is_default_value: row.is_default_value,
            last_edited_at: row.last_edited_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<DraftVariable> for entity::workflow_draft_variables::Model {
    fn from(item: DraftVariable) -> Self {
        Self {
            id: item.id,
            app_id: item.app_id.0,
            node_id: item.node_id,
            name: item.name,
            description: item.description,
            selector: JsonText(item.selector),
            value_type: item.value_type,
            value: JsonText(item.value),
            visible: item.visible,
            editable: item.editable,
            node_execution_id: item.node_execution_id.map(|id| id.0),
            file_id: item.file_id.map(|id| id.0),
            is_default_value: item.is_default_value,
            last_edited_at: item.last_edited_at,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// Full content of a draft variable that is too large for its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftVariableFile {
    pub id: FileId,
    pub tenant_id: TenantId,
    pub app_id: AppId,
    pub user_id: Uuid,
    pub upload_file_id: FileId,
    /// Bytes of its JSON.
    pub size: i64,
    /// Characters of a text, elements of a list, keys of an object.
    pub length: Option<i32>,
    pub value_type: String,
    pub created_at: DateTime<Utc>,
}

impl From<entity::workflow_draft_variable_files::Model> for DraftVariableFile {
    fn from(row: entity::workflow_draft_variable_files::Model) -> Self {
        Self {
            id: FileId(row.id),
            tenant_id: TenantId(row.tenant_id),
            app_id: AppId(row.app_id),
            user_id: row.user_id,
            upload_file_id: FileId(row.upload_file_id),
            size: row.size,
            length: row.length,
            value_type: row.value_type,
            created_at: row.created_at,
        }
    }
}

impl From<DraftVariableFile> for entity::workflow_draft_variable_files::Model {
    fn from(item: DraftVariableFile) -> Self {
        Self {
            id: item.id.0,
            tenant_id: item.tenant_id.0,
            app_id: item.app_id.0,
            user_id: item.user_id,
            upload_file_id: item.upload_file_id.0,
            size: item.size,
            length: item.length,
            value_type: item.value_type,
            created_at: item.created_at,
        }
    }
}
