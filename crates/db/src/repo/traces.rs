//! Where the traces of apps go.

use ox_types::{AppId, TenantId, boxed};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::row;
use crate::{
    Result, Source, Tx,
    entity::trace_app_config::{Column, Entity},
    model::TraceConfig,
};

/// How a provider is reached for an app.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, tenant: TenantId, app: AppId, provider: &str) -> Result<Option<TraceConfig>> {
    let found = Entity::find()
        .filter(Column::TenantId.eq(tenant.0))
        .filter(Column::AppId.eq(app.0))
        .filter(Column::TracingProvider.eq(provider))
        .one(&source.executor())
        .await?;
    Ok(found.map(TraceConfig::from))
}

/// Adds one.
///
/// # Errors
/// A conflict when the app has one of this provider.
#[boxed]
pub async fn insert(tx: &Tx, item: TraceConfig) -> Result<()> {
    row::insert::<Entity>(tx, item).await
}

/// Writes one anew.
///
/// # Errors
/// Not found when it is gone.
#[boxed]
pub async fn update(tx: &Tx, item: TraceConfig) -> Result<()> {
    row::update::<Entity>(tx, "trace configuration", item).await
}

/// Removes one; tells whether there was one.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn delete(tx: &Tx, tenant: TenantId, id: Uuid) -> Result<bool> {
    let done = Entity::delete_by_id(id).filter(Column::TenantId.eq(tenant.0)).exec(tx.connection()).await?;
    Ok(done.rows_affected > 0)
}
