//! Pictures that are found: where the embedding model sees, each picture that is bound to a chunk is a node of it.

use std::collections::HashMap;

use base64::Engine as _;
use ox_db::{
    model::{IndexNodeKind, NewIndexNode, UploadFile},
    repo,
};
use ox_models::{Media, MediaSource, ModelFeature, ModelKind, ModelRef, ModelRuntime};
use ox_types::{DocumentId, FileId, SegmentId, TenantId};
use uuid::Uuid;

use super::embedding::scope;
use crate::{Result, Services, files::FileStore};

/// Bytes of a picture that is embedded: no vendor takes more.
pub(super) const LARGEST: usize = 5 * 1024 * 1024;
/// Pictures that are held and embedded together.
const AT_ONCE: usize = 8;
/// What the models take.
const TYPES: [&str; 4] = ["image/png", "image/jpeg", "image/webp", "image/gif"];

/// A chunk of which pictures are to be found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holder {
    pub document: DocumentId,
    pub segment: SegmentId,
    /// Whether it is found at once.
    pub active: bool,
}

/// Whether an embedding model takes pictures.
pub(super) async fn sees(models: &dyn ModelRuntime, tenant: TenantId, model: &ModelRef) -> bool {
    let spec = models.describe(&scope(tenant), model, ModelKind::TextEmbedding).await;
    spec.is_some_and(|spec| spec.has(ModelFeature::Vision))
}

/// The node of a picture. A file may be bound to several chunks: it is one node of each.
pub(super) fn node_id(segment: Uuid, file: FileId) -> Uuid {
    Uuid::new_v5(&segment, file.0.as_bytes())
}

/// The type of a file as models take it; none for one that is no such picture, or too large a one. A size below zero is
/// not known.
pub(super) fn type_of(mime: Option<&str>, extension: &str, size: i64) -> Option<&'static str> {
    let told = mime.unwrap_or_default().to_ascii_lowercase();
    let by_name = match extension.trim_start_matches('.').to_ascii_lowercase().as_str() {
        "png" => Some("image/png"),
        "jpg" | "jpeg" => Some("image/jpeg"),
        "webp" => Some("image/webp"),
        "gif" => Some("image/gif"),
        _ => None,
    };
    let kind = TYPES.into_iter().find(|known| told == *known).or(by_name);
    kind.filter(|_| usize::try_from(size).unwrap_or(0) <= LARGEST)
}

/// A stored picture as models take it; none for what is none.
///
/// # Errors
/// When its bytes cannot be read.
pub(super) async fn media(files: &FileStore, file: &UploadFile) -> Result<Option<Media>> {
    let Some(mime) = type_of(file.mime_type.as_deref(), &file.extension, file.size) else { return Ok(None) };
    let bytes = files.content(file).await?;
    if bytes.is_empty() || bytes.len() > LARGEST {
        return Ok(None);
    }
    let source = MediaSource::Base64(base64::engine::general_purpose::STANDARD.encode(&bytes));
    Ok(Some(Media { source, mime: mime.to_owned(), filename: None, detail: None }))
}

/// The nodes of the pictures that are bound to some chunks, embedded. What is no picture, is too large or is refused by
/// the model has none; the chunk is found by its text all the same.
///
/// # Errors
/// When the model fails for good, or the database does.
pub(super) async fn bound(
    services: &Services,
    tenant: TenantId,
    model: &ModelRef,
    holders: &[Holder],
) -> Result<Vec<NewIndexNode>> {
    let ids: Vec<SegmentId> = holders.iter().map(|holder| holder.segment).collect();
    let files = repo::segments::attachments(&services.db, &ids).await?;
    nodes(services, tenant, model, holders, &files).await
}

/// As [`bound`], of files that are given.
///
/// # Errors
/// As [`bound`].
pub(super) async fn nodes(
    services: &Services,
    tenant: TenantId,
    model: &ModelRef,
    holders: &[Holder],
    files: &HashMap<SegmentId, Vec<FileId>>,
) -> Result<Vec<NewIndexNode>> {
    let mut wanted: Vec<FileId> =
        holders.iter().filter_map(|holder| files.get(&holder.segment)).flatten().copied().collect();
    wanted.sort_unstable();
    wanted.dedup();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let found = repo::upload_files::find_all(&services.db, tenant, &wanted).await?;
    let mut vectors: HashMap<FileId, Uuid> = HashMap::with_capacity(found.len());
    for some in found.chunks(AT_ONCE) {
        let (mut seen, mut pictures) = (Vec::with_capacity(some.len()), Vec::with_capacity(some.len()));
        for file in some {
            if let Some(picture) = readable(services, file).await? {
                seen.push(file.id);
                pictures.push(picture);
            }
        }
        let made = services.embedder.embed_pictures(tenant, model, &pictures).await?;
        vectors.extend(seen.into_iter().zip(made).filter_map(|(file, vector)| Some((file, vector?))));
    }
    let mut out = Vec::new();
    for holder in holders {
        let mut known = Vec::new();
        for file in files.get(&holder.segment).into_iter().flatten() {
            let Some(vector) = vectors.get(file).filter(|_| !known.contains(file)) else { continue };
            known.push(*file);
            out.push(NewIndexNode {
                id: node_id(holder.segment.0, *file),
                document_id: holder.document,
                segment_id: holder.segment,
                kind: IndexNodeKind::Picture,
                content: file.to_string(),
                keywords: Vec::new(),
                embedding_id: Some(*vector),
                active: holder.active,
            });
        }
    }
    Ok(out)
}

/// The picture of a file; none where its bytes are gone.
async fn readable(services: &Services, file: &UploadFile) -> Result<Option<Media>> {
    match media(&services.files, file).await {
        Err(error) if error.status == 404 => Ok(None),
        read => read,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_that_models_take() {
        for (extension, mime, size, wanted) in [
            ("png", None, 1, Some("image/png")),
            ("JPG", Some("application/octet-stream"), 1, Some("image/jpeg")),
            ("bin", Some("image/webp"), 1, Some("image/webp")),
            ("gif", Some("IMAGE/GIF"), 1, Some("image/gif")),
            ("pdf", Some("application/pdf"), 1, None),
            ("tiff", Some("image/tiff"), 1, None),
            ("svg", Some("image/svg+xml"), 1, None),
            ("png", Some("image/png"), i64::try_from(LARGEST).unwrap() + 1, None),
            (".png", None, -1, Some("image/png")),
        ] {
            assert_eq!(type_of(mime, extension, size), wanted, "{extension} {mime:?} {size}");
        }
    }

    #[test]
    fn a_file_is_one_node_of_each_chunk() {
        let (one, other, file) = (SegmentId::new(), SegmentId::new(), FileId::new());
        assert_eq!(node_id(one.0, file), node_id(one.0, file));
        assert_ne!(node_id(one.0, file), node_id(other.0, file));
        assert_ne!(node_id(one.0, file), node_id(one.0, FileId::new()));
    }
}
