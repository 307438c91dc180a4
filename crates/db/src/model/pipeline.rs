//! Pipelines of knowledge bases.

use chrono::{DateTime, Utc};
use ox_types::{AccountId, AppId, DocumentId, Json, TenantId, WorkflowId};

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
