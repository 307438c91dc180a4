use chrono::{DateTime, Utc};
use ox_types::{AccountId, AppId, TenantId};
use uuid::Uuid;

use crate::entity::app_annotation_settings::Model;

/// That an app answers from its annotations, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct AnnotationSetting {
    pub app_id: AppId,
    pub id: Uuid,
    pub tenant_id: TenantId,
    /// How alike a question must be, 0 to 1.
    pub score_threshold: f64,
    pub embedding_provider: String,
    pub embedding_model: String,
    /// Of the app's annotations.
    pub version: i64,
    pub created_by: AccountId,
    pub updated_by: AccountId,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl From<Model> for AnnotationSetting {
    fn from(row: Model) -> Self {
        Self {
            app_id: AppId(row.app_id),
            id: row.id,
            tenant_id: TenantId(row.tenant_id),
            score_threshold: row.score_threshold,
            embedding_provider: row.embedding_provider_name,
            embedding_model: row.embedding_model_name,
            version: row.version,
            created_by: AccountId(row.created_user_id),
            updated_by: AccountId(row.updated_user_id),
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<AnnotationSetting> for Model {
    fn from(item: AnnotationSetting) -> Self {
        Self {
            app_id: item.app_id.0,
            id: item.id,
            tenant_id: item.tenant_id.0,
            score_threshold: item.score_threshold,
            embedding_provider_name: item.embedding_provider,
            embedding_model_name: item.embedding_model,
            version: item.version,
            created_user_id: item.created_by.0,
            updated_user_id: item.updated_by.0,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}
