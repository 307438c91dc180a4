//! Documents of knowledge bases: make, list, change, switch, delete.

use std::{collections::HashMap, sync::Arc};

use ox_db::{
    model::{Dataset, Document, IndexNodes, ProcessRuleRow, UploadFile},
    now,
    repo::{
        self,
        datasets::Gone,
        documents::{DocumentFilter, SegmentCounts},
    },
};
pub use ox_rag::MAX_SEGMENT_LENGTH;
use ox_rag::{ProcessRule, RuleError};
use ox_types::{AccountId, DatasetId, DocumentId, FileId, Json, boxed};
use rand::RngExt as _;
use serde_json::json;
use uuid::Uuid;

use super::{
    datasets::{self, Indexing},
    metadata, removal,
    sources::pages::{self, SourcePage},
};
use crate::{Error, Principal, Result, Services, apps::Page, files::Upload, principal::Permission};

/// Forms of chunks.
pub const FORMS: [&str; 3] = ["text_model", "qa_model", "hierarchical_model"];
/// Documents of one request.
const MAX_FILES: usize = 1000;

/// Documents that are to be made, or what one is to become.
#[derive(Clone, Debug, Default)]
pub struct NewDocuments {
    pub files: Vec<FileId>,
    /// Pages of websites or of Notion; then there are no files.
    pub pages: Vec<SourcePage>,
    /// Names that differ from those of the files.
    pub name: Option<String>,
    pub process_rule: Option<Json>,
    /// `text_model` when absent.
    pub doc_form: Option<String>,
    pub doc_language: Option<String>,
    pub indexing: Indexing,
    /// Take the place of documents of the same name.
    pub duplicate: bool,
    /// `web` or `api`.
    pub created_from: &'static str,
    /// A rule must be there: in the request or from before.
    pub needs_rule: bool,
    pub summary_index_setting: Option<Json>,
}

/// What was made together.
#[derive(Clone, Debug)]
pub struct Made {
    pub dataset: Dataset,
    pub documents: Vec<Document>,
    pub batch: String,
}

/// A document with what is shown beside it.
#[derive(Clone, Debug)]
pub struct DocumentView {
    pub document: Document,
    pub file: Option<UploadFile>,
    pub counts: SegmentCounts,
    /// `(id, name, type, value)`, where the knowledge base has fields.
    pub metadata: Option<Vec<metadata::Value>>,
}

fn not_there() -> Error {
    Error::not_found("Document not found.")
}

/// The text of a rule's mode, rules and whether they can be used.
fn checked_rule(json: &Json) -> Result<(String, Option<Json>)> {
    let wrong = |error: RuleError| Error::invalid_field("process_rule", error.to_string());
    let rule = ProcessRule::read(json).map_err(wrong)?;
    rule.check().map_err(wrong)?;
    let rules = Some(rule.rules_json()).filter(|rules| !rules.is_null());
    Ok((rule.mode.as_str().to_owned(), rules))
}

/// The rule of the automatic mode, as it is stored.
#[must_use]
pub fn automatic_rules() -> Json {
    ProcessRule::automatic().rules_json()
}

/// The rule that people begin with.
#[must_use]
pub fn wizard_rules() -> Json {
    ProcessRule::wizard().rules_json()
}

/// Whether a rule can be used.
///
/// # Errors
/// 400 with what is wrong with it.
pub(super) fn check_rule(json: &Json) -> Result<()> {
    checked_rule(json).map(|_| ())
}

pub(crate) fn batch_name() -> String {
    let number = rand::rng().random_range(100_000..1_000_000);
    format!("{}{number}", now().format("%Y%m%d%H%M%S"))
}

/// Makes a knowledge base of files; it is called like the first.
///
/// # Errors
/// As [`create`].
#[boxed]
pub async fn init(services: &Arc<Services>, principal: &Principal, new: NewDocuments) -> Result<Made> {
    principal.require(Permission::DatasetEdit)?;
    let origins = origins_of(services, principal, &new).await?;
    let first = origins.first().map(Origin::name).unwrap_or_default();
    let stem: String = first.chars().take(18).collect();
    let mut name = format!("{stem}...");
    let mut number = 1;
    while repo::datasets::is_named(&services.db, principal.tenant_id(), &name).await? {
        number += 1;
        name = format!("{stem}... ({number})");
    }
    let mut dataset = datasets::blank(principal, name)?;
    dataset.description = Some(format!("useful for when you want to answer queries about the {first}"));
    add(services, principal, dataset, true, new).await
}

/// Adds documents. They are worked on at once, in the background.
///
/// # Errors
/// 400 for what cannot be taken.
#[boxed]
pub async fn create(services: &Arc<Services>, principal: &Principal, id: DatasetId, new: NewDocuments) -> Result<Made> {
    let dataset = datasets::find_to_edit(services, principal, id).await?;
    add(services, principal, dataset, false, new).await
}

/// Whether documents could be added: what is wrong is told before a file is stored.
///
/// # Errors
/// As [`create`].
#[boxed]
pub async fn check_indexing(
    services: &Services,
    principal: &Principal,
    id: DatasetId,
    new: &NewDocuments,
) -> Result<()> {
    let mut dataset = datasets::find_to_edit(services, principal, id).await?;
    if dataset.provider == "external" {
        return Err(Error::invalid("External datasets are not supported."));
    }
    check_form(services, &dataset, false, new.doc_form.as_deref().unwrap_or("text_model")).await?;
    datasets::take_indexing(services, &mut dataset, &new.indexing).await?;
    if dataset.indexing_technique.is_none() {
        return Err(Error::invalid("indexing_technique is required."));
    }
    rule_of(services, &dataset, principal.account_id()?, new).await.map(|_| ())
}

/// What a document is made of.
enum Origin {
    File(Box<UploadFile>),
    Page(SourcePage),
}

impl Origin {
    fn of(file: UploadFile) -> Self {
        Self::File(Box::new(file))
    }

    fn name(&self) -> &str {
        match self {
            Self::File(file) => &file.name,
            Self::Page(page) => &page.name,
        }
    }

    fn kind(&self) -> &str {
        match self {
            Self::File(_) => "upload_file",
            Self::Page(page) => &page.kind,
        }
    }
}

async fn origins_of(services: &Services, principal: &Principal, new: &NewDocuments) -> Result<Vec<Origin>> {
    if new.pages.is_empty() {
        return Ok(files_of(services, principal, &new.files).await?.into_iter().map(Origin::of).collect());
    }
    let mut found = new.pages.clone();
    pages::named(services, principal.tenant_id(), &mut found).await?;
    Ok(found.into_iter().map(Origin::Page).collect())
}

async fn files_of(services: &Services, principal: &Principal, ids: &[FileId]) -> Result<Vec<UploadFile>> {
    if ids.is_empty() {
        return Err(Error::invalid("No source info found"));
    }
    if ids.len() > MAX_FILES {
        return Err(Error::invalid(format!("At most {MAX_FILES} files can be added at a time.")));
    }
    let mut found: HashMap<FileId, UploadFile> = repo::upload_files::find_all(&services.db, principal.tenant_id(), ids)
        .await?
        .into_iter()
        .map(|file| (file.id, file))
        .collect();
    let file = |id: &FileId| found.remove(id).ok_or_else(|| Error::not_found("One or more files not found."));
    ids.iter().map(file).collect()
}

async fn add(
    services: &Arc<Services>,
    principal: &Principal,
    mut dataset: Dataset,
    is_new: bool,
    new: NewDocuments,
) -> Result<Made> {
    if dataset.provider == "external" {
        return Err(Error::invalid("External datasets are not supported."));
    }
    let form = new.doc_form.clone().unwrap_or_else(|| "text_model".into());
    check_form(services, &dataset, is_new, &form).await?;
    datasets::take_indexing(services, &mut dataset, &new.indexing).await?;
    if dataset.indexing_technique.is_none() {
        return Err(Error::invalid("indexing_technique is required."));
    }
    let account = principal.account_id()?;
    let rule = rule_of(services, &dataset, account, &new).await?;
    let origins = origins_of(services, principal, &new).await?;
    let kind = origins.first().map_or("upload_file", Origin::kind).to_owned();
    dataset.data_source_type.get_or_insert(kind);
    if new.summary_index_setting.as_ref().is_some_and(|json| !json.is_null()) {
        dataset.summary_index_setting.clone_from(&new.summary_index_setting);
    }
    dataset.updated_at = now();
    let batch = batch_name();
    let author = services.people(&[account]).await?.remove(&account).map(|account| account.name);
    let rule_id = rule.id();
    let tx = services.db.begin().await?;
    // Also the lock behind which positions are counted.
    if is_new {
        repo::datasets::insert(&tx, dataset.clone()).await?;
    } else {
        repo::datasets::update(&tx, dataset.clone()).await?;
    }
    if let Rule::New(row) = rule {
        repo::datasets::insert_rule(&tx, row).await?;
    }
    let mut position = repo::documents::next_position(&tx, dataset.id).await?;
    let mut made = Vec::with_capacity(origins.len());
    let mut rows = Vec::with_capacity(origins.len());
    for origin in &origins {
        let name = new.name.clone().unwrap_or_else(|| origin.name().to_owned());
        let known = if new.duplicate { repo::documents::named(&tx, dataset.id, &name).await? } else { None };
        let fresh = Document {
            name,
            batch: batch.clone(),
            dataset_process_rule_id: Some(rule_id),
            doc_language: Some(new.doc_language.clone().unwrap_or_else(|| "English".into())),
            doc_form: form.clone(),
            ..waiting(&dataset, origin, account, new.created_from)
        };
        let fresh = match known {
            Some(known) => anew(known, fresh),
            None => Document { position, ..fresh },
        };
        let fresh = metadata::with_built_in(&dataset, fresh, author.as_deref());
        if fresh.position == position {
            position = position.saturating_add(1);
            rows.push(fresh.clone());
        } else {
            repo::segments::mark(&tx, fresh.id, "re_segment").await?;
            repo::documents::update(&tx, fresh.clone()).await?;
        }
        made.push(fresh);
    }
    repo::documents::insert(&tx, rows).await?;
    tx.commit().await?;
    services.knowledge.wake();
    Ok(Made { dataset, documents: made, batch })
}

async fn check_form(services: &Services, dataset: &Dataset, is_new: bool, form: &str) -> Result<()> {
    if !FORMS.contains(&form) {
        return Err(Error::invalid_field("doc_form", "doc_form: Invalid doc_form."));
    }
    let known = match &dataset.chunk_structure {
        Some(form) => Some(form.clone()),
        None if is_new => None,
        None => repo::documents::form(&services.db, dataset.id).await?,
    };
    if known.is_some_and(|known| known != form) {
        return Err(Error::invalid("doc_form is different from the dataset doc_form."));
    }
    Ok(())
}

enum Rule {
    New(ProcessRuleRow),
    Known(Uuid),
}

impl Rule {
    const fn id(&self) -> Uuid {
        match self {
            Self::New(row) => row.id,
            Self::Known(id) => *id,
        }
    }
}

async fn rule_of(services: &Services, dataset: &Dataset, account: AccountId, new: &NewDocuments) -> Result<Rule> {
    let row = |mode: String, rules: Option<Json>| ProcessRuleRow {
        id: ox_types::new_uuid(),
        dataset_id: dataset.id,
        mode,
        rules,
        created_by: account,
        created_at: now(),
    };
    if let Some(json) = new.process_rule.as_ref().filter(|json| !json.is_null()) {
        let (mode, rules) = checked_rule(json)?;
        return Ok(Rule::New(row(mode, rules)));
    }
    if let Some(latest) = repo::datasets::latest_rule(&services.db, dataset.id).await? {
        return Ok(Rule::Known(latest.id));
    }
    if new.needs_rule {
        return Err(Error::invalid_field("process_rule", "process_rule is required."));
    }
    Ok(Rule::New(row("automatic".into(), Some(automatic_rules()))))
}

/// What a document that waits for its turn is known by.
pub(crate) struct Known<'a> {
    pub kind: &'a str,
    pub info: Json,
    pub file_id: Option<FileId>,
    pub name: &'a str,
}

/// A document that waits for its turn.
fn waiting(dataset: &Dataset, origin: &Origin, account: AccountId, created_from: &str) -> Document {
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

/// Stores a text as a file, to make a document of it.
///
/// # Errors
/// When it cannot be kept.
#[boxed]
pub async fn keep_text(services: &Services, principal: &Principal, name: &str, text: &str) -> Result<FileId> {
    principal.require(Permission::DatasetEdit)?;
    let account = principal.account_id()?;
    Ok(services.files.keep_text(principal.tenant_id(), account, name, text).await?.id)
}

/// Stores a file, to make a document of it.
///
/// # Errors
/// 400 for a name or type that is not taken, 413 for too many bytes.
#[boxed]
pub async fn keep_file(
    services: &Services,
    principal: &Principal,
    name: &str,
    mime: &str,
    bytes: bytes::Bytes,
) -> Result<FileId> {
    principal.require(Permission::DatasetEdit)?;
    let created_by = principal.account_id()?.0;
    let (name, mime) = (name.to_owned(), mime.to_owned());
    let upload = Upload { name, mime, bytes, created_by_role: "account", created_by, source_url: String::new() };
    Ok(services.files.upload(principal.tenant_id(), upload).await?.id)
}

/// Gives a document another source, rule or name, and works on it anew.
///
/// # Errors
/// 400 for one that is not available.
#[boxed]
pub async fn change(
    services: &Arc<Services>,
    principal: &Principal,
    dataset_id: DatasetId,
    id: DocumentId,
    new: NewDocuments,
) -> Result<Made> {
    let mut dataset = datasets::find_to_edit(services, principal, dataset_id).await?;
    let known = find_in(services, &dataset, id).await?;
    if display_status(&known) != "available" {
        return Err(Error::invalid("Document is not available"));
    }
    let form = new.doc_form.clone().unwrap_or_else(|| known.doc_form.clone());
    check_form(services, &dataset, false, &form).await?;
    datasets::take_indexing(services, &mut dataset, &new.indexing).await?;
    let account = principal.account_id()?;
    let rule = match (&new.process_rule, known.dataset_process_rule_id) {
        (None, Some(rule)) => Rule::Known(rule),
        _ => rule_of(services, &dataset, account, &new).await?,
    };
    let before = known.file_id;
    let is_other = !new.files.is_empty() || !new.pages.is_empty();
    let origin = if is_other {
        origins_of(services, principal, &new).await?.into_iter().next().ok_or_else(not_there)?
    } else if pages::is_page(&known) {
        Origin::Page(page_of(&known))
    } else {
        let ids: Vec<FileId> = before.into_iter().collect();
        Origin::of(files_of(services, principal, &ids).await?.into_iter().next().ok_or_else(not_there)?)
    };
    let name = if is_other { origin.name().to_owned() } else { known.name.clone() };
    let fresh = waiting(&dataset, &origin, account, new.created_from);
    let fresh = Document {
        name: new.name.clone().unwrap_or(name),
        // Of a page with other rules the text stays.
        file_id: if is_other { fresh.file_id } else { before },
        batch: batch_name(),
        dataset_process_rule_id: Some(rule.id()),
        doc_form: form,
        doc_language: new.doc_language.clone().or_else(|| known.doc_language.clone()),
        ..fresh
    };
    let author = services.people(&[known.created_by]).await?.remove(&known.created_by).map(|account| account.name);
    let fresh = metadata::with_built_in(&dataset, anew(known, fresh), author.as_deref());
    let tx = services.db.begin().await?;
    repo::datasets::update(&tx, dataset.clone()).await?;
    if let Rule::New(row) = rule {
        repo::datasets::insert_rule(&tx, row).await?;
    }
    repo::segments::mark(&tx, id, "re_segment").await?;
    repo::documents::update(&tx, fresh.clone()).await?;
    tx.commit().await?;
    services.knowledge.wake();
    Ok(Made { batch: fresh.batch.clone(), documents: vec![fresh], dataset })
}

/// The page that a document is made of.
pub(super) fn page_of(known: &Document) -> SourcePage {
    SourcePage {
        kind: known.data_source_type.clone(),
        info: known.data_source_info.clone().unwrap_or_default(),
        name: known.name.clone(),
    }
}

/// Takes a document's page anew: what is found of it now goes, and its text is fetched.
pub(super) async fn anew_from(services: &Arc<Services>, dataset: &Dataset, known: Document, info: Json) -> Result<()> {
    let (id, before) = (known.id, known.file_id);
    let origin = Origin::Page(SourcePage { info, ..page_of(&known) });
    let fresh = Document {
        batch: known.batch.clone(),
        dataset_process_rule_id: known.dataset_process_rule_id,
        doc_form: known.doc_form.clone(),
        doc_language: known.doc_language.clone(),
        enabled: known.enabled,
        disabled_by: known.disabled_by,
        disabled_at: known.disabled_at,
        ..waiting(dataset, &origin, known.created_by, "web")
    };
    let fresh = metadata::with_built_in(dataset, anew(known, fresh), None);
    let tx = services.db.begin().await?;
    repo::segments::mark(&tx, id, "re_segment").await?;
    repo::documents::update(&tx, fresh).await?;
    tx.commit().await?;
    services.knowledge.wake();
    removal::remove_files(services, Some(dataset.tenant_id), &before.into_iter().collect::<Vec<_>>()).await
}

/// How a document's state is told.
#[must_use]
pub fn display_status(document: &Document) -> &'static str {
    match document.indexing_status.as_str() {
        "waiting" => "queuing",
        "error" => "error",
        "completed" if document.archived => "archived",
        "completed" if document.enabled => "available",
        "completed" => "disabled",
        _ if document.is_paused => "paused",
        _ => "indexing",
    }
}

async fn find_in(services: &Services, dataset: &Dataset, id: DocumentId) -> Result<Document> {
    let found = repo::documents::find(&services.db, dataset.tenant_id, dataset.id, id).await?;
    found.ok_or_else(not_there)
}

/// A document of a knowledge base that the caller may see.
///
/// # Errors
/// 404 and 403 as for the knowledge base; 404 for an unknown document.
#[boxed]
pub async fn find(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    id: DocumentId,
) -> Result<(Dataset, Document)> {
    let dataset = datasets::find(services, principal, dataset).await?;
    let document = find_in(services, &dataset, id).await?;
    Ok((dataset, document))
}

/// The same, to change it.
///
/// # Errors
/// As [`find`], and 403 for a role that may not.
#[boxed]
pub async fn find_to_edit(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    id: DocumentId,
) -> Result<(Dataset, Document)> {
    principal.require(Permission::DatasetEdit)?;
    find(services, principal, dataset, id).await
}

/// One page.
///
/// # Errors
/// As for the knowledge base.
#[boxed]
pub async fn list(
    services: &Services,
    principal: &Principal,
    id: DatasetId,
    filter: &DocumentFilter,
) -> Result<Page<DocumentView>> {
    let dataset = datasets::find(services, principal, id).await?;
    let (found, total) = repo::documents::list(&services.db, id, filter).await?;
    let items = views(services, &dataset, found).await?;
    Ok(Page { page: filter.page, limit: filter.limit, total, items })
}

/// Documents with what is shown beside them.
///
/// # Errors
/// When it cannot be read.
#[boxed]
pub async fn views(services: &Services, dataset: &Dataset, documents: Vec<Document>) -> Result<Vec<DocumentView>> {
    let ids: Vec<DocumentId> = documents.iter().map(|document| document.id).collect();
    let counts = repo::documents::segment_counts(&services.db, &ids).await?;
    let file_ids: Vec<FileId> = documents.iter().filter_map(|document| document.file_id).collect();
    let mut files: HashMap<FileId, UploadFile> = HashMap::new();
    for ids in file_ids.chunks(300) {
        let found = repo::upload_files::find_all(&services.db, dataset.tenant_id, ids).await?;
        files.extend(found.into_iter().map(|file| (file.id, file)));
    }
    let mut fields = repo::dataset_metadata::of_datasets(&services.db, dataset.tenant_id, &[dataset.id]).await?;
    let fields = fields.remove(&dataset.id).unwrap_or_default();
    let view = |document: Document| DocumentView {
        file: document.file_id.and_then(|id| files.get(&id).cloned()),
        counts: counts.get(&document.id).copied().unwrap_or_default(),
        metadata: metadata::values(dataset, &fields, &document),
        document,
    };
    Ok(documents.into_iter().map(view).collect())
}

/// One with what is shown beside it.
///
/// # Errors
/// As [`find`].
#[boxed]
pub async fn view(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    id: DocumentId,
) -> Result<(Dataset, DocumentView)> {
    let (dataset, document) = find(services, principal, dataset, id).await?;
    let view = views(services, &dataset, vec![document]).await?.pop().ok_or_else(not_there)?;
    Ok((dataset, view))
}

/// How far documents are that were made together; all of the knowledge base without a batch.
///
/// # Errors
/// 404 for an unknown batch.
#[boxed]
pub async fn progress(
    services: &Services,
    principal: &Principal,
    id: DatasetId,
    batch: Option<&str>,
) -> Result<Vec<(Document, SegmentCounts)>> {
    let dataset = datasets::find(services, principal, id).await?;
    let found = repo::documents::of_batch(&services.db, dataset.id, batch).await?;
    if found.is_empty() && batch.is_some() {
        return Err(Error::not_found("Documents not found."));
    }
    with_counts(services, found).await
}

async fn with_counts(services: &Services, documents: Vec<Document>) -> Result<Vec<(Document, SegmentCounts)>> {
    let ids: Vec<DocumentId> = documents.iter().map(|document| document.id).collect();
    let counts = repo::documents::segment_counts(&services.db, &ids).await?;
    let pair = |document: Document| {
        let counts = counts.get(&document.id).copied().unwrap_or_default();
        (document, counts)
    };
    Ok(documents.into_iter().map(pair).collect())
}

/// How far one is.
///
/// # Errors
/// As [`find`].
#[boxed]
pub async fn progress_of(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    id: DocumentId,
) -> Result<(Document, SegmentCounts)> {
    let (_, document) = find(services, principal, dataset, id).await?;
    with_counts(services, vec![document]).await?.pop().ok_or_else(not_there)
}

/// Those that failed.
///
/// # Errors
/// As for the knowledge base.
#[boxed]
pub async fn failed(
    services: &Services,
    principal: &Principal,
    id: DatasetId,
) -> Result<Vec<(Document, SegmentCounts)>> {
    datasets::find(services, principal, id).await?;
    with_counts(services, repo::documents::failed(&services.db, id).await?).await
}

/// The rule of a document, else the latest of its knowledge base.
///
/// # Errors
/// As [`find`].
#[boxed]
pub async fn rule(services: &Services, dataset: DatasetId, id: Option<Uuid>) -> Result<Option<ProcessRuleRow>> {
    Ok(match id {
        Some(id) => repo::datasets::rule(&services.db, dataset, id).await?,
        None => repo::datasets::latest_rule(&services.db, dataset).await?,
    })
}

/// The rule of a document wherever it is in the workspace.
///
/// # Errors
/// 404 and 403 as for its knowledge base.
#[boxed]
pub async fn rule_of_document(
    services: &Services,
    principal: &Principal,
    id: DocumentId,
) -> Result<Option<ProcessRuleRow>> {
    let found = repo::documents::anywhere(&services.db, principal.tenant_id(), id).await?.ok_or_else(not_there)?;
    datasets::find(services, principal, found.dataset_id).await?;
    rule(services, found.dataset_id, found.dataset_process_rule_id).await
}

/// Deletes some: what is not there is passed over, what is being worked on stops.
///
/// # Errors
/// As for the knowledge base.
#[boxed]
pub async fn delete(
    services: &Arc<Services>,
    principal: &Principal,
    dataset: DatasetId,
    ids: &[DocumentId],
) -> Result<()> {
    let dataset = datasets::find_to_edit(services, principal, dataset).await?;
    let found = repo::documents::find_all(&services.db, dataset.tenant_id, dataset.id, ids).await?;
    let ids: Vec<DocumentId> = found.iter().map(|document| document.id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let tx = services.db.begin().await?;
    for chunk in ids.chunks(300) {
        repo::index_nodes::remove(&tx, dataset.tenant_id, dataset.id, &IndexNodes::Documents(chunk)).await?;
    }
    let files = repo::documents::delete(&tx, dataset.id, &ids).await?;
    for id in &ids {
        repo::datasets::begin_removal(&tx, dataset.tenant_id, Gone::Document(*id)).await?;
    }
    tx.commit().await?;
    super::index_changed(services, dataset.tenant_id, dataset.id);
    removal::remove_files(services, Some(dataset.tenant_id), &files).await?;
    removal::start(services, Gone::Dataset(dataset.id));
    Ok(())
}

/// Deletes one; for the Service API, which names what it cannot.
///
/// # Errors
/// 404 for an unknown one, 403 for an archived one.
#[boxed]
pub async fn delete_one(
    services: &Arc<Services>,
    principal: &Principal,
    dataset: DatasetId,
    id: DocumentId,
) -> Result<()> {
    let dataset = datasets::find_to_edit(services, principal, dataset).await?;
    let found = repo::documents::find(&services.db, dataset.tenant_id, dataset.id, id).await?;
    let document = found.ok_or_else(|| Error::not_found("Document Not Exists."))?;
    require_open(&document)?;
    delete(services, principal, dataset.id, &[id]).await
}

fn require_open(document: &Document) -> Result<()> {
    if document.archived {
        return Err(Error::new(403, "archived_document_immutable", "The archived document is not editable."));
    }
    Ok(())
}

/// What can be done to many documents at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    Enable,
    Disable,
    Archive,
    Unarchive,
}

impl Switch {
    /// Reads the name.
    ///
    /// # Errors
    /// 400 for another word.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(match text {
            "enable" => Self::Enable,
            "disable" => Self::Disable,
            "archive" => Self::Archive,
            "un_archive" => Self::Unarchive,
            _ => {
                let text =
                    format!("Invalid action: {text}. Must be one of ['enable', 'disable', 'archive', 'un_archive']");
                return Err(Error::new(400, "invalid_action", text));
            }
        })
    }
}

/// Switches documents; unknown ones are passed over. What can be found changes in the same step.
///
/// # Errors
/// 400 for one that is not completed.
#[boxed]
pub async fn switch(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    ids: &[DocumentId],
    switch: Switch,
) -> Result<()> {
    let dataset = datasets::find_to_edit(services, principal, dataset).await?;
    let account = principal.account_id()?;
    let found = repo::documents::find_all(&services.db, dataset.tenant_id, dataset.id, ids).await?;
    for document in &found {
        if switch == Switch::Disable && document.completed_at.is_none() {
            return Err(Error::new(400, "invalid_action", format!("Document: {} is not completed.", document.name)));
        }
    }
    let by = Some((account, now()));
    let tx = services.db.begin().await?;
    for document in found {
        let (was, id) = (document.enabled && !document.archived, document.id);
        let (enabled, archived) = match switch {
            Switch::Enable => (true, document.archived),
            Switch::Disable => (false, document.archived),
            Switch::Archive => (document.enabled, true),
            Switch::Unarchive => (document.enabled, false),
        };
        if enabled != document.enabled {
            repo::documents::set_enabled(&tx, id, by.filter(|_| !enabled)).await?;
        }
        if archived != document.archived {
            repo::documents::set_archived(&tx, id, by.filter(|_| archived)).await?;
        }
        let is = enabled && !archived;
        if is != was {
            let all = IndexNodes::Documents(&[id]);
            repo::index_nodes::set_active(&tx, dataset.tenant_id, dataset.id, &all, is).await?;
        }
        if is && !was {
            // Chunks that somebody switched off stay off.
            let off = repo::segments::off(&tx, id).await?;
            for off in off.chunks(300) {
                let off = IndexNodes::Segments(off);
                repo::index_nodes::set_active(&tx, dataset.tenant_id, dataset.id, &off, false).await?;
            }
        }
    }
    tx.commit().await?;
    super::index_changed(services, dataset.tenant_id, dataset.id);
    Ok(())
}

/// Stops the work on a document, or lets it go on.
///
/// # Errors
/// 400 when its state is another, 403 for an archived one.
#[boxed]
pub async fn set_paused(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    id: DocumentId,
    paused: bool,
) -> Result<()> {
    let (_, document) = find_to_edit(services, principal, dataset, id).await?;
    require_open(&document)?;
    let account = principal.account_id()?;
    let tx = services.db.begin().await?;
    let done = repo::documents::set_paused(&tx, id, paused.then(|| (account, now()))).await?;
    tx.commit().await?;
    if !done {
        let text = if paused { "Cannot pause completed document." } else { "Document is not in paused status." };
        return Err(Error::new(400, "document_indexing", text));
    }
    services.knowledge.wake();
    Ok(())
}

/// Lets failed documents begin anew; the others are passed over.
///
/// # Errors
/// As for the knowledge base.
#[boxed]
pub async fn retry(services: &Services, principal: &Principal, dataset: DatasetId, ids: &[DocumentId]) -> Result<()> {
    let dataset = datasets::find_to_edit(services, principal, dataset).await?;
    let tx = services.db.begin().await?;
    repo::documents::retry(&tx, dataset.id, ids).await?;
    tx.commit().await?;
    let paused = repo::documents::find_all(&services.db, dataset.tenant_id, dataset.id, ids).await?;
    for document in paused.iter().filter(|document| document.is_paused) {
        let tx = services.db.begin().await?;
        repo::documents::set_paused(&tx, document.id, None).await?;
        tx.commit().await?;
    }
    services.knowledge.wake();
    Ok(())
}

/// Gives a document another name.
///
/// # Errors
/// 400 for an empty one.
#[boxed]
pub async fn rename(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    id: DocumentId,
    name: &str,
) -> Result<DocumentView> {
    let (dataset, mut document) = find_to_edit(services, principal, dataset, id).await?;
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 255 {
        return Err(Error::invalid_field("name", "name must have 1 to 255 characters."));
    }
    name.clone_into(&mut document.name);
    let tx = services.db.begin().await?;
    repo::documents::rename(&tx, id, name, document.file_id).await?;
    if dataset.built_in_field_enabled {
        document = metadata::with_built_in(&dataset, document, None);
        let (kind, values) = (document.doc_type.clone(), document.doc_metadata.clone());
        repo::documents::set_metadata(&tx, id, kind.as_deref(), values).await?;
    }
    tx.commit().await?;
    let document = find_in(services, &dataset, id).await?;
    views(services, &dataset, vec![document]).await?.pop().ok_or_else(not_there)
}

/// The file of a document.
///
/// # Errors
/// 404 when it has none (any more).
#[boxed]
pub async fn file(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    id: DocumentId,
) -> Result<UploadFile> {
    let (dataset, document) = find(services, principal, dataset, id).await?;
    let gone = || Error::not_found("Uploaded file not found.");
    let file = document.file_id.ok_or_else(gone)?;
    services.files.find(dataset.tenant_id, file).await?.ok_or_else(gone)
}

/// The files of several documents with names that differ.
///
/// # Errors
/// 404 for an unknown document or one without a file.
#[boxed]
pub async fn files_to_download(
    services: &Services,
    principal: &Principal,
    dataset: DatasetId,
    ids: &[DocumentId],
) -> Result<Vec<(String, UploadFile)>> {
    let dataset = datasets::find(services, principal, dataset).await?;
    let found = repo::documents::find_all(&services.db, dataset.tenant_id, dataset.id, ids).await?;
    if found.len() < ids.iter().collect::<std::collections::HashSet<_>>().len() {
        return Err(not_there());
    }
    let mut names: HashMap<String, u32> = HashMap::new();
    let mut out = Vec::with_capacity(found.len());
    for document in found {
        let gone = || Error::not_found(format!("Uploaded file of document {} not found.", document.name));
        let id = document.file_id.ok_or_else(gone)?;
        let file = services.files.find(dataset.tenant_id, id).await?.ok_or_else(gone)?;
        let name = distinct(&mut names, &document.name, &file.extension);
        out.push((name, file));
    }
    Ok(out)
}

/// `name.ext`, `name (1).ext`, …
fn distinct(names: &mut HashMap<String, u32>, name: &str, extension: &str) -> String {
    let name = name.replace(['/', '\\', '\0'], "_");
    let (stem, suffix) = match name.rsplit_once('.') {
        Some((stem, suffix)) if !stem.is_empty() => (stem.to_owned(), format!(".{suffix}")),
        _ if extension.is_empty() => (name.clone(), String::new()),
        _ => (name.clone(), format!(".{extension}")),
    };
    let mut wanted = format!("{stem}{suffix}");
    let mut number = names.get(&wanted).copied().unwrap_or(0);
    if number > 0 || names.contains_key(&wanted) {
        let first = wanted.clone();
        while names.contains_key(&wanted) {
            number += 1;
            wanted = format!("{stem} ({number}){suffix}");
        }
        names.insert(first, number);
    }
    names.insert(wanted.clone(), 0);
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_an_archive_differ() {
        let mut names = HashMap::new();
        let got: Vec<String> = [("a.txt", "txt"), ("a.txt", "txt"), ("b", "txt"), ("a.txt", "txt"), ("../x", "")]
            .into_iter()
            .map(|(name, extension)| distinct(&mut names, name, extension))
            .collect();
        assert_eq!(got, ["a.txt", "a (1).txt", "b.txt", "a (2).txt", ".._x"]);
    }

    #[test]
    fn a_batch_is_twenty_digits() {
        let name = batch_name();
        assert!(name.len() == 20 && name.bytes().all(|byte| byte.is_ascii_digit()), "{name}");
    }
}
