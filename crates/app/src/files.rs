//! Files of callers: upload, mapping to values, signed addresses, access.

pub mod mapping;
pub mod remote;
pub mod signing;
pub mod store;

pub use mapping::{FileReader, FileRules};
pub use signing::{FileSigner, Signature, SignedKind};
pub use store::{FileStore, Upload, mime_of};

use ox_db::{model::UploadFile, repo};
use ox_types::{AppId, FileId, boxed};

use crate::{AppCaller, Error, Result, Services, runs::published::PublishedApp};

/// Keeps a file that the caller uploads.
///
/// # Errors
/// What is wrong with the file.
#[boxed]
pub async fn upload(
    services: &Services,
    caller: &AppCaller,
    name: &str,
    mime: &str,
    bytes: bytes::Bytes,
) -> Result<UploadFile> {
    let upload = Upload {
        name: name.to_owned(),
        mime: mime.to_owned(),
        bytes,
        created_by_role: caller.user.role(),
        created_by: caller.user.id(),
        source_url: String::new(),
    };
    services.files.upload(caller.tenant_id(), upload).await
}

/// A file that was used in a message of this app.
///
/// # Errors
/// 404 when it was used in no message, 403 when only in another app's.
#[boxed]
pub async fn of_message(services: &Services, app: &PublishedApp, id: FileId) -> Result<UploadFile> {
    let missing = || Error::new(404, "file_not_found", "File not found in message context");
    let messages = repo::messages::using_file(&services.db, id).await?;
    if messages.is_empty() {
        return Err(missing());
    }
    let app_id: AppId = app.app.id;
    if repo::messages::find_all(&services.db, app_id, &messages).await?.is_empty() {
        return Err(Error::new(403, "file_access_denied", "Access to the requested file is denied."));
    }
    services.files.find(app.app.tenant_id, id).await?.ok_or_else(missing)
}

/// The file behind a signed address.
///
/// # Errors
/// 404 when the signature is wrong or too old, or the file is gone.
#[boxed]
pub async fn signed(services: &Services, kind: SignedKind, id: &str, signature: &Signature) -> Result<UploadFile> {
    let refused = || Error::not_found("File not found or signature is invalid");
    let files = &services.files;
    if !files.signer.verify(kind, id, signature, chrono::Utc::now().timestamp()) {
        return Err(refused());
    }
    let id: uuid::Uuid = id.parse().map_err(|_| refused())?;
    files.find_signed(FileId(id)).await?.ok_or_else(refused)
}
