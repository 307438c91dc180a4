//! `brave`: a search engine with an index of its own.

use ox_types::Json;
use serde_json::json;
use url::Url;

use super::show;
use crate::{
    Call, Field, Parameter, Provider, Tool,
    spec::{Run, Said},
};

const BASE: &str = "https://api.search.brave.com/res/v1/web/search";

pub const PROVIDER: Provider = Provider {
    name: "brave",
    label: ("Brave", "Brave"),
    description: ("Brave's web search.", "Brave 网页搜索。"),
    icon: concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#ea580c"/>"##,
        r##"<path d="M12 5.500 17.500 8l-1 7-4.500 3.500L7.500 15l-1-7z" stroke="#fff" stroke-width="1.800" fill="none" stroke-linejoin="round"/></svg>"##
    ),
    labels: &["search"],
    form: &[
        Field::key(
            "brave_search_api_key",
            ("BraveSearch API key", "BraveSearch API 密钥"),
            "https://brave.com/search/api/",
        ),
        Field::address("base_url", ("BraveSearch base URL", "BraveSearch API 地址"), BASE).or(BASE),
    ],
    trial: Some(("brave_search", "query", "test")),
    tools: &[Tool {
        name: "brave_search",
        label: ("BraveSearch", "BraveSearch"),
        description: ("Searches the web.", "搜索网页。"),
        for_model: "Searches the web with Brave and returns title, link and snippet of the results.",
        parameters: &[
            Parameter::text("query", ("Query string", "查询语句"), "Key words for searching").needed(),
            Parameter::number("count", ("Result count", "结果数量"), "How many results to return")
                .or("3")
                .within(1.0, 20.0),
        ],
        run: Run::Calls(|call| Box::pin(search(call))),
    }],
};

async fn search(call: &Call) -> Said {
    let base = call.credential("base_url").unwrap_or(BASE);
    let count = call.arguments.count("count", 3, 1, 20)?;
    let parameters = [("q", call.arguments.required("query")?), ("count", count.to_string())];
    let url =
        Url::parse_with_params(base, parameters).map_err(|error| format!("base_url is not an address: {error}"))?;
    let request = Call::get(url)
        .secret_header("x-subscription-token", call.credential("brave_search_api_key")?)
        .map_err(|error| error.to_string())?;
    let answer = call.fetch_json("Brave", request).await?;
    let results: Vec<Json> = answer["web"]["results"]
        .as_array()
        .into_iter()
        .flatten()
        .take(count as usize)
        .map(|found| json!({"title": found["title"], "link": found["url"], "snippet": found["description"]}))
        .collect();
    show(results.into())
}
