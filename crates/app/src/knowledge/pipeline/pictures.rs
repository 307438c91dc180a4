//! Pictures of documents: kept as files of the workspace, named in the chunks and bound to them.
//!
//! A picture's id comes from its document and its bytes: read again, after a crash too, it is the same file.

use std::collections::{HashMap, HashSet};

use ox_db::{
    Tx,
    model::{Document, Segment},
    repo,
};
use ox_extract::Picture;
use ox_types::{DocumentId, FileId, SegmentId};
use uuid::Uuid;

use super::{super::links, Halt};
use crate::{Services, files::store::Kept};

/// Pictures of one document that are kept.
pub const MOST: usize = 1_000;
/// Bytes of pictures that may wait for their chunk to be full.
const HELD_BYTES: usize = 8 * 1024 * 1024;

/// The pictures that were found and are not kept yet.
pub struct Gathered {
    document: DocumentId,
    seen: HashSet<FileId>,
    waiting: Vec<(FileId, Picture)>,
    bytes: usize,
}

impl Gathered {
    pub fn new(document: DocumentId) -> Self {
        Self { document, seen: HashSet::new(), waiting: Vec::new(), bytes: 0 }
    }

    /// Takes a picture; gives the address that the text names it by.
    pub fn put(&mut self, picture: Picture) -> String {
        let id = id_of(self.document, &picture.bytes);
        if self.seen.insert(id) {
            self.bytes += picture.bytes.len();
            self.waiting.push((id, picture));
        }
        format!("/files/{id}/file-preview")
    }

    /// More must not wait.
    pub const fn is_full(&self) -> bool {
        self.bytes >= HELD_BYTES
    }

    pub const fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub fn take(&mut self) -> Vec<(FileId, Picture)> {
        self.bytes = 0;
        std::mem::take(&mut self.waiting)
    }
}

fn id_of(document: DocumentId, bytes: &[u8]) -> FileId {
    FileId(Uuid::new_v5(&document.0, bytes))
}

/// Keeps pictures as files of the document.
pub async fn keep(services: &Services, document: &Document, pictures: Vec<(FileId, Picture)>) -> Result<(), Halt> {
    for (id, picture) in pictures {
        let name = format!("{id}.{}", picture.extension);
        let (mime, extension) = (picture.mime(), picture.extension);
        let (bytes, by, owner) = (picture.bytes.into(), document.created_by, Some(document.id.0));
        let kept = Kept { id, name: &name, extension, mime, by, owner };
        services.files.keep(document.tenant_id, kept, bytes).await?;
    }
    Ok(())
}

/// Binds the files of the workspace that chunks name to them.
pub async fn bind(tx: &Tx, segments: &[Segment]) -> Result<(), Halt> {
    let mut files: HashMap<SegmentId, Vec<FileId>> = segments
        .iter()
        .map(|segment| (segment.id, links::named(&segment.content)))
        .filter(|(_, files)| !files.is_empty())
        .collect();
    let Some(first) = segments.first().filter(|_| !files.is_empty()) else { return Ok(()) };
    let wanted: HashSet<FileId> = files.values().flatten().copied().collect();
    let wanted: Vec<FileId> = wanted.into_iter().collect();
    let found = repo::upload_files::find_all(tx, first.tenant_id, &wanted).await?;
    let known: HashSet<FileId> = found.into_iter().map(|file| file.id).collect();
    for files in files.values_mut() {
        files.retain(|file| known.contains(file));
    }
    Ok(repo::segments::attach(tx, segments, &files).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_the_same_id_in_its_document_only() {
        let (one, other) = (DocumentId::new(), DocumentId::new());
        assert_eq!(id_of(one, b"a"), id_of(one, b"a"));
        assert_ne!(id_of(one, b"a"), id_of(one, b"b"));
        assert_ne!(id_of(one, b"a"), id_of(other, b"a"));
    }

    #[test]
    fn pictures_are_gathered_once() {
        let mut gathered = Gathered::new(DocumentId::new());
        let picture = |bytes: &[u8]| Picture { bytes: bytes.to_vec(), extension: "png" };
        let first = gathered.put(picture(b"a"));
        assert_eq!(gathered.put(picture(b"a")), first);
        assert_ne!(gathered.put(picture(b"b")), first);
        let taken = gathered.take();
        assert_eq!(taken.iter().map(|(_, picture)| picture.bytes.as_slice()).collect::<Vec<_>>(), [b"a", b"b"]);
        assert_eq!(first, format!("/files/{}/file-preview", taken[0].0));
        gathered.put(picture(b"a"));
        assert!(gathered.take().is_empty() && !gathered.is_full());
        gathered.put(picture(&vec![1; HELD_BYTES]));
        assert!(gathered.is_full());
    }
}
