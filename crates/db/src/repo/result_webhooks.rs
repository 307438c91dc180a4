//! Where results of runs are to be sent.

use chrono::{DateTime, Utc};
use ox_types::{AppId, RunId, TenantId, boxed};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, Statement, sea_query::Expr};
use uuid::Uuid;

use super::row;
use crate::{
    Result, Source, Tx,
    entity::result_webhooks::{Column, Entity, Model},
    model::ResultWebhook,
};

/// Keeps where a result goes.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn insert(tx: &Tx, webhook: ResultWebhook) -> Result<()> {
    row::insert::<Entity>(tx, webhook).await
}

/// That of a run.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn of_run(source: &dyn Source, tenant: TenantId, app: AppId, run: RunId) -> Result<Option<ResultWebhook>> {
    let query = Entity::find()
        .filter(Column::RunId.eq(run.0))
        .filter(Column::TenantId.eq(tenant.0))
        .filter(Column::AppId.eq(app.0));
    Ok(query.one(&source.executor()).await?.map(ResultWebhook::from))
}

/// Those of finished runs that are due.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn due(source: &dyn Source, at: DateTime<Utc>, limit: u64) -> Result<Vec<ResultWebhook>> {
    let executor = source.executor();
    let statement = Statement::from_sql_and_values(
        executor.get_database_backend(),
        "SELECT w.* FROM result_webhooks w JOIN workflow_runs r ON r.id = w.run_id WHERE w.status = 'pending' AND \
         w.next_attempt_at <= $1 AND r.finished_at IS NOT NULL ORDER BY w.next_attempt_at LIMIT $2",
        [at.into(), i64::try_from(limit).unwrap_or(i64::MAX).into()],
    );
    let rows = Model::find_by_statement(statement).all(&executor).await?;
    Ok(rows.into_iter().map(ResultWebhook::from).collect())
}

/// Takes one to send it: others leave it alone until `until`. False when it was taken already.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn take(tx: &Tx, webhook: &ResultWebhook, until: DateTime<Utc>) -> Result<bool> {
    let changed = Entity::update_many()
        .col_expr(Column::NextAttemptAt, Expr::value(until))
        .col_expr(Column::Attempts, Expr::value(webhook.attempts + 1))
        .filter(Column::Id.eq(webhook.id))
        .filter(Column::Status.eq("pending"))
        .filter(Column::Attempts.eq(webhook.attempts))
        .exec(tx.connection())
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Notes what came of an attempt.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn note(
    tx: &Tx,
    id: Uuid,
    status: &str,
    answer: Option<i32>,
    error: Option<&str>,
    at: DateTime<Utc>,
) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::Status, Expr::value(status))
        .col_expr(Column::LastStatus, Expr::value(answer))
        .col_expr(Column::LastError, Expr::value(error))
        .col_expr(Column::FinishedAt, Expr::value((status != "pending").then_some(at)))
        .filter(Column::Id.eq(id))
        .exec(tx.connection())
        .await?;
    Ok(())
}
