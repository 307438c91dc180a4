//! Keys of the Service API, as callers present them.

use chrono::{DateTime, Duration, Utc};
use ox_types::{TenantId, boxed};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use crate::{
    Result, Source, Tx,
    entity::api_tokens::{Column, Entity},
    model::ApiToken,
};

/// The key with this text and kind (`app` or `dataset`).
#[boxed]
pub async fn find(source: &dyn Source, token: &str, kind: &str) -> Result<Option<ApiToken>> {
    let found =
        Entity::find().filter(Column::Token.eq(token)).filter(Column::Kind.eq(kind)).one(&source.executor()).await?;
    Ok(found.map(ApiToken::from))
}

/// Keys of a kind that belong to a workspace and to no app, newest first.
#[boxed]
pub async fn of_tenant(source: &dyn Source, tenant: TenantId, kind: &str) -> Result<Vec<ApiToken>> {
    let rows = Entity::find()
        .filter(Column::TenantId.eq(tenant.0))
        .filter(Column::Kind.eq(kind))
        .filter(Column::AppId.is_null())
        .order_by_desc(Column::CreatedAt)
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(ApiToken::from).collect())
}

/// Deletes a key of a workspace; false when there is none.
#[boxed]
pub async fn delete_of_tenant(tx: &Tx, tenant: TenantId, kind: &str, id: Uuid) -> Result<bool> {
    let done = Entity::delete_many()
        .filter(Column::Id.eq(id))
        .filter(Column::TenantId.eq(tenant.0))
        .filter(Column::Kind.eq(kind))
        .filter(Column::AppId.is_null())
        .exec(tx.connection())
        .await?;
    Ok(done.rows_affected > 0)
}

/// Notes that a key was used, at most once a minute.
#[boxed]
pub async fn used(tx: &Tx, id: Uuid, at: DateTime<Utc>) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::LastUsedAt, Expr::value(at))
        .filter(Column::Id.eq(id))
        .filter(Column::LastUsedAt.is_null().or(Column::LastUsedAt.lt(at - Duration::minutes(1))))
        .exec(&tx.executor())
        .await?;
    Ok(())
}
