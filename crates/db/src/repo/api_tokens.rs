//! Keys of the Service API, as callers present them.

use chrono::{DateTime, Duration, Utc};
use ox_types::{DatasetId, TenantId, boxed};
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect as _,
    sea_query::{Expr, ExprTrait, Query},
};
use uuid::Uuid;

use crate::{
    Result, Source, Tx,
    entity::{
        api_tokens::{Column, Entity},
        dataset_keys as keys,
    },
    model::ApiToken,
};

/// The key with this text and kind (`app`, `dataset` or `ds`).
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

/// Ties a key to the one knowledge base that it is for.
#[boxed]
pub async fn bind(tx: &Tx, id: Uuid, dataset: DatasetId) -> Result<()> {
    super::row::insert::<keys::Entity>(tx, keys::Model { token_id: id, dataset_id: dataset.0 }).await
}

/// The knowledge base that a key is for.
#[boxed]
pub async fn dataset_of(source: &dyn Source, id: Uuid) -> Result<Option<DatasetId>> {
    let found = keys::Entity::find_by_id(id).one(&source.executor()).await?;
    Ok(found.map(|row| DatasetId(row.dataset_id)))
}

/// The keys of one knowledge base, newest first.
#[boxed]
pub async fn of_dataset(source: &dyn Source, tenant: TenantId, dataset: DatasetId) -> Result<Vec<ApiToken>> {
    let own = Query::select()
        .column(keys::Column::TokenId)
        .from(keys::Entity)
        .and_where(keys::Column::DatasetId.eq(dataset.0))
        .to_owned();
    let rows = Entity::find()
        .filter(Column::TenantId.eq(tenant.0))
        .filter(Column::Id.in_subquery(own))
        .order_by_desc(Column::CreatedAt)
        .limit(100)
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(ApiToken::from).collect())
}

/// Deletes a key of a knowledge base, or all of them; tells how many there were.
#[boxed]
pub async fn delete_of_dataset(tx: &Tx, dataset: DatasetId, id: Option<Uuid>) -> Result<u64> {
    let mut query = keys::Entity::find().filter(keys::Column::DatasetId.eq(dataset.0));
    if let Some(id) = id {
        query = query.filter(keys::Column::TokenId.eq(id));
    }
    let ids: Vec<Uuid> = query.all(tx.connection()).await?.into_iter().map(|row| row.token_id).collect();
    Entity::delete_many().filter(Column::Id.is_in(ids.iter().copied())).exec(tx.connection()).await?;
    let done = keys::Entity::delete_many().filter(keys::Column::TokenId.is_in(ids)).exec(tx.connection()).await?;
    Ok(done.rows_affected)
}
