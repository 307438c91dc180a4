//! Pipelines of knowledge bases. Their versions are rows of `workflows`.

use std::collections::HashSet;

use ox_types::{AppId, DocumentId, TenantId, boxed};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::{
    Error, Result, Source, Tx,
    entity::{
        datasets, document_pipeline_execution_logs as logs, pipeline_customized_templates as templates,
        pipelines::{Column, Entity},
    },
    model::{Dataset, Pipeline, PipelineLog, PipelineTemplate},
    repo::row,
};

/// Templates of one workspace.
const MAX_TEMPLATES: u64 = 500;

/// One of a workspace.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, tenant: TenantId, id: AppId) -> Result<Option<Pipeline>> {
    let query = Entity::find_by_id(id.0).filter(Column::TenantId.eq(tenant.0));
    Ok(query.one(&source.executor()).await?.map(Pipeline::from))
}

/// Adds one.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn insert(tx: &Tx, item: Pipeline) -> Result<()> {
    row::insert::<Entity>(tx, item).await
}

/// Writes one anew.
///
/// # Errors
/// Not found when it is gone.
#[boxed]
pub async fn update(tx: &Tx, item: Pipeline) -> Result<()> {
    row::update::<Entity>(tx, "pipeline", item).await
}

/// One by its id alone, for a run that has begun.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find_any(source: &dyn Source, id: AppId) -> Result<Option<Pipeline>> {
    Ok(Entity::find_by_id(id.0).one(&source.executor()).await?.map(Pipeline::from))
}

/// Those of these that can be run.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn published(source: &dyn Source, tenant: TenantId, ids: &[Uuid]) -> Result<HashSet<Uuid>> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let found: Vec<Uuid> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::TenantId.eq(tenant.0))
        .filter(Column::Id.is_in(ids.iter().copied()))
        .filter(Column::IsPublished.eq(true))
        .into_tuple()
        .all(&source.executor())
        .await?;
    Ok(found.into_iter().collect())
}

/// The knowledge base that a pipeline fills.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn dataset(source: &dyn Source, tenant: TenantId, id: AppId) -> Result<Option<Dataset>> {
    let query = datasets::Entity::find()
        .filter(datasets::Column::PipelineId.eq(id.0))
        .filter(datasets::Column::TenantId.eq(tenant.0));
    Ok(query.one(&source.executor()).await?.map(Dataset::from))
}

/// Removes one with what its documents were made of. Its versions and runs are removed in small steps afterwards, as
/// those of apps are.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn delete(tx: &Tx, tenant: TenantId, id: AppId) -> Result<()> {
    let done = Entity::delete_by_id(id.0).filter(Column::TenantId.eq(tenant.0)).exec(tx.connection()).await?;
    if done.rows_affected == 0 {
        return Ok(());
    }
    logs::Entity::delete_many().filter(logs::Column::PipelineId.eq(id.0)).exec(tx.connection()).await?;
    super::deletions::begin(tx, tenant, id).await
}

/// What a document is made of.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn log(source: &dyn Source, document: DocumentId) -> Result<Option<PipelineLog>> {
    let found = logs::Entity::find_by_id(document.0).one(&source.executor()).await?;
    Ok(found.map(PipelineLog::from))
}

/// Remembers what a document is made of.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn put_log(tx: &Tx, item: PipelineLog) -> Result<()> {
    row::upsert::<logs::Entity>(tx, &[logs::Column::DocumentId], &[], item).await
}

/// The templates of a workspace in their order.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn templates(source: &dyn Source, tenant: TenantId) -> Result<Vec<PipelineTemplate>> {
    let rows = templates::Entity::find()
        .filter(templates::Column::TenantId.eq(tenant.0))
        .order_by_asc(templates::Column::Position)
        .order_by_desc(templates::Column::CreatedAt)
        .limit(MAX_TEMPLATES)
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(PipelineTemplate::from).collect())
}

/// One template of a workspace.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn template(source: &dyn Source, tenant: TenantId, id: Uuid) -> Result<Option<PipelineTemplate>> {
    let query = templates::Entity::find_by_id(id).filter(templates::Column::TenantId.eq(tenant.0));
    Ok(query.one(&source.executor()).await?.map(PipelineTemplate::from))
}

/// Keeps a template.
///
/// # Errors
/// A conflict when the workspace has one of that name.
#[boxed]
pub async fn insert_template(tx: &Tx, item: PipelineTemplate) -> Result<()> {
    row::insert::<templates::Entity>(tx, item).await
}

/// Writes a template anew.
///
/// # Errors
/// Not found when it is gone; a conflict when another has the name.
#[boxed]
pub async fn update_template(tx: &Tx, item: PipelineTemplate) -> Result<()> {
    row::update::<templates::Entity>(tx, "pipeline template", item).await
}

/// Removes a template.
///
/// # Errors
/// Not found when it is not there.
#[boxed]
pub async fn delete_template(tx: &Tx, tenant: TenantId, id: Uuid) -> Result<()> {
    let done = templates::Entity::delete_by_id(id)
        .filter(templates::Column::TenantId.eq(tenant.0))
        .exec(tx.connection())
        .await?;
    if done.rows_affected == 0 { Err(Error::NotFound("pipeline template")) } else { Ok(()) }
}
