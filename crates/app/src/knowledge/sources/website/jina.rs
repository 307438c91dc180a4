//! Jina Reader: single pages, and the crawler in front of it.

use ox_db::model::WebsitePage;
use ox_net::Method;
use ox_types::Json;
use serde_json::json;

use super::{
    super::{
        Key,
        wire::{Call, text},
    },
    Begun, EXAMPLE, Progress, Wanted, failed, no_pages, useful,
};
use crate::{Result, Services};

const NAME: &str = "Jina Reader";

fn call(key: &Key, url: String, body: Option<Json>) -> Call<'static> {
    Call {
        tenant: key.tenant,
        service: NAME,
        method: Method::GET,
        url,
        secret: Some(("authorization", format!("Bearer {}", key.secret))),
        headers: &[],
        body,
        again: &[502, 503],
    }
}

pub(super) async fn check(services: &Services, key: &Key) -> Result<()> {
    read(services, key, EXAMPLE).await.map(|_| ())
}

pub(super) async fn read(services: &Services, key: &Key, url: &str) -> Result<WebsitePage> {
    let answer = call(key, format!("{}/{url}", services.settings.sources.jina_reader_url), None).json(services).await?;
    let data = answer.get("data").ok_or_else(|| failed(NAME, &text(&answer, "message")))?;
    Ok(WebsitePage { url: url.to_owned(), ..page(data) })
}

fn page(data: &Json) -> WebsitePage {
    WebsitePage {
        url: text(data, "url"),
        title: text(data, "title"),
        description: text(data, "description"),
        content: text(data, "content"),
    }
}

pub(super) async fn begin(services: &Services, key: &Key, wanted: &Wanted) -> Result<Begun> {
    if !wanted.sub_pages {
        return Ok(Begun::Page(read(services, key, &wanted.url).await?));
    }
    let body = json!({"url": wanted.url, "maxPages": wanted.limit, "useSitemap": wanted.use_sitemap});
    let url = services.settings.sources.jina_crawl_url.clone();
    let answer = call(key, url, Some(body)).json(services).await?;
    match answer.pointer("/data/taskId").and_then(Json::as_str) {
        Some(id) => Ok(Begun::Job(id.to_owned())),
        None => Err(failed(NAME, &text(&answer, "message"))),
    }
}

async fn status(services: &Services, key: &Key, body: Json) -> Result<Json> {
    let url = services.settings.sources.jina_status_url.clone();
    let mut answer = call(key, url, Some(body)).json(services).await?;
    Ok(answer.get_mut("data").map(Json::take).unwrap_or_default())
}

pub(super) async fn progress(services: &Services, key: &Key, job: &str) -> Result<Progress> {
    let data = status(services, key, json!({"taskId": job})).await?;
    let count = |name: &str| match data.get(name) {
        Some(Json::Array(list)) => list.len() as u64,
        Some(Json::Object(map)) => map.len() as u64,
        _ => 0,
    };
    let mut progress = Progress {
        total: count("urls"),
        current: count("processed") + count("failed"),
        seconds: data.get("duration").and_then(Json::as_f64).map(|duration| duration / 1000.0),
        ..Progress::default()
    };
    match data.get("status").and_then(Json::as_str) {
        Some("completed") => {}
        Some("failed") => return Err(failed(NAME, "it gave up")),
        _ => return Ok(progress),
    }
    let urls: Vec<&String> =
        data.get("processed").and_then(Json::as_object).map(|map| map.keys().collect()).unwrap_or_default();
    if urls.is_empty() {
        return Err(no_pages());
    }
    let data = status(services, key, json!({"taskId": job, "urls": urls})).await?;
    let done = data.get("processed").and_then(Json::as_object);
    let found = done.into_iter().flatten().filter_map(|(url, one)| {
        let found = page(one.get("data")?);
        let url = if found.url.is_empty() { url.clone() } else { found.url };
        Some(WebsitePage { url, ..found })
    });
    progress.pages = useful(found);
    progress.is_done = true;
    if progress.pages.is_empty() {
        return Err(no_pages());
    }
    Ok(progress)
}
