//! Files that the tools of a run have written: what is known of them; their bytes are in the object store.

use ox_types::{RunId, TenantId, boxed};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, Statement};
use uuid::Uuid;

use super::row;
use crate::{
    Result, Source, Tx,
    entity::run_files::{Column, Entity, Model},
    model::RunFile,
    now,
};

/// The files of a run, by name.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn list(source: &dyn Source, tenant: TenantId, run: RunId) -> Result<Vec<RunFile>> {
    let query =
        Entity::find().filter(Column::TenantId.eq(tenant.0)).filter(Column::RunId.eq(run.0)).order_by_asc(Column::Name);
    Ok(query.all(&source.executor()).await?.into_iter().map(RunFile::from).collect())
}

/// A file of a run.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, tenant: TenantId, run: RunId, name: &str) -> Result<Option<RunFile>> {
    let query = Entity::find()
        .filter(Column::TenantId.eq(tenant.0))
        .filter(Column::RunId.eq(run.0))
        .filter(Column::Name.eq(name));
    Ok(query.one(&source.executor()).await?.map(RunFile::from))
}

/// Adds a file, in place of the one of that name.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn put(tx: &Tx, file: RunFile) -> Result<()> {
    remove(tx, file.tenant_id, file.run_id, &file.name).await?;
    row::insert::<Entity>(tx, file).await
}

/// Removes a file; tells whether there was one.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn remove(tx: &Tx, tenant: TenantId, run: RunId, name: &str) -> Result<bool> {
    let query = Entity::delete_many()
        .filter(Column::TenantId.eq(tenant.0))
        .filter(Column::RunId.eq(run.0))
        .filter(Column::Name.eq(name));
    Ok(query.exec(tx.connection()).await?.rows_affected > 0)
}

/// Takes the oldest files whose runs and messages are gone out of the table, for their bytes to be deleted.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn take_orphans(tx: &Tx, limit: u64) -> Result<Vec<RunFile>> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
    }
    let connection = tx.connection();
    // Single steps of the editor leave no run: their files are there for an hour.
    let before = now() - chrono::Duration::hours(1);
    let statement = Statement::from_sql_and_values(
        connection.get_database_backend(),
        "SELECT f.id FROM run_files f WHERE f.created_at < $1 AND NOT EXISTS (SELECT 1 FROM workflow_runs r WHERE r.id = \
         f.run_id) AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.id = f.run_id) ORDER BY f.created_at LIMIT $2",
        [before.into(), i64::try_from(limit).unwrap_or(i64::MAX).into()],
    );
    let ids: Vec<Uuid> = Row::find_by_statement(statement).all(connection).await?.iter().map(|row| row.id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let found: Vec<Model> = Entity::find().filter(Column::Id.is_in(ids.iter().copied())).all(connection).await?;
    Entity::delete_many().filter(Column::Id.is_in(ids)).exec(connection).await?;
    Ok(found.into_iter().map(RunFile::from).collect())
}
