//! Firecrawl, by its second API.

use ox_db::model::WebsitePage;
use ox_net::Method;
use ox_types::Json;
use serde_json::json;

use super::{
    super::{
        Key,
        wire::{Call, text},
    },
    Begun, EXAMPLE, MAX_PAGES, Progress, Wanted, failed, items, no_pages, useful,
};
use crate::{Result, Services};

const NAME: &str = "Firecrawl";
/// Milliseconds it may take over one page.
const TIMEOUT: u64 = 30_000;
/// Answers that one result may be spread over.
const MAX_PARTS: usize = 100;

fn call(key: &Key, url: String, body: Option<Json>) -> Call<'static> {
    Call {
        tenant: key.tenant,
        service: NAME,
        method: Method::GET,
        url,
        secret: Some(("authorization", format!("Bearer {}", key.secret))),
        headers: &[],
        body,
        again: &[502],
    }
}

pub(super) async fn check(services: &Services, key: &Key) -> Result<()> {
    scrape(services, key, EXAMPLE, true).await.map(|_| ())
}

pub(super) async fn begin(services: &Services, key: &Key, wanted: &Wanted) -> Result<Begun> {
    let mut body = json!({
        "url": wanted.url,
        "limit": if wanted.sub_pages { wanted.limit } else { 1 },
        "scrapeOptions": {"onlyMainContent": wanted.only_main_content, "formats": ["markdown"]},
    });
    if wanted.sub_pages
        && let Some(fields) = body.as_object_mut()
    {
        fields.insert("includePaths".into(), json!(wanted.includes));
        fields.insert("excludePaths".into(), json!(wanted.excludes));
        if let Some(depth) = wanted.max_depth {
            fields.insert("maxDiscoveryDepth".into(), json!(depth));
        }
        if let Some(prompt) = &wanted.prompt {
            fields.insert("prompt".into(), json!(prompt));
        }
    }
    let answer = call(key, format!("{}/v2/crawl", key.base_url), Some(body)).json(services).await?;
    match answer.get("id").and_then(Json::as_str) {
        Some(id) => Ok(Begun::Job(id.to_owned())),
        None => Err(failed(NAME, &text(&answer, "error"))),
    }
}

pub(super) async fn progress(services: &Services, key: &Key, job: &str) -> Result<Progress> {
    let first = format!("{}/v2/crawl/{}", key.base_url, urlencoding(job));
    let mut answer = call(key, first.clone(), None).json(services).await?;
    let number = |answer: &Json, name: &str| answer.get(name).and_then(Json::as_u64).unwrap_or(0);
    let mut progress =
        Progress { total: number(&answer, "total"), current: number(&answer, "completed"), ..Progress::default() };
    match answer.get("status").and_then(Json::as_str) {
        Some("completed") => {}
        Some("failed" | "cancelled") => return Err(failed(NAME, &text(&answer, "error"))),
        _ => return Ok(progress),
    }
    let mut found: Vec<WebsitePage> = Vec::new();
    for _ in 0..MAX_PARTS {
        found.extend(items(answer.get("data")).iter().map(page));
        let Some(next) = next(&first, &answer).filter(|_| (found.len() as u64) < MAX_PAGES) else { break };
        answer = call(key, next, None).json(services).await?;
    }
    progress.pages = useful(found);
    progress.is_done = true;
    if progress.pages.is_empty() {
        return Err(no_pages());
    }
    Ok(progress)
}

/// Where the rest of a result is: of its address only what comes after `?`, so that the key goes nowhere else.
fn next(first: &str, answer: &Json) -> Option<String> {
    let next = answer.get("next").and_then(Json::as_str)?;
    let (_, query) = next.split_once('?')?;
    Some(format!("{first}?{query}"))
}

fn urlencoding(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn page(json: &Json) -> WebsitePage {
    let empty = Json::Null;
    let about = json.get("metadata").unwrap_or(&empty);
    let url = [text(about, "sourceURL"), text(about, "url")].into_iter().find(|url| !url.is_empty());
    WebsitePage {
        url: url.unwrap_or_default(),
        title: text(about, "title"),
        description: text(about, "description"),
        content: text(json, "markdown"),
    }
}

pub(super) async fn scrape(services: &Services, key: &Key, url: &str, only_main: bool) -> Result<WebsitePage> {
    let body = json!({"url": url, "formats": ["markdown"], "onlyMainContent": only_main, "timeout": TIMEOUT});
    let answer = call(key, format!("{}/v2/scrape", key.base_url), Some(body)).json(services).await?;
    let data = answer.get("data").ok_or_else(|| failed(NAME, &text(&answer, "error")))?;
    Ok(WebsitePage { url: url.to_owned(), ..page(data) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_is_asked_for_at_the_same_address() {
        let first = "https://mine.example/v2/crawl/7";
        for (given, expected) in [
            (
                json!({"next": "https://other.example/v2/crawl/7?skip=10"}),
                Some("https://mine.example/v2/crawl/7?skip=10"),
            ),
            (json!({"next": null}), None),
            (json!({}), None),
        ] {
            assert_eq!(next(first, &given).as_deref(), expected);
        }
    }
}
