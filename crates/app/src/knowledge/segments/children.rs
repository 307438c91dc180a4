//! Parts of chunks, found in their place.

use ox_db::{
    model::{ChildChunk, IndexNodes, Segment},
    now, repo,
};
use ox_rag::text_hash;
use ox_types::{ChildChunkId, DatasetId, DocumentId, SegmentId, boxed};
use uuid::Uuid;

use super::{
    super::{
        datasets::embedding_model,
        index_changed,
        pipeline::work::{Saved, nodes_of, vectors_of},
    },
    Place, place, place_to_edit, segment_in,
};
use crate::{Error, Principal, Result, Services, apps::Page};

/// One page of a chunk's parts.
///
/// # Errors
/// 404 for an unknown chunk.
#[boxed]
pub async fn children(
    services: &Services,
    principal: &Principal,
    (dataset, document, id): (DatasetId, DocumentId, SegmentId),
    keyword: Option<&str>,
    page: u64,
    limit: u64,
) -> Result<Page<ChildChunk>> {
    let place = place(services, principal, dataset, document).await?;
    segment_in(services, &place, id).await?;
    let (items, total) = repo::child_chunks::list(&services.db, id, keyword, page, limit).await?;
    Ok(Page { page, limit, total, items })
}

/// A part of a chunk as it is given; without an id it is a new one.
#[derive(Clone, Debug)]
pub struct ChildForm {
    pub id: Option<ChildChunkId>,
    pub content: String,
}

struct Parent {
    place: Place,
    segment: Segment,
    children: Vec<ChildChunk>,
}

async fn parent(
    services: &Services,
    principal: &Principal,
    (dataset, document, id): (DatasetId, DocumentId, SegmentId),
) -> Result<Parent> {
    let place = place_to_edit(services, principal, dataset, document).await?;
    if place.document.doc_form != "hierarchical_model" {
        return Err(Error::invalid("Only chunks of parent-child documents have child chunks."));
    }
    let segment = segment_in(services, &place, id).await?;
    let children = repo::child_chunks::of_segments(&services.db, &[id]).await?.remove(&id).unwrap_or_default();
    Ok(Parent { place, segment, children })
}

fn child_missing() -> Error {
    Error::not_found("Child chunk not found.")
}

fn checked_content(content: &str) -> Result<String> {
    let content = content.replace('\0', "");
    if content.trim().is_empty() { Err(Error::invalid("Content is empty")) } else { Ok(content) }
}

/// Stores parts of a chunk: `kept` as they are given, those in `gone` no more.
async fn store_children(
    services: &Services,
    parent: &Parent,
    changed: &[ChildChunk],
    gone: &[ChildChunkId],
) -> Result<()> {
    let Parent { place, segment, children: known } = parent;
    let (tenant, dataset) = (place.dataset.tenant_id, place.dataset.id);
    let model = embedding_model(&place.dataset);
    let row = Saved { segment: segment.clone(), children: changed.to_vec() };
    let is_found = place.document.enabled && !place.document.archived && segment.enabled;
    let (mut nodes, mut vectors) = (Vec::new(), Vec::new());
    if !changed.is_empty() {
        vectors = vectors_of(services, &place.dataset, model.as_ref(), std::slice::from_ref(&row)).await?;
        nodes = nodes_of(&place.document, &row, &vectors, is_found);
    }
    drop(vectors);
    let tx = services.db.begin().await?;
    let ids: Vec<Uuid> = gone.iter().map(|id| id.0).collect();
    if !ids.is_empty() {
        repo::index_nodes::remove(&tx, tenant, dataset, &IndexNodes::Nodes(&ids)).await?;
        repo::child_chunks::delete(&tx, segment.id, gone).await?;
    }
    let (old, new): (Vec<ChildChunk>, Vec<ChildChunk>) =
        changed.iter().cloned().partition(|child| known.iter().any(|known| known.id == child.id));
    for child in old {
        repo::child_chunks::update(&tx, child).await?;
    }
    repo::child_chunks::insert(&tx, new).await?;
    repo::index_nodes::put(&tx, tenant, dataset, nodes).await?;
    tx.commit().await?;
    index_changed(services, tenant, dataset);
    Ok(())
}

fn new_child(parent: &Parent, principal: &Principal, position: i32, content: String) -> Result<ChildChunk> {
    let (id, at) = (ChildChunkId::new(), now());
    let segment = &parent.segment;
    Ok(ChildChunk {
        id,
        tenant_id: segment.tenant_id,
        dataset_id: segment.dataset_id,
        document_id: segment.document_id,
        segment_id: segment.id,
        position,
        word_count: words(&content),
        index_node_id: Some(id.0),
        index_node_hash: Some(text_hash(&content)),
        content,
        kind: "customized".into(),
        created_by: principal.account_id()?,
        updated_by: None,
        created_at: at,
        updated_at: at,
    })
}

fn words(text: &str) -> i32 {
    i32::try_from(text.chars().count()).unwrap_or(i32::MAX)
}

fn changed_child(child: &ChildChunk, principal: &Principal, content: String) -> Result<ChildChunk> {
    Ok(ChildChunk {
        word_count: words(&content),
        index_node_hash: Some(text_hash(&content)),
        content,
        kind: "customized".into(),
        updated_by: Some(principal.account_id()?),
        updated_at: now(),
        ..child.clone()
    })
}

/// Adds a part to a chunk.
///
/// # Errors
/// 404 for an unknown chunk, 400 for an empty text.
#[boxed]
pub async fn create_child(
    services: &Services,
    principal: &Principal,
    place: (DatasetId, DocumentId, SegmentId),
    content: &str,
) -> Result<ChildChunk> {
    let parent = parent(services, principal, place).await?;
    let last = parent.children.iter().map(|child| child.position).max().unwrap_or(0);
    let child = new_child(&parent, principal, last.saturating_add(1), checked_content(content)?)?;
    store_children(services, &parent, std::slice::from_ref(&child), &[]).await?;
    Ok(child)
}

/// Changes a part of a chunk.
///
/// # Errors
/// 404 for an unknown one, 400 for an empty text.
#[boxed]
pub async fn update_child(
    services: &Services,
    principal: &Principal,
    place: (DatasetId, DocumentId, SegmentId),
    id: ChildChunkId,
    content: &str,
) -> Result<ChildChunk> {
    let parent = parent(services, principal, place).await?;
    let old = parent.children.iter().find(|child| child.id == id).ok_or_else(child_missing)?;
    let child = changed_child(old, principal, checked_content(content)?)?;
    store_children(services, &parent, std::slice::from_ref(&child), &[]).await?;
    Ok(child)
}

/// Removes a part of a chunk.
///
/// # Errors
/// 404 for an unknown one.
#[boxed]
pub async fn delete_child(
    services: &Services,
    principal: &Principal,
    place: (DatasetId, DocumentId, SegmentId),
    id: ChildChunkId,
) -> Result<()> {
    let parent = parent(services, principal, place).await?;
    parent.children.iter().find(|child| child.id == id).ok_or_else(child_missing)?;
    store_children(services, &parent, &[], &[id]).await
}

/// Gives a chunk these parts: those with an id are kept and changed, those without are new, the others go.
///
/// # Errors
/// 404 for an unknown chunk or part, 400 for an empty text.
#[boxed]
pub async fn set_children(
    services: &Services,
    principal: &Principal,
    place: (DatasetId, DocumentId, SegmentId),
    forms: Vec<ChildForm>,
) -> Result<Vec<ChildChunk>> {
    let parent = parent(services, principal, place).await?;
    let (mut changed, mut kept) = (Vec::new(), Vec::new());
    let mut position = parent.children.iter().map(|child| child.position).max().unwrap_or(0);
    for form in forms {
        let content = checked_content(&form.content)?;
        let Some(id) = form.id else {
            position = position.saturating_add(1);
            changed.push(new_child(&parent, principal, position, content)?);
            continue;
        };
        let old = parent.children.iter().find(|child| child.id == id).ok_or_else(child_missing)?;
        kept.push(id);
        if old.content != content {
            changed.push(changed_child(old, principal, content)?);
        }
    }
    let gone: Vec<ChildChunkId> =
        parent.children.iter().map(|child| child.id).filter(|id| !kept.contains(id)).collect();
    store_children(services, &parent, &changed, &gone).await?;
    let id = parent.segment.id;
    Ok(repo::child_chunks::of_segments(&services.db, &[id]).await?.remove(&id).unwrap_or_default())
}
