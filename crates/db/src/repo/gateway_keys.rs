//! Keys by which somebody outside asks models through the gateway.

use chrono::{DateTime, Duration, Utc};
use ox_types::{GatewayKeyId, TenantId, boxed};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, ExprTrait},
};

use super::row;
use crate::{
    Error, Result, Source, Tx,
    entity::gateway_keys::{Column, Entity},
    model::GatewayKey,
};

/// The key with this hash, whosever it is.
#[boxed]
pub async fn by_hash(source: &dyn Source, hash: &str) -> Result<Option<GatewayKey>> {
    let found = Entity::find().filter(Column::TokenHash.eq(hash)).one(&source.executor()).await?;
    Ok(found.map(GatewayKey::from))
}

/// A key of a workspace.
#[boxed]
pub async fn find(source: &dyn Source, tenant: TenantId, id: GatewayKeyId) -> Result<Option<GatewayKey>> {
    let found = Entity::find_by_id(id.0).filter(Column::TenantId.eq(tenant.0)).one(&source.executor()).await?;
    Ok(found.map(GatewayKey::from))
}

/// The keys of a workspace, newest first.
#[boxed]
pub async fn list(source: &dyn Source, tenant: TenantId) -> Result<Vec<GatewayKey>> {
    let rows = Entity::find()
        .filter(Column::TenantId.eq(tenant.0))
        .order_by_desc(Column::CreatedAt)
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(GatewayKey::from).collect())
}

/// Keeps a new key.
#[boxed]
pub async fn insert(tx: &Tx, key: &GatewayKey) -> Result<()> {
    row::insert::<Entity>(tx, key.clone()).await
}

/// Writes what may change of a key: name, models, limits, switch.
#[boxed]
pub async fn update(tx: &Tx, key: &GatewayKey) -> Result<()> {
    let row = crate::entity::gateway_keys::Model::from(key.clone());
    let done = Entity::update_many()
        .col_expr(Column::Name, Expr::value(row.name))
        .col_expr(Column::AllowedModels, Expr::value(row.allowed_models.map(|list| list.to_string())))
        .col_expr(Column::RequestsPerMinute, Expr::value(row.requests_per_minute))
        .col_expr(Column::ExpiresAt, Expr::value(row.expires_at))
        .col_expr(Column::Enabled, Expr::value(row.enabled))
        .filter(Column::Id.eq(row.id))
        .filter(Column::TenantId.eq(row.tenant_id))
        .exec(tx.connection())
        .await?;
    if done.rows_affected == 0 { Err(Error::NotFound("gateway key")) } else { Ok(()) }
}

/// Deletes a key of a workspace; false when there is none.
#[boxed]
pub async fn delete(tx: &Tx, tenant: TenantId, id: GatewayKeyId) -> Result<bool> {
    let done = Entity::delete_many()
        .filter(Column::Id.eq(id.0))
        .filter(Column::TenantId.eq(tenant.0))
        .exec(tx.connection())
        .await?;
    Ok(done.rows_affected > 0)
}

/// Notes that a key was used, at most once a minute.
#[boxed]
pub async fn used(tx: &Tx, id: GatewayKeyId, at: DateTime<Utc>) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::LastUsedAt, Expr::value(at))
        .filter(Column::Id.eq(id.0))
        .filter(Column::LastUsedAt.is_null().or(Column::LastUsedAt.lt(at - Duration::minutes(1))))
        .exec(&tx.executor())
        .await?;
    Ok(())
}
