//! What deleted knowledge bases and documents leave: removed in small steps, gone on with after a restart.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ox_db::{
    model::IndexNodes,
    repo::{
        self,
        datasets::{self, Gone},
    },
};
use ox_types::{DatasetId, DocumentId, FileId, SegmentId, TenantId, boxed};
use uuid::Uuid;

use super::index_changed;
use crate::{Result, Services};

/// Removals looked at in one pass.
const AT_ONCE: u64 = 100;
/// Files removed at a time.
const FILES: u64 = 100;
/// Chunks whose nodes are taken out at a time.
const CHUNKS: u64 = 500;
/// Other writers get their turn between two transactions.
const BREATH: Duration = Duration::from_millis(2);

/// Whether somebody removes, and whether something was deleted that the present pass may not have seen. Thousands of
/// deletions at once would otherwise remove the same rows a thousand times, side by side.
#[derive(Default)]
pub struct Turn(Mutex<State>);

#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
enum State {
    #[default]
    Nobody,
    Removing,
    /// And once more afterwards.
    Again,
}

impl Turn {
    /// Whether the caller is the one who removes.
    fn take(&self) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_free = *state == State::Nobody;
        *state = if is_free { State::Removing } else { State::Again };
        is_free
    }

    /// Whether whoever removes is done; one more pass is to be made otherwise.
    fn give_back(&self) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_done = *state != State::Again;
        *state = if is_done { State::Nobody } else { State::Removing };
        is_done
    }
}

/// Removes what is left, in the background.
pub(super) fn start(services: &Arc<Services>, what: Gone) {
    if !services.knowledge.removals.take() {
        return;
    }
    let services = Arc::clone(services);
    services.tracker.clone().spawn(async move {
        loop {
            if let Err(error) = resume(&services).await {
                tracing::warn!(%error, ?what, "what is left of deleted knowledge is removed later");
            }
            if services.knowledge.removals.give_back() {
                return;
            }
        }
    });
}

/// Goes on with what was interrupted.
///
/// # Errors
/// When the database fails.
#[boxed]
pub async fn resume(services: &Services) -> Result<()> {
    loop {
        let found = datasets::removals(&services.db, AT_ONCE).await?;
        if found.is_empty() {
            return Ok(());
        }
        for (id, what) in found {
            if services.shutdown.is_cancelled() {
                return Ok(());
            }
            if let Gone::Dataset(dataset) = what {
                remove_files_of(services, dataset).await?;
                services.indexes.forget(dataset).await?;
            }
            if let Gone::Document(document) = what {
                remove_nodes(services, document).await?;
            }
            remove_pictures(services, what).await?;
            remove_rows(services, id, what).await?;
        }
    }
}

/// What can be found of a document, as far as its deletion has left it, so many chunks at a time. Nobody is told of it
/// meanwhile: hits are told with their document, which is gone.
async fn remove_nodes(services: &Services, document: DocumentId) -> Result<()> {
    let Some((tenant, dataset)) = repo::index_nodes::holder(&services.db, document).await? else { return Ok(()) };
    let (whole, mut after) = ([document], 0);
    while !services.shutdown.is_cancelled() {
        let some = repo::segments::ids_after(&services.db, document, after, CHUNKS).await?;
        let ids: Vec<SegmentId> = some.iter().map(|(id, _)| *id).collect();
        // At last what belongs to no chunk that is there.
        let nodes = if ids.is_empty() { IndexNodes::Documents(&whole) } else { IndexNodes::Segments(&ids) };
        let tx = services.db.begin().await?;
        match repo::index_nodes::remove(&tx, tenant, dataset, &nodes).await {
            // The knowledge base went as well, and takes them with it.
            Err(ox_db::Error::NotFound(_)) => return Ok(()),
            done => done?,
        };
        tx.commit().await?;
        index_changed(services, tenant, dataset);
        let Some((_, last)) = some.last() else { return Ok(()) };
        after = *last;
        tokio::time::sleep(BREATH).await;
    }
    Ok(())
}

/// The files of a knowledge base. Those that stand in another one too are kept.
async fn remove_files_of(services: &Services, dataset: DatasetId) -> Result<()> {
    while !services.shutdown.is_cancelled() {
        let tx = services.db.begin().await?;
        let files = repo::documents::files_of(&tx, dataset, FILES).await?;
        tx.commit().await?;
        if files.is_empty() {
            break;
        }
        remove_files(services, None, &files).await?;
    }
    Ok(())
}

/// The pictures of its documents, before the rows that tell which they are.
async fn remove_pictures(services: &Services, what: Gone) -> Result<()> {
    while !services.shutdown.is_cancelled() {
        let files = datasets::pictures(&services.db, what, FILES).await?;
        if files.is_empty() {
            break;
        }
        remove_files(services, None, &files).await?;
    }
    Ok(())
}

async fn remove_rows(services: &Services, id: Uuid, what: Gone) -> Result<()> {
    loop {
        if services.shutdown.is_cancelled() {
            return Ok(());
        }
        let tx = services.db.begin().await?;
        let found = datasets::step(&tx, what).await?;
        if !found {
            datasets::removed(&tx, id).await?;
        }
        tx.commit().await?;
        if !found {
            // Its collection in a store outside goes with the mark that is left.
            if let Some(outside) = services.outside.as_ref().filter(|_| matches!(what, Gone::Dataset(_))) {
                outside.touch();
            }
            return Ok(());
        }
        tokio::time::sleep(BREATH).await;
    }
}

/// Removes uploaded files: their bytes, then their rows.
pub(super) async fn remove_files(services: &Services, tenant: Option<TenantId>, files: &[FileId]) -> Result<()> {
    for id in files {
        let Some(file) = services.files.find_signed(*id).await? else { continue };
        if tenant.is_some_and(|tenant| tenant != file.tenant_id) {
            continue;
        }
        services.files.remove(&file).await?;
    }
    Ok(())
}

/// Removes files that documents were made of, as far as nothing names them any more. What cannot be removed stays: the
/// documents have what is theirs.
pub(crate) async fn remove_replaced(services: &Services, tenant: TenantId, files: &[FileId]) {
    if files.is_empty() {
        return;
    }
    let done = async {
        let unnamed = repo::documents::unnamed_files(&services.db, files).await?;
        remove_files(services, Some(tenant), &unnamed).await
    };
    if let Err(error) = done.await {
        tracing::warn!(%error, "files that were replaced cannot be removed");
    }
}

/// Removes pictures of a document that no chunk is bound to any more: all of them, or those among some files. What
/// cannot be removed now goes with the document.
pub(crate) async fn remove_left(services: &Services, tenant: TenantId, document: DocumentId, among: Option<&[FileId]>) {
    let done = async {
        let left = repo::segments::left_pictures(&services.db, tenant, document, among).await?;
        remove_files(services, Some(tenant), &left).await
    };
    if let Err(error) = done.await {
        tracing::warn!(%error, %document, "pictures that nothing names cannot be removed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_removes_for_all() {
        let turn = Turn::default();
        assert!(turn.take(), "nobody removes yet");
        assert!(!turn.take() && !turn.take(), "somebody does");
        assert!(!turn.give_back(), "what came meanwhile takes one more pass");
        assert!(turn.give_back(), "nothing came any more");
        assert!(turn.take());
        assert!(turn.give_back());
    }
}
