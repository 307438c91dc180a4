//! Rows of documents that wait for their turn.

use ox_db::{
    model::{Dataset, Document},
    now,
};
use ox_types::{AccountId, DocumentId, FileId, Json};
use serde_json::json;

use super::adding::Origin;

/// What a document that waits for its turn is known by.
pub(crate) struct Known<'a> {
    pub kind: &'a str,
    pub info: Json,
    pub file_id: Option<FileId>,
    pub name: &'a str,
}

/// A document that waits for its turn.
pub(super) fn waiting(dataset: &Dataset, origin: &Origin, account: AccountId, created_from: &str) -> Document {
    let (info, file_id) = match origin {
        Origin::File(file) => (json!({"upload_file_id": file.id}), Some(file.id)),
        Origin::Page(page) => (page.info.clone(), None),
    };
    blank(dataset, Known { kind: origin.kind(), info, file_id, name: origin.name() }, account, created_from)
}

/// The row of a document that waits for its turn.
pub(crate) fn blank(dataset: &Dataset, known: Known<'_>, account: AccountId, created_from: &str) -> Document {
    let at = now();
    Document {
        id: DocumentId::new(),
        tenant_id: dataset.tenant_id,
        dataset_id: dataset.id,
        position: 0,
        data_source_type: known.kind.to_owned(),
        data_source_info: Some(known.info),
        dataset_process_rule_id: None,
        batch: String::new(),
        name: known.name.to_owned(),
        created_from: created_from.to_owned(),
        created_by: account,
        file_id: known.file_id,
        word_count: Some(0),
        tokens: Some(0),
        indexing_latency: None,
        doc_type: None,
        doc_metadata: None,
        doc_form: "text_model".into(),
        doc_language: None,
        need_summary: false,
        indexing_status: "waiting".into(),
        error: None,
        is_paused: false,
        paused_by: None,
        enabled: true,
        disabled_by: None,
        archived: false,
        archived_by: None,
        archived_reason: None,
        processing_started_at: None,
        parsing_completed_at: None,
        cleaning_completed_at: None,
        splitting_completed_at: None,
        completed_at: None,
        paused_at: None,
        stopped_at: None,
        disabled_at: None,
        archived_at: None,
        leased_by: None,
        leased_until: None,
        attempts: 0,
        created_at: at,
        updated_at: at,
    }
}

/// A known document with another source: it keeps what it is known by.
pub(crate) fn anew(known: Document, fresh: Document) -> Document {
    Document {
        id: known.id,
        position: known.position,
        created_from: known.created_from,
        created_by: known.created_by,
        created_at: known.created_at,
        doc_type: known.doc_type,
        doc_metadata: known.doc_metadata,
        ..fresh
    }
}
