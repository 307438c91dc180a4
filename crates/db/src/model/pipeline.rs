//! Pipelines of knowledge bases.

use chrono::{DateTime, Utc};
use ox_types::{AccountId, AppId, DocumentId, Json, TenantId, WorkflowId};
use uuid::Uuid;

use crate::entity::{self, JsonText};

/// A pipeline: its versions are workflows of the kind `rag-pipeline` under its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipeline {
    /// As its workflows name it.
    pub id: AppId,
    pub tenant_id: TenantId,
    pub name: String,
    pub description: String,
    pub is_published: bool,
    pub created_by: AccountId,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// The live version.
    pub workflow_id: Option<WorkflowId>,
}

impl From<entity::pipelines::Model> for Pipeline {
    fn from(row: entity::pipelines::Model) -> Self {
        Self {
            id: AppId(row.id),
            tenant_id: TenantId(row.tenant_id),
            name: row.name,
            description: row.description,
            is_published: row.is_published,
            created_by: AccountId(row.created_by),
            created_at: row.created_at,
            updated_at: row.updated_at,
            workflow_id: row.workflow_id.map(WorkflowId),
        }
    }
}

impl From<Pipeline> for entity::pipelines::Model {
    fn from(item: Pipeline) -> Self {
        Self {
            id: item.id.0,
            tenant_id: item.tenant_id.0,
            name: item.name,
            description: item.description,
            is_published: item.is_published,
            created_by: item.created_by.0,
            created_at: item.created_at,
            updated_at: item.updated_at,
            workflow_id: item.workflow_id.map(|id| id.0),
        }
    }
}

/// What a document of a pipeline is made of, so that it can be made anew.
#[derive(Clone, Debug, PartialEq)]
pub struct PipelineLog {
    pub document_id: DocumentId,
    pub pipeline_id: AppId,
    pub workflow_id: WorkflowId,
    pub datasource_type: String,
    pub datasource_info: Json,
    pub datasource_node_id: String,
    pub input_data: Json,
    pub created_by: AccountId,
    pub created_at: DateTime<Utc>,
}

impl From<entity::document_pipeline_execution_logs::Model> for PipelineLog {
    fn from(row: entity::document_pipeline_execution_logs::Model) -> Self {
        Self {
            document_id: DocumentId(row.document_id),
            pipeline_id: AppId(row.pipeline_id),
            workflow_id: WorkflowId(row.workflow_id),
            datasource_type: row.datasource_type,
            datasource_info: row.datasource_info.0,
            datasource_node_id: row.datasource_node_id,
            input_data: row.input_data.0,
            created_by: AccountId(row.created_by),
            created_at: row.created_at,
        }
    }
}

impl From<PipelineLog> for entity::document_pipeline_execution_logs::Model {
    fn from(item: PipelineLog) -> Self {
        Self {
            document_id: item.document_id.0,
            pipeline_id: item.pipeline_id.0,
            workflow_id: item.workflow_id.0,
            datasource_type: item.datasource_type,
            datasource_info: JsonText(item.datasource_info),
            datasource_node_id: item.datasource_node_id,
            input_data: JsonText(item.input_data),
            created_by: item.created_by.0,
            created_at: item.created_at,
        }
    }
}

/// A pipeline that a workspace keeps to make others of.
#[derive(Clone, Debug, PartialEq)]
pub struct PipelineTemplate {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub name: String,
    pub description: String,
    /// `{icon_type, icon, icon_background, icon_url}`
    pub icon: Json,
    pub position: i32,
    pub chunk_structure: String,
    /// The pipeline as a file.
    pub yaml_content: String,
    pub install_count: i32,
    pub language: String,
    pub created_by: AccountId,
    pub updated_by: Option<AccountId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::pipeline_customized_templates::Model> for PipelineTemplate {
    fn from(row: entity::pipeline_customized_templates::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            name: row.name,
            description: row.description,
            icon: row.icon.0,
            position: row.position,
            chunk_structure: row.chunk_structure,
            yaml_content: row.yaml_content,
            install_count: row.install_count,
            language: row.language,
            created_by: AccountId(row.created_by),
            updated_by: row.updated_by.map(AccountId),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<PipelineTemplate> for entity::pipeline_customized_templates::Model {
    fn from(item: PipelineTemplate) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            name: item.name,
            description: item.description,
            icon: JsonText(item.icon),
            position: item.position,
            chunk_structure: item.chunk_structure,
            yaml_content: item.yaml_content,
            install_count: item.install_count,
            language: item.language,
            created_by: item.created_by.0,
            updated_by: item.updated_by.map(|account| account.0),
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}
