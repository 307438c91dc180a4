//! MCP servers whose tools workspaces use.

use ox_types::{TenantId, boxed};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::{
    Result, Source, Tx,
    entity::tool_mcp_providers::{Column, Entity},
    model::McpProvider,
    repo::row,
};

/// More are not listed.
const MOST: u64 = 1000;

/// Those of a workspace, oldest first.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn list(source: &dyn Source, tenant: TenantId) -> Result<Vec<McpProvider>> {
    let query = Entity::find().filter(Column::TenantId.eq(tenant.0)).order_by_asc(Column::Id).limit(MOST);
    Ok(query.all(&source.executor()).await?.into_iter().map(McpProvider::from).collect())
}

/// One of a workspace.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, tenant: TenantId, id: Uuid) -> Result<Option<McpProvider>> {
    let query = Entity::find_by_id(id).filter(Column::TenantId.eq(tenant.0));
    Ok(query.one(&source.executor()).await?.map(McpProvider::from))
}

/// The one with this identifier.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn by_identifier(source: &dyn Source, tenant: TenantId, identifier: &str) -> Result<Option<McpProvider>> {
    let query = Entity::find().filter(Column::TenantId.eq(tenant.0)).filter(Column::ServerIdentifier.eq(identifier));
    Ok(query.one(&source.executor()).await?.map(McpProvider::from))
}

/// Adds one.
///
/// # Errors
/// A conflict when the workspace has another of this name, identifier or address.
#[boxed]
pub async fn insert(tx: &Tx, item: McpProvider) -> Result<()> {
    row::insert::<Entity>(tx, item).await
}

/// Writes one anew.
///
/// # Errors
/// As [`insert`]; not found when it is gone.
#[boxed]
pub async fn update(tx: &Tx, item: McpProvider) -> Result<()> {
    row::update::<Entity>(tx, "MCP provider", item).await
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
