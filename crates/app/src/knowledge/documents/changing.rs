//! Documents that get another source, rule or name.

use std::sync::Arc;

use ox_db::{
    model::{Dataset, Document},
    repo,
};
use ox_types::{DatasetId, DocumentId, FileId, Json, boxed};

use super::{
    super::{
        datasets, metadata, removal,
        sources::pages::{self, SourcePage},
        summaries,
    },
    Made, NewDocuments,
    adding::{Origin, Rule, batch_name, check_form, files_of, origins_of, rule_of},
    anew, display_status, find_in, not_there,
    rows::waiting,
};
use crate::{Error, Principal, Result, Services};

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
        need_summary: summaries::are_wanted(&dataset, &form),
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
    let replaced: Vec<FileId> = before.filter(|before| fresh.file_id != Some(*before)).into_iter().collect();
    removal::remove_replaced(services, dataset.tenant_id, &replaced).await;
    Ok(Made { batch: fresh.batch.clone(), documents: vec![fresh], dataset })
}

/// The page that a document is made of.
pub(in super::super) fn page_of(known: &Document) -> SourcePage {
    SourcePage {
        kind: known.data_source_type.clone(),
        info: known.data_source_info.clone().unwrap_or_default(),
        name: known.name.clone(),
    }
}

/// Takes a document's page anew: what is found of it now goes, and its text is fetched.
pub(in super::super) async fn anew_from(
    services: &Arc<Services>,
    dataset: &Dataset,
    known: Document,
    info: Json,
) -> Result<()> {
    let (id, before) = (known.id, known.file_id);
    let origin = Origin::Page(SourcePage { info, ..page_of(&known) });
    let fresh = Document {
        batch: known.batch.clone(),
        dataset_process_rule_id: known.dataset_process_rule_id,
        doc_form: known.doc_form.clone(),
        need_summary: known.need_summary,
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
