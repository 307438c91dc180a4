//! MCP servers whose tools workspaces use.

use ox_types::{Json, TenantId, boxed};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};
use uuid::Uuid;

use crate::{
    Error, Result, Source, Tx,
    entity::tool_mcp_providers::{Column, Entity},
    model::McpProvider,
    now,
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

/// Writes what is entered about one. Its tools and its sign-in stay as they are: they change while somebody edits.
///
/// # Errors
/// As [`insert`]; not found when it is gone.
#[boxed]
pub async fn update(tx: &Tx, item: McpProvider) -> Result<()> {
    let done = Entity::update_many()
        .col_expr(Column::Name, Expr::value(item.name))
        .col_expr(Column::ServerIdentifier, Expr::value(item.server_identifier))
        .col_expr(Column::ServerUrl, Expr::value(item.server_url))
        .col_expr(Column::ServerUrlHash, Expr::value(item.server_url_hash))
        .col_expr(Column::Icon, Expr::value(item.icon))
        .col_expr(Column::EncryptedHeaders, Expr::value(item.encrypted_headers))
        .col_expr(Column::Timeout, Expr::value(item.timeout))
        .col_expr(Column::SseReadTimeout, Expr::value(item.sse_read_timeout))
        .col_expr(Column::Personal, Expr::value(item.personal))
        .col_expr(Column::UpdatedAt, Expr::value(item.updated_at))
        .filter(Column::Id.eq(item.id))
        .filter(Column::TenantId.eq(item.tenant_id.0))
        .exec(tx.connection())
        .await?;
    if done.rows_affected == 0 { Err(Error::NotFound("MCP provider")) } else { Ok(()) }
}

/// Writes whether one lets the workspace in, and the tools that it told of where it was asked.
///
/// # Errors
/// Not found when it is gone.
#[boxed]
pub async fn set_tools(tx: &Tx, tenant: TenantId, id: Uuid, tools: Option<&Json>, authed: bool) -> Result<()> {
    let mut change = Entity::update_many();
    if let Some(tools) = tools {
        change = change.col_expr(Column::Tools, Expr::value(tools.to_string()));
    }
    let done = change
        .col_expr(Column::Authed, Expr::value(authed))
        .col_expr(Column::UpdatedAt, Expr::value(now()))
        .filter(Column::Id.eq(id))
        .filter(Column::TenantId.eq(tenant.0))
        .exec(tx.connection())
        .await?;
    if done.rows_affected == 0 { Err(Error::NotFound("MCP provider")) } else { Ok(()) }
}

/// Writes a sign-in, whatever there was.
///
/// # Errors
/// Not found when it is gone.
#[boxed]
pub async fn set_sign_in(tx: &Tx, tenant: TenantId, id: Uuid, sealed: Option<String>) -> Result<()> {
    let done = Entity::update_many()
        .col_expr(Column::EncryptedCredentials, Expr::value(sealed))
        .filter(Column::Id.eq(id))
        .filter(Column::TenantId.eq(tenant.0))
        .exec(tx.connection())
        .await?;
    if done.rows_affected == 0 { Err(Error::NotFound("MCP provider")) } else { Ok(()) }
}

/// Writes a sign-in where the one that was read is still there; tells whether it was. `before` is the row as read: a
/// sign-in is for one address, so that has to be the same, too.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn swap_sign_in(tx: &Tx, before: &McpProvider, sealed: String) -> Result<bool> {
    let same = match &before.encrypted_credentials {
        Some(known) => Column::EncryptedCredentials.eq(known.as_str()),
        None => Column::EncryptedCredentials.is_null(),
    };
    let done = Entity::update_many()
        .col_expr(Column::EncryptedCredentials, Expr::value(Some(sealed)))
        .filter(Column::Id.eq(before.id))
        .filter(Column::TenantId.eq(before.tenant_id.0))
        .filter(Column::ServerUrl.eq(before.server_url.as_str()))
        .filter(same)
        .exec(tx.connection())
        .await?;
    Ok(done.rows_affected == 1)
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
