//! The index of our own: full text and vectors of one dataset in one directory.

mod apply;
mod both;
mod codes;
mod file;
mod graph;
mod keep;
mod nearest;
mod open;
mod rows;
mod schema;
#[cfg(test)]
mod tests;
mod words;
mod writers;

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::JoinHandle,
};

use serde::{Deserialize, Serialize};
use tantivy::{Index, IndexReader, IndexWriter};
use uuid::Uuid;

pub use self::both::Both;
use self::{
    codes::Asked,
    file::VectorFile,
    graph::Graph,
    rows::Rows,
    schema::{Fields, Snapshot},
};
use crate::{
    error::Error,
    node::{Change, Hit, Mark, Scope},
};

/// How an index is kept. The defaults are right but for tests.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Up to so many vectors every one is looked at; above, a graph of neighbours leads to them.
    pub exact_until: usize,
    /// So many vectors may wait to be added to the graph; they are looked at one by one meanwhile.
    pub tail_until: usize,
    /// Bytes that words may take up before they are written.
    pub memory: usize,
    /// Up to so many bytes of vectors are kept beside those in the graph: a search among some of the documents, which
    /// looks at every row of theirs, then needs not ask the graph for each.
    pub codes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { exact_until: 20_000, tail_until: 10_000, memory: 48 << 20, codes: 64 << 20 }
    }
}

/// The size of an index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub nodes: u64,
    pub vectors: usize,
    /// Of its vectors, if there was ever one.
    pub dimension: Option<usize>,
    /// On disk.
    pub bytes: u64,
}

/// How far the graph of vectors is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Growth {
    /// Rows that the graph holds.
    pub covered: usize,
    /// Rows there are. The last of them may stay outside the graph: they are looked at one by one.
    pub rows: usize,
}

/// Full text and vectors of one dataset, in a directory that it has for itself.
///
/// A clone is the same index. Every method blocks; readers do not wait for a writer.
#[derive(Clone)]
pub struct LocalIndex {
    handle: Arc<Handle>,
}

struct Handle {
    shared: Arc<Shared>,
    keeper: Mutex<Option<JoinHandle<()>>>,
    /// Released last.
    _lock: fs::File,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        let keeper = self.keeper.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(keeper) = keeper
            && keeper.join().is_err()
        {
            tracing::error!(dir = %self.shared.dir.display(), "the keeper of an index panicked");
        }
        writers::end(&self.shared, &mut lock(&self.shared.writing));
    }
}

/// What the last commit says.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
struct Payload {
    format: u32,
    seq: i64,
    node: Uuid,
    dimension: usize,
    /// Which files the vectors are in.
    epoch: u64,
    /// In the file of vectors, dead ones too.
    rows: usize,
    /// Of these, how many have their numbers in a file.
    base: usize,
    /// The number of the row after those.
    after: u64,
}

/// Raised when what is on disk changes its form, or texts are cut into words in another way.
const FORMAT: u32 = 1;

impl Default for Payload {
    fn default() -> Self {
        Self { format: FORMAT, seq: 0, node: Uuid::nil(), dimension: 0, epoch: 0, rows: 0, base: 0, after: 0 }
    }
}

impl Payload {
    fn mark(&self) -> Mark {
        Mark { seq: self.seq, node: self.node }
    }
}

struct Writing {
    writer: Option<IndexWriter>,
    payload: Payload,
    /// The commit is done but readers could not be given it: it is read anew before the next one.
    stale: bool,
}

/// What a search for vectors reads.
struct Vectors {
    rows: Rows,
    file: Option<Arc<VectorFile>>,
}

struct Shared {
    dir: PathBuf,
    options: Options,
    fields: Fields,
    index: Index,
    reader: IndexReader,
    writing: Mutex<Writing>,
    mark: Mutex<Mark>,
    snapshot: RwLock<Arc<Snapshot>>,
    /// Taken before the graph where both are.
    vectors: RwLock<Vectors>,
    graph: RwLock<Option<Graph>>,
    /// Searches that want the graph: the keeper steps aside.
    asking: AtomicUsize,
    /// Searches for vectors there have been.
    searches: AtomicUsize,
    stop: AtomicBool,
    keeping: AtomicBool,
}

impl LocalIndex {
    /// Opens the index of a directory, which is made when it is absent.
    ///
    /// A damaged one, or one of another format, is removed and begun anew: its mark says so.
    pub fn open(dir: &Path, options: Options) -> Result<Self, Error> {
        let (shared, lock) = open::open(dir, options)?;
        let index =
            Self { handle: Arc::new(Handle { shared: Arc::new(shared), keeper: Mutex::new(None), _lock: lock }) };
        keep::start(&index.handle);
        Ok(index)
    }

    /// The last change that is in.
    pub fn mark(&self) -> Mark {
        *lock(&self.shared().mark)
    }

    /// Takes changes in, and their mark, in one durable step. Of several changes of a node the last one counts.
    pub fn apply(&self, changes: Vec<Change>, mark: Mark) -> Result<(), Error> {
        apply::apply(self.shared(), changes, mark)?;
        writers::used(&self.handle);
        keep::start(&self.handle);
        Ok(())
    }

    /// The nodes that go best with a text's words, best first. Any text is a question; there is no syntax.
    pub fn search_text(&self, query: &str, top: usize, scope: &Scope) -> Result<Vec<Hit>, Error> {
        let shared = self.shared();
        words::search(&shared.snapshot(), &shared.fields, query, top, scope)
            .map_err(|error| shared.storage("search for words", error))
    }

    /// The nodes whose vectors are nearest, best first.
    pub fn search_vector(&self, query: &[f32], top: usize, scope: &Scope) -> Result<Vec<Hit>, Error> {
        let shared = self.shared();
        let vectors = shared.vectors.read().unwrap_or_else(PoisonError::into_inner);
        let Some(file) = vectors.file.as_ref().filter(|_| top > 0) else { return Ok(Vec::new()) };
        if query.len() != vectors.rows.dimension {
            return Err(Error::Dimension { expected: vectors.rows.dimension, got: query.len() });
        }
        let query = unit(query).ok_or(Error::NotComparable(None))?;
        let asked = Asked::new(&query);
        // Bytes choose, whole numbers decide: enough are chosen that rounding costs none.
        let count = top.saturating_mul(3).saturating_add(32).min(vectors.rows.live().max(1));
        let rows = {
            shared.searches.fetch_add(1, Ordering::Relaxed);
            shared.asking.fetch_add(1, Ordering::AcqRel);
            let graph = shared.graph.read().unwrap_or_else(PoisonError::into_inner);
            shared.asking.fetch_sub(1, Ordering::AcqRel);
            vectors
                .rows
                .candidates(graph.as_ref(), &asked, (count, top), scope, shared.options.exact_until)
                .map_err(|error| shared.storage("search for vectors", error))?
        };
        let mut hits = Vec::with_capacity(rows.len());
        for row in rows {
            let vector = file.read(row).map_err(|error| shared.storage("read a vector", error))?;
            hits.extend(vectors.rows.hit(row, dot(&query, &vector)));
        }
        hits.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.id.cmp(&b.id)));
        hits.truncate(top);
        Ok(hits)
    }

    /// The vectors of nodes, in their order; `None` where there is no node or it has none.
    pub fn vectors(&self, ids: &[Uuid]) -> Result<Vec<Option<Vec<f32>>>, Error> {
        let shared = self.shared();
        let snapshot = shared.snapshot();
        let vectors = shared.vectors.read().unwrap_or_else(PoisonError::into_inner);
        let one = |id: &Uuid| {
            let found = snapshot.find(&shared.fields, *id).map_err(|error| shared.storage("look up a node", error))?;
            let row = found.and_then(|node| node.vector).and_then(|number| vectors.rows.numbers.row(number));
            match (row.filter(|row| vectors.rows.is_live(*row)), &vectors.file) {
                (Some(row), Some(file)) => {
                    file.read(row).map(Some).map_err(|error| shared.storage("read a vector", error))
                }
                _ => Ok(None),
            }
        };
        ids.iter().map(one).collect()
    }

    /// Every node that can be found, in no order.
    pub fn ids(&self) -> Result<Vec<Uuid>, Error> {
        let mut ids = Vec::new();
        self.shared().snapshot().each(|node| ids.push(node.id));
        Ok(ids)
    }

    /// Its size.
    pub fn stats(&self) -> Stats {
        let shared = self.shared();
        let vectors = shared.vectors.read().unwrap_or_else(PoisonError::into_inner);
        Stats {
            nodes: shared.snapshot().searcher.num_docs(),
            vectors: vectors.rows.live(),
            dimension: vectors.file.as_ref().map(|_| vectors.rows.dimension),
            bytes: size(&shared.dir),
        }
    }

    /// How far the graph is; `None` while there are too few vectors for one.
    pub fn growth(&self) -> Option<Growth> {
        let shared = self.shared();
        let vectors = shared.vectors.read().unwrap_or_else(PoisonError::into_inner);
        if vectors.rows.live() <= shared.options.exact_until {
            return None;
        }
        Some(Growth { covered: keep::covered(shared), rows: vectors.rows.len() })
    }

    /// Ends what is done behind the scenes: nobody wants this index any more. Whoever waits in [`LocalIndex::settle`]
    /// goes on.
    pub fn abandon(&self) {
        self.shared().stop.store(true, Ordering::Release);
    }

    /// Waits until nothing is left to be done behind the scenes: the graph holds what it should, dead rows are gone.
    pub fn settle(&self) {
        keep::settle(&self.handle);
    }

    fn shared(&self) -> &Shared {
        &self.handle.shared
    }
}

impl Shared {
    fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn storage(&self, doing: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        Error::Storage { doing, dir: self.dir.clone(), source: source.into() }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The vector with length one; `None` if it has no direction.
fn unit(vector: &[f32]) -> Option<Vec<f32>> {
    let length = vector.iter().map(|value| f64::from(*value) * f64::from(*value)).sum::<f64>().sqrt();
    if !length.is_finite() || length < f64::from(f32::MIN_POSITIVE) {
        return None;
    }
    if (length - 1.0).abs() < 1e-6 {
        return Some(vector.to_vec());
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most one")]
    let scaled = |value: &f32| (f64::from(*value) / length) as f32;
    Some(vector.iter().map(scaled).collect())
}

fn size(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    entries.flatten().filter_map(|entry| entry.metadata().ok()).map(|data| data.len()).sum()
}

/// Removes a file that may be gone already.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The last change of each node, in the order of the first.
fn last_of_each(changes: Vec<Change>) -> Vec<Change> {
    let mut seen = HashSet::new();
    let mut kept: Vec<Change> = changes
        .into_iter()
        .rev()
        .filter(|change| {
            seen.insert(match change {
                Change::Put(node) => node.id,
                Change::Remove(id) => *id,
            })
        })
        .collect();
    kept.reverse();
    kept
}
