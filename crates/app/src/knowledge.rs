//! Knowledge bases: what is in them, how it gets in, and how it is found again.

pub mod archive;
pub mod asked;
pub mod checking;
pub mod datasets;
pub mod documents;
pub mod embedding;
pub mod evaluation;
pub mod external;
pub mod external_apis;
pub mod hit_testing;
pub mod index;
pub mod keys;
mod links;
pub mod metadata;
pub mod outside;
mod pictures;
pub(crate) mod pipeline;
pub mod port;
pub mod preview;
mod qa;
pub mod rebuilding;
pub mod rebuilds;
mod reembed;
pub(crate) mod removal;
pub mod resources;
pub mod retrieval;
pub mod segments;
pub mod sources;
pub mod summaries;
pub mod upkeep;
pub(crate) mod uses;
pub mod whereabouts;

pub use links::signed;
pub use ox_db::repo::{
    documents::{DisplayStatus, DocumentFilter, DocumentOrder, SegmentCounts},
    segments::SegmentFilter,
};
use ox_db::{
    Source,
    model::{Dataset, UploadFile},
    repo,
};
use ox_models::ModelRef;
use ox_types::{DatasetId, FileId, SegmentId, TenantId, boxed};
pub use pipeline::Worker;
use uuid::Uuid;

use std::{collections::HashMap, sync::Arc};

use crate::{Result, Services};

/// Works on documents until shutdown.
pub(crate) async fn keep(services: Arc<Services>) {
    if let Some(outside) = services.outside.clone() {
        services.tracker.spawn(outside.keep(services.tracker.clone(), services.shutdown.clone()));
    }
    services.tracker.spawn(summaries::keep(Arc::clone(&services)));
    services.tracker.spawn(rebuilds::keep(Arc::clone(&services)));
    pipeline::keep(services).await;
}

/// Goes on with what a process has begun that is not there any more.
#[boxed]
async fn resume(services: &Arc<Services>) -> Result<()> {
    removal::resume(services).await?;
    evaluation::resume(services).await?;
    reembed::resume(services).await
}

/// What can be found of a knowledge base has changed: its local index reads it soon.
fn index_changed(services: &Services, tenant: TenantId, dataset: DatasetId) {
    services.indexes.touch(tenant, dataset);
}

/// The vectors of texts, in their order.
async fn embed(services: &Services, tenant: TenantId, model: &ModelRef, texts: &[String]) -> Result<Vec<Uuid>> {
    Ok(services.embedder.embed(tenant, model, texts).await?.ids)
}

/// The files that are bound to segments of a knowledge base.
async fn files_of(
    source: &dyn Source,
    dataset: &Dataset,
    segments: &[SegmentId],
) -> Result<HashMap<SegmentId, Vec<UploadFile>>> {
    if !dataset.has_attachments {
        return Ok(HashMap::new());
    }
    let bound = repo::segments::attachments(source, segments).await?;
    if bound.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<FileId> = bound.values().flatten().copied().collect();
    let files = repo::upload_files::find_all(source, dataset.tenant_id, &ids).await?;
    let files: HashMap<FileId, UploadFile> = files.into_iter().map(|file| (file.id, file)).collect();
    let known = |ids: Vec<FileId>| ids.iter().filter_map(|id| files.get(id).cloned()).collect();
    Ok(bound.into_iter().map(|(segment, ids)| (segment, known(ids))).collect())
}
