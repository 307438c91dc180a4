//! Keys by which somebody outside asks models through the gateway.

use chrono::{DateTime, Utc};
use ox_types::{AccountId, GatewayKeyId, Json, TenantId};

use crate::{entity, entity::JsonText};

/// One such key; the text of it is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayKey {
    pub id: GatewayKeyId,
    pub tenant_id: TenantId,
    pub name: String,
    /// SHA-256 of the key, in hex.
    pub token_hash: String,
    /// The beginning of the key, by which people tell it from others.
    pub token_prefix: String,
    /// `provider id/model` of each that may be asked; `None` is all.
    pub allowed_models: Option<Vec<String>>,
    /// `None` is no limit.
    pub requests_per_minute: Option<i32>,
    pub expires_at: Option<DateTime<Utc>>,
    pub enabled: bool,
    pub created_by: AccountId,
    pub last_used_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

impl From<entity::gateway_keys::Model> for GatewayKey {
    fn from(row: entity::gateway_keys::Model) -> Self {
        // A list that cannot be read allows nothing.
        let names = |JsonText(list): JsonText| serde_json::from_value(list).unwrap_or_default();
        Self {
            id: GatewayKeyId(row.id),
            tenant_id: TenantId(row.tenant_id),
            name: row.name,
            token_hash: row.token_hash,
            token_prefix: row.token_prefix,
            allowed_models: row.allowed_models.map(names),
            requests_per_minute: row.requests_per_minute,
            expires_at: row.expires_at,
            enabled: row.enabled,
            created_by: AccountId(row.created_by),
            last_used_at: row.last_used_at,
            created_at: row.created_at,
        }
    }
}

impl From<GatewayKey> for entity::gateway_keys::Model {
    fn from(item: GatewayKey) -> Self {
        Self {
            id: item.id.0,
            tenant_id: item.tenant_id.0,
            name: item.name,
            token_hash: item.token_hash,
            token_prefix: item.token_prefix,
            allowed_models: item.allowed_models.map(|names| JsonText(names.into_iter().map(Json::from).collect())),
            requests_per_minute: item.requests_per_minute,
            expires_at: item.expires_at,
            enabled: item.enabled,
            created_by: item.created_by.0,
            last_used_at: item.last_used_at,
            created_at: item.created_at,
        }
    }
}
