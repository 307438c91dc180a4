//! Metadata fields of knowledge bases, and which documents have a value.

use std::collections::HashMap;

use ox_types::{AccountId, DatasetId, DocumentId, TenantId, boxed};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, OnConflict},
};
use uuid::Uuid;

use super::row;
use crate::{
    Error, Result, Source, Tx,
    entity::{
        dataset_metadata_bindings::{self as bindings, Column as Bound},
        dataset_metadatas::{Column, Entity},
    },
    model::MetadataField,
    now,
};

/// Fields of several knowledge bases, oldest first.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn of_datasets(
    source: &dyn Source,
    tenant: TenantId,
    ids: &[DatasetId],
) -> Result<HashMap<DatasetId, Vec<MetadataField>>> {
    let mut out: HashMap<DatasetId, Vec<MetadataField>> = HashMap::new();
    if ids.is_empty() {
        return Ok(out);
    }
    let rows = Entity::find()
        .filter(Column::TenantId.eq(tenant.0))
        .filter(Column::DatasetId.is_in(ids.iter().map(|id| id.0)))
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::Id)
        .all(&source.executor())
        .await?;
    for row in rows {
        out.entry(DatasetId(row.dataset_id)).or_default().push(MetadataField::from(row));
    }
    Ok(out)
}

/// How many documents have a value of each field.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn counts(source: &dyn Source, dataset: DatasetId) -> Result<HashMap<Uuid, u64>> {
    let rows: Vec<(Uuid, i64)> = bindings::Entity::find()
        .select_only()
        .column(Bound::MetadataId)
        .column_as(Bound::DocumentId.count(), "documents")
        .filter(Bound::DatasetId.eq(dataset.0))
        .group_by(Bound::MetadataId)
        .into_tuple()
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(|(id, count)| (id, count.unsigned_abs())).collect())
}

/// One of a knowledge base.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, dataset: DatasetId, id: Uuid) -> Result<Option<MetadataField>> {
    let query = Entity::find_by_id(id).filter(Column::DatasetId.eq(dataset.0));
    Ok(query.one(&source.executor()).await?.map(MetadataField::from))
}

/// Stores a new field.
///
/// # Errors
/// A conflict when the knowledge base has one of that name.
#[boxed]
pub async fn insert(tx: &Tx, field: MetadataField) -> Result<()> {
    row::insert::<Entity>(tx, field).await
}

/// Gives a field another name.
///
/// # Errors
/// Not found when it is gone; a conflict when another has the name.
#[boxed]
pub async fn rename(tx: &Tx, id: Uuid, name: &str, by: AccountId) -> Result<()> {
    let done = Entity::update_many()
        .col_expr(Column::Name, Expr::value(name))
        .col_expr(Column::UpdatedBy, Expr::value(Some(by.0)))
        .col_expr(Column::UpdatedAt, Expr::value(now()))
        .filter(Column::Id.eq(id))
        .exec(tx.connection())
        .await?;
    if done.rows_affected == 0 { Err(Error::NotFound("metadata")) } else { Ok(()) }
}

/// Removes a field; the values are the caller's to remove.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn delete(tx: &Tx, id: Uuid) -> Result<()> {
    bindings::Entity::delete_many().filter(Bound::MetadataId.eq(id)).exec(tx.connection()).await?;
    Entity::delete_by_id(id).exec(tx.connection()).await?;
    Ok(())
}

/// The documents that have a value of a field.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn bound(source: &dyn Source, id: Uuid) -> Result<Vec<DocumentId>> {
    let rows: Vec<Uuid> = bindings::Entity::find()
        .select_only()
        .column(Bound::DocumentId)
        .filter(Bound::MetadataId.eq(id))
        .into_tuple()
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(DocumentId).collect())
}

/// Notes which fields a document has values of; `replace` forgets the others.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn bind(
    tx: &Tx,
    (tenant, dataset, document): (TenantId, DatasetId, DocumentId),
    fields: &[Uuid],
    by: AccountId,
    replace: bool,
) -> Result<()> {
    if replace {
        bindings::Entity::delete_many().filter(Bound::DocumentId.eq(document.0)).exec(tx.connection()).await?;
    }
    let created_at = now();
    let row = |field: Uuid| bindings::Model {
        metadata_id: field,
        document_id: document.0,
        tenant_id: tenant.0,
        dataset_id: dataset.0,
        created_by: by.0,
        created_at,
    };
    let mut fields = fields.to_vec();
    fields.sort_unstable();
    fields.dedup();
    let rows: Vec<_> = fields.into_iter().map(|field| row(field).into_active_model().reset_all()).collect();
    if !rows.is_empty() {
        bindings::Entity::insert_many(rows)
            .on_conflict(OnConflict::columns([Bound::MetadataId, Bound::DocumentId]).do_nothing().to_owned())
            .exec_without_returning(tx.connection())
            .await?;
    }
    Ok(())
}
