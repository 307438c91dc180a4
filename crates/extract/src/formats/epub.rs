//! Electronic books: the pages in reading order.

use std::collections::HashMap;

use crate::{
    Budget, Error, Item,
    archive::{Archive, resolve},
    budget::Text,
    charset, html,
    items::Items,
    xml::{Token, Xml},
};

const FORMAT: &str = "EPUB";
/// Most pages of a book.
const MAX_PAGES: usize = 10_000;

pub fn read(bytes: &[u8], budget: &Budget) -> Result<String, Error> {
    let mut out = Text::new(budget);
    each(bytes, budget, &mut |text, _| if text.is_empty() { Ok(()) } else { out.line(&text) })?;
    Ok(out.finish())
}

/// A part per page of the book's files, under the page's title.
pub fn items(bytes: &[u8], out: &mut Items<'_>) -> Result<(), Error> {
    let budget = out.budget;
    each(bytes, budget, &mut |text, source| {
        let heading = html::title(source, budget)?;
        out.give_item(Item { text, heading, ..Item::default() })
    })
}

/// Text and source of every page.
fn each(bytes: &[u8], budget: &Budget, take: &mut dyn FnMut(String, &str) -> Result<(), Error>) -> Result<(), Error> {
    let mut archive = Archive::open(bytes, FORMAT, budget)?;
    let package = package(&mut archive, budget)?;
    let text = charset::decode(&archive.get(&package)?);
    for page in pages(&text, budget)? {
        let Some(page) = archive.find(&resolve(&package, &page))? else { continue };
        let source = charset::decode(&page);
        take(html::text(&source, budget)?, &source)?;
    }
    Ok(())
}

/// Where the book's table of parts is.
fn package(archive: &mut Archive<'_>, budget: &Budget) -> Result<String, Error> {
    let container = charset::decode(&archive.get("META-INF/container.xml")?);
    let mut xml = Xml::new(&container, FORMAT, budget);
    while let Some(token) = xml.next()? {
        if let Token::Open(element) = token
            && element.name() == "rootfile"
            && let Some(path) = element.attribute("full-path")
        {
            return Ok(path);
        }
    }
    Err(Error::broken(FORMAT, "it does not say where its content is"))
}

/// Paths of the pages in reading order.
fn pages(package: &str, budget: &Budget) -> Result<Vec<String>, Error> {
    let mut parts: HashMap<String, String> = HashMap::new();
    let mut order = Vec::new();
    let mut xml = Xml::new(package, FORMAT, budget);
    while let Some(token) = xml.next()? {
        let Token::Open(element) = token else { continue };
        match element.name() {
            "item" => {
                if let (Some(id), Some(href)) = (element.attribute("id"), element.attribute("href")) {
                    parts.insert(id, unescaped(&href));
                }
            }
            "itemref" => order.extend(element.attribute("idref")),
            _ => {}
        }
    }
    Ok(order.iter().take(MAX_PAGES).filter_map(|id| parts.get(id).cloned()).collect())
}

/// `%20` and the like; a mark in the page does not count.
fn unescaped(href: &str) -> String {
    let path = href.split('#').next().unwrap_or_default().as_bytes();
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((byte, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        match code.filter(|_| *byte == b'%') {
            Some(code) => {
                out.push(code);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, testing::zipped};

    #[test]
    fn pages_in_reading_order() {
        let container = "<container><rootfiles><rootfile full-path='OEBPS/book.opf'/></rootfiles></container>";
        let package = "<package><manifest><item id='b' href='two%20pages.xhtml'/><item id='a' href='one.xhtml#start'/><item id='css' href='s.css'/></manifest>\
            <spine><itemref idref='a'/><itemref idref='b'/><itemref idref='gone'/></spine></package>";
        let bytes = zipped(&[
            ("META-INF/container.xml", container.as_bytes()),
            ("OEBPS/book.opf", package.as_bytes()),
            ("OEBPS/one.xhtml", b"<html><head><title>t</title></head><body><h1>One</h1><p>first</p></body></html>"),
            ("OEBPS/two pages.xhtml", b"<html><body><p>second</p></body></html>"),
        ]);
        let budget = Budget::new(Limits::default());
        assert_eq!(read(&bytes, &budget).unwrap(), "One\nfirst\nsecond");
        assert!(read(&zipped(&[("META-INF/container.xml", b"<container/>")]), &budget).is_err());
    }
}
