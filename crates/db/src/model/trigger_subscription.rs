//! Subscriptions to the events of plugins.

use chrono::{DateTime, Utc};
use ox_types::{AccountId, Json, TenantId};
use uuid::Uuid;

use crate::entity::{self, JsonText};

/// A workspace's subscription, as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptSubscription {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub user_id: AccountId,
    pub provider_id: String,
    pub name: String,
    /// The last part of its address.
    pub endpoint_id: Uuid,
    /// `api-key`, `oauth2` or `unauthorized`.
    pub credential_type: String,
    pub parameters: Json,
    /// Credentials and properties, encrypted.
    pub encrypted_secrets: String,
    /// Unix seconds; -1: never.
    pub expires_at: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::trigger_subscriptions::Model> for KeptSubscription {
    fn from(row: entity::trigger_subscriptions::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            user_id: AccountId(row.user_id),
            provider_id: row.provider_id,
            name: row.name,
            endpoint_id: row.endpoint_id,
            credential_type: row.credential_type,
            parameters: row.parameters.0,
            encrypted_secrets: row.encrypted_secrets,
            expires_at: row.expires_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<KeptSubscription> for entity::trigger_subscriptions::Model {
    fn from(item: KeptSubscription) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            user_id: item.user_id.0,
            provider_id: item.provider_id,
            name: item.name,
            endpoint_id: item.endpoint_id,
            credential_type: item.credential_type,
            parameters: JsonText(item.parameters),
            encrypted_secrets: item.encrypted_secrets,
            expires_at: item.expires_at,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}
