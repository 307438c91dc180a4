//! PowerPoint slides: the paragraphs of each, slide after slide.

use std::collections::HashMap;

use crate::{
    Budget, Error,
    archive::{Archive, resolve},
    budget::Text,
    charset,
    items::Items,
    xml::{Token, Xml},
};

const FORMAT: &str = "PPTX";
const MAIN: &str = "ppt/presentation.xml";

pub fn read(bytes: &[u8], budget: &Budget) -> Result<String, Error> {
    let mut out = Text::new(budget);
    each(bytes, budget, &mut |slide, _| paragraphs(slide, &mut out, budget))?;
    Ok(out.finish())
}

/// A part per slide; slides are its pages.
pub fn items(bytes: &[u8], out: &mut Items<'_>) -> Result<(), Error> {
    let budget = out.budget;
    each(bytes, budget, &mut |slide, number| {
        let mut text = Text::new(budget);
        paragraphs(slide, &mut text, budget)?;
        out.give(text.finish(), u32::try_from(number).ok())
    })
}

/// Every slide and its number.
fn each(bytes: &[u8], budget: &Budget, take: &mut dyn FnMut(&str, usize) -> Result<(), Error>) -> Result<(), Error> {
    let mut archive = Archive::open(bytes, FORMAT, budget)?;
    let presentation = charset::decode(&archive.get(MAIN)?);
    let relations = relations(&mut archive, budget)?;
    let mut slides = Vec::new();
    let mut xml = Xml::new(&presentation, FORMAT, budget);
    while let Some(token) = xml.next()? {
        if let Token::Open(element) = token
            && element.name() == "sldId"
        {
            // There is an `id` without a prefix too, which says nothing.
            let relation = element.prefixed("id");
            slides.extend(relation.and_then(|id| relations.get(&id)).map(|target| resolve(MAIN, target)));
        }
    }
    for (at, slide) in slides.iter().enumerate() {
        budget.check()?;
        if let Some(slide) = archive.find(slide)? {
            take(&charset::decode(&slide), at + 1)?;
        }
    }
    Ok(())
}

fn relations(archive: &mut Archive<'_>, budget: &Budget) -> Result<HashMap<String, String>, Error> {
    let text = charset::decode(&archive.get("ppt/_rels/presentation.xml.rels")?);
    let mut found = HashMap::new();
    let mut xml = Xml::new(&text, FORMAT, budget);
    while let Some(token) = xml.next()? {
        if let Token::Open(element) = token
            && let (Some(id), Some(target)) = (element.attribute("Id"), element.attribute("Target"))
        {
            found.insert(id, target);
        }
    }
    Ok(found)
}

fn paragraphs(slide: &str, out: &mut Text<'_>, budget: &Budget) -> Result<(), Error> {
    let mut xml = Xml::new(slide, FORMAT, budget);
    let mut line = String::new();
    // Depth inside the paragraph; nothing outside of one.
    let mut inside = 0_usize;
    while let Some(token) = xml.next()? {
        match token {
            Token::Open(element) => match element.name() {
                "p" if inside == 0 => inside = 1,
                "Fallback" => xml.skip()?,
                "t" if inside > 0 => line.push_str(&xml.text()?),
                name => {
                    if name == "br" && inside > 0 {
                        line.push('\n');
                    }
                    inside += usize::from(inside > 0);
                }
            },
            Token::Close if inside > 0 => {
                inside -= 1;
                if inside == 0 {
                    let text = std::mem::take(&mut line);
                    if !text.trim().is_empty() {
                        out.line(text.trim())?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, testing::zipped};

    #[test]
    fn slides_in_their_order() {
        let slide = |lines: &[&str]| {
            let paragraphs: String =
                lines.iter().map(|line| format!("<a:p><a:pPr/><a:r><a:rPr/><a:t>{line}</a:t></a:r></a:p>")).collect();
            format!(
                "<p:sld><p:cSld><p:spTree><p:sp><p:txBody>{paragraphs}<a:p/></p:txBody></p:sp></p:spTree></p:cSld></p:sld>"
            )
        };
        let main = "<p:presentation><p:sldIdLst><p:sldId id='256' r:id='rId3'/><p:sldId id='257' r:id='rId2'/><p:sldId id='258' r:id='rId9'/></p:sldIdLst></p:presentation>";
        let relations = "<Relationships><Relationship Id='rId2' Target='slides/slide1.xml'/><Relationship Id='rId3' Target='/ppt/slides/slide2.xml'/></Relationships>";
        let (first, second) = (slide(&["Second title", "a &lt; b"]), slide(&["First title"]));
        let bytes = zipped(&[
            ("ppt/presentation.xml", main.as_bytes()),
            ("ppt/_rels/presentation.xml.rels", relations.as_bytes()),
            ("ppt/slides/slide1.xml", first.as_bytes()),
            ("ppt/slides/slide2.xml", second.as_bytes()),
        ]);
        let budget = Budget::new(Limits::default());
        assert_eq!(read(&bytes, &budget).unwrap(), "First title\nSecond title\na < b");
        assert!(read(&zipped(&[]), &budget).unwrap_err().to_string().contains("ppt/presentation.xml is missing"));
    }
}
