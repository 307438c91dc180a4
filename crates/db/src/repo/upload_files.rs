//! Uploaded files: what is known of them; their bytes are in the object store.

use ox_types::{FileId, TenantId, boxed};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};

use crate::{
    Result, Source, Tx,
    entity::upload_files::{Column, Entity, Model},
    model::UploadFile,
};

/// A file of a workspace.
#[boxed]
pub async fn find(source: &dyn Source, tenant_id: TenantId, id: FileId) -> Result<Option<UploadFile>> {
    let found = Entity::find_by_id(id.0).filter(Column::TenantId.eq(tenant_id.0)).one(&source.executor()).await?;
    Ok(found.map(UploadFile::from))
}

/// Several files of a workspace.
#[boxed]
pub async fn find_all(source: &dyn Source, tenant_id: TenantId, ids: &[FileId]) -> Result<Vec<UploadFile>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = Entity::find()
        .filter(Column::TenantId.eq(tenant_id.0))
        .filter(Column::Id.is_in(ids.iter().map(|id| id.0)))
        .all(&source.executor())
        .await?;
    Ok(rows.into_iter().map(UploadFile::from).collect())
}

/// A file by its id alone: for addresses whose signature is the permission.
#[boxed]
pub async fn find_signed(source: &dyn Source, id: FileId) -> Result<Option<UploadFile>> {
    Ok(Entity::find_by_id(id.0).one(&source.executor()).await?.map(UploadFile::from))
}

/// Adds a file.
#[boxed]
pub async fn insert(tx: &Tx, file: UploadFile) -> Result<()> {
    Entity::insert(Model::from(file).into_active_model().reset_all()).exec_without_returning(&tx.executor()).await?;
    Ok(())
}

/// Removes the row of a file whose bytes are gone.
#[boxed]
pub async fn delete(tx: &Tx, id: FileId) -> Result<()> {
    Entity::delete_by_id(id.0).exec(&tx.executor()).await?;
    Ok(())
}
