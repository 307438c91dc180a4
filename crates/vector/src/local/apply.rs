//! Taking changes in: one commit of the words carries all that makes words and vectors agree.

use std::sync::{Arc, PoisonError};

use tantivy::{IndexWriter, indexer::IndexWriterOptions, merge_policy::LogMergePolicy};

use super::{
    Payload, Shared, Writing,
    codes::Codes,
    file::VectorFile,
    last_of_each, lock, open,
    rows::{Numbers, Rows},
    schema::{Identity, Snapshot},
    unit, writers,
};
use crate::{
    error::Error,
    node::{Change, Mark},
};

/// A segment of words with more dead nodes than this part is written anew.
const DEAD_PART: f32 = 0.3;

/// What a batch does to the vectors once it is committed.
#[derive(Default)]
struct Planned {
    dead: Vec<u64>,
    added: Vec<(Identity, Vec<f32>)>,
}

pub(super) fn apply(shared: &Shared, changes: Vec<Change>, mark: Mark) -> Result<(), Error> {
    let mut writing = lock(&shared.writing);
    refresh(shared, &mut writing)?;
    if changes.is_empty() && mark == writing.payload.mark() {
        return Ok(());
    }
    let changes = checked(last_of_each(changes), writing.payload.dimension)?;
    let mut next = Payload { seq: mark.seq, node: mark.node, ..writing.payload.clone() };
    let result = take_in(shared, &mut writing, changes, &mut next);
    if result.is_err() {
        // What it was given and did not commit goes with the writer.
        writers::end(shared, &mut writing);
    }
    let (planned, file) = result?;
    writing.payload = next;
    writing.stale = true;
    show(shared, planned, file, &writing.payload)?;
    writing.stale = false;
    *lock(&shared.mark) = mark;
    Ok(())
}

/// Reads the last commit anew if readers could not be given it.
pub(super) fn refresh(shared: &Shared, writing: &mut Writing) -> Result<(), Error> {
    if !writing.stale {
        return Ok(());
    }
    let failed = |error| shared.storage("read a commit", error);
    shared.reader.reload().map_err(failed)?;
    let snapshot = Arc::new(Snapshot::new(shared.reader.searcher()).map_err(failed)?);
    let (vectors, graph) = open::vectors(&shared.dir, &writing.payload, &snapshot, &shared.options)?;
    {
        let mut current = shared.vectors.write().unwrap_or_else(PoisonError::into_inner);
        let mut current_graph = shared.graph.write().unwrap_or_else(PoisonError::into_inner);
        *current = vectors;
        *current_graph = graph;
    }
    *shared.snapshot.write().unwrap_or_else(PoisonError::into_inner) = snapshot;
    *lock(&shared.mark) = writing.payload.mark();
    writing.stale = false;
    Ok(())
}

/// The changes with vectors of length one, or why they cannot be taken in. Nothing has happened until then.
fn checked(mut changes: Vec<Change>, dimension: usize) -> Result<Vec<Change>, Error> {
    let mut expected = dimension;
    for change in &mut changes {
        let Change::Put(node) = change else { continue };
        let Some(vector) = &mut node.vector else { continue };
        if expected == 0 {
            expected = vector.len();
        }
        if vector.len() != expected {
            return Err(Error::Dimension { expected, got: vector.len() });
        }
        *vector = unit(vector).ok_or(Error::NotComparable(Some(node.id)))?;
    }
    Ok(changes)
}

fn take_in(
    shared: &Shared,
    writing: &mut Writing,
    changes: Vec<Change>,
    next: &mut Payload,
) -> Result<(Planned, Option<Arc<VectorFile>>), Error> {
    let failed = |error| shared.storage("take in changes", error);
    let snapshot = shared.snapshot();
    let writer = writer(shared, writing)?;
    let mut planned = Planned::default();
    for change in changes {
        let (id, node) = match change {
            Change::Put(node) => (node.id, Some(node)),
            Change::Remove(id) => (id, None),
        };
        if let Some(old) = snapshot.find(&shared.fields, id).map_err(failed)? {
            writer.delete_term(shared.fields.key(id));
            planned.dead.extend(old.vector);
        }
        let Some(mut node) = node else { continue };
        let number = node.vector.as_ref().map(|_| number(next, planned.added.len()));
        writer.add_document(shared.fields.document(&node, number)).map_err(failed)?;
        if let Some(vector) = node.vector.take() {
            let identity = Identity {
                id,
                segment_id: node.segment_id,
                document_id: node.document_id,
                kind: node.kind,
                vector: number,
            };
            planned.added.push((identity, vector));
        }
    }
    let file = write_vectors(shared, next, &planned)?;
    commit(shared, writing, next)?;
    Ok((planned, file))
}

/// The number of the row that comes so many after the last one.
fn number(payload: &Payload, further: usize) -> u64 {
    payload.after + (payload.rows - payload.base + further) as u64
}

/// Writes the added rows behind the committed ones. Answers the file if it is a new one.
fn write_vectors(shared: &Shared, next: &mut Payload, planned: &Planned) -> Result<Option<Arc<VectorFile>>, Error> {
    let failed = |error| shared.storage("write vectors", error);
    let Some((_, first)) = planned.added.first() else { return Ok(None) };
    let known = shared.vectors.read().unwrap_or_else(PoisonError::into_inner).file.clone();
    let new = known.is_none();
    if new {
        next.dimension = first.len();
    }
    let file = match known {
        Some(file) => file,
        None => Arc::new(VectorFile::open(&shared.dir, next.epoch, next.dimension).map_err(failed)?),
    };
    for (index, rows) in planned.added.chunks(1024).enumerate() {
        let numbers: Vec<f32> = rows.iter().flat_map(|(_, vector)| vector.iter().copied()).collect();
        file.write(next.rows + index * 1024, &numbers).map_err(failed)?;
    }
    file.sync().map_err(failed)?;
    next.rows += planned.added.len();
    Ok(new.then_some(file))
}

/// The writer, which is made when it was given up.
pub(super) fn writer<'a>(shared: &Shared, writing: &'a mut Writing) -> Result<&'a mut IndexWriter, Error> {
    let writer = match writing.writer.take() {
        Some(writer) => writer,
        None => {
            let options = IndexWriterOptions::builder()
                .memory_budget_per_thread(shared.options.memory)
                .num_worker_threads(1)
                .num_merge_threads(1)
                .build();
            let writer: IndexWriter =
                shared.index.writer_with_options(options).map_err(|error| shared.storage("begin to write", error))?;
            let mut policy = LogMergePolicy::default();
            policy.set_del_docs_ratio_before_merge(DEAD_PART);
            writer.set_merge_policy(Box::new(policy));
            writer
        }
    };
    Ok(writing.writer.insert(writer))
}

/// The one step that makes everything count.
pub(super) fn commit(shared: &Shared, writing: &mut Writing, next: &Payload) -> Result<(), Error> {
    let text = serde_json::to_string(next).map_err(|error| shared.storage("write the mark", error))?;
    let writer = writer(shared, writing)?;
    let done = writer.prepare_commit().and_then(|mut prepared| {
        prepared.set_payload(&text);
        prepared.commit()
    });
    let Err(error) = done else { return Ok(()) };
    // It may have failed after the point of no return.
    let committed = shared.index.load_metas().ok().and_then(|metas| metas.payload);
    if committed.as_deref() == Some(text.as_str()) { Ok(()) } else { Err(shared.storage("commit changes", error)) }
}

/// Gives readers what was committed.
fn show(shared: &Shared, planned: Planned, file: Option<Arc<VectorFile>>, payload: &Payload) -> Result<(), Error> {
    let failed = |error| shared.storage("read a commit", error);
    shared.reader.reload().map_err(failed)?;
    let snapshot = Arc::new(Snapshot::new(shared.reader.searcher()).map_err(failed)?);
    {
        let mut vectors = shared.vectors.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = file {
            vectors.file = Some(file);
            let numbers = Numbers { base: Vec::new(), after: payload.after };
            vectors.rows = Rows::new(payload.dimension, numbers, 0, Codes::new(payload.dimension));
        }
        for number in planned.dead {
            if let Some(row) = vectors.rows.numbers.row(number) {
                vectors.rows.kill(row);
            }
        }
        for (identity, vector) in &planned.added {
            vectors.rows.push(identity, vector);
        }
    }
    *shared.snapshot.write().unwrap_or_else(PoisonError::into_inner) = snapshot;
    Ok(())
}
