//! The values the variable inspector shows, one row for each variable of an app's draft.
//!
//! The table knows no workspace: callers have found the app in theirs.

use ox_types::{AppId, FileId, boxed};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, Statement,
    sea_query::{Expr, OnConflict},
};
use uuid::Uuid;

use super::{row, skipped};
use crate::{
    Result, Source, Tx,
    entity::{
        upload_files, workflow_draft_variable_files as files,
        workflow_draft_variables::{Column, Entity, Model},
    },
    model::{DraftVariable, DraftVariableFile, UploadFile},
};

/// One page of all variables, by node and name, without their values, and how many there are.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn page(source: &dyn Source, app: AppId, page: u64, limit: u64) -> Result<(Vec<DraftVariable>, u64)> {
    let executor = source.executor();
    let of_app = Entity::find().filter(Column::AppId.eq(app.0));
    let total = of_app.clone().count(&executor).await?;
    let mut columns = Entity::find().select_only().filter(Column::AppId.eq(app.0));
    for column in <Column as sea_orm::Iterable>::iter() {
        columns = match column {
            Column::Value => columns.column_as(Expr::value("null"), "value"),
            other => columns.column(other),
        };
    }
    let rows = columns
        .order_by_asc(Column::NodeId)
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Name)
        .offset(skipped(page, limit))
        .limit(limit)
        .all(&executor)
        .await?;
    Ok((rows.into_iter().map(DraftVariable::from).collect(), total))
}

/// The variables of some nodes (or of `sys`, `conversation`), in the order in which they were made.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn of_nodes(source: &dyn Source, app: AppId, nodes: &[&str]) -> Result<Vec<DraftVariable>> {
    if nodes.is_empty() {
        return Ok(Vec::new());
    }
    let rows = Entity::find()
        .filter(Column::AppId.eq(app.0))
        .filter(Column::NodeId.is_in(nodes.iter().copied()))
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(DraftVariable::from).collect())
}

/// A variable of an app.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, app: AppId, id: Uuid) -> Result<Option<DraftVariable>> {
    let found = Entity::find_by_id(id).filter(Column::AppId.eq(app.0)).one(&source.executor()).await?;
    Ok(found.map(DraftVariable::from))
}

/// Stores a changed variable.
///
/// # Errors
/// When it is gone, or another one of its node has its new name.
#[boxed]
pub async fn update(tx: &Tx, variable: DraftVariable) -> Result<()> {
    row::update::<Entity>(tx, "variable", variable).await
}

/// Adds variables that are not there yet; those that are stay as they are.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn add_missing(tx: &Tx, variables: Vec<DraftVariable>) -> Result<()> {
    if variables.is_empty() {
        return Ok(());
    }
    let rows = variables.into_iter().map(|variable| Model::from(variable).into_active_model());
    Entity::insert_many(rows.map(sea_orm::ActiveModelTrait::reset_all))
        .on_conflict(OnConflict::columns([Column::AppId, Column::NodeId, Column::Name]).do_nothing().to_owned())
        .exec_without_returning(tx.connection())
        .await?;
    Ok(())
}

/// Deletes one variable; false when there is none.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn delete(tx: &Tx, app: AppId, id: Uuid) -> Result<bool> {
    let done =
        Entity::delete_many().filter(Column::Id.eq(id)).filter(Column::AppId.eq(app.0)).exec(tx.connection()).await?;
    Ok(done.rows_affected > 0)
}

/// Deletes the variables of an app, or of one of its nodes.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn delete_all(tx: &Tx, app: AppId, node: Option<&str>) -> Result<()> {
    let mut query = Entity::delete_many().filter(Column::AppId.eq(app.0));
    if let Some(node) = node {
        query = query.filter(Column::NodeId.eq(node));
    }
    query.exec(tx.connection()).await?;
    Ok(())
}

/// Notes where the full content of a variable is.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn insert_file(tx: &Tx, file: DraftVariableFile) -> Result<()> {
    row::insert::<files::Entity>(tx, file).await
}

/// Where full contents are.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn files(source: &dyn Source, ids: &[FileId]) -> Result<Vec<DraftVariableFile>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let query = files::Entity::find().filter(files::Column::Id.is_in(ids.iter().map(|id| id.0)));
    Ok(query.all(&source.executor()).await?.into_iter().map(DraftVariableFile::from).collect())
}

/// Takes the oldest full contents that no variable has any more out of the tables, for their bytes to be deleted.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn take_orphans(tx: &Tx, limit: u64) -> Result<Vec<UploadFile>> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        upload_file_id: Uuid,
    }
    let connection = tx.connection();
    let backend: DbBackend = connection.get_database_backend();
    // Those of the last hour may belong to a variable that is about to be written.
    let before = crate::now() - chrono::Duration::hours(1);
    let statement = Statement::from_sql_and_values(
        backend,
        "SELECT f.id, f.upload_file_id FROM workflow_draft_variable_files f WHERE f.created_at < $1 AND NOT EXISTS \
         (SELECT 1 FROM workflow_draft_variables v WHERE v.file_id = f.id) ORDER BY f.created_at LIMIT $2",
        [before.into(), i64::try_from(limit).unwrap_or(i64::MAX).into()],
    );
    let rows = Row::find_by_statement(statement).all(connection).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let uploads = || rows.iter().map(|row| row.upload_file_id);
    let found = upload_files::Entity::find().filter(upload_files::Column::Id.is_in(uploads())).all(connection).await?;
    upload_files::Entity::delete_many().filter(upload_files::Column::Id.is_in(uploads())).exec(connection).await?;
    let ids = rows.iter().map(|row| row.id);
    files::Entity::delete_many().filter(files::Column::Id.is_in(ids)).exec(connection).await?;
    Ok(found.into_iter().map(UploadFile::from).collect())
}
