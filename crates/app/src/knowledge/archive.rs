//! The files of several documents in one archive.

use std::io::{Cursor, Write as _};

use bytes::Bytes;
use ox_types::{DatasetId, DocumentId, boxed};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::documents;
use crate::{Error, Principal, Result, Services};

/// Bytes of all files together.
const MOST: usize = 512 * 1024 * 1024;

/// The files of several documents.
///
/// # Errors
/// 404 for an unknown document or one without a file, 413 for more than fits.
#[boxed]
pub async fn of_documents(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    ids: &[DocumentId],
) -> Result<Bytes> {
    let files = documents::files_to_download(services, principal, dataset, ids).await?;
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    let mut size = 0;
    for (name, file) in files {
        let bytes = services.files.content(&file).await?;
        size += bytes.len();
        if size > MOST {
            return Err(Error::new(413, "file_too_large", "These files are too large for one archive."));
        }
        // Compressing a file takes a while.
        writer = tokio::task::spawn_blocking(move || {
            writer.start_file(name, options)?;
            writer.write_all(&bytes)?;
            Ok::<_, zip::result::ZipError>(writer)
        })
        .await
        .map_err(Error::internal)?
        .map_err(Error::internal)?;
    }
    let done = writer.finish().map_err(Error::internal)?;
    Ok(done.into_inner().into())
}
