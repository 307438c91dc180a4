//! Who may open a published page where not everybody may.

use ox_types::{AccountId, AppId, boxed};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};

use super::row;
use crate::{
    Result, Source, Tx,
    entity::{
        site_access::{Column, Entity},
        site_access_members::{self as members, Column as Member},
    },
    model::SiteAccess,
};

/// The rule of an app; `None` where everybody may.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, app: AppId) -> Result<Option<SiteAccess>> {
    let Some(row) = Entity::find_by_id(app.0).one(&source.executor()).await? else { return Ok(None) };
    let chosen = members::Entity::find()
        .filter(Member::AppId.eq(app.0))
        .order_by_asc(Member::AccountId)
        .all(&source.executor())
        .await?;
    let chosen = chosen.into_iter().map(|member| AccountId(member.account_id)).collect();
    Ok(Some(SiteAccess::of(row, chosen)))
}

/// Writes the rule of an app, with those it names.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn set(tx: &Tx, rule: SiteAccess) -> Result<()> {
    members::Entity::delete_many().filter(Member::AppId.eq(rule.app_id.0)).exec(tx.connection()).await?;
    let chosen = rule.members.iter().map(|id| members::Model { app_id: rule.app_id.0, account_id: id.0 });
    let chosen: Vec<_> = chosen.map(|row| row.into_active_model().reset_all()).collect();
    if !chosen.is_empty() {
        members::Entity::insert_many(chosen).exec_without_returning(tx.connection()).await?;
    }
    row::upsert::<Entity>(tx, &[Column::AppId], &[], rule).await
}

/// Takes the rule away: everybody may.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn delete(tx: &Tx, app: AppId) -> Result<()> {
    members::Entity::delete_many().filter(Member::AppId.eq(app.0)).exec(tx.connection()).await?;
    Entity::delete_many().filter(Column::AppId.eq(app.0)).exec(tx.connection()).await?;
    Ok(())
}
