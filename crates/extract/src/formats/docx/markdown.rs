//! Links and headings of a Word document.

use std::collections::HashMap;

use super::{FORMAT, Way};
use crate::{
    Budget, Error,
    archive::{self, Archive},
    charset,
    xml::{Element, Token, Xml},
};

/// Deepest heading that Markdown knows.
const MAX_LEVEL: usize = 6;

/// Where relations of the document lead, by their names.
#[derive(Default)]
pub struct Relations {
    pub links: HashMap<String, String>,
    /// Parts of the archive.
    pub pictures: HashMap<String, String>,
}

/// What the document is related to.
pub fn relations(archive: &mut Archive<'_>, budget: &Budget) -> Result<Relations, Error> {
    let mut found = Relations::default();
    let Some(part) = archive.find("word/_rels/document.xml.rels")? else { return Ok(found) };
    let text = charset::decode(&part);
    let mut xml = Xml::new(&text, FORMAT, budget);
    while let Some(token) = xml.next()? {
        let Token::Open(element) = token else { continue };
        let (Some(id), Some(target)) = (element.attribute("Id"), element.attribute("Target")) else { continue };
        let kind = element.attribute("Type").unwrap_or_default();
        // A picture somewhere on the network stays there.
        let is_inside = element.attribute("TargetMode").is_none_or(|mode| mode != "External");
        if kind.ends_with("/hyperlink") {
            found.links.insert(id, target);
        } else if kind.ends_with("/image") && is_inside {
            found.pictures.insert(id, archive::resolve("word/document.xml", &target));
        }
    }
    Ok(found)
}

/// Levels of headings by the names of their styles, which differ from language to language.
pub fn levels(archive: &mut Archive<'_>, budget: &Budget) -> Result<HashMap<String, usize>, Error> {
    let mut found = HashMap::new();
    let Some(part) = archive.find("word/styles.xml")? else { return Ok(found) };
    let text = charset::decode(&part);
    let mut xml = Xml::new(&text, FORMAT, budget);
    let mut style = None;
    while let Some(token) = xml.next()? {
        let Token::Open(element) = token else { continue };
        match element.name() {
            "style" => style = element.attribute("styleId"),
            "name" => {
                let name = element.attribute("val").unwrap_or_default().to_ascii_lowercase();
                let level = match name.as_str() {
                    "title" => Some(1),
                    name => name.strip_prefix("heading ").and_then(|level| level.parse::<usize>().ok()),
                };
                if let (Some(style), Some(level)) = (style.take(), level.filter(|level| (1..=9).contains(level))) {
                    found.insert(style, level.min(MAX_LEVEL));
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

/// The level that the properties of a paragraph, which have just begun, make it a heading of.
pub fn level(xml: &mut Xml<'_>, way: &Way) -> Result<Option<usize>, Error> {
    let mut found = None;
    let mut open = 1;
    while open > 0 {
        match xml.next()? {
            Some(Token::Open(element)) => {
                if element.name() == "pStyle" {
                    found = element.attribute("val").and_then(|style| way.levels.get(&style).copied());
                }
                open += 1;
            }
            Some(Token::Close) => open -= 1,
            Some(Token::Text(_)) => {}
            None => break,
        }
    }
    Ok(found)
}

/// Links that are open in a paragraph.
#[derive(Default)]
pub struct Links {
    /// Depth of the element, where its text begins, where it leads.
    elements: Vec<(usize, usize, String)>,
    /// What a field says, and where its text begins.
    fields: Vec<(String, Option<usize>)>,
}

impl Links {
    /// An element begins.
    pub fn open(&mut self, element: &Element<'_>, depth: usize, out: &mut String, way: &Way) {
        let target = match element.name() {
            "hyperlink" => element.prefixed("id").and_then(|id| way.links.get(&id).cloned()),
            "fldSimple" => element.attribute("instr").as_deref().and_then(target),
            "fldChar" => {
                match element.attribute("fldCharType").as_deref() {
                    Some("begin") => self.fields.push((String::new(), None)),
                    Some("separate") => {
                        if let Some((_, begin)) = self.fields.last_mut() {
                            *begin = Some(out.len());
                        }
                    }
                    Some("end") => {
                        if let Some((said, Some(begin))) = self.fields.pop()
                            && let Some(target) = target(&said)
                        {
                            wrap(out, begin, &target);
                        }
                    }
                    _ => {}
                }
                None
            }
            _ => None,
        };
        self.elements.extend(target.map(|target| (depth, out.len(), target)));
    }

    /// A field says what it is.
    pub fn instruction(&mut self, text: &str) {
        if let Some((said, _)) = self.fields.last_mut() {
            said.push_str(text);
        }
    }

    /// An element ends.
    pub fn close(&mut self, depth: usize, out: &mut String) {
        if let Some((_, begin, target)) = self.elements.pop_if(|(open, _, _)| *open == depth) {
            wrap(out, begin, &target);
        }
    }
}

/// Where a field leads, if it is a link to another document.
fn target(field: &str) -> Option<String> {
    let rest = field.trim().strip_prefix("HYPERLINK")?.trim_start().strip_prefix('"')?;
    let (target, _) = rest.split_once('"')?;
    (!target.is_empty()).then(|| target.to_owned())
}

fn wrap(out: &mut String, begin: usize, target: &str) {
    if !out.is_char_boundary(begin) {
        return;
    }
    let text = out.split_off(begin);
    if text.trim().is_empty() {
        out.push_str(&text);
    } else {
        out.push_str(&format!("[{}]({target})", text.trim()));
    }
}
