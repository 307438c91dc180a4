//! Services of others that search, and the datasets that stand for their knowledge.

use ox_types::{DatasetId, TenantId, boxed};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::{keyword::Keyword, row, skipped};
use crate::{
    Result, Source, Tx,
    entity::{
        datasets,
        external_knowledge_apis::{Column, Entity},
        external_knowledge_bindings as bindings,
    },
    model::{ExternalKnowledgeApi, ExternalKnowledgeBinding},
};

/// A page (1-based) of a workspace's services, newest first, and how many there are.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn page(
    source: &dyn Source,
    tenant: TenantId,
    keyword: Option<&str>,
    page: u64,
    limit: u64,
) -> Result<(Vec<ExternalKnowledgeApi>, u64)> {
    let mut query = Entity::find().filter(Column::TenantId.eq(tenant.0));
    if let Some(keyword) = Keyword::new(source, keyword) {
        query = query.filter(keyword.in_any([Column::Name]));
    }
    let total = query.clone().count(&source.executor()).await?;
    let rows = query
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .offset(skipped(page, limit))
        .limit(limit)
        .all(&source.executor())
        .await?;
    Ok((rows.into_iter().map(ExternalKnowledgeApi::from).collect(), total))
}

/// One of a workspace.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, tenant: TenantId, id: Uuid) -> Result<Option<ExternalKnowledgeApi>> {
    let found = Entity::find_by_id(id).filter(Column::TenantId.eq(tenant.0)).one(&source.executor()).await?;
    Ok(found.map(ExternalKnowledgeApi::from))
}

/// Adds one.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn insert(tx: &Tx, item: ExternalKnowledgeApi) -> Result<()> {
    row::insert::<Entity>(tx, item).await
}

/// Writes one anew.
///
/// # Errors
/// Not found when it is gone.
#[boxed]
pub async fn update(tx: &Tx, item: ExternalKnowledgeApi) -> Result<()> {
    row::update::<Entity>(tx, "external knowledge API", item).await
}

/// Removes one; tells whether there was one.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn delete(tx: &Tx, tenant: TenantId, id: Uuid) -> Result<bool> {
    let done = Entity::delete_many()
        .filter(Column::Id.eq(id))
        .filter(Column::TenantId.eq(tenant.0))
        .exec(tx.connection())
        .await?;
    Ok(done.rows_affected > 0)
}

/// What a dataset stands for.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn binding(
    source: &dyn Source,
    tenant: TenantId,
    dataset: DatasetId,
) -> Result<Option<ExternalKnowledgeBinding>> {
    use bindings::Column as Of;
    let found =
        bindings::Entity::find_by_id(dataset.0).filter(Of::TenantId.eq(tenant.0)).one(&source.executor()).await?;
    Ok(found.map(ExternalKnowledgeBinding::from))
}

/// Says what a dataset stands for.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn bind(tx: &Tx, item: ExternalKnowledgeBinding) -> Result<()> {
    use bindings::Column as Of;
    row::upsert::<bindings::Entity>(tx, &[Of::DatasetId], &[Of::CreatedAt, Of::CreatedBy], item).await
}

/// The datasets that stand for knowledge of these services: service, id and name.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn bound(source: &dyn Source, tenant: TenantId, apis: &[Uuid]) -> Result<Vec<(Uuid, DatasetId, String)>> {
    use bindings::Column as Of;
    let rows: Vec<(Uuid, Uuid)> = bindings::Entity::find()
        .select_only()
        .columns([Of::ExternalKnowledgeApiId, Of::DatasetId])
        .filter(Of::TenantId.eq(tenant.0))
        .filter(Of::ExternalKnowledgeApiId.is_in(apis.iter().copied()))
        .into_tuple()
        .all(&source.executor())
        .await?;
    let names: std::collections::HashMap<Uuid, String> = datasets::Entity::find()
        .select_only()
        .columns([datasets::Column::Id, datasets::Column::Name])
        .filter(datasets::Column::Id.is_in(rows.iter().map(|(_, dataset)| *dataset)))
        .into_tuple::<(Uuid, String)>()
        .all(&source.executor())
        .await?
        .into_iter()
        .collect();
    let named = |(api, dataset): (Uuid, Uuid)| Some((api, DatasetId(dataset), names.get(&dataset)?.clone()));
    Ok(rows.into_iter().filter_map(named).collect())
}
