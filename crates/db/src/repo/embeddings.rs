//! Vectors of texts, one for equal texts of a workspace and model.

use std::collections::HashMap;

use ox_types::{TenantId, boxed};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, sea_query::OnConflict,
};
use uuid::Uuid;

use crate::{
    Result, Source, Tx,
    entity::embeddings::{Column, Entity, Model},
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
