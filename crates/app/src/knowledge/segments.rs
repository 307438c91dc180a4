//! Chunks: list and show them; the files beside this one add, change, switch, delete and import them, and the parts of
//! them that are found in their place.

mod children;
mod editing;
mod import;
mod switches;

use std::collections::HashMap;

use ox_db::{
    model::{ChildChunk, Dataset, Document, Segment, SegmentSummary, UploadFile},
    repo::{self, segments::SegmentFilter},
};
use ox_types::{DatasetId, DocumentId, FileId, SegmentId, boxed};

use super::{datasets::embedding_model, documents, files_of, signed};
use crate::{Error, Principal, Result, Services, apps::Page};

pub use children::{ChildForm, children, create_child, delete_child, set_children, update_child};
pub use editing::{create, update};
pub use import::{ImportJob, import, import_state};
pub use switches::{delete, delete_one, set_enabled};

/// A chunk as it is given.
#[derive(Clone, Debug, Default)]
pub struct SegmentForm {
    pub content: Option<String>,
    pub answer: Option<String>,
    pub keywords: Option<Vec<String>>,
    pub attachments: Option<Vec<FileId>>,
    pub enabled: Option<bool>,
    /// Makes the parts anew.
    pub regenerate: bool,
    /// What it is about; an empty text removes it.
    pub summary: Option<String>,
}

/// A chunk with what is shown beside it.
#[derive(Clone, Debug)]
pub struct SegmentView {
    pub segment: Segment,
    pub children: Vec<ChildChunk>,
    pub attachments: Vec<UploadFile>,
    /// What it is about, there or to come.
    pub summary: Option<SegmentSummary>,
    /// The content with addresses of files that can be opened.
    pub signed: String,
}

/// Chunks of a document that the caller may see.
#[derive(Clone, Debug)]
pub struct Place {
    pub dataset: Dataset,
    pub document: Document,
}

/// The document, to read its chunks.
///
/// # Errors
/// As for the document.
#[boxed]
pub async fn place(services: &Services, principal: &Principal, dataset: DatasetId, id: DocumentId) -> Result<Place> {
    let (dataset, document) = documents::find(services, principal, dataset, id).await?;
    Ok(Place { dataset, document })
}

async fn place_to_edit(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    id: DocumentId,
) -> Result<Place> {
    let (dataset, document) = documents::find_to_edit(services, principal, dataset, id).await?;
    Ok(Place { dataset, document })
}

fn missing() -> Error {
    Error::not_found("Segment not found.")
}

async fn segment_in(services: &Services, place: &Place, id: SegmentId) -> Result<Segment> {
    let found = repo::segments::find(&services.db, place.dataset.tenant_id, place.document.id, id).await?;
    found.ok_or_else(missing)
}

/// One page of a document's chunks.
///
/// # Errors
/// As for the document.
#[boxed]
pub async fn list(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    id: DocumentId,
    filter: &SegmentFilter,
) -> Result<(Place, Page<SegmentView>)> {
    let place = place(services, principal, dataset, id).await?;
    let (found, total) = repo::segments::list(&services.db, id, filter).await?;
    let items = views(services, &place, found).await?;
    Ok((place, Page { page: filter.page, limit: filter.limit, total, items }))
}

async fn views(services: &Services, place: &Place, segments: Vec<Segment>) -> Result<Vec<SegmentView>> {
    let ids: Vec<SegmentId> = segments.iter().map(|segment| segment.id).collect();
    let mut children = if place.document.doc_form == "hierarchical_model" {
        repo::child_chunks::of_segments(&services.db, &ids).await?
    } else {
        HashMap::new()
    };
    let mut summaries = match embedding_model(&place.dataset) {
        Some(_) => repo::summaries::of_segments(&services.db, place.dataset.tenant_id, &ids).await?,
        None => HashMap::new(),
    };
    let mut files = files_of(&services.db, &place.dataset, &ids).await?;
    let view = |segment: Segment| SegmentView {
        children: children.remove(&segment.id).unwrap_or_default(),
        summary: summaries.remove(&segment.id),
        attachments: files.remove(&segment.id).unwrap_or_default(),
        signed: signed(services, &segment.content),
        segment,
    };
    Ok(segments.into_iter().map(view).collect())
}

/// One chunk.
///
/// # Errors
/// 404 for an unknown one.
#[boxed]
pub async fn view(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    document: DocumentId,
    id: SegmentId,
) -> Result<(Place, SegmentView)> {
    let place = place(services, principal, dataset, document).await?;
    let segment = segment_in(services, &place, id).await?;
    let view = view_of(services, &place, segment).await?;
    Ok((place, view))
}

async fn view_of(services: &Services, place: &Place, segment: Segment) -> Result<SegmentView> {
    views(services, place, vec![segment]).await?.pop().ok_or_else(missing)
}
