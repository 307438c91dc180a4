//! What the chunks of documents would be, before anything is stored.

use ox_models::{ModelKind, count};
use ox_rag::Chunk;
use ox_types::{DatasetId, FileId, Json, boxed};

use super::{
    datasets, documents,
    pipeline::work::{Reader, chunker},
    qa,
    sources::pages::{self, SourcePage},
    summaries::{self, making},
};
use crate::{Error, Principal, Result, Services, principal::Permission, providers};

/// Chunks that are shown, and parts of one.
const SHOWN: usize = 10;
const SHOWN_PARTS: usize = 50;
/// Compat: pairs of a chunk, as they are guessed.
const PAIRS: usize = 20;
/// Pages that are fetched for one look.
const MAX_PAGES: usize = 20;

/// What is to be shown.
#[derive(Clone, Debug, Default)]
pub struct PreviewForm {
    pub files: Vec<FileId>,
    /// Pages of websites or of Notion.
    pub pages: Vec<SourcePage>,
    pub process_rule: Option<Json>,
    pub doc_form: Option<String>,
    pub doc_language: Option<String>,
    pub dataset: Option<DatasetId>,
    /// Where summaries are to be shown: `{"enable", …}`.
    pub summary_index_setting: Option<Json>,
}

/// What it would be.
#[derive(Clone, Debug, Default)]
pub struct Preview {
    pub total_segments: usize,
    /// Characters of all chunks.
    pub total_characters: usize,
    /// About how many tokens are embedded: of children where chunks have them. Unknown where a model writes the texts.
    pub total_tokens: Option<u64>,
    pub chunks: Vec<Chunk>,
    /// What the chunks are about, in their order; none where nobody asked.
    pub summaries: Vec<String>,
    /// Questions with their answers, of the first chunk.
    pub pairs: Option<Vec<(String, String)>>,
}

/// Reads and splits files, and stores nothing.
///
/// # Errors
/// 400 for a rule or file that cannot be used.
#[boxed]
pub async fn estimate(services: &Services, principal: &Principal, form: PreviewForm) -> Result<Preview> {
    principal.require(Permission::DatasetEdit)?;
    if let Some(id) = form.dataset {
        datasets::find(services, principal, id).await?;
    }
    let doc_form = form.doc_form.clone().unwrap_or_else(|| "text_model".into());
    let rule = form.process_rule.clone().ok_or_else(|| Error::invalid("Process rule is required"))?;
    let mode = rule.get("mode").and_then(Json::as_str).unwrap_or("automatic").to_owned();
    let rules = rule.get("rules").cloned();
    documents::check_rule(&rule)?;
    let mut preview = Preview { total_tokens: Some(0), ..Preview::default() };
    for id in &form.files {
        let file = services.files.find(principal.tenant_id(), *id).await?;
        let file = file.ok_or_else(|| Error::not_found("One or more files not found."))?;
        let bytes = services.files.content(&file).await?;
        let source = (bytes, file.extension, file.mime_type);
        one(source, (&doc_form, &mode, rules.clone()), &mut preview).await?;
    }
    if form.pages.len() > MAX_PAGES {
        return Err(Error::invalid(format!("At most {MAX_PAGES} pages can be looked at at a time.")));
    }
    for page in &form.pages {
        let (text, _) = pages::read(services, principal.tenant_id(), &page.kind, &page.info).await?;
        let source = (text.into(), "txt".to_owned(), None);
        one(source, (&doc_form, &mode, rules.clone()), &mut preview).await?;
    }
    if doc_form == "qa_model" {
        preview.total_segments *= PAIRS;
        preview.total_tokens = None;
        if let Some(first) = preview.chunks.first() {
            let tenant = principal.tenant_id();
            let model = providers::default_model(services, tenant, ModelKind::Llm).await?;
            if model.is_some() {
                let language = form.doc_language.as_deref().unwrap_or("English");
                let pairs = qa::ask(services, tenant, &first.content, language).await;
                preview.pairs = Some(pairs.map_err(|error| Error::new(500, "indexing_estimate_error", error))?);
            }
        }
        preview.chunks.clear();
    }
    if let Some(setting) = form.summary_index_setting.map(summaries::checked).transpose()? {
        let texts = preview.chunks.iter().map(|chunk| chunk.content.clone()).collect();
        if let Some(setting) = summaries::Setting::read(Some(&setting)) {
            let told = making::preview(services, principal.tenant_id(), &setting, form.doc_language.as_deref(), texts);
            let told = told.await.map_err(|failure| Error::new(500, "indexing_estimate_error", failure.message()))?;
            preview.summaries = told;
        }
    }
    Ok(preview)
}

/// What a document's chunks are by its own rule.
///
/// # Errors
/// 400 for one that is done.
#[boxed]
pub async fn of_document(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    id: ox_types::DocumentId,
) -> Result<Preview> {
    let (dataset, document) = documents::find(services, principal, dataset, id).await?;
    if matches!(document.indexing_status.as_str(), "completed" | "error") {
        return Err(Error::new(
            400,
            "document_already_finished",
            "The document has been processed. Please refresh the page or go to the document details.",
        ));
    }
    let row = documents::rule(services, dataset.id, document.dataset_process_rule_id).await?;
    let rule = row.map(|row| serde_json::json!({"mode": row.mode, "rules": row.rules}));
    let page = (document.file_id.is_none() && pages::is_page(&document)).then(|| documents::page_of(&document));
    let form = PreviewForm {
        files: document.file_id.into_iter().collect(),
        pages: page.into_iter().collect(),
        process_rule: rule.or_else(|| Some(serde_json::json!({"mode": "automatic"}))),
        doc_form: Some(document.doc_form),
        doc_language: document.doc_language,
        dataset: Some(dataset.id),
        summary_index_setting: None,
    };
    estimate(services, principal, form).await
}

/// What the chunks of a batch's documents are by their rules.
///
/// # Errors
/// 404 for an unknown batch, 400 where one is done.
#[boxed]
pub async fn of_batch(services: &Services, principal: &Principal, dataset: DatasetId, batch: &str) -> Result<Preview> {
    let found = documents::progress(services, principal, dataset, Some(batch)).await?;
    let mut all = Preview { total_tokens: Some(0), ..Preview::default() };
    for (document, _) in found {
        let one = of_document(services, principal, dataset, document.id).await?;
        all.total_segments += one.total_segments;
        all.total_characters += one.total_characters;
        all.total_tokens = all.total_tokens.zip(one.total_tokens).map(|(sum, more)| sum + more);
        let free = SHOWN.saturating_sub(all.chunks.len());
        all.chunks.extend(one.chunks.into_iter().take(free));
        all.pairs = all.pairs.or(one.pairs);
    }
    Ok(all)
}

async fn one(
    (bytes, extension, mime): (bytes::Bytes, String, Option<String>),
    (form, mode, rules): (&str, &str, Option<Json>),
    preview: &mut Preview,
) -> Result<()> {
    let chunker = chunker(form, mode, rules.as_ref(), None).map_err(Error::invalid)?;
    let mut reader = Reader::start(bytes, extension, mime, chunker, None);
    while let Some(batch) = reader.batches.recv().await {
        let batch = batch.map_err(|error| Error::new(500, "indexing_estimate_error", error))?;
        for mut chunk in batch.chunks {
            preview.total_segments += 1;
            preview.total_characters += chunk.content.chars().count();
            let tokens = tokens_of(&chunk, form);
            preview.total_tokens = preview.total_tokens.map(|sum| sum + tokens);
            if preview.chunks.len() < SHOWN {
                chunk.children.truncate(SHOWN_PARTS);
                preview.chunks.push(chunk);
            }
        }
    }
    Ok(())
}

/// About how many tokens of a chunk are embedded: a parent itself is not.
fn tokens_of(chunk: &Chunk, form: &str) -> u64 {
    if form == "hierarchical_model" {
        return chunk.children.iter().map(|child| count::estimate(child)).sum();
    }
    count::estimate(&chunk.content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_embedded_is_counted() {
        let chunk = Chunk {
            content: "A parent of two children.".to_owned(),
            answer: None,
            children: vec!["12345678".to_owned(), "1234".to_owned()],
            page: None,
            heading: None,
        };
        assert_eq!(tokens_of(&chunk, "text_model"), 7);
        assert_eq!(tokens_of(&chunk, "hierarchical_model"), 3);
    }
}
