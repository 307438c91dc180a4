//! `webscraper`: what a reader sees of a web page or a document at an address.

use ox_extract::{Budget, Document, Limits, html_decode, html_text, html_title};

use super::say;
use crate::{
    Call, Parameter, Provider, Tool,
    call::{Fetched, told},
    spec::{Run, Said},
};

/// Characters of a page, unless the caller wants fewer.
const MOST: u32 = 100_000;
/// A part of a page that is less than this share of it is not its text.
const SHARE: usize = 4;

pub const PROVIDER: Provider = Provider {
    name: "webscraper",
    label: ("Web Scraper", "网页抓取"),
    description: ("Reads web pages and documents.", "读取网页与文档内容。"),
    icon: concat!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><rect width="24" height="24" rx="6" fill="#0369a1"/>"##,
        r##"<g fill="none" stroke="#fff" stroke-width="1.600"><circle cx="12" cy="12" r="6.500"/><path d="M5.500 12h13M12 5.500c4 4 4 9 0 13M12 5.500c-4 4-4 9 0 13"/></g></svg>"##
    ),
    labels: &["productivity", "search"],
    form: &[],
    trial: None,
    tools: &[Tool {
        name: "webscraper",
        label: ("Web Scraper", "网页爬虫"),
        description: ("The text of a web page.", "用于爬取网页内容。"),
        for_model: "Reads a web page or document (PDF, Word, …) at a URL and returns its title and text.",
        parameters: &[
            Parameter::text("url", ("URL", "网页链接"), "Address of the page").needed(),
            Parameter::text("user_agent", ("User agent", "User Agent"), "").fixed(),
            Parameter::number("limit", ("Most characters", "最大字符数"), "")
                .or("100000")
                .within(100.0, 1_000_000.0)
                .fixed(),
        ],
        run: Run::Calls(|call| Box::pin(scrape(call))),
    }],
};

async fn scrape(call: &Call) -> Said {
    let url = call.arguments.required("url")?;
    let most = call.arguments.count("limit", MOST, 100, 1_000_000)? as usize;
    let mut request = Call::get(url.trim());
    if let Some(agent) = call.arguments.get("user_agent") {
        request = request.header("user-agent", agent.trim()).map_err(|error| error.to_string())?;
    }
    request =
        request.header("accept", "text/html,application/xhtml+xml,*/*;q=0.8").map_err(|error| error.to_string())?;
    let answer = call.fetch(request).await?;
    if !answer.status.is_success() {
        return Err(format!("The page answered HTTP {}: {}", answer.status, told(&answer.text())));
    }
    let text = tokio::task::spawn_blocking(move || read(&answer)).await.map_err(|error| error.to_string())??;
    let short: String = text.chars().take(most).collect();
    say(short)
}

fn read(answer: &Fetched) -> Result<String, String> {
    let budget = Budget::new(Limits { time: std::time::Duration::from_secs(15), ..Limits::default() });
    let failed = |error: ox_extract::Error| format!("The page cannot be read: {error}");
    let looks_like_html = answer.bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<');
    if answer.mime.contains("html") || (answer.mime.is_empty() && looks_like_html) {
        let html = html_decode(&answer.bytes);
        let title = html_title(&html, &budget).map_err(failed)?.unwrap_or_default();
        let text = html_text(&readable(&html), &budget).map_err(failed)?;
        return Ok(format!("TITLE: {title}\nURL: {}\nTEXT:\n\n{}", answer.url, text.trim()));
    }
    let extension = answer.url.path().rsplit('/').next().and_then(|name| name.rsplit_once('.')).map(|(_, end)| end);
    let document = |extension, mime| Document { bytes: &answer.bytes, extension, mime };
    let by_type = ox_extract::extract(document(None, Some(&answer.mime)), &budget);
    match by_type.or_else(|_| ox_extract::extract(document(extension, None), &budget)) {
        Ok(text) => Ok(text),
        Err(_) if answer.mime.starts_with("text/") || answer.mime.contains("json") => {
            Ok(ox_extract::decode(&answer.bytes))
        }
        Err(error) => Err(format!("What is at {} ({}) cannot be read: {error}", answer.url, answer.mime)),
    }
}

/// The part of a page that is its text: its article or main part where it has one, else all but what surrounds it.
fn readable(html: &str) -> String {
    let lower = html.to_ascii_lowercase();
    for name in ["article", "main"] {
        let longest = elements(&lower, name).into_iter().max_by_key(|(from, to)| to - from);
        if let Some((from, to)) = longest
            && (to - from).saturating_mul(SHARE) >= body_length(&lower)
            && let Some(part) = html.get(from..to)
        {
            return without(part, &["nav", "aside", "form", "footer"]);
        }
    }
    without(html, &["nav", "aside", "footer", "form", "dialog"])
}

/// Bytes of what is in the page, scripts and pictures left aside.
fn body_length(lower: &str) -> usize {
    let length = |name: &str| elements(lower, name).iter().map(|(from, to)| to - from).sum::<usize>();
    let hidden: usize = ["head", "script", "style", "svg"].into_iter().map(length).sum();
    lower.len().saturating_sub(hidden)
}

/// Where the outermost elements of a name begin and end. One that is never closed is none.
fn elements(lower: &str, name: &str) -> Vec<(usize, usize)> {
    let (open, close) = (format!("<{name}"), format!("</{name}"));
    let (mut found, mut at, mut depth, mut begin) = (Vec::new(), 0, 0_u32, 0);
    while let Some(next) = lower.get(at..).and_then(|rest| rest.find('<')).map(|next| at + next) {
        let rest = lower.get(next..).unwrap_or_default();
        let ends = |mark: &str| {
            rest.strip_prefix(mark)
                .is_some_and(|rest| rest.starts_with(|c: char| c == '>' || c == '/' || c.is_ascii_whitespace()))
        };
        if ends(&open) {
            if depth == 0 {
                begin = next;
            }
            depth += 1;
        } else if depth > 0 && ends(&close) {
            depth -= 1;
            if depth == 0 {
                let end = rest.find('>').map_or(lower.len(), |end| next + end + 1);
                found.push((begin, end));
            }
        }
        at = next + 1;
    }
    found
}

fn without(html: &str, names: &[&str]) -> String {
    let mut text = html.to_owned();
    for name in names {
        let lower = text.to_ascii_lowercase();
        for (from, to) in elements(&lower, name).into_iter().rev() {
            text.replace_range(from..to, " ");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_page_is_found() {
        let seen = |html: &str| {
            let budget = Budget::new(Limits::default());
            html_text(&readable(html), &budget).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let story = "word ".repeat(60);
        let page = format!(
            "<html><body><nav>Home</nav><ARTICLE class=x><h1>Story</h1><p>{story}</p><aside>Ad</aside></ARTICLE><footer>(c)</footer></body></html>"
        );
        assert_eq!(seen(&page), format!("Story {}", story.trim()));
        assert_eq!(
            seen("<body><header>Site</header><p>Text</p><nav>A<nav>B</nav></nav><footer>F</footer></body>"),
            "Site Text"
        );
        // Cards of a front page are not its article, and a broken page is read as it is.
        assert_eq!(
            seen(&format!("<body><article>One</article><p>{story}</p></body>")),
            format!("One {}", story.trim())
        );
        assert_eq!(seen("<main>never closed <p>text"), "never closed text");
        assert_eq!(seen("<articles>not an article</articles>"), "not an article");
    }
}
