//! Values that live for a time and must survive a restart: sessions, one-time tokens, lockouts.

use std::time::Duration;

use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, sea_query::Expr};

use super::row;
use crate::{Result, Source, Tx, entity::kv_entries, model::KvEntry, now};

/// A value that has not expired.
///
/// # Errors
/// When the database fails.
pub async fn get(source: &impl Source, key: &str) -> Result<Option<String>> {
    let found = kv_entries::Entity::find_by_id(key.to_owned()).filter(alive()).one(&source.executor()).await?;
    Ok(found.map(|row| row.value))
}

/// Sets a value, with a life time or for ever.
///
/// # Errors
/// When the database fails.
pub async fn set(tx: &Tx, key: &str, value: &str, life: Option<Duration>) -> Result<()> {
    let entry = KvEntry { key: key.to_owned(), value: value.to_owned(), expires_at: life.map(|life| now() + life) };
    row::upsert::<kv_entries::Entity>(tx, &[kv_entries::Column::Key], &[], entry).await
}

/// Removes a value and returns it if it was alive: of several callers one gets it.
///
/// # Errors
/// When the database fails.
pub async fn take(tx: &Tx, key: &str) -> Result<Option<String>> {
    let value = get(tx, key).await?;
    let removed = kv_entries::Entity::delete_by_id(key.to_owned()).exec(tx.connection()).await?;
    Ok(value.filter(|_| removed.rows_affected > 0))
}

/// Adds to a counter and returns the new count. A counter that is new or expired starts at `by` with the given
/// life; later calls do not prolong it.
///
/// # Errors
/// When the database fails.
pub async fn increment(tx: &Tx, key: &str, by: i64, life: Duration) -> Result<i64> {
    // A row of its own for each key; the transaction serialises callers on SQLite, the row lock on PostgreSQL.
    kv_entries::Entity::update_many()
        .col_expr(kv_entries::Column::Value, Expr::cust("value || ''"))
        .filter(kv_entries::Column::Key.eq(key))
        .exec(tx.connection())
        .await?;
    let present = kv_entries::Entity::find_by_id(key.to_owned()).filter(alive()).one(tx.connection()).await?;
    let (count, expires_at) = match present {
        Some(row) => (row.value.parse::<i64>().unwrap_or(0).saturating_add(by), row.expires_at),
        None => (by, Some(now() + life)),
    };
    let entry = KvEntry { key: key.to_owned(), value: count.to_string(), expires_at };
    row::upsert::<kv_entries::Entity>(tx, &[kv_entries::Column::Key], &[], entry).await?;
    Ok(count)
}

/// Removes a value.
///
/// # Errors
/// When the database fails.
pub async fn delete(tx: &Tx, key: &str) -> Result<()> {
    kv_entries::Entity::delete_by_id(key.to_owned()).exec(tx.connection()).await?;
    Ok(())
}

/// Removes what has expired; called now and then.
///
/// # Errors
/// When the database fails.
pub async fn purge(tx: &Tx) -> Result<u64> {
    let removed = kv_entries::Entity::delete_many()
        .filter(kv_entries::Column::ExpiresAt.lte(now()))
        .exec(tx.connection())
        .await?;
    Ok(removed.rows_affected)
}

fn alive() -> Condition {
    Condition::any().add(kv_entries::Column::ExpiresAt.is_null()).add(kv_entries::Column::ExpiresAt.gt(now()))
}
