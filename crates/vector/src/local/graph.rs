//! A graph of neighbours (HNSW) over the first rows, for indexes too large to look at every row.
//!
//! It is made from the rows and can be lost. A saved one is read through the page cache until rows are added.

use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::{Condvar, Mutex, PoisonError},
    thread,
};

use serde::{Deserialize, Serialize};
use usearch::{Index, IndexOptions, MetricKind, ScalarKind};

use super::codes::{Codes, length};

/// Neighbours of a row; twice as many on the lowest level.
const CONNECTIVITY: usize = 16;
/// How widely neighbours are looked for when a row is added, and when a question is asked.
const EXPANSION_ADD: usize = 96;
const EXPANSION_SEARCH: usize = 96;
/// So many can ask or add at once: the library keeps working memory for each.
const ASKING: usize = 16;

pub(super) type GraphError = Box<dyn std::error::Error + Send + Sync>;

pub(super) struct Graph {
    index: Index,
    /// Read through the page cache: nothing can be added.
    viewed: Option<PathBuf>,
    covered: usize,
    free: Mutex<usize>,
    freed: Condvar,
}

/// What is kept beside a saved graph.
#[derive(Serialize, Deserialize)]
struct Label {
    covered: usize,
    size: usize,
    dimension: usize,
    length: u64,
    sum: u64,
}

impl Graph {
    pub(super) fn new(dimension: usize) -> Result<Self, GraphError> {
        let index = Index::new(&IndexOptions {
            dimensions: dimension,
            metric: MetricKind::Cos,
            quantization: ScalarKind::I8,
            connectivity: CONNECTIVITY,
            expansion_add: EXPANSION_ADD,
            expansion_search: EXPANSION_SEARCH,
            multi: false,
        })?;
        index.reserve_capacity_and_threads(64, ASKING)?;
        Ok(Self { index, viewed: None, covered: 0, free: Mutex::new(ASKING), freed: Condvar::new() })
    }

    /// The saved graph of an epoch, if there is a sound one of no more rows than are there.
    pub(super) fn saved(dir: &Path, epoch: u64, dimension: usize, rows: usize) -> Option<Self> {
        let (path, label) = (path(dir, epoch), label_path(dir, epoch));
        let label: Label = serde_json::from_slice(&fs::read(label).ok()?).ok()?;
        let sound = label.dimension == dimension
            && label.covered <= rows
            && sum(&path).is_ok_and(|(length, sum)| length == label.length && sum == label.sum);
        if !sound {
            tracing::warn!(path = %path.display(), "a saved graph of vectors is not sound and is made anew");
            return None;
        }
        let mut graph = Self::new(dimension).ok()?;
        graph.index.view(path.to_str()?).ok()?;
        graph.viewed = Some(path);
        graph.covered = label.covered;
        graph.index.change_expansion_search(EXPANSION_SEARCH);
        (graph.index.size() == label.size && graph.index.dimensions() == dimension).then_some(graph)
    }

    /// The rows before this one are in.
    pub(super) fn covered(&self) -> usize {
        self.covered
    }

    /// One like it that rows can be added to, if they cannot be added to this one.
    pub(super) fn writable(&self) -> Result<Option<Self>, GraphError> {
        let Some(path) = &self.viewed else { return Ok(None) };
        let mut graph = Self::new(self.index.dimensions())?;
        graph.index.load(path.to_str().ok_or("the path is no text")?)?;
        graph.index.change_expansion_add(EXPANSION_ADD);
        graph.index.change_expansion_search(EXPANSION_SEARCH);
        graph.covered = self.covered;
        Ok(Some(graph))
    }

    /// Makes room for rows up to a number.
    pub(super) fn reserve(&mut self, rows: usize) -> Result<(), GraphError> {
        if self.index.capacity() < rows {
            let room = rows.max(rows / 4 * 5).max(1024);
            self.index.reserve_capacity_and_threads(room, ASKING)?;
        }
        Ok(())
    }

    /// Adds the next rows, `hands` at a time. Those without bytes are dead and left out.
    pub(super) fn add(&mut self, rows: &[Option<Vec<i8>>], hands: usize) -> Result<(), GraphError> {
        let (index, first) = (&self.index, self.covered);
        let numbered = rows.iter().enumerate();
        let live: Vec<(u64, &[i8])> =
            numbered.filter_map(|(at, codes)| Some(((first + at) as u64, codes.as_deref()?))).collect();
        let add = |part: &[(u64, &[i8])]| -> Result<(), GraphError> {
            // One that failed halfway has left some of its rows here.
            for (row, codes) in part.iter().filter(|(row, _)| !index.contains(*row)) {
                index.add(*row, codes)?;
            }
            Ok(())
        };
        let mut parts = live.chunks(live.len().div_ceil(hands.clamp(1, ASKING)).max(1));
        let own = parts.next().unwrap_or_default();
        thread::scope(|scope| {
            let others: Vec<_> = parts.map(|part| scope.spawn(move || add(part))).collect();
            let all = std::iter::once(add(own));
            let joined = others.into_iter().map(|other| other.join().unwrap_or_else(|_| Err("a hand panicked".into())));
            all.chain(joined).collect::<Result<(), GraphError>>()
        })?;
        self.covered += rows.len();
        Ok(())
    }

    /// The bytes of every row. Those it left out have none that count.
    pub(super) fn all_codes(&self, dimension: usize) -> Codes {
        let mut all = Codes::new(dimension);
        let mut codes = vec![0; dimension];
        for row in 0..self.covered {
            if !self.codes(row, &mut codes) {
                codes.fill(0);
            }
            all.push_codes(&codes, length(&codes));
        }
        all
    }

    /// The bytes of a row.
    pub(super) fn codes(&self, row: usize, codes: &mut [i8]) -> bool {
        self.index.get(row as u64, codes).is_ok_and(|found| found == 1)
    }

    /// Rows that are wanted and near, with their cosine, nearly.
    pub(super) fn search(
        &self,
        codes: &[i8],
        count: usize,
        wanted: impl Fn(usize) -> bool,
    ) -> Result<Vec<(f32, usize)>, GraphError> {
        let _turn = self.turn();
        let matches = self.index.filtered_search(codes, count, |key| wanted(key as usize))?;
        Ok(matches.distances.iter().zip(&matches.keys).map(|(distance, key)| (1.0 - distance, *key as usize)).collect())
    }

    fn turn(&self) -> Turn<'_> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            free = self.freed.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
        Turn(self)
    }

    /// Writes it down; a crash in between leaves the one before, or none.
    pub(super) fn save(&self, dir: &Path, epoch: u64) -> Result<(), GraphError> {
        let (path, label) = (path(dir, epoch), label_path(dir, epoch));
        let temporary = path.with_extension("new");
        self.index.save(temporary.to_str().ok_or("the path is no text")?)?;
        fs::File::open(&temporary)?.sync_data()?;
        let (length, sum) = sum(&temporary)?;
        let text =
            Label { covered: self.covered, size: self.index.size(), dimension: self.index.dimensions(), length, sum };
        let text = serde_json::to_vec(&text)?;
        match fs::remove_file(&label) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        fs::rename(&temporary, &path)?;
        let temporary = label.with_extension("new");
        fs::write(&temporary, text)?;
        fs::rename(&temporary, &label)?;
        Ok(())
    }
}

struct Turn<'a>(&'a Graph);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

pub(super) fn path(dir: &Path, epoch: u64) -> PathBuf {
    dir.join(format!("graph-{epoch}.usearch"))
}

pub(super) fn label_path(dir: &Path, epoch: u64) -> PathBuf {
    dir.join(format!("graph-{epoch}.json"))
}

/// Length of a file and a sum that a change of it changes.
fn sum(path: &Path) -> io::Result<(u64, u64)> {
    let mut file = fs::File::open(path)?;
    let mut piece = vec![0; 1 << 20];
    let (mut length, mut sum) = (0_u64, 0xcbf2_9ce4_8422_2325_u64);
    loop {
        let read = read_full(&mut file, &mut piece)?;
        let bytes = piece.get(..read).unwrap_or_default();
        for word in bytes.chunks(8) {
            let mut number = [0; 8];
            number.iter_mut().zip(word).for_each(|(to, from)| *to = *from);
            sum = (sum.rotate_left(23) ^ u64::from_le_bytes(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
        length += read as u64;
        if read < piece.len() {
            return Ok((length, sum));
        }
    }
}

fn read_full(file: &mut fs::File, piece: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = piece.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
