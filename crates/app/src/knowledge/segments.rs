//! Chunks: add, change, switch, delete, import, and the parts of them that are found in their place.

use std::{collections::HashMap, sync::Arc, time::Duration};

use ox_db::{
    model::{ChildChunk, Dataset, Document, IndexNodes, Segment, UploadFile},
    now,
    repo::{self, segments::SegmentFilter},
};
use ox_rag::{Chunk, text_hash};
use ox_types::{ChildChunkId, DatasetId, DocumentId, FileId, Json, SegmentId, boxed};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    datasets::embedding_model,
    documents,
    pipeline::work::{Saved, chunker, nodes_of, saved, tokens_of, vectors_of},
};
use crate::{Error, Principal, Result, Services, apps::Page};

/// Files of one chunk.
const MAX_ATTACHMENTS: usize = 10;
/// Keywords of one chunk.
const MAX_KEYWORDS: usize = 10;
/// Rows of an import, and of one of its steps.
const MAX_ROWS: usize = 100_000;
const STEP: usize = 100;
/// How long what became of an import is known.
const JOB_LIFE: Duration = Duration::from_secs(3600);

/// A chunk as it is given.
#[derive(Clone, Debug, Default)]
pub struct SegmentForm {
    pub content: Option<String>,
    pub answer: Option<String>,
    pub keywords: Option<Vec<String>>,
    pub attachments: Option<Vec<FileId>>,
    pub enabled: Option<bool>,
    /// Makes the parts anew.
    pub regenerate: bool,
}

/// A chunk with what is shown beside it.
#[derive(Clone, Debug)]
pub struct SegmentView {
    pub segment: Segment,
    pub children: Vec<ChildChunk>,
    pub attachments: Vec<UploadFile>,
    /// The content with addresses of files that can be opened.
    pub signed: String,
}

/// Chunks of a document that the caller may see.
#[derive(Clone, Debug)]
pub struct Place {
    pub dataset: Dataset,
    pub document: Document,
}

/// The document, to read its chunks.
///
/// # Errors
/// As for the document.
#[boxed]
pub async fn place(services: &Services, principal: &Principal, dataset: DatasetId, id: DocumentId) -> Result<Place> {
    let (dataset, document) = documents::find(services, principal, dataset, id).await?;
    Ok(Place { dataset, document })
}

async fn place_to_edit(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    id: DocumentId,
) -> Result<Place> {
    let (dataset, document) = documents::find_to_edit(services, principal, dataset, id).await?;
    Ok(Place { dataset, document })
}

fn missing() -> Error {
    Error::not_found("Segment not found.")
}

async fn segment_in(services: &Services, place: &Place, id: SegmentId) -> Result<Segment> {
    let found = repo::segments::find(&services.db, place.dataset.tenant_id, place.document.id, id).await?;
    found.ok_or_else(missing)
}

/// One page of a document's chunks.
///
/// # Errors
/// As for the document.
#[boxed]
pub async fn list(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    id: DocumentId,
    filter: &SegmentFilter,
) -> Result<(Place, Page<SegmentView>)> {
    let place = place(services, principal, dataset, id).await?;
    let (found, total) = repo::segments::list(&services.db, id, filter).await?;
    let items = views(services, &place, found).await?;
    Ok((place, Page { page: filter.page, limit: filter.limit, total, items }))
}

async fn views(services: &Services, place: &Place, segments: Vec<Segment>) -> Result<Vec<SegmentView>> {
    let ids: Vec<SegmentId> = segments.iter().map(|segment| segment.id).collect();
    let mut children = if place.document.doc_form == "hierarchical_model" {
        repo::child_chunks::of_segments(&services.db, &ids).await?
    } else {
        HashMap::new()
    };
    let bound = repo::segments::attachments(&services.db, &ids).await?;
    let files: Vec<FileId> = bound.values().flatten().copied().collect();
    let files: HashMap<FileId, UploadFile> =
        repo::upload_files::find_all(&services.db, place.dataset.tenant_id, &files)
            .await?
            .into_iter()
            .map(|file| (file.id, file))
            .collect();
    let view = |segment: Segment| SegmentView {
        children: children.remove(&segment.id).unwrap_or_default(),
        attachments: bound.get(&segment.id).into_iter().flatten().filter_map(|id| files.get(id).cloned()).collect(),
        signed: signed(services, &segment.content),
        segment,
    };
    Ok(segments.into_iter().map(view).collect())
}

/// Lets links to stored files in a text be opened for a while.
#[must_use]
pub fn signed(services: &Services, content: &str) -> String {
    let mut out = String::with_capacity(content.len());
    let mut rest = content;
    while let Some(start) = rest.find("/files/") {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let after = from.get("/files/".len()..).unwrap_or_default();
        let id = after.get(..36).and_then(|text| text.parse::<Uuid>().ok());
        let tail = after.get(36..).unwrap_or_default();
        let kind = ["/file-preview", "/image-preview"].into_iter().find(|kind| tail.starts_with(kind));
        match (id, kind) {
            (Some(id), Some(kind)) => {
                // The address before it, if there was one, is ours: it is part of the new one.
                let url = services.files.preview_url(FileId(id));
                if url.starts_with("http") {
                    let begin = out.rfind(['(', ' ', '\n', '"', '<']).map_or(0, |place| place + 1);
                    if out.get(begin..).is_some_and(|text| text.starts_with("http")) {
                        out.truncate(begin);
                    }
                }
                out.push_str(&url);
                let tail = tail.get(kind.len()..).unwrap_or_default();
                let query = tail.starts_with('?').then(|| tail.find([')', ' ', '\n', '"', '>']).unwrap_or(tail.len()));
                rest = tail.get(query.unwrap_or(0)..).unwrap_or_default();
            }
            _ => {
                out.push_str("/files/");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// One chunk.
///
/// # Errors
/// 404 for an unknown one.
#[boxed]
pub async fn view(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    document: DocumentId,
    id: SegmentId,
) -> Result<(Place, SegmentView)> {
    let place = place(services, principal, dataset, document).await?;
    let segment = segment_in(services, &place, id).await?;
    let view = view_of(services, &place, segment).await?;
    Ok((place, view))
}

async fn view_of(services: &Services, place: &Place, segment: Segment) -> Result<SegmentView> {
    views(services, place, vec![segment]).await?.pop().ok_or_else(missing)
}

fn checked(place: &Place, form: &SegmentForm) -> Result<(String, Option<String>)> {
    let content = form.content.as_deref().unwrap_or_default().replace('\0', "");
    if content.trim().is_empty() {
        return Err(Error::invalid("Content is empty"));
    }
    if place.document.doc_form != "qa_model" {
        return Ok((content, None));
    }
    let answer = form.answer.as_deref().ok_or_else(|| Error::invalid("Answer is required"))?.replace('\0', "");
    if answer.trim().is_empty() {
        return Err(Error::invalid("Answer is empty"));
    }
    Ok((content, Some(answer)))
}

fn checked_keywords(form: &SegmentForm) -> Result<Option<Json>> {
    let Some(keywords) = &form.keywords else { return Ok(None) };
    if keywords.len() > MAX_KEYWORDS {
        return Err(Error::invalid_field("keywords", format!("A chunk has at most {MAX_KEYWORDS} keywords.")));
    }
    let keywords: Vec<&str> = keywords.iter().map(|word| word.trim()).filter(|word| !word.is_empty()).collect();
    Ok(Some(serde_json::json!(keywords)))
}

async fn checked_files(services: &Services, place: &Place, form: &SegmentForm) -> Result<Option<Vec<FileId>>> {
    let Some(ids) = &form.attachments else { return Ok(None) };
    if ids.len() > MAX_ATTACHMENTS {
        let text = format!("Exceeded maximum attachment limit of {MAX_ATTACHMENTS}");
        return Err(Error::invalid_field("attachment_ids", text));
    }
    let found = repo::upload_files::find_all(&services.db, place.dataset.tenant_id, ids).await?;
    if let Some(id) = ids.iter().find(|id| found.iter().all(|file| file.id != **id)) {
        return Err(Error::not_found(format!("The file {id} was not found.")));
    }
    Ok(Some(ids.clone()))
}

/// Parts of a chunk, as its document's rule makes them.
async fn parts(services: &Services, place: &Place, content: &str) -> Result<Vec<String>> {
    if place.document.doc_form != "hierarchical_model" {
        return Ok(Vec::new());
    }
    let row = documents::rule(services, place.dataset.id, place.document.dataset_process_rule_id).await?;
    let (mode, rules) = match row {
        Some(row) => (row.mode, row.rules),
        None => ("automatic".to_owned(), Some(documents::automatic_rules())),
    };
    let mut chunker = chunker("hierarchical_model", &mode, rules.as_ref(), embedding_model(&place.dataset).as_ref())
        .map_err(Error::invalid)?;
    let mut chunks = chunker.push(content, None);
    chunks.extend(chunker.finish());
    let parts: Vec<String> = chunks.into_iter().flat_map(|chunk| chunk.children).collect();
    Ok(if parts.is_empty() { vec![content.to_owned()] } else { parts })
}

/// Adds chunks to a document, all of them or none. They can be found at once.
///
/// # Errors
/// 404 for a document that is not ready, 400 for a text that is none.
#[boxed]
pub async fn create(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    document: DocumentId,
    forms: Vec<SegmentForm>,
) -> Result<(Place, Vec<SegmentView>)> {
    let place = place_to_edit(services, principal, dataset, document).await?;
    if place.document.indexing_status != "completed" {
        return Err(Error::not_found("Document is not completed."));
    }
    if !place.document.enabled {
        return Err(Error::not_found("Document is disabled."));
    }
    let most = services.settings.max_segments_per_request;
    if most > 0 && forms.len() > most {
        return Err(Error::invalid(format!("Exceeded maximum segments limit of {most}.")));
    }
    let made = add(services, principal, &place, forms).await?;
    let views = views(services, &place, made).await?;
    Ok((place, views))
}

async fn add(
    services: &Services,
    principal: &Principal,
    place: &Place,
    forms: Vec<SegmentForm>,
) -> Result<Vec<Segment>> {
    let account = principal.account_id()?;
    let (mut rows, mut files) = (Vec::with_capacity(forms.len()), Vec::new());
    for form in forms {
        let (content, answer) = checked(place, &form)?;
        let keywords = checked_keywords(&form)?;
        if let Some(ids) = checked_files(services, place, &form).await? {
            files.push((rows.len(), ids));
        }
        let children = parts(services, place, &content).await?;
        let chunk = Chunk { content, answer, children, page: None, heading: None };
        let mut row = saved(&place.document, 0, chunk);
        row.segment.keywords = keywords;
        row.segment.created_by = account;
        rows.push(row);
    }
    let model = embedding_model(&place.dataset);
    let vectors = vectors_of(services, &place.dataset, model.as_ref(), &rows).await?;
    let (at, is_found) = (now(), place.document.enabled && !place.document.archived);
    let mut rest = vectors.as_slice();
    let mut nodes = Vec::new();
    for row in &mut rows {
        let (own, others) = rest.split_at(row.children.len().max(1).min(rest.len()));
        rest = others;
        let segment = &mut row.segment;
        segment.tokens = tokens_of(model.as_ref(), segment);
        "completed".clone_into(&mut segment.status);
        segment.enabled = true;
        segment.completed_at = Some(at);
        nodes.extend(nodes_of(&place.document, row, own, is_found));
    }
    let tx = services.db.begin().await?;
    // The document's row is the lock behind which positions are counted.
    let words = rows.iter().map(|row| i64::from(row.segment.word_count)).sum();
    repo::documents::add_words(&tx, place.document.id, words).await?;
    let mut position = repo::segments::next_position(&tx, place.document.id).await?;
    for row in &mut rows {
        row.segment.position = position;
        position = position.saturating_add(1);
    }
    let made: Vec<Segment> = rows.iter().map(|row| row.segment.clone()).collect();
    repo::segments::insert(&tx, made.clone()).await?;
    let children = rows.into_iter().flat_map(|row| row.children).collect();
    repo::child_chunks::insert(&tx, children).await?;
    for (index, ids) in files {
        if let Some(segment) = made.get(index) {
            repo::segments::set_attachments(&tx, segment, &ids).await?;
        }
    }
    repo::index_nodes::put(&tx, place.dataset.tenant_id, place.dataset.id, nodes).await?;
    tx.commit().await?;
    super::index_changed(services, place.dataset.tenant_id, place.dataset.id);
    Ok(made)
}

/// Changes a chunk.
///
/// # Errors
/// 404 for an unknown one, 400 for one that is being indexed or switched off.
#[boxed]
pub async fn update(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    document: DocumentId,
    id: SegmentId,
    form: SegmentForm,
) -> Result<(Place, SegmentView)> {
    let place = place_to_edit(services, principal, dataset, document).await?;
    let old = segment_in(services, &place, id).await?;
    if !matches!(old.status.as_str(), "completed" | "error") {
        return Err(Error::invalid("Segment is indexing, please try again later"));
    }
    if let Some(enabled) = form.enabled.filter(|enabled| *enabled != old.enabled) {
        set_enabled_in(services, principal, &place, &[id], enabled).await?;
        // Compat: what else was given with "off" is not taken.
        if !enabled {
            let segment = segment_in(services, &place, id).await?;
            let view = view_of(services, &place, segment).await?;
            return Ok((place, view));
        }
    } else if !old.enabled && old.status == "completed" && form.enabled != Some(true) {
        return Err(Error::invalid("Can't update disabled segment"));
    }
    let account = principal.account_id()?;
    let content = form.content.clone().unwrap_or_else(|| old.content.clone());
    let answer = form.answer.clone().or_else(|| old.answer.clone());
    let (content, answer) = checked(&place, &SegmentForm { content: Some(content), answer, ..SegmentForm::default() })?;
    let keywords = checked_keywords(&form)?;
    let files = checked_files(services, &place, &form).await?;
    let is_hierarchical = place.document.doc_form == "hierarchical_model";
    let mut known = if is_hierarchical {
        repo::child_chunks::of_segments(&services.db, &[id]).await?.remove(&id).unwrap_or_default()
    } else {
        Vec::new()
    };
    let anew = is_hierarchical && (form.regenerate || known.is_empty());
    let children = if anew { parts(services, &place, &content).await? } else { Vec::new() };
    let chunk = Chunk { content, answer, children, page: None, heading: None };
    let fresh = saved(&place.document, old.position, chunk);
    if anew {
        known = fresh.children.into_iter().map(|child| ChildChunk { segment_id: id, ..child }).collect();
    }
    let segment = Segment {
        content: fresh.segment.content,
        answer: fresh.segment.answer,
        word_count: fresh.segment.word_count,
        index_node_hash: fresh.segment.index_node_hash,
        keywords: keywords.or_else(|| old.keywords.clone()),
        status: "completed".into(),
        error: None,
        enabled: true,
        disabled_at: None,
        disabled_by: None,
        updated_by: Some(account),
        updated_at: now(),
        completed_at: old.completed_at.or_else(|| Some(now())),
        ..old.clone()
    };
    let mut row = Saved { segment, children: known };
    store(services, &place, &mut row, i64::from(row_words(&old)), anew, files).await?;
    let view = view_of(services, &place, row.segment).await?;
    Ok((place, view))
}

const fn row_words(segment: &Segment) -> i32 {
    segment.word_count
}

/// Embeds and stores a changed chunk with its parts.
async fn store(
    services: &Services,
    place: &Place,
    row: &mut Saved,
    words_before: i64,
    replaces_parts: bool,
    files: Option<Vec<FileId>>,
) -> Result<()> {
    let model = embedding_model(&place.dataset);
    let vectors = vectors_of(services, &place.dataset, model.as_ref(), std::slice::from_ref(row)).await?;
    row.segment.tokens = tokens_of(model.as_ref(), &row.segment);
    let is_found = place.document.enabled && !place.document.archived && row.segment.enabled;
    let nodes = nodes_of(&place.document, row, &vectors, is_found);
    let (tenant, dataset, id) = (place.dataset.tenant_id, place.dataset.id, row.segment.id);
    let tx = services.db.begin().await?;
    let difference = i64::from(row.segment.word_count) - words_before;
    repo::documents::add_words(&tx, place.document.id, difference).await?;
    repo::segments::update(&tx, row.segment.clone()).await?;
    if replaces_parts {
        repo::index_nodes::remove(&tx, tenant, dataset, &IndexNodes::Segments(&[id])).await?;
        repo::child_chunks::delete_all(&tx, id).await?;
        repo::child_chunks::insert(&tx, row.children.clone()).await?;
    }
    if let Some(files) = files {
        repo::segments::set_attachments(&tx, &row.segment, &files).await?;
    }
    repo::index_nodes::put(&tx, tenant, dataset, nodes).await?;
    tx.commit().await?;
    super::index_changed(services, tenant, dataset);
    Ok(())
}

/// Switches chunks on or off; unknown ones are passed over.
///
/// # Errors
/// 400 while the document is being worked on.
#[boxed]
pub async fn set_enabled(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    document: DocumentId,
    ids: &[SegmentId],
    enabled: bool,
) -> Result<()> {
    let place = place_to_edit(services, principal, dataset, document).await?;
    set_enabled_in(services, principal, &place, ids, enabled).await
}

async fn set_enabled_in(
    services: &Services,
    principal: &Principal,
    place: &Place,
    ids: &[SegmentId],
    enabled: bool,
) -> Result<()> {
    if place.document.indexing_status != "completed" {
        let text = "Document is being indexed, please try again later";
        return Err(Error::new(400, "invalid_action", text));
    }
    let (tenant, dataset) = (place.dataset.tenant_id, place.dataset.id);
    let found = repo::segments::find_all(&services.db, tenant, dataset, ids).await?;
    let ids: Vec<SegmentId> = found
        .iter()
        .filter(|segment| segment.document_id == place.document.id && segment.status == "completed")
        .map(|segment| segment.id)
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    let by = if enabled { None } else { Some((principal.account_id()?, now())) };
    let is_found = enabled && place.document.enabled && !place.document.archived;
    let tx = services.db.begin().await?;
    repo::segments::set_enabled(&tx, place.document.id, &ids, by).await?;
    for ids in ids.chunks(300) {
        repo::index_nodes::set_active(&tx, tenant, dataset, &IndexNodes::Segments(ids), is_found).await?;
    }
    tx.commit().await?;
    super::index_changed(services, tenant, dataset);
    Ok(())
}

/// Deletes chunks; unknown ones are passed over. Returns how many went.
///
/// # Errors
/// As for the document.
#[boxed]
pub async fn delete(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    document: DocumentId,
    ids: &[SegmentId],
) -> Result<usize> {
    let place = place_to_edit(services, principal, dataset, document).await?;
    let (tenant, dataset) = (place.dataset.tenant_id, place.dataset.id);
    let found = repo::segments::find_all(&services.db, tenant, dataset, ids).await?;
    let found: Vec<&Segment> = found.iter().filter(|segment| segment.document_id == document).collect();
    let ids: Vec<SegmentId> = found.iter().map(|segment| segment.id).collect();
    if ids.is_empty() {
        return Ok(0);
    }
    let words: i64 = found.iter().map(|segment| i64::from(segment.word_count)).sum();
    let tx = services.db.begin().await?;
    repo::documents::add_words(&tx, document, -words).await?;
    for ids in ids.chunks(300) {
        repo::index_nodes::remove(&tx, tenant, dataset, &IndexNodes::Segments(ids)).await?;
    }
    repo::segments::delete(&tx, document, Some(&ids)).await?;
    tx.commit().await?;
    super::index_changed(services, tenant, dataset);
    Ok(ids.len())
}

/// Deletes one chunk.
///
/// # Errors
/// 404 for an unknown one.
#[boxed]
pub async fn delete_one(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    document: DocumentId,
    id: SegmentId,
) -> Result<()> {
    match delete(services, principal, dataset, document, &[id]).await? {
        0 => Err(missing()),
        _ => Ok(()),
    }
}

/// What became of an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportJob {
    pub job_id: Uuid,
    /// `waiting`, `processing`, `completed` or `error`.
    pub job_status: String,
}

/// Adds the rows of a CSV file, in the background.
///
/// # Errors
/// 404 for an unknown file, 400 for one that is no CSV.
#[boxed]
pub async fn import(
    services: &Arc<Services>,
    principal: &Principal,
    dataset: DatasetId,
    document: DocumentId,
    file: FileId,
) -> Result<ImportJob> {
    let place = place_to_edit(services, principal, dataset, document).await?;
    let found = services.files.find(place.dataset.tenant_id, file).await?;
    let file = found.ok_or_else(|| Error::not_found("UploadFile not found."))?;
    if file.extension != "csv" {
        return Err(Error::invalid("Invalid file type. Only CSV files are allowed"));
    }
    let bytes = services.files.content(&file).await?;
    let rows = rows_of(&bytes, place.document.doc_form == "qa_model")?;
    let job = ImportJob { job_id: ox_types::new_uuid(), job_status: "waiting".into() };
    note(services, &place, &job).await?;
    let (services, principal, mut told) = (Arc::clone(services), principal.clone(), job.clone());
    services.tracker.clone().spawn(async move {
        "processing".clone_into(&mut told.job_status);
        drop(note(&services, &place, &told).await);
        let done = add_rows(&services, &principal, &place, rows).await;
        if let Err(error) = &done {
            tracing::info!(%error, document = %place.document.id, "chunks cannot be imported");
        }
        if done.is_ok() { "completed" } else { "error" }.clone_into(&mut told.job_status);
        if let Err(error) = note(&services, &place, &told).await {
            tracing::warn!(%error, "what became of an import cannot be noted");
        }
    });
    Ok(job)
}

async fn add_rows(services: &Services, principal: &Principal, place: &Place, rows: Vec<SegmentForm>) -> Result<()> {
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        if services.shutdown.is_cancelled() {
            return Err(Error::new(503, "service_unavailable", "The server stops."));
        }
        add(services, principal, place, rows.by_ref().take(STEP).collect()).await?;
    }
    Ok(())
}

fn job_key(tenant: ox_types::TenantId, job: Uuid) -> String {
    format!("segment_batch_import:{tenant}:{job}")
}

async fn note(services: &Services, place: &Place, job: &ImportJob) -> Result<()> {
    let key = job_key(place.dataset.tenant_id, job.job_id);
    services.kv.set(&key, &job.job_status, Some(JOB_LIFE)).await.map_err(Error::internal)
}

/// What became of an import.
///
/// # Errors
/// 400 for a job that is not known (any more).
#[boxed]
pub async fn import_state(services: &Services, principal: &Principal, job: Uuid) -> Result<ImportJob> {
    let found = services.kv.get(&job_key(principal.tenant_id(), job)).await.map_err(Error::internal)?;
    let job_status = found.ok_or_else(|| Error::invalid("The job does not exist."))?;
    Ok(ImportJob { job_id: job, job_status: job_status.as_ref().to_owned() })
}

/// The first row is a heading.
fn rows_of(file: &[u8], has_answers: bool) -> Result<Vec<SegmentForm>> {
    let text = ox_extract::decode(file);
    let mut reader = csv::ReaderBuilder::new().has_headers(true).flexible(true).from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for (number, record) in reader.records().enumerate() {
        let record = record.map_err(|error| Error::invalid(format!("The CSV file cannot be read: {error}")))?;
        let content = record.get(0).unwrap_or_default();
        if content.trim().is_empty() {
            continue;
        }
        let answer = has_answers.then(|| record.get(1).unwrap_or_default().to_owned());
        if answer.as_ref().is_some_and(|answer| answer.trim().is_empty()) {
            return Err(Error::invalid(format!("Row {}: an answer is needed.", number + 2)));
        }
        rows.push(SegmentForm { content: Some(content.to_owned()), answer, ..SegmentForm::default() });
        if rows.len() > MAX_ROWS {
            return Err(Error::invalid(format!("The CSV file has more than {MAX_ROWS} rows.")));
        }
    }
    if rows.is_empty() { Err(Error::invalid("The CSV file is empty.")) } else { Ok(rows) }
}

/// One page of a chunk's parts.
///
/// # Errors
/// 404 for an unknown chunk.
#[boxed]
pub async fn children(
    services: &Services,
    principal: &Principal,
    (dataset, document, id): (DatasetId, DocumentId, SegmentId),
    keyword: Option<&str>,
    page: u64,
    limit: u64,
) -> Result<Page<ChildChunk>> {
    let place = place(services, principal, dataset, document).await?;
    segment_in(services, &place, id).await?;
    let (items, total) = repo::child_chunks::list(&services.db, id, keyword, page, limit).await?;
    Ok(Page { page, limit, total, items })
}

/// A part of a chunk as it is given; without an id it is a new one.
#[derive(Clone, Debug)]
pub struct ChildForm {
    pub id: Option<ChildChunkId>,
    pub content: String,
}

struct Parent {
    place: Place,
    segment: Segment,
    children: Vec<ChildChunk>,
}

async fn parent(
    services: &Services,
    principal: &Principal,
    (dataset, document, id): (DatasetId, DocumentId, SegmentId),
) -> Result<Parent> {
    let place = place_to_edit(services, principal, dataset, document).await?;
    if place.document.doc_form != "hierarchical_model" {
        return Err(Error::invalid("Only chunks of parent-child documents have child chunks."));
    }
    let segment = segment_in(services, &place, id).await?;
    let children = repo::child_chunks::of_segments(&services.db, &[id]).await?.remove(&id).unwrap_or_default();
    Ok(Parent { place, segment, children })
}

fn child_missing() -> Error {
    Error::not_found("Child chunk not found.")
}

fn checked_content(content: &str) -> Result<String> {
    let content = content.replace('\0', "");
    if content.trim().is_empty() { Err(Error::invalid("Content is empty")) } else { Ok(content) }
}

/// Stores parts of a chunk: `kept` as they are given, those in `gone` no more.
async fn store_children(
    services: &Services,
    parent: &Parent,
    changed: &[ChildChunk],
    gone: &[ChildChunkId],
) -> Result<()> {
    let Parent { place, segment, children: known } = parent;
    let (tenant, dataset) = (place.dataset.tenant_id, place.dataset.id);
    let model = embedding_model(&place.dataset);
    let row = Saved { segment: segment.clone(), children: changed.to_vec() };
    let is_found = place.document.enabled && !place.document.archived && segment.enabled;
    let (mut nodes, mut vectors) = (Vec::new(), Vec::new());
    if !changed.is_empty() {
        vectors = vectors_of(services, &place.dataset, model.as_ref(), std::slice::from_ref(&row)).await?;
        nodes = nodes_of(&place.document, &row, &vectors, is_found);
    }
    drop(vectors);
    let tx = services.db.begin().await?;
    let ids: Vec<Uuid> = gone.iter().map(|id| id.0).collect();
    if !ids.is_empty() {
        repo::index_nodes::remove(&tx, tenant, dataset, &IndexNodes::Nodes(&ids)).await?;
        repo::child_chunks::delete(&tx, segment.id, gone).await?;
    }
    let (old, new): (Vec<ChildChunk>, Vec<ChildChunk>) =
        changed.iter().cloned().partition(|child| known.iter().any(|known| known.id == child.id));
    for child in old {
        repo::child_chunks::update(&tx, child).await?;
    }
    repo::child_chunks::insert(&tx, new).await?;
    repo::index_nodes::put(&tx, tenant, dataset, nodes).await?;
    tx.commit().await?;
    super::index_changed(services, tenant, dataset);
    Ok(())
}

fn new_child(parent: &Parent, principal: &Principal, position: i32, content: String) -> Result<ChildChunk> {
    let (id, at) = (ChildChunkId::new(), now());
    let segment = &parent.segment;
    Ok(ChildChunk {
        id,
        tenant_id: segment.tenant_id,
        dataset_id: segment.dataset_id,
        document_id: segment.document_id,
        segment_id: segment.id,
        position,
        word_count: words(&content),
        index_node_id: Some(id.0),
        index_node_hash: Some(text_hash(&content)),
        content,
        kind: "customized".into(),
        created_by: principal.account_id()?,
        updated_by: None,
        created_at: at,
        updated_at: at,
    })
}

fn words(text: &str) -> i32 {
    i32::try_from(text.chars().count()).unwrap_or(i32::MAX)
}

fn changed_child(child: &ChildChunk, principal: &Principal, content: String) -> Result<ChildChunk> {
    Ok(ChildChunk {
        word_count: words(&content),
        index_node_hash: Some(text_hash(&content)),
        content,
        kind: "customized".into(),
        updated_by: Some(principal.account_id()?),
        updated_at: now(),
        ..child.clone()
    })
}

/// Adds a part to a chunk.
///
/// # Errors
/// 404 for an unknown chunk, 400 for an empty text.
#[boxed]
pub async fn create_child(
    services: &Services,
    principal: &Principal,
    place: (DatasetId, DocumentId, SegmentId),
    content: &str,
) -> Result<ChildChunk> {
    let parent = parent(services, principal, place).await?;
    let last = parent.children.iter().map(|child| child.position).max().unwrap_or(0);
    let child = new_child(&parent, principal, last.saturating_add(1), checked_content(content)?)?;
    store_children(services, &parent, std::slice::from_ref(&child), &[]).await?;
    Ok(child)
}

/// Changes a part of a chunk.
///
/// # Errors
/// 404 for an unknown one, 400 for an empty text.
#[boxed]
pub async fn update_child(
    services: &Services,
    principal: &Principal,
    place: (DatasetId, DocumentId, SegmentId),
    id: ChildChunkId,
    content: &str,
) -> Result<ChildChunk> {
    let parent = parent(services, principal, place).await?;
    let old = parent.children.iter().find(|child| child.id == id).ok_or_else(child_missing)?;
    let child = changed_child(old, principal, checked_content(content)?)?;
    store_children(services, &parent, std::slice::from_ref(&child), &[]).await?;
    Ok(child)
}

/// Removes a part of a chunk.
///
/// # Errors
/// 404 for an unknown one.
#[boxed]
pub async fn delete_child(
    services: &Services,
    principal: &Principal,
    place: (DatasetId, DocumentId, SegmentId),
    id: ChildChunkId,
) -> Result<()> {
    let parent = parent(services, principal, place).await?;
    parent.children.iter().find(|child| child.id == id).ok_or_else(child_missing)?;
    store_children(services, &parent, &[], &[id]).await
}

/// Gives a chunk these parts: those with an id are kept and changed, those without are new, the others go.
///
/// # Errors
/// 404 for an unknown chunk or part, 400 for an empty text.
#[boxed]
pub async fn set_children(
    services: &Services,
    principal: &Principal,
    place: (DatasetId, DocumentId, SegmentId),
    forms: Vec<ChildForm>,
) -> Result<Vec<ChildChunk>> {
    let parent = parent(services, principal, place).await?;
    let (mut changed, mut kept) = (Vec::new(), Vec::new());
    let mut position = parent.children.iter().map(|child| child.position).max().unwrap_or(0);
    for form in forms {
        let content = checked_content(&form.content)?;
        let Some(id) = form.id else {
            position = position.saturating_add(1);
            changed.push(new_child(&parent, principal, position, content)?);
            continue;
        };
        let old = parent.children.iter().find(|child| child.id == id).ok_or_else(child_missing)?;
        kept.push(id);
        if old.content != content {
            changed.push(changed_child(old, principal, content)?);
        }
    }
    let gone: Vec<ChildChunkId> =
        parent.children.iter().map(|child| child.id).filter(|id| !kept.contains(id)).collect();
    store_children(services, &parent, &changed, &gone).await?;
    let id = parent.segment.id;
    Ok(repo::child_chunks::of_segments(&services.db, &[id]).await?.remove(&id).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imported_rows_have_a_heading_before_them() {
        let rows = rows_of("question,answer\na,b\n\n,x\n\"c, d\",e\n".as_bytes(), true).unwrap();
        let got: Vec<(String, String)> =
            rows.into_iter().map(|row| (row.content.unwrap(), row.answer.unwrap())).collect();
        assert_eq!(got, [("a".into(), "b".into()), ("c, d".into(), "e".into())]);
        assert!(rows_of(b"content\n", false).is_err());
        assert!(rows_of(b"q,a\nx,\n", true).unwrap_err().message.contains("Row 2"));
    }
}
