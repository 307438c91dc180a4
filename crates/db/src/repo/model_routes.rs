//! By which keys a model is asked, and which models are asked in its place.

use ox_types::TenantId;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use uuid::Uuid;

use super::providers::{ModelKey, of_model};
use crate::{
    Result, Tx,
    entity::{load_balancing_model_configs as configs, model_fallbacks as fallbacks},
    model::LoadBalancingConfig,
    now,
};

/// Puts the keys of a model in the place of those before.
pub async fn replace_keys(tx: &Tx, tenant: TenantId, key: ModelKey<'_>, rows: Vec<LoadBalancingConfig>) -> Result<()> {
    of_model!(configs, configs::Entity::delete_many(), tenant, key).exec(tx.connection()).await?;
    for row in rows {
        configs::Model::from(row).into_active_model().insert(tx.connection()).await?;
    }
    Ok(())
}

/// A stored credential is gone: no model is asked by it any more.
pub async fn forget_credential(tx: &Tx, tenant: TenantId, credential: Uuid) -> Result<()> {
    configs::Entity::delete_many()
        .filter(configs::Column::TenantId.eq(tenant.0))
        .filter(configs::Column::CredentialId.eq(credential))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Puts the models that are asked in a model's place (provider, name) in the place of those before.
pub async fn replace_fallbacks(tx: &Tx, tenant: TenantId, key: ModelKey<'_>, chain: &[(String, String)]) -> Result<()> {
    of_model!(fallbacks, fallbacks::Entity::delete_many(), tenant, key).exec(tx.connection()).await?;
    for (position, (provider, model)) in (0..).zip(chain) {
        let row = fallbacks::Model {
            id: ox_types::new_uuid(),
            tenant_id: tenant.0,
            provider_name: key.provider.to_owned(),
            model_name: key.name.to_owned(),
            model_type: key.kind.to_owned(),
            position,
            fallback_provider_name: provider.clone(),
            fallback_model_name: model.clone(),
            created_at: now(),
        };
        row.into_active_model().insert(tx.connection()).await?;
    }
    Ok(())
}
