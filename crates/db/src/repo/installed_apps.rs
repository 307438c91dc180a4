//! The apps in the Explore list of a workspace.

use chrono::{DateTime, Utc};
use ox_types::{AppId, TenantId, boxed};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, NullOrdering, Order},
};
use uuid::Uuid;

use super::row;
use crate::{
    Error, Result, Source, Tx,
    entity::installed_apps::{Column, Entity},
    model::InstalledApp,
};

/// Those of a workspace, or the one of an app: pinned first, then the last used.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn list(source: &dyn Source, tenant: TenantId, only: Option<AppId>) -> Result<Vec<InstalledApp>> {
    let mut query = Entity::find().filter(Column::TenantId.eq(tenant.0));
    if let Some(app) = only {
        query = query.filter(Column::AppId.eq(app.0));
    }
    let rows = query
        .order_by_desc(Column::IsPinned)
        .order_by_with_nulls(Column::LastUsedAt, Order::Desc, NullOrdering::Last)
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(InstalledApp::from).collect())
}

/// One of a workspace.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, tenant: TenantId, id: Uuid) -> Result<Option<InstalledApp>> {
    let found = Entity::find_by_id(id).filter(Column::TenantId.eq(tenant.0)).one(&source.executor()).await?;
    Ok(found.map(InstalledApp::from))
}

/// Adds an app.
///
/// # Errors
/// `Conflict` when the workspace has it already.
#[boxed]
pub async fn insert(tx: &Tx, installed: InstalledApp) -> Result<()> {
    row::insert::<Entity>(tx, installed).await
}

/// Keeps an app on top of the list, or not.
///
/// # Errors
/// `NotFound` when the workspace has no such entry.
#[boxed]
pub async fn set_pinned(tx: &Tx, tenant: TenantId, id: Uuid, pinned: bool) -> Result<()> {
    change(tx, tenant, id, Column::IsPinned, Expr::value(pinned)).await
}

/// Notes that somebody has used it.
///
/// # Errors
/// `NotFound` when the workspace has no such entry.
#[boxed]
pub async fn note_used(tx: &Tx, tenant: TenantId, id: Uuid, at: DateTime<Utc>) -> Result<()> {
    change(tx, tenant, id, Column::LastUsedAt, Expr::value(at)).await
}

async fn change(tx: &Tx, tenant: TenantId, id: Uuid, column: Column, value: Expr) -> Result<()> {
    let done = Entity::update_many()
        .col_expr(column, value)
        .filter(Column::Id.eq(id))
        .filter(Column::TenantId.eq(tenant.0))
        .exec(tx.connection())
        .await?;
    if done.rows_affected == 0 { Err(Error::NotFound("installed app")) } else { Ok(()) }
}

/// Takes an app from the list.
///
/// # Errors
/// `NotFound` when the workspace has no such entry.
#[boxed]
pub async fn delete(tx: &Tx, tenant: TenantId, id: Uuid) -> Result<()> {
    let done = Entity::delete_many()
        .filter(Column::Id.eq(id))
        .filter(Column::TenantId.eq(tenant.0))
        .exec(tx.connection())
        .await?;
    if done.rows_affected == 0 { Err(Error::NotFound("installed app")) } else { Ok(()) }
}
