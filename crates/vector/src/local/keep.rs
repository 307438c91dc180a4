//! What is done behind the scenes: rows are added to the graph, and dead rows are left out when they are many.
//!
//! One thread at a time per index, which ends when nothing is left to do and with the index.

use std::{
    fs,
    num::NonZero,
    sync::{Arc, PoisonError, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

use super::{
    Handle, Payload, Shared, Vectors, apply,
    codes::{self, Codes},
    file::{self, VectorFile},
    graph::{self, Graph, GraphError},
    lock, open, remove,
    rows::{Numbers, Rows},
};

/// Rows that each hand adds to the graph before searches get their turn.
const SLICE: usize = 8;
/// While nobody has searched for so long, all processors add rows; else one does.
const QUIET: Duration = Duration::from_secs(1);
/// Fewer dead rows are not worth the work.
const DEAD: usize = 512;
/// A graph is saved when this part of it is new.
const UNSAVED_PART: usize = 8;
/// While it grows it is saved each time it is twice as large, from so many rows on: what a crash costs is half.
const SAVED_FROM: usize = 1 << 17;

/// Begins the work if there is some and nobody is at it.
pub(super) fn start(handle: &Arc<Handle>) {
    let shared = &handle.shared;
    if !needed(shared) || shared.keeping.swap(true, Ordering::AcqRel) {
        return;
    }
    let mut keeper = lock(&handle.keeper);
    let working = Arc::clone(shared);
    let thread = thread::Builder::new().name("index-keeper".to_owned()).spawn(move || {
        let _done = Done(&working);
        keep(&working);
    });
    match thread {
        Ok(thread) => {
            // The one before was done with its work: this waits for no more than its end.
            if keeper.replace(thread).is_some_and(|ended| ended.join().is_err()) {
                tracing::error!(dir = %shared.dir.display(), "the keeper of an index panicked");
            }
        }
        Err(error) => {
            shared.keeping.store(false, Ordering::Release);
            tracing::warn!(dir = %shared.dir.display(), %error, "an index has no keeper for now");
        }
    }
}

/// Waits until there is nothing to do.
pub(super) fn settle(handle: &Arc<Handle>) {
    // A keeper that fails leaves the work to the next one; it is not tried for ever.
    for _ in 0..4 {
        let keeper = lock(&handle.keeper).take();
        if let Some(keeper) = keeper
            && keeper.join().is_err()
        {
            return;
        }
        if !needed(&handle.shared) {
            return;
        }
        start(handle);
    }
}

struct Done<'a>(&'a Shared);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.keeping.store(false, Ordering::Release);
    }
}

fn needed(shared: &Shared) -> bool {
    wants_compaction(shared) || wants_growth(shared)
}

fn keep(shared: &Shared) {
    let failed = |what: &str, error: GraphError| {
        tracing::warn!(dir = %shared.dir.display(), %error, "{what}");
    };
    while !shared.stopped() {
        if wants_compaction(shared) {
            if let Err(error) = compact(shared) {
                return failed("dead vectors could not be left out", error);
            }
        } else if wants_growth(shared) {
            if let Err(error) = grow(shared) {
                return failed("the graph of vectors could not grow", error);
            }
        } else {
            break;
        }
    }
}

impl Shared {
    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}

fn wants_compaction(shared: &Shared) -> bool {
    let vectors = shared.vectors.read().unwrap_or_else(PoisonError::into_inner);
    let (all, live) = (vectors.rows.len(), vectors.rows.live());
    all - live > DEAD && all - live > live / 2
}

fn wants_growth(shared: &Shared) -> bool {
    let vectors = shared.vectors.read().unwrap_or_else(PoisonError::into_inner);
    let covered = covered(shared);
    let (rows, options) = (&vectors.rows, &shared.options);
    rows.live() > options.exact_until && rows.len() - covered > options.tail_until.min(options.exact_until)
}

/// Adds every row that the graph does not have.
fn grow(shared: &Shared) -> Result<(), GraphError> {
    let dimension = shared.vectors.read().unwrap_or_else(PoisonError::into_inner).rows.dimension;
    let mut saved = covered(shared);
    let writable = match shared.graph.read().unwrap_or_else(PoisonError::into_inner).as_ref() {
        None => Some(Graph::new(dimension)?),
        Some(graph) => graph.writable()?,
    };
    if let Some(writable) = writable {
        *shared.graph.write().unwrap_or_else(PoisonError::into_inner) = Some(writable);
    }
    let mut hands = Hands::new(shared);
    loop {
        let hands = hands.now(shared);
        let slice = next_slice(shared, SLICE * hands);
        if slice.is_empty() || shared.stopped() {
            break;
        }
        give_way(shared);
        let covered = {
            let mut graph = shared.graph.write().unwrap_or_else(PoisonError::into_inner);
            let Some(graph) = graph.as_mut() else { break };
            graph.reserve(graph.covered() + slice.len())?;
            graph.add(&slice, hands)?;
            graph.covered()
        };
        if covered > SAVED_FROM.max(saved * 2) {
            saved = save(shared)?;
        }
    }
    let mut vectors = shared.vectors.write().unwrap_or_else(PoisonError::into_inner);
    let covered = covered(shared);
    if !Codes::fit(dimension, vectors.rows.len(), shared.options.codes) {
        vectors.rows.codes.forget_before(covered);
    }
    drop(vectors);
    if covered - saved > covered / UNSAVED_PART {
        save(shared)?;
    }
    Ok(())
}

/// How many rows the graph holds.
pub(super) fn covered(shared: &Shared) -> usize {
    shared.graph.read().unwrap_or_else(PoisonError::into_inner).as_ref().map_or(0, Graph::covered)
}

/// Writes the graph down, and says how much of it.
fn save(shared: &Shared) -> Result<usize, GraphError> {
    // The lock of the writer is never waited for with the graph in hand.
    let epoch = lock(&shared.writing).payload.epoch;
    let graph = shared.graph.read().unwrap_or_else(PoisonError::into_inner);
    let Some(graph) = graph.as_ref() else { return Ok(0) };
    graph.save(&shared.dir, epoch)?;
    Ok(graph.covered())
}

/// How many threads add rows.
struct Hands {
    all: usize,
    searches: usize,
    quiet_from: Instant,
}

impl Hands {
    fn new(shared: &Shared) -> Self {
        let all = thread::available_parallelism().map_or(1, NonZero::get);
        Self { all, searches: shared.searches.load(Ordering::Relaxed), quiet_from: Instant::now() }
    }

    fn now(&mut self, shared: &Shared) -> usize {
        let searches = shared.searches.load(Ordering::Relaxed);
        if searches != self.searches {
            (self.searches, self.quiet_from) = (searches, Instant::now());
        }
        if self.quiet_from.elapsed() < QUIET { 1 } else { self.all }
    }
}

/// The bytes of the next rows; dead ones have none.
fn next_slice(shared: &Shared, count: usize) -> Vec<Option<Vec<i8>>> {
    let vectors = shared.vectors.read().unwrap_or_else(PoisonError::into_inner);
    let covered = covered(shared);
    let rows = covered..(covered + count).min(vectors.rows.len());
    rows.map(|row| {
        let codes = vectors.rows.codes.get(row).filter(|_| vectors.rows.is_live(row));
        codes.map(|(codes, _)| codes.to_vec())
    })
    .collect()
}

/// Lets searches that wait go first, for a while.
fn give_way(shared: &Shared) {
    for _ in 0..20 {
        if shared.asking.load(Ordering::Acquire) == 0 {
            return;
        }
        thread::sleep(Duration::from_micros(100));
    }
}

/// What a compaction makes beside what is searched meanwhile.
struct Fresh {
    file: VectorFile,
    /// The old numbers of its rows.
    from: Vec<usize>,
    codes: Codes,
    graph: Option<Graph>,
}

/// Copies the live rows to new files, and has these count in one commit.
fn compact(shared: &Shared) -> Result<(), GraphError> {
    let epoch = lock(&shared.writing).payload.epoch;
    let result = copy(shared, epoch + 1).and_then(|fresh| match fresh {
        Some(fresh) => switch(shared, fresh, epoch),
        None => Ok(()),
    });
    let current = lock(&shared.writing).payload.epoch;
    let unused = if current == epoch { epoch + 1 } else { epoch };
    for path in [
        file::path(&shared.dir, unused),
        graph::path(&shared.dir, unused),
        graph::label_path(&shared.dir, unused),
        open::numbers_path(&shared.dir, unused),
    ] {
        remove(&path)?;
    }
    result
}

/// `None` when the index is being closed.
fn copy(shared: &Shared, epoch: u64) -> Result<Option<Fresh>, GraphError> {
    let (dimension, old, from) = {
        let vectors = shared.vectors.read().unwrap_or_else(PoisonError::into_inner);
        let Some(file) = vectors.file.clone() else { return Ok(None) };
        let live: Vec<usize> = (0..vectors.rows.len()).filter(|row| vectors.rows.is_live(*row)).collect();
        (vectors.rows.dimension, file, live)
    };
    remove(&file::path(&shared.dir, epoch))?;
    let file = VectorFile::open(&shared.dir, epoch, dimension)?;
    let mut graph = if from.len() > shared.options.exact_until { Some(Graph::new(dimension)?) } else { None };
    let forgets = graph.is_some() && !Codes::fit(dimension, from.len(), shared.options.codes);
    let mut codes = Codes::starting(dimension, if forgets { from.len() } else { 0 });
    let mut hands = Hands::new(shared);
    if let Some(graph) = &mut graph {
        graph.reserve(from.len())?;
    }
    for (batch, rows) in from.chunks(1024).enumerate() {
        let mut numbers = Vec::with_capacity(rows.len() * dimension);
        let mut added = Vec::with_capacity(rows.len());
        for (at, row) in rows.iter().enumerate() {
            let vector = old.read(*row)?;
            if graph.is_some() {
                added.push(Some(codes::encode(&vector).0));
            }
            if batch * 1024 + at >= codes.rows() {
                codes.push(&vector);
            }
            numbers.extend(vector);
        }
        file.write(batch * 1024, &numbers)?;
        for slice in added.chunks(SLICE * hands.all) {
            if shared.stopped() {
                return Ok(None);
            }
            if let Some(graph) = &mut graph {
                graph.add(slice, hands.now(shared))?;
            }
        }
    }
    Ok(Some(Fresh { file, from, codes, graph }))
}

/// Catches up with what changed meanwhile and has the new files count.
fn switch(shared: &Shared, mut fresh: Fresh, old_epoch: u64) -> Result<(), GraphError> {
    let mut writing = lock(&shared.writing);
    apply::refresh(shared, &mut writing)?;
    let (rows, next) = {
        let vectors = shared.vectors.read().unwrap_or_else(PoisonError::into_inner);
        let Some(old) = vectors.file.as_ref() else { return Ok(()) };
        let seen = fresh.from.last().map_or(0, |row| row + 1);
        for row in (seen..vectors.rows.len()).filter(|row| vectors.rows.is_live(*row)) {
            let vector = old.read(row)?;
            fresh.file.write(fresh.from.len(), &vector)?;
            fresh.codes.push(&vector);
            fresh.from.push(row);
        }
        let base: Vec<u64> = fresh.from.iter().map(|row| vectors.rows.numbers.of(*row)).collect();
        let next = Payload {
            epoch: old_epoch + 1,
            rows: base.len(),
            base: base.len(),
            after: vectors.rows.numbers.of(vectors.rows.len()),
            ..writing.payload.clone()
        };
        let numbers = Numbers { base, after: next.after };
        let mut rows = Rows::new(vectors.rows.dimension, numbers, fresh.from.len(), fresh.codes);
        for (row, from) in fresh.from.iter().enumerate().filter(|(_, from)| vectors.rows.is_live(**from)) {
            if let Some(identity) = vectors.rows.identity(*from) {
                rows.place(row, &identity);
            }
        }
        (rows, next)
    };
    let bytes: Vec<u8> = rows.numbers.base.iter().flat_map(|number| number.to_le_bytes()).collect();
    let path = open::numbers_path(&shared.dir, next.epoch);
    fs::write(&path, bytes)?;
    fs::File::open(&path)?.sync_data()?;
    fresh.file.sync()?;
    apply::commit(shared, &mut writing, &next)?;
    let epoch = next.epoch;
    writing.payload = next;
    {
        let mut vectors = shared.vectors.write().unwrap_or_else(PoisonError::into_inner);
        let mut graph = shared.graph.write().unwrap_or_else(PoisonError::into_inner);
        *vectors = Vectors { rows, file: Some(Arc::new(fresh.file)) };
        *graph = fresh.graph;
    }
    drop(writing);
    let graph = shared.graph.read().unwrap_or_else(PoisonError::into_inner);
    match graph.as_ref() {
        Some(graph) => graph.save(&shared.dir, epoch),
        None => Ok(()),
    }
}
