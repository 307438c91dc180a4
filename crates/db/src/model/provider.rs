//! Model providers and their credentials.

use chrono::{DateTime, Utc};
use ox_types::{Json, TenantId};
use uuid::Uuid;

use crate::entity::{self, JsonText};

/// A model provider a workspace has set up.
#[derive(Clone, Debug, PartialEq)]
pub struct Provider {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub provider_name: String,
    /// `custom` or `system`.
    pub provider_type: String,
    pub is_valid: bool,
    pub last_used: Option<DateTime<Utc>>,
    pub credential_id: Option<Uuid>,
    pub quota_type: String,
    pub quota_limit: Option<i64>,
    pub quota_used: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::providers::Model> for Provider {
    fn from(row: entity::providers::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            provider_name: row.provider_name,
            provider_type: row.provider_type,
            is_valid: row.is_valid,
            last_used: row.last_used,
            credential_id: row.credential_id,
            quota_type: row.quota_type,
            quota_limit: row.quota_limit,
            quota_used: row.quota_used,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<Provider> for entity::providers::Model {
    fn from(item: Provider) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            provider_name: item.provider_name,
            provider_type: item.provider_type,
            is_valid: item.is_valid,
            last_used: item.last_used,
            credential_id: item.credential_id,
            quota_type: item.quota_type,
            quota_limit: item.quota_limit,
            quota_used: item.quota_used,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// One credential of a provider.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderCredential {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub provider_name: String,
    pub credential_name: String,
    /// Secret fields encrypted.
    pub encrypted_config: Json,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::provider_credentials::Model> for ProviderCredential {
    fn from(row: entity::provider_credentials::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            provider_name: row.provider_name,
            credential_name: row.credential_name,
            encrypted_config: row.encrypted_config.0,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<ProviderCredential> for entity::provider_credentials::Model {
    fn from(item: ProviderCredential) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            provider_name: item.provider_name,
            credential_name: item.credential_name,
            encrypted_config: JsonText(item.encrypted_config),
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// A custom model.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderModel {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub provider_name: String,
    pub model_name: String,
    /// `text-generation`, `embeddings`, `reranking`, `speech2text`, `moderation`, `tts`.
    pub model_type: String,
    pub credential_id: Option<Uuid>,
    pub is_valid: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::provider_models::Model> for ProviderModel {
    fn from(row: entity::provider_models::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            provider_name: row.provider_name,
            model_name: row.model_name,
            model_type: row.model_type,
            credential_id: row.credential_id,
            is_valid: row.is_valid,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<ProviderModel> for entity::provider_models::Model {
    fn from(item: ProviderModel) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            provider_name: item.provider_name,
            model_name: item.model_name,
            model_type: item.model_type,
            credential_id: item.credential_id,
            is_valid: item.is_valid,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// One credential of a custom model.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderModelCredential {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub provider_name: String,
    pub model_name: String,
    pub model_type: String,
    pub credential_name: String,
    pub encrypted_config: Json,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::provider_model_credentials::Model> for ProviderModelCredential {
    fn from(row: entity::provider_model_credentials::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            provider_name: row.provider_name,
            model_name: row.model_name,
            model_type: row.model_type,
            credential_name: row.credential_name,
            encrypted_config: row.encrypted_config.0,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<ProviderModelCredential> for entity::provider_model_credentials::Model {
    fn from(item: ProviderModelCredential) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            provider_name: item.provider_name,
            model_name: item.model_name,
            model_type: item.model_type,
            credential_name: item.credential_name,
            encrypted_config: JsonText(item.encrypted_config),
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// Switches of one model.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderModelSetting {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub provider_name: String,
    pub model_name: String,
    pub model_type: String,
    pub enabled: bool,
    pub load_balancing_enabled: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::provider_model_settings::Model> for ProviderModelSetting {
    fn from(row: entity::provider_model_settings::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            provider_name: row.provider_name,
            model_name: row.model_name,
            model_type: row.model_type,
            enabled: row.enabled,
            load_balancing_enabled: row.load_balancing_enabled,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<ProviderModelSetting> for entity::provider_model_settings::Model {
    fn from(item: ProviderModelSetting) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            provider_name: item.provider_name,
            model_name: item.model_name,
            model_type: item.model_type,
            enabled: item.enabled,
            load_balancing_enabled: item.load_balancing_enabled,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// One of several credentials among which calls are spread.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadBalancingConfig {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub provider_name: String,
    pub model_name: String,
    pub model_type: String,
    /// `__inherit__`: the credential of the provider.
    pub name: String,
    pub encrypted_config: Option<Json>,
    pub credential_id: Option<Uuid>,
    pub credential_source_type: Option<String>,
    pub enabled: bool,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::load_balancing_model_configs::Model> for LoadBalancingConfig {
    fn from(row: entity::load_balancing_model_configs::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            provider_name: row.provider_name,
            model_name: row.model_name,
            model_type: row.model_type,
            name: row.name,
            encrypted_config: row.encrypted_config.map(|json| json.0),
            credential_id: row.credential_id,
            credential_source_type: row.credential_source_type,
            enabled: row.enabled,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<LoadBalancingConfig> for entity::load_balancing_model_configs::Model {
    fn from(item: LoadBalancingConfig) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            provider_name: item.provider_name,
            model_name: item.model_name,
            model_type: item.model_type,
            name: item.name,
            encrypted_config: item.encrypted_config.map(JsonText),
            credential_id: item.credential_id,
            credential_source_type: item.credential_source_type,
            enabled: item.enabled,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// The default model of one type.
#[derive(Clone, Debug, PartialEq)]
pub struct TenantDefaultModel {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub provider_name: String,
    pub model_name: String,
    pub model_type: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::tenant_default_models::Model> for TenantDefaultModel {
    fn from(row: entity::tenant_default_models::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            provider_name: row.provider_name,
            model_name: row.model_name,
            model_type: row.model_type,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<TenantDefaultModel> for entity::tenant_default_models::Model {
    fn from(item: TenantDefaultModel) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            provider_name: item.provider_name,
            model_name: item.model_name,
            model_type: item.model_type,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

/// A model that is asked when another does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFallback {
    pub provider_name: String,
    pub model_name: String,
    pub model_type: String,
    pub fallback_provider_name: String,
    pub fallback_model_name: String,
}

impl From<entity::model_fallbacks::Model> for ModelFallback {
    fn from(row: entity::model_fallbacks::Model) -> Self {
        Self {
            provider_name: row.provider_name,
            model_name: row.model_name,
            model_type: row.model_type,
            fallback_provider_name: row.fallback_provider_name,
            fallback_model_name: row.fallback_model_name,
        }
    }
}

/// Whether own or system credentials are used.
#[derive(Clone, Debug, PartialEq)]
pub struct PreferredProvider {
    pub id: Uuid,
    pub tenant_id: TenantId,
    pub provider_name: String,
    pub preferred_provider_type: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<entity::tenant_preferred_model_providers::Model> for PreferredProvider {
    fn from(row: entity::tenant_preferred_model_providers::Model) -> Self {
        Self {
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            provider_name: row.provider_name,
            preferred_provider_type: row.preferred_provider_type,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<PreferredProvider> for entity::tenant_preferred_model_providers::Model {
    fn from(item: PreferredProvider) -> Self {
        Self {
            id: item.id,
            tenant_id: item.tenant_id.0,
            provider_name: item.provider_name,
            preferred_provider_type: item.preferred_provider_type,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}
