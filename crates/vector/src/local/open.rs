//! From a directory to an index, whatever state a crash left it in.

use std::{
    fs::{self, File, TryLockError},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicBool, AtomicUsize},
    },
};

use tantivy::{
    Index, IndexSettings, ReloadPolicy, TantivyError,
    directory::MmapDirectory,
    directory::error::{OpenDirectoryError, OpenReadError},
    store::Compressor,
};

use super::{
    FORMAT, Options, Payload, Shared, Vectors, Writing,
    codes::Codes,
    file::{self, VectorFile},
    graph::{self, Graph},
    remove,
    rows::{Numbers, Rows},
    schema::{Fields, Snapshot},
};
use crate::error::Error;

const LOCK: &str = "lock";
/// Rows that are read at once.
const ROWS: usize = 1024;

pub(super) fn open(dir: &Path, options: Options) -> Result<(Shared, File), Error> {
    let failed = |doing, source: io::Error| Error::Storage { doing, dir: dir.to_owned(), source: source.into() };
    fs::create_dir_all(dir).map_err(|error| failed("make the directory", error))?;
    let lock = File::create(dir.join(LOCK)).map_err(|error| failed("make the lock", error))?;
    lock.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => Error::Locked(dir.to_owned()),
        TryLockError::Error(error) => failed("take the lock", error),
    })?;
    match load(dir, &options) {
        Err(Error::Damaged { why, .. }) => {
            tracing::warn!(dir = %dir.display(), why, "an index is begun anew");
            clear(dir).map_err(|error| failed("remove a damaged index", error))?;
            Ok((load(dir, &options)?, lock))
        }
        other => Ok((other?, lock)),
    }
}

/// Removes everything but the lock.
fn clear(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name() == LOCK {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

fn load(dir: &Path, options: &Options) -> Result<Shared, Error> {
    // Files that are not what they say can make the library panic; that is damage too.
    catch_unwind(AssertUnwindSafe(|| read(dir, options)))
        .unwrap_or_else(|_| Err(Error::Damaged { dir: dir.to_owned(), why: "it cannot be read".to_owned() }))
}

fn read(dir: &Path, options: &Options) -> Result<Shared, Error> {
    let words = |error| of_words(dir, error);
    let fields = Fields::new();
    let directory = MmapDirectory::open(dir).map_err(|error| of_words(dir, error.into()))?;
    let known = Index::exists(&directory).map_err(|error| of_words(dir, error.into()))?;
    let mut index = if known {
        Index::open(directory).map_err(words)?
    } else {
        clear(dir).map_err(|error| of_files(dir, "clear the directory", error))?;
        let settings = IndexSettings { docstore_compression: Compressor::None, ..IndexSettings::default() };
        Index::create(directory, fields.schema.clone(), settings).map_err(words)?
    };
    let damaged = |why: String| Error::Damaged { dir: dir.to_owned(), why };
    if index.schema() != fields.schema {
        return Err(damaged("it is of another format".to_owned()));
    }
    index.set_tokenizers(Fields::tokenizers());
    let payload = match index.load_metas().map_err(words)?.payload {
        None => Payload::default(),
        Some(text) => serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?,
    };
    if payload.format != FORMAT {
        return Err(damaged("it is of another format".to_owned()));
    }
    let broken = index.validate_checksum().map_err(words)?;
    if let Some(file) = broken.iter().next() {
        return Err(damaged(format!("{} has changed", file.display())));
    }
    let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into().map_err(words)?;
    let snapshot = Arc::new(Snapshot::new(reader.searcher()).map_err(words)?);
    let (vectors, graph) = vectors(dir, &payload, &snapshot, options)?;
    tidy(dir, &payload);
    Ok(Shared {
        dir: dir.to_owned(),
        options: *options,
        fields,
        index,
        reader,
        mark: Mutex::new(payload.mark()),
        writing: Mutex::new(Writing { writer: None, payload, stale: false }),
        snapshot: RwLock::new(snapshot),
        vectors: RwLock::new(vectors),
        graph: RwLock::new(graph),
        searches: AtomicUsize::new(0),
        asking: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
        keeping: AtomicBool::new(false),
    })
}

/// The rows of the last commit, and their saved graph.
pub(super) fn vectors(
    dir: &Path,
    payload: &Payload,
    snapshot: &Snapshot,
    options: &Options,
) -> Result<(Vectors, Option<Graph>), Error> {
    let damaged = |why: &str| Error::Damaged { dir: dir.to_owned(), why: why.to_owned() };
    let (dimension, rows) = (payload.dimension, payload.rows);
    if dimension == 0 {
        return Ok((Vectors { rows: Rows::new(0, Numbers::default(), 0, Codes::new(0)), file: None }, None));
    }
    let failed = |error| of_files(dir, "read the vectors", error);
    let file = VectorFile::open(dir, payload.epoch, dimension).map_err(failed)?;
    if !file.holds(rows).map_err(failed)? {
        return Err(damaged("vectors are missing"));
    }
    let numbers = Numbers { base: numbers(dir, payload)?, after: payload.after };
    let graph = Graph::saved(dir, payload.epoch, dimension, rows);
    let mut codes = match &graph {
        Some(graph) if Codes::fit(dimension, rows, options.codes) => graph.all_codes(dimension),
        _ => Codes::starting(dimension, graph.as_ref().map_or(0, Graph::covered)),
    };
    while codes.rows() < rows {
        let count = ROWS.min(rows - codes.rows());
        let read = file.read_many(codes.rows(), count).map_err(failed)?;
        for vector in read.chunks_exact(dimension) {
            codes.push(vector);
        }
    }
    let mut rows = Rows::new(dimension, numbers, rows, codes);
    let mut sound = true;
    snapshot.each(|node| {
        if let Some(number) = node.vector {
            sound &= rows.numbers.row(number).is_some_and(|row| rows.place(row, &node));
        }
    });
    if !sound {
        return Err(damaged("words and vectors do not go together"));
    }
    Ok((Vectors { rows, file: Some(Arc::new(file)) }, graph))
}

pub(super) fn numbers_path(dir: &Path, epoch: u64) -> std::path::PathBuf {
    dir.join(format!("numbers-{epoch}.u64"))
}

fn numbers(dir: &Path, payload: &Payload) -> Result<Vec<u64>, Error> {
    if payload.base == 0 {
        return Ok(Vec::new());
    }
    let bytes = fs::read(numbers_path(dir, payload.epoch))
        .map_err(|error| of_files(dir, "read the numbers of vectors", error))?;
    let numbers: Vec<u64> =
        bytes.chunks_exact(8).map(|number| number.try_into().map_or(0, u64::from_le_bytes)).collect();
    if numbers.len() != payload.base || !numbers.is_sorted() {
        return Err(Error::Damaged { dir: dir.to_owned(), why: "the numbers of vectors are wrong".to_owned() });
    }
    Ok(numbers)
}

/// Removes the vectors of other epochs, which a crash can leave.
fn tidy(dir: &Path, payload: &Payload) {
    let kept = [
        file::path(dir, payload.epoch),
        graph::path(dir, payload.epoch),
        graph::label_path(dir, payload.epoch),
        numbers_path(dir, payload.epoch),
    ];
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let ours = ["vectors-", "graph-", "numbers-"].iter().any(|start| name.to_string_lossy().starts_with(start));
        if ours
            && !kept.contains(&entry.path())
            && let Err(error) = remove(&entry.path())
        {
            tracing::warn!(path = %entry.path().display(), %error, "a file of no use stays");
        }
    }
}

/// Missing or short files are damage; a disk that refuses is not.
fn of_files(dir: &Path, doing: &'static str, error: io::Error) -> Error {
    use io::ErrorKind::{InvalidData, InvalidInput, IsADirectory, NotADirectory, NotFound, UnexpectedEof};
    if matches!(error.kind(), InvalidData | InvalidInput | IsADirectory | NotADirectory | NotFound | UnexpectedEof) {
        Error::Damaged { dir: dir.to_owned(), why: error.to_string() }
    } else {
        Error::Storage { doing, dir: dir.to_owned(), source: error.into() }
    }
}

fn of_words(dir: &Path, error: TantivyError) -> Error {
    let doing = "open the words";
    match error {
        TantivyError::IoError(error) | TantivyError::OpenReadError(OpenReadError::IoError { io_error: error, .. }) => {
            of_files(dir, doing, io::Error::new(error.kind(), error.to_string()))
        }
        error @ TantivyError::OpenDirectoryError(OpenDirectoryError::IoError { .. }) => {
            Error::Storage { doing, dir: dir.to_owned(), source: error.into() }
        }
        error => Error::Damaged { dir: dir.to_owned(), why: error.to_string() },
    }
}
