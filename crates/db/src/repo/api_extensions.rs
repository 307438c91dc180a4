//! Services of workspaces that are asked about inputs and answers.

use ox_types::{TenantId, boxed};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::row;
use crate::{
    Result, Source, Tx,
    entity::api_based_extensions::{Column, Entity},
    model::ApiExtension,
};

/// More are not listed.
const MOST: u64 = 500;

/// Those of a workspace, newest first.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn list(source: &dyn Source, tenant: TenantId) -> Result<Vec<ApiExtension>> {
    let rows = Entity::find()
        .filter(Column::TenantId.eq(tenant.0))
        .order_by_desc(Column::CreatedAt)
        .limit(MOST)
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(ApiExtension::from).collect())
}

/// One of a workspace.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, tenant: TenantId, id: Uuid) -> Result<Option<ApiExtension>> {
    let found = Entity::find_by_id(id).filter(Column::TenantId.eq(tenant.0)).one(&source.executor()).await?;
    Ok(found.map(ApiExtension::from))
}

/// Adds one.
///
/// # Errors
/// A conflict when the workspace has another of this name.
#[boxed]
pub async fn insert(tx: &Tx, item: ApiExtension) -> Result<()> {
    row::insert::<Entity>(tx, item).await
}

/// Writes one anew.
///
/// # Errors
/// As [`insert`]; not found when it is gone.
#[boxed]
pub async fn update(tx: &Tx, item: ApiExtension) -> Result<()> {
    row::update::<Entity>(tx, "API extension", item).await
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
