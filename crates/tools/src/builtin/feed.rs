//! RSS and Atom documents, read into their entries.

use quick_xml::{Reader, events::Event};

/// An entry of a feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    pub title: String,
    pub link: String,
    pub published: String,
    pub summary: String,
    pub authors: Vec<String>,
    /// Stands for the link where there is none.
    id: String,
}

/// A feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Feed {
    pub title: String,
    pub entries: Vec<Entry>,
}

/// Reads a feed; at most so many entries.
///
/// # Errors
/// When it is neither RSS nor Atom.
pub fn read(text: &str, most: usize) -> Result<Feed, String> {
    let broken = |error: &dyn std::fmt::Display| format!("This is not a feed: {error}");
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    reader.config_mut().check_end_names = false;
    reader.config_mut().allow_unmatched_ends = true;
    let (mut feed, mut path, mut is_feed) = (Feed::default(), Vec::<String>::new(), false);
    let mut entry: Option<Entry> = None;
    let mut said = String::new();
    loop {
        match reader.read_event().map_err(|error| broken(&error))? {
            Event::Start(tag) => {
                let name = local(tag.name().as_ref());
                is_feed |= matches!(name.as_str(), "rss" | "feed" | "rdf");
                if matches!(name.as_str(), "item" | "entry") {
                    if feed.entries.len() >= most {
                        break;
                    }
                    entry = Some(Entry::default());
                }
                linked(&tag, &name, entry.as_mut());
                said.clear();
                path.push(name);
                if path.len() > 64 {
                    return Err(broken(&"it nests too deep"));
                }
            }
            Event::Empty(tag) => linked(&tag, &local(tag.name().as_ref()), entry.as_mut()),
            Event::Text(text) => said.push_str(&text),
            Event::CData(text) => said.push_str(&text),
            Event::GeneralRef(name) => said.push_str(&reference(&name)),
            Event::End(_) => {
                let Some(name) = path.pop() else { continue };
                let text = said.trim().to_owned();
                said.clear();
                match &mut entry {
                    Some(open) if matches!(name.as_str(), "item" | "entry") => {
                        if open.link.is_empty() {
                            open.link = std::mem::take(&mut open.id);
                        }
                        feed.entries.push(std::mem::take(open));
                        entry = None;
                    }
                    Some(open) => keep(open, &name, path.last().map(String::as_str), text),
                    None if name == "title" && feed.title.is_empty() => feed.title = text,
                    None => {}
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    if is_feed { Ok(feed) } else { Err(broken(&"it has neither an rss nor a feed element")) }
}

/// The name without its prefix, in small letters.
fn local(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    name.rsplit(':').next().unwrap_or_default().to_owned()
}

/// An Atom link; RSS has its own as text.
fn linked(tag: &quick_xml::events::BytesStart<'_>, name: &str, entry: Option<&mut Entry>) {
    let Some(entry) = entry.filter(|_| name == "link") else { return };
    let attribute = |wanted: &str| {
        let found = tag.attributes().flatten().find(|attribute| attribute.key.as_ref() == wanted)?;
        Some(unescaped(&found.value))
    };
    let is_page = attribute("rel").is_none_or(|rel| rel == "alternate");
    if let Some(href) = attribute("href").filter(|_| is_page && entry.link.is_empty()) {
        entry.link = href;
    }
}

fn keep(entry: &mut Entry, name: &str, parent: Option<&str>, text: String) {
    if text.is_empty() {
        return;
    }
    match (name, parent) {
        ("title", Some("item" | "entry")) => entry.title = text,
        ("guid" | "id", _) => entry.id = text,
        ("link", _) => entry.link = text,
        ("pubdate" | "published" | "date", _) => entry.published = text,
        ("updated", _) if entry.published.is_empty() => entry.published = text,
        ("description" | "summary", _) => entry.summary = text,
        ("content" | "encoded", _) if entry.summary.is_empty() => entry.summary = text,
        ("name", Some("author")) | ("creator", _) => entry.authors.push(text),
        _ => {}
    }
}

fn reference(name: &str) -> String {
    unescaped(&format!("&{name};"))
}

fn unescaped(text: &str) -> String {
    quick_xml::escape::unescape(text).map_or_else(|_| text.to_owned(), std::borrow::Cow::into_owned)
}

/// What a reader sees of a text that may be HTML.
pub fn plain(text: &str) -> String {
    let budget = ox_extract::Budget::new(ox_extract::Limits::default());
    ox_extract::html_text(text, &budget).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_are_read() {
        let rss = r#"<?xml version="1.0"?><rss version="2.0"><channel><title>News &amp; more</title><item><title><![CDATA[One <b>]]></title>
            <link>https://a.test/1?x=1&amp;y=2</link><pubDate>Mon</pubDate><description>&lt;p&gt;Hi&lt;/p&gt;</description></item><item><title>Two</title></item></channel></rss>"#;
        let feed = read(rss, 10).unwrap();
        assert_eq!(feed.title, "News & more");
        let first = &feed.entries[0];
        assert_eq!(
            (first.title.as_str(), first.link.as_str(), first.published.as_str()),
            ("One <b>", "https://a.test/1?x=1&y=2", "Mon")
        );
        assert_eq!(plain(&first.summary).trim(), "Hi");
        assert_eq!(read(rss, 1).unwrap().entries.len(), 1);
        let atom = r#"<feed xmlns="http://www.w3.org/2005/Atom"><title>A</title><entry><id>x</id><title>T</title><link rel="self" href="s"/><link href="https://a.test/t"/>
            <author><name>Ada</name></author><author><name>Bob</name></author><published>2024</published><summary>S</summary></entry></feed>"#;
        let entry = read(atom, 10).unwrap().entries.remove(0);
        assert_eq!(
            (entry.link.as_str(), entry.authors.join(",").as_str(), entry.summary.as_str()),
            ("https://a.test/t", "Ada,Bob", "S")
        );
        for wrong in ["", "hello", "<html><body></body></html>", "{}"] {
            assert!(read(wrong, 10).is_err(), "{wrong}");
        }
    }
}
