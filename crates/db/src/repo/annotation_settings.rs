//! Which apps answer from their annotations.

use ox_types::{AppId, boxed};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter,
    sea_query::{Expr, ExprTrait},
};

use super::row;
use crate::{
    Result, Source, Tx,
    entity::app_annotation_settings::{Column, Entity},
    model::AnnotationSetting,
};

/// The setting of an app; none where it does not answer from annotations.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, app: AppId) -> Result<Option<AnnotationSetting>> {
    Ok(Entity::find_by_id(app.0).one(&source.executor()).await?.map(AnnotationSetting::from))
}

/// Switches it on, or changes it.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn put(tx: &Tx, item: AnnotationSetting) -> Result<()> {
    let keep = [Column::Id, Column::CreatedUserId, Column::CreatedAt, Column::Version];
    row::upsert::<Entity>(tx, &[Column::AppId], &keep, item).await
}

/// Switches it off; tells whether it was on.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn delete(tx: &Tx, app: AppId) -> Result<bool> {
    Ok(Entity::delete_by_id(app.0).exec(tx.connection()).await?.rows_affected > 0)
}

/// The annotations of an app changed.
pub(super) async fn changed(tx: &Tx, app: AppId) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::AppId.eq(app.0))
        .exec(tx.connection())
        .await?;
    Ok(())
}
