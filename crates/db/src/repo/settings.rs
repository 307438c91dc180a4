//! Settings of the whole installation and the mark that set-up is finished.

use chrono::{DateTime, Utc};
use ox_types::Json;
use ox_types::boxed;
use sea_orm::{EntityTrait, QueryOrder};

use super::row;
use crate::{
    Result, Source, Tx,
    entity::{dify_setups, settings},
    model::{Setting, Setup},
    now,
};

/// When set-up was finished; `None` before.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn setup_at(source: &dyn Source) -> Result<Option<DateTime<Utc>>> {
    let found = dify_setups::Entity::find().order_by_asc(dify_setups::Column::SetupAt).one(&source.executor()).await?;
    Ok(found.map(|row| row.setup_at))
}

/// Marks set-up as finished.
///
/// # Errors
/// `Conflict` when it was finished already.
#[boxed]
pub async fn finish_setup(tx: &Tx, version: &str) -> Result<()> {
    row::insert::<dify_setups::Entity>(tx, Setup { version: version.to_owned(), setup_at: now() }).await
}

/// The value of a setting.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn get(source: &dyn Source, key: &str) -> Result<Option<Json>> {
    Ok(settings::Entity::find_by_id(key.to_owned()).one(&source.executor()).await?.map(|row| row.value.0))
}

/// Sets a setting.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn set(tx: &Tx, key: &str, value: Json) -> Result<()> {
    let setting = Setting { key: key.to_owned(), value, updated_at: now() };
    row::upsert::<settings::Entity>(tx, &[settings::Column::Key], &[], setting).await
}
