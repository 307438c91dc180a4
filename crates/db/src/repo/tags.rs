//! Labels and what carries them.

use ox_types::boxed;
use std::collections::HashMap;

use ox_types::TenantId;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr,
};
use uuid::Uuid;

use super::keyword::Keyword;
use crate::{
    Result, Source, Tx,
    entity::{tag_bindings, tags},
    model::{Tag, TagBinding},
};

/// Labels of a kind with the number of things that carry each, newest first.
#[boxed]
pub async fn list(source: &dyn Source, tenant: TenantId, kind: &str, keyword: Option<&str>) -> Result<Vec<(Tag, u64)>> {
    let mut query =
        tags::Entity::find().filter(tags::Column::TenantId.eq(tenant.0)).filter(tags::Column::Kind.eq(kind));
    if let Some(keyword) = Keyword::new(source, keyword) {
        query = query.filter(keyword.in_any([tags::Column::Name]));
    }
    let rows = query.order_by_desc(tags::Column::CreatedAt).all(&source.executor()).await?;
    let counts: Vec<(Uuid, i64)> = tag_bindings::Entity::find()
        .select_only()
        .column(tag_bindings::Column::TagId)
        .column_as(tag_bindings::Column::Id.count(), "bindings")
        .filter(tag_bindings::Column::TenantId.eq(tenant.0))
        .group_by(tag_bindings::Column::TagId)
        .into_tuple()
        .all(&source.executor())
        .await?;
    let counts: HashMap<Uuid, i64> = counts.into_iter().collect();
    let count = |id: &Uuid| counts.get(id).copied().unwrap_or_default().unsigned_abs();
    Ok(rows.into_iter().map(|row| (count(&row.id), Tag::from(row))).map(|(count, tag)| (tag, count)).collect())
}

/// One label.
#[boxed]
pub async fn find(source: &dyn Source, tenant: TenantId, id: Uuid) -> Result<Option<Tag>> {
    let query = tags::Entity::find_by_id(id).filter(tags::Column::TenantId.eq(tenant.0));
    Ok(query.one(&source.executor()).await?.map(Tag::from))
}

/// Stores a new label.
#[boxed]
pub async fn insert(tx: &Tx, tag: &Tag) -> Result<()> {
    tags::Model::from(tag.clone()).into_active_model().insert(tx.connection()).await?;
    Ok(())
}

/// Gives a label another name.
#[boxed]
pub async fn rename(tx: &Tx, tenant: TenantId, id: Uuid, name: &str) -> Result<()> {
    tags::Entity::update_many()
        .col_expr(tags::Column::Name, Expr::value(name))
        .filter(tags::Column::Id.eq(id))
        .filter(tags::Column::TenantId.eq(tenant.0))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Deletes a label and takes it off everything.
#[boxed]
pub async fn delete(tx: &Tx, tenant: TenantId, id: Uuid) -> Result<()> {
    tag_bindings::Entity::delete_many()
        .filter(tag_bindings::Column::TenantId.eq(tenant.0))
        .filter(tag_bindings::Column::TagId.eq(id))
        .exec(tx.connection())
        .await?;
    tags::Entity::delete_many()
        .filter(tags::Column::TenantId.eq(tenant.0))
        .filter(tags::Column::Id.eq(id))
        .exec(tx.connection())
        .await?;
    Ok(())
}

/// Labels of several things.
#[boxed]
pub async fn of_targets(source: &dyn Source, tenant: TenantId, targets: &[Uuid]) -> Result<HashMap<Uuid, Vec<Tag>>> {
    let rows = tag_bindings::Entity::find()
        .filter(tag_bindings::Column::TenantId.eq(tenant.0))
        .filter(tag_bindings::Column::TargetId.is_in(targets.iter().copied()))
        .all(&source.executor())
        .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.tag_id).collect();
    let found = tags::Entity::find().filter(tags::Column::Id.is_in(ids)).all(&source.executor()).await?;
    let tags: HashMap<Uuid, Tag> = found.into_iter().map(|row| (row.id, Tag::from(row))).collect();
    let mut out: HashMap<Uuid, Vec<Tag>> = HashMap::new();
    for row in rows {
        if let Some(tag) = tags.get(&row.tag_id) {
            out.entry(row.target_id).or_default().push(tag.clone());
        }
    }
    Ok(out)
}

/// What carries labels: (label, thing).
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn targets(source: &dyn Source, tenant: TenantId, tags: &[Uuid]) -> Result<Vec<(Uuid, Uuid)>> {
    let rows = tag_bindings::Entity::find()
        .filter(tag_bindings::Column::TenantId.eq(tenant.0))
        .filter(tag_bindings::Column::TagId.is_in(tags.iter().copied()))
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(|row| (row.tag_id, row.target_id)).collect())
}

/// Puts a label on a thing; a second time changes nothing.
#[boxed]
pub async fn bind(tx: &Tx, binding: &TagBinding) -> Result<()> {
    let there = tag_bindings::Entity::find()
        .filter(tag_bindings::Column::TenantId.eq(binding.tenant_id.0))
        .filter(tag_bindings::Column::TagId.eq(binding.tag_id))
        .filter(tag_bindings::Column::TargetId.eq(binding.target_id))
        .one(tx.connection())
        .await?;
    if there.is_none() {
        tag_bindings::Model::from(binding.clone()).into_active_model().insert(tx.connection()).await?;
    }
    Ok(())
}

/// Takes a label off a thing.
#[boxed]
pub async fn unbind(tx: &Tx, tenant: TenantId, tag: Uuid, target: Uuid) -> Result<()> {
    tag_bindings::Entity::delete_many()
        .filter(tag_bindings::Column::TenantId.eq(tenant.0))
        .filter(tag_bindings::Column::TagId.eq(tag))
        .filter(tag_bindings::Column::TargetId.eq(target))
        .exec(tx.connection())
        .await?;
    Ok(())
}
