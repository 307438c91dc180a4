//! The work on documents: whoever holds a document's lease reads, splits, saves, embeds and completes it.
//!
//! Invariants: what is written of a document is written together with a look at its lease, so work that was paused,
//! deleted or taken over ends at its next step; every document ends `completed` or `error`. Memory is bounded: chunks
//! stream in batches from the thread that reads to the one that saves.

mod graph;
mod pictures;
pub(super) mod work;

use std::{
    collections::HashSet,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::FutureExt as _;
use ox_db::{
    model::Document,
    now,
    repo::{self, documents::Stage},
};
use ox_types::DocumentId;
use tokio::sync::{Notify, Semaphore, futures::Notified, mpsc};

use super::removal::Turn;
use crate::{
    Result, Services,
    rounds::{Round, Rounds},
};

/// How long a process may be silent before its documents are taken over.
const LEASE: Duration = Duration::from_secs(30);
/// How often it tells that it still works on them.
const HEARTBEAT: Duration = Duration::from_secs(8);
/// How often documents of other processes, and of those that died, are looked for.
const LOOK: Duration = Duration::from_secs(3);
/// Documents worked on at the same time.
const WORKERS: usize = 6;
/// Documents taken at a time.
const TAKEN: u64 = 24;
/// A document is begun this often before it is given up.
const MAX_ATTEMPTS: i32 = 3;

/// Wakes the work on documents, and knows what this process works on.
#[derive(Default)]
pub struct Worker {
    wake: Notify,
    summaries: Notify,
    pub(super) removals: Turn,
    held: Mutex<HashSet<DocumentId>>,
}

impl Worker {
    /// There is something to do.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// There are summaries to make.
    pub(super) fn wake_summaries(&self) {
        self.summaries.notify_one();
    }

    /// Waits until there are.
    pub(super) fn summaries_wanted(&self) -> Notified<'_> {
        self.summaries.notified()
    }

    fn hold(&self, id: DocumentId) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
    }

    fn drop(&self, id: DocumentId) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    fn held(&self) -> Vec<DocumentId> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }
}

/// Why the work on a document ends before it is done.
#[derive(Debug)]
enum Halt {
    /// It was deleted, paused or taken over: whoever did it knows.
    NotOurs,
    /// The server stops: another goes on.
    Shutdown,
    /// It cannot be done; the text says why.
    Failed(String),
}

impl From<ox_db::Error> for Halt {
    fn from(error: ox_db::Error) -> Self {
        match error {
            ox_db::Error::NotFound(_) => Self::NotOurs,
            error => Self::Failed(crate::Error::from(error).message),
        }
    }
}

impl From<crate::Error> for Halt {
    fn from(error: crate::Error) -> Self {
        Self::Failed(error.message)
    }
}

/// Works on documents until shutdown.
pub(crate) async fn keep(services: Arc<Services>) {
    let (sender, receiver) = mpsc::channel::<Document>(usize::try_from(TAKEN).unwrap_or(24));
    let receiver = Arc::new(tokio::sync::Mutex::new(receiver));
    let room = Arc::new(Semaphore::new(WORKERS));
    for _ in 0..WORKERS {
        services.tracker.spawn(work_on(Arc::clone(&services), Arc::clone(&receiver), Arc::clone(&room)));
    }
    let beat = services.tracker.spawn(heartbeat(Arc::clone(&services)));
    if let Err(error) = super::resume(&services).await {
        tracing::error!(%error, "what was begun with knowledge cannot be gone on with");
    }
    let mut rounds = Rounds::new(&services, LOOK);
    while let Some(round) = rounds.next_or(services.knowledge.wake.notified()).await {
        if round == Round::Due {
            services.indexes.take_over();
        }
        if let Err(error) = hand_out(&services, &sender).await {
            tracing::error!(%error, "documents cannot be taken up");
        }
    }
    drop(sender);
    beat.abort();
}

/// Takes what waits and gives it to the workers, for as long as there is room.
async fn hand_out(services: &Services, sender: &mpsc::Sender<Document>) -> Result<()> {
    while !services.shutdown.is_cancelled() {
        let free = u64::try_from(sender.capacity()).unwrap_or(0);
        // Taken in numbers: each look costs as much as the next.
        if free < TAKEN / 2 {
            return Ok(());
        }
        // A look before the lock: most of the time nothing waits.
        if !repo::documents::is_waiting(&services.db).await? {
            return Ok(());
        }
        let tx = services.db.begin().await?;
        let taken = repo::documents::claim(&tx, services.runs.process_id, LEASE, free).await?;
        tx.commit().await?;
        if taken.is_empty() {
            return Ok(());
        }
        for document in taken {
            services.knowledge.hold(document.id);
            if sender.send(document).await.is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

async fn work_on(
    services: Arc<Services>,
    receiver: Arc<tokio::sync::Mutex<mpsc::Receiver<Document>>>,
    room: Arc<Semaphore>,
) {
    let _room = room;
    loop {
        let document = {
            let mut receiver = receiver.lock().await;
            tokio::select! {
                () = services.shutdown.cancelled() => return,
                document = receiver.recv() => document,
            }
        };
        let Some(document) = document else { return };
        let id = document.id;
        let done = AssertUnwindSafe(one(&services, document)).catch_unwind().await;
        if done.is_err() {
            end(&services, id, Halt::Failed("The server failed while it worked on the document.".into())).await;
        }
        services.knowledge.drop(id);
        services.knowledge.wake();
    }
}

async fn one(services: &Arc<Services>, document: Document) {
    let id = document.id;
    let started = std::time::Instant::now();
    let done = if document.attempts > MAX_ATTEMPTS {
        let text =
            format!("The work on the document was interrupted {MAX_ATTEMPTS} times; it is not tried again by itself.");
        Err(Halt::Failed(text))
    } else {
        tokio::select! {
            done = work::document(services, document) => done,
            () = services.shutdown.cancelled() => Err(Halt::Shutdown),
        }
    };
    let outcome = match &done {
        Ok(()) => "completed",
        Err(Halt::Failed(_)) => "error",
        Err(_) => "stopped",
    };
    metrics::histogram!("oxidify_document_indexing_seconds", "outcome" => outcome)
        .record(started.elapsed().as_secs_f64());
    if let Err(halt) = done {
        end(services, id, halt).await;
    }
}

/// Writes down how the work on a document ended that was not done.
async fn end(services: &Services, id: DocumentId, halt: Halt) {
    let process = services.runs.process_id;
    let written = async {
        let tx = services.db.begin().await?;
        match &halt {
            Halt::NotOurs | Halt::Shutdown => repo::documents::release(&tx, process, id).await?,
            Halt::Failed(error) => {
                let stage = Stage::Failed { at: now(), error: error.clone() };
                repo::documents::advance(&tx, process, id, &stage).await?;
            }
        }
        tx.commit().await
    };
    if let Err(error) = written.await {
        // Its lease runs out, and it is begun again.
        tracing::error!(%error, document = %id, "the end of the work on a document cannot be written");
    }
    if let Halt::Failed(error) = halt {
        tracing::info!(error, document = %id, "a document cannot be indexed");
    }
}

async fn heartbeat(services: Arc<Services>) {
    let mut tick = tokio::time::interval(HEARTBEAT);
    loop {
        tick.tick().await;
        let held = services.knowledge.held();
        if held.is_empty() {
            continue;
        }
        let beat = async {
            let tx = services.db.begin().await?;
            repo::documents::prolong(&tx, services.runs.process_id, &held, LEASE).await?;
            tx.commit().await
        };
        if let Err(error) = beat.await {
            tracing::error!(%error, "the lease of documents cannot be prolonged");
        }
    }
}
