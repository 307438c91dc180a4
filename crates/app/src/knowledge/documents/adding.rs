//! New documents, from files or pages.

use std::{collections::HashMap, sync::Arc};

use ox_db::{
    model::{Dataset, Document, ProcessRuleRow, UploadFile},
    now, repo,
};
use ox_rag::{ProcessRule, RuleError};
use ox_types::{AccountId, DatasetId, FileId, Json, boxed};
use rand::RngExt as _;
use uuid::Uuid;

use super::{
    super::{
        datasets::{self, Indexing},
        metadata, removal,
        sources::pages::{self, SourcePage},
        summaries,
    },
    FORMS, anew,
    rows::waiting,
};
use crate::{Error, Principal, Result, Services, files::Upload, principal::Permission};

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
pub(in super::super) fn check_rule(json: &Json) -> Result<()> {
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
pub(super) enum Origin {
    File(Box<UploadFile>),
    Page(SourcePage),
}

impl Origin {
    pub(super) fn of(file: UploadFile) -> Self {
        Self::File(Box::new(file))
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Self::File(file) => &file.name,
            Self::Page(page) => &page.name,
        }
    }

    pub(super) fn kind(&self) -> &str {
        match self {
            Self::File(_) => "upload_file",
            Self::Page(page) => &page.kind,
        }
    }
}

pub(super) async fn origins_of(services: &Services, principal: &Principal, new: &NewDocuments) -> Result<Vec<Origin>> {
    if new.pages.is_empty() {
        return Ok(files_of(services, principal, &new.files).await?.into_iter().map(Origin::of).collect());
    }
    let mut found = new.pages.clone();
    pages::named(services, principal.tenant_id(), &mut found).await?;
    Ok(found.into_iter().map(Origin::Page).collect())
}

pub(super) async fn files_of(services: &Services, principal: &Principal, ids: &[FileId]) -> Result<Vec<UploadFile>> {
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
    if let Some(setting) = new.summary_index_setting.clone().filter(|json| !json.is_null()) {
        dataset.summary_index_setting = Some(summaries::checked(setting)?);
    }
    let need_summary = summaries::are_wanted(&dataset, &form);
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
    let mut replaced = Vec::new();
    for origin in &origins {
        let name = new.name.clone().unwrap_or_else(|| origin.name().to_owned());
        let known = if new.duplicate { repo::documents::named(&tx, dataset.id, &name).await? } else { None };
        let fresh = Document {
            name,
            batch: batch.clone(),
            dataset_process_rule_id: Some(rule_id),
            doc_language: Some(new.doc_language.clone().unwrap_or_else(|| "English".into())),
            doc_form: form.clone(),
            need_summary,
            ..waiting(&dataset, origin, account, new.created_from)
        };
        let fresh = match known {
            Some(known) => {
                replaced.extend(known.file_id.filter(|before| fresh.file_id != Some(*before)));
                anew(known, fresh)
            }
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
    removal::remove_replaced(services, dataset.tenant_id, &replaced).await;
    Ok(Made { dataset, documents: made, batch })
}

pub(super) async fn check_form(services: &Services, dataset: &Dataset, is_new: bool, form: &str) -> Result<()> {
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

pub(super) enum Rule {
    New(ProcessRuleRow),
    Known(Uuid),
}

impl Rule {
    pub(super) const fn id(&self) -> Uuid {
        match self {
            Self::New(row) => row.id,
            Self::Known(id) => *id,
        }
    }
}

pub(super) async fn rule_of(
    services: &Services,
    dataset: &Dataset,
    account: AccountId,
    new: &NewDocuments,
) -> Result<Rule> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_twenty_digits() {
        let name = batch_name();
        assert!(name.len() == 20 && name.bytes().all(|byte| byte.is_ascii_digit()), "{name}");
    }
}
