//! Services of a workspace that are asked about inputs and answers.

use chrono::{DateTime, Utc};
use ox_types::TenantId;
use uuid::Uuid;

use crate::entity;

/// One such service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiExtension {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub name: String,
    pub api_endpoint: String,
    /// Encrypted.
    pub api_key: String,
    pub created_at: DateTime<Utc>,
}

impl From<entity::api_based_extensions::Model> for ApiExtension {
    fn from(row: entity::api_based_extensions::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            name: row.name,
            api_endpoint: row.api_endpoint,
            api_key: row.api_key,
            created_at: row.created_at,
        }
    }
}

impl From<ApiExtension> for entity::api_based_extensions::Model {
    fn from(item: ApiExtension) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            name: item.name,
            api_endpoint: item.api_endpoint,
            api_key: item.api_key,
            created_at: item.created_at,
        }
    }
}
