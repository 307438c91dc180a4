//! Which run was made from which: replays and forks.

use ox_types::{AppId, RunId, TenantId, boxed};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::row;
use crate::{
    Result, Source, Tx,
    entity::workflow_run_origins::{Column, Entity},
    model::RunOrigin,
};

/// Notes where a run comes from.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn insert(tx: &Tx, origin: RunOrigin) -> Result<()> {
    row::insert::<Entity>(tx, origin).await
}

/// Where a run comes from; `None` for a run of its own.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn of_run(source: &dyn Source, tenant: TenantId, app: AppId, run: RunId) -> Result<Option<RunOrigin>> {
    let query = Entity::find_by_id(run.0).filter(Column::TenantId.eq(tenant.0)).filter(Column::AppId.eq(app.0));
    Ok(query.one(&source.executor()).await?.map(RunOrigin::from))
}

/// What was made from a run, newest first.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn children(
    source: &dyn Source,
    tenant: TenantId,
    app: AppId,
    parent: RunId,
    limit: u64,
) -> Result<Vec<RunOrigin>> {
    let query = Entity::find()
        .filter(Column::ParentRunId.eq(parent.0))
        .filter(Column::TenantId.eq(tenant.0))
        .filter(Column::AppId.eq(app.0))
        .order_by_desc(Column::CreatedAt)
        .limit(limit);
    Ok(query.all(&source.executor()).await?.into_iter().map(RunOrigin::from).collect())
}
