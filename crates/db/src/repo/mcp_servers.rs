//! MCP servers of apps.

use ox_types::{AppId, TenantId, boxed};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::row;
use crate::{
    Result, Source, Tx,
    entity::app_mcp_servers::{Column, Entity},
    model::McpServer,
};

/// The server of an app.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn of_app(source: &dyn Source, tenant: TenantId, app: AppId) -> Result<Option<McpServer>> {
    let query = Entity::find().filter(Column::TenantId.eq(tenant.0)).filter(Column::AppId.eq(app.0));
    Ok(query.one(&source.executor()).await?.map(McpServer::from))
}

/// A server of a workspace.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, tenant: TenantId, id: Uuid) -> Result<Option<McpServer>> {
    let query = Entity::find_by_id(id).filter(Column::TenantId.eq(tenant.0));
    Ok(query.one(&source.executor()).await?.map(McpServer::from))
}

/// The server at an address: who knows its code may call it.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn by_code(source: &dyn Source, code: &str) -> Result<Option<McpServer>> {
    let query = Entity::find().filter(Column::ServerCode.eq(code));
    Ok(query.one(&source.executor()).await?.map(McpServer::from))
}

/// Adds a server.
///
/// # Errors
/// A conflict when the app has one.
#[boxed]
pub async fn insert(tx: &Tx, server: McpServer) -> Result<()> {
    row::insert::<Entity>(tx, server).await
}

/// Writes a server anew.
///
/// # Errors
/// Not found when it is gone.
#[boxed]
pub async fn update(tx: &Tx, server: McpServer) -> Result<()> {
    row::update::<Entity>(tx, "MCP server", server).await
}
