//! The work of a server on rebuilds that were begun in the Studio: its local copies, then the store outside.
//!
//! What a process leaves that dies is begun anew by whichever server looks first, a few times.

use std::{sync::Arc, time::Duration};

use ox_db::{
    model::{IndexRebuild, IndexState},
    repo::{index_nodes, index_rebuilds},
};
use tokio::sync::Semaphore;

use super::record::{LEASE, Record};
use crate::{
    Error, Result, Services,
    knowledge::{
        datasets::missing,
        rebuilding::{Ears, Phase, discard, fill_one, local_one},
    },
    rounds,
};

/// Rebuilds of this process that work at a time; others wait.
static ROOM: Semaphore = Semaphore::const_new(2);
/// How often is looked for what a process has left.
const LOOK: Duration = Duration::from_secs(10);
/// Rebuilds taken over at a time.
const AT_ONCE: u64 = 8;
/// How often one is begun before it counts as impossible.
const MAX_ATTEMPTS: i32 = 3;

/// Takes over what other processes have left, until shutdown.
pub(in crate::knowledge) async fn keep(services: Arc<Services>) {
    rounds::keep(services, LOOK, "rebuilds of indexes", |services| Box::pin(take_up(services))).await;
}

async fn take_up(services: &Arc<Services>) -> Result<()> {
    for left in index_rebuilds::forsaken(&services.db, AT_ONCE).await? {
        let tx = services.db.begin().await?;
        let taken = index_rebuilds::claim(&tx, &left, services.runs.process_id, LEASE).await?;
        if let Some(taken) = taken.as_ref().filter(|taken| taken.attempts > MAX_ATTEMPTS) {
            let text = "The servers that worked on it have died again and again. The old index serves.";
            index_rebuilds::finish(&tx, taken, Some(text)).await?;
        }
        tx.commit().await?;
        if let Some(taken) = taken.filter(|taken| taken.attempts <= MAX_ATTEMPTS) {
            tracing::info!(dataset = %taken.dataset_id, "the rebuild of an index is taken over");
            start(services, taken);
        }
    }
    Ok(())
}

/// Works on an attempt that is this process's, in the background.
pub(super) fn start(services: &Arc<Services>, attempt: IndexRebuild) {
    let services = Arc::clone(services);
    services.tracker.clone().spawn(async move {
        let record = Record::of(&services.db, attempt.clone());
        tokio::select! {
            // Another may take it at once.
            () = services.shutdown.cancelled() => give_back(&services, &attempt).await,
            () = run(&services, &attempt, &record) => {}
        }
    });
}

async fn give_back(services: &Services, attempt: &IndexRebuild) {
    let done = async {
        let tx = services.db.begin().await?;
        index_rebuilds::release(&tx, attempt).await?;
        tx.commit().await
    };
    if let Err(error) = done.await {
        tracing::debug!(%error, "a rebuild is taken over when its lease has run out");
    }
}

async fn run(services: &Services, attempt: &IndexRebuild, record: &Record) {
    let (tenant, dataset) = (attempt.tenant_id, attempt.dataset_id);
    let done = record
        .meanwhile(async {
            let _room = ROOM.acquire().await.map_err(Error::internal)?;
            let state = index_nodes::state(&services.db, tenant, dataset).await?.ok_or_else(missing)?;
            rebuild(services, state, record).await
        })
        .await;
    if record.is_lost() {
        tracing::info!(%dataset, "the rebuild of an index was stopped, or taken over");
        clear(services, attempt).await;
        return;
    }
    if let Err(error) = &done {
        tracing::warn!(%error, %dataset, "an index cannot be made anew; it is searched as before");
    }
    record.end(&done).await;
}

/// Removes what a stopped one has made; what another makes by now stays.
async fn clear(services: &Services, attempt: &IndexRebuild) {
    let (tenant, dataset) = (attempt.tenant_id, attempt.dataset_id);
    let found = async {
        let last = index_rebuilds::find(&services.db, tenant, dataset).await?;
        let state = index_nodes::state(&services.db, tenant, dataset).await?;
        Ok::<_, ox_db::Error>(state.filter(|_| last.is_none_or(|last| last.id == attempt.id)))
    };
    match found.await {
        Ok(Some(state)) => discard(&services.settings.home, state).await,
        Ok(None) => {}
        Err(error) => tracing::debug!(%error, "what is left of a copy is removed by the next rebuild"),
    }
}

async fn rebuild(services: &Services, state: IndexState, record: &Record) -> Result<()> {
    let (db, home) = (&services.db, &services.settings.home);
    if state.seq == 0 {
        // Nothing was ever in it.
        return Ok(());
    }
    let swap = || {
        services.indexes.take_over();
        services.indexes.touch(state.tenant_id, state.dataset_id);
    };
    let tell = |phase, count, total| record.tell(phase, count, total);
    local_one(db, home, state, false, &Ears { record, tell: &tell, swap: &swap }).await?;
    let Some(outside) = &services.outside else { return Ok(()) };
    if index_nodes::has_vectors(db, state).await? {
        record.turn_to(outside.name()).await?;
        let tell = |count, total| record.tell(Phase::Reading, count, total);
        fill_one(db, outside, state, true, &tell).await?;
    }
    Ok(())
}
