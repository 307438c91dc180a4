//! Chunks on, off, gone.

use std::collections::HashSet;

use ox_db::{
    model::{IndexNodes, Segment},
    now, repo,
};
use ox_types::{DatasetId, DocumentId, FileId, SegmentId, boxed};

use super::{
    super::{index_changed, links, removal},
    Place, missing, place_to_edit,
};
use crate::{Error, Principal, Result, Services};

/// Switches chunks on or off; unknown ones are passed over.
///
/// # Errors
/// 400 while the document is being worked on.
#[boxed]
pub async fn set_enabled(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    document: DocumentId,
    ids: &[SegmentId],
    enabled: bool,
) -> Result<()> {
    let place = place_to_edit(services, principal, dataset, document).await?;
    set_enabled_in(services, principal, &place, ids, enabled).await
}

pub(super) async fn set_enabled_in(
    services: &Services,
    principal: &Principal,
    place: &Place,
    ids: &[SegmentId],
    enabled: bool,
) -> Result<()> {
    if place.document.indexing_status != "completed" {
        let text = "Document is being indexed, please try again later";
        return Err(Error::new(400, "invalid_action", text));
    }
    let (tenant, dataset) = (place.dataset.tenant_id, place.dataset.id);
    let found = repo::segments::find_all(&services.db, tenant, dataset, ids).await?;
    let ids: Vec<SegmentId> = found
        .iter()
        .filter(|segment| segment.document_id == place.document.id && segment.status == "completed")
        .map(|segment| segment.id)
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    let by = if enabled { None } else { Some((principal.account_id()?, now())) };
    let is_found = enabled && place.document.enabled && !place.document.archived;
    let tx = services.db.begin().await?;
    repo::segments::set_enabled(&tx, place.document.id, &ids, by).await?;
    for ids in ids.chunks(300) {
        repo::index_nodes::set_active(&tx, tenant, dataset, &IndexNodes::Segments(ids), is_found).await?;
    }
    tx.commit().await?;
    index_changed(services, tenant, dataset);
    Ok(())
}

/// Deletes chunks; unknown ones are passed over. Returns how many went.
///
/// # Errors
/// As for the document.
#[boxed]
pub async fn delete(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    document: DocumentId,
    ids: &[SegmentId],
) -> Result<usize> {
    let place = place_to_edit(services, principal, dataset, document).await?;
    let (tenant, dataset) = (place.dataset.tenant_id, place.dataset.id);
    let found = repo::segments::find_all(&services.db, tenant, dataset, ids).await?;
    let found: Vec<&Segment> = found.iter().filter(|segment| segment.document_id == document).collect();
    let ids: Vec<SegmentId> = found.iter().map(|segment| segment.id).collect();
    if ids.is_empty() {
        return Ok(0);
    }
    let pictures = pictures_of(services, &place, &found).await?;
    let words: i64 = found.iter().map(|segment| i64::from(segment.word_count)).sum();
    let tx = services.db.begin().await?;
    repo::documents::add_words(&tx, document, -words).await?;
    for ids in ids.chunks(300) {
        repo::index_nodes::remove(&tx, tenant, dataset, &IndexNodes::Segments(ids)).await?;
    }
    repo::segments::delete(&tx, document, Some(&ids)).await?;
    tx.commit().await?;
    index_changed(services, tenant, dataset);
    if !pictures.is_empty() {
        removal::remove_left(services, tenant, document, Some(&pictures)).await;
    }
    Ok(ids.len())
}

/// The files that chunks are bound to or name.
async fn pictures_of(services: &Services, place: &Place, segments: &[&Segment]) -> Result<Vec<FileId>> {
    if !place.dataset.has_attachments {
        return Ok(Vec::new());
    }
    let ids: Vec<SegmentId> = segments.iter().map(|segment| segment.id).collect();
    let bound = repo::segments::attachments(&services.db, &ids).await?;
    let named = segments.iter().flat_map(|segment| links::named(&segment.content));
    let all: HashSet<FileId> = bound.into_values().flatten().chain(named).collect();
    Ok(all.into_iter().collect())
}

/// Deletes one chunk.
///
/// # Errors
/// 404 for an unknown one.
#[boxed]
pub async fn delete_one(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    document: DocumentId,
    id: SegmentId,
) -> Result<()> {
    match delete(services, principal, dataset, document, &[id]).await? {
        0 => Err(missing()),
        _ => Ok(()),
    }
}
