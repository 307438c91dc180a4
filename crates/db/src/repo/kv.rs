//! Values that live for a time and must survive a restart: sessions, one-time tokens, lockouts.

use ox_types::boxed;
use std::time::Duration;

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Statement,
};

use super::row;
use crate::{Result, Source, Tx, entity::kv_entries, model::KvEntry, now};

/// A value that has not expired.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn get(source: &dyn Source, key: &str) -> Result<Option<String>> {
    let found = kv_entries::Entity::find_by_id(key.to_owned()).filter(alive()).one(&source.executor()).await?;
    Ok(found.map(|row| row.value))
}

/// The values that have not expired whose keys begin so, in the order of their keys.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn list(source: &dyn Source, prefix: &str, limit: u64) -> Result<Vec<String>> {
    let query = kv_entries::Entity::find()
        .filter(kv_entries::Column::Key.starts_with(prefix))
        .filter(alive())
        .order_by_asc(kv_entries::Column::Key)
        .limit(limit);
    Ok(query.all(&source.executor()).await?.into_iter().map(|row| row.value).collect())
}

/// Sets a value, with a life time or for ever.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn set(tx: &Tx, key: &str, value: &str, life: Option<Duration>) -> Result<()> {
    let entry = KvEntry { key: key.to_owned(), value: value.to_owned(), expires_at: life.map(|life| now() + life) };
    row::upsert::<kv_entries::Entity>(tx, &[kv_entries::Column::Key], &[], entry).await
}

/// Removes a value and returns it if it was alive: of several callers one gets it.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn take(tx: &Tx, key: &str) -> Result<Option<String>> {
    let value = get(tx, key).await?;
    let removed = kv_entries::Entity::delete_by_id(key.to_owned()).exec(tx.connection()).await?;
    Ok(value.filter(|_| removed.rows_affected > 0))
}

/// Adds to a counter and returns the new count. A counter that is new or expired starts at `by` with the given
/// life; later calls do not prolong it. A value that is not a number counts as 0.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn increment(tx: &Tx, key: &str, by: i64, life: Duration) -> Result<i64> {
    let at = now();
    let backend = tx.connection().get_database_backend();
    // One statement, so that of two first callers none is lost.
    let number = if backend == DbBackend::Postgres {
        "CASE WHEN kv_entries.value ~ '^-?[0-9]{1,18}$' THEN kv_entries.value::bigint ELSE 0 END"
    } else {
        "CAST(kv_entries.value AS INTEGER)"
    };
    let sql = format!(
        "INSERT INTO kv_entries (key, value, expires_at) VALUES ($1, $2, $3) ON CONFLICT (key) DO UPDATE SET value = CASE \
         WHEN kv_entries.expires_at <= $4 THEN excluded.value ELSE CAST(({number} + $5) AS text) END, expires_at = CASE \
         WHEN kv_entries.expires_at <= $4 THEN excluded.expires_at ELSE kv_entries.expires_at END RETURNING value"
    );
    let values = [key.into(), by.to_string().into(), (at + life).into(), at.into(), by.into()];
    let row = tx.connection().query_one_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
    let text: String = row.map_or(Ok(String::new()), |row| row.try_get_by_index(0))?;
    Ok(text.parse().unwrap_or(by))
}

/// Removes a value.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn delete(tx: &Tx, key: &str) -> Result<()> {
    kv_entries::Entity::delete_by_id(key.to_owned()).exec(tx.connection()).await?;
    Ok(())
}

/// Removes the values with this text whose keys begin so; returns how many.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn delete_having(tx: &Tx, prefix: &str, value: &str) -> Result<u64> {
    let removed = kv_entries::Entity::delete_many()
        .filter(kv_entries::Column::Key.starts_with(prefix))
        .filter(kv_entries::Column::Value.eq(value))
        .exec(tx.connection())
        .await?;
    Ok(removed.rows_affected)
}

/// Removes what has expired; called now and then.
///
/// # Errors
/// When the database fails.
#[boxed]
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
