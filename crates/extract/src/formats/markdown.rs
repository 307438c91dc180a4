//! Markdown: a part per heading.

use crate::{Error, Item, items::Items};

/// Titles of headings, outermost first.
const BETWEEN: &str = " > ";
/// Elements of HTML that are layout in a Markdown text.
const TAGS: &[&str] = &[
    "a",
    "abbr",
    "article",
    "aside",
    "b",
    "blockquote",
    "br",
    "center",
    "cite",
    "code",
    "dd",
    "del",
    "details",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "font",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "main",
    "mark",
    "nav",
    "ol",
    "p",
    "picture",
    "pre",
    "s",
    "samp",
    "section",
    "small",
    "source",
    "span",
    "strong",
    "sub",
    "summary",
    "sup",
    "svg",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "tt",
    "u",
    "ul",
    "var",
    "video",
];

/// Gives the text before the first heading, then a part per heading. The marks of the headings go, and the tags of
/// HTML; what only looks like a tag stays.
pub fn items(text: &str, out: &mut Items<'_>) -> Result<(), Error> {
    let mut open: Vec<(usize, String)> = Vec::new();
    let mut section: Option<&str> = None;
    let mut body = String::new();
    let mut fence: Option<&str> = None;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for line in text.split('\n') {
        out.budget.tick()?;
        let line = line.strip_suffix('\r').unwrap_or(line);
        let bare = line.trim_start();
        match fence {
            Some(mark) if bare.starts_with(mark) => fence = None,
            Some(_) => {}
            None => fence = ["```", "~~~"].into_iter().find(|mark| bare.starts_with(mark)),
        }
        let is_code = fence.is_some();
        match heading(line).filter(|_| !is_code) {
            Some((level, title)) => {
                give(section, &std::mem::take(&mut body), &open, out)?;
                open.retain(|(above, _)| *above < level);
                open.push((level, title.to_owned()));
                section = Some(title);
            }
            None => {
                if is_code {
                    body.push_str(line)
                } else {
                    push_without_tags(&mut body, line)
                }
                body.push('\n');
            }
        }
    }
    give(section, &body, &open, out)
}

fn give(section: Option<&str>, body: &str, open: &[(usize, String)], out: &mut Items<'_>) -> Result<(), Error> {
    let body = body.trim_end_matches('\n');
    let text = match section {
        Some(title) => format!("\n\n{title}\n{body}"),
        None => body.to_owned(),
    };
    let titles: Vec<&str> = open.iter().map(|(_, title)| title.as_str()).filter(|title| !title.is_empty()).collect();
    let heading = (!titles.is_empty()).then(|| titles.join(BETWEEN));
    out.give_item(Item { text, heading, ..Item::default() })
}

/// Level and title of a heading line.
fn heading(line: &str) -> Option<(usize, &str)> {
    let rest = line.trim_start_matches('#');
    let level = line.len() - rest.len();
    if level == 0 || !(rest.is_empty() || rest.starts_with(char::is_whitespace)) {
        return None;
    }
    // Marks after a space close the heading; others belong to its last word, as in "C#".
    let title = rest.trim();
    let bare = title.trim_end_matches('#');
    let title = if bare.is_empty() || bare.ends_with(char::is_whitespace) { bare.trim_end() } else { title };
    Some((level, title))
}

fn push_without_tags(out: &mut String, line: &str) {
    let mut rest = line;
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        out.push_str(before);
        match tag_length(tag) {
            Some(length) => rest = tag.get(length..).unwrap_or_default(),
            None => {
                out.push('<');
                rest = tag.get(1..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
}

/// How long the tag at the beginning is; nothing when there is none.
fn tag_length(text: &str) -> Option<usize> {
    if text.starts_with("<!--") {
        return text.find("-->").map(|at| at + 3);
    }
    let end = text.find('>')?;
    let inside = text.get(1..end)?.trim_start_matches('/');
    let name_end = inside.find(|next: char| !next.is_ascii_alphanumeric()).unwrap_or(inside.len());
    let (name, after) = inside.split_at(name_end);
    let is_tag = after.is_empty() || after.starts_with(|next: char| next.is_whitespace() || next == '/');
    (is_tag && TAGS.binary_search(&name.to_ascii_lowercase().as_str()).is_ok()).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Budget, Document, Limits};

    fn read(text: &str) -> Vec<(String, Option<String>)> {
        let mut got = Vec::new();
        let document = Document { bytes: text.as_bytes(), extension: Some("md"), mime: None };
        crate::items(document, &Budget::new(Limits::default()), &mut |item| {
            got.push((item.text, item.heading));
            Ok(())
        })
        .unwrap();
        got
    }

    #[test]
    fn a_part_per_heading() {
        let text = "before <b>bold</b>\n# One ##\nbody < 3 and Vec<T> <br/>\r\n## C#\n\n```\n# comment <b>\n```\nafter\n#hashtag\n# Two\n";
        let part = |text: &str, heading: Option<&str>| (text.to_owned(), heading.map(str::to_owned));
        assert_eq!(
            read(text),
            [
                part("before bold", None),
                part("\n\nOne\nbody < 3 and Vec<T> ", Some("One")),
                part("\n\nC#\n\n```\n# comment <b>\n```\nafter\n#hashtag", Some("One > C#")),
                part("\n\nTwo\n", Some("Two")),
            ]
        );
        assert!(read(" \n\n").is_empty());
        assert!(TAGS.is_sorted());
    }

    #[test]
    fn tags() {
        for (line, expected) in [
            ("<p align=\"center\">x</p>", "x"),
            ("a <!-- gone --> b", "a  b"),
            ("<https://x.org> <T> <1>", "<https://x.org> <T> <1>"),
            ("1 < 2 > 0 <", "1 < 2 > 0 <"),
            ("<IMG src='x'/>", ""),
        ] {
            let mut out = String::new();
            push_without_tags(&mut out, line);
            assert_eq!(out, expected, "{line}");
        }
    }
}
