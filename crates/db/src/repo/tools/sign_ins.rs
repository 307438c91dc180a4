//! What lets single members in at tool providers.

use ox_types::{AccountId, TenantId, boxed};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr};
use uuid::Uuid;

use crate::{
    Result, Source, Tx,
    entity::tool_sign_ins::{Column, Entity},
    model::ToolSignIn,
    now,
    repo::row,
};

/// More of one member are not listed.
const MOST: u64 = 1000;

/// Those of a member at providers of a kind.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn list(source: &dyn Source, tenant: TenantId, kind: &str, account: AccountId) -> Result<Vec<ToolSignIn>> {
    let query = Entity::find().filter(Column::TenantId.eq(tenant.0)).filter(Column::ProviderKind.eq(kind));
    let query = query.filter(Column::AccountId.eq(account.0)).order_by_asc(Column::Id).limit(MOST);
    Ok(query.all(&source.executor()).await?.into_iter().map(ToolSignIn::from).collect())
}

/// That of a member at a provider.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(
    source: &dyn Source,
    tenant: TenantId,
    kind: &str,
    provider: Uuid,
    account: AccountId,
) -> Result<Option<ToolSignIn>> {
    let query = Entity::find().filter(Column::TenantId.eq(tenant.0)).filter(Column::ProviderKind.eq(kind));
    let query = query.filter(Column::ProviderId.eq(provider)).filter(Column::AccountId.eq(account.0));
    Ok(query.one(&source.executor()).await?.map(ToolSignIn::from))
}

/// Keeps one in place of what the member had there.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn set(tx: &Tx, item: ToolSignIn) -> Result<()> {
    let key = [Column::TenantId, Column::ProviderKind, Column::ProviderId, Column::AccountId];
    row::upsert::<Entity>(tx, &key, &[Column::Id, Column::CreatedAt], item).await
}

/// Writes the tokens of `item` where those that were read are still there; tells whether they were.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn swap(tx: &Tx, before: &str, item: ToolSignIn) -> Result<bool> {
    let done = Entity::update_many()
        .col_expr(Column::EncryptedTokens, Expr::value(item.encrypted_tokens))
        .col_expr(Column::ExpiresAt, Expr::value(item.expires_at))
        .col_expr(Column::UpdatedAt, Expr::value(now()))
        .filter(Column::Id.eq(item.id))
        .filter(Column::TenantId.eq(item.tenant_id.0))
        .filter(Column::EncryptedTokens.eq(before))
        .exec(tx.connection())
        .await?;
    Ok(done.rows_affected == 1)
}

/// Removes that of a member at a provider; tells whether there was one.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn delete(tx: &Tx, tenant: TenantId, kind: &str, provider: Uuid, account: AccountId) -> Result<bool> {
    let of = Entity::delete_many().filter(Column::TenantId.eq(tenant.0)).filter(Column::ProviderKind.eq(kind));
    let one = of.filter(Column::ProviderId.eq(provider)).filter(Column::AccountId.eq(account.0));
    Ok(one.exec(tx.connection()).await?.rows_affected > 0)
}

/// Removes all at a provider: it goes, or is another one from now on.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn delete_of_provider(tx: &Tx, tenant: TenantId, kind: &str, provider: Uuid) -> Result<u64> {
    let of = Entity::delete_many().filter(Column::TenantId.eq(tenant.0)).filter(Column::ProviderKind.eq(kind));
    Ok(of.filter(Column::ProviderId.eq(provider)).exec(tx.connection()).await?.rows_affected)
}

/// Removes those of a member who leaves the workspace.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn delete_of_member(tx: &Tx, tenant: TenantId, account: AccountId) -> Result<u64> {
    let of = Entity::delete_many().filter(Column::TenantId.eq(tenant.0));
    Ok(of.filter(Column::AccountId.eq(account.0)).exec(tx.connection()).await?.rows_affected)
}
