//! `bing`: Bing's results.

use ox_nodes::CallMessage;
use ox_types::Json;
use serde_json::json;
use url::Url;

use crate::{
    Call, Field, Parameter, Provider, Tool,
    spec::{Run, Said},
};

const BASE: &str = "https://api.bing.microsoft.com/v7.0/search";

pub const PROVIDER: Provider = Provider {
    name: "bing",
    label: ("Bing", "必应"),
    description: ("Bing's web search.", "必应网页搜索。"),
    icon: concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#0e7490"/>"##,
        r##"<path d="M8 5.500v11l3.500 2 5.500-3.500v-3l-5-2.500" stroke="#fff" stroke-width="2" fill="none" stroke-linejoin="round" stroke-linecap="round"/></svg>"##
    ),
    labels: &["search"],
    form: &[
        Field::key(
            "subscription_key",
            ("Bing subscription key", "必应订阅密钥"),
            "https://www.microsoft.com/cognitive-services/en-us/bing-web-search-api",
        ),
        Field::address("server_url", ("Bing endpoint", "必应端点"), BASE).or(BASE),
    ],
    trial: Some(("bing_web_search", "query", "test")),
    tools: &[Tool {
        name: "bing_web_search",
        label: ("BingWebSearch", "必应网页搜索"),
        description: ("Searches the web.", "搜索网页。"),
        for_model: "Searches the web with Bing and returns links and snippets of the results.",
        parameters: &[
            Parameter::text("query", ("Query string", "查询语句"), "Key words for searching").needed(),
            Parameter::number("limit", ("Most results", "返回长度限制"), "").or("5").within(1.0, 50.0).fixed(),
            Parameter::select(
                "result_type",
                ("Result type", "结果类型"),
                "text",
                &[("text", ("Text", "文本")), ("link", ("Link", "链接")), ("json", ("JSON", "JSON"))],
            ),
            Parameter::text("market", ("Market", "市场"), "").or("US").fixed(),
            Parameter::text("language", ("Language", "语言"), "").or("en").fixed(),
        ],
        run: Run::Calls(|call| Box::pin(search(call))),
    }],
};

async fn search(call: &Call) -> Said {
    let arguments = &call.arguments;
    let count = arguments.count("limit", 5, 1, 50)?;
    let market = arguments.get("market").unwrap_or_else(|| "US".into());
    let language = arguments.get("language").unwrap_or_else(|| "en".into());
    let parameters = [
        ("q", arguments.required("query")?),
        ("count", count.to_string()),
        // Compat: market is a country, and the service wants language and country.
        ("mkt", if market.contains('-') { market } else { format!("{language}-{market}") }),
        ("setLang", language),
    ];
    let base = call.credential("server_url").unwrap_or(BASE);
    let url =
        Url::parse_with_params(base, parameters).map_err(|error| format!("server_url is not an address: {error}"))?;
    let request = Call::get(url)
        .secret_header("ocp-apim-subscription-key", call.credential("subscription_key")?)
        .map_err(|error| error.to_string())?;
    let answer = call.fetch_json("Bing", request).await?;
    let kind = arguments.get("result_type").unwrap_or_else(|| "text".into());
    Ok(told(&answer["webPages"]["value"], &kind, count as usize))
}

fn told(pages: &Json, kind: &str, count: usize) -> Vec<CallMessage> {
    let text = |page: &Json, name: &str| page[name].as_str().unwrap_or_default().to_owned();
    let pages = pages.as_array().into_iter().flatten().take(count);
    match kind {
        "link" => pages.map(|page| CallMessage::Link(text(page, "url"))).collect(),
        "json" => {
            let found =
                pages.map(|page| json!({"title": page["name"], "link": page["url"], "snippet": page["snippet"]}));
            vec![CallMessage::Json(found.collect())]
        }
        _ => {
            let lines: Vec<String> = pages
                .map(|page| format!("{}\n{}\n{}", text(page, "name"), text(page, "url"), text(page, "snippet")))
                .collect();
            vec![CallMessage::Text(if lines.is_empty() {
                "No results were found.".to_owned()
            } else {
                lines.join("\n\n")
            })]
        }
    }
}
