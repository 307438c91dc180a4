//! Another embedding model: all vectors are made anew beside those that are searched, and take their place at once.
//!
//! What is wanted stands in `datasets.index_struct`, so that it is gone on with after a restart.

use std::sync::Arc;

use ox_db::{
    Tx,
    model::{Dataset, IndexChange, IndexNodeKind, IndexState, NewIndexNode},
    repo::{self, datasets::NextModel},
};
use ox_models::ModelRef;
use ox_types::{DatasetId, SegmentId, TenantId, boxed};
use serde::{Deserialize, Serialize};

use super::pictures::{self, Holder};
use crate::{Error, Result, Services};

/// Texts embedded together.
const BATCH: u64 = 128;

/// The model that is to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Wanted {
    embedding_model_provider: String,
    embedding_model: String,
}

/// Notes that a knowledge base is to be embedded by another model.
pub(super) async fn note(tx: &Tx, dataset: &Dataset, model: &ModelRef) -> Result<()> {
    let wanted = Wanted { embedding_model_provider: model.provider.clone(), embedding_model: model.name.clone() };
    let text = serde_json::to_string(&wanted).map_err(Error::internal)?;
    Ok(repo::datasets::want_generation(tx, dataset.id, Some(&text)).await?)
}

/// Makes it so, in the background.
pub(super) fn start(services: &Arc<Services>, id: DatasetId) {
    let services = Arc::clone(services);
    services.tracker.clone().spawn(async move {
        tokio::select! {
            () = services.shutdown.cancelled() => {}
            done = run(&services, id) => {
                if let Err(error) = done {
                    tracing::error!(%error, dataset = %id, "a knowledge base cannot be embedded anew; it is searched as before");
                }
            }
        }
    });
}

/// Goes on with what was begun.
#[boxed]
pub(super) async fn resume(services: &Arc<Services>) -> Result<()> {
    for id in repo::datasets::unfinished_generations(&services.db).await? {
        start(services, id);
    }
    Ok(())
}

async fn run(services: &Services, id: DatasetId) -> Result<()> {
    let Some((tenant, text)) = repo::datasets::wanted_generation(&services.db, id).await? else { return Ok(()) };
    let wanted: Wanted = serde_json::from_str(&text).map_err(Error::internal)?;
    let model = ModelRef::chat(wanted.embedding_model_provider.clone(), wanted.embedding_model.clone());
    let sees = pictures::sees(&*services.models, tenant, &model).await;
    let state = repo::index_nodes::state(&services.db, tenant, id).await?.ok_or_else(super::datasets::missing)?;
    let next = state.generation + 1;
    // What changes meanwhile is read again: until nothing is new.
    let mut mark = (0, uuid::Uuid::nil());
    loop {
        let found = repo::index_nodes::changes(&services.db, state, mark, BATCH).await?;
        let Some(last) = found.last() else {
            fill_outside(services, IndexState { generation: next, ..state }).await;
            let tx = services.db.begin().await?;
            repo::datasets::hold_index(&tx, id).await?;
            let rest = repo::index_nodes::changes(&tx, state, mark, 1).await?;
            if rest.is_empty() {
                let model = NextModel { provider: model.provider.clone(), name: model.name.clone(), sees };
                repo::datasets::switch_generation(&tx, id, next, &model).await?;
                tx.commit().await?;
                super::index_changed(services, tenant, id);
                return drop_old(services, id, state.generation).await;
            }
            continue;
        };
        mark = (last.seq, last.id);
        let ids: Vec<uuid::Uuid> = found.iter().map(|change| change.id).collect();
        let there = repo::index_nodes::alive(&services.db, state, &ids).await?;
        let found: Vec<IndexChange> = found.into_iter().filter(|change| there.contains(&change.id)).collect();
        // Pictures come with their chunks: the model before may have seen none.
        let (holders, seen) = pictures_of(services, tenant, &model, sees, &found).await?;
        let found: Vec<_> = found.into_iter().filter(|change| change.kind != IndexNodeKind::Picture).collect();
        let texts: Vec<String> = found.iter().map(|change| change.content.clone()).collect();
        let vectors = super::embed(services, tenant, &model, &texts).await?;
        let kept: Vec<uuid::Uuid> = seen.iter().map(|node| node.id).collect();
        let nodes = found.into_iter().zip(vectors).map(|(change, vector)| NewIndexNode {
            id: change.id,
            document_id: change.document_id,
            segment_id: change.segment_id,
            kind: change.kind,
            content: change.content,
            keywords: change.keywords,
            embedding_id: Some(vector),
            active: change.active,
        });
        let nodes = nodes.chain(seen).collect();
        let tx = services.db.begin().await?;
        repo::index_nodes::forget_pictures_beside(&tx, IndexState { generation: next, ..state }, &holders, &kept)
            .await?;
        repo::index_nodes::put_beside(&tx, tenant, id, next, nodes).await?;
        tx.commit().await?;
    }
}

/// The chunks of some nodes, and the nodes of their pictures where the model sees. A chunk is found when one of its texts
/// is; its summary may come later.
async fn pictures_of(
    services: &Services,
    tenant: TenantId,
    model: &ModelRef,
    sees: bool,
    found: &[IndexChange],
) -> Result<(Vec<SegmentId>, Vec<NewIndexNode>)> {
    let mut holders: Vec<Holder> = Vec::new();
    for change in found.iter().filter(|change| change.kind != IndexNodeKind::Summary) {
        match holders.iter_mut().find(|holder| holder.segment == change.segment_id) {
            Some(holder) => holder.active |= change.active,
            None => {
                holders.push(Holder { document: change.document_id, segment: change.segment_id, active: change.active })
            }
        }
    }
    let ids = holders.iter().map(|holder| holder.segment).collect();
    if !sees {
        return Ok((ids, Vec::new()));
    }
    Ok((ids, pictures::bound(services, tenant, model, &holders).await?))
}

/// Fills the store outside before the new vectors are searched: afterwards little is left to do. Where that fails, the
/// local index has them meanwhile.
async fn fill_outside(services: &Services, state: IndexState) {
    let Some(outside) = &services.outside else { return };
    if let Err(error) = outside.follow(state, &|_| {}).await {
        tracing::warn!(%error, dataset = %state.dataset_id, "the vector store gets the new vectors later");
    }
}

async fn drop_old(services: &Services, id: DatasetId, generation: i32) -> Result<()> {
    loop {
        let tx = services.db.begin().await?;
        let found = repo::datasets::drop_generation(&tx, id, generation).await?;
        tx.commit().await?;
        if !found {
            break;
        }
    }
    if let Some(outside) = &services.outside {
        outside.touch();
    }
    services.indexes.forget_older(id, generation + 1).await
}
