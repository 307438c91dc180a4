//! `tavily`: a search engine for models.

use std::time::Duration;

use ox_net::{Class, Request};
use ox_nodes::CallMessage;
use ox_types::Json;
use serde_json::json;

use crate::{
    Call, Field, Parameter, Provider, Tool,
    call::limits,
    spec::{Run, Said},
};

const BASE: &str = "https://api.tavily.com";
const DEPTH: &[crate::Choice] = &[("basic", ("Basic", "基本")), ("advanced", ("Advanced", "高级"))];

pub const PROVIDER: Provider = Provider {
    name: "tavily",
    label: ("Tavily", "Tavily"),
    description: ("A search engine for models, and a reader of pages.", "面向大模型的搜索引擎与网页读取。"),
    icon: concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#059669"/>"##,
        r##"<path d="M12 18V7m0 0-3 3m3-3 3 3M7 14l5 4 5-4" stroke="#fff" stroke-width="1.800" fill="none" stroke-linecap="round" stroke-linejoin="round"/></svg>"##
    ),
    labels: &["search"],
    form: &[
        Field::key("tavily_api_key", ("Tavily API key", "Tavily API 密钥"), "https://docs.tavily.com/docs/welcome"),
        Field::address("base_url", ("Base URL", "基础 URL"), BASE).or(BASE),
    ],
    trial: Some(("tavily_search", "query", "test")),
    tools: &[
        Tool {
            name: "tavily_search",
            label: ("Tavily Search", "Tavily 搜索"),
            description: ("Searches the web.", "搜索网页。"),
            for_model: "Searches the web and returns current, relevant results with their contents.",
            parameters: &[
                Parameter::text("query", ("Query string", "查询语句"), "Key words for searching").needed(),
                Parameter::select("search_depth", ("Search depth", "搜索深度"), "basic", DEPTH),
                Parameter::select(
                    "topic",
                    ("Topic", "主题"),
                    "general",
                    &[("general", ("General", "综合")), ("news", ("News", "新闻")), ("finance", ("Finance", "财经"))],
                ),
                Parameter::number("max_results", ("Most results", "最大结果数"), "").or("5").within(1.0, 20.0).fixed(),
                Parameter::flag("include_images", ("Include images", "包含图片"), "false"),
                Parameter::flag("include_answer", ("Include answer", "包含答案"), "false"),
                Parameter::flag("include_raw_content", ("Include raw content", "包含原始内容"), "false"),
                Parameter::text("include_domains", ("Include domains", "包含域"), "").fixed(),
                Parameter::text("exclude_domains", ("Exclude domains", "排除域"), "").fixed(),
            ],
            run: Run::Calls(|call| Box::pin(search(call))),
        },
        Tool {
            name: "tavily_extract",
            label: ("Tavily Extract", "Tavily 提取"),
            description: ("The contents of pages.", "提取网页内容。"),
            for_model: "Extracts the contents of web pages by their URLs.",
            parameters: &[
                Parameter::text("urls", ("URLs", "网址"), "Addresses of pages, separated by commas").needed(),
                Parameter::select("extract_depth", ("Extract depth", "提取深度"), "basic", DEPTH),
                Parameter::flag("include_images", ("Include images", "包含图片"), "false"),
            ],
            run: Run::Calls(|call| Box::pin(extract(call))),
        },
    ],
};

async fn ask(call: &Call, path: &str, body: &Json) -> Result<Json, String> {
    let base = call.credential("base_url").unwrap_or(BASE).trim_end_matches('/').to_owned();
    let request = Request::post_json(Class::Tool, format!("{base}/{path}"), body.to_string())
        .secret_header("authorization", &format!("Bearer {}", call.credential("tavily_api_key")?))
        .map_err(|error| error.to_string())?;
    call.fetch_json("Tavily", request.limits(limits(Duration::from_secs(60)))).await
}

async fn search(call: &Call) -> Said {
    let arguments = &call.arguments;
    let body = json!({
        "query": arguments.required("query")?,
        "search_depth": arguments.get("search_depth").unwrap_or_else(|| "basic".into()),
        "topic": arguments.get("topic").unwrap_or_else(|| "general".into()),
        "max_results": arguments.count("max_results", 5, 1, 20)?,
        "include_images": arguments.flag("include_images", false),
        "include_answer": arguments.flag("include_answer", false),
        "include_raw_content": arguments.flag("include_raw_content", false),
        "include_domains": arguments.list("include_domains"),
        "exclude_domains": arguments.list("exclude_domains"),
    });
    Ok(told(ask(call, "search", &body).await?))
}

async fn extract(call: &Call) -> Said {
    let urls = call.arguments.list("urls");
    if urls.is_empty() {
        return Err("tool parameter urls not found in tool config".into());
    }
    let depth = call.arguments.get("extract_depth").unwrap_or_else(|| "basic".into());
    let images = call.arguments.flag("include_images", false);
    let body = json!({"urls": urls, "extract_depth": depth, "include_images": images});
    Ok(told(ask(call, "extract", &body).await?))
}

/// The answer as a text that models read well, and as data.
fn told(answer: Json) -> Vec<CallMessage> {
    let text = |value: &Json| value.as_str().unwrap_or_default().trim().to_owned();
    let mut out = String::new();
    if let Some(said) = answer["answer"].as_str().filter(|said| !said.is_empty()) {
        out.push_str(&format!("Answer: {said}\n\n"));
    }
    for result in answer["results"].as_array().into_iter().flatten() {
        let content = [&result["raw_content"], &result["content"]].into_iter().map(text).find(|text| !text.is_empty());
        let (title, url) = (text(&result["title"]), text(&result["url"]));
        out.push_str(&format!(
            "# {}\nURL: {url}\n{}\n\n",
            if title.is_empty() { &url } else { &title },
            content.unwrap_or_default()
        ));
    }
    let out = if out.is_empty() { "No results were found.".to_owned() } else { out.trim_end().to_owned() };
    vec![CallMessage::Text(out), CallMessage::Json(answer)]
}
