//! `arxiv`: scientific papers.

use url::Url;

use super::{feed, say};
use crate::{
    Call, Parameter, Provider, Tool,
    call::told,
    spec::{Run, Said},
};

/// Papers that are told.
const PAPERS: usize = 5;
/// Characters of a summary.
const SUMMARY: usize = 2000;

pub const PROVIDER: Provider = Provider {
    name: "arxiv",
    label: ("ArXiv", "ArXiv"),
    description: (
        "Finds papers of physics, mathematics, computer science and more.",
        "检索物理、数学、计算机等领域的论文。",
    ),
    icon: concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#991b1b"/>"##,
        r##"<path d="m7 6 10 12M17 6 7 18" stroke="#fff" stroke-width="2.200" stroke-linecap="round"/></svg>"##
    ),
    labels: &["search"],
    form: &[],
    trial: None,
    tools: &[Tool {
        name: "arxiv_search",
        label: ("Arxiv Search", "Arxiv 搜索"),
        description: ("Papers by words, author or number.", "按关键词、作者或编号搜索论文。"),
        for_model: "Searches arXiv for papers by words, author names or arXiv numbers; returns date, title, authors and summary.",
        parameters: &[
            Parameter::text("query", ("Query string", "查询字符串"), "Words, author name or arXiv number").needed()
        ],
        run: Run::Calls(|call| Box::pin(search(call))),
    }],
};

fn address(query: &str) -> Result<String, String> {
    let numbers: Vec<&str> = query.split_whitespace().collect();
    // 2101.12345 or 2101.12345v2
    let is_number = |word: &&str| {
        let (year, rest) = word.split_once('.').unwrap_or_default();
        let digits = rest.split('v').next().unwrap_or_default();
        year.len() == 4
            && (4..=5).contains(&digits.len())
            && [year, digits].iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()))
    };
    let by_number = !numbers.is_empty() && numbers.iter().all(is_number);
    let (name, value) =
        if by_number { ("id_list", numbers.join(",")) } else { ("search_query", format!("all:{}", query.trim())) };
    let count = PAPERS.to_string();
    let parameters = [(name, value.as_str()), ("start", "0"), ("max_results", &count)];
    let url = Url::parse_with_params("https://export.arxiv.org/api/query", parameters);
    url.map(Into::into).map_err(|error| error.to_string())
}

async fn search(call: &Call) -> Said {
    let url = address(&call.arguments.required("query")?)?;
    let answer = call.fetch(Call::get(url)).await?;
    if !answer.status.is_success() {
        return Err(format!("arXiv answered HTTP {}: {}", answer.status, told(&answer.text())));
    }
    say(papers(&answer.text())?)
}

fn papers(text: &str) -> Result<String, String> {
    let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let feed = feed::read(text, PAPERS)?;
    let told: Vec<String> = feed
        .entries
        .iter()
        .map(|entry| {
            let summary: String = line(&entry.summary).chars().take(SUMMARY).collect();
            let date = entry.published.split('T').next().unwrap_or_default();
            let authors = entry.authors.join(", ");
            format!(
                "Published: {date}\nTitle: {}\nAuthors: {authors}\nURL: {}\nSummary: {summary}",
                line(&entry.title),
                entry.link
            )
        })
        .collect();
    Ok(if told.is_empty() { "No good Arxiv Result was found".to_owned() } else { told.join("\n\n") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_asked_for_as_numbers() {
        assert!(address("2101.12345v2 1706.03762").unwrap().contains("id_list=2101.12345v2%2C1706.03762"));
        assert!(address("attention is 2.5").unwrap().contains("search_query=all%3Aattention+is+2.5"));
    }

    #[test]
    fn papers_are_told() {
        let atom = r#"<feed><title>q</title><entry><title>Attention Is
            All</title><published>2017-06-12T17:57:34Z</published><author><name>A</name></author><id>http://arxiv.org/abs/1706.03762v1</id><summary>Long
            text</summary></entry></feed>"#;
        assert_eq!(
            papers(atom).unwrap(),
            "Published: 2017-06-12\nTitle: Attention Is All\nAuthors: A\nURL: http://arxiv.org/abs/1706.03762v1\nSummary: Long text"
        );
        assert_eq!(papers("<feed></feed>").unwrap(), "No good Arxiv Result was found");
    }
}
