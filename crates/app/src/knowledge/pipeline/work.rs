//! One document, from its file to what can be found of it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use ox_db::{
    Tx,
    model::{ChildChunk, Dataset, Document, IndexNodeKind, IndexNodes, NewIndexNode, Segment},
    now,
    repo::{self, documents::Stage},
};
use ox_extract::{Budget, Item, Limits, Picture};
use ox_models::ModelRef;
use ox_rag::{Chunk, ChunkForm, Chunker, ProcessRule, text_hash};
use ox_types::{ChildChunkId, FileId, SegmentId};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{
    super::{
        datasets,
        documents::automatic_rules,
        index_changed,
        pictures::{Holder, bound},
        qa, removal,
        sources::pages,
        summaries,
    },
    Halt, graph, pictures,
};
use crate::Services;

/// Chunks that are saved, embedded and put into the index together.
const BATCH: usize = 128;
/// Batches between the thread that reads and the one that saves.
const AHEAD: usize = 2;

/// Where a document's work stands.
pub(super) struct Work<'a> {
    pub services: &'a Arc<Services>,
    pub dataset: Dataset,
    pub document: Document,
    model: Option<ModelRef>,
}

/// A chunk with its parts, as they are stored.
pub(in super::super) struct Saved {
    pub segment: Segment,
    pub children: Vec<ChildChunk>,
}

/// Does what is left to do of a document.
pub(super) async fn document(services: &Arc<Services>, document: Document) -> Result<(), Halt> {
    let found = repo::datasets::find(&services.db, document.tenant_id, document.dataset_id).await?;
    let dataset = found.ok_or(Halt::NotOurs)?;
    let model = datasets::embedding_model(&dataset);
    let work = Work { services, dataset, document, model };
    if work.document.indexing_status != "indexing" {
        if work.dataset.runtime_mode == "rag_pipeline"
            && let Some(log) = repo::pipelines::log(&services.db, work.document.id).await?
        {
            return Box::pin(graph::document(&work, &log)).await;
        }
        match work.chunks().await? {
            // All of it went in one step.
            Made::Completed => return Ok(()),
            Made::Saved => {}
        }
    }
    work.index().await
}

enum Made {
    Completed,
    Saved,
}

impl Work<'_> {
    async fn step(&self, tx: &Tx, stage: &Stage) -> Result<(), Halt> {
        let process = self.services.runs.process_id;
        let is_ours = repo::documents::advance(tx, process, self.document.id, stage).await?;
        if is_ours { Ok(()) } else { Err(Halt::NotOurs) }
    }

    /// Reads and splits the file and saves its chunks. A short document of an economical knowledge base is completed
    /// in the same step.
    async fn chunks(&self) -> Result<Made, Halt> {
        self.clear().await?;
        let mut reader = self.reader().await?;
        let mut position = 1;
        let mut words = 0_i64;
        let mut held: Option<Vec<Chunk>> = None;
        while let Some(batch) = reader.batches.recv().await {
            let batch = batch.map_err(Halt::Failed)?;
            pictures::keep(self.services, &self.document, batch.pictures).await?;
            // The first batch waits: when it is the last, one step does everything.
            let Some(before) = held.replace(batch.chunks) else { continue };
            words += self.save(&mut position, before, Stage::Splitting { at: now() }).await?;
        }
        reader.finish().await?;
        self.rest(position, words, held.unwrap_or_default()).await
    }

    /// Saves and indexes chunks that are all there: those of a pipeline.
    pub(super) async fn take(&self, chunks: Vec<Chunk>) -> Result<(), Halt> {
        self.clear().await?;
        let (mut position, mut words) = (1, 0_i64);
        let mut left = chunks.into_iter();
        let mut batch: Vec<Chunk> = left.by_ref().take(BATCH).collect();
        loop {
            let next: Vec<Chunk> = left.by_ref().take(BATCH).collect();
            if next.is_empty() {
                break;
            }
            let full = std::mem::replace(&mut batch, next);
            words += self.save(&mut position, full, Stage::Splitting { at: now() }).await?;
        }
        match self.rest(position, words, batch).await? {
            Made::Completed => Ok(()),
            Made::Saved => self.index().await,
        }
    }

    /// Saves the last chunks.
    async fn rest(&self, mut position: i32, mut words: i64, last: Vec<Chunk>) -> Result<Made, Halt> {
        let is_short = position == 1 && self.model.is_none() && self.document.doc_form != "qa_model";
        if is_short {
            self.complete_at_once(last).await?;
            return Ok(Made::Completed);
        }
        let rows = self.rows(&mut position, last);
        words += words_of(&rows);
        let tx = self.services.db.begin().await?;
        self.step(&tx, &Stage::Splitting { at: now() }).await?;
        self.step(&tx, &Stage::Indexing { at: now(), words }).await?;
        insert(&tx, rows).await?;
        tx.commit().await?;
        Ok(Made::Saved)
    }

    /// Removes what an earlier try has left.
    pub(super) async fn clear(&self) -> Result<(), Halt> {
        let id = self.document.id;
        if repo::segments::next_position(&self.services.db, id).await? == 1 {
            return Ok(());
        }
        let tx = self.services.db.begin().await?;
        self.step(&tx, &Stage::Same).await?;
        let nodes = IndexNodes::Documents(&[id]);
        repo::index_nodes::remove(&tx, self.dataset.tenant_id, self.dataset.id, &nodes).await?;
        repo::segments::delete(&tx, id, None).await?;
        tx.commit().await?;
        index_changed(self.services, self.dataset.tenant_id, self.dataset.id);
        Ok(())
    }

    async fn reader(&self) -> Result<Reader, Halt> {
        let gone = || Halt::Failed("The file of the document is gone. Upload it again.".into());
        let file = match self.document.file_id {
            Some(id) => self.services.files.find(self.dataset.tenant_id, id).await?.ok_or_else(gone)?,
            None if pages::is_page(&self.document) => {
                pages::fetch(self.services, &self.document).await?.ok_or(Halt::NotOurs)?
            }
            None => return Err(gone()),
        };
        let bytes = self.services.files.content(&file).await.map_err(|error| match error.status {
            404 => gone(),
            _ => Halt::Failed(error.message),
        })?;
        let chunker = self.chunker().await?;
        let gathered = pictures::Gathered::new(self.document.id);
        Ok(Reader::start(bytes, file.extension, file.mime_type, chunker, Some(gathered)))
    }

    async fn chunker(&self) -> Result<Chunker, Halt> {
        let row = match self.document.dataset_process_rule_id {
            Some(id) => repo::datasets::rule(&self.services.db, self.dataset.id, id).await?,
            None => None,
        };
        let (mode, rules) = match row {
            Some(row) => (row.mode, row.rules),
            None => ("automatic".to_owned(), Some(automatic_rules())),
        };
        chunker(&self.document.doc_form, &mode, rules.as_ref(), self.model.as_ref()).map_err(Halt::Failed)
    }

    /// Rows of chunks, positions counted on.
    fn rows(&self, position: &mut i32, chunks: Vec<Chunk>) -> Vec<Saved> {
        let mut out = Vec::with_capacity(chunks.len());
        for chunk in chunks {
            out.push(saved(&self.document, *position, chunk));
            *position = position.saturating_add(1);
        }
        out
    }

    async fn save(&self, position: &mut i32, chunks: Vec<Chunk>, stage: Stage) -> Result<i64, Halt> {
        let rows = self.rows(position, chunks);
        let words = words_of(&rows);
        let tx = self.services.db.begin().await?;
        self.step(&tx, &stage).await?;
        insert(&tx, rows).await?;
        tx.commit().await?;
        Ok(words)
    }

    async fn complete_at_once(&self, chunks: Vec<Chunk>) -> Result<(), Halt> {
        let at = now();
        let mut position = 1;
        let mut rows = self.rows(&mut position, chunks);
        for row in &mut rows {
            let segment = &mut row.segment;
            "completed".clone_into(&mut segment.status);
            segment.enabled = true;
            segment.indexing_at = Some(at);
            segment.completed_at = Some(at);
        }
        let words = words_of(&rows);
        let nodes = rows.iter().flat_map(|row| nodes_of(&self.document, row, &[], true)).collect();
        let tx = self.services.db.begin().await?;
        self.step(&tx, &self.completed(words, 0)).await?;
        insert(&tx, rows).await?;
        repo::index_nodes::put(&tx, self.dataset.tenant_id, self.dataset.id, nodes).await?;
        tx.commit().await?;
        index_changed(self.services, self.dataset.tenant_id, self.dataset.id);
        self.sweep().await;
        Ok(())
    }

    fn completed(&self, words: i64, tokens: i64) -> Stage {
        let at = now();
        let started = self.document.processing_started_at.unwrap_or(at);
        let seconds = (at - started).to_std().unwrap_or_default().as_secs_f64();
        Stage::Completed { at, words, tokens, seconds }
    }

    /// Embeds the chunks that are not done and puts them into the index, and completes the document.
    async fn index(&self) -> Result<(), Halt> {
        if self.document.doc_form == "qa_model" {
            self.ask().await?;
        }
        let mut after = 0;
        loop {
            let db = &self.services.db;
            let segments = repo::segments::unfinished(db, self.document.id, after, BATCH as u64).await?;
            let Some(last) = segments.last() else { break };
            after = last.position;
            self.index_batch(segments).await?;
        }
        let (words, tokens) = repo::segments::sums(&self.services.db, self.document.id).await?;
        let tx = self.services.db.begin().await?;
        self.step(&tx, &self.completed(words, tokens)).await?;
        tx.commit().await?;
        index_changed(self.services, self.dataset.tenant_id, self.dataset.id);
        self.sweep().await;
        Ok(())
    }

    /// Removes the pictures that an earlier text of the document had and this one has not.
    async fn sweep(&self) {
        if self.dataset.has_attachments {
            removal::remove_left(self.services, self.dataset.tenant_id, self.document.id, None).await;
        }
    }

    async fn index_batch(&self, segments: Vec<Segment>) -> Result<(), Halt> {
        let ids: Vec<SegmentId> = segments.iter().map(|segment| segment.id).collect();
        let mut children = if self.document.doc_form == "hierarchical_model" {
            repo::child_chunks::of_segments(&self.services.db, &ids).await?
        } else {
            std::collections::HashMap::new()
        };
        let rows: Vec<Saved> = segments
            .into_iter()
            .map(|segment| Saved { children: children.remove(&segment.id).unwrap_or_default(), segment })
            .collect();
        let vectors = vectors_of(self.services, &self.dataset, self.model.as_ref(), &rows).await?;
        let is_active = self.document.enabled && !self.document.archived;
        let mut rest = vectors.as_slice();
        let (mut nodes, mut done) = (Vec::new(), Vec::with_capacity(rows.len()));
        for row in &rows {
            let count = texts_of(row).count();
            let (own, others) = rest.split_at(count.min(rest.len()));
            rest = others;
            nodes.extend(nodes_of(&self.document, row, own, is_active));
            done.push((row.segment.id, tokens_of(self.model.as_ref(), &row.segment)));
        }
        if let Some(model) = self.model.as_ref().filter(|_| self.dataset.is_multimodal) {
            let holder =
                |row: &Saved| Holder { document: self.document.id, segment: row.segment.id, active: is_active };
            let holders: Vec<Holder> = rows.iter().map(holder).collect();
            nodes.extend(bound(self.services, self.dataset.tenant_id, model, &holders).await?);
        }
        let tx = self.services.db.begin().await?;
        self.step(&tx, &Stage::Same).await?;
        repo::index_nodes::put(&tx, self.dataset.tenant_id, self.dataset.id, nodes).await?;
        repo::segments::complete(&tx, &done, now()).await?;
        let is_told = self.document.need_summary && summaries::are_wanted(&self.dataset, &self.document.doc_form);
        if is_told {
            let segments: Vec<Segment> = rows.into_iter().map(|row| row.segment).collect();
            repo::summaries::want(&tx, &segments).await?;
        }
        tx.commit().await?;
        index_changed(self.services, self.dataset.tenant_id, self.dataset.id);
        if is_told {
            self.services.knowledge.wake_summaries();
        }
        Ok(())
    }

    /// Makes questions and answers of the chunks that were saved.
    async fn ask(&self) -> Result<(), Halt> {
        let language = self.document.doc_language.as_deref().unwrap_or("English");
        loop {
            let db = &self.services.db;
            let raw = repo::segments::without_answer(db, self.document.id, qa::AT_ONCE as u64).await?;
            if raw.is_empty() {
                return Ok(());
            }
            let answers = qa::ask_all(self.services, self.dataset.tenant_id, &raw, language).await;
            let tx = self.services.db.begin().await?;
            self.step(&tx, &Stage::Same).await?;
            for (segment, answer) in raw.into_iter().zip(answers) {
                self.keep_pairs(&tx, segment, answer).await?;
            }
            tx.commit().await?;
        }
    }

    /// Puts the pairs of a chunk in its place; one that failed stays, with its cause.
    async fn keep_pairs(
        &self,
        tx: &Tx,
        segment: Segment,
        answer: Result<Vec<(String, String)>, String>,
    ) -> Result<(), Halt> {
        match answer {
            Ok(pairs) => {
                repo::segments::delete(tx, self.document.id, Some(&[segment.id])).await?;
                let mut position = repo::segments::next_position(tx, self.document.id).await?;
                let mut rows = Vec::with_capacity(pairs.len());
                for (question, answer) in pairs {
                    let chunk = Chunk {
                        content: question,
                        answer: Some(answer),
                        children: Vec::new(),
                        page: segment.page.and_then(|page| u32::try_from(page).ok()),
                        heading: segment.heading.clone(),
                    };
                    rows.push(saved(&self.document, position, chunk));
                    position = position.saturating_add(1);
                }
                insert(tx, rows).await
            }
            Err(error) => {
                let failed = Segment {
                    status: "error".into(),
                    error: Some(error),
                    stopped_at: Some(now()),
                    answer: Some(String::new()),
                    ..segment
                };
                Ok(repo::segments::update(tx, failed).await?)
            }
        }
    }
}

/// What splits a document of this form by these rules.
///
/// # Errors
/// What is wrong with the rules.
pub(in super::super) fn chunker(
    form: &str,
    mode: &str,
    rules: Option<&ox_types::Json>,
    model: Option<&ModelRef>,
) -> Result<Chunker, String> {
    let rule = ProcessRule::read(&serde_json::json!({"mode": mode, "rules": rules}));
    let rule = rule.map_err(|error| error.to_string())?;
    let form = ChunkForm::parse(form).ok_or_else(|| format!("{form} is no form of chunks"))?;
    let name = model.map(|model| model.name.clone()).unwrap_or_default();
    let count = move |text: &str| usize::try_from(ox_models::count::text(&name, text)).unwrap_or(usize::MAX);
    Chunker::new(form, &rule, Some(Arc::new(count))).map_err(|error| error.to_string())
}

fn hash_of(text: &str) -> Option<String> {
    Some(text_hash(text))
}

/// The rows of a chunk.
pub(in super::super) fn saved(document: &Document, position: i32, chunk: Chunk) -> Saved {
    let at = now();
    let id = SegmentId::new();
    let words = chunk.content.chars().count() + chunk.answer.as_deref().map_or(0, |answer| answer.chars().count());
    let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    let children = chunk.children.into_iter().enumerate().map(|(index, content)| {
        let child = ChildChunkId::new();
        ChildChunk {
            id: child,
            tenant_id: document.tenant_id,
            dataset_id: document.dataset_id,
            document_id: document.id,
            segment_id: id,
            position: count(index + 1),
            word_count: count(content.chars().count()),
            index_node_id: Some(child.0),
            index_node_hash: hash_of(&content),
            content,
            kind: "automatic".into(),
            created_by: document.created_by,
            updated_by: None,
            created_at: at,
            updated_at: at,
        }
    });
    let children = children.collect();
    let segment = Segment {
        id,
        tenant_id: document.tenant_id,
        dataset_id: document.dataset_id,
        document_id: document.id,
        position,
        index_node_hash: hash_of(&chunk.content),
        content: chunk.content,
        answer: chunk.answer,
        word_count: count(words),
        tokens: 0,
        keywords: None,
        page: chunk.page.and_then(|page| i32::try_from(page).ok()),
        heading: chunk.heading,
        index_node_id: Some(id.0),
        hit_count: 0,
        enabled: false,
        disabled_at: None,
        disabled_by: None,
        status: "waiting".into(),
        error: None,
        created_by: document.created_by,
        updated_by: None,
        indexing_at: Some(at),
        completed_at: None,
        stopped_at: None,
        created_at: at,
        updated_at: at,
    };
    Saved { segment, children }
}

async fn insert(tx: &Tx, rows: Vec<Saved>) -> Result<(), Halt> {
    let (segments, children): (Vec<Segment>, Vec<Vec<ChildChunk>>) =
        rows.into_iter().map(|row| (row.segment, row.children)).unzip();
    pictures::bind(tx, &segments).await?;
    repo::segments::insert(tx, segments).await?;
    repo::child_chunks::insert(tx, children.into_iter().flatten().collect()).await?;
    Ok(())
}

fn words_of(rows: &[Saved]) -> i64 {
    rows.iter().map(|row| i64::from(row.segment.word_count)).sum()
}

/// The texts of a chunk that are found: its parts where it has some, else itself.
fn texts_of(row: &Saved) -> impl Iterator<Item = &str> {
    let whole = row.children.is_empty().then_some(row.segment.content.as_str());
    row.children.iter().map(|child| child.content.as_str()).chain(whole)
}

/// The vectors of all texts of some chunks, in their order; none where only words count.
pub(in super::super) async fn vectors_of(
    services: &Services,
    dataset: &Dataset,
    model: Option<&ModelRef>,
    rows: &[Saved],
) -> crate::Result<Vec<Uuid>> {
    let Some(model) = model else { return Ok(Vec::new()) };
    let texts: Vec<String> = rows.iter().flat_map(texts_of).map(str::to_owned).collect();
    super::super::embed(services, dataset.tenant_id, model, &texts).await
}

/// What a chunk puts into the index; `vectors` in the order of its texts.
pub(in super::super) fn nodes_of(
    document: &Document,
    row: &Saved,
    vectors: &[Uuid],
    is_active: bool,
) -> Vec<NewIndexNode> {
    let segment = &row.segment;
    let keywords: Vec<String> =
        segment.keywords.clone().and_then(|json| serde_json::from_value(json).ok()).unwrap_or_default();
    let node = |id: Uuid, kind: IndexNodeKind, content: &str, vector: Option<&Uuid>| NewIndexNode {
        id,
        document_id: document.id,
        segment_id: segment.id,
        kind,
        content: content.to_owned(),
        keywords: keywords.clone(),
        embedding_id: vector.copied(),
        active: is_active,
    };
    if row.children.is_empty() {
        let id = segment.index_node_id.unwrap_or(segment.id.0);
        return vec![node(id, IndexNodeKind::Segment, &segment.content, vectors.first())];
    }
    let child = |(index, child): (usize, &ChildChunk)| {
        let id = child.index_node_id.unwrap_or(child.id.0);
        node(id, IndexNodeKind::Child, &child.content, vectors.get(index))
    };
    row.children.iter().enumerate().map(child).collect()
}

/// Tokens of a chunk, where vectors are made of it.
pub(in super::super) fn tokens_of(model: Option<&ModelRef>, segment: &Segment) -> i32 {
    let tokens = model.map_or(0, |model| ox_models::count::text(&model.name, &segment.content));
    i32::try_from(tokens).unwrap_or(i32::MAX)
}

/// Some of what was read of a file.
pub(in super::super) struct Read {
    pub chunks: Vec<Chunk>,
    /// Those that the chunks name, as far as they were not given before.
    pub pictures: Vec<(FileId, Picture)>,
}

/// The thread that reads a file and splits it.
pub(in super::super) struct Reader {
    pub batches: mpsc::Receiver<Result<Read, String>>,
    thread: tokio::task::JoinHandle<()>,
    stopped: Arc<AtomicBool>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

impl Reader {
    /// Pictures are looked for where something gathers them.
    pub fn start(
        bytes: bytes::Bytes,
        extension: String,
        mime: Option<String>,
        chunker: Chunker,
        gathered: Option<pictures::Gathered>,
    ) -> Self {
        let (sender, batches) = mpsc::channel(AHEAD);
        let stopped = Arc::new(AtomicBool::new(false));
        let limits = Limits { pictures: gathered.as_ref().map_or(0, |_| pictures::MOST), ..limits() };
        let budget = Budget::stoppable(limits, Arc::clone(&stopped));
        let thread = tokio::task::spawn_blocking(move || {
            let document = ox_extract::Document { bytes: &bytes, extension: Some(&extension), mime: mime.as_deref() };
            if let Err(error) = read(document, chunker, gathered, &budget, &sender) {
                // Nobody listens when the work has ended.
                drop(sender.blocking_send(Err(error)));
            }
        });
        Self { batches, thread, stopped }
    }

    async fn finish(&mut self) -> Result<(), Halt> {
        let failed = |_| Halt::Failed("The file is damaged in a way its reader does not know.".into());
        (&mut self.thread).await.map_err(failed)
    }
}

/// What reading one document may cost: it streams, so the text may be long.
fn limits() -> Limits {
    Limits {
        input: 1024 * 1024 * 1024,
        text: 1024 * 1024 * 1024,
        unpacked: 2 * 1024 * 1024 * 1024,
        time: std::time::Duration::from_secs(1800),
        pictures: 0,
    }
}

fn read(
    document: ox_extract::Document<'_>,
    mut chunker: Chunker,
    mut gathered: Option<pictures::Gathered>,
    budget: &Budget,
    sender: &mpsc::Sender<Result<Read, String>>,
) -> Result<(), String> {
    let mut pending: Vec<Chunk> = Vec::new();
    let send = |chunks: Vec<Chunk>, gathered: &mut Option<pictures::Gathered>| {
        let pictures = gathered.as_mut().map(pictures::Gathered::take).unwrap_or_default();
        sender.blocking_send(Ok(Read { chunks, pictures })).map_err(|_| ox_extract::Error::Stopped)
    };
    ox_extract::items(document, budget, &mut |mut item: Item| {
        let mut sent = Ok(());
        if let Some(gathered) = &mut gathered {
            item.place_pictures(|picture| Some(gathered.put(picture)));
        }
        chunker.under(item.heading.as_deref());
        // Pages are counted from 0 here.
        chunker.each(&item.text, item.page.and_then(|page| page.checked_sub(1)), &mut |chunk| {
            pending.push(chunk);
            if pending.len() >= BATCH && sent.is_ok() {
                sent = send(std::mem::replace(&mut pending, Vec::with_capacity(BATCH)), &mut gathered);
            }
        });
        if sent.is_ok() && gathered.as_ref().is_some_and(pictures::Gathered::is_full) {
            sent = send(std::mem::take(&mut pending), &mut gathered);
        }
        sent
    })
    .map_err(|error| error.to_string())?;
    pending.extend(chunker.finish());
    let is_done = pending.is_empty() && gathered.as_ref().is_none_or(pictures::Gathered::is_empty);
    if is_done { Ok(()) } else { send(pending, &mut gathered).map_err(|error| error.to_string()) }
}
