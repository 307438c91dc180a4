//! Knowledge bases: settings, rules and metadata fields.

use chrono::{DateTime, Utc};
use ox_types::{AccountId, DatasetId, Json, TenantId};
use uuid::Uuid;

use crate::entity::{self, JsonText};

/// A knowledge base.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    pub id: DatasetId,
    pub tenant_id: TenantId,
    pub name: String,
    pub description: Option<String>,
    /// `vendor` or `external`.
    pub provider: String,
    /// `only_me`, `all_team_members` or `partial_members`.
    pub permission: String,
    pub data_source_type: Option<String>,
    /// `high_quality` or `economy`; none while it is empty.
    pub indexing_technique: Option<String>,
    pub index_struct: Option<String>,
    pub embedding_model: Option<String>,
    pub embedding_model_provider: Option<String>,
    pub keyword_number: i32,
    pub retrieval_model: Option<Json>,
    pub summary_index_setting: Option<Json>,
    pub built_in_field_enabled: bool,
    pub icon_info: Option<Json>,
    pub runtime_mode: String,
    pub pipeline_id: Option<Uuid>,
    /// Form of its chunks, where it is fixed before the first document.
    pub chunk_structure: Option<String>,
    pub enable_api: bool,
    pub is_multimodal: bool,
    /// A file was bound to one of its chunks: set with the first, and kept.
    pub has_attachments: bool,
    pub created_by: AccountId,
    pub updated_by: Option<AccountId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::datasets::Model> for Dataset {
    fn from(row: entity::datasets::Model) -> Self {
        Self {
            id: DatasetId(row.id),
            tenant_id: TenantId(row.tenant_id),
            name: row.name,
            description: row.description,
            provider: row.provider,
            permission: row.permission,
            data_source_type: row.data_source_type,
            indexing_technique: row.indexing_technique,
            index_struct: row.index_struct,
            embedding_model: row.embedding_model,
            embedding_model_provider: row.embedding_model_provider,
            keyword_number: row.keyword_number,
            retrieval_model: row.retrieval_model.map(|JsonText(json)| json),
            summary_index_setting: row.summary_index_setting.map(|JsonText(json)| json),
            built_in_field_enabled: row.built_in_field_enabled,
            icon_info: row.icon_info.map(|JsonText(json)| json),
            runtime_mode: row.runtime_mode,
            pipeline_id: row.pipeline_id,
            chunk_structure: row.chunk_structure,
            enable_api: row.enable_api,
            is_multimodal: row.is_multimodal,
            has_attachments: row.has_attachments,
            created_by: AccountId(row.created_by),
            updated_by: row.updated_by.map(AccountId),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<Dataset> for entity::datasets::Model {
    fn from(item: Dataset) -> Self {
        Self {
            id: item.id.0,
            tenant_id: item.tenant_id.0,
            name: item.name,
            description: item.description,
            provider: item.provider,
            permission: item.permission,
            data_source_type: item.data_source_type,
            indexing_technique: item.indexing_technique,
            index_struct: item.index_struct,
            embedding_model: item.embedding_model,
            embedding_model_provider: item.embedding_model_provider,
            keyword_number: item.keyword_number,
            retrieval_model: item.retrieval_model.map(JsonText),
            summary_index_setting: item.summary_index_setting.map(JsonText),
            built_in_field_enabled: item.built_in_field_enabled,
            icon_info: item.icon_info.map(JsonText),
            runtime_mode: item.runtime_mode,
            pipeline_id: item.pipeline_id,
            chunk_structure: item.chunk_structure,
            enable_api: item.enable_api,
            is_multimodal: item.is_multimodal,
            has_attachments: item.has_attachments,
            index_seq: 0,
            index_generation: 1,
            purged_seq: 0,
            created_by: item.created_by.0,
            updated_by: item.updated_by.map(|id| id.0),
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// How documents are cleaned and split, as it was chosen once.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessRuleRow {
    pub id: Uuid,
    pub dataset_id: DatasetId,
    pub mode: String,
    pub rules: Option<Json>,
    pub created_by: AccountId,
    pub created_at: DateTime<Utc>,
}

impl From<entity::dataset_process_rules::Model> for ProcessRuleRow {
    fn from(row: entity::dataset_process_rules::Model) -> Self {
        Self {
            id: row.id,
            dataset_id: DatasetId(row.dataset_id),
            mode: row.mode,
            rules: row.rules.map(|JsonText(json)| json),
            created_by: AccountId(row.created_by),
            created_at: row.created_at,
        }
    }
}

impl From<ProcessRuleRow> for entity::dataset_process_rules::Model {
    fn from(item: ProcessRuleRow) -> Self {
        Self {
            id: item.id,
            dataset_id: item.dataset_id.0,
            mode: item.mode,
            rules: item.rules.map(JsonText),
            created_by: item.created_by.0,
            created_at: item.created_at,
        }
    }
}

/// A field that documents of a knowledge base can have a value of.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataField {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub dataset_id: DatasetId,
    /// `string`, `number` or `time`.
    pub kind: String,
    pub name: String,
    pub created_by: AccountId,
    pub updated_by: Option<AccountId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::dataset_metadatas::Model> for MetadataField {
    fn from(row: entity::dataset_metadatas::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            dataset_id: DatasetId(row.dataset_id),
            kind: row.kind,
            name: row.name,
            created_by: AccountId(row.created_by),
            updated_by: row.updated_by.map(AccountId),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<MetadataField> for entity::dataset_metadatas::Model {
    fn from(item: MetadataField) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            dataset_id: item.dataset_id.0,
            kind: item.kind,
            name: item.name,
            created_by: item.created_by.0,
            updated_by: item.updated_by.map(|id| id.0),
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}
