//! The local copies of what can be found: opened when asked for, brought up to date before they answer.
//!
//! A copy has words and vectors, or words alone where a vector store outside has the vectors of its dataset.

mod files;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use ox_db::{
    Database,
    model::{IndexChange, IndexNodeKind, IndexState},
    repo,
};
use ox_types::{DatasetId, TenantId, boxed};
use ox_vector::{Change, LocalIndex, Mark, Node, NodeKind};
use tokio::sync::OnceCell;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

pub use files::Kind;
pub(super) use files::{beside, finish_swap, is_swap_wanted, remove, unwant_swap, want_swap};

use super::outside::Outside;
use crate::{Error, Result};

/// Changes read and written at a time.
const BATCH: u64 = 1000;
/// Copies that are kept open.
const OPEN: usize = 256;
/// How long a question waits for a copy that is far behind; it is answered from what is there then.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a question begins anew because what it read may not have been all.
const SWITCHES: usize = 4;

/// All local copies of this process. Cheap to clone.
#[derive(Clone)]
pub struct Indexes {
    shared: Arc<Shared>,
}

struct Shared {
    db: Database,
    dir: PathBuf,
    tracker: TaskTracker,
    outside: Option<Outside>,
    open: Mutex<HashMap<Key, Entry>>,
}

type Key = (DatasetId, i32, Kind);

struct Entry {
    copy: Arc<Copy>,
    used: Instant,
}

/// One copy. Whoever brings it up to date holds `turn`.
#[derive(Default)]
struct Copy {
    index: OnceCell<LocalIndex>,
    turn: tokio::sync::Mutex<()>,
    /// The one whose place this takes, until nobody uses it any more.
    before: Mutex<Option<Arc<Copy>>>,
}

/// A copy to search in. While it is held, the copy stays open.
pub struct Ready {
    pub index: LocalIndex,
    _copy: Arc<Copy>,
    pub state: IndexState,
    /// It has not read all changes yet.
    pub is_behind: bool,
    /// Where the vectors are, when they are not in it.
    pub outside: Option<Outside>,
}

/// How following a dataset ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caught {
    Up,
    /// Another generation is searched by now, or removals were purged meanwhile: what was read may not be all.
    Left,
}

impl Indexes {
    /// Copies are kept under a directory.
    #[must_use]
    pub fn new(db: Database, home: &Path, outside: Option<Outside>, tracker: TaskTracker) -> Self {
        let shared = Shared { db, dir: home.join("index"), tracker, outside, open: Mutex::default() };
        Self { shared: Arc::new(shared) }
    }

    /// The copy of a dataset, up to date unless it was far behind.
    ///
    /// # Errors
    /// 404 when there is no such dataset; when the copy cannot be kept on this disk.
    #[boxed]
    pub async fn ready(&self, tenant: TenantId, dataset: DatasetId) -> Result<Ready> {
        for _ in 0..SWITCHES {
            let state = self.state(tenant, dataset).await?;
            if let Some(ready) = self.ready_at(state).await? {
                return Ok(ready);
            }
        }
        Err(Error::internal("a knowledge base is embedded anew faster than it can be read"))
    }

    /// The copy of a generation; `None` when another is searched by now.
    async fn ready_at(&self, state: IndexState) -> Result<Option<Ready>> {
        if !self.is_outside(state).await? {
            return self.ready_of(state, Kind::Full).await;
        }
        let in_store = |ready: Option<Ready>| {
            let outside = self.shared.outside.clone();
            ready.map(|ready| Ready { outside, ..ready })
        };
        if !self.has_full(state) {
            return Ok(in_store(self.ready_of(state, Kind::Words).await?));
        }
        // The vectors have moved out: the copy without them is made beside, the old one answers until then.
        let words = self.copy(state, Kind::Words);
        if is_current(&self.opened(&words, key_of(state, Kind::Words)).await?, state) {
            self.forget_full(state);
            return Ok(in_store(self.ready_of(state, Kind::Words).await?));
        }
        let this = self.clone();
        self.shared.tracker.spawn(async move {
            if let Err(error) = this.catch_up(&words, state, Kind::Words).await {
                tracing::warn!(%error, dataset = %state.dataset_id, "an index without vectors could not be made");
            }
        });
        Ok(in_store(self.ready_of(state, Kind::Full).await?))
    }

    async fn ready_of(&self, state: IndexState, kind: Kind) -> Result<Option<Ready>> {
        let copy = self.copy(state, kind);
        let index = self.opened(&copy, key_of(state, kind)).await?;
        if is_current(&index, state) {
            return Ok(Some(Ready { index, _copy: copy, state, is_behind: false, outside: None }));
        }
        // Goes on when the question no longer waits for it.
        let (this, followed) = (self.clone(), Arc::clone(&copy));
        let work = self.shared.tracker.spawn(async move { this.catch_up(&followed, state, kind).await });
        let is_behind = match tokio::time::timeout(PATIENCE, work).await {
            Ok(Ok(done)) => match done? {
                Caught::Up => false,
                Caught::Left => return Ok(None),
            },
            Ok(Err(stopped)) => return Err(Error::internal(stopped)),
            Err(_) => true,
        };
        Ok(Some(Ready { index, _copy: copy, state, is_behind, outside: None }))
    }

    /// Something changed: the copy follows in the background.
    pub fn touch(&self, tenant: TenantId, dataset: DatasetId) {
        if let Some(outside) = &self.shared.outside {
            outside.touch();
        }
        let this = self.clone();
        self.shared.tracker.spawn(async move {
            let done = async {
                let state = this.state(tenant, dataset).await?;
                let kind = if this.is_outside(state).await? { Kind::Words } else { Kind::Full };
                this.catch_up(&this.copy(state, kind), state, kind).await.map(drop)
            };
            if let Err(error) = done.await
                && error.status != 404
            {
                tracing::warn!(%error, %dataset, "an index could not follow its dataset; the next question tries again");
            }
        });
    }

    /// Forgets the copies of a dataset that is gone, or whose copy is to be made anew.
    ///
    /// # Errors
    /// When the directory cannot be removed.
    #[boxed]
    pub async fn forget(&self, dataset: DatasetId) -> Result<()> {
        self.close(|(id, ..)| *id == dataset).await;
        match tokio::fs::remove_dir_all(self.shared.dir.join(dataset.to_string())).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::internal(error)),
            _ => Ok(()),
        }
    }

    /// Forgets the copies of generations that are not searched any more.
    ///
    /// # Errors
    /// When a directory cannot be removed.
    #[boxed]
    pub async fn forget_older(&self, dataset: DatasetId, generation: i32) -> Result<()> {
        self.close(|(id, other, _)| *id == dataset && *other < generation).await;
        let dir = self.shared.dir.join(dataset.to_string());
        blocking(move || files::remove_older(&dir, generation).map_err(Error::internal)).await
    }

    /// Removes the copies of datasets and generations that are gone, whoever made them. Returns how many datasets went.
    ///
    /// # Errors
    /// When the database fails, or a directory cannot be removed.
    #[boxed]
    pub async fn sweep(&self) -> Result<u64> {
        let dir = self.shared.dir.clone();
        let mut count = 0;
        for dataset in blocking(move || Ok(files::datasets(&dir))).await? {
            match repo::index_nodes::generation(&self.shared.db, dataset).await? {
                Some(generation) => self.forget_older(dataset, generation).await?,
                None => {
                    self.forget(dataset).await?;
                    count += 1;
                }
            }
        }
        Ok(count)
    }

    /// Takes over copies that were made anew beside (`oxidify index rebuild`). The old one answers until then.
    pub fn take_over(&self) {
        let mut open = self.shared.open.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, entry) in open.iter_mut() {
            if !files::is_swap_wanted(&self.dir(*key)) {
                continue;
            }
            if entry.copy.before.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
                continue;
            }
            tracing::info!(dataset = %key.0, "an index that was made anew is taken over");
            let before = Mutex::new(Some(Arc::clone(&entry.copy)));
            entry.copy = Arc::new(Copy { before, ..Copy::default() });
            // Whoever made it waits for that, and not for somebody's question.
            let (this, copy, key) = (self.clone(), Arc::clone(&entry.copy), *key);
            self.shared.tracker.spawn(async move {
                if let Err(error) = this.opened(&copy, key).await {
                    tracing::warn!(%error, dataset = %key.0, "the next question tries again to take over an index");
                }
            });
        }
    }

    fn dir(&self, (dataset, generation, kind): Key) -> PathBuf {
        kind.dir(&self.shared.dir, dataset, generation)
    }

    async fn close(&self, which: impl Fn(&Key) -> bool) {
        let gone: Vec<Arc<Copy>> = {
            let mut open = self.shared.open.lock().unwrap_or_else(PoisonError::into_inner);
            let keys: Vec<Key> = open.keys().filter(|key| which(key)).copied().collect();
            keys.into_iter().filter_map(|key| open.remove(&key)).map(|entry| entry.copy).collect()
        };
        for copy in &gone {
            drop(copy.turn.lock().await);
        }
    }

    /// Whether the store outside answers for the vectors of a dataset.
    async fn is_outside(&self, state: IndexState) -> Result<bool> {
        let Some(outside) = &self.shared.outside else { return Ok(false) };
        Ok(outside.mark(state).await?.is_some_and(|mark| mark.is_ready))
    }

    fn has_full(&self, state: IndexState) -> bool {
        self.dir(key_of(state, Kind::Full)).exists()
    }

    /// Removes the copy with vectors, which are outside now.
    fn forget_full(&self, state: IndexState) {
        let this = self.clone();
        self.shared.tracker.spawn(async move {
            let full = key_of(state, Kind::Full);
            this.close(|key| *key == full).await;
            let dir = this.dir(full);
            let done = blocking(move || files::remove_copies(&dir).map_err(Error::internal)).await;
            if let Err(error) = done {
                tracing::warn!(%error, dataset = %state.dataset_id, "an index that is not used any more could not be removed");
            }
        });
    }

    async fn state(&self, tenant: TenantId, dataset: DatasetId) -> Result<IndexState> {
        let found = repo::index_nodes::state(&self.shared.db, tenant, dataset).await?;
        found.ok_or_else(|| Error::not_found("Dataset not found."))
    }

    fn copy(&self, state: IndexState, kind: Kind) -> Arc<Copy> {
        let key = key_of(state, kind);
        let mut open = self.shared.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = open.get_mut(&key) {
            entry.used = Instant::now();
            return Arc::clone(&entry.copy);
        }
        if open.len() >= OPEN {
            // One that somebody works with stays: two openings of one directory exclude each other.
            let idle = open.iter().filter(|(_, entry)| Arc::strong_count(&entry.copy) == 1);
            if let Some(oldest) = idle.min_by_key(|(_, entry)| entry.used).map(|(key, _)| *key) {
                open.remove(&oldest);
            }
        }
        let copy = Arc::new(Copy::default());
        open.insert(key, Entry { copy: Arc::clone(&copy), used: Instant::now() });
        copy
    }

    async fn opened(&self, copy: &Copy, key: Key) -> Result<LocalIndex> {
        let dir = self.dir(key);
        let open = || async move {
            let before = copy.before.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(before) = before {
                // Of the one before: this, the one in the copy, and those of who still searches in it.
                while Arc::strong_count(&before) > 2 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                copy.before.lock().unwrap_or_else(PoisonError::into_inner).take();
                // It waits for what it does in the background.
                blocking(move || {
                    drop(before);
                    Ok(())
                })
                .await?;
            }
            blocking(move || files::open(&dir)).await
        };
        copy.index.get_or_try_init(open).await.cloned()
    }

    async fn catch_up(&self, copy: &Copy, wanted: IndexState, kind: Kind) -> Result<Caught> {
        let _turn = copy.turn.lock().await;
        let index = self.opened(copy, key_of(wanted, kind)).await?;
        catch_up(&self.shared.db, &index, wanted, kind, &|_| {}).await
    }
}

/// Reads what an index has not read; tells how many changes it has read.
pub(super) async fn catch_up(
    db: &Database,
    index: &LocalIndex,
    wanted: IndexState,
    kind: Kind,
    tell: &(dyn Fn(u64) + Send + Sync),
) -> Result<Caught> {
    if is_current(index, wanted) {
        return Ok(Caught::Up);
    }
    let mut mark = index.mark();
    if mark != Mark::default() && mark.seq < wanted.purged_seq {
        // What was removed in between is not told any more.
        let all = index.clone();
        let gone = blocking(move || all.ids().map_err(Error::internal)).await?;
        mark = Mark::default();
        write(index, gone.into_iter().map(Change::Remove).collect(), mark).await?;
    }
    let mut count = 0;
    loop {
        let after = (mark.seq, mark.node);
        let changes = match kind {
            Kind::Full => repo::index_nodes::changes(db, wanted, after, BATCH).await?,
            Kind::Words => repo::index_nodes::changes_of_words(db, wanted, after, BATCH).await?,
        };
        let is_last = (changes.len() as u64) < BATCH;
        if !repo::index_nodes::is_whole_since(db, wanted, mark.seq).await? {
            return Ok(Caught::Left);
        }
        count += changes.len() as u64;
        mark = changes.last().map_or(mark, |last| Mark { seq: last.seq, node: last.id });
        if is_last {
            // All of every change up to the one that was known when reading began.
            mark = mark.max(Mark { seq: wanted.seq, node: Uuid::max() });
        }
        write(index, changes.into_iter().map(|row| of_row(row, kind == Kind::Full)).collect(), mark).await?;
        tell(count);
        if is_last {
            return Ok(Caught::Up);
        }
    }
}

fn key_of(state: IndexState, kind: Kind) -> Key {
    (state.dataset_id, state.generation, kind)
}

fn is_current(index: &LocalIndex, state: IndexState) -> bool {
    index.mark() >= Mark { seq: state.seq, node: Uuid::max() }
}

async fn write(index: &LocalIndex, changes: Vec<Change>, mark: Mark) -> Result<()> {
    let index = index.clone();
    blocking(move || index.apply(changes, mark).map_err(Error::internal)).await
}

/// What a row means for an index.
pub(super) fn of_row(change: IndexChange, with_vector: bool) -> Change {
    if !change.active {
        return Change::Remove(change.id);
    }
    Change::Put(Node {
        id: change.id,
        document_id: change.document_id.0,
        segment_id: change.segment_id.0,
        kind: match change.kind {
            IndexNodeKind::Segment => NodeKind::Segment,
            IndexNodeKind::Child => NodeKind::Child,
            IndexNodeKind::Summary => NodeKind::Summary,
            IndexNodeKind::Picture => NodeKind::Picture,
        },
        text: change.content,
        keywords: change.keywords,
        vector: change.embedding.filter(|_| with_vector),
    })
}

/// Runs work that blocks on a thread that may.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}
