//! Subscriptions of workspaces to the events of plugins.

use ox_types::{TenantId, boxed};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::{
    Result, Source, Tx,
    entity::{
        trigger_subscriptions::{Column, Entity},
        workflow_plugin_triggers as plugins,
    },
    model::KeptSubscription,
    repo::row,
};

/// More are not listed.
const MOST: u64 = 100;

/// Those of a workspace to one provider, oldest first.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn list(source: &dyn Source, tenant: TenantId, provider: &str) -> Result<Vec<KeptSubscription>> {
    let query = Entity::find()
        .filter(Column::TenantId.eq(tenant.0))
        .filter(Column::ProviderId.eq(provider))
        .order_by_asc(Column::Id)
        .limit(MOST);
    Ok(query.all(&source.executor()).await?.into_iter().map(KeptSubscription::from).collect())
}

/// One of a workspace.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, tenant: TenantId, id: Uuid) -> Result<Option<KeptSubscription>> {
    let query = Entity::find_by_id(id).filter(Column::TenantId.eq(tenant.0));
    Ok(query.one(&source.executor()).await?.map(KeptSubscription::from))
}

/// The one with this address, of any workspace: a request to it names nothing else.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn at(source: &dyn Source, endpoint: Uuid) -> Result<Option<KeptSubscription>> {
    let query = Entity::find().filter(Column::EndpointId.eq(endpoint));
    Ok(query.one(&source.executor()).await?.map(KeptSubscription::from))
}

/// Nodes of drafts that name it.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn in_use(source: &dyn Source, tenant: TenantId, id: Uuid) -> Result<u64> {
    let query = plugins::Entity::find()
        .filter(plugins::Column::TenantId.eq(tenant.0))
        .filter(plugins::Column::SubscriptionId.eq(id.to_string()));
    Ok(query.count(&source.executor()).await?)
}

/// Adds one.
///
/// # Errors
/// A conflict when the provider has another of this name.
#[boxed]
pub async fn insert(tx: &Tx, item: KeptSubscription) -> Result<()> {
    row::insert::<Entity>(tx, item).await
}

/// Writes one anew.
///
/// # Errors
/// As [`insert`]; not found when it is gone.
#[boxed]
pub async fn update(tx: &Tx, item: KeptSubscription) -> Result<()> {
    row::update::<Entity>(tx, "subscription", item).await
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
