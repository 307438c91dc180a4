//! Documents on, off, paused, renamed, gone.

use std::sync::Arc;

use ox_db::{
    model::{Document, IndexNodes},
    now,
    repo::{self, datasets::Gone},
};
use ox_types::{DatasetId, DocumentId, boxed};

use super::{
    super::{datasets, index_changed, metadata, removal},
    DocumentView, find_in, find_to_edit, not_there, views,
};
use crate::{Error, Principal, Result, Services};

/// Characters of a document whose nodes are not taken out in one step.
const LONG: i64 = 1_000_000;

/// Deletes some: what is not there is passed over, what is being worked on stops.
///
/// # Errors
/// As for the knowledge base.
#[boxed]
pub async fn delete(
    services: &Arc<Services>,
    principal: &Principal,
    dataset: DatasetId,
    ids: &[DocumentId],
) -> Result<()> {
    let dataset = datasets::find_to_edit(services, principal, dataset).await?;
    let found = repo::documents::find_all(&services.db, dataset.tenant_id, dataset.id, ids).await?;
    let ids: Vec<DocumentId> = found.iter().map(|document| document.id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    // A transaction over the nodes of a long one would hold up every other writer: the removal takes them out in steps.
    let is_short = |document: &&Document| document.word_count.unwrap_or_default() <= LONG;
    let short: Vec<DocumentId> = found.iter().filter(is_short).map(|document| document.id).collect();
    let tx = services.db.begin().await?;
    for chunk in short.chunks(300) {
        repo::index_nodes::remove(&tx, dataset.tenant_id, dataset.id, &IndexNodes::Documents(chunk)).await?;
    }
    let files = repo::documents::delete(&tx, dataset.id, &ids).await?;
    for id in &ids {
        repo::datasets::begin_removal(&tx, dataset.tenant_id, Gone::Document(*id)).await?;
    }
    tx.commit().await?;
    index_changed(services, dataset.tenant_id, dataset.id);
    removal::remove_files(services, Some(dataset.tenant_id), &files).await?;
    removal::start(services, Gone::Dataset(dataset.id));
    Ok(())
}

/// Deletes one; for the Service API, which names what it cannot.
///
/// # Errors
/// 404 for an unknown one, 403 for an archived one.
#[boxed]
pub async fn delete_one(
    services: &Arc<Services>,
    principal: &Principal,
    dataset: DatasetId,
    id: DocumentId,
) -> Result<()> {
    let dataset = datasets::find_to_edit(services, principal, dataset).await?;
    let found = repo::documents::find(&services.db, dataset.tenant_id, dataset.id, id).await?;
    let document = found.ok_or_else(|| Error::not_found("Document Not Exists."))?;
    require_open(&document)?;
    delete(services, principal, dataset.id, &[id]).await
}

fn require_open(document: &Document) -> Result<()> {
    if document.archived {
        return Err(Error::new(403, "archived_document_immutable", "The archived document is not editable."));
    }
    Ok(())
}

/// What can be done to many documents at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    Enable,
    Disable,
    Archive,
    Unarchive,
}

impl Switch {
    /// Reads the name.
    ///
    /// # Errors
    /// 400 for another word.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(match text {
            "enable" => Self::Enable,
            "disable" => Self::Disable,
            "archive" => Self::Archive,
            "un_archive" => Self::Unarchive,
            _ => {
                let text =
                    format!("Invalid action: {text}. Must be one of ['enable', 'disable', 'archive', 'un_archive']");
                return Err(Error::new(400, "invalid_action", text));
            }
        })
    }
}

/// Switches documents; unknown ones are passed over. What can be found changes in the same step.
///
/// # Errors
/// 400 for one that is not completed.
#[boxed]
pub async fn switch(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    ids: &[DocumentId],
    switch: Switch,
) -> Result<()> {
    let dataset = datasets::find_to_edit(services, principal, dataset).await?;
    let account = principal.account_id()?;
    let found = repo::documents::find_all(&services.db, dataset.tenant_id, dataset.id, ids).await?;
    for document in &found {
        if switch == Switch::Disable && document.completed_at.is_none() {
            return Err(Error::new(400, "invalid_action", format!("Document: {} is not completed.", document.name)));
        }
    }
    let by = Some((account, now()));
    let tx = services.db.begin().await?;
    for document in found {
        let (was, id) = (document.enabled && !document.archived, document.id);
        let (enabled, archived) = match switch {
            Switch::Enable => (true, document.archived),
            Switch::Disable => (false, document.archived),
            Switch::Archive => (document.enabled, true),
            Switch::Unarchive => (document.enabled, false),
        };
        if enabled != document.enabled {
            repo::documents::set_enabled(&tx, id, by.filter(|_| !enabled)).await?;
        }
        if archived != document.archived {
            repo::documents::set_archived(&tx, id, by.filter(|_| archived)).await?;
        }
        let is = enabled && !archived;
        if is != was {
            let all = IndexNodes::Documents(&[id]);
            repo::index_nodes::set_active(&tx, dataset.tenant_id, dataset.id, &all, is).await?;
        }
        if is && !was {
            // Chunks that somebody switched off stay off.
            let off = repo::segments::off(&tx, id).await?;
            for off in off.chunks(300) {
                let off = IndexNodes::Segments(off);
                repo::index_nodes::set_active(&tx, dataset.tenant_id, dataset.id, &off, false).await?;
            }
        }
    }
    tx.commit().await?;
    index_changed(services, dataset.tenant_id, dataset.id);
    Ok(())
}

/// Stops the work on a document, or lets it go on.
///
/// # Errors
/// 400 when its state is another, 403 for an archived one.
#[boxed]
pub async fn set_paused(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    id: DocumentId,
    paused: bool,
) -> Result<()> {
    let (_, document) = find_to_edit(services, principal, dataset, id).await?;
    require_open(&document)?;
    let account = principal.account_id()?;
    let tx = services.db.begin().await?;
    let done = repo::documents::set_paused(&tx, id, paused.then(|| (account, now()))).await?;
    tx.commit().await?;
    if !done {
        let text = if paused { "Cannot pause completed document." } else { "Document is not in paused status." };
        return Err(Error::new(400, "document_indexing", text));
    }
    services.knowledge.wake();
    Ok(())
}

/// Lets failed documents begin anew; the others are passed over.
///
/// # Errors
/// As for the knowledge base.
#[boxed]
pub async fn retry(services: &Services, principal: &Principal, dataset: DatasetId, ids: &[DocumentId]) -> Result<()> {
    let dataset = datasets::find_to_edit(services, principal, dataset).await?;
    let tx = services.db.begin().await?;
    repo::documents::retry(&tx, dataset.id, ids).await?;
    tx.commit().await?;
    let paused = repo::documents::find_all(&services.db, dataset.tenant_id, dataset.id, ids).await?;
    for document in paused.iter().filter(|document| document.is_paused) {
        let tx = services.db.begin().await?;
        repo::documents::set_paused(&tx, document.id, None).await?;
        tx.commit().await?;
    }
    services.knowledge.wake();
    Ok(())
}

/// Gives a document another name.
///
/// # Errors
/// 400 for an empty one.
#[boxed]
pub async fn rename(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    id: DocumentId,
    name: &str,
) -> Result<DocumentView> {
    let (dataset, mut document) = find_to_edit(services, principal, dataset, id).await?;
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 255 {
        return Err(Error::invalid_field("name", "name must have 1 to 255 characters."));
    }
    name.clone_into(&mut document.name);
    let tx = services.db.begin().await?;
    repo::documents::rename(&tx, id, name, document.file_id).await?;
    if dataset.built_in_field_enabled {
        document = metadata::with_built_in(&dataset, document, None);
        let (kind, values) = (document.doc_type.clone(), document.doc_metadata.clone());
        repo::documents::set_metadata(&tx, id, kind.as_deref(), values).await?;
    }
    tx.commit().await?;
    let document = find_in(services, &dataset, id).await?;
    views(services, &dataset, vec![document]).await?.pop().ok_or_else(not_there)
}
