//! The local copies of what can be found: opened when asked for, brought up to date before they answer.

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
use ox_vector::{Change, LocalIndex, Mark, Node, NodeKind, Options};
use tokio::sync::OnceCell;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::{Error, Result};

/// Processes that may share a data directory.
const PROCESSES: u32 = 16;
/// Changes read and written at a time.
const BATCH: u64 = 1000;
/// Copies that are kept open.
const OPEN: usize = 256;
/// How long a question waits for a copy that is far behind; it is answered from what is there then.
const PATIENCE: Duration = Duration::from_secs(10);
/// Generations that a question follows, one after the other.
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
    open: Mutex<HashMap<Key, Entry>>,
}

type Key = (DatasetId, i32);

struct Entry {
    copy: Arc<Copy>,
    used: Instant,
}

/// One copy. Whoever brings it up to date holds `turn`.
#[derive(Default)]
struct Copy {
    index: OnceCell<LocalIndex>,
    turn: tokio::sync::Mutex<()>,
}

/// A copy to search in. While it is held, the copy stays open.
pub struct Ready {
    pub index: LocalIndex,
    _copy: Arc<Copy>,
    /// It has not read all changes yet.
    pub is_behind: bool,
}

/// How following a dataset ended.
enum Caught {
    Up,
    /// Another generation is searched by now: the rows of this one go, and what was read of them may not be all.
    Left,
}

impl Indexes {
    /// Copies are kept under a directory.
    #[must_use]
    pub fn new(db: Database, home: &Path, tracker: TaskTracker) -> Self {
        let shared = Shared { db, dir: home.join("index"), tracker, open: Mutex::default() };
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
            let copy = self.copy(state);
            let index = self.opened(&copy, state).await?;
            if is_current(&index, state) {
                return Ok(Ready { index, _copy: copy, is_behind: false });
            }
            // Goes on when the question no longer waits for it.
            let (this, followed) = (self.clone(), Arc::clone(&copy));
            let work = self.shared.tracker.spawn(async move { this.catch_up(&followed, state).await });
            match tokio::time::timeout(PATIENCE, work).await {
                Ok(Ok(done)) => match done? {
                    Caught::Up => return Ok(Ready { index, _copy: copy, is_behind: false }),
                    Caught::Left => {}
                },
                Ok(Err(stopped)) => return Err(Error::internal(stopped)),
                Err(_) => return Ok(Ready { index, _copy: copy, is_behind: true }),
            }
        }
        Err(Error::internal("a knowledge base is embedded anew faster than it can be read"))
    }

    /// Something changed: the copy follows in the background.
    pub fn touch(&self, tenant: TenantId, dataset: DatasetId) {
        let this = self.clone();
        self.shared.tracker.spawn(async move {
            let done = async {
                let state = this.state(tenant, dataset).await?;
                this.catch_up(&this.copy(state), state).await.map(drop)
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
        let gone: Vec<Arc<Copy>> = {
            let mut open = self.shared.open.lock().unwrap_or_else(PoisonError::into_inner);
            let keys: Vec<Key> = open.keys().filter(|(id, _)| *id == dataset).copied().collect();
            keys.into_iter().filter_map(|key| open.remove(&key)).map(|entry| entry.copy).collect()
        };
        for copy in &gone {
            drop(copy.turn.lock().await);
        }
        drop(gone);
        match tokio::fs::remove_dir_all(self.shared.dir.join(dataset.to_string())).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::internal(error)),
            _ => Ok(()),
        }
    }

    async fn state(&self, tenant: TenantId, dataset: DatasetId) -> Result<IndexState> {
        let found = repo::index_nodes::state(&self.shared.db, tenant, dataset).await?;
        found.ok_or_else(|| Error::not_found("Dataset not found."))
    }

    fn copy(&self, state: IndexState) -> Arc<Copy> {
        let key = (state.dataset_id, state.generation);
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

    async fn opened(&self, copy: &Copy, state: IndexState) -> Result<LocalIndex> {
        let dir = self.shared.dir.join(state.dataset_id.to_string()).join(state.generation.to_string());
        let open = || async move { blocking(move || open_one(&dir)).await };
        copy.index.get_or_try_init(open).await.cloned()
    }

    async fn catch_up(&self, copy: &Copy, wanted: IndexState) -> Result<Caught> {
        let _turn = copy.turn.lock().await;
        let index = self.opened(copy, wanted).await?;
        if is_current(&index, wanted) {
            return Ok(Caught::Up);
        }
        let mut mark = index.mark();
        if mark != Mark::default() && mark.seq < wanted.purged_seq {
            // What was removed in between is not told any more.
            let all = index.clone();
            let gone = blocking(move || all.ids().map_err(Error::internal)).await?;
            mark = Mark::default();
            write(&index, gone.into_iter().map(Change::Remove).collect(), mark).await?;
        }
        loop {
            let changes = repo::index_nodes::changes(&self.shared.db, wanted, (mark.seq, mark.node), BATCH).await?;
            let is_last = (changes.len() as u64) < BATCH;
            // Asked after reading: a generation loses its rows only once it is left, so these are all of them.
            if is_last && self.state(wanted.tenant_id, wanted.dataset_id).await?.generation != wanted.generation {
                return Ok(Caught::Left);
            }
            mark = changes.last().map_or(mark, |last| Mark { seq: last.seq, node: last.id });
            if is_last {
                // All of every change up to the one that was known when reading began.
                mark = mark.max(Mark { seq: wanted.seq, node: Uuid::max() });
            }
            write(&index, changes.into_iter().map(of_row).collect(), mark).await?;
            if is_last {
                return Ok(Caught::Up);
            }
        }
    }
}

/// Opens a copy. Of several processes with one data directory each has its own.
fn open_one(dir: &Path) -> Result<LocalIndex> {
    let mut last = None;
    for number in 0..PROCESSES {
        let dir = if number == 0 { dir.to_owned() } else { dir.with_extension(number.to_string()) };
        std::fs::create_dir_all(&dir).map_err(Error::internal)?;
        match LocalIndex::open(&dir, Options::default()) {
            Err(error @ ox_vector::Error::Locked(_)) => last = Some(error),
            done => return done.map_err(Error::internal),
        }
    }
    Err(last.map_or_else(|| Error::internal("no index was opened"), Error::internal))
}

fn is_current(index: &LocalIndex, state: IndexState) -> bool {
    index.mark() >= Mark { seq: state.seq, node: Uuid::max() }
}

async fn write(index: &LocalIndex, changes: Vec<Change>, mark: Mark) -> Result<()> {
    let index = index.clone();
    blocking(move || index.apply(changes, mark).map_err(Error::internal)).await
}

fn of_row(change: IndexChange) -> Change {
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
        },
        text: change.content,
        keywords: change.keywords,
        vector: change.embedding,
    })
}

/// Runs work that blocks on a thread that may.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}
