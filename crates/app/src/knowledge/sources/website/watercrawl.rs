//! WaterCrawl.

use std::time::Duration;

use ox_db::model::WebsitePage;
use ox_net::Method;
use ox_types::Json;
use serde_json::json;

use super::{
    super::{
        Key,
        wire::{Call, text},
    },
    Begun, MAX_PAGES, Progress, Wanted, failed, items, no_pages, useful,
};
use crate::{Result, Services};

const NAME: &str = "WaterCrawl";
/// Results of one answer.
const PAGE: u64 = 100;
/// Milliseconds that a page may settle, and take.
const WAIT: u64 = 1000;
const TIMEOUT: u64 = 15_000;
/// A single page is waited for this long.
const LOOKS: u32 = 90;
const BETWEEN: Duration = Duration::from_secs(1);

fn call(key: &Key, path: &str, body: Option<Json>) -> Call<'static> {
    Call {
        tenant: key.tenant,
        service: NAME,
        method: Method::GET,
        url: format!("{}/api/v1/core/crawl-requests/{path}", key.base_url),
        secret: Some(("x-api-key", key.secret.clone())),
        headers: &[],
        body,
        again: &[502, 503],
    }
}

pub(super) async fn check(services: &Services, key: &Key) -> Result<()> {
    call(key, "?page=1&page_size=1", None).json(services).await.map(|_| ())
}

pub(super) async fn begin(services: &Services, key: &Key, wanted: &Wanted) -> Result<Begun> {
    let (depth, limit) = if wanted.sub_pages { (wanted.max_depth.unwrap_or(1).max(1), wanted.limit) } else { (0, 1) };
    let paths = |list: &[String]| if wanted.sub_pages { list.to_vec() } else { Vec::new() };
    let body = json!({
        "url": wanted.url,
        "options": {
            "spider_options": {
                "max_depth": depth,
                "page_limit": limit,
                "allowed_domains": [],
                "include_paths": paths(&wanted.includes),
                "exclude_paths": paths(&wanted.excludes),
            },
            "page_options": {
                "exclude_tags": [],
                "include_tags": [],
                "wait_time": WAIT,
                "include_html": false,
                "only_main_content": wanted.only_main_content,
                "include_links": false,
                "timeout": TIMEOUT,
            },
            "plugin_options": {},
        },
    });
    let answer = call(key, "", Some(body)).json(services).await?;
    match answer.get("uuid").and_then(Json::as_str) {
        Some(id) => Ok(Begun::Job(id.to_owned())),
        None => Err(failed(NAME, &text(&answer, "message"))),
    }
}

fn segment(job: &str) -> String {
    url::form_urlencoded::byte_serialize(job.as_bytes()).collect()
}

pub(super) async fn progress(services: &Services, key: &Key, job: &str) -> Result<Progress> {
    let job = segment(job);
    let answer = call(key, &format!("{job}/"), None).json(services).await?;
    let current = answer.get("number_of_documents").and_then(Json::as_u64).unwrap_or(0);
    let limit = answer.pointer("/options/spider_options/page_limit").and_then(Json::as_u64);
    let mut progress = Progress { total: limit.unwrap_or(current), current, ..Progress::default() };
    match answer.get("status").and_then(Json::as_str) {
        Some("new" | "running") | None => return Ok(progress),
        Some("failed" | "canceled" | "cancelled" | "canceling") => return Err(failed(NAME, "it gave up")),
        Some(_) => {}
    }
    let mut found: Vec<WebsitePage> = Vec::new();
    for number in 1..=MAX_PAGES.div_ceil(PAGE) {
        let path = format!("{job}/results/?page={number}&page_size={PAGE}&prefetched=true");
        let answer = call(key, &path, None).json(services).await?;
        found.extend(items(answer.get("results")).iter().map(page));
        if answer.get("next").is_none_or(Json::is_null) {
            break;
        }
    }
    progress.pages = useful(found);
    progress.total = progress.pages.len() as u64;
    progress.current = progress.total;
    progress.is_done = true;
    if progress.pages.is_empty() {
        return Err(no_pages());
    }
    Ok(progress)
}

fn page(json: &Json) -> WebsitePage {
    let empty = Json::Null;
    let result = json.get("result").unwrap_or(&empty);
    let about = result.get("metadata").unwrap_or(&empty);
    let title = [text(about, "title"), text(about, "og:title"), text(json, "title")];
    WebsitePage {
        url: text(json, "url"),
        title: title.into_iter().find(|title| !title.is_empty()).unwrap_or_default(),
        description: text(about, "description"),
        content: text(result, "markdown"),
    }
}

/// A crawl of one page, waited for.
pub(super) async fn scrape(services: &Services, key: &Key, url: &str, only_main: bool) -> Result<WebsitePage> {
    let wanted = Wanted { url: url.to_owned(), only_main_content: only_main, limit: 1, ..Wanted::default() };
    let Begun::Job(job) = begin(services, key, &wanted).await? else { return Err(no_pages()) };
    for _ in 0..LOOKS {
        let progress = progress(services, key, &job).await?;
        if progress.is_done {
            let first = progress.pages.into_iter().next().ok_or_else(no_pages)?;
            return Ok(WebsitePage { url: url.to_owned(), ..first });
        }
        tokio::time::sleep(BETWEEN).await;
    }
    Err(failed(NAME, "it takes too long over the page"))
}
