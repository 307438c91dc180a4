//! Users of published apps, known by the caller's own name for them.

use ox_types::{AppId, EndUserId, TenantId, boxed};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::OnConflict};

use crate::{
    Result, Source, Tx,
    entity::end_users::{Column, Entity, Model},
    model::EndUser,
};

/// An end user of an app.
#[boxed]
pub async fn find(source: &dyn Source, tenant_id: TenantId, app_id: AppId, id: EndUserId) -> Result<Option<EndUser>> {
    let found = Entity::find_by_id(id.0)
        .filter(Column::TenantId.eq(tenant_id.0))
        .filter(Column::AppId.eq(app_id.0))
        .one(&source.executor())
        .await?;
    Ok(found.map(EndUser::from))
}

/// Several end users of a workspace.
#[boxed]
pub async fn find_all(source: &dyn Source, tenant_id: TenantId, ids: &[EndUserId]) -> Result<Vec<EndUser>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = Entity::find()
        .filter(Column::TenantId.eq(tenant_id.0))
        .filter(Column::Id.is_in(ids.iter().map(|id| id.0)))
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(EndUser::from).collect())
}

/// The end user of an app with this session; one of the wanted kind is preferred.
#[boxed]
pub async fn find_by_session(
    source: &dyn Source,
    tenant_id: TenantId,
    app_id: AppId,
    session_id: &str,
    kind: &str,
) -> Result<Option<EndUser>> {
    let rows = Entity::find()
        .filter(Column::TenantId.eq(tenant_id.0))
        .filter(Column::AppId.eq(app_id.0))
        .filter(Column::SessionId.eq(session_id))
        .all(&source.executor())
        .await?;
    let mut users: Vec<EndUser> = rows.into_iter().map(EndUser::from).collect();
    let position = users.iter().position(|user| user.kind == kind).unwrap_or(0);
    Ok(if users.is_empty() { None } else { Some(users.swap_remove(position)) })
}

/// Adds an end user unless the session has one already; returns the one that stays.
#[boxed]
pub async fn insert(tx: &Tx, user: EndUser) -> Result<EndUser> {
    let (tenant_id, app_id, session, kind) = (user.tenant_id, user.app_id, user.session_id.clone(), user.kind.clone());
    Entity::insert(Model::from(user.clone()).into_active_model().reset_all())
        .on_conflict(
            OnConflict::columns([Column::TenantId, Column::AppId, Column::Kind, Column::SessionId])
                .do_nothing()
                .to_owned(),
        )
        .exec_without_returning(&tx.executor())
        .await?;
    let Some(app_id) = app_id else { return Ok(user) };
    Ok(find_by_session(tx, tenant_id, app_id, &session, &kind).await?.unwrap_or(user))
}
