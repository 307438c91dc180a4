//! Metadata: fields of a knowledge base and the values of its documents.
//!
//! Values live in `documents.doc_metadata` by name, those of the built-in fields too, so that filters read one map.

use ox_db::{
    model::{Dataset, Document, MetadataField},
    now, repo,
};
use ox_types::{AccountId, DatasetId, DocumentId, Json, boxed};
use serde_json::{Map, json};
use uuid::Uuid;

use super::{datasets, documents};
use crate::{Error, Principal, Result, Services};

/// The built-in fields and their types.
pub const BUILT_IN: [(&str, &str); 5] = [
    ("document_name", "string"),
    ("uploader", "string"),
    ("upload_date", "time"),
    ("last_update_date", "time"),
    ("source", "string"),
];
/// Characters of a name.
const MAX_NAME: usize = 255;
/// Documents of one transaction.
const BATCH: u64 = 200;

/// A value as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// None for a built-in field.
    pub id: Option<Uuid>,
    pub name: String,
    pub kind: String,
    pub value: Option<String>,
}

/// A field with the number of documents that have a value of it.
#[derive(Clone, Debug)]
pub struct FieldView {
    pub field: MetadataField,
    pub count: u64,
}

/// Values of one document that are to be stored.
#[derive(Clone, Debug)]
pub struct Operation {
    pub document_id: DocumentId,
    /// `(field, value)`.
    pub values: Vec<(Uuid, Json)>,
    /// Keeps the values that are not named.
    pub partial: bool,
}

fn text_of(value: &Json) -> Option<String> {
    match value {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// The values of a document as they are shown; `None` when there are none to show.
#[must_use]
pub fn values(dataset: &Dataset, fields: &[MetadataField], document: &Document) -> Option<Vec<Value>> {
    let map = document.doc_metadata.as_ref()?.as_object()?;
    let mut out: Vec<Value> = fields
        .iter()
        .filter_map(|field| {
            let value = map.get(&field.name)?;
            Some(Value {
                id: Some(field.id),
                name: field.name.clone(),
                kind: field.kind.clone(),
                value: text_of(value),
            })
        })
        .collect();
    if dataset.built_in_field_enabled {
        out.extend(BUILT_IN.iter().map(|(name, kind)| Value {
            id: None,
            name: (*name).to_owned(),
            kind: (*kind).to_owned(),
            value: map.get(*name).and_then(text_of),
        }));
    }
    (!out.is_empty()).then_some(out)
}

fn seconds(at: chrono::DateTime<chrono::Utc>) -> Json {
    // Whole milliseconds as a fraction of seconds.
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of our times are far below 2^53")]
    let value = at.timestamp_millis() as f64 / 1000.0;
    json!(value)
}

/// The document with the values of the built-in fields, where they are on.
pub(crate) fn with_built_in(dataset: &Dataset, mut document: Document, author: Option<&str>) -> Document {
    if !dataset.built_in_field_enabled {
        return document;
    }
    let mut map = document.doc_metadata.take().and_then(|json| json.as_object().cloned()).unwrap_or_default();
    let source = match document.data_source_type.as_str() {
        "website_crawl" => "website",
        "notion_import" => "notion",
        "upload_file" | "local_file" => "file_upload",
        other => other,
    };
    map.insert("document_name".into(), json!(document.name));
    if let Some(author) = author {
        map.insert("uploader".into(), json!(author));
    }
    map.insert("upload_date".into(), seconds(document.created_at));
    map.insert("last_update_date".into(), seconds(document.updated_at));
    map.insert("source".into(), json!(source));
    document.doc_metadata = Some(Json::Object(map));
    document
}

/// The fields of a knowledge base.
///
/// # Errors
/// As for the knowledge base.
#[boxed]
pub async fn list(services: &Services, principal: &Principal, id: DatasetId) -> Result<(Dataset, Vec<FieldView>)> {
    let dataset = datasets::find(services, principal, id).await?;
    let mut found = repo::dataset_metadata::of_datasets(&services.db, dataset.tenant_id, &[id]).await?;
    let counts = repo::dataset_metadata::counts(&services.db, id).await?;
    let fields = found.remove(&id).unwrap_or_default();
    let view = |field: MetadataField| FieldView { count: counts.get(&field.id).copied().unwrap_or(0), field };
    Ok((dataset, fields.into_iter().map(view).collect()))
}

fn checked_name(name: &str) -> Result<String> {
    let name = name.replace('\0', "");
    let name = name.trim();
    if name.is_empty() {
        return Err(Error::invalid_field("name", "name: String should have at least 1 character"));
    }
    if name.chars().count() > MAX_NAME {
        return Err(Error::invalid_field("name", "Metadata name cannot exceed 255 characters."));
    }
    if BUILT_IN.iter().any(|(known, _)| *known == name) {
        return Err(Error::invalid("Metadata name already exists in Built-in fields."));
    }
    Ok(name.to_owned())
}

fn taken(error: ox_db::Error) -> Error {
    match error {
        ox_db::Error::Conflict(_) => Error::invalid("Metadata name already exists."),
        other => other.into(),
    }
}

/// A new field.
///
/// # Errors
/// 400 for a name that is taken or a type that is none.
#[boxed]
pub async fn create(
    services: &Services,
    principal: &Principal,
    id: DatasetId,
    kind: &str,
    name: &str,
) -> Result<MetadataField> {
    let dataset = datasets::find_to_edit(services, principal, id).await?;
    if !["string", "number", "time"].contains(&kind) {
        return Err(Error::invalid_field("type", "type: Input should be 'string', 'number' or 'time'"));
    }
    let at = now();
    let field = MetadataField {
        id: ox_types::new_uuid(),
        tenant_id: dataset.tenant_id,
        dataset_id: id,
        kind: kind.to_owned(),
        name: checked_name(name)?,
        created_by: principal.account_id()?,
        updated_by: None,
        created_at: at,
        updated_at: at,
    };
    let tx = services.db.begin().await?;
    repo::dataset_metadata::insert(&tx, field.clone()).await.map_err(taken)?;
    tx.commit().await?;
    Ok(field)
}

async fn field_of(services: &Services, dataset: DatasetId, field: Uuid) -> Result<MetadataField> {
    let found = repo::dataset_metadata::find(&services.db, dataset, field).await?;
    found.ok_or_else(|| Error::not_found("Metadata not found."))
}

/// Gives a field another name, in its documents too.
///
/// # Errors
/// 404 for an unknown field, 400 for a name that is taken.
#[boxed]
pub async fn rename(
    services: &Services,
    principal: &Principal,
    id: DatasetId,
    field: Uuid,
    name: &str,
) -> Result<MetadataField> {
    let dataset = datasets::find_to_edit(services, principal, id).await?;
    let name = checked_name(name)?;
    let old = field_of(services, id, field).await?;
    let tx = services.db.begin().await?;
    repo::dataset_metadata::rename(&tx, field, &name, principal.account_id()?).await.map_err(taken)?;
    for document in bound(&tx, &dataset, field).await? {
        rewrite(&tx, document, |map| {
            if let Some(value) = map.remove(&old.name) {
                map.insert(name.clone(), value);
            }
        })
        .await?;
    }
    tx.commit().await?;
    Ok(MetadataField { name, ..old })
}

async fn bound(tx: &ox_db::Tx, dataset: &Dataset, field: Uuid) -> Result<Vec<Document>> {
    let ids = repo::dataset_metadata::bound(tx, field).await?;
    Ok(repo::documents::find_all(tx, dataset.tenant_id, dataset.id, &ids).await?)
}

async fn rewrite(tx: &ox_db::Tx, document: Document, change: impl FnOnce(&mut Map<String, Json>) + Send) -> Result<()> {
    let mut map = document.doc_metadata.and_then(|json| json.as_object().cloned()).unwrap_or_default();
    change(&mut map);
    let json = (!map.is_empty()).then_some(Json::Object(map));
    Ok(repo::documents::set_metadata(tx, document.id, document.doc_type.as_deref(), json).await?)
}

/// Removes a field with its values.
///
/// # Errors
/// 404 for an unknown field.
#[boxed]
pub async fn delete(services: &Services, principal: &Principal, id: DatasetId, field: Uuid) -> Result<MetadataField> {
    let dataset = datasets::find_to_edit(services, principal, id).await?;
    let old = field_of(services, id, field).await?;
    let tx = services.db.begin().await?;
    for document in bound(&tx, &dataset, field).await? {
        rewrite(&tx, document, |map| drop(map.remove(&old.name))).await?;
    }
    repo::dataset_metadata::delete(&tx, field).await?;
    tx.commit().await?;
    Ok(old)
}

/// Shows the built-in fields in all documents, or not.
///
/// # Errors
/// As for the knowledge base.
#[boxed]
pub async fn set_built_in(services: &Services, principal: &Principal, id: DatasetId, enabled: bool) -> Result<()> {
    let mut dataset = datasets::find_to_edit(services, principal, id).await?;
    if dataset.built_in_field_enabled == enabled {
        return Ok(());
    }
    dataset.built_in_field_enabled = enabled;
    dataset.updated_at = now();
    // New documents have them from here on; then those that are there.
    let tx = services.db.begin().await?;
    repo::datasets::update(&tx, dataset.clone()).await?;
    tx.commit().await?;
    let mut page = 1;
    loop {
        let order = repo::documents::DocumentOrder::Oldest;
        let filter = repo::documents::DocumentFilter { order, page, limit: BATCH, ..Default::default() };
        let (found, _) = repo::documents::list(&services.db, id, &filter).await?;
        if found.is_empty() {
            return Ok(());
        }
        let authors: Vec<AccountId> = found.iter().map(|document| document.created_by).collect();
        let people = services.people(&authors).await?;
        let tx = services.db.begin().await?;
        for document in found {
            if enabled {
                let author = people.get(&document.created_by).map(|account| account.name.clone());
                let document = with_built_in(&dataset, document, author.as_deref());
                let kind = document.doc_type.as_deref();
                repo::documents::set_metadata(&tx, document.id, kind, document.doc_metadata).await?;
            } else {
                rewrite(&tx, document, |map| map.retain(|name, _| BUILT_IN.iter().all(|(known, _)| known != name)))
                    .await?;
            }
        }
        tx.commit().await?;
        page += 1;
    }
}

fn checked_value(field: &MetadataField, value: Json) -> Result<Json> {
    let wrong = || Error::invalid_field("value", format!("The value of {} must be a {}.", field.name, field.kind));
    match (field.kind.as_str(), value) {
        (_, Json::Null) => Ok(Json::Null),
        ("string", Json::String(text)) => Ok(Json::String(text.replace('\0', ""))),
        ("string", other) => Ok(Json::String(other.to_string())),
        (_, Json::Number(number)) => Ok(Json::Number(number)),
        (_, Json::String(text)) => {
            let number: f64 = text.trim().parse().map_err(|_| wrong())?;
            serde_json::from_str::<Json>(text.trim()).ok().filter(Json::is_number).map_or_else(|| Ok(json!(number)), Ok)
        }
        _ => Err(wrong()),
    }
}

/// Stores values of several documents, all of them or none.
///
/// # Errors
/// 404 for an unknown document or field, 400 for a value of another type.
#[boxed]
pub async fn assign(
    services: &Services,
    principal: &Principal,
    id: DatasetId,
    operations: Vec<Operation>,
) -> Result<()> {
    let dataset = datasets::find_to_edit(services, principal, id).await?;
    let account = principal.account_id()?;
    let mut fields = repo::dataset_metadata::of_datasets(&services.db, dataset.tenant_id, &[id]).await?;
    let fields = fields.remove(&id).unwrap_or_default();
    let tx = services.db.begin().await?;
    for Operation { document_id, values, partial } in operations {
        let found = repo::documents::find(&tx, dataset.tenant_id, id, document_id).await?;
        let document = found.ok_or_else(|| Error::not_found("Document not found."))?;
        let mut named = Vec::with_capacity(values.len());
        for (field, value) in values {
            let field = fields.iter().find(|known| known.id == field);
            let field = field.ok_or_else(|| Error::not_found("Metadata not found."))?;
            named.push((field, checked_value(field, value)?));
        }
        let ids: Vec<Uuid> = named.iter().map(|(field, _)| field.id).collect();
        let place = (dataset.tenant_id, id, document_id);
        repo::dataset_metadata::bind(&tx, place, &ids, account, !partial).await?;
        rewrite(&tx, document, |map| {
            if !partial {
                map.retain(|name, _| BUILT_IN.iter().any(|(known, _)| known == name));
            }
            for (field, value) in named {
                map.insert(field.name.clone(), value);
            }
        })
        .await?;
    }
    Ok(tx.commit().await?)
}

/// What kinds of documents there were before fields were free.
const KINDS: [&str; 11] = [
    "book",
    "web_page",
    "paper",
    "social_media_post",
    "wikipedia_entry",
    "personal_document",
    "business_document",
    "im_chat_log",
    "synced_from_notion",
    "synced_from_github",
    "others",
];

/// Says what kind of document one is, with values of that kind; the values of fields stay.
///
/// # Errors
/// 404 for an unknown document, 400 for an unknown kind or values that are none.
#[boxed]
pub async fn set_kind(
    services: &Services,
    principal: &Principal,
    (dataset, id): (DatasetId, DocumentId),
    kind: &str,
    values: &Json,
) -> Result<()> {
    let (_, document) = documents::find_to_edit(services, principal, dataset, id).await?;
    if !KINDS.contains(&kind) {
        return Err(Error::invalid_field("doc_type", "Invalid doc_type."));
    }
    let Some(values) = values.as_object() else {
        return Err(Error::invalid_field("doc_metadata", "doc_metadata must be a dictionary."));
    };
    let mut kept = document.doc_metadata.as_ref().and_then(Json::as_object).cloned().unwrap_or_default();
    kept.extend(values.clone());
    let tx = services.db.begin().await?;
    repo::documents::set_metadata(&tx, id, Some(kind), Some(Json::Object(kept))).await?;
    Ok(tx.commit().await?)
}
