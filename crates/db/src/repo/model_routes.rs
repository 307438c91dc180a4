//! By which keys a model is asked, and which models are asked in its place.

use ox_types::TenantId;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::Expr};
use uuid::Uuid;

use super::providers::ModelKey;
use crate::{
    Result, Tx,
    entity::{
        load_balancing_model_configs as configs, model_fallbacks as fallbacks, provider_model_settings as settings,
    },
    model::LoadBalancingConfig,
    now,
};

/// Spreads the calls of a model over several keys, or no longer.
pub async fn set_balanced(tx: &Tx, tenant: TenantId, key: ModelKey<'_>, on: bool) -> Result<()> {
    let connection = tx.connection();
    let changed = settings::Entity::update_many()
        .col_expr(settings::Column::LoadBalancingEnabled, Expr::value(on))
        .col_expr(settings::Column::UpdatedAt, Expr::value(now()))
        .filter(settings::Column::TenantId.eq(tenant.0))
        .filter(settings::Column::ProviderName.eq(key.provider))
        .filter(settings::Column::ModelName.eq(key.name))
        .filter(settings::Column::ModelType.eq(key.kind))
        .exec(connection)
        .await?;
    if changed.rows_affected == 0 {
        let row = settings::Model {
            id: ox_types::new_uuid(),
            tenant_id: tenant.0,
            provider_name: key.provider.to_owned(),
            model_name: key.name.to_owned(),
            model_type: key.kind.to_owned(),
            enabled: true,
            load_balancing_enabled: on,
            created_at: now(),
            updated_at: now(),
        };
        row.into_active_model().insert(connection).await?;
    }
    Ok(())
}

/// Puts the keys of a model in the place of those before.
pub async fn replace_keys(tx: &Tx, tenant: TenantId, key: ModelKey<'_>, rows: Vec<LoadBalancingConfig>) -> Result<()> {
    configs::Entity::delete_many()
        .filter(configs::Column::TenantId.eq(tenant.0))
        .filter(configs::Column::ProviderName.eq(key.provider))
        .filter(configs::Column::ModelName.eq(key.name))
        .filter(configs::Column::ModelType.eq(key.kind))
        .exec(tx.connection())
        .await?;
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
    fallbacks::Entity::delete_many()
        .filter(fallbacks::Column::TenantId.eq(tenant.0))
        .filter(fallbacks::Column::ProviderName.eq(key.provider))
        .filter(fallbacks::Column::ModelName.eq(key.name))
        .filter(fallbacks::Column::ModelType.eq(key.kind))
        .exec(tx.connection())
        .await?;
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
