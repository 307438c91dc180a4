//! How far rebuilds and moves of indexes are, and whose they are.
//!
//! A knowledge base has one record, of the last one. Who works holds its lease, under the id of this attempt: whoever
//! begins or takes over gives it another, so that the one before can write nothing any more. Times are those of the
//! clock that the processes share ([`shared_now`]).

use std::time::Duration;

use chrono::{DateTime, Utc};
use ox_types::{DatasetId, TenantId, boxed};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    UpdateMany,
    sea_query::{Expr, ExprTrait, OnConflict},
};
use uuid::Uuid;

use crate::{
    Result, Source, Tx,
    entity::index_rebuilds::{Column, Entity, Model},
    model::{IndexRebuild, NewIndexRebuild, RebuildOrigin, RebuildStep},
    time::shared_now,
};

const RUNNING: &str = "running";

/// Nobody works on it any more.
fn free(at: DateTime<Utc>) -> Condition {
    Condition::any()
        .add(Column::LeasedBy.is_null())
        .add(Column::LeasedUntil.lt(at))
        .add(Expr::cust("NOT EXISTS (SELECT 1 FROM processes p WHERE p.id = index_rebuilds.leased_by)"))
}

fn of(tenant: TenantId, dataset: DatasetId) -> Condition {
    Condition::all().add(Column::TenantId.eq(tenant.0)).add(Column::DatasetId.eq(dataset.0))
}

/// The last one of a knowledge base.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, tenant: TenantId, dataset: DatasetId) -> Result<Option<IndexRebuild>> {
    let found = Entity::find().filter(of(tenant, dataset)).one(&source.executor()).await?;
    Ok(found.map(IndexRebuild::from))
}

/// Whether that of a knowledge base has not ended, and yet nobody works on it any more.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn is_interrupted(source: &dyn Source, tenant: TenantId, dataset: DatasetId) -> Result<bool> {
    let at = shared_now(source).await?;
    let query = Entity::find().filter(of(tenant, dataset)).filter(Column::Status.eq(RUNNING)).filter(free(at));
    Ok(query.one(&source.executor()).await?.is_some())
}

/// Begins one; none while another runs.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn begin(tx: &Tx, new: NewIndexRebuild, process: Uuid, life: Duration) -> Result<Option<IndexRebuild>> {
    let at = shared_now(tx).await?;
    let over = Condition::any().add(Column::Status.ne(RUNNING)).add(free(at));
    Entity::delete_many().filter(of(new.tenant_id, new.dataset_id)).filter(over).exec(tx.connection()).await?;
    let row = Model {
        dataset_id: new.dataset_id.0,
        tenant_id: new.tenant_id.0,
        id: ox_types::new_uuid(),
        kind: new.kind.as_str().to_owned(),
        origin: new.origin.as_str().to_owned(),
        target: new.target,
        phase: "waiting".to_owned(),
        done: 0,
        total: 0,
        rate: None,
        status: RUNNING.to_owned(),
        error: None,
        attempts: 1,
        leased_by: Some(process),
        leased_until: Some(at + life),
        created_by: new.created_by.map(|id| id.0),
        started_at: at,
        updated_at: at,
        finished_at: None,
    };
    let id = row.id;
    Entity::insert(row.into_active_model().reset_all())
        .on_conflict(OnConflict::column(Column::DatasetId).do_nothing().to_owned())
        .exec_without_returning(tx.connection())
        .await?;
    // Whose row is there now says who was first.
    let found = find(tx, new.tenant_id, new.dataset_id).await?;
    Ok(found.filter(|found| found.id == id))
}

/// Those that servers have begun and nobody works on any more, oldest first.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn forsaken(source: &dyn Source, limit: u64) -> Result<Vec<IndexRebuild>> {
    let at = shared_now(source).await?;
    let rows = Entity::find()
        .filter(Column::Status.eq(RUNNING))
        .filter(Column::Origin.eq(RebuildOrigin::Studio.as_str()))
        .filter(free(at))
        .order_by_asc(Column::StartedAt)
        .limit(limit)
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(IndexRebuild::from).collect())
}

/// Takes over what nobody works on any more, as another attempt; none when somebody does.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn claim(tx: &Tx, before: &IndexRebuild, process: Uuid, life: Duration) -> Result<Option<IndexRebuild>> {
    let (at, id) = (shared_now(tx).await?, ox_types::new_uuid());
    let done = Entity::update_many()
        .col_expr(Column::Id, Expr::value(id))
        .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
        .col_expr(Column::LeasedBy, Expr::value(Some(process)))
        .col_expr(Column::LeasedUntil, Expr::value(Some(at + life)))
        .col_expr(Column::UpdatedAt, Expr::value(at))
        .filter(of(before.tenant_id, before.dataset_id))
        .filter(Column::Id.eq(before.id))
        .filter(Column::Status.eq(RUNNING))
        .filter(free(at))
        .exec(tx.connection())
        .await?;
    if done.rows_affected == 0 { Ok(None) } else { find(tx, before.tenant_id, before.dataset_id).await }
}

fn held(held: &IndexRebuild) -> UpdateMany<Entity> {
    Entity::update_many()
        .filter(of(held.tenant_id, held.dataset_id))
        .filter(Column::Id.eq(held.id))
        .filter(Column::Status.eq(RUNNING))
}

/// Writes how far an attempt is, and prolongs its lease; false when it was stopped or is another's by now.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn keep(tx: &Tx, attempt: &IndexRebuild, step: &RebuildStep, life: Duration) -> Result<bool> {
    let at = shared_now(tx).await?;
    let done = held(attempt)
        .col_expr(Column::Target, Expr::value(step.target.as_str()))
        .col_expr(Column::Phase, Expr::value(step.phase.as_str()))
        .col_expr(Column::Done, Expr::value(step.done))
        .col_expr(Column::Total, Expr::value(step.total))
        .col_expr(Column::Rate, Expr::value(step.rate))
        .col_expr(Column::LeasedUntil, Expr::value(Some(at + life)))
        .col_expr(Column::UpdatedAt, Expr::value(at))
        .exec(tx.connection())
        .await?;
    Ok(done.rows_affected > 0)
}

/// Ends an attempt: without an error it is completed. False when it was stopped or is another's by now.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn finish(tx: &Tx, attempt: &IndexRebuild, error: Option<&str>) -> Result<bool> {
    let at = shared_now(tx).await?;
    let status = if error.is_some() { "error" } else { "completed" };
    Ok(ended(held(attempt), status, error, at).exec(tx.connection()).await?.rows_affected > 0)
}

fn ended(update: UpdateMany<Entity>, status: &str, error: Option<&str>, at: DateTime<Utc>) -> UpdateMany<Entity> {
    update
        .col_expr(Column::Status, Expr::value(status))
        .col_expr(Column::Error, Expr::value(error))
        .col_expr(Column::LeasedBy, Expr::value(Option::<Uuid>::None))
        .col_expr(Column::LeasedUntil, Expr::value(Option::<DateTime<Utc>>::None))
        .col_expr(Column::UpdatedAt, Expr::value(at))
        .col_expr(Column::FinishedAt, Expr::value(Some(at)))
}

/// Gives an attempt back that is not at its end: another may take it over at once, and this one does not count.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn release(tx: &Tx, attempt: &IndexRebuild) -> Result<()> {
    held(attempt)
        .col_expr(Column::Attempts, Expr::col(Column::Attempts).sub(1))
        .col_expr(Column::LeasedBy, Expr::value(Option::<Uuid>::None))
        .col_expr(Column::LeasedUntil, Expr::value(Option::<DateTime<Utc>>::None))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Stops that of a knowledge base while it works on the local copy: what is made of that can be thrown away, where a
/// store that is being filled has lost what it knew. False when it does not, or does not run.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn stop(tx: &Tx, tenant: TenantId, dataset: DatasetId) -> Result<bool> {
    let at = shared_now(tx).await?;
    let update = Entity::update_many()
        .filter(of(tenant, dataset))
        .filter(Column::Status.eq(RUNNING))
        .filter(Column::Target.eq("local"));
    Ok(ended(update, "stopped", None, at).exec(tx.connection()).await?.rows_affected > 0)
}
