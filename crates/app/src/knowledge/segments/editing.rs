//! Chunks that somebody writes.

use std::collections::HashMap;

use ox_db::{
    Tx,
    model::{ChildChunk, IndexNodes, NewIndexNode, Segment},
    now, repo,
};
use ox_models::ModelRef;
use ox_rag::Chunk;
use ox_types::{DatasetId, DocumentId, FileId, Json, SegmentId, boxed};
use uuid::Uuid;

use super::{
    super::{
        datasets::embedding_model,
        documents, index_changed,
        pictures::{self, Holder},
        pipeline::work::{Saved, chunker, nodes_of, saved, tokens_of, vectors_of},
        summaries::{self, Written},
    },
    Place, SegmentForm, SegmentView, place_to_edit, segment_in,
    switches::set_enabled_in,
    view_of, views,
};
use crate::{Error, Principal, Result, Services};

/// Files of one chunk.
const MAX_ATTACHMENTS: usize = 10;
/// Keywords of one chunk.
const MAX_KEYWORDS: usize = 10;

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
    let mut place = place_to_edit(services, principal, dataset, document).await?;
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
    place.dataset.has_attachments |= forms.iter().any(names_files);
    let made = add(services, principal, &place, forms).await?;
    let views = views(services, &place, made).await?;
    Ok((place, views))
}

fn names_files(form: &SegmentForm) -> bool {
    form.attachments.as_ref().is_some_and(|files| !files.is_empty())
}

pub(super) async fn add(
    services: &Services,
    principal: &Principal,
    place: &Place,
    forms: Vec<SegmentForm>,
) -> Result<Vec<Segment>> {
    let account = principal.account_id()?;
    let (mut rows, mut files) = (Vec::with_capacity(forms.len()), HashMap::new());
    for form in forms {
        let (content, answer) = checked(place, &form)?;
        let keywords = checked_keywords(&form)?;
        let attached = checked_files(services, place, &form).await?;
        let children = parts(services, place, &content).await?;
        let chunk = Chunk { content, answer, children, page: None, heading: None };
        let mut row = saved(&place.document, 0, chunk);
        row.segment.keywords = keywords;
        row.segment.created_by = account;
        if let Some(attached) = attached {
            files.insert(row.segment.id, attached);
        }
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
    if let Some(model) = model.as_ref().filter(|_| place.dataset.is_multimodal && !files.is_empty()) {
        let holder = |row: &Saved| Holder { document: place.document.id, segment: row.segment.id, active: is_found };
        let holders: Vec<Holder> = rows.iter().map(holder).collect();
        nodes.extend(pictures::nodes(services, place.dataset.tenant_id, model, &holders, &files).await?);
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
    repo::segments::attach(&tx, &made, &files).await?;
    repo::index_nodes::put(&tx, place.dataset.tenant_id, place.dataset.id, nodes).await?;
    let is_told = place.document.need_summary && summaries::are_wanted(&place.dataset, &place.document.doc_form);
    if is_told {
        repo::summaries::want(&tx, &made).await?;
    }
    tx.commit().await?;
    index_changed(services, place.dataset.tenant_id, place.dataset.id);
    if is_told {
        services.knowledge.wake_summaries();
    }
    Ok(made)
}

/// The nodes that a chunk was found by, without that of its summary.
fn nodes_before(segment: &Segment, children: &[ChildChunk]) -> Vec<Uuid> {
    let own = children.is_empty().then(|| segment.index_node_id.unwrap_or(segment.id.0));
    children.iter().map(|child| child.index_node_id.unwrap_or(child.id.0)).chain(own).collect()
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
    let mut place = place_to_edit(services, principal, dataset, document).await?;
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
    place.dataset.has_attachments |= names_files(&form);
    let is_hierarchical = place.document.doc_form == "hierarchical_model";
    let mut known = if is_hierarchical {
        repo::child_chunks::of_segments(&services.db, &[id]).await?.remove(&id).unwrap_or_default()
    } else {
        Vec::new()
    };
    let anew = is_hierarchical && (form.regenerate || known.is_empty());
    let children = if anew { parts(services, &place, &content).await? } else { Vec::new() };
    let gone = anew.then(|| nodes_before(&old, &known));
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
    let is_other = row.segment.index_node_hash != old.index_node_hash;
    let summary = summary_change(services, &place, &old, form.summary.as_deref(), is_other).await?;
    let words_before = i64::from(old.word_count);
    store(services, &place, &mut row, Change { words_before, gone, files, summary }).await?;
    let view = view_of(services, &place, row.segment).await?;
    Ok((place, view))
}

/// What becomes of the summary of a chunk that is changed.
enum SummaryChange {
    Kept,
    Written(Box<Written>),
    /// With the node it was found by.
    Removed(Uuid),
    /// It is made for the new text; with the node of the one before.
    Wanted(Option<Uuid>),
}

async fn summary_change(
    services: &Services,
    place: &Place,
    old: &Segment,
    given: Option<&str>,
    is_other: bool,
) -> Result<SummaryChange> {
    let form = &place.document.doc_form;
    let known = repo::summaries::of_segments(&services.db, old.tenant_id, &[old.id]).await?.remove(&old.id);
    let told = known.as_ref().and_then(|known| known.content.as_deref());
    let given = given.map(|text| text.replace('\0', "").trim().to_owned());
    match given.filter(|text| told.unwrap_or_default() != text) {
        Some(text) if text.is_empty() => {
            Ok(known.map_or(SummaryChange::Kept, |known| SummaryChange::Removed(known.index_node_id)))
        }
        Some(text) => {
            if text.chars().count() > summaries::MAX_LENGTH {
                let text = format!("A summary has at most {} characters.", summaries::MAX_LENGTH);
                return Err(Error::invalid_field("summary", text));
            }
            let written = Written::new(services, &place.dataset, form, &text).await?;
            Ok(SummaryChange::Written(Box::new(written)))
        }
        None if is_other && summaries::are_wanted(&place.dataset, form) => {
            if known.is_none() && !place.document.need_summary {
                return Ok(SummaryChange::Kept);
            }
            Ok(SummaryChange::Wanted(known.map(|known| known.index_node_id)))
        }
        None => Ok(SummaryChange::Kept),
    }
}

/// What changes with a chunk.
struct Change {
    words_before: i64,
    /// The nodes that its parts take the place of, where they are made anew.
    gone: Option<Vec<Uuid>>,
    files: Option<Vec<FileId>>,
    summary: SummaryChange,
}

/// Embeds and stores a changed chunk with its parts.
async fn store(services: &Services, place: &Place, row: &mut Saved, change: Change) -> Result<()> {
    let Change { words_before, gone, files, summary } = change;
    let model = embedding_model(&place.dataset);
    let vectors = vectors_of(services, &place.dataset, model.as_ref(), std::slice::from_ref(row)).await?;
    row.segment.tokens = tokens_of(model.as_ref(), &row.segment);
    let is_found = place.document.enabled && !place.document.archived && row.segment.enabled;
    let mut nodes = nodes_of(&place.document, row, &vectors, is_found);
    let (tenant, dataset, id) = (place.dataset.tenant_id, place.dataset.id, row.segment.id);
    let unseen = match (&files, &model) {
        (Some(files), Some(model)) if place.dataset.is_multimodal => {
            let (seen, unseen) = seen_of(services, place, model, (id, is_found), files).await?;
            nodes.extend(seen);
            unseen
        }
        _ => Vec::new(),
    };
    let tx = services.db.begin().await?;
    let difference = i64::from(row.segment.word_count) - words_before;
    repo::documents::add_words(&tx, place.document.id, difference).await?;
    repo::segments::update(&tx, row.segment.clone()).await?;
    if let Some(gone) = gone {
        for gone in gone.chunks(300) {
            repo::index_nodes::remove(&tx, tenant, dataset, &IndexNodes::Nodes(gone)).await?;
        }
        repo::child_chunks::delete_all(&tx, id).await?;
        repo::child_chunks::insert(&tx, row.children.clone()).await?;
    }
    if let Some(files) = files {
        repo::segments::set_attachments(&tx, &row.segment, &files).await?;
    }
    if !unseen.is_empty() {
        repo::index_nodes::remove(&tx, tenant, dataset, &IndexNodes::Nodes(&unseen)).await?;
    }
    repo::index_nodes::put(&tx, tenant, dataset, nodes).await?;
    let is_wanted = matches!(summary, SummaryChange::Wanted(_));
    follow(&tx, &row.segment, summary, is_found).await?;
    tx.commit().await?;
    index_changed(services, tenant, dataset);
    if is_wanted {
        services.knowledge.wake_summaries();
    }
    Ok(())
}

/// The nodes of the files that a chunk gets, and those of the files that it loses.
async fn seen_of(
    services: &Services,
    place: &Place,
    model: &ModelRef,
    (segment, active): (SegmentId, bool),
    files: &[FileId],
) -> Result<(Vec<NewIndexNode>, Vec<Uuid>)> {
    let before = repo::segments::attachments(&services.db, &[segment]).await?.remove(&segment).unwrap_or_default();
    let lost = before.into_iter().filter(|file| !files.contains(file));
    let unseen = lost.map(|file| pictures::node_id(segment.0, file)).collect();
    let holder = Holder { document: place.document.id, segment, active };
    let files = HashMap::from([(segment, files.to_vec())]);
    let nodes = pictures::nodes(services, place.dataset.tenant_id, model, &[holder], &files).await?;
    Ok((nodes, unseen))
}

/// Stores what becomes of the summary.
async fn follow(tx: &Tx, segment: &Segment, summary: SummaryChange, is_found: bool) -> Result<()> {
    let (tenant, dataset) = (segment.tenant_id, segment.dataset_id);
    match summary {
        SummaryChange::Kept => {}
        SummaryChange::Written(written) => written.store(tx, segment, is_found).await?,
        SummaryChange::Removed(node) => {
            repo::index_nodes::remove(tx, tenant, dataset, &IndexNodes::Nodes(&[node])).await?;
            repo::summaries::delete(tx, segment.id).await?;
        }
        SummaryChange::Wanted(node) => {
            if let Some(node) = node {
                repo::index_nodes::remove(tx, tenant, dataset, &IndexNodes::Nodes(&[node])).await?;
            }
            repo::summaries::want(tx, std::slice::from_ref(segment)).await?;
            repo::summaries::clear(tx, segment.id).await?;
        }
    }
    Ok(())
}
