//! Crawls of websites: begun, looked at, and their pages kept until documents are made of them.

use chrono::Duration;
use ox_db::{
    model::{WebsiteCrawl, WebsitePage},
    now, repo,
};
use ox_types::{Json, boxed};
use serde_json::json;
use uuid::Uuid;

use super::{
    Provider,
    website::{self, Begun, MAX_PAGES, Wanted},
};
use crate::{Error, Principal, Result, Services, principal::Permission};

/// How long pages are kept of which no document was made.
const KEPT: Duration = Duration::days(7);
const MAX_DEPTH: u64 = 20;
const MAX_PATHS: usize = 100;

/// How a crawl stands.
#[derive(Clone, Debug, PartialEq)]
pub struct CrawlView {
    pub is_done: bool,
    pub job_id: String,
    pub total: u64,
    pub current: u64,
    pub pages: Vec<WebsitePage>,
    /// Seconds.
    pub time: f64,
}

fn paths(options: &Json, name: &str) -> Vec<String> {
    let given: Vec<String> = match options.get(name) {
        Some(Json::String(text)) => text.split(',').map(str::to_owned).collect(),
        Some(Json::Array(list)) => list.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let paths = given.into_iter().map(|path| path.trim().to_owned()).filter(|path| !path.is_empty());
    paths.take(MAX_PATHS).collect()
}

/// A number, also where it is written as text.
fn number(options: &Json, name: &str) -> Option<u64> {
    let value = options.get(name)?;
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// What is wanted, as requests write it.
fn read(url: &str, options: &Json) -> Result<Wanted> {
    let url = url.trim();
    let parsed = url::Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if parsed.is_none() {
        return Err(Error::invalid_field("url", "URL is required and must be an http or https address."));
    }
    let flag = |name: &str, default: bool| options.get(name).and_then(Json::as_bool).unwrap_or(default);
    Ok(Wanted {
        url: url.to_owned(),
        sub_pages: flag("crawl_sub_pages", false),
        only_main_content: flag("only_main_content", false),
        includes: paths(options, "includes"),
        excludes: paths(options, "excludes"),
        limit: number(options, "limit").unwrap_or(1).clamp(1, MAX_PAGES),
        max_depth: number(options, "max_depth").map(|depth| depth.min(MAX_DEPTH)),
        use_sitemap: flag("use_sitemap", true),
        prompt: options.get("prompt").and_then(Json::as_str).filter(|text| !text.is_empty()).map(str::to_owned),
    })
}

/// Begins a crawl. A single page may be there at once.
///
/// # Errors
/// 400 when the provider is not set up or refuses.
#[boxed]
pub async fn begin(
    services: &Services,
    principal: &Principal,
    provider: Provider,
    url: &str,
    options: &Json,
    credential: Option<Uuid>,
) -> Result<CrawlView> {
    principal.require(Permission::DatasetEdit)?;
    let tenant = principal.tenant_id();
    let wanted = read(url, options)?;
    let key = super::key(services, tenant, provider, credential).await?;
    let begun = website::begin(services, &key, &wanted).await?;
    let at = now();
    let (job_id, pages) = match begun {
        Begun::Job(id) => (id, None),
        Begun::Page(page) => (format!("page-{}", ox_types::new_uuid()), Some(vec![page])),
    };
    let crawl = WebsiteCrawl {
        tenant_id: tenant,
        provider: provider.name().to_owned(),
        job_id: job_id.clone(),
        credential_id: key.id,
        url: wanted.url,
        options: json!({"limit": wanted.limit, "only_main_content": wanted.only_main_content}),
        finished_at: None,
        created_at: at,
    };
    let tx = services.db.begin().await?;
    repo::data_sources::forget_crawls(&tx, at - KEPT).await?;
    repo::data_sources::begin_crawl(&tx, crawl).await?;
    if let Some(pages) = &pages {
        repo::data_sources::finish_crawl(&tx, tenant, provider.name(), &job_id, pages.clone(), at).await?;
    }
    tx.commit().await?;
    let pages = pages.unwrap_or_default();
    let count = pages.len() as u64;
    let total = if count == 0 { wanted.limit } else { count };
    Ok(CrawlView { is_done: count > 0, job_id, total, current: count, pages, time: 0.0 })
}

/// How far a crawl is; with its pages once it is over.
///
/// # Errors
/// 404 for one of somebody else; 500 `crawl_failed` when the provider has given up.
#[boxed]
pub async fn progress(services: &Services, principal: &Principal, provider: Provider, job: &str) -> Result<CrawlView> {
    principal.require(Permission::DatasetEdit)?;
    let (tenant, name) = (principal.tenant_id(), provider.name());
    let crawl = repo::data_sources::crawl(&services.db, tenant, name, job).await?;
    let crawl = crawl.ok_or_else(|| Error::not_found("The crawl is not there (any more)."))?;
    let time = |end: chrono::DateTime<chrono::Utc>| (end - crawl.created_at).to_std().unwrap_or_default().as_secs_f64();
    let done = |pages: Vec<WebsitePage>, time: f64| {
        let count = pages.len() as u64;
        CrawlView { is_done: true, job_id: job.to_owned(), total: count, current: count, pages, time }
    };
    if let Some(at) = crawl.finished_at {
        return Ok(done(repo::data_sources::pages(&services.db, tenant, name, job).await?, time(at)));
    }
    let key = super::key(services, tenant, provider, Some(crawl.credential_id)).await?;
    let found = website::progress(services, &key, job).await?;
    let at = now();
    if !found.is_done {
        let (total, current) = (found.total, found.current);
        return Ok(CrawlView {
            is_done: false,
            job_id: job.to_owned(),
            total,
            current,
            pages: Vec::new(),
            time: time(at),
        });
    }
    let tx = services.db.begin().await?;
    repo::data_sources::finish_crawl(&tx, tenant, name, job, found.pages.clone(), at).await?;
    tx.commit().await?;
    Ok(done(found.pages, found.seconds.unwrap_or_else(|| time(at))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_as_forms_write_them() {
        let options = json!({"crawl_sub_pages": true, "includes": "blog/*, docs/* ,", "limit": "10", "max_depth": ""});
        let wanted = read(" https://a.b/c ", &options).unwrap();
        assert_eq!((wanted.url.as_str(), wanted.limit, wanted.max_depth), ("https://a.b/c", 10, None));
        assert_eq!(wanted.includes, ["blog/*", "docs/*"]);
        assert!(wanted.sub_pages && !wanted.only_main_content && wanted.use_sitemap);
        let bounded = read("https://a.b", &json!({"limit": 100_000, "max_depth": 99})).unwrap();
        assert_eq!((bounded.limit, bounded.max_depth), (MAX_PAGES, Some(MAX_DEPTH)));
        for url in ["", "ftp://a.b", "javascript:1", "a.b"] {
            assert_eq!(read(url, &json!({})).unwrap_err().status, 400, "{url}");
        }
    }
}
