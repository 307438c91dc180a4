//! Documents made of pages: what they are known by, how their text comes, and how it comes anew.

use std::{collections::HashSet, sync::Arc};

use ox_db::{
    model::{Dataset, Document, UploadFile},
    repo,
};
use ox_types::{DatasetId, DocumentId, Json, TenantId, boxed};
use serde_json::json;
use uuid::Uuid;

use super::{Provider, notion, website, wire::text};
use crate::{
    Error, Principal, Result, Services,
    knowledge::{datasets, documents},
    principal::Permission,
};

/// Documents of one request.
pub const MAX_PAGES: usize = 500;
const MAX_NAME: usize = 255;

/// A page that a document is to be made of.
#[derive(Clone, Debug, PartialEq)]
pub struct SourcePage {
    /// `website_crawl` or `notion_import`.
    pub kind: String,
    /// `data_source_info` of the document.
    pub info: Json,
    /// Empty where it is not known yet: then the page's title.
    pub name: String,
}

fn cut(name: &str) -> String {
    name.chars().take(MAX_NAME).collect()
}

/// The pages of a website, as requests name them: `{provider, job_id, urls, only_main_content}`.
///
/// # Errors
/// 400 for an unknown provider, or more than may be at a time.
pub fn website_pages(list: &Json) -> Result<Vec<SourcePage>> {
    let provider = Provider::of_website(&text(list, "provider"))?;
    let urls: Vec<&str> =
        list.get("urls").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect();
    check_count(urls.len())?;
    let main = list.get("only_main_content").and_then(Json::as_bool).unwrap_or(false);
    let page = |url: &&str| SourcePage {
        kind: "website_crawl".to_owned(),
        info: json!({
            "url": url,
            "provider": provider.name(),
            "job_id": text(list, "job_id"),
            "only_main_content": main,
            "mode": "crawl",
        }),
        name: String::new(),
    };
    Ok(urls.iter().map(page).collect())
}

fn check_count(count: usize) -> Result<()> {
    match count {
        0 => Err(Error::invalid("No source info found")),
        1..=MAX_PAGES => Ok(()),
        _ => Err(Error::invalid(format!("At most {MAX_PAGES} pages can be added at a time."))),
    }
}

/// The pages of Notion, as requests name them: `[{credential_id, workspace_id, pages: [{page_id, page_name, page_icon,
/// type}]}]`.
///
/// # Errors
/// 400 for more than may be at a time.
pub fn notion_pages(list: &Json) -> Result<Vec<SourcePage>> {
    let mut out = Vec::new();
    for workspace in list.as_array().into_iter().flatten() {
        for page in workspace.get("pages").and_then(Json::as_array).into_iter().flatten() {
            let kind = if text(page, "type") == "database" { "database" } else { "page" };
            out.push(SourcePage {
                kind: "notion_import".to_owned(),
                info: json!({
                    "credential_id": workspace.get("credential_id"),
                    "notion_workspace_id": text(workspace, "workspace_id"),
                    "notion_page_id": text(page, "page_id"),
                    "notion_page_icon": page.get("page_icon"),
                    "type": kind,
                }),
                name: cut(&text(page, "page_name")),
            });
        }
    }
    check_count(out.len())?;
    Ok(out)
}

/// Gives pages of a crawl the titles that the crawl has told.
pub(in super::super) async fn named(services: &Services, tenant: TenantId, pages: &mut [SourcePage]) -> Result<()> {
    for page in pages.iter_mut().filter(|page| page.name.trim().is_empty()) {
        let (provider, job, url) = (text(&page.info, "provider"), text(&page.info, "job_id"), text(&page.info, "url"));
        let found = repo::data_sources::page(&services.db, tenant, &provider, &job, &url).await?;
        let title = found.map(|found| found.title).filter(|title| !title.trim().is_empty());
        page.name = cut(title.as_deref().unwrap_or(if url.is_empty() { "Untitled" } else { &url }));
    }
    Ok(())
}

/// The Notion pages that a knowledge base has.
pub(super) async fn notion_pages_of(services: &Services, dataset: DatasetId) -> Result<HashSet<String>> {
    let all = repo::documents::of_batch(&services.db, dataset, None).await?;
    let own = all.into_iter().filter(|document| document.data_source_type == "notion_import");
    Ok(own.filter_map(|document| Some(text(&document.data_source_info?, "notion_page_id"))).collect())
}

fn credential(info: &Json) -> Option<Uuid> {
    info.get("credential_id").and_then(Json::as_str).and_then(|id| id.parse().ok())
}

/// The credential of a Notion page; the default one where its own is gone.
async fn notion_key(services: &Services, tenant: TenantId, info: &Json) -> Result<super::Key> {
    let own = match credential(info) {
        Some(id) => super::key(services, tenant, Provider::Notion, Some(id)).await.ok(),
        None => None,
    };
    match own {
        Some(key) => Ok(key),
        None => super::key(services, tenant, Provider::Notion, None).await,
    }
}

/// The text of a page, and what is known of it from then on.
///
/// # Errors
/// 400 with what the service says.
#[boxed]
pub async fn read(services: &Services, tenant: TenantId, kind: &str, info: &Json) -> Result<(String, Json)> {
    let mut info = info.clone();
    let content = match kind {
        "notion_import" => {
            let key = notion_key(services, tenant, &info).await?;
            let (id, kind) = (text(&info, "notion_page_id"), text(&info, "type"));
            let edited = notion::last_edited(services, &key, &id, &kind).await?;
            if let Some(fields) = info.as_object_mut() {
                fields.insert("last_edited_time".into(), json!(edited));
            }
            notion::content(services, &key, &id, &kind).await?
        }
        "website_crawl" => {
            let (provider, url) = (Provider::of_website(&text(&info, "provider"))?, text(&info, "url"));
            let stored = if text(&info, "mode") == "scrape" {
                None
            } else {
                let job = text(&info, "job_id");
                repo::data_sources::page(&services.db, tenant, provider.name(), &job, &url).await?
            };
            let page = match stored {
                Some(page) => page,
                None => {
                    let main = info.get("only_main_content").and_then(Json::as_bool).unwrap_or(false);
                    let key = super::key(services, tenant, provider, None).await?;
                    website::scrape(services, &key, &url, main).await?
                }
            };
            page.content
        }
        other => return Err(Error::invalid(format!("The data source {other} cannot be read here."))),
    };
    if content.trim().is_empty() {
        return Err(Error::invalid("The page has no text."));
    }
    Ok((content, info))
}

/// Reads the page of a document and keeps it as its file. `None`: the document is not ours to work on any more.
pub(in super::super) async fn fetch(services: &Services, document: &Document) -> Result<Option<UploadFile>> {
    let empty = Json::Null;
    let info = document.data_source_info.as_ref().unwrap_or(&empty);
    let (content, info) = read(services, document.tenant_id, &document.data_source_type, info).await?;
    let kept = services.files.keep_text(document.tenant_id, document.created_by, &document.name, &content).await?;
    let tx = services.db.begin().await?;
    let is_ours = repo::documents::set_file(&tx, services.runs.process_id, document.id, kept.id, info).await?;
    tx.commit().await?;
    if is_ours {
        return Ok(Some(kept));
    }
    services.files.remove(&kept).await?;
    Ok(None)
}

/// Whether a document is made of a page.
#[must_use]
pub fn is_page(document: &Document) -> bool {
    ["website_crawl", "notion_import"].contains(&document.data_source_type.as_str())
}

/// Takes the page of a document anew. A page of Notion that nobody has changed is left as it is.
///
/// # Errors
/// 400 for a document of another source, or one that is being worked on.
#[boxed]
pub async fn sync(
    services: &Arc<Services>,
    principal: &Principal,
    dataset: DatasetId,
    id: DocumentId,
    kind: &str,
) -> Result<()> {
    let (dataset, document) = documents::find_to_edit(services, principal, dataset, id).await?;
    if document.data_source_type != kind {
        let text = if kind == "website_crawl" { "Document is not a website document." } else { "Invalid notion url." };
        return Err(Error::invalid(text));
    }
    if document.archived {
        return Err(Error::new(403, "archived_document_immutable", "The archived document is not editable."));
    }
    if !["completed", "error"].contains(&document.indexing_status.as_str()) {
        return Err(Error::new(400, "document_indexing", "Document is being processed, please try again later"));
    }
    again(services, &dataset, document).await
}

async fn again(services: &Arc<Services>, dataset: &Dataset, document: Document) -> Result<()> {
    let mut info = document.data_source_info.clone().unwrap_or_default();
    if document.data_source_type == "notion_import" {
        let key = notion_key(services, dataset.tenant_id, &info).await?;
        let edited = notion::last_edited(services, &key, &text(&info, "notion_page_id"), &text(&info, "type")).await?;
        if document.indexing_status == "completed" && text(&info, "last_edited_time") == edited {
            return Ok(());
        }
    } else if let Some(fields) = info.as_object_mut() {
        fields.insert("mode".into(), json!("scrape"));
    }
    forget_text(services, dataset, &document).await?;
    documents::anew_from(services, dataset, document, info).await
}

/// What a pipeline was given of a page is fetched anew with it.
async fn forget_text(services: &Services, dataset: &Dataset, document: &Document) -> Result<()> {
    if dataset.runtime_mode != "rag_pipeline" {
        return Ok(());
    }
    let Some(mut log) = repo::pipelines::log(&services.db, document.id).await? else { return Ok(()) };
    let had_text = log.datasource_info.as_object_mut().is_some_and(|info| info.shift_remove("content").is_some());
    if had_text {
        let tx = services.db.begin().await?;
        repo::pipelines::put_log(&tx, log).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Takes all pages of Notion in a knowledge base anew, in the background.
///
/// # Errors
/// As for the knowledge base.
#[boxed]
pub async fn sync_notion(services: &Arc<Services>, principal: &Principal, dataset: DatasetId) -> Result<()> {
    principal.require(Permission::DatasetEdit)?;
    let dataset = datasets::find_to_edit(services, principal, dataset).await?;
    let all = repo::documents::of_batch(&services.db, dataset.id, None).await?;
    let services = Arc::clone(services);
    services.tracker.clone().spawn(async move {
        for document in all {
            let is_idle = ["completed", "error"].contains(&document.indexing_status.as_str()) && !document.archived;
            if document.data_source_type != "notion_import" || !is_idle || services.shutdown.is_cancelled() {
                continue;
            }
            let id = document.id;
            if let Err(error) = again(&services, &dataset, document).await {
                tracing::info!(error = error.message, document = %id, "a page of Notion cannot be taken anew");
            }
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_read_from_requests() {
        let list = json!({"provider": "firecrawl", "job_id": "j", "urls": ["https://a.b/1", "https://a.b/2"], "only_main_content": true});
        let pages = website_pages(&list).unwrap();
        assert_eq!(pages.len(), 2);
        assert_eq!(
            pages[1].info,
            json!({"url": "https://a.b/2", "provider": "firecrawl", "job_id": "j", "only_main_content": true, "mode": "crawl"})
        );
        let list = json!([{"credential_id": "c", "workspace_id": "w", "pages": [{"page_id": "p", "page_name": "Owls", "page_icon": null, "type": "page"}]}]);
        let pages = notion_pages(&list).unwrap();
        assert_eq!((pages[0].name.as_str(), pages[0].kind.as_str()), ("Owls", "notion_import"));
        assert_eq!(pages[0].info["notion_page_id"], "p");
        for wrong in
            [json!({"provider": "notion_datasource", "urls": ["x"]}), json!({"provider": "firecrawl", "urls": []})]
        {
            assert_eq!(website_pages(&wrong).unwrap_err().status, 400, "{wrong}");
        }
        assert_eq!(notion_pages(&json!([])).unwrap_err().status, 400);
    }
}
