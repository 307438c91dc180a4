//! Writing one whole row, the same for every table.

use sea_orm::{ActiveModelTrait, EntityTrait, IdenStatic, IntoActiveModel, Iterable, sea_query::OnConflict};

use crate::{Error, Result, Tx};

/// Inserts a row with all its columns.
pub(super) async fn insert<E>(tx: &Tx, row: impl Into<E::Model>) -> Result<()>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: ActiveModelTrait<Entity = E>,
{
    let row: E::Model = row.into();
    E::insert(row.into_active_model().reset_all()).exec_without_returning(tx.connection()).await?;
    Ok(())
}

/// Writes all columns of a row that exists, found by its primary key.
pub(super) async fn update<E>(tx: &Tx, what: &'static str, row: impl Into<E::Model>) -> Result<()>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: ActiveModelTrait<Entity = E>,
{
    let row: E::Model = row.into();
    match E::update(row.into_active_model().reset_all()).exec(tx.connection()).await {
        Ok(_) => Ok(()),
        Err(sea_orm::DbErr::RecordNotUpdated) => Err(Error::NotFound(what)),
        Err(error) => Err(error.into()),
    }
}

/// Inserts a row, or writes all columns but `keep` of the row that has the same values in `key`.
pub(super) async fn upsert<E>(tx: &Tx, key: &[E::Column], keep: &[E::Column], row: impl Into<E::Model>) -> Result<()>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: ActiveModelTrait<Entity = E>,
{
    let row: E::Model = row.into();
    let kept = |column: &E::Column| key.iter().chain(keep).any(|other| other.as_str() == column.as_str());
    let written = E::Column::iter().filter(|column| !kept(column));
    let on_conflict = OnConflict::columns(key.iter().copied()).update_columns(written).to_owned();
    E::insert(row.into_active_model().reset_all())
        .on_conflict(on_conflict)
        .exec_without_returning(tx.connection())
        .await?;
    Ok(())
}
