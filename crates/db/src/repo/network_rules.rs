//! Where the calls of workspaces may go.

use ox_types::TenantId;
use ox_types::boxed;
use sea_orm::EntityTrait;

use super::row;
use crate::{
    Result, Source, Tx,
    entity::tenant_network_rules::{Column, Entity},
    model::NetworkRules,
};

/// Those of a workspace; `None` when it has none of its own.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, tenant: TenantId) -> Result<Option<NetworkRules>> {
    let found = Entity::find_by_id(tenant.0).one(&source.executor()).await?;
    Ok(found.map(NetworkRules::from))
}

/// Writes those of a workspace.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn set(tx: &Tx, rules: NetworkRules) -> Result<()> {
    row::upsert::<Entity>(tx, &[Column::TenantId], &[], rules).await
}
