//! Documents of knowledge bases: find and list them; the files beside this one make, change, switch and delete them.

mod adding;
mod changing;
mod downloads;
mod rows;
mod switches;

use std::collections::HashMap;

use ox_db::{
    model::{Dataset, Document, ProcessRuleRow, UploadFile},
    repo::{
        self,
        documents::{DocumentFilter, SegmentCounts},
        summaries::SummaryCounts,
    },
};
pub use ox_rag::MAX_SEGMENT_LENGTH;
use ox_types::{DatasetId, DocumentId, FileId, boxed};
use uuid::Uuid;

use super::{datasets, metadata};
use crate::{Error, Principal, Result, Services, apps::Page, principal::Permission};

pub(crate) use adding::batch_name;
pub(super) use adding::check_rule;
pub use adding::{
    Made, NewDocuments, automatic_rules, check_indexing, create, init, keep_file, keep_text, wizard_rules,
};
pub use changing::change;
pub(super) use changing::{anew_from, page_of};
pub use downloads::{file, files_to_download};
pub(crate) use rows::{Known, anew, blank};
pub use switches::{Switch, delete, delete_one, rename, retry, set_paused, switch};

/// Forms of chunks.
pub const FORMS: [&str; 3] = ["text_model", "qa_model", "hierarchical_model"];

/// A document with what is shown beside it.
#[derive(Clone, Debug)]
pub struct DocumentView {
    pub document: Document,
    pub file: Option<UploadFile>,
    pub counts: SegmentCounts,
    /// How far its summaries are, where it has some or is to have some.
    pub summaries: Option<SummaryCounts>,
    /// `(id, name, type, value)`, where the knowledge base has fields.
    pub metadata: Option<Vec<metadata::Value>>,
}

fn not_there() -> Error {
    Error::not_found("Document not found.")
}

/// How a document's state is told.
#[must_use]
pub fn display_status(document: &Document) -> &'static str {
    match document.indexing_status.as_str() {
        "waiting" => "queuing",
        "error" => "error",
        "completed" if document.archived => "archived",
        "completed" if document.enabled => "available",
        "completed" => "disabled",
        _ if document.is_paused => "paused",
        _ => "indexing",
    }
}

async fn find_in(services: &Services, dataset: &Dataset, id: DocumentId) -> Result<Document> {
    let found = repo::documents::find(&services.db, dataset.tenant_id, dataset.id, id).await?;
    found.ok_or_else(not_there)
}

/// A document of a knowledge base that the caller may see.
///
/// # Errors
/// 404 and 403 as for the knowledge base; 404 for an unknown document.
#[boxed]
pub async fn find(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    id: DocumentId,
) -> Result<(Dataset, Document)> {
    let dataset = datasets::find(services, principal, dataset).await?;
    let document = find_in(services, &dataset, id).await?;
    Ok((dataset, document))
}

/// The same, to change it.
///
/// # Errors
/// As [`find`], and 403 for a role that may not.
#[boxed]
pub async fn find_to_edit(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    id: DocumentId,
) -> Result<(Dataset, Document)> {
    principal.require(Permission::DatasetEdit)?;
    find(services, principal, dataset, id).await
}

/// One page.
///
/// # Errors
/// As for the knowledge base.
#[boxed]
pub async fn list(
    services: &Services,
    principal: &Principal,
    id: DatasetId,
    filter: &DocumentFilter,
) -> Result<Page<DocumentView>> {
    let dataset = datasets::find(services, principal, id).await?;
    let (found, total) = repo::documents::list(&services.db, id, filter).await?;
    let items = views(services, &dataset, found).await?;
    Ok(Page { page: filter.page, limit: filter.limit, total, items })
}

/// Documents with what is shown beside them.
///
/// # Errors
/// When it cannot be read.
#[boxed]
pub async fn views(services: &Services, dataset: &Dataset, documents: Vec<Document>) -> Result<Vec<DocumentView>> {
    let ids: Vec<DocumentId> = documents.iter().map(|document| document.id).collect();
    let counts = repo::documents::segment_counts(&services.db, &ids).await?;
    let file_ids: Vec<FileId> = documents.iter().filter_map(|document| document.file_id).collect();
    let mut files: HashMap<FileId, UploadFile> = HashMap::new();
    for ids in file_ids.chunks(300) {
        let found = repo::upload_files::find_all(&services.db, dataset.tenant_id, ids).await?;
        files.extend(found.into_iter().map(|file| (file.id, file)));
    }
    let mut summaries = repo::summaries::counts(&services.db, &ids).await?;
    let mut fields = repo::dataset_metadata::of_datasets(&services.db, dataset.tenant_id, &[dataset.id]).await?;
    let fields = fields.remove(&dataset.id).unwrap_or_default();
    let view = |document: Document| DocumentView {
        file: document.file_id.and_then(|id| files.get(&id).cloned()),
        counts: counts.get(&document.id).copied().unwrap_or_default(),
        summaries: summaries.remove(&document.id),
        metadata: metadata::values(dataset, &fields, &document),
        document,
    };
    Ok(documents.into_iter().map(view).collect())
}

/// One with what is shown beside it.
///
/// # Errors
/// As [`find`].
#[boxed]
pub async fn view(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    id: DocumentId,
) -> Result<(Dataset, DocumentView)> {
    let (dataset, document) = find(services, principal, dataset, id).await?;
    let view = views(services, &dataset, vec![document]).await?.pop().ok_or_else(not_there)?;
    Ok((dataset, view))
}

/// How far documents are that were made together; all of the knowledge base without a batch.
///
/// # Errors
/// 404 for an unknown batch.
#[boxed]
pub async fn progress(
    services: &Services,
    principal: &Principal,
    id: DatasetId,
    batch: Option<&str>,
) -> Result<Vec<(Document, SegmentCounts)>> {
    let dataset = datasets::find(services, principal, id).await?;
    let found = repo::documents::of_batch(&services.db, dataset.id, batch).await?;
    if found.is_empty() && batch.is_some() {
        return Err(Error::not_found("Documents not found."));
    }
    with_counts(services, found).await
}

async fn with_counts(services: &Services, documents: Vec<Document>) -> Result<Vec<(Document, SegmentCounts)>> {
    let ids: Vec<DocumentId> = documents.iter().map(|document| document.id).collect();
    let counts = repo::documents::segment_counts(&services.db, &ids).await?;
    let pair = |document: Document| {
        let counts = counts.get(&document.id).copied().unwrap_or_default();
        (document, counts)
    };
    Ok(documents.into_iter().map(pair).collect())
}

/// How far one is.
///
/// # Errors
/// As [`find`].
#[boxed]
pub async fn progress_of(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    id: DocumentId,
) -> Result<(Document, SegmentCounts)> {
    let (_, document) = find(services, principal, dataset, id).await?;
    with_counts(services, vec![document]).await?.pop().ok_or_else(not_there)
}

/// Those that failed.
///
/// # Errors
/// As for the knowledge base.
#[boxed]
pub async fn failed(
    services: &Services,
    principal: &Principal,
    id: DatasetId,
) -> Result<Vec<(Document, SegmentCounts)>> {
    datasets::find(services, principal, id).await?;
    with_counts(services, repo::documents::failed(&services.db, id).await?).await
}

/// The rule of a document, else the latest of its knowledge base.
///
/// # Errors
/// As [`find`].
#[boxed]
pub async fn rule(services: &Services, dataset: DatasetId, id: Option<Uuid>) -> Result<Option<ProcessRuleRow>> {
    Ok(match id {
        Some(id) => repo::datasets::rule(&services.db, dataset, id).await?,
        None => repo::datasets::latest_rule(&services.db, dataset).await?,
    })
}

/// The rule of a document wherever it is in the workspace.
///
/// # Errors
/// 404 and 403 as for its knowledge base.
#[boxed]
pub async fn rule_of_document(
    services: &Services,
    principal: &Principal,
    id: DocumentId,
) -> Result<Option<ProcessRuleRow>> {
    let found = repo::documents::anywhere(&services.db, principal.tenant_id(), id).await?.ok_or_else(not_there)?;
    datasets::find(services, principal, found.dataset_id).await?;
    rule(services, found.dataset_id, found.dataset_process_rule_id).await
}
