//! Vectors of texts, one for equal texts of a workspace and model.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use ox_types::{TenantId, boxed};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Expr, OnConflict},
};
use uuid::Uuid;

use crate::{
    Result, Source, Tx,
    entity::{
        embeddings::{Column, Entity, Model},
        index_nodes,
    },
    model::NewEmbedding,
    time::now,
};

/// Rows of one statement.
const CHUNK: usize = 500;

/// The ids of the vectors that are known, by the hash of their text.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn known(
    source: &dyn Source,
    tenant: TenantId,
    provider: &str,
    model: &str,
    hashes: &[String],
) -> Result<HashMap<String, Uuid>> {
    let mut found = HashMap::with_capacity(hashes.len());
    for chunk in hashes.chunks(CHUNK) {
        let rows: Vec<(String, Uuid)> = Entity::find()
            .select_only()
            .columns([Column::Hash, Column::Id])
            .filter(Column::Hash.is_in(chunk))
            .filter(Column::ModelName.eq(model))
            .filter(Column::ProviderName.eq(provider))
            .filter(Column::TenantId.eq(tenant.0))
            .into_tuple()
            .all(&source.executor())
            .await?;
        found.extend(rows);
    }
    Ok(found)
}

/// Keeps vectors that are to be used from going with [`purge`]: those among them that are older than a time count as
/// made now. Gives those that are there.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn hold(tx: &Tx, ids: &[Uuid], before: DateTime<Utc>) -> Result<HashSet<Uuid>> {
    let mut there = HashSet::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let these = || Column::Id.is_in(chunk.iter().copied());
        Entity::update_many()
            .col_expr(Column::CreatedAt, Expr::value(now()))
            .filter(these())
            .filter(Column::CreatedAt.lt(before))
            .exec(tx.connection())
            .await?;
        let rows: Vec<Uuid> =
            Entity::find().select_only().column(Column::Id).filter(these()).into_tuple().all(tx.connection()).await?;
        there.extend(rows);
    }
    Ok(there)
}

/// Which of these are older than a time.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn older(source: &dyn Source, ids: &[Uuid], before: DateTime<Utc>) -> Result<Vec<Uuid>> {
    let mut found = Vec::new();
    for chunk in ids.chunks(CHUNK) {
        let rows: Vec<Uuid> = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::Id.is_in(chunk.iter().copied()))
            .filter(Column::CreatedAt.lt(before))
            .into_tuple()
            .all(&source.executor())
            .await?;
        found.extend(rows);
    }
    Ok(found)
}

/// Vectors after one of them that no index uses, and the last one that was looked at (none when there are no more).
/// Looks at `limit` of them.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn unused(source: &dyn Source, after: Uuid, limit: u64) -> Result<(Vec<Uuid>, Option<Uuid>)> {
    let page: Vec<Uuid> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::Id.gt(after))
        .order_by_asc(Column::Id)
        .limit(limit)
        .into_tuple()
        .all(&source.executor())
        .await?;
    let mut used: HashSet<Uuid> = HashSet::new();
    for chunk in page.chunks(CHUNK) {
        let rows: Vec<Uuid> = index_nodes::Entity::find()
            .select_only()
            .column(index_nodes::Column::EmbeddingId)
            .distinct()
            .filter(index_nodes::Column::EmbeddingId.is_in(chunk.iter().copied()))
            .into_tuple()
            .all(&source.executor())
            .await?;
        used.extend(rows);
    }
    let last = page.last().copied();
    Ok((page.into_iter().filter(|id| !used.contains(id)).collect(), last))
}

/// Removes vectors that are older than a time and that no index uses. Returns how many went.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn purge(tx: &Tx, ids: &[Uuid], before: DateTime<Utc>) -> Result<u64> {
    let mut count = 0;
    for chunk in ids.chunks(CHUNK) {
        let used = "NOT EXISTS (SELECT 1 FROM index_nodes n WHERE n.embedding_id = embeddings.id)";
        let done = Entity::delete_many()
            .filter(Column::Id.is_in(chunk.iter().copied()))
            .filter(Column::CreatedAt.lt(before))
            .filter(Expr::cust(used))
            .exec(tx.connection())
            .await?;
        count += done.rows_affected;
    }
    Ok(count)
}

/// Adds vectors and gives their ids by hash; where another was quicker, the other's.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn put(
    tx: &Tx,
    tenant: TenantId,
    provider: &str,
    model: &str,
    items: Vec<NewEmbedding>,
) -> Result<HashMap<String, Uuid>> {
    let hashes: Vec<String> = items.iter().map(|item| item.hash.clone()).collect();
    let created_at = now();
    let mut rows = items
        .into_iter()
        .map(|item| Model {
            id: ox_types::new_uuid(),
            tenant_id: tenant.0,
            provider_name: provider.to_owned(),
            model_name: model.to_owned(),
            hash: item.hash,
            embedding: bytes_of(&item.vector),
            created_at,
        })
        .peekable();
    let key = [Column::Hash, Column::ModelName, Column::ProviderName, Column::TenantId];
    while rows.peek().is_some() {
        let chunk: Vec<_> = rows.by_ref().take(CHUNK).map(|row| row.into_active_model().reset_all()).collect();
        Entity::insert_many(chunk)
            .on_conflict(OnConflict::columns(key).do_nothing().to_owned())
            .exec_without_returning(tx.connection())
            .await?;
    }
    known(tx, tenant, provider, model, &hashes).await
}

/// The bytes of a stored vector.
fn bytes_of(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// The vector of stored bytes.
pub(super) fn vector_of(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|chunk| f32::from_le_bytes(*chunk)).collect()
}
