//! `rss`: the newest entries of a feed.

use serde_json::json;

use super::{feed, show};
use crate::{
    Call, Parameter, Provider, Tool,
    call::told,
    spec::{Run, Said},
};

/// Characters of a summary.
const SUMMARY: usize = 2000;

pub const PROVIDER: Provider = Provider {
    name: "rss",
    label: ("RSS", "RSS 订阅"),
    description: ("Reads RSS and Atom feeds.", "读取 RSS 与 Atom 订阅源。"),
    icon: concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#f97316"/>"##,
        r##"<circle cx="8" cy="16" r="1.800" fill="#fff"/><path d="M6.500 11a6.500 6.500 0 0 1 6.500 6.500M6.500 6.500a11 11 0 0 1 11 11" stroke="#fff" stroke-width="2" fill="none" stroke-linecap="round"/></svg>"##
    ),
    labels: &["news", "search"],
    form: &[],
    trial: None,
    tools: &[Tool {
        name: "rss_reader",
        label: ("Read feed", "读取订阅源"),
        description: ("The newest entries of a feed.", "获取订阅源的最新条目。"),
        for_model: "Reads an RSS or Atom feed and returns its newest entries with title, link, date and summary.",
        parameters: &[
            Parameter::text("url", ("Feed URL", "订阅源地址"), "Address of the feed").needed(),
            Parameter::number("limit", ("Most entries", "最大条目数"), "Most entries to return")
                .or("10")
                .within(1.0, 100.0),
        ],
        run: Run::Calls(|call| Box::pin(read(call))),
    }],
};

async fn read(call: &Call) -> Said {
    let url = call.arguments.required("url")?;
    let most = call.arguments.count("limit", 10, 1, 100)? as usize;
    let answer = call.fetch(Call::get(url.trim())).await?;
    if !answer.status.is_success() {
        return Err(format!("The feed answered HTTP {}: {}", answer.status, told(&answer.text())));
    }
    let text = ox_extract::decode(&answer.bytes);
    let feed = tokio::task::spawn_blocking(move || {
        let feed = feed::read(&text, most)?;
        let entries: Vec<_> = feed
            .entries
            .iter()
            .map(|entry| {
                let summary: String = feed::plain(&entry.summary).chars().take(SUMMARY).collect();
                json!({"title": entry.title, "link": entry.link, "published": entry.published,
                    "authors": entry.authors, "summary": summary.trim()})
            })
            .collect();
        Ok::<_, String>(json!({"title": feed.title, "entries": entries}))
    });
    show(feed.await.map_err(|error| error.to_string())??)
}
