//! What is chosen in a datasource: as a value of a run, and as a document.

use ox_db::model::{Dataset, Document, UploadFile};
use ox_types::{AccountId, FileId, Json, Object, TenantId, Value, boxed};
use serde_json::{Map, json};
use uuid::Uuid;

use crate::{
    Error, Result, Services,
    files::FileReader,
    knowledge::{
        documents::{self, Known},
        sources::{Key, Provider, drives, key, notion, website},
    },
};

/// Documents of one run.
pub const MAX_ITEMS: usize = 500;
const MAX_NAME: usize = 255;

fn text<'a>(json: &'a Json, name: &str) -> &'a str {
    json.get(name).and_then(Json::as_str).unwrap_or_default()
}

fn first<'a>(json: &'a Json, names: &[&str]) -> &'a str {
    names.iter().map(|name| text(json, name)).find(|text| !text.is_empty()).unwrap_or_default()
}

/// The file of an item.
fn file_id(item: &Json) -> Result<FileId> {
    let id = first(item, &["related_id", "upload_file_id", "real_file_id", "reference"]);
    let id: Uuid =
        id.parse().map_err(|_| Error::invalid_field("datasource_info_list", "related_id must be a file's id."))?;
    Ok(FileId(id))
}

async fn file(services: &Services, tenant: TenantId, item: &Json) -> Result<UploadFile> {
    let found = services.files.find(tenant, file_id(item)?).await?;
    found.ok_or_else(|| Error::not_found("The file of a document was not found. Upload it again."))
}

/// What was chosen, as `sys.datasource_info`.
///
/// # Errors
/// 400 for what is no item of this kind, or is not there any more.
#[boxed]
pub async fn value(services: &Services, tenant: TenantId, kind: &str, item: &Json) -> Result<Value> {
    match kind {
        "local_file" => {
            let file = file(services, tenant, item).await?;
            let mapping = json!({"transfer_method": "local_file", "upload_file_id": file.id, "type": "document"});
            let reader = FileReader { store: &services.files, tenant_id: tenant, end_user: None, strict: false };
            Ok(Value::from(reader.one(&mapping, None).await?))
        }
        "website_crawl" => website_page(services, tenant, item).await,
        "online_document" => Ok(Value::from_json(item)),
        "online_drive" => {
            checked_drive_file(item)?;
            Ok(Value::from_json(item))
        }
        other => Err(unknown(other)),
    }
}

fn unknown(kind: &str) -> Error {
    Error::invalid_field(
        "datasource_type",
        format!("datasource_type must be local_file, online_document, online_drive or website_crawl, not '{kind}'."),
    )
}

/// A file of a drive: `{bucket?, id, name, size, type, credential_id?}`.
fn checked_drive_file(item: &Json) -> Result<()> {
    let wrong = |why: &str| Err(Error::invalid_field("datasource_info_list", why));
    if text(item, "id").is_empty() {
        return wrong("id is required.");
    }
    if !["", "file"].contains(&text(item, "type")) || text(item, "id").ends_with('/') {
        return wrong("Choose the files of a folder, not the folder.");
    }
    Ok(())
}

/// A page of a website; one whose text was not kept is fetched.
async fn website_page(services: &Services, tenant: TenantId, item: &Json) -> Result<Value> {
    let url = first(item, &["source_url", "url"]);
    if url.is_empty() {
        return Err(Error::invalid_field("datasource_info_list", "source_url is required."));
    }
    let mut fields: Map<String, Json> = item.as_object().cloned().unwrap_or_default();
    fields.insert("source_url".into(), json!(url));
    if text(item, "content").trim().is_empty() {
        let provider = Provider::of_website(first(item, &["provider"])).unwrap_or(Provider::Firecrawl);
        let main = item.get("only_main_content").and_then(Json::as_bool).unwrap_or(false);
        let key = key(services, tenant, provider, None).await?;
        let page = website::scrape(services, &key, url, main).await?;
        fields.insert("content".into(), json!(page.content));
        for (name, told) in [("title", page.title), ("description", page.description)] {
            if text(item, name).is_empty() {
                fields.insert(name.into(), json!(told));
            }
        }
    }
    for name in ["title", "description"] {
        fields.entry(name).or_insert_with(|| json!(""));
    }
    Ok(Value::from_json(&Json::Object(fields)))
}

/// The document that is to be made of an item.
///
/// # Errors
/// As [`value`].
#[boxed]
pub async fn document(
    services: &Services,
    dataset: &Dataset,
    account: AccountId,
    kind: &str,
    item: &Json,
) -> Result<Document> {
    let (name, info, file_id) = match kind {
        "local_file" => {
            let file = file(services, dataset.tenant_id, item).await?;
            let info = json!({"related_id": file.id, "upload_file_id": file.id, "name": file.name,
                "extension": file.extension, "transfer_method": "local_file", "type": "document"});
            let name = Some(text(item, "name").trim()).filter(|name| !name.is_empty()).unwrap_or(&file.name);
            (name.to_owned(), info, Some(file.id))
        }
        "website_crawl" => {
            let url = first(item, &["source_url", "url"]);
            if url.is_empty() {
                return Err(Error::invalid_field("datasource_info_list", "source_url is required."));
            }
            let title = Some(text(item, "title").trim()).filter(|title| !title.is_empty()).unwrap_or(url);
            let info = json!({"url": url, "source_url": url, "title": text(item, "title"),
                "description": text(item, "description"), "provider": text(item, "provider")});
            (title.to_owned(), info, None)
        }
        "online_document" => {
            let page = item.get("page").unwrap_or(item);
            if text(page, "page_id").is_empty() {
                return Err(Error::invalid_field("datasource_info_list", "page.page_id is required."));
            }
            let name = Some(text(page, "page_name").trim()).filter(|name| !name.is_empty()).unwrap_or("Untitled");
            (name.to_owned(), item.clone(), None)
        }
        "online_drive" => {
            checked_drive_file(item)?;
            let (id, given) = (text(item, "id"), text(item, "name").trim());
            let name = drives::safe_name(if given.is_empty() { id.rsplit('/').next().unwrap_or(id) } else { given });
            let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase()).unwrap_or_default();
            let info = json!({"id": id, "bucket": item.get("bucket"), "name": name, "extension": extension,
                "size": item.get("size"), "type": "file", "credential_id": item.get("credential_id")});
            (name, info, None)
        }
        other => return Err(unknown(other)),
    };
    let name: String = name.replace('\0', "").chars().take(MAX_NAME).collect();
    let known = Known { kind, info, file_id, name: &name };
    Ok(documents::blank(dataset, known, account, "rag-pipeline"))
}

/// The text of an online document, and what is known of it.
///
/// # Errors
/// 400 with what the service says.
#[boxed]
pub async fn online_document(
    services: &Services,
    tenant: TenantId,
    provider: Provider,
    info: &Json,
    credential: Option<Uuid>,
) -> Result<Object> {
    if provider != Provider::Notion {
        return Err(Error::invalid(format!("{} has no online documents.", provider.label())));
    }
    let page = info.get("page").unwrap_or(info);
    let id = first(page, &["page_id", "notion_page_id"]);
    let key = key_of(services, tenant, provider, info, credential).await?;
    let content = notion::content(services, &key, id, text(page, "type")).await?;
    let mut out = Object::new();
    out.insert("workspace_id".into(), Value::from(text(info, "workspace_id")));
    out.insert("page_id".into(), Value::from(id));
    out.insert("title".into(), Value::from(text(page, "page_name")));
    out.insert("content".into(), Value::from(content));
    Ok(out)
}

/// A file of a drive as it is now.
///
/// # Errors
/// 400 with what the drive says, 413 when it is too large.
#[boxed]
pub async fn drive_file(
    services: &Services,
    tenant: TenantId,
    provider: Provider,
    info: &Json,
    credential: Option<Uuid>,
) -> Result<drives::Fetched> {
    let key = key_of(services, tenant, provider, info, credential).await?;
    let mut file = drives::fetch(services, &key, text(info, "bucket"), text(info, "id")).await?;
    let given = text(info, "name").trim();
    if !given.is_empty() {
        file.name = drives::safe_name(given);
    }
    Ok(file)
}

/// The credential that something was chosen with. One that is gone gives way to the workspace's usual one.
async fn key_of(
    services: &Services,
    tenant: TenantId,
    provider: Provider,
    info: &Json,
    credential: Option<Uuid>,
) -> Result<Key> {
    if let Some(own) = text(info, "credential_id").parse().ok().or(credential)
        && let Ok(key) = key(services, tenant, provider, Some(own)).await
    {
        return Ok(key);
    }
    key(services, tenant, provider, None).await
}
