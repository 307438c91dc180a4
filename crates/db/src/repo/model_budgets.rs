//! How much of models may be used, and what was told about it.

use chrono::{DateTime, Utc};
use ox_types::{TenantId, boxed};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, TryInsertResult,
    sea_query::Expr,
};
use uuid::Uuid;

use super::row;
use crate::{
    Result, Source, Tx,
    entity::{model_budget_alerts as alerts, model_budgets as budgets},
    model::{BudgetAlert, ModelBudget},
};

/// Those of a workspace, oldest first. Their number is bounded when one is added.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn list(source: &dyn Source, tenant: TenantId) -> Result<Vec<ModelBudget>> {
    let rows = budgets::Entity::find()
        .filter(budgets::Column::TenantId.eq(tenant.0))
        .order_by_asc(budgets::Column::CreatedAt)
        .order_by_asc(budgets::Column::Id)
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(ModelBudget::from).collect())
}

/// One of a workspace.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, tenant: TenantId, id: Uuid) -> Result<Option<ModelBudget>> {
    let query = budgets::Entity::find_by_id(id).filter(budgets::Column::TenantId.eq(tenant.0));
    Ok(query.one(&source.executor()).await?.map(ModelBudget::from))
}

/// Adds one.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn insert(tx: &Tx, budget: ModelBudget) -> Result<()> {
    row::insert::<budgets::Entity>(tx, budget).await
}

/// Writes one anew. What was told about it is forgotten: its limits may be others.
///
/// # Errors
/// Not found when it is gone.
#[boxed]
pub async fn update(tx: &Tx, budget: ModelBudget) -> Result<()> {
    let id = budget.id;
    row::update::<budgets::Entity>(tx, "budget", budget).await?;
    forget_alerts(tx, id).await
}

/// Removes one with what was told about it; tells whether it was there.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn delete(tx: &Tx, tenant: TenantId, id: Uuid) -> Result<bool> {
    let done = budgets::Entity::delete_many()
        .filter(budgets::Column::Id.eq(id))
        .filter(budgets::Column::TenantId.eq(tenant.0))
        .exec(tx.connection())
        .await?;
    if done.rows_affected > 0 {
        forget_alerts(tx, id).await?;
    }
    Ok(done.rows_affected > 0)
}

async fn forget_alerts(tx: &Tx, budget: Uuid) -> Result<()> {
    alerts::Entity::delete_many().filter(alerts::Column::BudgetId.eq(budget)).exec(tx.connection()).await?;
    Ok(())
}

/// Notes an alert; false when this threshold was told before.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn raise(tx: &Tx, alert: BudgetAlert) -> Result<bool> {
    use alerts::Column::{BudgetId, PeriodStart, Subject, Threshold};
    let row = alerts::Model::from(alert).into_active_model().reset_all();
    let once = [BudgetId, Subject, PeriodStart, Threshold];
    let done =
        alerts::Entity::insert(row).on_conflict_do_nothing_on(once).exec_without_returning(tx.connection()).await?;
    Ok(matches!(done, TryInsertResult::Inserted(rows) if rows > 0))
}

/// The newest alerts of a workspace.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn alerts(source: &dyn Source, tenant: TenantId, limit: u64) -> Result<Vec<BudgetAlert>> {
    let rows = alerts::Entity::find()
        .filter(alerts::Column::TenantId.eq(tenant.0))
        .order_by_desc(alerts::Column::CreatedAt)
        .order_by_desc(alerts::Column::Id)
        .limit(limit)
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(BudgetAlert::from).collect())
}

/// Alerts whose webhook is due.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn due(source: &dyn Source, at: DateTime<Utc>, limit: u64) -> Result<Vec<BudgetAlert>> {
    let rows = alerts::Entity::find()
        .filter(alerts::Column::Status.eq("pending"))
        .filter(alerts::Column::NextAttemptAt.lte(at))
        .order_by_asc(alerts::Column::NextAttemptAt)
        .limit(limit)
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(BudgetAlert::from).collect())
}

/// Takes one to send it: others leave it alone until `until`. False when it was taken already.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn take(tx: &Tx, alert: &BudgetAlert, until: DateTime<Utc>) -> Result<bool> {
    use alerts::Column;
    let changed = alerts::Entity::update_many()
        .col_expr(Column::NextAttemptAt, Expr::value(until))
        .col_expr(Column::Attempts, Expr::value(alert.attempts + 1))
        .filter(Column::Id.eq(alert.id))
        .filter(Column::Status.eq("pending"))
        .filter(Column::Attempts.eq(alert.attempts))
        .exec(tx.connection())
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Notes what came of an attempt.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn note(tx: &Tx, id: Uuid, status: &str, error: Option<&str>) -> Result<()> {
    use alerts::Column;
    alerts::Entity::update_many()
        .col_expr(Column::Status, Expr::value(status))
        .col_expr(Column::LastError, Expr::value(error))
        .filter(Column::Id.eq(id))
        .exec(tx.connection())
        .await?;
    Ok(())
}
