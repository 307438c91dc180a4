//! Makes the summaries that are wanted, one process each at a time.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::{FutureExt as _, StreamExt as _, stream};
use ox_db::{model::SegmentSummary, repo};

use super::{
    super::{datasets::embedding_model, embed, files_of, index_changed},
    Setting,
    making::{self, AT_ONCE, Failure, Subject},
    new_summary, node,
};
use crate::{Result, Services, rounds::Rounds};

/// How often summaries of other processes, and of those that died, are looked for.
const LOOK: Duration = Duration::from_secs(5);
/// Summaries taken at a time.
const TAKEN: u64 = 20;
/// Longer than two answers may take with what is done to them: what is taken waits for one of its batch at most.
const LEASE: Duration = Duration::from_secs(600);
/// A summary is begun this often before it is given up.
const MAX_ATTEMPTS: i32 = 3;

/// Makes summaries until shutdown.
pub(in super::super) async fn keep(services: Arc<Services>) {
    let mut rounds = Rounds::new(&services, LOOK);
    while rounds.next_or(services.knowledge.summaries_wanted()).await.is_some() {
        loop {
            let more = tokio::select! {
                () = services.shutdown.cancelled() => return,
                more = batch(&services) => more,
            };
            match more {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::error!(%error, "summaries cannot be taken up");
                    break;
                }
            }
        }
    }
}

/// Takes some and makes them; false when none waits.
async fn batch(services: &Services) -> Result<bool> {
    // A look before the lock: most of the time nothing waits.
    if !repo::summaries::is_waiting(&services.db).await? {
        return Ok(false);
    }
    let tx = services.db.begin().await?;
    let taken = repo::summaries::claim(&tx, services.runs.process_id, LEASE, TAKEN).await?;
    tx.commit().await?;
    let is_more = !taken.is_empty();
    stream::iter(taken).for_each_concurrent(AT_ONCE, |wanted| one(services, wanted)).await;
    Ok(is_more)
}

async fn one(services: &Services, wanted: SegmentSummary) {
    let done = AssertUnwindSafe(make(services, &wanted)).catch_unwind().await;
    let broken = |_| Err(Failure::Failed("The server failed while it made the summary.".to_owned()));
    let done = done.unwrap_or_else(broken);
    let outcome = match &done {
        Ok(()) => "completed",
        Err(Failure::Late) => "timeout",
        Err(Failure::Failed(_)) => "error",
    };
    metrics::counter!("oxidify_summaries_total", "outcome" => outcome).increment(1);
    let Err(failure) = done else { return };
    let text = failure.message();
    tracing::info!(error = text, segment = %wanted.segment_id, "a summary cannot be made");
    let noted = async {
        let tx = services.db.begin().await?;
        repo::summaries::fail(&tx, services.runs.process_id, wanted.id, outcome, Some(&text)).await?;
        tx.commit().await
    };
    if let Err(error) = noted.await {
        // Its lease runs out, and it is begun again.
        tracing::error!(%error, segment = %wanted.segment_id, "why there is no summary cannot be noted");
    }
}

async fn make(services: &Services, wanted: &SegmentSummary) -> Result<(), Failure> {
    if wanted.attempts > MAX_ATTEMPTS {
        let text = format!("The work on the summary was interrupted {MAX_ATTEMPTS} times.");
        return Err(Failure::Failed(text));
    }
    let SegmentSummary { tenant_id: tenant, dataset_id, document_id, segment_id, .. } = *wanted;
    let db = &services.db;
    // What is gone takes the summary with it.
    let Some(dataset) = repo::datasets::find(db, tenant, dataset_id).await? else { return Ok(()) };
    let Some(document) = repo::documents::find(db, tenant, dataset_id, document_id).await? else { return Ok(()) };
    let Some(segment) = repo::segments::find(db, tenant, document_id, segment_id).await? else { return Ok(()) };
    let Some((setting, model)) = Setting::of(&dataset).zip(embedding_model(&dataset)) else {
        return Err(Failure::Failed("Summaries are switched off in this knowledge base.".to_owned()));
    };
    let pictures = files_of(db, &dataset, &[segment_id]).await?.remove(&segment_id).unwrap_or_default();
    let language = document.doc_language.as_deref();
    let subject = Subject { text: &segment.content, language, pictures: &pictures };
    let text = making::summary(services, tenant, &setting, &subject).await?;
    let vector = embed(services, tenant, &model, std::slice::from_ref(&text)).await?.first().copied();
    let tx = db.begin().await?;
    // From here on nothing else changes what is found of the knowledge base.
    repo::datasets::hold_index(&tx, dataset_id).await?;
    let Some(dataset) = repo::datasets::find(&tx, tenant, dataset_id).await? else { return Ok(()) };
    let Some(document) = repo::documents::find(&tx, tenant, dataset_id, document_id).await? else { return Ok(()) };
    let Some(now_is) = repo::segments::find(&tx, tenant, document_id, segment_id).await? else { return Ok(()) };
    let is_same = now_is.index_node_hash == segment.index_node_hash && embedding_model(&dataset) == Some(model.clone());
    if !is_same {
        repo::summaries::fail(&tx, services.runs.process_id, wanted.id, "not_started", None).await?;
        tx.commit().await?;
        return Ok(());
    }
    let made = new_summary(&model, text.clone());
    if repo::summaries::finish(&tx, services.runs.process_id, wanted.id, made).await? {
        let active = document.enabled && !document.archived && now_is.enabled;
        let nodes = vec![node(&now_is, wanted.index_node_id, text, vector, active)];
        repo::index_nodes::put(&tx, tenant, dataset_id, nodes).await?;
        tx.commit().await?;
        index_changed(services, tenant, dataset_id);
    }
    Ok(())
}
