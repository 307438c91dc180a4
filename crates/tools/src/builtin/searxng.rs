//! `searxng`: a search engine of the operator's.

use url::Url;

use super::show;
use crate::{
    Call, Field, Parameter, Provider, Tool,
    spec::{Run, Said},
};

/// Results that are told.
const RESULTS: usize = 10;

pub const PROVIDER: Provider = Provider {
    name: "searxng",
    label: ("SearXNG", "SearXNG"),
    description: ("A free search engine that asks many others.", "开源的元搜索引擎。"),
    icon: concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#2563eb"/>"##,
        r##"<g fill="none" stroke="#fff" stroke-width="2" stroke-linecap="round"><circle cx="11" cy="11" r="4.500"/><path d="m14.500 14.500 4 4"/></g></svg>"##
    ),
    labels: &["search", "productivity"],
    form: &[Field::address("searxng_base_url", ("SearXNG base URL", "SearXNG 基础 URL"), "https://search.example.com")],
    trial: Some(("searxng_search", "query", "test")),
    tools: &[Tool {
        name: "searxng_search",
        label: ("SearXNG Search", "SearXNG 搜索"),
        description: ("Searches the web.", "使用 SearXNG 搜索。"),
        for_model: "Performs searches on SearXNG and returns the results.",
        parameters: &[
            Parameter::text("query", ("Query string", "查询语句"), "Key words for searching").needed(),
            Parameter::select(
                "search_type",
                ("Search type", "搜索类型"),
                "general",
                &[
                    ("general", ("General", "综合")),
                    ("images", ("Images", "图片")),
                    ("videos", ("Videos", "视频")),
                    ("news", ("News", "新闻")),
                    ("map", ("Map", "地图")),
                    ("music", ("Music", "音乐")),
                    ("it", ("IT", "信息技术")),
                    ("science", ("Science", "科学")),
                    ("files", ("Files", "文件")),
                    ("social_media", ("Social media", "社交媒体")),
                ],
            )
            .needed(),
            Parameter::text("engines", ("Search engines", "搜索引擎"), "").fixed(),
            Parameter::select(
                "time_range",
                ("Time range", "搜索间隔时间"),
                "None",
                &[
                    ("None", ("Any time", "不限时")),
                    ("day", ("Day", "日")),
                    ("month", ("Month", "月")),
                    ("year", ("Year", "年")),
                ],
            ),
        ],
        run: Run::Calls(|call| Box::pin(search(call))),
    }],
};

async fn search(call: &Call) -> Said {
    let arguments = &call.arguments;
    let base = call.credential("searxng_base_url")?;
    let mut url = Url::parse(base).map_err(|error| format!("searxng_base_url is not an address: {error}"))?;
    url.path_segments_mut().map_err(|()| "searxng_base_url is not an address")?.pop_if_empty().push("search");
    {
        let mut query = url.query_pairs_mut();
        query.append_pair("q", &arguments.required("query")?).append_pair("format", "json");
        query.append_pair(
            "categories",
            &arguments.get("search_type").unwrap_or_else(|| "general".into()).replace("social_media", "social media"),
        );
        if let Some(engines) = arguments.get("engines") {
            query.append_pair("engines", &engines);
        }
        if let Some(range) = arguments.get("time_range").filter(|range| range != "None") {
            query.append_pair("time_range", &range);
        }
    }
    let answer = call.fetch_json("SearXNG", Call::get(url)).await?;
    let results =
        answer["results"].as_array().ok_or("SearXNG's answer has no results: is the JSON format switched on there?")?;
    show(results.iter().take(RESULTS).cloned().collect())
}
