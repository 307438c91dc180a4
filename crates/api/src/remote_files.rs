//! Files named by their address, the same for the console and published pages.

use ox_app::{
    Services,
    files::remote::{self, Keeper, RemoteFile},
    model::UploadFile,
};
use ox_types::TenantId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::ApiResult;

/// What a foreign file is said to be.
#[derive(Serialize, ToSchema)]
pub struct RemoteFileInfo {
    file_type: String,
    /// -1 when unknown.
    file_length: i64,
}

impl From<RemoteFile> for RemoteFileInfo {
    fn from(file: RemoteFile) -> Self {
        Self { file_type: file.mime, file_length: file.size }
    }
}

/// The address of a file.
#[derive(Deserialize, ToSchema)]
pub struct RemoteFileBody {
    pub url: String,
}

/// A foreign file that is kept.
#[derive(Serialize, ToSchema)]
pub struct KeptFile {
    id: Uuid,
    name: String,
    size: i64,
    extension: String,
    /// A signed address of the content, valid for a few minutes.
    url: String,
    mime_type: Option<String>,
    created_by: Uuid,
    created_at: i64,
}

/// Looks at a foreign file.
pub async fn look(services: &Services, tenant: TenantId, url: &str) -> ApiResult<RemoteFileInfo> {
    Ok(remote::look(services, tenant, url).await?.into())
}

/// Fetches a foreign file.
pub async fn keep(services: &Services, keeper: Keeper, url: &str) -> ApiResult<KeptFile> {
    let file: UploadFile = remote::keep(services, keeper, url.trim()).await?;
    Ok(KeptFile {
        url: services.files.preview_url(file.id),
        id: file.id.0,
        name: file.name,
        size: file.size,
        extension: file.extension,
        mime_type: file.mime_type,
        created_by: file.created_by,
        created_at: file.created_at.timestamp(),
    })
}
