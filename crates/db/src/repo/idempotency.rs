//! Callers' own names for requests: the same name leads to the same run.

use chrono::{DateTime, Utc};
use ox_types::{AppId, MessageId, boxed};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, TryInsertResult, sea_query::Expr,
};
use uuid::Uuid;

use crate::{
    Result, Source, Tx,
    entity::idempotency_keys::{Column, Entity, Model},
    model::IdempotencyKey,
};

/// Keeps a name; false when the user of this app has used it before.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn reserve(tx: &Tx, key: &IdempotencyKey) -> Result<bool> {
    let row = Model::from(key.clone()).into_active_model().reset_all();
    let known = [Column::AppId, Column::UserId, Column::Key];
    let done = Entity::insert(row).on_conflict_do_nothing_on(known).exec_without_returning(tx.connection()).await?;
    Ok(matches!(done, TryInsertResult::Inserted(rows) if rows > 0))
}

/// What a name stands for.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, app: AppId, user: Uuid, key: &str) -> Result<Option<IdempotencyKey>> {
    let query =
        Entity::find().filter(Column::AppId.eq(app.0)).filter(Column::UserId.eq(user)).filter(Column::Key.eq(key));
    Ok(query.one(&source.executor()).await?.map(IdempotencyKey::from))
}

/// Serves a name again whose first request never came to its run. False when another request was quicker.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn reclaim(tx: &Tx, key: &IdempotencyKey, at: DateTime<Utc>) -> Result<bool> {
    let changed = Entity::update_many()
        .col_expr(Column::ClaimedAt, Expr::value(at))
        .filter(Column::Id.eq(key.id))
        .filter(Column::ClaimedAt.eq(key.claimed_at))
        .exec(tx.connection())
        .await?;
    Ok(changed.rows_affected == 1)
}

/// Forgets the name of a request that was refused: it may be sent again, corrected.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn release(tx: &Tx, id: Uuid) -> Result<()> {
    Entity::delete_by_id(id).exec(tx.connection()).await?;
    Ok(())
}

/// Notes the message that answers, where there is one.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn set_message(tx: &Tx, id: Uuid, message: MessageId) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::MessageId, Expr::value(Some(message.0)))
        .filter(Column::Id.eq(id))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Keeps the answer to a request that was no run.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn set_answer(tx: &Tx, id: Uuid, answer: &str) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::Answer, Expr::value(Some(answer.to_owned())))
        .filter(Column::Id.eq(id))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Forgets old names.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn purge(tx: &Tx, before: DateTime<Utc>) -> Result<u64> {
    Ok(Entity::delete_many().filter(Column::CreatedAt.lt(before)).exec(tx.connection()).await?.rows_affected)
}
