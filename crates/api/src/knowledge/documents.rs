//! Documents and how far they are.

use ox_app::{
    apps::Page,
    knowledge::{
        SegmentCounts,
        documents::{DocumentView, display_status},
        sources::pages::is_page,
        summaries::SummaryCounts,
    },
    model::{Document, ProcessRuleRow, UploadFile},
};
use serde::Serialize;
use serde_json::{Value as Json_, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{MetadataValueBody, at};

/// Where a document is from.
fn source_detail(document: &Document, file: Option<&UploadFile>) -> Json_ {
    match file {
        // The file of a page is only how its text is kept.
        _ if is_page(document) => document.data_source_info.clone().unwrap_or_else(|| json!({})),
        Some(file) => {
            #[expect(clippy::cast_precision_loss, reason = "milliseconds of our times are far below 2^53")]
            let created_at = file.created_at.timestamp_millis() as f64 / 1000.0;
            json!({"upload_file": {"id": file.id, "name": file.name, "size": file.size, "extension": file.extension,
                "mime_type": file.mime_type, "created_by": file.created_by, "created_at": created_at}})
        }
        None => json!({}),
    }
}

/// A document.
#[derive(Serialize, ToSchema)]
pub struct DocumentBody {
    pub id: Uuid,
    pub position: i32,
    pub data_source_type: String,
    #[schema(value_type = Object)]
    pub data_source_info: Json_,
    #[schema(value_type = Object)]
    pub data_source_detail_dict: Json_,
    pub dataset_process_rule_id: Option<Uuid>,
    pub name: String,
    pub created_from: String,
    pub created_by: Uuid,
    pub created_at: i64,
    pub tokens: i64,
    pub indexing_status: String,
    pub error: Option<String>,
    pub enabled: bool,
    pub disabled_at: Option<i64>,
    pub disabled_by: Option<Uuid>,
    pub archived: bool,
    pub display_status: String,
    pub word_count: i64,
    pub hit_count: u64,
    pub doc_form: String,
    pub doc_metadata: Option<Vec<MetadataValueBody>>,
    pub summary_index_status: Option<String>,
    pub need_summary: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_segments: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_segments: Option<u64>,
}

/// `SUMMARIZING` while some are to be made.
fn summary_status(counts: Option<SummaryCounts>) -> Option<String> {
    counts.filter(SummaryCounts::is_unfinished).map(|_| "SUMMARIZING".to_owned())
}

impl From<DocumentView> for DocumentBody {
    fn from(view: DocumentView) -> Self {
        let DocumentView { document, file, counts, metadata, summaries } = view;
        Self {
            display_status: display_status(&document).to_owned(),
            data_source_detail_dict: source_detail(&document, file.as_ref()),
            id: document.id.0,
            position: document.position,
            data_source_type: document.data_source_type,
            data_source_info: document.data_source_info.unwrap_or_else(|| json!({})),
            dataset_process_rule_id: document.dataset_process_rule_id,
            name: document.name,
            created_from: document.created_from,
            created_by: document.created_by.0,
            created_at: document.created_at.timestamp(),
            tokens: document.tokens.unwrap_or(0),
            indexing_status: document.indexing_status,
            error: document.error,
            enabled: document.enabled,
            disabled_at: at(document.disabled_at),
            disabled_by: document.disabled_by.map(|id| id.0),
            archived: document.archived,
            word_count: document.word_count.unwrap_or(0),
            hit_count: counts.hits,
            doc_form: document.doc_form,
            doc_metadata: metadata.map(|values| values.into_iter().map(MetadataValueBody::from).collect()),
            summary_index_status: summary_status(summaries),
            need_summary: document.need_summary,
            completed_segments: None,
            total_segments: None,
        }
    }
}

impl DocumentBody {
    /// With the progress of its chunks.
    pub fn with_counts(view: DocumentView) -> Self {
        let counts = view.counts;
        Self { completed_segments: Some(counts.completed), total_segments: Some(counts.total), ..Self::from(view) }
    }
}

/// A numbered page of documents.
#[derive(Serialize, ToSchema)]
pub struct DocumentPage {
    pub data: Vec<DocumentBody>,
    pub has_more: bool,
    pub limit: u64,
    pub total: u64,
    pub page: u64,
}

impl DocumentPage {
    pub fn new(page: Page<DocumentView>, fetch: bool) -> Self {
        let has_more = page.has_more();
        let Page { page, limit, total, items } = page;
        let body = if fetch { DocumentBody::with_counts } else { DocumentBody::from };
        Self { data: items.into_iter().map(body).collect(), has_more, limit, total, page }
    }
}

/// A document with everything known of it.
#[derive(Serialize, ToSchema)]
pub struct DocumentDetail {
    pub id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_source_type: Option<String>,
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_source_info: Option<Json_>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset_process_rule_id: Option<Uuid>,
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset_process_rule: Option<Json_>,
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_process_rule: Option<Json_>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indexing_status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_by: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub word_count: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hit_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doc_form: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doc_language: Option<String>,
    /// Absent when the metadata were not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doc_type: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doc_metadata: Option<Option<Vec<MetadataValueBody>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub indexing_latency: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment_count: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average_segment_length: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary_index_status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub need_summary: Option<bool>,
}

/// Which part of a document is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum MetadataPart {
    All,
    Only,
    Without,
}

impl MetadataPart {
    pub fn parse(text: Option<&str>) -> Result<Self, ox_app::Error> {
        Ok(match text.unwrap_or("all") {
            "all" => Self::All,
            "only" => Self::Only,
            "without" => Self::Without,
            other => {
                let text = format!("Invalid metadata value: {other}");
                return Err(ox_app::Error::new(400, "invalid_metadata", text));
            }
        })
    }
}

/// The rules a document and its knowledge base go by.
pub struct Rules {
    pub of_dataset: Option<ProcessRuleRow>,
    pub of_document: Option<ProcessRuleRow>,
}

impl DocumentDetail {
    pub fn new(view: DocumentView, part: MetadataPart, rules: &Rules) -> Self {
        let DocumentView { document, file, counts, metadata, summaries } = view;
        let values = metadata.map(|values| values.into_iter().map(MetadataValueBody::from).collect());
        let shows_metadata = part != MetadataPart::Without;
        let rest = part != MetadataPart::Only;
        let words = document.word_count.unwrap_or(0);
        #[expect(clippy::cast_precision_loss, reason = "an average for people")]
        let average = if counts.total == 0 { 0.0 } else { words as f64 / counts.total as f64 };
        let rule = |row: &ProcessRuleRow| json!({"mode": row.mode, "rules": row.rules});
        let own = |row: &ProcessRuleRow| json!({"id": row.id, "dataset_id": row.dataset_id, "mode": row.mode, "rules": row.rules});
        Self {
            id: document.id.0,
            position: rest.then_some(document.position),
            data_source_info: rest.then(|| source_detail(&document, file.as_ref())),
            dataset_process_rule_id: document.dataset_process_rule_id.filter(|_| rest),
            dataset_process_rule: rules.of_dataset.as_ref().map(rule).filter(|_| rest),
            document_process_rule: rules.of_document.as_ref().map(own).filter(|_| rest),
            display_status: rest.then(|| display_status(&document).to_owned()),
            data_source_type: Some(document.data_source_type).filter(|_| rest),
            name: Some(document.name).filter(|_| rest),
            created_from: Some(document.created_from).filter(|_| rest),
            created_by: rest.then_some(document.created_by.0),
            created_at: rest.then(|| document.created_at.timestamp()),
            tokens: rest.then(|| document.tokens.unwrap_or(0)),
            indexing_status: Some(document.indexing_status).filter(|_| rest),
            error: document.error.filter(|_| rest),
            enabled: rest.then_some(document.enabled),
            disabled_at: at(document.disabled_at).filter(|_| rest),
            disabled_by: document.disabled_by.map(|id| id.0).filter(|_| rest),
            archived: rest.then_some(document.archived),
            word_count: rest.then_some(words),
            hit_count: rest.then_some(counts.hits),
            doc_form: Some(document.doc_form).filter(|_| rest),
            doc_language: document.doc_language.filter(|_| rest),
            doc_type: shows_metadata.then_some(document.doc_type),
            doc_metadata: shows_metadata.then_some(values),
            completed_at: at(document.completed_at).filter(|_| rest),
            updated_at: rest.then(|| document.updated_at.timestamp()),
            indexing_latency: document.indexing_latency.filter(|_| rest),
            segment_count: rest.then_some(counts.total),
            average_segment_length: rest.then_some(average),
            summary_index_status: summary_status(summaries).filter(|_| rest),
            need_summary: rest.then_some(document.need_summary),
        }
    }
}

/// How far a document is.
#[derive(Serialize, ToSchema)]
pub struct DocStatusBody {
    pub id: Uuid,
    pub indexing_status: String,
    pub processing_started_at: Option<i64>,
    pub parsing_completed_at: Option<i64>,
    pub cleaning_completed_at: Option<i64>,
    pub splitting_completed_at: Option<i64>,
    pub completed_at: Option<i64>,
    pub paused_at: Option<i64>,
    pub error: Option<String>,
    pub stopped_at: Option<i64>,
    pub completed_segments: u64,
    pub total_segments: u64,
}

impl DocStatusBody {
    /// `names_pauses`: a paused document is told as such, not by its stage.
    pub fn new((document, counts): (Document, SegmentCounts), names_pauses: bool) -> Self {
        let status = if names_pauses && document.is_paused { "paused".to_owned() } else { document.indexing_status };
        Self {
            id: document.id.0,
            indexing_status: status,
            processing_started_at: at(document.processing_started_at),
            parsing_completed_at: at(document.parsing_completed_at),
            cleaning_completed_at: at(document.cleaning_completed_at),
            splitting_completed_at: at(document.splitting_completed_at),
            completed_at: at(document.completed_at),
            paused_at: at(document.paused_at),
            error: document.error,
            stopped_at: at(document.stopped_at),
            completed_segments: counts.completed,
            total_segments: counts.total,
        }
    }
}

/// How far several documents are.
#[derive(Serialize, ToSchema)]
pub struct DocStatusList {
    pub data: Vec<DocStatusBody>,
}

impl DocStatusList {
    pub fn new(found: Vec<(Document, SegmentCounts)>, names_pauses: bool) -> Self {
        Self { data: found.into_iter().map(|pair| DocStatusBody::new(pair, names_pauses)).collect() }
    }
}
