//! Keys of the Service API, as callers present them.

use chrono::{DateTime, Duration, Utc};
use ox_types::boxed;
use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter,
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
