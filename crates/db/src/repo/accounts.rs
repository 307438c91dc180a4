//! People who can sign in.

use chrono::{DateTime, Utc};
use ox_types::AccountId;
use ox_types::boxed;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, sea_query::Expr};

use super::row;
use crate::{
    Result, Source, Tx,
    entity::{account_integrates, accounts},
    model::{Account, AccountIntegrate},
    now,
};

/// An account by its id.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, id: AccountId) -> Result<Option<Account>> {
    Ok(accounts::Entity::find_by_id(id.0).one(&source.executor()).await?.map(Account::from))
}

/// An account by its address; addresses are kept and looked up in lower case.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find_by_email(source: &dyn Source, email: &str) -> Result<Option<Account>> {
    let email = email.trim().to_lowercase();
    let found = accounts::Entity::find().filter(accounts::Column::Email.eq(email)).one(&source.executor()).await?;
    Ok(found.map(Account::from))
}

/// Accounts by their ids, in no order; unknown ids are left out.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find_many(source: &dyn Source, ids: &[AccountId]) -> Result<Vec<Account>> {
    let ids = ids.iter().map(|id| id.0);
    let found = accounts::Entity::find().filter(accounts::Column::Id.is_in(ids)).all(&source.executor()).await?;
    Ok(found.into_iter().map(Account::from).collect())
}

/// How many accounts there are.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn count(source: &dyn Source) -> Result<u64> {
    Ok(accounts::Entity::find().count(&source.executor()).await?)
}

/// Adds an account.
///
/// # Errors
/// `Conflict` when the address is taken.
#[boxed]
pub async fn insert(tx: &Tx, mut account: Account) -> Result<()> {
    account.email = account.email.trim().to_lowercase();
    row::insert::<accounts::Entity>(tx, account).await
}

/// Writes a changed account.
///
/// # Errors
/// `NotFound` when it is gone, `Conflict` when the new address is taken.
#[boxed]
pub async fn update(tx: &Tx, mut account: Account) -> Result<()> {
    account.email = account.email.trim().to_lowercase();
    account.updated_at = now();
    row::update::<accounts::Entity>(tx, "account", account).await
}

/// Notes a successful login.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn note_login(tx: &Tx, id: AccountId, at: DateTime<Utc>, ip: Option<&str>) -> Result<()> {
    accounts::Entity::update_many()
        .col_expr(accounts::Column::LastLoginAt, Expr::value(at))
        .col_expr(accounts::Column::LastLoginIp, Expr::value(ip.map(str::to_owned)))
        .col_expr(accounts::Column::LastActiveAt, Expr::value(at))
        .filter(accounts::Column::Id.eq(id.0))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Notes that a session was used; call it at most every ten minutes.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn note_active(tx: &Tx, id: AccountId, at: DateTime<Utc>) -> Result<()> {
    accounts::Entity::update_many()
        .col_expr(accounts::Column::LastActiveAt, Expr::value(at))
        .filter(accounts::Column::Id.eq(id.0))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Outside identities linked to an account.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn integrates(source: &dyn Source, id: AccountId) -> Result<Vec<AccountIntegrate>> {
    let found = account_integrates::Entity::find()
        .filter(account_integrates::Column::AccountId.eq(id.0))
        .all(&source.executor())
        .await?;
    Ok(found.into_iter().map(AccountIntegrate::from).collect())
}
