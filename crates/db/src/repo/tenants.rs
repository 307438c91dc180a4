//! Workspaces and their members.

use ox_types::{AccountId, TenantId, boxed};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, sea_query::Expr};

use super::{accounts, row};
use crate::{
    Error, Result, Source, Tx,
    entity::{tenant_account_joins as joins, tenants},
    model::{Account, Tenant, TenantMember},
    now,
};

/// A workspace by its id.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, id: TenantId) -> Result<Option<Tenant>> {
    Ok(tenants::Entity::find_by_id(id.0).one(&source.executor()).await?.map(Tenant::from))
}

/// The oldest workspace: where settings of a single-workspace installation go.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn first(source: &dyn Source) -> Result<Option<Tenant>> {
    let found = tenants::Entity::find().order_by_asc(tenants::Column::CreatedAt).one(&source.executor()).await?;
    Ok(found.map(Tenant::from))
}

/// Adds a workspace.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn insert(tx: &Tx, tenant: Tenant) -> Result<()> {
    row::insert::<tenants::Entity>(tx, tenant).await
}

/// Writes a changed workspace.
///
/// # Errors
/// `NotFound` when it is gone.
#[boxed]
pub async fn update(tx: &Tx, mut tenant: Tenant) -> Result<()> {
    tenant.updated_at = now();
    row::update::<tenants::Entity>(tx, "workspace", tenant).await
}

/// Stores the wrapped data key of a workspace that has none yet.
///
/// # Errors
/// `Conflict` when another process was quicker: read the workspace again.
#[boxed]
pub async fn set_data_key(tx: &Tx, id: TenantId, wrapped: &str) -> Result<()> {
    let changed = tenants::Entity::update_many()
        .col_expr(tenants::Column::EncryptedDataKey, Expr::value(wrapped))
        .filter(tenants::Column::Id.eq(id.0))
        .filter(tenants::Column::EncryptedDataKey.is_null())
        .exec(tx.connection())
        .await?;
    if changed.rows_affected == 0 { Err(Error::Conflict("the workspace has a data key".to_owned())) } else { Ok(()) }
}

/// The membership of an account in a workspace.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn member(source: &dyn Source, tenant: TenantId, account: AccountId) -> Result<Option<TenantMember>> {
    let found = joins::Entity::find()
        .filter(joins::Column::TenantId.eq(tenant.0))
        .filter(joins::Column::AccountId.eq(account.0))
        .one(&source.executor())
        .await?;
    Ok(found.map(TenantMember::from))
}

/// The workspaces of an account with its membership, oldest membership first.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn of_account(source: &dyn Source, account: AccountId) -> Result<Vec<(TenantMember, Tenant)>> {
    let executor = source.executor();
    let memberships = joins::Entity::find()
        .filter(joins::Column::AccountId.eq(account.0))
        .order_by_asc(joins::Column::CreatedAt)
        .order_by_asc(joins::Column::Id)
        .all(&executor)
        .await?;
    let ids = memberships.iter().map(|m| m.tenant_id);
    let found = tenants::Entity::find().filter(tenants::Column::Id.is_in(ids)).all(&executor).await?;
    Ok(memberships
        .into_iter()
        .filter_map(|m| {
            let tenant = found.iter().find(|t| t.id == m.tenant_id)?.clone();
            Some((TenantMember::from(m), Tenant::from(tenant)))
        })
        .collect())
}

/// The members of a workspace with their accounts, oldest first.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn members(source: &dyn Source, tenant: TenantId) -> Result<Vec<(TenantMember, Account)>> {
    let found = joins::Entity::find()
        .filter(joins::Column::TenantId.eq(tenant.0))
        .order_by_asc(joins::Column::CreatedAt)
        .order_by_asc(joins::Column::Id)
        .all(&source.executor())
        .await?;
    let memberships: Vec<TenantMember> = found.into_iter().map(TenantMember::from).collect();
    let ids: Vec<AccountId> = memberships.iter().map(|m| m.account_id).collect();
    let people = accounts::find_many(source, &ids).await?;
    Ok(memberships
        .into_iter()
        .filter_map(|m| {
            let account = people.iter().find(|a| a.id == m.account_id)?.clone();
            Some((m, account))
        })
        .collect())
}

/// Adds a member.
///
/// # Errors
/// `Conflict` when the account is a member already.
#[boxed]
pub async fn add_member(tx: &Tx, member: TenantMember) -> Result<()> {
    row::insert::<joins::Entity>(tx, member).await
}

/// Changes the role of a member.
///
/// # Errors
/// `NotFound` when the account is no member.
#[boxed]
pub async fn set_role(tx: &Tx, tenant: TenantId, account: AccountId, role: &str) -> Result<()> {
    let changed = joins::Entity::update_many()
        .col_expr(joins::Column::Role, Expr::value(role))
        .col_expr(joins::Column::UpdatedAt, Expr::value(now()))
        .filter(joins::Column::TenantId.eq(tenant.0))
        .filter(joins::Column::AccountId.eq(account.0))
        .exec(tx.connection())
        .await?;
    if changed.rows_affected == 0 { Err(Error::NotFound("member")) } else { Ok(()) }
}

/// Takes a member out of a workspace; the account stays.
///
/// # Errors
/// `NotFound` when the account is no member.
#[boxed]
pub async fn remove_member(tx: &Tx, tenant: TenantId, account: AccountId) -> Result<()> {
    let removed = joins::Entity::delete_many()
        .filter(joins::Column::TenantId.eq(tenant.0))
        .filter(joins::Column::AccountId.eq(account.0))
        .exec(tx.connection())
        .await?;
    if removed.rows_affected == 0 { Err(Error::NotFound("member")) } else { Ok(()) }
}

/// Makes one workspace the current one of an account.
///
/// # Errors
/// `NotFound` when the account is no member of it.
#[boxed]
pub async fn switch(tx: &Tx, account: AccountId, tenant: TenantId) -> Result<()> {
    joins::Entity::update_many()
        .col_expr(joins::Column::Current, Expr::value(false))
        .filter(joins::Column::AccountId.eq(account.0))
        .filter(joins::Column::TenantId.ne(tenant.0))
        .exec(tx.connection())
        .await?;
    let changed = joins::Entity::update_many()
        .col_expr(joins::Column::Current, Expr::value(true))
        .filter(joins::Column::AccountId.eq(account.0))
        .filter(joins::Column::TenantId.eq(tenant.0))
        .exec(tx.connection())
        .await?;
    if changed.rows_affected == 0 { Err(Error::NotFound("member")) } else { Ok(()) }
}
