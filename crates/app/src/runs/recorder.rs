//! The recorder: one task per process that makes run events durable, in groups.
//!
//! A run hands over what changed (a [`Delta`]) together with what may be shown once that is durable.
//! The task commits at once when it is idle and takes whatever arrived during a commit as its next
//! batch; no timer is involved. Changes of one row that meet in one batch become one write.
//! Invariants: events are shown in the order in which they were emitted, and none before everything
//! recorded up to it is durable; an event with nothing uncommitted ahead of it is shown at once; what is
//! only noted (how far an answer has grown) holds no event back; when a run cannot be recorded its stream
//! ends with an error and its engine is told to stop.

use ox_types::boxed;
use std::{
    borrow::Cow,
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use tokio::sync::{Notify, mpsc};

use super::{delta::Delta, event::StreamBody, hub::Hub};

/// Runs waiting for the recorder; each run is queued at most once.
const QUEUE: usize = 16 * 1024;
/// Runs in one commit.
const MAX_BATCH: usize = 512;
/// Events of one run that may wait for their commit before the run is slowed down.
const MAX_PENDING: usize = 256;

/// Where changes become durable.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Writes all changes or none of them.
    async fn commit(&self, deltas: &[Arc<Delta>]) -> Result<(), JournalError>;
}

/// The changes could not be written.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct JournalError {
    pub message: String,
    /// How callers are told.
    pub status: u16,
    pub code: Cow<'static, str>,
}

impl From<ox_db::Error> for JournalError {
    fn from(error: ox_db::Error) -> Self {
        let message = error.to_string();
        let crate::Error { status, code, .. } = error.into();
        Self { message, status, code }
    }
}

impl From<JournalError> for crate::Error {
    fn from(error: JournalError) -> Self {
        Self::new(error.status, error.code, error.message)
    }
}

/// Hands runs to the recorder task.
#[derive(Clone)]
pub struct Recorder {
    queue: mpsc::Sender<Arc<Recording>>,
}

impl Recorder {
    /// The recorder and its task; the task ends when every handle is gone and the queue is written.
    pub fn new(journal: Arc<dyn Journal>) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (queue, waiting) = mpsc::channel(QUEUE);
        (Self { queue }, write_until_closed(journal, waiting))
    }

    /// Starts the recording of one run.
    #[must_use]
    pub fn begin(&self, hub: Arc<Hub>) -> Arc<Recording> {
        Arc::new(Recording { hub, queue: self.queue.clone(), state: Mutex::default(), written: Notify::new() })
    }
}

/// What is recorded and shown of one run.
pub struct Recording {
    hub: Arc<Hub>,
    queue: mpsc::Sender<Arc<Recording>>,
    state: Mutex<State>,
    written: Notify,
}

#[derive(Default)]
struct State {
    delta: Delta,
    /// There is more in `delta` than notes.
    is_binding: bool,
    pending: VecDeque<(i64, StreamBody)>,
    /// Close the stream once everything pending is shown.
    closing: bool,
    /// In the recorder's queue, not yet taken.
    queued: bool,
    /// Taken and not yet committed: more than notes.
    in_flight: bool,
    /// Number of handed-over changes, and how many of them are durable.
    given: u64,
    taken: u64,
    durable: u64,
    failed: Option<JournalError>,
}

impl State {
    /// Adds a change; whether the run must be queued for it.
    fn add(&mut self, change: Delta) -> bool {
        self.given += 1;
        self.delta.merge(change);
        !std::mem::replace(&mut self.queued, true)
    }

    fn is_clear(&self) -> bool {
        !self.in_flight && !self.is_binding && self.pending.is_empty()
    }
}

impl Recording {
    /// The stream of this run.
    #[must_use]
    pub const fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// Takes a change and what it makes visible. Waits only when too much is uncommitted.
    ///
    /// # Errors
    /// When the run cannot be recorded any more.
    pub async fn put(
        self: &Arc<Self>,
        change: Option<Delta>,
        at: i64,
        show: Vec<StreamBody>,
        last: bool,
    ) -> Result<(), JournalError> {
        let (enqueue, crowded) = {
            let mut state = self.lock();
            if let Some(why) = &state.failed {
                return Err(why.clone());
            }
            state.is_binding |= change.is_some();
            let enqueue = change.is_some_and(|change| state.add(change));
            if state.is_clear() {
                for body in show {
                    self.hub.publish(at, body);
                }
            } else {
                state.pending.extend(show.into_iter().map(|body| (at, body)));
            }
            if last {
                state.closing = true;
                if state.is_clear() {
                    self.hub.close();
                }
            }
            (enqueue, state.pending.len() >= MAX_PENDING)
        };
        if enqueue {
            self.enqueue().await?;
        }
        if crowded { self.barrier().await } else { Ok(()) }
    }

    /// Takes a change that nobody waits for: what is shown afterwards is shown at once.
    ///
    /// # Errors
    /// When the run cannot be recorded any more.
    pub async fn note(self: &Arc<Self>, change: Delta) -> Result<(), JournalError> {
        let enqueue = {
            let mut state = self.lock();
            if let Some(why) = &state.failed {
                return Err(why.clone());
            }
            state.add(change)
        };
        if enqueue { self.enqueue().await } else { Ok(()) }
    }

    async fn enqueue(self: &Arc<Self>) -> Result<(), JournalError> {
        self.queue.send(Arc::clone(self)).await.map_err(|_| {
            let stopped = "the recorder has stopped".to_owned();
            self.fail(JournalError { message: stopped, status: 503, code: "service_unavailable".into() })
        })
    }

    /// Returns when everything handed over before is durable.
    ///
    /// # Errors
    /// When it could not be made durable.
    #[boxed]
    pub async fn barrier(&self) -> Result<(), JournalError> {
        let goal = self.lock().given;
        loop {
            let mut written = std::pin::pin!(self.written.notified());
            written.as_mut().enable();
            {
                let state = self.lock();
                if let Some(why) = &state.failed {
                    return Err(why.clone());
                }
                if state.durable >= goal {
                    return Ok(());
                }
            }
            written.await;
        }
    }

    /// Why the run cannot be recorded, if so.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.lock().failed.as_ref().map(|why| why.message.clone())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything uncommitted, and the events that it makes visible.
    fn take(&self) -> Taken {
        let mut state = self.lock();
        state.queued = false;
        state.in_flight = std::mem::take(&mut state.is_binding);
        state.taken = state.given;
        Taken {
            delta: Arc::new(std::mem::take(&mut state.delta)),
            events: std::mem::take(&mut state.pending),
            number: state.taken,
        }
    }

    fn committed(&self, events: VecDeque<(i64, StreamBody)>, number: u64) {
        let mut state = self.lock();
        state.in_flight = false;
        state.durable = number;
        for (at, body) in events {
            self.hub.publish(at, body);
        }
        // What came meanwhile and depends on nothing uncommitted need not wait for another batch.
        if !state.is_binding {
            for (at, body) in std::mem::take(&mut state.pending) {
                self.hub.publish(at, body);
            }
        }
        if state.closing && state.is_clear() {
            self.hub.close();
        }
        drop(state);
        self.written.notify_waiters();
    }

    /// Ends the stream with an error; the caller's engine learns of it at its next event.
    fn fail(&self, why: JournalError) -> JournalError {
        let mut state = self.lock();
        if state.failed.is_none() {
            state.failed = Some(why.clone());
            state.pending.clear();
            state.delta = Delta::default();
            state.is_binding = false;
            state.in_flight = false;
            self.hub.publish(
                chrono::Utc::now().timestamp(),
                StreamBody::Error {
                    code: why.code.clone(),
                    status: why.status,
                    message: format!("The run was stopped because its result cannot be recorded: {why}").into(),
                },
            );
            self.hub.close();
        }
        drop(state);
        self.written.notify_waiters();
        why
    }
}

struct Taken {
    delta: Arc<Delta>,
    events: VecDeque<(i64, StreamBody)>,
    number: u64,
}

async fn write_until_closed(journal: Arc<dyn Journal>, mut waiting: mpsc::Receiver<Arc<Recording>>) {
    let mut runs = Vec::with_capacity(MAX_BATCH);
    while waiting.recv_many(&mut runs, MAX_BATCH).await > 0 {
        // Runs that are ready to go on get the chance to join this batch.
        tokio::task::yield_now().await;
        while runs.len() < MAX_BATCH
            && let Ok(run) = waiting.try_recv()
        {
            runs.push(run);
        }
        let batch: Vec<(Arc<Recording>, Taken)> = runs.drain(..).map(|run| (Arc::clone(&run), run.take())).collect();
        write(journal.as_ref(), batch).await;
    }
}

async fn write(journal: &dyn Journal, batch: Vec<(Arc<Recording>, Taken)>) {
    let deltas: Vec<Arc<Delta>> = batch.iter().map(|(_, taken)| Arc::clone(&taken.delta)).collect();
    let started = std::time::Instant::now();
    let result = journal.commit(&deltas).await;
    metrics::histogram!("oxidify_recorder_commit_seconds").record(started.elapsed().as_secs_f64());
    metrics::histogram!("oxidify_recorder_batch_runs")
        .record(f64::from(u32::try_from(batch.len()).unwrap_or(u32::MAX)));
    let Err(error) = result else {
        for (run, taken) in batch {
            run.committed(taken.events, taken.number);
        }
        return;
    };
    tracing::warn!(%error, runs = batch.len(), "a batch of run records could not be written; writing them one by one");
    // One bad row must not fail its neighbours; a full disk fails each of them, with its reason.
    for (run, taken) in batch {
        match journal.commit(std::slice::from_ref(&taken.delta)).await {
            Ok(()) => run.committed(taken.events, taken.number),
            Err(error) => {
                tracing::error!(%error, task_id = %run.hub.head.task_id, "a run cannot be recorded");
                run.fail(error);
            }
        }
    }
}

#[cfg(test)]
mod tests;
