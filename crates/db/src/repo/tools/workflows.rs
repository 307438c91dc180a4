//! Workflows as tools.

use ox_types::{AppId, TenantId, boxed};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::{
    Result, Source, Tx,
    entity::tool_workflow_providers::{Column, Entity},
    model::WorkflowTool,
    repo::row,
};

/// More are not listed.
const MOST: u64 = 1000;

/// Those of a workspace, oldest first.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn list(source: &dyn Source, tenant: TenantId) -> Result<Vec<WorkflowTool>> {
    let query = Entity::find().filter(Column::TenantId.eq(tenant.0)).order_by_asc(Column::Id).limit(MOST);
    Ok(query.all(&source.executor()).await?.into_iter().map(WorkflowTool::from).collect())
}

/// One of a workspace.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, tenant: TenantId, id: Uuid) -> Result<Option<WorkflowTool>> {
    let query = Entity::find_by_id(id).filter(Column::TenantId.eq(tenant.0));
    Ok(query.one(&source.executor()).await?.map(WorkflowTool::from))
}

/// The tool that an app is.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn of_app(source: &dyn Source, tenant: TenantId, app: AppId) -> Result<Option<WorkflowTool>> {
    let query = Entity::find().filter(Column::TenantId.eq(tenant.0)).filter(Column::AppId.eq(app.0));
    Ok(query.one(&source.executor()).await?.map(WorkflowTool::from))
}

/// Adds one.
///
/// # Errors
/// A conflict when the workspace has another of this name or of this app.
#[boxed]
pub async fn insert(tx: &Tx, item: WorkflowTool) -> Result<()> {
    row::insert::<Entity>(tx, item).await
}

/// Writes one anew.
///
/// # Errors
/// As [`insert`]; not found when it is gone.
#[boxed]
pub async fn update(tx: &Tx, item: WorkflowTool) -> Result<()> {
    row::update::<Entity>(tx, "workflow tool", item).await
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
