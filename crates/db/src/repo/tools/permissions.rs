//! Which roles may use which tools.

use ox_types::{TenantId, boxed};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::{
    Result, Source, Tx,
    entity::tool_permissions::{Column, Entity},
    model::ToolPermission,
    repo::row,
};

/// A workspace has no more of them.
pub const MOST: u64 = 1000;

/// Those of a workspace.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn list(source: &dyn Source, tenant: TenantId) -> Result<Vec<ToolPermission>> {
    let query = Entity::find().filter(Column::TenantId.eq(tenant.0)).order_by_asc(Column::Id).limit(MOST);
    Ok(query.all(&source.executor()).await?.into_iter().map(ToolPermission::from).collect())
}

/// Writes the one about a tool, or about all of a provider.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn set(tx: &Tx, item: ToolPermission) -> Result<()> {
    let key = [Column::TenantId, Column::ProviderType, Column::ProviderId, Column::ToolName];
    row::upsert::<Entity>(tx, &key, &[Column::Id], item).await
}

/// Removes the one about a tool, or about all of a provider where `tool` is empty.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn delete(tx: &Tx, tenant: TenantId, kind: &str, provider: &str, tool: &str) -> Result<()> {
    let of = Entity::delete_many().filter(Column::TenantId.eq(tenant.0)).filter(Column::ProviderType.eq(kind));
    let one = of.filter(Column::ProviderId.eq(provider)).filter(Column::ToolName.eq(tool));
    one.exec(tx.connection()).await?;
    Ok(())
}

/// Removes all about a provider that goes.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn delete_all(tx: &Tx, tenant: TenantId, kind: &str, provider: &str) -> Result<()> {
    let of = Entity::delete_many().filter(Column::TenantId.eq(tenant.0)).filter(Column::ProviderType.eq(kind));
    of.filter(Column::ProviderId.eq(provider)).exec(tx.connection()).await?;
    Ok(())
}
