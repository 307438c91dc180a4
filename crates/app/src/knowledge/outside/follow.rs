//! Bringing the collections of a vector store up to date: changes are read after the mark and written in batches, by
//! whoever holds the mark's lease.
//!
//! Invariants: the mark moves on after what it stands for is in the store, and only from where its holder has read it;
//! a batch that failed is written again whole, which puts nothing in twice; a collection goes before its mark.

use std::{
    collections::HashSet,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use ox_db::{
    model::{IndexLag, IndexMark, IndexState},
    repo::{index_marks, index_nodes},
};
use ox_types::{DatasetId, boxed};
use ox_vector::{Change, Point, StoreError};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use super::Outside;
use crate::{Result, knowledge::index::of_row};

/// Changes that are read and written together.
const BATCH: u64 = 256;
/// How long a batch may take.
const WRITE: Duration = Duration::from_secs(60);
/// How long a process may be silent before another writes to its collection.
const LEASE: Duration = Duration::from_secs(150);
/// A lease is prolonged before it gets so old.
const AGING: Duration = Duration::from_secs(20);
/// How often is looked for what others have changed, and for what failed.
const LOOK: Duration = Duration::from_secs(3);
/// Changes that come together are written together.
const GATHER: Duration = Duration::from_millis(40);
/// Datasets of one look.
const AT_ONCE: u64 = 64;
/// The longest pause after a failure; the first is a second.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Rows of the index looked at together.
const ROWS: u64 = 5000;

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Followed {
    /// The collection is up to date.
    Done,
    /// Somebody else writes to it.
    Busy,
}

/// Why a collection could not be brought up to date.
enum Halt {
    /// Another has the lease, the mark was reset, or what was read may not be all.
    NotOurs,
    Failed(crate::Error),
    Store(&'static str, StoreError),
}

impl From<ox_db::Error> for Halt {
    fn from(error: ox_db::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// A collection that one task of this process writes to: leases are the process's.
struct Turn<'a> {
    outside: &'a Outside,
    key: (DatasetId, i32),
}

impl<'a> Turn<'a> {
    fn take(outside: &'a Outside, dataset: DatasetId, generation: i32) -> Option<Self> {
        let key = (dataset, generation);
        let is_free = outside.shared.running.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
        is_free.then_some(Self { outside, key })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.outside.shared.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

impl Outside {
    /// Follows until shutdown.
    pub(in crate::knowledge) async fn keep(self, tracker: TaskTracker, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(LOOK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.shared.wake.notified() => tokio::time::sleep(GATHER).await,
                _ = tick.tick() => self.look_after().await,
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                done = self.hand_out(&tracker, &shutdown) => {
                    if let Err(error) = done {
                        tracing::error!(%error, "the vector store cannot be brought up to date; it is tried again");
                    }
                }
            }
        }
    }

    /// How much it has not read yet.
    ///
    /// # Errors
    /// When the database fails.
    #[boxed]
    pub async fn lag(&self) -> Result<IndexLag> {
        Ok(index_marks::lag(&self.shared.db, &self.shared.key).await?)
    }

    /// Figures; and when the store answers again, what failed is tried at once.
    async fn look_after(&self) {
        let done = async {
            let lag = self.lag().await?;
            #[expect(clippy::cast_precision_loss, reason = "figures")]
            let gauge =
                |name: &'static str, value: u64| metrics::gauge!(name, "store" => self.name()).set(value as f64);
            gauge("oxidify_vector_store_behind", lag.behind);
            gauge("oxidify_vector_store_behind_changes", lag.changes);
            gauge("oxidify_vector_store_removals", lag.gone);
            if (lag.error.is_some() || self.is_down()) && self.health().await.is_ok() && lag.behind + lag.gone > 0 {
                let tx = self.shared.db.begin().await?;
                index_marks::retry_now(&tx, &self.shared.key).await?;
                tx.commit().await?;
            }
            Ok::<_, crate::Error>(())
        };
        if let Err(error) = done.await {
            tracing::error!(%error, "the state of the vector store cannot be looked up");
        }
    }

    async fn hand_out(&self, tracker: &TaskTracker, shutdown: &CancellationToken) -> Result<()> {
        let (db, key) = (&self.shared.db, &self.shared.key);
        for mark in index_marks::gone(db, key, AT_ONCE).await? {
            let Ok(permit) = Arc::clone(&self.shared.writers).acquire_owned().await else { return Ok(()) };
            let (this, stop) = (self.clone(), shutdown.clone());
            tracker.spawn(async move {
                let _permit = permit;
                stop.run_until_cancelled(this.remove_or_log(mark)).await
            });
        }
        for state in index_marks::behind(db, key, AT_ONCE).await? {
            let Ok(permit) = Arc::clone(&self.shared.writers).acquire_owned().await else { return Ok(()) };
            let (this, stop) = (self.clone(), shutdown.clone());
            tracker.spawn(async move {
                let _permit = permit;
                // What was written is written again after a stop: nothing is lost.
                match stop.run_until_cancelled(this.follow(state, &|_| {})).await {
                    // What came meanwhile.
                    Some(Ok(Followed::Done)) => this.touch(),
                    Some(Err(error)) => tracing::debug!(%error, "a collection is tried again later"),
                    Some(Ok(Followed::Busy)) | None => {}
                }
            });
        }
        Ok(())
    }

    /// Brings one collection up to date; tells how many changes were read since it began.
    ///
    /// # Errors
    /// When the store or the database fails. What failed is noted, and tried again by whoever follows.
    #[boxed]
    pub async fn follow(&self, state: IndexState, tell: &(dyn Fn(u64) + Send + Sync)) -> Result<Followed> {
        let (db, key) = (&self.shared.db, &self.shared.key);
        let Some(_turn) = Turn::take(self, state.dataset_id, state.generation) else { return Ok(Followed::Busy) };
        let tx = db.begin().await?;
        index_marks::begin(&tx, key, state).await?;
        let (dataset, generation, process) = (state.dataset_id, state.generation, self.shared.process);
        let claimed = index_marks::claim(&tx, key, dataset, generation, process, LEASE).await?;
        tx.commit().await?;
        let Some(mark) = claimed else { return Ok(Followed::Busy) };
        let done = self.catch_up(state, mark.clone(), tell).await;
        self.end(&mark, done).await
    }

    /// Gives the lease back, and notes what went wrong.
    async fn end(&self, mark: &IndexMark, done: Result<(), Halt>) -> Result<Followed> {
        let failure = match &done {
            Ok(()) | Err(Halt::NotOurs) => None,
            Err(Halt::Failed(error)) => Some(error.message.clone()),
            Err(Halt::Store(method, error)) => {
                self.failed(method, error);
                Some(error.to_string())
            }
        };
        let shift = u32::try_from(mark.attempts).unwrap_or(0).min(10);
        let pause = Duration::from_secs(1 << shift).min(LONGEST_PAUSE);
        let tx = self.shared.db.begin().await?;
        let noted = failure.as_deref().map(|text| (text, pause));
        index_marks::release(&tx, &self.shared.key, mark, self.shared.process, noted).await?;
        tx.commit().await?;
        match done {
            Ok(()) => {
                self.answers();
                self.shared.moved.notify_waiters();
                Ok(Followed::Done)
            }
            Err(Halt::NotOurs) => Ok(Followed::Busy),
            Err(Halt::Failed(error)) => Err(error),
            Err(Halt::Store(_, error)) => Err(crate::Error::new(503, "vector_store", error.to_string())),
        }
    }

    async fn catch_up(
        &self,
        state: IndexState,
        mut mark: IndexMark,
        tell: &(dyn Fn(u64) + Send + Sync),
    ) -> Result<(), Halt> {
        let (db, key, process) = (&self.shared.db, &self.shared.key, self.shared.process);
        let collection = self.collection(state.dataset_id.0, state.generation);
        if mark.seq < state.purged_seq || (mark.seq == 0 && mark.node_id.is_nil()) {
            // What was removed in between is not told any more; or nobody knows what is in there.
            self.prune(state, &collection).await?;
        }
        let (mut held, mut count) = (Instant::now(), 0);
        loop {
            let changes = index_nodes::changes(db, state, (mark.seq, mark.node_id), BATCH).await?;
            if !index_nodes::is_whole_since(db, state, mark.seq).await? {
                return Err(Halt::NotOurs);
            }
            let is_last = (changes.len() as u64) < BATCH;
            count += changes.len() as u64;
            let mut to = changes.last().map_or((mark.seq, mark.node_id), |last| (last.seq, last.id));
            if is_last {
                // All of every change up to the one that was known when reading began.
                to = to.max((state.seq, Uuid::max()));
            }
            if held.elapsed() > AGING {
                let tx = db.begin().await?;
                let is_ours = index_marks::prolong(&tx, key, &mark, process, LEASE).await?;
                tx.commit().await?;
                if !is_ours {
                    return Err(Halt::NotOurs);
                }
                held = Instant::now();
            }
            self.write(state, &mark, &collection, changes.into_iter().map(|row| of_row(row, true)).collect()).await?;
            let is_ready = mark.is_ready || is_last;
            let tx = db.begin().await?;
            let is_ours = index_marks::advance(&tx, key, &mark, process, to, is_ready, LEASE).await?;
            tx.commit().await?;
            if !is_ours {
                return Err(Halt::NotOurs);
            }
            (mark.seq, mark.node_id) = to;
            mark.is_ready = is_ready;
            tell(count);
            if is_last {
                return Ok(());
            }
        }
    }

    async fn write(
        &self,
        state: IndexState,
        mark: &IndexMark,
        collection: &str,
        changes: Vec<Change>,
    ) -> Result<(), Halt> {
        let (mut points, mut gone) = (Vec::new(), Vec::new());
        for change in changes {
            match change {
                Change::Remove(id) => gone.push(id),
                Change::Put(node) => match (node.id, Point::of(node, state.dataset_id.0)) {
                    (_, Some(point)) => points.push(point),
                    (id, None) => gone.push(id),
                },
            }
        }
        if !gone.is_empty() {
            self.timed("remove", self.shared.store.remove(collection, &gone)).await?;
        }
        if points.is_empty() {
            return Ok(());
        }
        match self.timed("put", self.shared.store.put(collection, &points)).await {
            // A collection of another model's: it begins anew, once.
            Err(Halt::Store("put", error @ StoreError::Dimension { .. })) if mark.attempts == 0 => {
                self.timed("drop", self.shared.store.drop_collection(collection)).await?;
                let tx = self.shared.db.begin().await?;
                index_marks::reset(&tx, &self.shared.key, state.dataset_id, state.generation).await?;
                tx.commit().await?;
                Err(Halt::Store("put", error))
            }
            done => done,
        }
    }

    async fn timed<T>(
        &self,
        method: &'static str,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, Halt> {
        let done = tokio::time::timeout(WRITE, call).await.unwrap_or_else(|_| Err(self.silent()));
        done.map_err(|error| Halt::Store(method, error))
    }

    /// Takes out of a collection what should not be in.
    async fn prune(&self, state: IndexState, collection: &str) -> Result<(), Halt> {
        let there = self.timed("list", self.shared.store.ids(collection)).await?;
        if there.is_empty() {
            return Ok(());
        }
        let mut wanted = HashSet::new();
        let mut after = (0, Uuid::nil());
        loop {
            let rows = index_nodes::entries(&self.shared.db, state, after, ROWS).await?;
            let Some(last) = rows.last() else { break };
            after = (last.seq, last.id);
            wanted.extend(rows.iter().filter(|row| row.active && row.has_vector).map(|row| row.id));
        }
        let gone: Vec<Uuid> = there.into_iter().filter(|id| !wanted.contains(id)).collect();
        for batch in gone.chunks(1000) {
            self.timed("remove", self.shared.store.remove(collection, batch)).await?;
        }
        Ok(())
    }

    async fn remove_or_log(&self, mark: IndexMark) {
        if let Err(error) = self.remove_collection(&mark).await {
            tracing::debug!(%error, dataset = %mark.dataset_id, "a collection is removed later");
        }
    }

    /// Removes a collection, and then its mark.
    ///
    /// # Errors
    /// When the store or the database fails. What failed is noted, and tried again by whoever follows.
    #[boxed]
    pub async fn remove_collection(&self, mark: &IndexMark) -> Result<()> {
        let (db, key, process) = (&self.shared.db, &self.shared.key, self.shared.process);
        let Some(_turn) = Turn::take(self, mark.dataset_id, mark.generation) else { return Ok(()) };
        let tx = db.begin().await?;
        let claimed = index_marks::claim(&tx, key, mark.dataset_id, mark.generation, process, LEASE).await?;
        tx.commit().await?;
        let Some(mark) = claimed else { return Ok(()) };
        let collection = self.collection(mark.dataset_id.0, mark.generation);
        let done = self.timed("drop", self.shared.store.drop_collection(&collection)).await;
        if done.is_ok() {
            let tx = db.begin().await?;
            index_marks::forget(&tx, key, mark.dataset_id, mark.generation).await?;
            tx.commit().await?;
        }
        self.end(&mark, done).await.map(|_| ())
    }

    /// Lets everything of a dataset be written anew, while what is in the store is searched.
    ///
    /// # Errors
    /// When the database fails.
    #[boxed]
    pub async fn reset(&self, state: IndexState) -> Result<()> {
        let tx = self.shared.db.begin().await?;
        index_marks::begin(&tx, &self.shared.key, state).await?;
        index_marks::reset(&tx, &self.shared.key, state.dataset_id, state.generation).await?;
        tx.commit().await?;
        self.touch();
        Ok(())
    }

    /// Every point of a generation's collection, for the checker.
    ///
    /// # Errors
    /// When the store fails.
    #[boxed]
    pub async fn ids(&self, state: IndexState) -> Result<Vec<Uuid>> {
        let collection = self.collection(state.dataset_id.0, state.generation);
        let found = self.timed("list", self.shared.store.ids(&collection)).await;
        found.map_err(|halt| match halt {
            Halt::Store(_, error) => crate::Error::new(503, "vector_store", error.to_string()),
            Halt::Failed(error) => error,
            Halt::NotOurs => crate::Error::internal("the collection is another's"),
        })
    }
}
