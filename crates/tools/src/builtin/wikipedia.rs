//! `wikipedia`: pages about something, with their first paragraphs.

use ox_types::Json;
use url::Url;

use super::say;
use crate::{
    Call, Parameter, Provider, Tool,
    spec::{Run, Said},
};

/// Pages that are told.
const PAGES: &str = "3";
/// Characters of all of them.
const MOST: usize = 4000;

pub const PROVIDER: Provider = Provider {
    name: "wikipedia",
    label: ("Wikipedia", "维基百科"),
    description: ("Looks things up in Wikipedia.", "在维基百科中查询。"),
    icon: concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#334155"/>"##,
        r##"<path d="m5.500 7 4 10 2.500-6.500L14.500 17l4-10" stroke="#fff" stroke-width="1.800" fill="none" stroke-linejoin="round" stroke-linecap="round"/></svg>"##
    ),
    labels: &["social"],
    form: &[],
    trial: None,
    tools: &[Tool {
        name: "wikipedia_search",
        label: ("WikipediaSearch", "维基百科搜索"),
        description: ("Pages about something, with a summary.", "搜索维基百科并返回摘要。"),
        for_model: "Searches Wikipedia and returns the first paragraphs of the best pages.",
        parameters: &[
            Parameter::text("query", ("Query string", "查询语句"), "Key words for searching").needed(),
            Parameter::text("language", ("Language", "语言"), "Language of the Wikipedia, such as en, zh, de").or("en"),
        ],
        run: Run::Calls(|call| Box::pin(search(call))),
    }],
};

/// Where a question is asked; the language is part of the host, so only a language may be there.
fn address(query: &str, language: &str) -> Result<String, String> {
    let is_language = (2..=12).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        && !language.starts_with('-')
        && !language.ends_with('-');
    if !is_language {
        return Err(format!("'{language}' is not the language of a Wikipedia, such as en."));
    }
    let parameters = [
        ("action", "query"),
        ("format", "json"),
        ("formatversion", "2"),
        ("generator", "search"),
        ("gsrsearch", query),
        ("gsrlimit", PAGES),
        ("prop", "extracts"),
        ("exintro", "1"),
        ("explaintext", "1"),
        ("exlimit", "max"),
    ];
    let url = Url::parse_with_params(&format!("https://{language}.wikipedia.org/w/api.php"), parameters);
    url.map(Into::into).map_err(|error| error.to_string())
}

async fn search(call: &Call) -> Said {
    let language = call.arguments.get("language").unwrap_or_else(|| "en".into());
    let url = address(&call.arguments.required("query")?, language.trim())?;
    say(summary(&call.fetch_json("Wikipedia", Call::get(url)).await?))
}

fn summary(answer: &Json) -> String {
    let mut pages: Vec<&Json> = answer["query"]["pages"].as_array().into_iter().flatten().collect();
    pages.sort_by_key(|page| page["index"].as_i64().unwrap_or(i64::MAX));
    let told: Vec<String> = pages
        .iter()
        .map(|page| {
            let text = |name: &str| page[name].as_str().unwrap_or_default().trim().to_owned();
            format!("Page: {}\nSummary: {}", text("title"), text("extract"))
        })
        .collect();
    if told.is_empty() {
        return "No good Wikipedia Search Result was found".to_owned();
    }
    told.join("\n\n").chars().take(MOST).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_language_is_part_of_the_host() {
        assert!(address("a&b", "zh-yue").unwrap().starts_with("https://zh-yue.wikipedia.org/w/api.php?action=query"));
        assert!(address("a&b=c d", "en").unwrap().contains("gsrsearch=a%26b%3Dc+d"));
        for wrong in ["", "e", "evil.test/", "EN", "a@b", "-en", "a.b", "verylonglanguage"] {
            assert!(address("x", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn pages_are_told_best_first() {
        let answer = json!({"query": {"pages": [
            {"index": 2, "title": "B", "extract": "bb"}, {"index": 1, "title": "A", "extract": "aa"}]}});
        assert_eq!(summary(&answer), "Page: A\nSummary: aa\n\nPage: B\nSummary: bb");
        assert_eq!(summary(&json!({"batchcomplete": true})), "No good Wikipedia Search Result was found");
    }
}
