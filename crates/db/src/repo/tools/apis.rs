//! Tools that OpenAPI documents describe.

use ox_types::{TenantId, boxed};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::{
    Result, Source, Tx,
    entity::tool_api_providers::{Column, Entity},
    model::ApiToolProvider,
    repo::row,
};

/// More are not listed.
const MOST: u64 = 1000;

/// Those of a workspace, oldest first.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn list(source: &dyn Source, tenant: TenantId) -> Result<Vec<ApiToolProvider>> {
    let query = Entity::find().filter(Column::TenantId.eq(tenant.0)).order_by_asc(Column::Id).limit(MOST);
    Ok(query.all(&source.executor()).await?.into_iter().map(ApiToolProvider::from).collect())
}

/// One of a workspace.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, tenant: TenantId, id: Uuid) -> Result<Option<ApiToolProvider>> {
    let query = Entity::find_by_id(id).filter(Column::TenantId.eq(tenant.0));
    Ok(query.one(&source.executor()).await?.map(ApiToolProvider::from))
}

/// The one of this name.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn by_name(source: &dyn Source, tenant: TenantId, name: &str) -> Result<Option<ApiToolProvider>> {
    let query = Entity::find().filter(Column::TenantId.eq(tenant.0)).filter(Column::Name.eq(name));
    Ok(query.one(&source.executor()).await?.map(ApiToolProvider::from))
}

/// Adds one.
///
/// # Errors
/// A conflict when the workspace has another of this name.
#[boxed]
pub async fn insert(tx: &Tx, item: ApiToolProvider) -> Result<()> {
    row::insert::<Entity>(tx, item).await
}

/// Writes one anew.
///
/// # Errors
/// As [`insert`]; not found when it is gone.
#[boxed]
pub async fn update(tx: &Tx, item: ApiToolProvider) -> Result<()> {
    row::update::<Entity>(tx, "tool provider", item).await
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
