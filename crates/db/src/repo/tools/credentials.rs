//! Credentials of built-in tool providers.

use ox_types::{AccountId, TenantId, boxed};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};
use uuid::Uuid;

use crate::{
    Result, Source, Tx,
    entity::tool_builtin_providers::{Column, Entity},
    model::ToolCredential,
    repo::row,
};

/// More are not listed.
const MOST: u64 = 1000;

/// Those of a workspace that everybody may use, and the personal ones of a member, oldest first.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn list(source: &dyn Source, tenant: TenantId, member: Option<AccountId>) -> Result<Vec<ToolCredential>> {
    let mut seen = Condition::any().add(Column::Visibility.eq(ToolCredential::WORKSPACE));
    if let Some(member) = member {
        let own = Condition::all().add(Column::Visibility.eq(ToolCredential::PERSONAL));
        seen = seen.add(own.add(Column::UserId.eq(member.0)));
    }
    let query = Entity::find().filter(Column::TenantId.eq(tenant.0)).filter(seen);
    let query = query.order_by_asc(Column::Id).limit(MOST);
    Ok(query.all(&source.executor()).await?.into_iter().map(ToolCredential::from).collect())
}

/// One of a workspace, whosever it is.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, tenant: TenantId, id: Uuid) -> Result<Option<ToolCredential>> {
    let query = Entity::find_by_id(id).filter(Column::TenantId.eq(tenant.0));
    Ok(query.one(&source.executor()).await?.map(ToolCredential::from))
}

/// Adds one.
///
/// # Errors
/// A conflict when the provider has another of this name.
#[boxed]
pub async fn insert(tx: &Tx, item: ToolCredential) -> Result<()> {
    row::insert::<Entity>(tx, item).await
}

/// Writes one anew.
///
/// # Errors
/// As [`insert`]; not found when it is gone.
#[boxed]
pub async fn update(tx: &Tx, item: ToolCredential) -> Result<()> {
    row::update::<Entity>(tx, "credential", item).await
}

/// Removes one; tells whether there was one.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn delete(tx: &Tx, tenant: TenantId, id: Uuid) -> Result<bool> {
    let done = Entity::delete_by_id(id).filter(Column::TenantId.eq(tenant.0)).exec(tx.connection()).await?;
    Ok(done.rows_affected > 0)
}

/// Removes the personal ones of a member who leaves the workspace.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn delete_personal(tx: &Tx, tenant: TenantId, member: AccountId) -> Result<u64> {
    let own = Entity::delete_many().filter(Column::TenantId.eq(tenant.0)).filter(Column::UserId.eq(member.0));
    let done = own.filter(Column::Visibility.eq(ToolCredential::PERSONAL)).exec(tx.connection()).await?;
    Ok(done.rows_affected)
}

/// Makes one the default of its provider, and no other.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn set_default(tx: &Tx, tenant: TenantId, provider: &str, id: Uuid) -> Result<()> {
    let own = || Entity::update_many().filter(Column::TenantId.eq(tenant.0)).filter(Column::Provider.eq(provider));
    own().col_expr(Column::IsDefault, Expr::value(false)).exec(tx.connection()).await?;
    let chosen = own().filter(Column::Id.eq(id)).col_expr(Column::IsDefault, Expr::value(true));
    chosen.exec(tx.connection()).await?;
    Ok(())
}
