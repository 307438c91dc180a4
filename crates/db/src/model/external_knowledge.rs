use chrono::{DateTime, Utc};
use ox_types::{AccountId, DatasetId, TenantId};
use uuid::Uuid;

use crate::entity::{JsonText, external_knowledge_apis, external_knowledge_bindings};

/// A service of somebody else that searches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalKnowledgeApi {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub name: String,
    pub description: String,
    pub endpoint: String,
    /// Encrypted.
    pub api_key: String,
    pub created_by: AccountId,
    pub updated_by: Option<AccountId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Which knowledge of a service a dataset stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalKnowledgeBinding {
    pub dataset_id: DatasetId,
    pub tenant_id: TenantId,
    pub api_id: Uuid,
    pub knowledge_id: String,
    pub created_by: AccountId,
    pub created_at: DateTime<Utc>,
}

impl From<external_knowledge_apis::Model> for ExternalKnowledgeApi {
    fn from(row: external_knowledge_apis::Model) -> Self {
        let JsonText(settings) = row.settings;
        let text = |name: &str| settings.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            name: row.name,
            description: row.description,
            endpoint: text("endpoint"),
            api_key: text("api_key"),
            created_by: AccountId(row.created_by),
            updated_by: row.updated_by.map(AccountId),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<ExternalKnowledgeApi> for external_knowledge_apis::Model {
    fn from(item: ExternalKnowledgeApi) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            name: item.name,
            description: item.description,
            settings: JsonText(serde_json::json!({"endpoint": item.endpoint, "api_key": item.api_key})),
            created_by: item.created_by.0,
            updated_by: item.updated_by.map(|id| id.0),
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

impl From<external_knowledge_bindings::Model> for ExternalKnowledgeBinding {
    fn from(row: external_knowledge_bindings::Model) -> Self {
        Self {
            dataset_id: DatasetId(row.dataset_id),
            tenant_id: TenantId(row.tenant_id),
            api_id: row.external_knowledge_api_id,
            knowledge_id: row.external_knowledge_id,
            created_by: AccountId(row.created_by),
            created_at: row.created_at,
        }
    }
}

impl From<ExternalKnowledgeBinding> for external_knowledge_bindings::Model {
    fn from(item: ExternalKnowledgeBinding) -> Self {
        Self {
            dataset_id: item.dataset_id.0,
            tenant_id: item.tenant_id.0,
            external_knowledge_api_id: item.api_id,
            external_knowledge_id: item.knowledge_id,
            created_by: item.created_by.0,
            created_at: item.created_at,
        }
    }
}
