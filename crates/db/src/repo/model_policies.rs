//! What workspaces decide about their calls of models.

use ox_types::{TenantId, boxed};
use sea_orm::EntityTrait;

use super::row;
use crate::{
    Result, Source, Tx,
    entity::model_policies::{Column, Entity},
    model::ModelPolicies,
};

/// Those of a workspace; `None` when it has decided nothing.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn find(source: &dyn Source, tenant: TenantId) -> Result<Option<ModelPolicies>> {
    let found = Entity::find_by_id(tenant.0).one(&source.executor()).await?;
    Ok(found.map(ModelPolicies::from))
}

/// Writes those of a workspace.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn set(tx: &Tx, policies: ModelPolicies) -> Result<()> {
    row::upsert::<Entity>(tx, &[Column::TenantId], &[], policies).await
}
