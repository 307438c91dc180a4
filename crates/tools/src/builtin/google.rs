//! `google`: Google's results, by SerpAPI or by Google's own custom search.

use ox_types::Json;
use serde_json::json;
use url::Url;

use super::show;
use crate::{
    Call, Field, Parameter, Provider, Tool,
    spec::{Run, Said},
};

const SERPAPI: &str = "https://serpapi.com/search";
const CUSTOM: &str = "https://www.googleapis.com/customsearch/v1";

const fn optional(mut field: Field) -> Field {
    field.required = false;
    field
}

pub const PROVIDER: Provider = Provider {
    name: "google",
    label: ("Google", "Google"),
    description: ("Google's web search.", "Google 网页搜索。"),
    icon: concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#1d4ed8"/>"##,
        r##"<path d="M16.500 8.500A6 6 0 1 0 18 12h-5.500" stroke="#fff" stroke-width="2.200" fill="none" stroke-linecap="round"/></svg>"##
    ),
    labels: &["search"],
    form: &[
        optional(Field::key(
            "serpapi_api_key",
            ("SerpApi API key", "SerpApi API 密钥"),
            "https://serpapi.com/manage-api-key",
        )),
        optional(Field::key(
            "google_api_key",
            ("Google API key (instead of SerpApi)", "Google API 密钥（代替 SerpApi）"),
            "https://developers.google.com/custom-search/v1/introduction",
        )),
        optional(Field::address("google_search_engine_id", ("Search engine id (cx)", "搜索引擎 ID（cx）"), "")),
    ],
    trial: Some(("google_search", "query", "test")),
    tools: &[Tool {
        name: "google_search",
        label: ("GoogleSearch", "谷歌搜索"),
        description: ("Searches the web.", "搜索网页。"),
        for_model: "Searches the web with Google and returns title, link and snippet of the results.",
        parameters: &[
            Parameter::text("query", ("Query string", "查询语句"), "Key words for searching").needed(),
            Parameter::text("hl", ("Language", "语言"), "").or("en").fixed(),
            Parameter::text("gl", ("Country", "国家"), "").or("us").fixed(),
        ],
        run: Run::Calls(|call| Box::pin(search(call))),
    }],
};

async fn search(call: &Call) -> Said {
    let arguments = &call.arguments;
    let query = arguments.required("query")?;
    let language = arguments.get("hl").unwrap_or_else(|| "en".into());
    let country = arguments.get("gl").unwrap_or_else(|| "us".into());
    let both = [("hl", language.as_str()), ("gl", country.as_str())];
    let build = |base: &str, more: &[(&str, &str)]| {
        Url::parse_with_params(base, both.iter().chain(more)).map_err(|error| error.to_string())
    };
    if let Ok(key) = call.credential("serpapi_api_key") {
        let url =
            build(SERPAPI, &[("engine", "google"), ("q", &query), ("api_key", key), ("google_domain", "google.com")])?;
        let answer = call.fetch_json("SerpApi", Call::get(url)).await?;
        return show(results(&answer["organic_results"], "link"));
    }
    let key = call.credential("google_api_key").map_err(|_| "Neither serpapi_api_key nor google_api_key is set.")?;
    let engine = call.credential("google_search_engine_id")?;
    let url = build(CUSTOM, &[("key", key), ("cx", engine), ("q", &query)])?;
    let answer = call.fetch_json("Google", Call::get(url)).await?;
    show(results(&answer["items"], "link"))
}

/// Title, link and snippet of each.
pub fn results(found: &Json, link: &str) -> Json {
    let one = |found: &Json| json!({"title": found["title"], "link": found[link], "snippet": found["snippet"]});
    found.as_array().into_iter().flatten().map(one).collect()
}
