//! Where the traces of an app go.

use chrono::{DateTime, Utc};
use ox_types::{AppId, Json, TenantId};
use uuid::Uuid;

use crate::entity;

/// How one provider is reached for one app.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceConfig {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub app_id: AppId,
    /// `langfuse`, `otlp`.
    pub provider: String,
    /// Secrets in it are encrypted.
    pub config: Json,
    pub is_active: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::trace_app_config::Model> for TraceConfig {
    fn from(row: entity::trace_app_config::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            app_id: AppId(row.app_id),
            provider: row.tracing_provider,
            config: row.tracing_config.0,
            is_active: row.is_active,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<TraceConfig> for entity::trace_app_config::Model {
    fn from(item: TraceConfig) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            app_id: item.app_id.0,
            tracing_provider: item.provider,
            tracing_config: entity::JsonText(item.config),
            is_active: item.is_active,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}
