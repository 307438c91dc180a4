//! What chunks are about: summaries that a model makes or somebody writes. Each is found in the place of its chunk.
//!
//! A row says that a chunk is to have one; whoever holds its lease makes it (`work`), so a restart loses none. Its node
//! in the index belongs to the chunk: it is switched and removed with it.

pub(super) mod making;
mod work;

use std::sync::Arc;

pub use ox_db::repo::summaries::SummaryCounts;
use ox_db::{
    Tx,
    model::{Dataset, Document, IndexNodeKind, NewIndexNode, Segment, SegmentSummary},
    repo::{self, summaries::NewSummary},
};
use ox_models::ModelRef;
use ox_rag::text_hash;
use ox_types::{DatasetId, DocumentId, Json, SegmentId, boxed};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    datasets::{self, embedding_model},
    documents,
};
use crate::{Error, Principal, Result, Services};

pub(super) use work::keep;

/// Characters of an instruction.
const MAX_PROMPT: usize = 8_000;
/// Characters of a summary.
pub(super) const MAX_LENGTH: usize = 8_000;
/// Documents of one request.
const MAX_DOCUMENTS: usize = 1_000;
/// Chunks that are noted together.
const BATCH: u64 = 300;

/// How summaries are made.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Setting {
    /// The workspace's model where none is named.
    pub model: Option<ModelRef>,
    /// What the model is told instead of our words.
    pub prompt: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Kept {
    enable: Option<bool>,
    model_name: Option<String>,
    model_provider_name: Option<String>,
    summary_prompt: Option<String>,
}

impl Setting {
    /// The setting, where summaries are switched on.
    pub fn read(json: Option<&Json>) -> Option<Self> {
        let kept: Kept = serde_json::from_value(json?.clone()).ok()?;
        kept.enable.filter(|is_on| *is_on)?;
        let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let model = filled(kept.model_provider_name).zip(filled(kept.model_name));
        let model = model.map(|(provider, name)| ModelRef::chat(provider, name));
        Some(Self { model, prompt: filled(kept.summary_prompt) })
    }

    /// The setting of a knowledge base that can have summaries.
    pub fn of(dataset: &Dataset) -> Option<Self> {
        embedding_model(dataset)?;
        Self::read(dataset.summary_index_setting.as_ref())
    }
}

/// Whether chunks of this form get summaries in a knowledge base.
pub(crate) fn are_wanted(dataset: &Dataset, form: &str) -> bool {
    form != "qa_model" && Setting::of(dataset).is_some()
}

/// A setting that can be stored.
pub(super) fn checked(json: Json) -> Result<Json> {
    let wrong = |text: String| Error::invalid_field("summary_index_setting", text);
    if !json.is_object() {
        return Err(wrong("summary_index_setting: Input should be a valid dictionary".to_owned()));
    }
    let kept: Kept =
        serde_json::from_value(json.clone()).map_err(|error| wrong(format!("summary_index_setting: {error}")))?;
    if kept.summary_prompt.is_some_and(|prompt| prompt.chars().count() > MAX_PROMPT) {
        return Err(wrong(format!("summary_index_setting.summary_prompt: at most {MAX_PROMPT} characters")));
    }
    Ok(json)
}

/// A setting that is given, checked.
pub(super) fn given(json: Option<Json>) -> Result<Option<Json>> {
    json.filter(|json| !json.is_null()).map(checked).transpose()
}

/// Follows a changed setting: another model makes all summaries anew; where they are switched off, no more are made.
pub(super) async fn follow(tx: &Tx, old: &Dataset, new: &Dataset) -> Result<()> {
    let setting = |dataset: &Dataset| Setting::read(dataset.summary_index_setting.as_ref());
    match (setting(old), setting(new)) {
        (Some(before), Some(now_is)) if before.model != now_is.model => {
            Ok(repo::summaries::want_again(tx, new.id).await?)
        }
        (Some(_), None) => Ok(repo::summaries::give_up(tx, new.id).await?),
        _ => Ok(()),
    }
}

/// A summary as it is stored.
fn new_summary(model: &ModelRef, content: String) -> NewSummary {
    let tokens = i32::try_from(ox_models::count::text(&model.name, &content)).unwrap_or(i32::MAX);
    NewSummary { hash: text_hash(&content), tokens, content }
}

/// What a summary puts into the index.
fn node(segment: &Segment, id: Uuid, content: String, vector: Option<Uuid>, active: bool) -> NewIndexNode {
    NewIndexNode {
        id,
        document_id: segment.document_id,
        segment_id: segment.id,
        kind: IndexNodeKind::Summary,
        content,
        keywords: Vec::new(),
        embedding_id: vector,
        active,
    }
}

/// A summary that somebody wrote, with what it is found by.
pub(super) struct Written {
    summary: NewSummary,
    vector: Option<Uuid>,
}

impl Written {
    /// Embeds a text.
    ///
    /// # Errors
    /// 400 where there are no summaries.
    pub async fn new(services: &Services, dataset: &Dataset, form: &str, text: &str) -> Result<Self> {
        let Some(model) = embedding_model(dataset).filter(|_| form != "qa_model") else {
            let text = "Summaries need a knowledge base of high quality, without questions and answers.";
            return Err(Error::invalid_field("summary", text));
        };
        let vectors = super::embed(services, dataset.tenant_id, &model, &[text.to_owned()]).await?;
        Ok(Self { summary: new_summary(&model, text.to_owned()), vector: vectors.first().copied() })
    }

    /// Stores it with its node.
    pub async fn store(self, tx: &Tx, segment: &Segment, active: bool) -> Result<()> {
        let content = self.summary.content.clone();
        let id = repo::summaries::write(tx, segment, self.summary).await?;
        let nodes = vec![node(segment, id, content, self.vector, active)];
        Ok(repo::index_nodes::put(tx, segment.tenant_id, segment.dataset_id, nodes).await?)
    }
}

/// Has the summaries of documents made, anew where there are some. Those that are worked on, and those of questions and
/// answers, are passed over.
///
/// # Errors
/// 400 where summaries are switched off, 404 for an unknown document.
#[boxed]
pub async fn generate(
    services: &Arc<Services>,
    principal: &Principal,
    dataset: DatasetId,
    ids: &[DocumentId],
) -> Result<()> {
    let dataset = datasets::find_to_edit(services, principal, dataset).await?;
    if embedding_model(&dataset).is_none() {
        let text = "Summary generation is only available for 'high_quality' indexing technique.";
        return Err(Error::invalid(text));
    }
    if Setting::of(&dataset).is_none() {
        return Err(Error::invalid("Summary index is not enabled for this dataset."));
    }
    if ids.is_empty() || ids.len() > MAX_DOCUMENTS {
        let text = format!("document_list must have 1 to {MAX_DOCUMENTS} documents.");
        return Err(Error::invalid_field("document_list", text));
    }
    let found = repo::documents::find_all(&services.db, dataset.tenant_id, dataset.id, ids).await?;
    if let Some(id) = ids.iter().find(|id| found.iter().all(|document| document.id != **id)) {
        return Err(Error::not_found(format!("Document {id} not found.")));
    }
    let has_chunks = |document: &&Document| document.doc_form != "qa_model" && document.indexing_status == "completed";
    for document in found.iter().filter(has_chunks) {
        want(services, document.id).await?;
    }
    services.knowledge.wake_summaries();
    Ok(())
}

async fn want(services: &Services, document: DocumentId) -> Result<()> {
    let tx = services.db.begin().await?;
    repo::documents::set_need_summary(&tx, document).await?;
    tx.commit().await?;
    let mut after = 0;
    loop {
        let found = repo::summaries::found_after(&services.db, document, after, BATCH).await?;
        let Some(last) = found.last() else { return Ok(()) };
        after = last.position;
        let tx = services.db.begin().await?;
        repo::summaries::want(&tx, &found).await?;
        tx.commit().await?;
    }
}

/// How far the summaries of a document are.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Chunks that have, or could have, one.
    pub total: u64,
    pub counts: SummaryCounts,
    /// One page of the chunks, by position.
    pub chunks: Vec<ChunkStanding>,
}

/// How far the summary of a chunk is.
#[derive(Clone, Debug)]
pub struct ChunkStanding {
    pub segment_id: SegmentId,
    pub position: i32,
    /// None where nobody wanted one.
    pub summary: Option<SegmentSummary>,
}

/// How far the summaries of a document are, with one page (from 1) of its chunks.
///
/// # Errors
/// As for the document.
#[boxed]
pub async fn standing(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    document: DocumentId,
    page: u64,
    limit: u64,
) -> Result<Standing> {
    let (dataset, document) = documents::find(services, principal, dataset, document).await?;
    // The numbers first: what they call done is done in the page as well.
    let mut counts =
        repo::summaries::counts(&services.db, &[document.id]).await?.remove(&document.id).unwrap_or_default();
    let (places, total) = repo::summaries::places(&services.db, document.id, page, limit).await?;
    let ids: Vec<SegmentId> = places.iter().map(|(id, _)| *id).collect();
    let mut found = repo::summaries::of_segments(&services.db, dataset.tenant_id, &ids).await?;
    let begun = counts.generating + counts.completed + counts.error + counts.timeout;
    counts.not_started = counts.not_started.max(total.saturating_sub(begun));
    let chunk = |(segment_id, position): (SegmentId, i32)| ChunkStanding {
        segment_id,
        position,
        summary: found.remove(&segment_id),
    };
    Ok(Standing { total, counts, chunks: places.into_iter().map(chunk).collect() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_are_read() {
        let on = |json: Json| Setting::read(Some(&json));
        assert_eq!(Setting::read(None), None);
        assert_eq!(on(json!({"enable": false, "model_name": "m", "model_provider_name": "p"})), None);
        assert_eq!(on(json!({"model_name": "m"})), None);
        assert_eq!(on(json!({"enable": true, "model_name": "m", "summary_prompt": " "})), Some(Setting::default()));
        let whole = json!({"enable": true, "model_name": "m", "model_provider_name": "p", "summary_prompt": "Short."});
        let model = Some(ModelRef::chat("p", "m"));
        assert_eq!(on(whole), Some(Setting { model, prompt: Some("Short.".into()) }));
    }

    #[test]
    fn settings_are_checked() {
        for (json, is_right) in [
            (json!({"enable": true, "model_name": null}), true),
            (json!({}), true),
            (json!("on"), false),
            (json!({"enable": "yes"}), false),
            (json!({"summary_prompt": "x".repeat(MAX_PROMPT + 1)}), false),
        ] {
            assert_eq!(checked(json.clone()).is_ok(), is_right, "{json}");
        }
    }
}
