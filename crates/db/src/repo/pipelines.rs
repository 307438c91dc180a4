//! Pipelines of knowledge bases. Their versions are rows of `workflows`.

use ox_types::{AppId, DocumentId, TenantId, boxed};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::{
    Result, Source, Tx,
    entity::{
        document_pipeline_execution_logs as logs,
        pipelines::{Column, Entity},
        workflows,
    },
    model::{Pipeline, PipelineLog},
    repo::row,
};

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

/// Removes one with its versions and what its documents were made of.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn delete(tx: &Tx, tenant: TenantId, id: AppId) -> Result<()> {
    workflows::Entity::delete_many()
        .filter(workflows::Column::TenantId.eq(tenant.0))
        .filter(workflows::Column::AppId.eq(id.0))
        .exec(tx.connection())
        .await?;
    logs::Entity::delete_many().filter(logs::Column::PipelineId.eq(id.0)).exec(tx.connection()).await?;
    Entity::delete_by_id(id.0).filter(Column::TenantId.eq(tenant.0)).exec(tx.connection()).await?;
    Ok(())
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
