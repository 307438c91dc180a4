//! Websites by the services that crawl them: one file for each.

mod firecrawl;
mod jina;
mod watercrawl;

use ox_db::model::WebsitePage;
use ox_types::Json;

use super::{Key, Provider};
use crate::{Error, Result, Services};

/// Pages of one crawl.
pub const MAX_PAGES: u64 = 500;
/// Where a key is tried.
const EXAMPLE: &str = "https://example.com";

/// What is to be crawled.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    pub url: String,
    pub sub_pages: bool,
    pub only_main_content: bool,
    pub includes: Vec<String>,
    pub excludes: Vec<String>,
    pub limit: u64,
    pub max_depth: Option<u64>,
    pub use_sitemap: bool,
    pub prompt: Option<String>,
}

/// How a crawl begins.
#[derive(Clone, Debug, PartialEq)]
pub enum Begun {
    Job(String),
    /// Over already: one page.
    Page(WebsitePage),
}

/// How far a crawl is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    pub is_done: bool,
    pub total: u64,
    pub current: u64,
    /// Once it is done.
    pub pages: Vec<WebsitePage>,
    pub seconds: Option<f64>,
}

/// Asks the service whether it takes a key.
///
/// # Errors
/// 400 with what it says.
pub async fn check(services: &Services, key: &Key) -> Result<()> {
    match key.provider {
        Provider::Firecrawl => firecrawl::check(services, key).await,
        Provider::JinaReader => jina::check(services, key).await,
        Provider::WaterCrawl => watercrawl::check(services, key).await,
        Provider::Notion | Provider::S3 | Provider::WebDav => Err(no_crawler()),
    }
}

/// Begins a crawl.
///
/// # Errors
/// 400 with what the service says.
pub async fn begin(services: &Services, key: &Key, wanted: &Wanted) -> Result<Begun> {
    match key.provider {
        Provider::Firecrawl => firecrawl::begin(services, key, wanted).await,
        Provider::JinaReader => jina::begin(services, key, wanted).await,
        Provider::WaterCrawl => watercrawl::begin(services, key, wanted).await,
        Provider::Notion | Provider::S3 | Provider::WebDav => Err(no_crawler()),
    }
}

/// Asks how far a crawl is.
///
/// # Errors
/// 400 with what the service says, or when it has given up.
pub async fn progress(services: &Services, key: &Key, job: &str) -> Result<Progress> {
    match key.provider {
        Provider::Firecrawl => firecrawl::progress(services, key, job).await,
        Provider::JinaReader => jina::progress(services, key, job).await,
        Provider::WaterCrawl => watercrawl::progress(services, key, job).await,
        Provider::Notion | Provider::S3 | Provider::WebDav => Err(no_crawler()),
    }
}

/// One page as it is now.
///
/// # Errors
/// 400 with what the service says.
pub async fn scrape(services: &Services, key: &Key, url: &str, only_main_content: bool) -> Result<WebsitePage> {
    match key.provider {
        Provider::Firecrawl => firecrawl::scrape(services, key, url, only_main_content).await,
        Provider::JinaReader => jina::read(services, key, url).await,
        Provider::WaterCrawl => watercrawl::scrape(services, key, url, only_main_content).await,
        Provider::Notion | Provider::S3 | Provider::WebDav => Err(no_crawler()),
    }
}

fn no_crawler() -> Error {
    Error::invalid_field("provider", "Invalid provider")
}

fn failed(service: &str, said: &str) -> Error {
    Error::new(500, "crawl_failed", format!("{service} could not crawl the website: {said}"))
}

fn no_pages() -> Error {
    Error::new(500, "crawl_failed", "No page found")
}

/// The pages that have a text, each address once.
fn useful(found: impl IntoIterator<Item = WebsitePage>) -> Vec<WebsitePage> {
    let mut seen = std::collections::HashSet::new();
    let is_new = |page: &WebsitePage| !page.content.trim().is_empty() && seen.insert(page.url.clone());
    found.into_iter().filter(is_new).take(usize::try_from(MAX_PAGES).unwrap_or(usize::MAX)).collect()
}

/// A list, empty when it is none.
fn items(json: Option<&Json>) -> &[Json] {
    json.and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_without_text_and_twins_are_left_out() {
        let page = |url: &str, content: &str| WebsitePage {
            url: url.into(),
            content: content.into(),
            ..WebsitePage::default()
        };
        let found = useful([page("a", "x"), page("b", " \n"), page("a", "y"), page("c", "z")]);
        let urls: Vec<&str> = found.iter().map(|page| page.url.as_str()).collect();
        assert_eq!(urls, ["a", "c"]);
    }
}
