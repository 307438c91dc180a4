//! What a workspace has set up of model providers: credentials, custom models, switches, defaults.

use ox_types::TenantId;
use ox_types::boxed;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, sea_query::Expr};
use uuid::Uuid;

use crate::{
    Result, Source, Tx,
    entity::{
        load_balancing_model_configs, model_fallbacks, provider_credentials, provider_model_credentials,
        provider_model_settings, provider_models, providers, tenant_default_models,
    },
    model::{
        LoadBalancingConfig, ModelFallback, Provider, ProviderCredential, ProviderModel, ProviderModelCredential,
        ProviderModelSetting, TenantDefaultModel,
    },
    now,
};

/// Everything a workspace has set up, read in one go.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    pub providers: Vec<Provider>,
    pub credentials: Vec<ProviderCredential>,
    pub models: Vec<ProviderModel>,
    pub model_credentials: Vec<ProviderModelCredential>,
    pub settings: Vec<ProviderModelSetting>,
    pub defaults: Vec<TenantDefaultModel>,
    pub balancing: Vec<LoadBalancingConfig>,
    /// In the order in which they are asked.
    pub fallbacks: Vec<ModelFallback>,
}

/// Reads what a workspace has set up.
#[boxed]
pub async fn setup(source: &dyn Source, tenant: TenantId) -> Result<Setup> {
    macro_rules! rows {
        ($table:ident) => {
            rows!($table, CreatedAt)
        };
        ($table:ident, $order:ident) => {
            $table::Entity::find()
                .filter($table::Column::TenantId.eq(tenant.0))
                .order_by_asc($table::Column::$order)
                .all(&source.executor())
                .await?
                .into_iter()
                .map(Into::into)
                .collect()
        };
    }
    Ok(Setup {
        providers: rows!(providers),
        credentials: rows!(provider_credentials),
        models: rows!(provider_models),
        model_credentials: rows!(provider_model_credentials),
        settings: rows!(provider_model_settings),
        defaults: rows!(tenant_default_models),
        balancing: rows!(load_balancing_model_configs),
        fallbacks: rows!(model_fallbacks, Position),
    })
}

/// Stores a new credential of a provider.
#[boxed]
pub async fn insert_credential(tx: &Tx, credential: &ProviderCredential) -> Result<()> {
    provider_credentials::Model::from(credential.clone()).into_active_model().insert(tx.connection()).await?;
    Ok(())
}

/// Stores a changed credential.
#[boxed]
pub async fn update_credential(tx: &Tx, credential: &ProviderCredential) -> Result<()> {
    provider_credentials::Model::from(credential.clone())
        .into_active_model()
        .reset_all()
        .update(tx.connection())
        .await?;
    Ok(())
}

/// Deletes a credential of a provider.
#[boxed]
pub async fn delete_credential(tx: &Tx, tenant: TenantId, id: Uuid) -> Result<()> {
    provider_credentials::Entity::delete_many()
        .filter(provider_credentials::Column::TenantId.eq(tenant.0))
        .filter(provider_credentials::Column::Id.eq(id))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Makes a credential the one that is used (`None`: none is).
#[boxed]
pub async fn activate(tx: &Tx, tenant: TenantId, provider: &str, credential: Option<Uuid>) -> Result<()> {
    let connection = tx.connection();
    let found = providers::Entity::find()
        .filter(providers::Column::TenantId.eq(tenant.0))
        .filter(providers::Column::ProviderName.eq(provider))
        .filter(providers::Column::ProviderType.eq("custom"))
        .one(connection)
        .await?;
    match found {
        Some(row) => {
            let row = providers::Model { credential_id: credential, is_valid: true, updated_at: now(), ..row };
            row.into_active_model().reset_all().update(connection).await?;
        }
        None => {
            let row = providers::Model {
                id: ox_types::new_uuid(),
                tenant_id: tenant.0,
                provider_name: provider.to_owned(),
                provider_type: "custom".into(),
                is_valid: true,
                last_used: None,
                credential_id: credential,
                quota_type: String::new(),
                quota_limit: None,
                quota_used: 0,
                created_at: now(),
                updated_at: now(),
            };
            row.into_active_model().insert(connection).await?;
        }
    }
    Ok(())
}

/// Which model of a workspace: provider, name and stored type.
#[derive(Clone, Copy, Debug)]
pub struct ModelKey<'a> {
    pub provider: &'a str,
    pub name: &'a str,
    pub kind: &'a str,
}

macro_rules! of_model {
    ($table:ident, $query:expr, $tenant:expr, $key:expr) => {
        $query
            .filter($table::Column::TenantId.eq($tenant.0))
            .filter($table::Column::ProviderName.eq($key.provider))
            .filter($table::Column::ModelName.eq($key.name))
            .filter($table::Column::ModelType.eq($key.kind))
    };
}
pub(super) use of_model;

/// Adds a custom model, or points it at another credential.
pub async fn put_model(tx: &Tx, tenant: TenantId, key: ModelKey<'_>, credential: Option<Uuid>) -> Result<()> {
    let connection = tx.connection();
    match of_model!(provider_models, provider_models::Entity::find(), tenant, key).one(connection).await? {
        Some(row) => {
            let row = provider_models::Model { credential_id: credential, is_valid: true, updated_at: now(), ..row };
            row.into_active_model().reset_all().update(connection).await?;
        }
        None => {
            let row = provider_models::Model {
                id: ox_types::new_uuid(),
                tenant_id: tenant.0,
                provider_name: key.provider.to_owned(),
                model_name: key.name.to_owned(),
                model_type: key.kind.to_owned(),
                credential_id: credential,
                is_valid: true,
                created_at: now(),
                updated_at: now(),
            };
            row.into_active_model().insert(connection).await?;
        }
    }
    Ok(())
}

/// Removes a custom model with its credentials.
pub async fn delete_model(tx: &Tx, tenant: TenantId, key: ModelKey<'_>) -> Result<()> {
    let connection = tx.connection();
    of_model!(provider_models, provider_models::Entity::delete_many(), tenant, key).exec(connection).await?;
    of_model!(provider_model_credentials, provider_model_credentials::Entity::delete_many(), tenant, key)
        .exec(connection)
        .await?;
    Ok(())
}

/// Stores a new credential of a custom model.
#[boxed]
pub async fn insert_model_credential(tx: &Tx, credential: &ProviderModelCredential) -> Result<()> {
    provider_model_credentials::Model::from(credential.clone()).into_active_model().insert(tx.connection()).await?;
    Ok(())
}

/// Stores a changed credential of a custom model.
#[boxed]
pub async fn update_model_credential(tx: &Tx, credential: &ProviderModelCredential) -> Result<()> {
    let row = provider_model_credentials::Model::from(credential.clone());
    row.into_active_model().reset_all().update(tx.connection()).await?;
    Ok(())
}

/// Deletes a credential of a custom model.
#[boxed]
pub async fn delete_model_credential(tx: &Tx, tenant: TenantId, id: Uuid) -> Result<()> {
    provider_model_credentials::Entity::delete_many()
        .filter(provider_model_credentials::Column::TenantId.eq(tenant.0))
        .filter(provider_model_credentials::Column::Id.eq(id))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Switches a model on or off.
pub async fn set_enabled(tx: &Tx, tenant: TenantId, key: ModelKey<'_>, enabled: bool) -> Result<()> {
    set_switch(tx, tenant, key, provider_model_settings::Column::Enabled, enabled).await
}

/// Spreads the calls of a model over several keys, or no longer.
pub async fn set_balanced(tx: &Tx, tenant: TenantId, key: ModelKey<'_>, on: bool) -> Result<()> {
    set_switch(tx, tenant, key, provider_model_settings::Column::LoadBalancingEnabled, on).await
}

/// Turns one switch of a model; a model that has none yet is on, with one key.
async fn set_switch(
    tx: &Tx,
    tenant: TenantId,
    key: ModelKey<'_>,
    switch: provider_model_settings::Column,
    on: bool,
) -> Result<()> {
    let connection = tx.connection();
    let changed = of_model!(
        provider_model_settings,
        provider_model_settings::Entity::update_many()
            .col_expr(switch, Expr::value(on))
            .col_expr(provider_model_settings::Column::UpdatedAt, Expr::value(now())),
        tenant,
        key
    )
    .exec(connection)
    .await?;
    if changed.rows_affected == 0 {
        let row = provider_model_settings::Model {
            id: ox_types::new_uuid(),
            tenant_id: tenant.0,
            provider_name: key.provider.to_owned(),
            model_name: key.name.to_owned(),
            model_type: key.kind.to_owned(),
            enabled: true,
            load_balancing_enabled: false,
            created_at: now(),
            updated_at: now(),
        };
        let mut row = row.into_active_model();
        row.set(switch, on.into());
        row.insert(connection).await?;
    }
    Ok(())
}

/// Makes a model the default of its type.
pub async fn set_default(tx: &Tx, tenant: TenantId, key: ModelKey<'_>) -> Result<()> {
    let connection = tx.connection();
    tenant_default_models::Entity::delete_many()
        .filter(tenant_default_models::Column::TenantId.eq(tenant.0))
        .filter(tenant_default_models::Column::ModelType.eq(key.kind))
        .exec(connection)
        .await?;
    let row = tenant_default_models::Model {
        id: ox_types::new_uuid(),
        tenant_id: tenant.0,
        provider_name: key.provider.to_owned(),
        model_name: key.name.to_owned(),
        model_type: key.kind.to_owned(),
        created_at: now(),
        updated_at: now(),
    };
    row.into_active_model().insert(connection).await?;
    Ok(())
}
